"""What the paper claims of each figure, as predicates over the figure's table.

A claim's text is in our own words, with the section it comes from. What is tested is stated beside it, because a
sentence such as "comparable" has to be given a number before a table can answer it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import pandas as pd

KEPT = 0.95  # share of the full model's ID score that counts as kept
MODERATE = (0.2, 0.5, 0.7)


@dataclass(frozen=True)
class Effect:
    """What a table says of a claim.

    Attributes:
        size: the tested quantity minus what it has to exceed, one value per seed, in points of the headline score (%).
        numbers: the figures behind it, in words.
    """

    size: pd.Series
    numbers: str


@dataclass(frozen=True)
class Claim:
    """One finding of the paper.

    Attributes:
        section: where the paper states it.
        text: the finding, in our own words.
        tested: what is compared.
        figure: the figure whose table is looked at.
        measure: gives the effect in one task's table; raises `UntestableError` where the table lacks what it needs.
    """

    section: str
    text: str
    tested: str
    figure: str
    measure: Callable[[pd.DataFrame], Effect]


class UntestableError(Exception):
    """The table lacks the runs that a claim is about."""


def verdicts(figure: str, table: pd.DataFrame) -> pd.DataFrame:
    """Test all claims about a figure.

    A claim holds where the mean effect over seeds is positive. How many seeds agree is said beside it.

    Args:
        figure: name of the figure.
        table: its results (`srnet.study.Study.table`).

    Returns:
        One row per claim and task: section, claim, tested, task, verdict ("holds", "fails" or "cannot be tested
        here"), margin (mean ± standard deviation over seeds, in points), seeds (how many agree), numbers.
    """
    claims = [claim for claim in CLAIMS if claim.figure == figure]
    return pd.DataFrame([_verdict(claim, task, rows) for claim in claims for task, rows in table.groupby("task")])


def _verdict(claim: Claim, task: str, table: pd.DataFrame) -> dict[str, str]:
    row = {"section": claim.section, "claim": claim.text, "tested": claim.tested, "task": task}
    try:
        effect = claim.measure(table)
    except UntestableError as reason:
        return row | {"verdict": "cannot be tested here", "margin": "", "seeds": "", "numbers": str(reason)}
    spread = f" ± {effect.size.std():.1f}" if len(effect.size) > 1 else ""
    return row | {
        "verdict": "holds" if effect.size.mean() > 0 else "fails",
        "margin": f"{effect.size.mean():+.1f}{spread}",
        "seeds": f"{int((effect.size > 0).sum())} of {len(effect.size)}",
        "numbers": effect.numbers,
    }


def _score(table: pd.DataFrame, split: str, curve: str, sparsities: Sequence[float]) -> pd.Series:
    """Return the headline score in % by seed, the mean over a split's data sets and over sparsities."""
    chosen = table[(table.split == split) & (table.subset == "all") & (table.curve == curve)]
    lacking = [sparsity for sparsity in sparsities if sparsity not in set(chosen.sparsity)]
    if lacking:
        raise UntestableError(f"no run of {curve} at sparsity {', '.join(f'{100 * value:g} %' for value in lacking)}")
    return 100 * chosen[chosen.sparsity.isin(sparsities)].groupby("seed").score.mean()


def _difference(table: pd.DataFrame, split: str, curve: str, than: str, sparsities: Sequence[float]) -> Effect:
    """Return by how much `curve` is better than the curve `than`, which is taken at 0 % if it is a full model."""
    value = _score(table, split, curve, sparsities)
    base = _score(table, split, than, (0.0,) if than.startswith("full") else sparsities)
    return Effect(value - base, f"{curve} {value.mean():.1f}, {than} {base.mean():.1f}")


def _kept(table: pd.DataFrame, curve: str, sparsities: Sequence[float]) -> Effect:
    """Return by how much `curve` exceeds the share `KEPT` of the full model's ID score."""
    value, full = _score(table, "ID", curve, sparsities), _score(table, "ID", "full bert (std)", (0.0,))
    share = 100 * value.mean() / full.mean()
    return Effect(
        value - KEPT * full, f"{curve} {value.mean():.1f}, full bert (std) {full.mean():.1f}: {share:.1f} % of it"
    )


def _robust(table: pd.DataFrame, sparsity: float) -> Effect:
    """Return the smaller of what mask train (poe) has above full bert (std) OOD and above the kept share of it ID."""
    ood = _difference(table, "OOD", "mask train (poe)", "full bert (std)", (sparsity,))
    kept = _kept(table, "mask train (poe)", (sparsity,))
    return Effect(pd.concat([ood.size, kept.size], axis=1).min(axis=1), f"OOD: {ood.numbers}; ID: {kept.numbers}")


CLAIMS = (
    Claim(
        "4.2.2",
        "Subnetworks of a BERT fine-tuned with cross-entropy keep its in-distribution accuracy up to medium sparsity.",
        "ID accuracy of mask train (std) at 50 and 70 % is above 95 % of full bert (std)'s",
        "figure-2",
        lambda table: _kept(table, "mask train (std)", (0.5, 0.7)),
    ),
    Claim(
        "4.2.2",
        "Pruning with the standard loss alone already makes the model generalise slightly better out of distribution.",
        "OOD accuracy of mask train (std), mean of 20, 50 and 70 %, is above full bert (std)'s",
        "figure-2",
        lambda table: _difference(table, "OOD", "mask train (std)", "full bert (std)", MODERATE),
    ),
    Claim(
        "4.2.2",
        "With a debiasing loss in the search for the mask, subnetworks of the biased model are clearly more robust.",
        "OOD accuracy of mask train (poe), mean of 20, 50 and 70 %, is above mask train (std)'s",
        "figure-2",
        lambda table: _difference(table, "OOD", "mask train (poe)", "mask train (std)", MODERATE),
    ),
    *(
        Claim(
            "4.2.2",
            f"A fine-tuned BERT that relies on the bias contains sparse and robust subnetworks (SRNets): at {name}.",
            f"at {name}, mask train (poe) is above full bert (std) OOD and above 95 % of it ID",
            "figure-2",
            partial(_robust, sparsity=sparsity),
        )
        for name, sparsity in (("50 %", 0.5), ("70 %", 0.7))
    ),
    Claim(
        "5.2",
        "At very high sparsity the subnetworks lose accuracy in distribution.",
        "ID accuracy of mask train (poe) at 70 % is above that at 90 %",
        "figure-2",
        lambda table: Effect(
            (at_70 := _score(table, "ID", "mask train (poe)", (0.7,)))
            - (at_90 := _score(table, "ID", "mask train (poe)", (0.9,))),
            f"mask train (poe) {at_70.mean():.1f} at 70 %, {at_90.mean():.1f} at 90 %",
        ),
    ),
)
