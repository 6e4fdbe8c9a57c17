"""What the profiles say of themselves."""

from pathlib import Path

import pandas as pd
import pytest

from srnet.data.tasks import TASKS
from srnet.study.profiles import PROFILES

RESULTS = Path(__file__).parents[2] / "results"
RATES = pd.read_json(RESULTS / "pocket-rates.jsonl", lines=True)


@pytest.mark.parametrize("method", ["mask", "imp"])
@pytest.mark.parametrize("task", TASKS)
def test_pocket_learning_rates_are_the_best_in_distribution_and_within_what_was_tried(task: str, method: str) -> None:
    recipe = getattr(PROFILES["pocket"].training[task], method)
    tried = RATES[(RATES.task == task) & (RATES.method == method) & (RATES.steps == recipe.steps)]
    scores = tried.id.map(lambda by_loss: round(sum(by_loss.values()), 2)).set_axis(tried.lr).sort_index()
    assert scores.idxmax() == recipe.lr
    assert recipe.lr not in (scores.index[0], scores.index[-1])


def test_pocket_learning_rates_were_chosen_with_other_seeds_than_the_study_has() -> None:
    assert not set(PROFILES["pocket"].seeds) & set(RATES.seeds.explode())


@pytest.mark.parametrize("task", TASKS)
def test_full_models_of_real_text_have_the_best_rate_in_distribution(task: str) -> None:
    tried = pd.read_json(RESULTS / "small-rates.jsonl", lines=True)
    full = tried[(tried.task == task) & (tried.method == "full")]
    scores = full.id.map(lambda by_loss: sum(by_loss.values())).set_axis(full.lr)
    recipe = PROFILES["small"].training[task].full
    assert set(full.steps) == {recipe.steps}
    assert scores.idxmax() == recipe.lr
