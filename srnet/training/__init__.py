"""Training and testing a model.

Sentence pairs as tensors (`encoding`), pre-trained models (`models`), their matrices that are pruned (`families`), what
they can read (`fitting`), a user's own as it is (`plain`), the one loop that all training shares (`loop`) by a recipe
(`recipe`), its optimiser (`optimiser`) on one buffer (`flat`), the numbers it computes with (`precision`),
what an interrupted run goes on from (`snapshots`), how right a model is (`metrics`), and which weights or mask a
training leaves (`selection`).
"""

from srnet.training.encoding import Encoded, encode
from srnet.training.families import prunable_weights
from srnet.training.fitting import check_fit
from srnet.training.loop import DivergedError, Trace, TrainingRun, fit, predict
from srnet.training.metrics import Gold, scores
from srnet.training.models import folder_digest, load_classifier, load_tokenizer
from srnet.training.plain import plain
from srnet.training.recipe import Recipe
from srnet.training.snapshots import Snapshot

__all__ = [
    "DivergedError",
    "Encoded",
    "Gold",
    "Recipe",
    "Snapshot",
    "Trace",
    "TrainingRun",
    "check_fit",
    "encode",
    "fit",
    "folder_digest",
    "load_classifier",
    "load_tokenizer",
    "plain",
    "predict",
    "prunable_weights",
    "scores",
]
