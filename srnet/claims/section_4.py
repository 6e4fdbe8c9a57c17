"""Findings of Section 4: subnetworks of fine-tuned BERT, isolated, untrained and unbiased ones (Figures 2 to 6)."""

from srnet.claims.claim import Claim, lettered
from srnet.claims.measures import (
    ID,
    OOD,
    Line,
    comparable,
    exceeds,
    falls_short,
    keeps,
    reaches,
    robust,
    unbiased,
)

MEDIUM = (0.5, 0.7)

FIGURE_2 = ("figure-2",)
MASK, MASK_POE = Line(FIGURE_2, "mask train (std)"), Line(FIGURE_2, "mask train (poe)")


def _fine_tuned() -> tuple[Claim, ...]:
    full, full_poe = Line(FIGURE_2, "full bert (std)"), Line(FIGURE_2, "full bert (poe)")
    imp, imp_poe = Line(FIGURE_2, "imp (std)"), Line(FIGURE_2, "imp (poe)")
    figure = ("figure-3",)
    full_3, debiased = Line(figure, "full bert (std)"), Line(figure, "full bert (poe)")
    mask_3, imp_3 = Line(figure, "mask train (poe)"), Line(figure, "imp (poe)")
    from_biased = Line(figure, "full bert (std) -> mask train (poe)")
    return lettered(
        "4.2.2",
        (
            "Subnetworks of a BERT fine-tuned with cross-entropy keep its in-distribution score up to medium sparsity.",
            keeps(MASK.at(*MEDIUM), full),
        ),
        (
            "Iterative magnitude pruning keeps it at half the weights too.",
            keeps(imp.at(0.5), full),
        ),
        (
            "Mask training with the standard loss alone already makes the model generalise slightly better out of "
            "distribution.",
            exceeds(MASK.at(*MEDIUM), full, OOD),
        ),
        (
            "So does iterative magnitude pruning with the standard loss.",
            exceeds(imp.at(*MEDIUM), full, OOD),
        ),
        (
            "With a debiasing loss in the search for the mask, subnetworks of the biased model are clearly more "
            "robust.",
            exceeds(MASK_POE.at(*MEDIUM), MASK.at(*MEDIUM), OOD),
        ),
        (
            "The debiasing loss makes iterative magnitude pruning find more robust subnetworks as well.",
            exceeds(imp_poe.at(*MEDIUM), imp.at(*MEDIUM), OOD),
        ),
        (
            "A fine-tuned BERT that relies on the bias contains sparse and robust subnetworks (SRNets): at 50 %.",
            robust(MASK_POE.at(0.5), full),
        ),
        (
            "A fine-tuned BERT that relies on the bias contains sparse and robust subnetworks (SRNets): at 70 %.",
            robust(MASK_POE.at(0.7), full),
        ),
        (
            "Such subnetworks of the biased model rival a full BERT that was debiased.",
            reaches(MASK_POE.at(0.5), full_poe, OOD),
        ),
        (
            "At higher sparsity mask training finds better subnetworks than iterative magnitude pruning: in "
            "distribution.",
            exceeds(MASK_POE.at(0.7), imp_poe.at(0.7), ID),
        ),
        (
            "At higher sparsity mask training finds better subnetworks than iterative magnitude pruning: out of "
            "distribution.",
            exceeds(MASK_POE.at(0.7), imp_poe.at(0.7), OOD),
        ),
        (
            "A debiased BERT can be pruned up to medium sparsity and stays robust.",
            robust(mask_3.at(*MEDIUM), full_3),
        ),
        (
            "Iterative magnitude pruning finds robust subnetworks of the debiased BERT too.",
            robust(imp_3.at(0.5), full_3),
        ),
        (
            "Out of distribution, subnetworks of the debiased BERT come close to all of it.",
            reaches(mask_3.at(0.5), debiased, OOD),
        ),
        (
            "Debiasing the full model first is not necessary: searched with the debiasing loss, subnetworks of the "
            "biased and of the debiased BERT are about as robust.",
            comparable(from_biased.at(*MEDIUM), mask_3.at(*MEDIUM), OOD),
        ),
    )


