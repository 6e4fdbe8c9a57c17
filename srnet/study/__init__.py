"""Which experiments each figure and table shows, and their results as tidy tables.

How large the study is (`profiles`), what a point of a figure is (`points`), every figure's points (`catalogue`,
`deviations`, `bias_sweep`), and a choice of all this (`choice`).
"""

from srnet.study.catalogue import FIGURES, Figure
from srnet.study.choice import Study, choose
from srnet.study.points import Run, Setting
from srnet.study.profiles import PROFILES, Profile, find_profile

__all__ = [
    "FIGURES",
    "PROFILES",
    "Figure",
    "Profile",
    "Run",
    "Setting",
    "Study",
    "choose",
    "find_profile",
]
