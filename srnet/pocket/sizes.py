"""How many examples the generators make, without generating them."""

from srnet.data.tasks import TASKS
from srnet.pocket.fact_verification import COPIES, GROUP
from srnet.pocket.world import World


def sizes(task: str, world: World, with_ood: bool = False) -> dict[str, int]:
    """Return the number of examples of each data set of a task, as `srnet.pocket.build` generates them.

    Args:
        task: a name in `srnet.data.tasks.TASKS`.
        world: the settings.
        with_ood: whether the OOD training examples count as training examples.

    Returns:
        For "train", the ID development set and each OOD test set by name.
    """
    ood_train, test = world.train // 2, world.test
    if task == "fact":  # its OOD examples come in groups, those to train on in copies
        ood_train = max(GROUP, world.train // (2 * COPIES)) // GROUP * GROUP * COPIES
        test = test // GROUP * GROUP
    train = world.train + (ood_train if with_ood else 0)
    return {"train": train, TASKS[task].dev_name: world.dev, **dict.fromkeys(TASKS[task].ood, test)}
