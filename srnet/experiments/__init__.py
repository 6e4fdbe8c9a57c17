"""What is computed: the paper's operators (Section 3.4) as expressions that nest, and their order in a graph.

An expression says neither where its inputs lie nor how it is run; its key is a hash of what it says.
"""

from srnet.experiments.expressions import (
    Bias,
    Checkpoint,
    Data,
    Experiment,
    FineTuned,
    Masked,
    Pretrained,
    Pruned,
    Teacher,
    Tokenised,
    Trajectory,
    canonical,
)
from srnet.experiments.graph import closure, urgency
from srnet.experiments.methods import IterativePruning, MaskTraining, OneShot

__all__ = [
    "Bias",
    "Checkpoint",
    "Data",
    "Experiment",
    "FineTuned",
    "IterativePruning",
    "MaskTraining",
    "Masked",
    "OneShot",
    "Pretrained",
    "Pruned",
    "Teacher",
    "Tokenised",
    "Trajectory",
    "canonical",
    "closure",
    "urgency",
]
