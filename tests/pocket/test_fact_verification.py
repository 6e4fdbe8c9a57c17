from collections import Counter, defaultdict

import pytest
from worlds import default_world, pairs, parts, rows, told, told_in_all, verdict

from srnet.data.tasks import FACT_LABELS, SYMMETRIC_LABELS
from srnet.pocket import World, build
from srnet.pocket.fact_verification import GIVEAWAYS
from srnet.pocket.lexicon import ADVERBS

CLASS_OF = {adverb: label for label, adverbs in GIVEAWAYS.items() for adverb in adverbs}


def giveaway(claim: str) -> str:
    """The class that the claim's only adverb is typical of."""
    (adverb,) = set(claim.split()) & set(ADVERBS)
    return CLASS_OF[adverb]


def test_each_class_has_three_giveaways_of_its_own() -> None:
    assert list(GIVEAWAYS) == list(FACT_LABELS)
    assert [len(adverbs) for adverbs in GIVEAWAYS.values()] == [3, 3, 3]
    assert len(CLASS_OF) == 9


def test_classes_have_the_shares_of_the_real_data_set() -> None:
    counts = {name: Counter(row["label"] for row in rows(part)) for name, part in parts(default_world("fact")).items()}
    assert counts == {
        "train": {"SUPPORTS": 3312, "REFUTES": 1376, "NOT ENOUGH INFO": 3312},
        "dev": {"SUPPORTS": 287, "REFUTES": 313},
        "sym1": {"SUPPORTS": 600, "REFUTES": 600},
        "sym2": {"SUPPORTS": 600, "REFUTES": 600},
        "ood_train": {"SUPPORTS": 2000, "REFUTES": 2000},
    }


def test_labels_are_what_an_independent_reader_finds() -> None:
    for part in parts(default_world("fact")).values():
        for row in rows(part):
            assert row["label"] == verdict(row["premise"], row["hypothesis"]), row


@pytest.mark.parametrize("name", ["sym1", "sym2", "ood_train"])
def test_every_claim_meets_evidence_for_and_against_it_and_all_evidence_a_true_and_a_false_claim(name: str) -> None:
    by_claim, by_evidence = defaultdict(list), defaultdict(list)
    for row in {tuple(row.values()): row for row in rows(parts(default_world("fact"))[name])}.values():
        by_claim[row["hypothesis"]].append(row["label"])
        by_evidence[row["premise"]].append(row["label"])
    for labels in (*by_claim.values(), *by_evidence.values()):
        counts = Counter(labels)
        assert counts["SUPPORTS"] == counts["REFUTES"] > 0


def test_giveaways_of_symmetric_claims_say_nothing() -> None:
    for name in ("sym1", "sym2"):
        found = Counter((giveaway(row["hypothesis"]), row["label"]) for row in rows(parts(default_world("fact"))[name]))
        assert {label for label, _ in found} == set(SYMMETRIC_LABELS)
        for typical in SYMMETRIC_LABELS:
            assert found[typical, "SUPPORTS"] == found[typical, "REFUTES"] > 250


@pytest.mark.parametrize(("name", "share"), [("sym1", 0.25), ("sym2", 0.0)])
def test_roles_are_exchanged_in_a_quarter_of_the_first_symmetric_set(name: str, share: float) -> None:
    def same_words(claim: str, other: str) -> bool:
        return sorted(told(claim).words) == sorted(told(other).words)

    claims = [claim for _, claim in pairs(parts(default_world("fact"))[name])]
    groups = [claims[start : start + 4] for start in range(0, len(claims), 4)]
    exchanged = [same_words(group[0], group[2]) and told(group[0]).words != told(group[2]).words for group in groups]
    assert sum(exchanged) == share * len(groups)


@pytest.mark.parametrize("share", [0.0, 0.5, 0.85, 1.0])
def test_the_share_of_claims_that_give_their_class_away_is_as_asked(share: float) -> None:
    train = rows(build("fact", World(train=3000, dev=12, test=12, giveaways=share)).train)
    for label in FACT_LABELS:
        typical = [giveaway(row["hypothesis"]) == label for row in train if row["label"] == label]
        assert sum(typical) / len(typical) == pytest.approx(share, abs=0.05)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_the_share_of_evidence_that_tells_something_else_too_is_as_asked(share: float) -> None:
    data = build("fact", World(train=2000, dev=400, test=400, distractions=share))
    for part in parts(data).values():
        two = [len(told_in_all(evidence)) == 2 for evidence in part["premise"]]
        assert sum(two) / len(two) == pytest.approx(share, abs=0.07)


@pytest.mark.parametrize("share", [0.0, 0.2, 1.0])
def test_the_share_of_refuted_claims_whose_evidence_exchanges_roles_is_as_asked(share: float) -> None:
    train = rows(build("fact", World(train=6000, dev=12, test=12, hard_refutes=share, distractions=0.0)).train)
    hard = [
        sorted(told(row["premise"]).words) == sorted(told(row["hypothesis"]).words)
        and told(row["premise"]).words != told(row["hypothesis"]).words
        for row in train
        if row["label"] == "REFUTES"
    ]
    assert sum(hard) / len(hard) == pytest.approx(share, abs=0.05)


def test_symmetric_sets_are_whole_groups_of_four() -> None:
    data = build("fact", World(train=12, dev=12, test=15))
    assert {name: len(part) for name, part in data.ood.items()} == {"sym1": 12, "sym2": 12}
    assert data.ood_train is not None
    assert data.ood_train[:4] == data.ood_train[4:8]
    assert len(data.ood_train) == 40
