"""Findings of Sections 4.3.2, 4.4.2 and 4.5.2: isolated, untrained and unbiased subnetworks (Figures 4 to 6)."""

from srnet.claims.claim import Claim, lettered
from srnet.claims.fine_tuned import MASK_POE, MEDIUM
from srnet.claims.measures import ID, OOD, Line, exceeds, falls_short, keeps, robust, unbiased


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


CLAIMS = (*_isolated(), *_untrained(), *_unbiased())
