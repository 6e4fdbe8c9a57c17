"""The findings of the paper, item by item: what each is about, and which curves it compares.

Written down from the paper's text, apart from `srnet.claims`, so that a claim that is missing, is about other tasks or
data sets, or compares with another model is found.
"""

from typing import NamedTuple

ALL = ("nli", "paraphrase", "fact")
NLI, PARAPHRASE, FACT = ("nli",), ("paraphrase",), ("fact",)
UP_TO_70, UP_TO_50, EACH = (0.2, 0.5, 0.7), (0.2, 0.5), (0.2, 0.5, 0.7, 0.9)
DECLINE, HIGHEST, HALF, OPEN = (0.7, 0.9), (0.9,), (0.5,), ()


class Finding(NamedTuple):
    """What a finding is about.

    `datasets` are those of all tasks, "ID" and "OOD" standing for all of a kind; `full` the full models that
    subnetworks are compared with; `levels` the points of the subnetworks' curves, () where they are not sparsities.
    """

    section: str
    item: str
    tasks: tuple[str, ...]
    datasets: str
    subnetworks: tuple[str, ...]
    full: tuple[str, ...]
    levels: tuple[float, ...]


STD, POE = "full bert (std)", "full bert (poe)"
M, MP, I, IP = "mask train (std)", "mask train (poe)", "imp (std)", "imp (poe)"  # noqa: E741
OF_STD = "full bert (std) -> mask train (poe)"
M_STD, M_POE = "mask train (poe) -> ft (std)", "mask train (poe) -> ft (poe)"
I_STD, I_POE = "imp-rw (poe) -> ft (std)", "imp-rw (poe) -> ft (poe)"
FT, PT, PT_FT = "bert-ft subnet", "bert-pt subnet", "bert-pt subnet + ft"
REWEIGHT, CONFREG = "mask train (reweight)", "mask train (confreg)"
RAW, END, MIDDLE = "ft step=0", "ft to end", ""
HARD, SOFT = "fixed, hard", "fixed, soft"
RISING = ("gradual 0.2~0.9", "gradual 0.5~0.9", "gradual 0.7~0.9")
RISING_HARD, RISING_SOFT = "gradual 0.7~0.9, hard", "gradual 0.7~0.9, soft"
G, FULL_6 = "gradual 0.5~0.7", "full (std)"

