"""The pocket world: a generated language in which the tasks and their biases exist with known ground truth."""

from srnet.pocket.generator import PLM_NAME, build, fingerprint
from srnet.pocket.nli import build_nli
from srnet.pocket.pretraining import plm_folder, pretrain
from srnet.pocket.world import World

__all__ = ["PLM_NAME", "World", "build", "build_nli", "fingerprint", "plm_folder", "pretrain"]
