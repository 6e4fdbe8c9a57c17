"""What was asked of full models is told from made-up results."""

import pandas as pd
import pytest

from srnet.figures import asked_and_found, spread_of_full_models

SCORES = {  # ID, and both OOD sets, by loss and seed
    ("std", 1): (0.96, 0.70, 0.80),
    ("std", 2): (0.94, 0.60, 0.80),
    ("poe", 1): (0.93, 0.75, 0.83),
    ("poe", 2): (0.95, 0.61, 0.83),
}


@pytest.fixture
def table() -> pd.DataFrame:
    sets = (("ID", "fever"), ("OOD", "sym1"), ("OOD", "sym2"))
    rows = [
        {"task": "fact", "curve": f"full bert ({loss})", "seed": seed, "split": split, "dataset": name, "score": score}
        for (loss, seed), scores in SCORES.items()
        for (split, name), score in zip(sets, scores, strict=True)
    ]
    mask = rows[0] | {"curve": "mask train (std)", "score": 0.1}
    return pd.DataFrame([*rows, mask])


def test_gap_gain_and_loss_are_differences_of_the_same_seed(table: pd.DataFrame) -> None:
    found = asked_and_found(table)
    assert list(found.index) == ["Fact verification"]
    assert found.iloc[0].to_dict() == {
        "ID, std": "95.0 ± 1.4",
        "gap": "22.5 ± 2.1",  # 96 - 75 and 94 - 70
        "gain of poe": "3.0 ± 1.4, less than the 5 asked",  # 79 - 75 and 72 - 70
        "ID lost by poe": "1.0 ± 2.8",
    }


def test_one_seed_has_no_spread(table: pd.DataFrame) -> None:
    assert asked_and_found(table[table.seed == 1]).loc["Fact verification", "gap"] == "21.0"


def test_spread_is_of_cross_entropy_out_of_distribution_alone(table: pd.DataFrame) -> None:
    spread = spread_of_full_models(table)
    assert list(spread.index) == [("Fact verification", "FEVER-Symm. v1"), ("Fact verification", "FEVER-Symm. v2")]
    assert spread.iloc[0].to_dict() == {"mean": 65.0, "standard deviation": 7.1, "least": 60.0, "greatest": 70.0}
