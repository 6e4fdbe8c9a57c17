"""The generators of the pocket world by task, and what tells that one has changed."""

import hashlib
import json
from collections.abc import Callable, Mapping
from functools import cache

from srnet.data.pairs import TaskData
from srnet.pocket.fact_verification import build_fact_verification
from srnet.pocket.nli import build_nli
from srnet.pocket.paraphrase import build_paraphrase
from srnet.pocket.world import World

PLM_NAME = "pocket"  # name of the pre-trained model that lies in `plm_folder`

_BUILDERS: Mapping[str, Callable[[World], TaskData]] = {
    "nli": build_nli,
    "paraphrase": build_paraphrase,
    "fact": build_fact_verification,
}


def build(task: str, world: World) -> TaskData:
    """Generate the text of a task.

    Args:
        task: a name in `srnet.data.tasks.TASKS`.
        world: sizes, seed and strength of the biases.
    """
    return _BUILDERS[task](world)


@cache
def fingerprint(task: str) -> str:
    """Return the SHA-256 of a small world's text: it changes when the task's generator does."""
    data = build(task, World(train=240, dev=60, test=120))
    parts = (data.train, data.dev, *data.ood.values(), *([data.ood_train] if data.ood_train else []))
    return hashlib.sha256(json.dumps([list(part.to_dict().items()) for part in parts]).encode()).hexdigest()
