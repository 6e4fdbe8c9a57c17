"""Findings of Appendices C.1, C.4 and C.5: other losses, ablation, other models (Figure 1 and Tables 5 and 6)."""

from srnet.claims.claim import Claim, lettered
from srnet.claims.measures import ID, OOD, Line, Measure, exceeds, robust
from srnet.claims.section_4 import MASK, MEDIUM


def _other_losses() -> tuple[Claim, ...]:
    figure = ("figure-s1",)
    full = Line(figure, "full bert (std)")
    reweight, confreg = Line(figure, "mask train (reweight)"), Line(figure, "mask train (confreg)")
    return lettered(
        "C.1",
        (
            "Sparse and robust subnetworks do not hang on the product of experts: example reweighting finds them.",
            robust(reweight.at(0.5), full),
        ),
        (
            "Sparse and robust subnetworks do not hang on the product of experts: confidence regularisation finds "
            "them.",
            robust(confreg.at(0.5), full),
        ),
        (
            "Searched with example reweighting, subnetworks are more robust than with cross-entropy.",
            exceeds(reweight.at(*MEDIUM), MASK.at(*MEDIUM), OOD),
        ),
        (
            "Searched with confidence regularisation, subnetworks are more robust than with cross-entropy.",
            exceeds(confreg.at(*MEDIUM), MASK.at(*MEDIUM), OOD),
        ),
    )


def _ablation() -> tuple[Claim, ...]:
    hard, soft = (Line(("table-5",), f"mask train (poe, {init}, local)", (0.7,)) for init in ("hard", "soft"))
    return lettered(
        "C.4",
        (
            "Masks that start hard become better than masks that start softly: in distribution.",
            exceeds(hard, soft, ID),
        ),
        (
            "Masks that start hard become better than masks that start softly: out of distribution.",
            exceeds(hard, soft, OOD),
        ),
    )


def _other_models() -> tuple[Claim, ...]:
    findings: list[tuple[str, Measure]] = []
    for name, plm in (("RoBERTa-base", "roberta-base"), ("BERT-large", "bert-large-uncased")):
        names = ("full (std)", "mask train (std)", "mask train (poe)")
        full, mask, poe = (Line(("table-6",), curve, plm=plm) for curve in names)
        findings += [
            (f"{name} contains sparse and robust subnetworks too: at 50 %.", robust(poe.at(0.5), full)),
            (f"{name} contains sparse and robust subnetworks too: at 70 %.", robust(poe.at(0.7), full)),
            (
                f"In {name} too, the debiasing loss finds more robust subnetworks than cross-entropy.",
                exceeds(poe.at(0.5, 0.7), mask.at(0.5, 0.7), OOD),
            ),
        ]
    return lettered("C.5", *findings)


CLAIMS = (*_other_losses(), *_ablation(), *_other_models())
