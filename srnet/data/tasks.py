"""Tasks: their classes, the formats of their official files, and where each file lies.

The data sets are those of Section 4.1 and Appendix B of the paper, in the official code's folders.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from srnet.data.formats import Format, JsonLines, Table
from srnet.errors import InputError

NLI_LABELS = ("entailment", "neutral", "contradiction")
HANS_LABELS = ("entailment", "non-entailment")
HANS_HEURISTICS = ("lexical_overlap", "subsequence", "constituent")
PARAPHRASE_LABELS = ("non-duplicate", "duplicate")
FACT_LABELS = ("SUPPORTS", "REFUTES", "NOT ENOUGH INFO")
SYMMETRIC_LABELS = FACT_LABELS[:2]

MNLI = Table(
    classes=NLI_LABELS,
    premise="sentence1",
    hypothesis="sentence2",
    label="gold_label",
    columns=(
        *("index", "promptID", "pairID", "genre", "sentence1_binary_parse", "sentence2_binary_parse"),
        *("sentence1_parse", "sentence2_parse", "sentence1", "sentence2", "label1", "gold_label"),
    ),
)
"""MNLI (Williams et al., 2018) as in GLUE; other columns of training and dev files differ. No sentence is empty."""

HANS = Table(
    classes=HANS_LABELS,
    premise="sentence1",
    hypothesis="sentence2",
    label="gold_label",
    subset="heuristic",
    subsets=HANS_HEURISTICS,
    columns=(
        *("gold_label", "sentence1_binary_parse", "sentence2_binary_parse", "sentence1_parse", "sentence2_parse"),
        *("sentence1", "sentence2", "pairID", "heuristic", "subcase", "template"),
    ),
)
"""HANS (McCoy et al., 2019), training or evaluation set, with the heuristic as subset. It is generated from templates:
no sentence is empty."""

HANS_TRAIN = replace(HANS, classes=NLI_LABELS, names={"entailment": "entailment", "non-entailment": "contradiction"})
"""HANS as training examples of NLI: non-entailment is a contradiction (Table 2 of the supplement), none is neutral."""

QQP = Table(
    classes=PARAPHRASE_LABELS,
    premise="question1",
    hypothesis="question2",
    label="is_duplicate",
    names={"0": "non-duplicate", "1": "duplicate"},
    may_be_empty=("question1", "question2"),
    columns=("id", "qid1", "qid2", "question1", "question2", "is_duplicate"),
)
"""Quora question pairs as in GLUE. A question may be empty: the official training set has such pairs. In
GLUE's first release some questions are broken over lines, which is an error here: take the later one, "QQP-clean"."""

PAWS = Table(
    classes=PARAPHRASE_LABELS,
    premise="sentence1",
    hypothesis="sentence2",
    label="label",
    names={"0": "non-duplicate", "1": "duplicate"},
    bytes_literals=True,
    columns=("id", "sentence1", "sentence2", "label"),
)
"""PAWS-QQP and PAWS-Wiki (Zhang et al., 2019). Under Python 3 the script that makes PAWS-QQP writes sentences as
`b'...'` or `b"..."`. A cell is decoded if it is a Python `bytes` literal as a whole, with no escapes but those that
Python itself writes; any other cell that begins with `b'` is a sentence like all others. The script leaves out empty
sentences: none is empty."""

FEVER = JsonLines(
    classes=FACT_LABELS, premise="evidence", hypothesis="claim", label="gold_label", may_be_empty=("evidence",)
)
"""FEVER (Thorne et al., 2018) as processed by Schuster et al. (2019). Evidence may be empty: that of NOT ENOUGH INFO is
retrieved, and nothing may have been found. A claim may not."""

SYMMETRIC_1 = JsonLines(
    classes=SYMMETRIC_LABELS,
    premise="evidence_sentence",
    hypothesis="claim",
    label="label",
    other_names=("evidence", "claim", "gold_label"),
)
"""FEVER-Symmetric v0.1 (Schuster et al., 2019). A file with v0.2's field names is read as well. No text is empty: each
evidence was written to support or refute a claim."""

SYMMETRIC_2 = replace(
    SYMMETRIC_1,
    premise="evidence",
    label="gold_label",
    other_names=(SYMMETRIC_1.premise, SYMMETRIC_1.hypothesis, SYMMETRIC_1.label),
)
"""FEVER-Symmetric v0.2: as v0.1, under other field names and with further fields."""

