"""What the paper claims, as comparisons of the curves in the figures' tables.

A claim's text is in our own words, with the section it comes from. What is tested is stated beside it, because a
sentence such as "comparable" has to be given a number before a table can answer it. Those numbers are constants of
`srnet.claims.measures`.
"""

from srnet.claims.bootstrap import resampled
from srnet.claims.claim import Claim
from srnet.claims.judging import CLAIMS, FAILS, HOLDS, UNTESTABLE, beside, by_task, judged, ledger, readable, verdicts
from srnet.claims.measures import Effect, Line, Measure, Results, UntestableError

__all__ = [
    "CLAIMS",
    "FAILS",
    "HOLDS",
    "UNTESTABLE",
    "Claim",
    "Effect",
    "Line",
    "Measure",
    "Results",
    "UntestableError",
    "beside",
    "by_task",
    "judged",
    "ledger",
    "readable",
    "resampled",
    "verdicts",
]
