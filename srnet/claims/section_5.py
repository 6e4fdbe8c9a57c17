"""Findings of Sections 5.1 and 5.2 and of Appendix E.1: when to search, and how sparse (Figures 7 and 8)."""

from srnet.claims.claim import Claim, lettered
from srnet.claims.measures import (
    EARLY,
    END,
    ID,
    LATE,
    OOD,
    RAW,
    Line,
    exceeds,
    reaches,
    robust,
    saves,
    stops_early,
)

_BY_START = ("figure-7", "figure-s3")
_STARTED, _FULL_BY_START = Line(_BY_START, "mask train (poe)", (0.7,)), Line(_BY_START, "full bert (std)")


def _timing() -> tuple[Claim, ...]:
    early, late, end = (_STARTED.started(start) for start in (EARLY, LATE, END))
    raw = _STARTED.started(RAW)
    return lettered(
        "5.1",
        (
            "Fine-tuning before the search pays: subnetworks of the fine-tuned model are more robust than those of the "
            "raw one.",
            exceeds(end, raw, OOD),
        ),
        (
            "A short fine-tuning is already better than none: out of distribution.",
            exceeds(early, raw, OOD),
        ),
        (
            "A short fine-tuning is already better than none: in distribution.",
            exceeds(early, raw, ID),
        ),
        (
            "The search need not wait for the end of fine-tuning: from a late checkpoint, subnetworks are as robust.",
            reaches(late, end, OOD),
        ),
        (
            "The search need not wait for the end of fine-tuning: from a late checkpoint, they are as good in "
            "distribution.",
            reaches(late, end, ID),
        ),
    )


def _high_sparsity() -> tuple[Claim, ...]:
    figure = ("figure-8",)
    full, fixed = Line(figure, "full bert (std)"), Line(figure, "mask train (poe)")
    rising = Line(figure, "mask train (poe, gradual)")
    return lettered(
        "5.2",
        (
            "At very high sparsity the subnetworks lose in distribution.",
            exceeds(fixed.at(0.7), fixed.at(0.9), ID),
        ),
        (
            "At very high sparsity they lose out of distribution.",
            exceeds(fixed.at(0.7), fixed.at(0.9), OOD),
        ),
        (
            "Where the sparsity rises during the search, subnetworks of 90 % are better in distribution.",
            exceeds(rising.at(0.9), fixed.at(0.9), ID),
        ),
        (
            "Where the sparsity rises during the search, subnetworks of 90 % are more robust.",
            exceeds(rising.at(0.9), fixed.at(0.9), OOD),
        ),
        (
            "The same at 95 %: in distribution.",
            exceeds(rising.at(0.95), fixed.at(0.95), ID),
        ),
        (
            "The same at 95 %: out of distribution.",
            exceeds(rising.at(0.95), fixed.at(0.95), OOD),
        ),
        (
            "With rising sparsity there are sparse and robust subnetworks at 90 %.",
            robust(rising.at(0.9), full),
        ),
    )


def _early_stopping() -> tuple[Claim, ...]:
    return lettered(
        "E.1",
        (
            "Stopping early tells when to start: once the full model's in-distribution score stalls, waiting gains "
            "little.",
            stops_early(_STARTED, _FULL_BY_START),
        ),
        (
            "It saves part of the fine-tuning.",
            saves(_FULL_BY_START),
        ),
    )


CLAIMS = (*_timing(), *_high_sparsity(), *_early_stopping())