SYMMETRIC_TRAIN = replace(SYMMETRIC_2, classes=FACT_LABELS, names={name: name for name in SYMMETRIC_LABELS})
"""FEVER-Symmetric v0.2 as training examples of fact verification: none is NOT ENOUGH INFO."""


@dataclass(frozen=True)
class Source:
    """A data set's official file.

    Attributes:
        file: path in the data folder.
        format: how it is read and written.
        copies: how often the examples are trained on.
    """

    file: str
    format: Format
    copies: int = 1


@dataclass(frozen=True)
class Task:
    """What is known of a task before any text is read.

    Attributes:
        name: short name, used in keys and on the command line.
        title: name for figures and tables.
        labels: names of the classes a model of this task predicts, in the order of its logits.
        dev_name: data-set id of the ID development set.
        train: source of the ID training set.
        dev: source of the ID development set.
        ood: sources of the OOD test sets by data-set id.
        ood_train: sources of the OOD training examples by data-set id (Appendix B.3.3).
        metric: the headline score: "accuracy", or "weighted_f1" (Section 4.1).
        bias: the spurious features of Appendix B.3.1: those of a "pair" of sentences, or of the "claim" alone.
    """

    name: str
    title: str
    labels: tuple[str, ...]
    dev_name: str
    train: Source
    dev: Source
    ood: Mapping[str, Source]
    ood_train: Mapping[str, Source]
    metric: str = "accuracy"
    bias: str = "pair"

    @property
    def files(self) -> tuple[str, ...]:
        """The task's official files in the data folder: training, development, OOD, OOD training."""
        return tuple(source.file for _, source in self.sources)

    @property
    def sources(self) -> tuple[tuple[str, Source], ...]:
        """Title and source of every data set, in the order of `files`."""
        id_sets = ((f"{self.dev_name} training set", self.train), (self.dev_name, self.dev))
        training = ((f"{name} training set", source) for name, source in self.ood_train.items())
        return (*id_sets, *self.ood.items(), *training)


TASKS: Mapping[str, Task] = {
    "nli": Task(
        name="nli",
        title="Natural language inference",
        labels=NLI_LABELS,
        dev_name="mnli-m",
        train=Source("MNLI/train.tsv", MNLI),
        dev=Source("MNLI/dev_matched.tsv", MNLI),
        ood={"hans": Source("MNLI/hans/heuristics_evaluation_set.txt", HANS)},
        ood_train={"hans": Source("MNLI/hans/heuristics_train_set.txt", HANS_TRAIN)},
    ),
    "paraphrase": Task(
        name="paraphrase",
        title="Paraphrase identification",
        labels=PARAPHRASE_LABELS,
        dev_name="qqp",
        train=Source("QQP/train.tsv", QQP),
        dev=Source("QQP/dev.tsv", QQP),
        ood={
            "paws-qqp": Source("QQP/paws_qqp/dev_and_test.tsv", PAWS),
            "paws-wiki": Source("QQP/paws_wiki/test.tsv", PAWS),
        },
        ood_train={
            "paws-qqp": Source("QQP/paws_qqp/train.tsv", replace(PAWS, origin="paws-qqp")),
            "paws-wiki": Source("QQP/paws_wiki/train.tsv", replace(PAWS, origin="paws-wiki")),
        },
        metric="weighted_f1",
    ),
    "fact": Task(
        name="fact",
        title="Fact verification",
        labels=FACT_LABELS,
        dev_name="fever",
        train=Source("fever/fever.train.jsonl", FEVER),
        dev=Source("fever/fever.dev.jsonl", FEVER),
        ood={
            "sym1": Source("fever/sym1/test.jsonl", SYMMETRIC_1),
            "sym2": Source("fever/sym2/test.jsonl", SYMMETRIC_2),
        },
        ood_train={"sym2": Source("fever/sym2/dev.jsonl", SYMMETRIC_TRAIN, copies=10)},
        bias="claim",
    ),
}


DATASETS: Mapping[str, str] = {
    "mnli-m": "MNLI-m",
    "hans": "HANS",
    "qqp": "QQP",
    "paws-qqp": "PAWS-QQP",
    "paws-wiki": "PAWS-Wiki",
    "fever": "FEVER",
    "sym1": "FEVER-Symm. v1",
    "sym2": "FEVER-Symm. v2",
}
"""Names of the evaluated data sets for people, by data-set id."""


def find_task(name: str) -> Task:
    """Return the task of that name.

    Raises:
        InputError: there is none.
    """
    if not isinstance(name, str) or name not in TASKS:
        raise InputError(f"unknown task {name!r}; known are {', '.join(TASKS)}")
    return TASKS[name]
