"""How experiments are computed: in this process, on processes of this machine, or on a Dask cluster.

What each means (`compute`), where its text and its pre-trained model come from (`text`, `plms`), what goes first
(`agenda`, `work`), and who does it (`workers`).
"""

from srnet.executor.agenda import Report
from srnet.executor.compute import load_model
from srnet.executor.workers import run

__all__ = [
    "Report",
    "load_model",
    "run",
]