def _isolated() -> tuple[Claim, ...]:
    figure = ("figure-4",)
    full, std = Line(figure, "full bert (std)"), Line(figure, "mask train (poe) -> ft (std)")
    poe, imp_poe = Line(figure, "mask train (poe) -> ft (poe)"), Line(figure, "imp-rw (std) -> ft (poe)")
    return lettered(
        "4.3.2",
        (
            "Fine-tuned in isolation, subnetworks of the pre-trained BERT reach its in-distribution score.",
            keeps(std.at(*MEDIUM), full),
        ),
        (
            "Fine-tuned in isolation with the debiasing loss, they are sparse and robust: at 50 %.",
            robust(poe.at(0.5), full),
        ),
        (
            "Fine-tuned in isolation with the debiasing loss, they are sparse and robust: at 70 %.",
            robust(poe.at(0.7), full),
        ),
        (
            "So are those that iterative magnitude pruning finds.",
            robust(imp_poe.at(0.5), full),
        ),
        (
            "Fine-tuning a subnetwork with the debiasing loss makes it more robust than with cross-entropy: trained "
            "masks.",
            exceeds(poe.at(*MEDIUM), std.at(*MEDIUM), OOD),
        ),
        (
            "Fine-tuning a subnetwork with the debiasing loss makes it more robust than with cross-entropy: iterative "
            "magnitude pruning.",
            exceeds(imp_poe.at(*MEDIUM), Line(figure, "imp-rw (std) -> ft (std)", MEDIUM), OOD),
        ),
        (
            "A structure that was searched with the debiasing loss helps by itself: even fine-tuned with cross-entropy "
            "it is more robust than the full model.",
            exceeds(std.at(*MEDIUM), full, OOD),
        ),
        (
            "Fine-tuned alike with the debiasing loss, trained masks are more robust than those of magnitude pruning.",
            exceeds(poe.at(*MEDIUM), imp_poe.at(*MEDIUM), OOD),
        ),
        (
            "Fine-tuning the isolated subnetwork with cross-entropy loses part of the robustness that the mask has in "
            "the fine-tuned model.",
            falls_short(std.at(*MEDIUM), MASK_POE.at(*MEDIUM), OOD),
        ),
    )


def _untrained() -> tuple[Claim, ...]:
    figure = ("figure-5",)
    full, mask, poe = (Line(figure, name) for name in ("full bert (std)", "mask train (std)", "mask train (poe)"))
    return lettered(
        "4.4.2",
        (
            "Without any fine-tuning, subnetworks of the pre-trained BERT keep the fine-tuned model's in-distribution "
            "score.",
            keeps(mask.at(0.5), full),
        ),
        (
            "Searched with the debiasing loss they are sparse and robust: at 50 %.",
            robust(poe.at(0.5), full),
        ),
        (
            "Searched with the debiasing loss they are sparse and robust: at 70 %.",
            robust(poe.at(0.7), full),
        ),
        (
            "The debiasing loss makes them more robust than cross-entropy.",
            exceeds(poe.at(*MEDIUM), mask.at(*MEDIUM), OOD),
        ),
        (
            "Magnitude pruning gives no such subnetworks: without fine-tuning, trained masks are better.",
            exceeds(mask.at(*MEDIUM), Line(figure, "imp-rw (std)", MEDIUM), ID),
        ),
        (
            "Out of distribution, subnetworks of the pre-trained model stay behind those of the fine-tuned one.",
            falls_short(poe.at(*MEDIUM), MASK_POE.at(*MEDIUM), OOD),
        ),
    )


def _unbiased() -> tuple[Claim, ...]:
    figures = ("figure-6", "figure-s2")
    full, found = Line(figures, "full bert (std)"), Line(figures, "full bert (std) -> mask train (ood)")
    raw, isolated = Line(figures, "bert -> mask train (ood)"), Line(figures, "mask train (ood) -> ft (std)")
    return lettered(
        "4.5.2",
        (
            "Searched with the help of out-of-distribution examples, a fine-tuned BERT has subnetworks almost without "
            "bias.",
            unbiased(found.at(*MEDIUM), full),
        ),
        (
            "They keep the in-distribution score.",
            keeps(found.at(*MEDIUM), full),
        ),
        (
            "The pre-trained BERT has subnetworks almost without bias too, without fine-tuning.",
            unbiased(raw.at(*MEDIUM), full),
        ),
        (
            "They keep the fine-tuned model's in-distribution score.",
            keeps(raw.at(*MEDIUM), full),
        ),
        (
            "Out-of-distribution examples show an upper bound: subnetworks found without them are less robust.",
            exceeds(found.at(*MEDIUM), MASK_POE.at(*MEDIUM), OOD),
        ),
        (
            "The structure carries part of the robustness: isolated and fine-tuned with cross-entropy on biased data, "
            "it is more robust than the full model.",
            exceeds(isolated.at(*MEDIUM), full, OOD),
        ),
        (
            "Fine-tuning the structure on biased data brings part of the bias back.",
            exceeds(found.at(*MEDIUM), isolated.at(*MEDIUM), OOD),
        ),
        (
            "Even at 90 % the subnetworks are more robust than the full model.",
            exceeds(found.at(0.9), full, OOD),
        ),
    )


CLAIMS = (*_fine_tuned(), *_isolated(), *_untrained(), *_unbiased())
