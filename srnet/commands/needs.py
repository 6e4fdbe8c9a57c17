"""Which parts of the study need an experiment: what figure of what profile, on what task."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple

from srnet.errors import InputError
from srnet.experiments import Experiment, closure
from srnet.inputs import Inputs
from srnet.profiles import PROFILES
from srnet.study import Study, choose


class Part(NamedTuple):
    """A part of the study."""

    profile: str
    figure: str
    task: str


@dataclass
class Needs:
    """What the study needs, over all its profiles.

    Attributes:
        parts: by key, the parts that need the experiment, itself or as an operand.
        titles: by key, what a person reads.
        untold: profile and task of what cannot be told, because their text or model is not at hand, and why.
    """

    parts: dict[str, set[Part]] = field(default_factory=lambda: defaultdict(set))
    titles: dict[str, str] = field(default_factory=dict)
    untold: dict[tuple[str, str], str] = field(default_factory=dict)


def needs(inputs: Inputs) -> Needs:
    """Return which parts of the study, with these inputs, need each experiment."""
    found = Needs()
    for profile in PROFILES.values():
        for task in profile.training:
            try:
                study = choose(profile.name, [task], inputs=inputs)
                study.require_text()
                for figure in study.figures:
                    _enter(found, Part(profile.name, figure, task), closure(study.experiments([figure])))
            except InputError as error:
                found.untold[profile.name, task] = str(error)
    return found


def only_for(study: Study, figures: list[str] | None) -> tuple[list[Experiment], list[Experiment]]:
    """Divide what a choice from the study needs.

    Args:
        study: the choice.
        figures: names of figures; all, if not given.

    Returns:
        What nothing else of the profile needs, and what the rest of the profile needs too.
    """
    chosen = closure(study.experiments(figures))
    whole = choose(study.profile.name, inputs=study.inputs)
    rest: list[Experiment] = [
        run.experiment
        for figure in whole.figures
        for run in whole.runs(figure)
        if (figures and figure not in figures) or run.task not in study.tasks or run.seed not in study.seeds
    ]
    shared = set(closure(rest))
    return [each for each in chosen if each not in shared], [each for each in chosen if each in shared]


def _enter(found: Needs, part: Part, experiments: list[Experiment]) -> None:
    for experiment in experiments:
        found.parts[experiment.key].add(part)
        found.titles[experiment.key] = experiment.title
