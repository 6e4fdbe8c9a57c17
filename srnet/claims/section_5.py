"""Findings of Section 5 and Appendix C.3: when to search, and how sparse (Figures 7 and 8)."""

from dataclasses import replace

from srnet.claims.claim import Claim, on
from srnet.claims.measures import (
    EARLY,
    ID,
    LAST,
    Line,
    Measure,
    both,
    cheaper,
    clearly_exceeds,
    declines,
    exceeds,
    larger_on,
    mostly,
    never,
    reaches,
    rises,
    some_reach,
    wider_at,
)
from srnet.claims.section_4 import (
    ALL,
    BOTH,
    DEBIASED_IMP,
    DEBIASED_MASK,
    IMP,
    IMP_4,
    IMP_POE,
    MASK,
    MASK_4,
    MASK_POE,
    MASK_POE_5,
    PAWS,
    RAW,
    RAW_POE,
)
from srnet.data.tasks import DATASETS, TASKS
from srnet.paper import STARTS, TABLE_5, Start

TOLERANCE = 0.02  # of the share of fine-tuning after which a search starts: the paper rounds


def _searches(figure: str, task: str) -> tuple[Line, Line, Line]:
    """Return the searches that start in the raw model, where the paper says, and at the end of fine-tuning."""
    raw, end = (Line(figure, name, levels=(), taken=LAST) for name in ("ft step=0", "ft to end"))
    share = STARTS[task].share
    return raw, replace(raw, curve="", start=(share - TOLERANCE, share + TOLERANCE)), end


def _named(start: Start) -> str:
    return f"from {start.steps:,} steps, {100 * start.share:g} % of fine-tuning"


def _timing() -> tuple[Claim, ...]:
    raw, middle, end = _searches("figure-7", "nli")
    until = replace(middle, axis="start", start=(0.0, STARTS["nli"].share + TOLERANCE))
    return (
        Claim(
            "5.1",
            "(a)",
            "In the pre-trained BERT the search converges more slowly than in the fine-tuned one.",
            on(exceeds(replace(end, taken=EARLY), replace(raw, taken=EARLY), BOTH), "nli"),
        ),
        Claim(
            "5.1",
            "(b)",
            "There it also ends lower, and more so on HANS.",
            on(both(exceeds(end, raw, BOTH), larger_on("hans", "mnli-m", end, raw)), "nli"),
        ),
        Claim(
            "5.1",
            "(c)",
            "Started in the middle of fine-tuning, it ends about as high as from its end.",
            on(reaches(middle, end, BOTH), "nli"),
            _named(STARTS["nli"]),
        ),
        Claim(
            "5.1",
            "(d)",
            "So a large part of the full model's training can be saved.",
            on(some_reach(until, end, BOTH), "nli"),
            f"roughly {100 * STARTS['nli'].share:g} % of fine-tuning needed",
        ),
    )


def _high_sparsity() -> tuple[Claim, ...]:
    fixed, gradual = (Line("figure-8", name, levels=(), axis="epochs") for name in ("fixed", "gradual"))
    of_fine_tuned = (MASK, MASK_POE, IMP, IMP_POE, DEBIASED_MASK, DEBIASED_IMP)
    curves = (*of_fine_tuned, *MASK_4.values(), *IMP_4.values(), RAW, RAW_POE)
    rising, hard = TABLE_5["gradual 0.7~0.9"], TABLE_5["fixed hard"]

    def but_for_paws(measure: Measure, in_distribution: Measure) -> dict[str, Measure]:
        return {"nli": measure, "paraphrase": in_distribution, "fact": measure}

    return (
        Claim(
            "5.2",
            "(opening)",
            "Subnetworks decline sharply from 70 to 90 % sparsity.",
            on(mostly(both(*(declines(line.at(0.7, 0.9), BOTH) for line in curves)))),
            shown="figure-8",
        ),
        Claim(
            "5.2",
            "(1)",
            "At 90 % sparsity, longer mask training alone already helps.",
            but_for_paws(rises(fixed, BOTH), rises(fixed, (ID,))),
        ),
        Claim(
            "5.2",
            "(2)",
            "Where the sparsity rises during the search, the result is better after the same number of epochs.",
            but_for_paws(exceeds(gradual, fixed, BOTH), exceeds(gradual, fixed, (ID,))),
            ", ".join(
                f"{DATASETS[name]} {rising[name].mean - hard[name].mean:+.2f}" for name in rising if name not in PAWS
            )
            + " (Table 5)",
        ),
        Claim(
            "5.2",
            "(3)",
            "Rising sparsity is better even after fewer epochs.",
            but_for_paws(cheaper(gradual, fixed, BOTH), cheaper(gradual, fixed, (ID,))),
        ),
        Claim(
            "5.2",
            "(4)",
            "PAWS is an exception, where bad models score high: with fixed sparsity, QQP is far lower.",
            on(both(never(cheaper(gradual, fixed, PAWS)), clearly_exceeds(gradual, fixed, (ID,))), "paraphrase"),
        ),
    )


def _other_tasks() -> tuple[Claim, ...]:
    def late(task: str) -> dict[str, Measure]:
        _, middle, end = _searches("figure-s3", task)
        return on(reaches(middle, end, BOTH), task)

    return (
        Claim(
            "C.3",
            "QQP",
            "In paraphrase identification too, a search that starts before the middle of fine-tuning ends about as "
            "high as from its end.",
            late("paraphrase"),
            _named(STARTS["paraphrase"]),
        ),
        Claim(
            "C.3",
            "FEVER",
            "In fact verification too, at 90 % sparsity.",
            late("fact"),
            _named(STARTS["fact"]),
        ),
        Claim(
            "C.3",
            "caption",
            "The sparsity at which this is tried is the one at which fine-tuning before the search gains most.",
            {task: wider_at(start.sparsity, MASK_POE_5.at(*ALL), RAW_POE.at(*ALL)) for task, start in STARTS.items()},
            ", ".join(f"{DATASETS[TASKS[task].dev_name]} {100 * start.sparsity:g} %" for task, start in STARTS.items()),
            shown="figure-s3",
        ),
    )


CLAIMS = (*_timing(), *_high_sparsity(), *_other_tasks())