FINDINGS = (
    Finding("4.2.2", "std (opening)", ALL, "ID OOD", (), (STD,), OPEN),
    Finding("4.2.2", "std (1)", ALL, "ID", (M, MP, I, IP), (STD,), UP_TO_70),
    Finding("4.2.2", "std (2)", ("nli", "paraphrase"), "OOD", (M, I), (STD,), UP_TO_70),
    Finding("4.2.2", "std (3a)", ALL, "OOD", (M, MP, I, IP), (), UP_TO_70),
    Finding("4.2.2", "std (3b)", ALL, "ID", (M, MP, I, IP), (STD,), UP_TO_70),
    Finding("4.2.2", "std (3c)", ALL, "ID OOD", (MP,), (STD,), UP_TO_70),
    Finding("4.2.2", "std (4a)", ALL, "ID OOD", (MP,), (STD,), UP_TO_70),
    Finding("4.2.2", "std (4b)", ALL, "ID OOD", (MP, IP), (STD,), HIGHEST),
    Finding("4.2.2", "std (5a)", PARAPHRASE, "ID OOD", (M, MP, I, IP), (), DECLINE),
    Finding("4.2.2", "std (5b)", PARAPHRASE, "paws-qqp paws-wiki", ("even guess",), (STD,), OPEN),
    Finding("4.2.2", "std (end a)", ALL, "ID OOD", (M, MP, I, IP), (), EACH),
    Finding("4.2.2", "std (end b)", ("paraphrase", "fact"), "ID OOD", (MP, IP), (), HIGHEST),
    Finding("4.2.2", "PoE (1)", ALL, "ID OOD", (), (STD, POE), OPEN),
    Finding("4.2.2", "PoE (2a)", ALL, "ID OOD", (MP, IP), (POE,), EACH),
    Finding("4.2.2", "PoE (2b)", ALL, "ID OOD", (MP, IP), (POE,), UP_TO_70),
    Finding("4.2.2", "PoE (3)", ALL, "ID OOD", (OF_STD, MP), (), EACH),
    Finding("4.2.2", "PoE (4a)", ALL, "ID OOD", (MP, IP), (), UP_TO_70),
    Finding("4.2.2", "PoE (4b)", FACT, "ID OOD", (MP, IP), (), HIGHEST),
    Finding("4.3.2", "(1)", ALL, "OOD", (M_STD,), (STD,), UP_TO_70),
    Finding("4.3.2", "(2)", ALL, "ID OOD", (M_POE, I_POE), (POE,), UP_TO_70),
    Finding("4.3.2", "(3)", ALL, "OOD", (M_STD, M_POE, I_STD, I_POE), (), EACH),
    Finding("4.3.2", "(end)", ALL, "ID OOD", (M_STD, M_POE, I_POE), (STD, POE), UP_TO_70),
    Finding("5", "(opening)", ALL, "ID OOD", (M_STD, M_POE, I_STD, I_POE), (), UP_TO_70),
    Finding("4.4.2", "(1)", ALL, "ID OOD", (M,), (STD,), UP_TO_50),
    Finding("4.4.2", "(2)", ALL, "ID OOD", (MP,), (STD, POE), UP_TO_50),
    Finding("4.4.2", "(3a)", ("paraphrase", "fact"), "ID OOD paws-qqp paws-wiki", (MP, OF_STD), (), UP_TO_70),
    Finding("4.4.2", "(3b)", ALL, "ID OOD", (MP, OF_STD), (), EACH),
    Finding("4.5.2", "(1)", NLI, "ID OOD", (FT,), (STD,), UP_TO_70),
    Finding("4.5.2", "(2a)", NLI, "OOD", (PT,), (), UP_TO_70),
    Finding("4.5.2", "(2b)", NLI, "ID", (FT, PT), (), UP_TO_70),
    Finding("4.5.2", "(3a)", NLI, "ID OOD", (FT, PT, PT_FT), (), UP_TO_70),
    Finding("4.5.2", "(3b)", NLI, "OOD", (PT_FT,), (STD,), UP_TO_70),
    Finding("4.5.2", "(3c)", NLI, "OOD", (PT_FT,), (), HALF),
    Finding("5.1", "(a)", NLI, "ID OOD", (RAW, END), (), OPEN),
    Finding("5.1", "(b)", NLI, "ID OOD hans mnli-m", (RAW, END), (), OPEN),
    Finding("5.1", "(c)", NLI, "ID OOD", (MIDDLE, END), (), OPEN),
    Finding("5.1", "(d)", NLI, "ID OOD", (MIDDLE, END), (), OPEN),
    Finding("5.2", "(opening)", ALL, "ID OOD", (M, MP, I, IP, M_STD, M_POE, I_STD, I_POE), (), DECLINE),
    Finding("5.2", "(1)", ALL, "ID OOD", ("fixed",), (), OPEN),
    Finding("5.2", "(2)", ALL, "ID OOD", ("fixed", "gradual"), (), OPEN),
    Finding("5.2", "(3)", ALL, "ID OOD", ("fixed", "gradual"), (), OPEN),
    Finding("5.2", "(4)", PARAPHRASE, "ID paws-qqp paws-wiki", ("fixed", "gradual"), (), OPEN),
    Finding("B.1", "(1)", PARAPHRASE, "paws-qqp", ("always duplicate", "always non-duplicate"), (), OPEN),
    Finding("B.3.3", "fine-tuned", ALL, "ID OOD", ("mask train (poe), 20 %",), (), OPEN),
    Finding("B.3.3", "gradual", ALL, "ID OOD", (RISING_HARD, RISING_SOFT), (), OPEN),
    Finding("C.1", "(1)", ALL, "OOD", (MP, REWEIGHT, CONFREG), (STD,), EACH),
    Finding("C.1", "(2a)", ALL, "OOD", (MP, REWEIGHT, CONFREG), (STD,), UP_TO_70),
    Finding("C.1", "(2b)", ALL, "ID", (MP, REWEIGHT, CONFREG), (), UP_TO_70),
    Finding("C.2", "(1)", ("paraphrase", "fact"), "ID OOD", (FT, PT, PT_FT), (STD,), UP_TO_70),
    Finding("C.2", "(2)", ("paraphrase", "fact"), "ID paws-qqp paws-wiki sym1", (FT,), (STD,), UP_TO_70),
    Finding("C.2", "(3)", FACT, "sym1 sym2", (FT,), (STD,), UP_TO_70),
    Finding("C.3", "QQP", PARAPHRASE, "ID OOD", (MIDDLE, END), (), OPEN),
    Finding("C.3", "FEVER", FACT, "ID OOD", (MIDDLE, END), (), OPEN),
    Finding("C.3", "caption", ALL, "ID OOD", (MP, OF_STD), (), EACH),
    Finding("C.4", "(1)", ("paraphrase", "fact"), "ID OOD qqp", (HARD, SOFT), (), HIGHEST),
    Finding("C.4", "(2a)", ALL, "ID OOD", (SOFT, *RISING), (), HIGHEST),
    Finding("C.4", "(2b)", ALL, "ID OOD qqp paws-wiki", (HARD, SOFT, *RISING), (), HIGHEST),
    Finding("C.5", "RoBERTa-base (1)", NLI, "ID OOD", (MP,), (FULL_6,), HALF),
    Finding("C.5", "RoBERTa-base (2a)", NLI, "ID OOD", (MP,), (FULL_6,), (0.7,)),
    Finding("C.5", "RoBERTa-base (2b)", NLI, "ID OOD", (MP, G), (), (0.7,)),
    Finding("C.5", "BERT-large (1)", NLI, "ID OOD", (MP,), (FULL_6,), HALF),
    Finding("C.5", "BERT-large (2)", NLI, "ID OOD", (MP, G), (), (0.7,)),
    Finding("C.5", "BERT-large (3)", NLI, "ID OOD", (MP, G), (), (0.7,)),
)
