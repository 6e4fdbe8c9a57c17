"""The generators of the pocket world by task, and what tells that one has changed."""

from collections.abc import Callable, Mapping

from srnet.data.pairs import TaskData
from srnet.pocket.fact_verification import build_fact_verification
from srnet.pocket.nli import build_nli
from srnet.pocket.paraphrase import build_paraphrase
from srnet.pocket.world import World

FINGERPRINTS: Mapping[str, str] = {
    "nli": "11b4f47febc31ec01546e93b97a7f67182f676aa25f6f2b8472ed7e5b8fe814d",
    "paraphrase": "489d1a757dd26c95871756b8ae0392811b63d392e0d854a2f9249fc50f048929",
    "fact": "e1b73a1c7ede3e3c544b02f81132cf77da278930220ded1dec39cd27daafb3a8",
}
"""SHA-256 of a small world's text by task: what an experiment names. A test holds that the generators still give it, so
that nobody has to generate text to look a result up."""

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
