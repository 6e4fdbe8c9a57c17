"""Findings of Section 4.2.2: subnetworks of fine-tuned BERT (Figures 2 and 3)."""

from srnet.claims.claim import lettered
from srnet.claims.measures import ID, OOD, Line, comparable, exceeds, keeps, reaches, robust

MEDIUM = (0.5, 0.7)

FIGURE_2, FIGURE_3 = ("figure-2",), ("figure-3",)
FULL, FULL_POE = Line(FIGURE_2, "full bert (std)"), Line(FIGURE_2, "full bert (poe)")
MASK, MASK_POE = Line(FIGURE_2, "mask train (std)"), Line(FIGURE_2, "mask train (poe)")
_IMP, _IMP_POE = Line(FIGURE_2, "imp (std)"), Line(FIGURE_2, "imp (poe)")
_FULL_3, _DEBIASED = Line(FIGURE_3, "full bert (std)"), Line(FIGURE_3, "full bert (poe)")
_MASK_3, _IMP_3 = Line(FIGURE_3, "mask train (poe)"), Line(FIGURE_3, "imp (poe)")
_FROM_BIASED = Line(FIGURE_3, "full bert (std) -> mask train (poe)")

CLAIMS = lettered(
    "4.2.2",
    (
        "Subnetworks of a BERT fine-tuned with cross-entropy keep its in-distribution score up to medium sparsity.",
        keeps(MASK.at(*MEDIUM), FULL),
    ),
    (
        "Iterative magnitude pruning keeps it at half the weights too.",
        keeps(_IMP.at(0.5), FULL),
    ),
    (
        "Mask training with the standard loss alone already makes the model generalise slightly better out of "
        "distribution.",
        exceeds(MASK.at(*MEDIUM), FULL, OOD),
    ),
    (
        "So does iterative magnitude pruning with the standard loss.",
        exceeds(_IMP.at(*MEDIUM), FULL, OOD),
    ),
    (
        "With a debiasing loss in the search for the mask, subnetworks of the biased model are clearly more robust.",
        exceeds(MASK_POE.at(*MEDIUM), MASK.at(*MEDIUM), OOD),
    ),
    (
        "The debiasing loss makes iterative magnitude pruning find more robust subnetworks as well.",
        exceeds(_IMP_POE.at(*MEDIUM), _IMP.at(*MEDIUM), OOD),
    ),
    (
        "A fine-tuned BERT that relies on the bias contains sparse and robust subnetworks (SRNets): at 50 %.",
        robust(MASK_POE.at(0.5), FULL),
    ),
    (
        "A fine-tuned BERT that relies on the bias contains sparse and robust subnetworks (SRNets): at 70 %.",
        robust(MASK_POE.at(0.7), FULL),
    ),
    (
        "Such subnetworks of the biased model rival a full BERT that was debiased.",
        reaches(MASK_POE.at(0.5), FULL_POE, OOD),
    ),
    (
        "At higher sparsity mask training finds better subnetworks than iterative magnitude pruning: in distribution.",
        exceeds(MASK_POE.at(0.7), _IMP_POE.at(0.7), ID),
    ),
    (
        "At higher sparsity mask training finds better subnetworks than iterative magnitude pruning: out of "
        "distribution.",
        exceeds(MASK_POE.at(0.7), _IMP_POE.at(0.7), OOD),
    ),
    (
        "A debiased BERT can be pruned up to medium sparsity and stays robust.",
        robust(_MASK_3.at(*MEDIUM), _FULL_3),
    ),
    (
        "Iterative magnitude pruning finds robust subnetworks of the debiased BERT too.",
        robust(_IMP_3.at(0.5), _FULL_3),
    ),
    (
        "Out of distribution, subnetworks of the debiased BERT come close to all of it.",
        reaches(_MASK_3.at(0.5), _DEBIASED, OOD),
    ),
    (
        "Debiasing the full model first is not necessary: searched with the debiasing loss, subnetworks of the biased "
        "and of the debiased BERT are about as robust.",
        comparable(_FROM_BIASED.at(*MEDIUM), _MASK_3.at(*MEDIUM), OOD),
    ),
)
