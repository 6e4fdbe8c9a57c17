"""The numbers that the paper and its supplement print, to stand beside ours.

Tables 1 to 6 are the supplement's. For the figures the paper prints no values. All are of real text, and of BERT-base
but for Table 6: beside results of the pocket world they tell a direction, not a size.

Scores and class shares are in per cent, as printed; sparsities and shares of other things are in [0, 1]. Tasks, data
sets and classes have the names of `srnet.data.tasks`; splits are those of Table 1.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple


class Score(NamedTuple):
    """A score in per cent: accuracy, or for paraphrases weighted F1 (Appendix B.1)."""

    mean: float
    """Over the runs."""
    std: float
    """Standard deviation over the runs."""


@dataclass(frozen=True)
class TrainingSetup:
    """How models of one task are trained (Table 3; the epochs are those of Appendices B.3.2 and B.3.3).

    Attributes:
        full_epochs: of the full model with cross-entropy or reweighting.
        debiased_epochs: of the full model with PoE or confidence regularisation.
        mask_epochs: of mask training.
        imp_epochs: of iterative magnitude pruning.
        lr: learning rate.
        batch_size: examples per step.
        max_length: tokens per pair.
        eval_interval: steps between two evaluations.
        eval_metric: of the ID development set, as printed; F1 is the weighted one.
        optimizer: its name.
    """

    full_epochs: int
    debiased_epochs: int
    mask_epochs: int
    imp_epochs: int
    lr: float
    batch_size: int
    max_length: int
    eval_interval: int
    eval_metric: str
    optimizer: str


@dataclass(frozen=True)
class PruningSetup:
    """How subnetworks are searched unless said otherwise (Table 4).

    Attributes:
        mask_init: initialisation of the real-valued mask.
        sparsity_schedule: s is the target sparsity.
        phi: threshold of the hard initialisation.
        alpha: remaining weights start at α·φ.
        delta_t_phi: steps between two updates of the threshold: `TrainingSetup.eval_interval`.
        delta_s: share of the weights that IMP removes at a time.
        delta_t: steps between two removals, as a share of t_max.
    """

    mask_init: str
    sparsity_schedule: str
    phi: float
    alpha: float
    delta_t_phi: str
    delta_s: float
    delta_t: float


@dataclass(frozen=True)
class Start:
    """From where in fine-tuning a mask search comes out as from its end, and at what sparsity that was tried.

    Attributes:
        steps: of fine-tuning with cross-entropy.
        share: of all its steps, as printed.
        sparsity: of the mask (captions of Figure 7 and of the supplement's Figure 3).
    """

    steps: int
    share: float
    sparsity: float


TABLE_1: Mapping[tuple[str, str], int] = {
    ("mnli-m", "train"): 392_702,
    ("mnli-m", "dev"): 9_815,
    ("hans", "train"): 30_000,
    ("hans", "dev"): 30_000,
    ("qqp", "train"): 363_849,
    ("qqp", "dev"): 40_432,
    ("paws-qqp", "train"): 11_988,
    ("paws-qqp", "dev"): 677,
    ("paws-wiki", "train"): 49_401,
    ("paws-wiki", "dev"): 8_000,
    ("paws-wiki", "test"): 8_000,
    ("fever", "train"): 242_911,
    ("fever", "dev"): 16_664,
    ("sym1", "test"): 717,
    ("sym2", "dev"): 708,
    ("sym2", "test"): 712,
}
"""Number of examples by data set and split (Table 1)."""

EVALUATED: Mapping[str, str] = {
    "mnli-m": "dev",
    "hans": "dev",
    "qqp": "dev",
    "paws-qqp": "dev",
    "paws-wiki": "test",
    "fever": "dev",
    "sym1": "test",
    "sym2": "test",
}
"""The split of each data set that results are reported on (Table 1, Appendix B.1)."""

TABLE_2: Mapping[tuple[str, str], Mapping[str, float]] = {
    ("mnli-m", "train"): {"entailment": 33.3, "contradiction": 33.3, "neutral": 33.3},
    ("mnli-m", "dev"): {"entailment": 35.4, "contradiction": 32.7, "neutral": 31.8},
    ("hans", "train"): {"entailment": 50.0, "contradiction": 50.0, "neutral": 0.0},
    ("hans", "dev"): {"entailment": 50.0, "contradiction": 50.0, "neutral": 0.0},
    ("qqp", "train"): {"duplicate": 36.9, "non-duplicate": 63.1},
    ("qqp", "dev"): {"duplicate": 36.8, "non-duplicate": 63.2},
    ("paws-qqp", "train"): {"duplicate": 31.5, "non-duplicate": 68.5},
    ("paws-qqp", "dev"): {"duplicate": 28.2, "non-duplicate": 71.8},
    ("paws-wiki", "train"): {"duplicate": 44.2, "non-duplicate": 55.8},
    ("paws-wiki", "test"): {"duplicate": 44.2, "non-duplicate": 55.8},
    ("fever", "train"): {"SUPPORTS": 41.4, "REFUTES": 17.2, "NOT ENOUGH INFO": 41.4},
    ("fever", "dev"): {"SUPPORTS": 47.9, "REFUTES": 52.1, "NOT ENOUGH INFO": 0.0},
    ("sym1", "test"): {"SUPPORTS": 52.9, "REFUTES": 47.1, "NOT ENOUGH INFO": 0.0},
    ("sym2", "test"): {"SUPPORTS": 50.0, "REFUTES": 50.0, "NOT ENOUGH INFO": 0.0},
}
"""Per cent of the examples in each class, by data set and split, of training sets and those evaluated (Table 2).

Classes are those of the task: HANS's non-entailment stands as contradiction.
"""

TABLE_3: Mapping[str, TrainingSetup] = {
    "nli": TrainingSetup(
        full_epochs=3,
        debiased_epochs=5,
        mask_epochs=5,
        imp_epochs=5,
        lr=5e-5,
        batch_size=32,
        max_length=128,
        eval_interval=1_000,
        eval_metric="Acc",
        optimizer="AdamW",
    ),
    "paraphrase": TrainingSetup(
        full_epochs=3,
        debiased_epochs=3,
        mask_epochs=7,
        imp_epochs=7,
        lr=2e-5,
        batch_size=32,
        max_length=128,
        eval_interval=1_000,
        eval_metric="F1",
        optimizer="AdamW",
    ),
    "fact": TrainingSetup(
        full_epochs=3,
        debiased_epochs=3,
        mask_epochs=7,
        imp_epochs=7,
        lr=2e-5,
        batch_size=32,
        max_length=128,
        eval_interval=500,
        eval_metric="Acc",
        optimizer="AdamW",
    ),
}
"""Hyper-parameters of training by task (Table 3)."""

TABLE_4 = PruningSetup(
    mask_init="magnitude (hard)",
    sparsity_schedule="fixed to s",
    phi=0.01,
    alpha=2,
    delta_t_phi="equal to Eval Interval",
    delta_s=0.1,
    delta_t=0.1,
)
"""Hyper-parameters of mask training and IMP (Table 4)."""

TABLE_5: Mapping[str, Mapping[str, Score]] = {
    "fixed hard": {
        "mnli-m": Score(72.09, 0.92),
        "hans": Score(52.56, 0.92),
        "qqp": Score(71.64, 1.85),
        "paws-qqp": Score(55.70, 1.92),
        "paws-wiki": Score(49.59, 1.84),
        "fever": Score(49.56, 5.09),
        "sym1": Score(27.45, 2.94),
        "sym2": Score(29.75, 1.40),
    },
    "fixed soft": {
        "mnli-m": Score(72.63, 0.31),
        "hans": Score(52.82, 0.47),
        "qqp": Score(77.08, 0.66),
        "paws-qqp": Score(46.48, 3.55),
        "paws-wiki": Score(49.38, 0.98),
        "fever": Score(72.80, 0.95),
        "sym1": Score(46.67, 0.73),
        "sym2": Score(52.33, 0.75),
    },
    "gradual 0.2~0.9": {
        "mnli-m": Score(73.61, 0.28),
        "hans": Score(53.90, 0.87),
        "qqp": Score(75.79, 0.39),
        "paws-qqp": Score(51.57, 0.69),
        "paws-wiki": Score(47.94, 0.98),
        "fever": Score(73.53, 1.36),
        "sym1": Score(46.47, 1.66),
        "sym2": Score(52.42, 1.39),
    },
    "gradual 0.5~0.9": {
        "mnli-m": Score(75.06, 0.31),
        "hans": Score(54.99, 1.28),
        "qqp": Score(77.54, 0.47),
        "paws-qqp": Score(50.92, 0.97),
        "paws-wiki": Score(48.86, 0.89),
        "fever": Score(77.01, 0.43),
        "sym1": Score(49.87, 0.95),
        "sym2": Score(56.57, 0.22),
    },
    "gradual 0.7~0.9": {
        "mnli-m": Score(76.84, 0.46),
        "hans": Score(56.72, 0.75),
        "qqp": Score(79.49, 0.58),
        "paws-qqp": Score(46.59, 1.81),
        "paws-wiki": Score(51.15, 0.73),
        "fever": Score(79.01, 0.68),
        "sym1": Score(51.74, 0.71),
        "sym2": Score(58.17, 0.33),
    },
}
"""Ablation of rising sparsity, by row and data set (Table 5, Appendix C.4); all gradual rows start soft."""

TABLE_5_SPARSITY = 0.9
"""Final sparsity of all rows of Table 5."""

TABLE_5_EPOCHS: Mapping[str, int] = {"nli": 3, "paraphrase": 5, "fact": 5}
"""Epochs of mask training of Table 5, by task; fewer than elsewhere (Appendix B.3.3)."""

TABLE_6: Mapping[str, Mapping[str, Mapping[str, Score]]] = {
    "roberta-base": {
        "full std": {"mnli-m": Score(87.14, 0.21), "hans": Score(68.33, 0.88)},
        "full poe": {"mnli-m": Score(86.56, 0.18), "hans": Score(76.15, 1.35)},
        "mask train 0.5": {"mnli-m": Score(85.40, 0.14), "hans": Score(75.17, 0.55)},
        "mask train 0.7": {"mnli-m": Score(83.48, 0.29), "hans": Score(68.63, 1.33)},
        "mask train 0.5~0.7": {"mnli-m": Score(84.41, 0.15), "hans": Score(71.95, 1.23)},
    },
    "bert-large": {
        "full std": {"mnli-m": Score(86.84, 0.13), "hans": Score(69.44, 2.39)},
        "full poe": {"mnli-m": Score(86.25, 0.17), "hans": Score(76.27, 1.55)},
        "mask train 0.5": {"mnli-m": Score(85.47, 0.28), "hans": Score(75.40, 0.64)},
        "mask train 0.7": {"mnli-m": Score(77.54, 6.10), "hans": Score(60.19, 7.56)},
        "mask train 0.5~0.7": {"mnli-m": Score(84.83, 0.26), "hans": Score(70.18, 2.24)},
    },
}
"""Other pre-trained models on NLI, by model, row and data set (Table 6, Appendix C.5).

Masks are trained with PoE on the model fine-tuned with cross-entropy; 0.5~0.7 is rising sparsity.
"""

PARAMETERS = 110_000_000
"""Parameters of BERT-base, roughly (Section 4.1.2)."""

PRUNED_PARAMETERS = 84_000_000
"""Parameters in BERT-base's Transformer layers, roughly, of which sparsity is a share (Section 4.1.2)."""

RUNS = 4
"""Runs that every result is the mean of (Section 4.1.3)."""

KEPT = 0.95
"""Share of the full model's ID score that each of four pruning methods keeps (Section 4.2.2, item 1)."""

KEPT_UP_TO = 0.7
"""Sparsity up to which `KEPT` holds (Section 4.2.2, item 1)."""

SRNET_SPARSITIES = (0.2, 0.7)
"""Lowest and highest sparsity at which SRNets are found in fine-tuned BERT (Section 4.2.2, item 4)."""

RAW_UP_TO = 0.5
"""Sparsity below which raw BERT has subnetworks as good as the full models (Section 4.4.2; E.1 counts 50 % in)."""

UNBIASED_HANS = 100.0
"""Accuracy on HANS nearly reached by fine-tuned BERT's masks of ID and OOD data, 20 to 70 % (Section 4.5.2, item 1)."""

UNBIASED_FINE_TUNED_HANS = 90.0
"""Accuracy on HANS nearly reached by such a mask, put on raw BERT and fine-tuned, at 50 % (Section 4.5.2, item 3)."""

STARTS: Mapping[str, Start] = {
    "nli": Start(20_000, 0.55, 0.7),
    "paraphrase": Start(15_000, 0.44, 0.7),
    "fact": Start(10_000, 0.44, 0.9),
}
"""When the search can start, by task (Section 5.1 for NLI, Appendix C.3 for the others)."""

CONSTANT_ANSWERS: Mapping[str, float] = {"duplicate": 28.2, "non-duplicate": 71.8}
"""Accuracy on PAWS-QQP of giving every example this class (Appendix B.1)."""

SYM2_OOD_EXAMPLES = 708
"""Different OOD training examples of fact verification, which may be too few (Appendix C.2)."""

TABLE_5_WON = 7
"""Data sets, of eight, on which rising from 0.7 to 0.9 is the best row of Table 5 (Appendix C.4)."""

ROBERTA_GAINS: Mapping[str, float] = {"hans": 6.84, "mnli-m": -1.74}
"""What a mask at 50 % changes against full RoBERTa-base (std), in points by data set (Appendix C.5)."""
