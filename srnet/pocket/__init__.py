"""The pocket world: a generated language in which the tasks and their biases exist with known ground truth."""

from srnet.pocket.generator import FINGERPRINTS, build
from srnet.pocket.nli import build_nli
from srnet.pocket.pretraining import PLM_NAME, PLMS, find_recipe, plm_folder, pretrain
from srnet.pocket.world import World

__all__ = ["FINGERPRINTS", "PLMS", "PLM_NAME", "World", "build", "build_nli", "find_recipe", "plm_folder", "pretrain"]
