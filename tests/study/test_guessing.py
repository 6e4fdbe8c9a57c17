"""What guesses score on PAWS: the formula against a count."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from srnet.pocket.paraphrase import DUPLICATES
from srnet.study.guessing import EVEN, PRIOR, expected_f1, guesses


@pytest.mark.parametrize(("share", "guessed"), [(0.282, 0.5), (0.282, 0.369), (0.442, 0.5), (0.9, 0.1)])
def test_the_expected_score_is_that_of_many_guesses(share: float, guessed: float) -> None:
    rng = np.random.default_rng(0)
    gold, told = rng.random(200_000) < share, rng.random(200_000) < guessed
    assert expected_f1(share, guessed) == pytest.approx(f1_score(gold, told, average="weighted"), abs=0.005)


def test_paws_has_levels_of_guessing_and_other_sets_have_none() -> None:
    assert {name: round(100 * level, 1) for name, level in guesses("paws-qqp").items()} == {EVEN: 52.5, PRIOR: 57.2}
    assert {name: round(100 * level, 1) for name, level in guesses("paws-wiki").items()} == {EVEN: 50.2, PRIOR: 50.8}
    assert guesses("qqp") == guesses("hans") == {}


def test_the_pocket_world_has_the_shares_of_the_paper() -> None:
    assert DUPLICATES == {"qqp": 0.369, "paws-qqp": 0.282, "paws-wiki": 0.442}
