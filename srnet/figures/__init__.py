"""Figures and tables of the study, drawn from the tidy tables of its results, and drawings of its methods."""

from srnet.figures.bias_sweep import gap_table, share_curves
from srnet.figures.curves import epoch_curves, sparsity_curves, step_curves
from srnet.figures.deviations import deviation_dots
from srnet.figures.dots import score_dots
from srnet.figures.full_models import asked_and_found, spread_of_full_models
from srnet.figures.heatmap import subset_heatmap
from srnet.figures.ledger import ledger_margins
from srnet.figures.methods import loss_weights, mask_learning, pruning_steps
from srnet.figures.sample import sample_dots, sample_table, sample_tests
from srnet.figures.style import CURVES
from srnet.figures.tables import csv_link, means, records, score_table, subset_means

__all__ = [
    "CURVES",
    "asked_and_found",
    "csv_link",
    "deviation_dots",
    "epoch_curves",
    "gap_table",
    "ledger_margins",
    "loss_weights",
    "mask_learning",
    "means",
    "pruning_steps",
    "records",
    "sample_dots",
    "sample_table",
    "sample_tests",
    "score_dots",
    "score_table",
    "share_curves",
    "sparsity_curves",
    "spread_of_full_models",
    "step_curves",
    "subset_heatmap",
    "subset_means",
]
