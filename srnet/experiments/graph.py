"""Which experiments of a graph are urgent, because long chains of others wait for them."""

from collections.abc import Callable, Sequence

from srnet.experiments.expressions import Experiment

Duration = Callable[[Experiment], float]
"""How long an experiment takes, in any unit of time; not negative."""


def closure(experiments: list[Experiment]) -> list[Experiment]:
    """Return the experiments and all their operands, each once, operands first."""
    ordered: dict[Experiment, None] = {}

    def visit(experiment: Experiment) -> None:
        for operand in experiment.operands:
            visit(operand)
        ordered.setdefault(experiment)

    for experiment in experiments:
        visit(experiment)
    return list(ordered)


def priorities(experiments: Sequence[Experiment], duration: Duration) -> dict[Experiment, float]:
    """Return how long each experiment and the longest chain of what needs it take together.

    No schedule can end sooner after an experiment starts; computing the most urgent first keeps long chains moving.

    Args:
        experiments: in topological order (`closure`); operands that are not among them
            are done.
        duration: of one experiment.

    Raises:
        ValueError: if an operand comes after what needs it.
    """
    numbers = {experiment: number for number, experiment in enumerate(experiments)}
    alone = [duration(experiment) for experiment in experiments]
    longest = alone.copy()
    for user in reversed(range(len(experiments))):
        for operand in experiments[user].operands:
            number = numbers.get(operand)  # nested expressions take long to hash: once for each operand
            if number is None:
                continue
            if number > user:
                raise ValueError("experiments must be in topological order: operands first")
            longest[number] = max(longest[number], alone[number] + longest[user])
    return dict(zip(experiments, longest, strict=True))


def critical_path(experiments: Sequence[Experiment], duration: Duration) -> float:
    """Return how long the longest chain of experiments takes, so the graph on any number of workers."""
    return max(priorities(experiments, duration).values(), default=0.0)
