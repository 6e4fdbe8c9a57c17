"""The official formats of the data sets of Section 4.1, and their classes."""

from dataclasses import replace

from srnet.readers import JsonLines, Table

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
"""HANS as training examples of NLI: the official code makes non-entailment a contradiction, none is neutral."""

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
