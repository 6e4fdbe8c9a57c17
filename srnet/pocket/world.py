"""How large the generated data sets are and how strong their biases."""

from dataclasses import dataclass, fields
from random import Random

from srnet.errors import InputError


@dataclass(frozen=True)
class World:
    """The settings of the pocket world; the defaults are those of the study.

    Attributes:
        seed: of everything drawn.
        train: number of training examples.
        dev: number of examples of the in-distribution development set.
        test: number of examples of each out-of-distribution test set (where they come in fours, rounded down).
        high_overlap_negatives: share of the non-entailed training (and dev) pairs whose hypothesis words are all in
            the premise; they alone contradict the bias.
        low_overlap_entailments: share of the entailed pairs whose hypothesis has words that the premise lacks.
        suppositions: share of the other neutral pairs whose premise supposes what the hypothesis says ("if ..."); the
            fewer, the more the model relies on overlap where a clause of the premise is only supposed.
        high_overlap_non_duplicates: share of the non-duplicate training (and dev) pairs whose second sentence has no
            word that the first lacks; they alone contradict the bias.
        low_overlap_duplicates: share of the duplicates whose second sentence has words that the first lacks.
        giveaways: share of the training (and dev) claims with an adverb that is typical of their class; the others
            have one that is typical of another class.
        hard_refutes: share of the refuted training (and dev) claims whose evidence exchanges roles.
        distractions: share of the evidence, in all of the task's data sets, that tells something else as well.

    Raises:
        InputError: if a size is below 12 (one example for each heuristic, label and class) or a share outside [0, 1].
    """

    seed: int = 0
    train: int = 8000
    dev: int = 600
    test: int = 1200
    high_overlap_negatives: float = 0.03
    low_overlap_entailments: float = 0.15
    suppositions: float = 0.1
    high_overlap_non_duplicates: float = 0.1
    low_overlap_duplicates: float = 0.4
    giveaways: float = 0.85
    hard_refutes: float = 0.2
    distractions: float = 0.3

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name == "seed":
                continue
            if field.type is int and not value >= 12:
                raise InputError(f"pocket world, field {field.name}: {value} examples are too few; give 12 or more")
            if field.type is float and not 0 <= value <= 1:
                raise InputError(f"pocket world, field {field.name}: {value} is not a share; give one from 0 to 1")

    def random(self, split: str) -> Random:
        """Return the generator of random numbers for one split, the same on every machine."""
        return Random(f"pocket/{self.seed}/{split}")
