"""What each figure and table of the paper has to show, from its captions and prose."""

from collections.abc import Mapping
from dataclasses import dataclass

NLI, PARAPHRASE, FACT = "nli", "paraphrase", "fact"
ALL_TASKS = (NLI, PARAPHRASE, FACT)
LEVELS = (0.2, 0.5, 0.7, 0.9)
STD, POE = "full bert (std)", "full bert (poe)"
BOTH = {STD: "A_std(f(θ_pt))", POE: "A_poe(f(θ_pt))"}


@dataclass(frozen=True)
class Artefact:
    """A figure or table.

    Attributes:
        axis: what its horizontal axis is; of a table, what its rows differ in.
        curves: expression of each of its subnetworks, by name of the curve; at the sparsity that it has.
        full: the full models for reference, by name of the curve.
        levels: sparsities of the curves, by task.
        tasks: those of its panels.
        ood: curves that are searched for on ID and OOD training examples.
    """

    axis: str
    curves: Mapping[str, str]
    full: Mapping[str, str]
    levels: Mapping[str, tuple[float, ...]]
    tasks: tuple[str, ...] = ALL_TASKS
    ood: tuple[str, ...] = ()


def everywhere(*levels: float) -> dict[str, tuple[float, ...]]:
    return dict.fromkeys(ALL_TASKS, levels)


def mask(loss: str, of: str) -> str:
    return f"P^mask_{loss}({of})"


RAW, OF_STD, OF_POE = "f(θ_pt)", "A_std(f(θ_pt))", "A_poe(f(θ_pt))"
OF_FIGURE_2 = {"full bert (std) -> mask train (poe)": mask("poe", OF_STD)}  # the orange line
UNBIASED = {
    "bert-ft subnet": mask("std", OF_STD),
    "bert-pt subnet": mask("std", RAW),
    "bert-pt subnet + ft": f"A_std(f(M({mask('std', OF_STD)}) ⊙ θ_pt))",
}
STARTS = (5_000, 10_000, 15_000, 20_000)  # of the released scripts; the text names the last three
TIMING = {
    "ft step=0": mask("poe", RAW),
    **{f"ft step={step}": mask("poe", f"A^{step}_std(f(θ_pt))") for step in STARTS},
    "ft to end": mask("poe", OF_STD),
}
TIMING_LEVELS = {NLI: (0.7,), PARAPHRASE: (0.7,), FACT: (0.9,)}

ARTEFACTS: Mapping[str, Artefact] = {
    "figure-2": Artefact(
        "sparsity",
        {
            "mask train (std)": mask("std", OF_STD),
            "mask train (poe)": mask("poe", OF_STD),
            "imp (std)": f"P^imp_std({OF_STD})",
            "imp (poe)": f"P^imp_poe({OF_STD})",
        },
        BOTH,
        everywhere(*LEVELS),
    ),
    "figure-3": Artefact(
        "sparsity",
        {"mask train (poe)": mask("poe", OF_POE), "imp (poe)": f"P^imp_poe({OF_POE})", **OF_FIGURE_2},
        BOTH,
        everywhere(*LEVELS),
    ),
    "figure-4": Artefact(
        "sparsity",
        {
            f"{name} -> ft ({loss})": f"A_{loss}(f(M({found}) ⊙ θ_pt))"
            for name, found in (("mask train (poe)", mask("poe", OF_STD)), ("imp-rw (poe)", f"P^imp-rewind_poe({RAW})"))
            for loss in ("std", "poe")
        },
        BOTH,
        everywhere(*LEVELS),
    ),
    "figure-5": Artefact(
        "sparsity",
        {"mask train (std)": mask("std", RAW), "mask train (poe)": mask("poe", RAW), **OF_FIGURE_2},
        BOTH,
        everywhere(*LEVELS),
    ),
    "figure-6": Artefact(
        "sparsity", UNBIASED, {STD: OF_STD}, everywhere(*LEVELS), (NLI,), ood=("bert-ft subnet", "bert-pt subnet")
    ),
    "figure-7": Artefact("step", TIMING, {}, TIMING_LEVELS, (NLI,)),
    "figure-8": Artefact("epochs", {"fixed": mask("poe", OF_STD), "gradual": mask("poe", OF_STD)}, {}, everywhere(0.9)),
    "figure-s1": Artefact(
        "sparsity",
        {f"mask train ({loss})": mask(loss, OF_STD) for loss in ("std", "poe", "reweight", "confreg")},
        {STD: OF_STD},
        everywhere(*LEVELS),
    ),
    "figure-s2": Artefact(
        "sparsity",
        UNBIASED,
        {STD: OF_STD},
        everywhere(*LEVELS),
        (PARAPHRASE, FACT),
        ood=("bert-ft subnet", "bert-pt subnet"),
    ),
    "figure-s3": Artefact("step", TIMING, {}, TIMING_LEVELS),
    "table-5": Artefact(
        "rows",
        dict.fromkeys(
            ("fixed, hard", "fixed, soft", "gradual 0.2~0.9", "gradual 0.5~0.9", "gradual 0.7~0.9"), mask("poe", OF_STD)
        ),
        {},
        everywhere(0.9),
    ),
    "table-6": Artefact(
        "rows",
        {"mask train (poe)": mask("poe", OF_STD), "gradual 0.5~0.7": mask("poe", OF_STD)},
        {"full (std)": OF_STD, "full (poe)": OF_POE},
        {NLI: (0.5, 0.7)},
        (NLI,),
    ),
}
"""By name in the catalogue. Figure 1 is a drawing; Tables 1 to 4 have no experiments."""

EPOCHS = {NLI: {3, 5}, PARAPHRASE: {5, 7}, FACT: {5, 7}}
"""Lengths of mask training that the supplement names (Table 5, Appendix B.3.3): Figure 8 has these among its own."""
