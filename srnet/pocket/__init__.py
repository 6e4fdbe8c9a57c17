"""The pocket world: a generated language in which the tasks and their biases exist with known ground truth."""

from srnet.pocket.nli import build_nli
from srnet.pocket.pretraining import plm_folder, pretrain
from srnet.pocket.world import World

__all__ = ["FINGERPRINT", "PLM_NAME", "World", "build_nli", "plm_folder", "pretrain"]

PLM_NAME = "pocket"  # name of the pre-trained model that lies in `plm_folder`
# Of the generator: SHA-256 of what a small world holds (`srnet.pocket.nli.fingerprint`, which takes longer to ask).
FINGERPRINT = "52999c5bd71f7a048035cd430c55c6d7e6bbf8566f95ebfd27cea59475a2aa15"
