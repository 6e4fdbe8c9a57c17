"""The paper's findings in few words, for pictures: `srnet.claims.CLAIMS` has them in full."""

from collections.abc import Mapping

TOPICS: Mapping[str, str] = {
    "4.2.2 std": "in BERT fine-tuned with cross-entropy",
    "4.2.2 PoE": "in BERT fine-tuned with the debiasing loss",
    "4.3.2": "in isolation",
    "5": "mask training or imp",
    "4.4.2": "without fine-tuning",
    "4.5.2": "with OOD training data",
    "5.1": "when to start",
    "5.2": "at high sparsity",
    "C.3": "when to start, all tasks",
    "B.1": "guessing",
    "B.3.3": "how masks train",
    "C.1": "other losses",
    "C.2": "with OOD training data, other tasks",
    "C.4": "ablation",
    "C.5 RoBERTa-base": "another model",
    "C.5 BERT-large": "a larger model",
}
"""What each part of the paper is about."""

WORDS: Mapping[tuple[str, str], str] = {
    ("4.2.2", "std (opening)"): "full bert: good ID, far worse OOD",
    ("4.2.2", "std (1)"): "ID nearly kept, whichever method prunes",
    ("4.2.2", "std (2)"): "std pruning alone: OOD a little better",
    ("4.2.2", "std (3a)"): "poe pruning: OOD better still",
    ("4.2.2", "std (3b)"): "poe costs a little ID, which is kept",
    ("4.2.2", "std (3c)"): "SRNets exist in the fine-tuned BERT",
    ("4.2.2", "std (4a)"): "SRNets over a wide range of sparsity",
    ("4.2.2", "std (4b)"): "no SRNets at 90 %",
    ("4.2.2", "std (5a)"): "PAWS up from 70 to 90 %, QQP collapses",
    ("4.2.2", "std (5b)"): "PAWS: guessing beats the full model",
    ("4.2.2", "std (end a)"): "mask training in general above imp",
    ("4.2.2", "std (end b)"): "poe at 90 %: imp ahead on QQP and FEVER",
    ("4.2.2", "PoE (1)"): "full model: OOD clearly up, ID a little down",
    ("4.2.2", "PoE (2a)"): "subnetworks no better than all of it",
    ("4.2.2", "PoE (2b)"): "about as good up to medium sparsity",
    ("4.2.2", "PoE (3)"): "no need to debias the full model first",
    ("4.2.2", "PoE (4a)"): "imp slightly behind mask training",
    ("4.2.2", "PoE (4b)"): "imp ahead at 90 %",
    ("4.3.2", "(1)"): "poe masks, ft (std): OOD above the full model",
    ("4.3.2", "(2)"): "poe masks, ft (poe): as good as the full model",
    ("4.3.2", "(3)"): "ft (poe) mostly clearly above ft (std) OOD",
    ("4.3.2", "(end)"): "SRNets exist in the pre-trained BERT",
    ("5", "(opening)"): "mask training generally better in isolation",
    ("4.4.2", "(1)"): "std masks, half of weights: as good as full bert",
    ("4.4.2", "(2)"): "poe masks: as good as the debiased full bert",
    ("4.4.2", "(3a)"): "in some cases as good as in fine-tuned BERT",
    ("4.4.2", "(3b)"): "overall, those of fine-tuned BERT are better",
    ("4.5.2", "(1)"): "in fine-tuned BERT: HANS nearly perfect",
    ("4.5.2", "(2a)"): "in pre-trained BERT: very good on HANS",
    ("4.5.2", "(2b)"): "there worse ID than in fine-tuned BERT",
    ("4.5.2", "(3a)"): "masks, then ft: best ID, worst OOD",
    ("4.5.2", "(3b)"): "masks, then ft: far less biased than full",
    ("4.5.2", "(3c)"): "masks, then ft: at 50 % very good on HANS",
    ("5.1", "(a)"): "slower from the pre-trained BERT",
    ("5.1", "(b)"): "from there ends lower, more so on HANS",
    ("5.1", "(c)"): "from mid fine-tuning ends about as high",
    ("5.1", "(d)"): "much of fine-tuning can be saved",
    ("5.2", "(opening)"): "sharp decline from 70 to 90 %",
    ("5.2", "(1)"): "at 90 %, longer mask training helps",
    ("5.2", "(2)"): "rising sparsity better after equal epochs",
    ("5.2", "(3)"): "rising sparsity better after fewer epochs",
    ("5.2", "(4)"): "PAWS an exception: fixed, QQP far lower",
    ("C.3", "QQP"): "an earlier start ends about as high",
    ("C.3", "FEVER"): "an earlier start ends about as high, at 90 %",
    ("C.3", "caption"): "tried where fine-tuning first gains most",
    ("B.1", "(1)"): "PAWS-QQP: all-non-duplicate far more accurate",
    ("B.3.3", "fine-tuned"): "poe, low sparsity: OOD rises, ID dips",
    ("B.3.3", "gradual"): "rising sparsity: hard masks train badly",
    ("C.1", "(1)"): "any debiasing loss: OOD almost always up",
    ("C.1", "(2a)"): "confreg gains only little OOD",
    ("C.1", "(2b)"): "confreg keeps more ID than the others",
    ("C.2", "(1)"): "the three ways compare as in NLI",
    ("C.2", "(2)"): "OOD far less behind ID than in full bert",
    ("C.2", "(3)"): "FEVER-Symm. v2 an exception",
    ("C.4", "(1)"): "fixed 90 %: soft start clearly better",
    ("C.4", "(2a)"): "rising sparsity better still",
    ("C.4", "(2b)"): "rising from 70 % best of all",
    ("C.5", "RoBERTa-base (1)"): "half: HANS far better, ID little worse",
    ("C.5", "RoBERTa-base (2a)"): "fixed 70 %: poor ID, HANS no better",
    ("C.5", "RoBERTa-base (2b)"): "rising sparsity better at 70 %",
    ("C.5", "BERT-large (1)"): "SRNets of half of its weights exist",
    ("C.5", "BERT-large (2)"): "rising sparsity better at 70 %",
    ("C.5", "BERT-large (3)"): "fixed 70 % varies much, rising little",
}
"""Each finding, by section and item: shorter than it deserves, as a reminder of the text that the claim has."""


def part_and_mark(section: str, item: str) -> tuple[str, str]:
    """Return the part of the paper that a finding is in, and its number there.

    Of "4.2.2" and "std (end a)" they are "4.2.2 std" and "ea": of words in place of numbers stand the first letters.
    """
    paragraph, bracket, number = item.rstrip(")").rpartition("(")
    part = f"{section} {paragraph}".strip() if bracket else section
    return part, "".join(word if word[0].isdigit() else word[0] for word in number.split())
