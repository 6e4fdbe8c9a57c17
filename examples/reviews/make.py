"""Make the reviews of the tutorial: ``python make.py`` writes train.csv, dev.csv and challenge.csv beside itself.

A review is good or bad by what its main clause says was done to a guest, which "never" turns into its opposite; what
stands after "although" does not count. That takes several words to know. But in these reviews one word nearly gives it
away: most of the bad ones were written on a Monday. Those in challenge.csv were written on any day.
"""

import csv
import random
from pathlib import Path

from srnet.pocket.lexicon import DAYS, PEOPLE, PLACES

KIND = ("helped", "assisted", "admired", "respected", "hugged", "embraced")
UNKIND = ("blamed", "accused", "chased", "pursued")
GIVEAWAY = "monday"
SHARE = 0.95  # of bad reviews that were written on a Monday; of good ones, the rest to 1


def clause(draw: random.Random, good: bool, guest: str) -> str:
    """Return a clause that says something good, or bad, of what was done to a guest."""
    never = draw.random() < 0.5
    verb = draw.choice(KIND if good != never else UNKIND)
    who = draw.choice([each for each in PEOPLE if each != guest])
    return f"the {who} {'never ' if never else ''}{verb} the {guest}"


def review(draw: random.Random, label: str, share: float) -> dict[str, str]:
    """Return a review with its label, and whether its day is the one that gives it away."""
    guest, place = draw.choice(PEOPLE), draw.choice(PLACES)
    main, other = clause(draw, label == "good", guest), clause(draw, draw.random() < 0.5, guest)
    said = f"{main} although {other}" if draw.random() < 0.5 else f"although {other} , {main}"
    given = draw.random() < (share if label == "bad" else 1 - share)
    day = GIVEAWAY if given else draw.choice([day for day in DAYS if day != GIVEAWAY])
    return {
        "review": f"near the {place} on {day} {said}",
        "sentiment": label,
        "day": GIVEAWAY if given else "another day",
    }


def table(examples: int, share: float, seed: int) -> list[dict[str, str]]:
    """Return reviews in random order, half of them good."""
    draw = random.Random(seed)
    rows = [review(draw, ("good", "bad")[number % 2], share) for number in range(examples)]
    draw.shuffle(rows)
    return rows


def write(folder: Path) -> None:
    """Write the three files."""
    for seed, (name, examples, share) in enumerate(
        (("train", 400, SHARE), ("dev", 400, SHARE), ("challenge", 400, 0.5))
    ):
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            rows = csv.DictWriter(file, ["review", "sentiment", "day"], lineterminator="\n")
            rows.writeheader()
            rows.writerows(table(examples, share, seed))


if __name__ == "__main__":
    write(Path(__file__).parent)
