"""What the paper claims, as comparisons of the curves in the figures' tables.

A claim's text is in our own words, with the section and item it comes from. What is tested is stated beside it, because
a word such as "comparable" has to be given a number before a table can answer it. Those numbers are constants of
`srnet.claims.measures`, where the paper gives none.
"""

from srnet.claims.bootstrap import resampled
from srnet.claims.claim import Claim
from srnet.claims.judging import (
    CLAIMS,
    FAILS,
    HOLDS,
    UNDECIDED,
    UNTESTABLE,
    VERDICTS,
    beside,
    by_task,
    counts,
    judged,
    ledger,
    readable,
    summed_up,
    verdicts,
)
from srnet.claims.measures import Effect, Line, Measure, Results, Sample, UntestableError

__all__ = [
    "CLAIMS",
    "FAILS",
    "HOLDS",
    "UNDECIDED",
    "UNTESTABLE",
    "VERDICTS",
    "Claim",
    "Effect",
    "Line",
    "Measure",
    "Results",
    "Sample",
    "UntestableError",
    "beside",
    "by_task",
    "counts",
    "judged",
    "ledger",
    "readable",
    "resampled",
    "summed_up",
    "verdicts",
]
