"""The pocket world: a generated language in which the tasks and their biases exist with known ground truth."""

from srnet.pocket.nli import build_nli
from srnet.pocket.world import World

__all__ = ["World", "build_nli"]

PLM_NAME = "pocket"  # name of the pre-trained model that lies in `plm_folder`
FINGERPRINT = "unset"  # of the generator: SHA-256 of what a small world holds; a test keeps it true
