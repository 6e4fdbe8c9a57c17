"""The pocket world: a generated language in which the tasks and their biases exist with known ground truth."""

from srnet.pocket.nli import build_nli
from srnet.pocket.pretraining import plm_folder, pretrain
from srnet.pocket.world import World

__all__ = ["FINGERPRINT", "PLM_NAME", "World", "build_nli", "plm_folder", "pretrain"]

PLM_NAME = "pocket"  # name of the pre-trained model that lies in `plm_folder`
FINGERPRINT = "c4f7b32dc19ff63b76d5656c40e0b845b4457275b60d324779020a3f3faa13c1"  # of the generator: SHA-256 of what a small world holds; a test keeps it true
