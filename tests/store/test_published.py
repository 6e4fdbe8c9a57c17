"""Published results: as good as the store's for showing and judging, and refused by name where they are not these."""

import json
import lzma
import pickle
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from srnet import InputError, Recipe, pocket
from srnet.environment import MANIFEST, Inputs
from srnet.executor.agenda import missing
from srnet.executor.compute import compute
from srnet.experiments.expressions import KEYS, Bias, Data, Experiment, FineTuned, Pretrained, Tokenised
from srnet.files import sha256
from srnet.store import layout, published
from srnet.store.layout import digits, numbers
from srnet.store.published import text_of
from srnet.store.publishing import publish
from srnet.store.records import read_record, sealed, unsealed, write_record
from srnet.store.store import DamagedError, Store
from srnet.training.models import folder_digest

PLM = Pretrained("pocket", folder_digest(pocket.plm_folder()))
WORLD = pocket.World(train=24, dev=12, test=12)
NLI, FACT = (Data(task, pocket.FINGERPRINTS[task], WORLD) for task in ("nli", "fact"))
TOKENS = Tokenised(PLM, NLI)
FULL = FineTuned(PLM, NLI, 1, Recipe(steps=10, batch_size=4), checkpoints=(5,))
ALL: list[Experiment] = [TOKENS, Bias(NLI), FULL, Bias(FACT)]
Line = dict[str, Any]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Token ids as they are; of the rest, what a record and logits need."""
    store = Store(tmp_path_factory.mktemp("store"))
    compute(TOKENS, store, Inputs(device="cpu"))
    for experiment in ALL[1:]:
        with store.writing(experiment) as entry:
            assert entry
            entry.save("weights", {"w": torch.arange(3.0)})
            entry.record |= {"machine": {"device": "cpu", "process": 7}, "metrics": {"hans": {"accuracy": 0.1 + 0.2}}}
            if experiment == FULL:
                torch.manual_seed(0)
                for name in ("logits", "logits-5"):
                    entry.save(name, {name: torch.randn(12, 3) for name in layout.test_sets(TOKENS, store)})
    return store


@pytest.fixture
def folder(store: Store, tmp_path: Path) -> Path:
    publish(ALL, store, tmp_path / "published", "pocket", [1])
    return tmp_path / "published"


def above(folder: Path) -> Store:
    return Store(folder.parent / "above", [folder])


def lines(folder: Path, task: str = "nli") -> list[Line]:
    return [json.loads(line) for line in lzma.decompress((folder / f"{task}.jsonl.xz").read_bytes()).splitlines()]


def forge(folder: Path, text: bytes) -> None:
    """Publish another text of NLI's file, with a manifest that vouches for it."""
    path = folder / "nli.jsonl.xz"
    path.write_bytes(lzma.compress(text))
    manifest = read_record(folder / MANIFEST)
    manifest["files"][path.name] = {"sha256": sha256(path), "bytes": path.stat().st_size}
    write_record(folder / MANIFEST, manifest)


def test_a_published_record_is_the_stores_and_nothing_is_built_on_it(store: Store, folder: Path) -> None:
    local = above(folder)
    for experiment in ALL:
        assert local.has(experiment)
        assert not local.whole(experiment)
        assert local.record(experiment) == local.read(experiment.key) == store.record(experiment)
        assert list(local.record(experiment)) == list(store.record(experiment))
    assert local.keys_below() == store.keys()
    assert missing(ALL, local) == []
    masked = replace(FULL, of=FULL, seed=2)
    assert missing([masked], local) == [TOKENS, Bias(NLI), FULL, masked]
    assert not local.has(masked)
    with pytest.raises(InputError, match="compute it first"):
        local.record(masked)
    with pytest.raises(DamagedError, match="the file is missing"):
        local.tensors(FULL, "logits")
    assert not local.root.exists()


def test_records_are_sealed_as_in_the_store(store: Store, folder: Path) -> None:
    for line in lines(folder):
        assert line["record"] == json.loads((store.root / line["key"] / "record.json").read_bytes())


@pytest.mark.parametrize("step", [None, 5])
def test_predictions_are_the_arg_max_of_the_logits(store: Store, folder: Path, step: int | None) -> None:
    wanted = store.tensors(FULL, "logits" if step is None else "logits-5")
    for source in (store, above(folder), pickle.loads(pickle.dumps(above(folder)))):
        found = layout.predictions(FULL, source, step)
        assert list(found) == list(wanted)
        for name, classes in found.items():
            assert classes.dtype == torch.int64
            assert torch.equal(classes, wanted[name].argmax(dim=-1))


def test_gold_is_that_of_the_test_sets(store: Store, folder: Path) -> None:
    assert len(layout.test_sets(TOKENS, above(folder))) == 2
    for name in layout.test_sets(TOKENS, store):
        wanted = layout.examples(TOKENS, name, store).gold
        for source in (store, above(folder)):
            found = layout.gold(TOKENS, name, source)
            assert torch.equal(found.labels, wanted.labels)
            assert found.classes == wanted.classes
            assert found.subsets.tolist() == wanted.subsets.tolist()


def test_no_token_ids_are_published(folder: Path) -> None:
    (line,) = (line for line in lines(folder) if line["key"] == TOKENS.key)
    assert set(line) == {"key", "record", "predictions", "gold", "checksum"}
    assert {what for of_set in line["gold"].values() for what in of_set} == {"labels", "subsets"}


def test_own_results_come_first(store: Store, folder: Path) -> None:
    local = Store(store.root, [folder])
    assert local.published(FULL) is None
    assert torch.equal(local.tensors(FULL, "weights")["w"], torch.arange(3.0))


def test_the_manifest_says_what_was_published(store: Store, folder: Path) -> None:
    manifest, records = read_record(folder / MANIFEST), [store.record(each) for each in ALL]
    assert (manifest["profile"], manifest["seeds"], manifest["keys"]) == ("pocket", [1], KEYS)
    assert manifest["revisions"] == [records[0]["software"]["srnet"]]
    assert manifest["libraries"]["torch"] == [records[0]["software"]["torch"]]
    assert {"device": "cpu"} in manifest["machines"]
    assert manifest["results"] == 4
    assert manifest["hours"] == round(sum(record["seconds"] for record in records) / 3600, 2)
    assert {path.name for path in folder.iterdir()} == {MANIFEST, "nli.jsonl.xz", "fact.jsonl.xz"}
    for name, about in manifest["files"].items():
        assert about == {"sha256": sha256(folder / name), "bytes": (folder / name).stat().st_size}


def test_the_same_results_give_the_same_bytes_also_from_what_is_published(store: Store, folder: Path) -> None:
    first = {path.name: path.read_bytes() for path in folder.iterdir()}
    for number, (source, order) in enumerate([(store, ALL), (store, ALL[::-1]), (above(folder), ALL)]):
        again = folder.parent / str(number)
        publish(order, source, again, "pocket", [1])
        assert {path.name: path.read_bytes() for path in again.iterdir()} == first


def test_what_is_missing_is_counted_and_nothing_is_written(store: Store, tmp_path: Path) -> None:
    lacking = [replace(FULL, seed=seed) for seed in (2, 3)]
    with pytest.raises(InputError, match=r"2 of 6 results are missing, the first is nli: .* seed 2 \(") as caught:
        publish([*ALL, *lacking], store, tmp_path / "published", "pocket", [1])
    assert lacking[0].key in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def with_each_byte_altered(path: Path) -> Iterator[None]:
    """Write a file as often as it has bytes, each time with one bit of another byte turned."""
    content = path.read_bytes()
    for position in range(len(content)):
        altered = bytearray(content)
        altered[position] ^= 1 << position % 8
        path.write_bytes(altered)
        yield


def test_every_altered_byte_of_a_file_is_refused(folder: Path) -> None:
    path = folder / "nli.jsonl.xz"
    for _ in with_each_byte_altered(path):
        with pytest.raises(InputError, match=r"nli\.jsonl\.xz: the file has changed .* take the folder anew"):
            above(folder).has(FULL)
    path.unlink()
    with pytest.raises(InputError, match=r"nli\.jsonl\.xz: the file is missing"):
        above(folder).record(FULL)


def test_every_altered_byte_of_a_manifest_is_refused(folder: Path) -> None:
    path = folder / MANIFEST
    for _ in with_each_byte_altered(path):
        with pytest.raises(InputError, match=r"manifest\.json: not the manifest that was published"):
            above(folder).has(FULL)


def test_every_altered_byte_of_a_line_is_noticed(folder: Path) -> None:
    (line,) = (text_of(unsealed(line)).strip().encode() for line in lines(folder) if line["key"] == FULL.key)
    assert published._problem(line, FULL.key) is None
    for position in range(len(line)):
        altered = bytearray(line)
        altered[position] ^= 1 << position % 8
        assert published._problem(bytes(altered), FULL.key)


def altered(line: Line) -> Line:
    """Answer one example otherwise, without a new checksum."""
    answers = line["predictions"]["logits"]
    answers["hans"] = ("1" if answers["hans"][0] == "0" else "0") + answers["hans"][1:]
    return line


def of_another_seed(line: Line) -> Line:
    """Pass a record off as that of another seed, with all checksums made anew."""
    content, record = unsealed(line), unsealed(line["record"])
    record["experiment"] |= {"seed": 2}
    return sealed(content | {"record": sealed(record)})


def of_another_experiment(line: Line) -> Line:
    return sealed(unsealed(line) | {"record": sealed({**unsealed(line["record"]), "key": "0" * 20})})


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (altered, "not the line that was published"),
        (of_another_seed, f"the record is of another experiment, {replace(FULL, seed=2).key}"),
        (of_another_experiment, "the record is of another experiment"),
    ],
)
def test_a_forged_line_is_refused_by_name_and_computed_anew(
    store: Store, folder: Path, change: Callable[[Line], Line], problem: str
) -> None:
    texts = [
        json.dumps(change(line) if line["key"] == FULL.key else line, ensure_ascii=False) for line in lines(folder)
    ]
    forge(folder, "\n".join(texts).encode())
    local = above(folder)
    for look in (local.record, local.published, lambda each: layout.predictions(each, local)):
        with pytest.raises(DamagedError, match=rf"nli\.jsonl\.xz: {FULL.key}: {problem}.*`srnet run`") as caught:
            look(FULL)
        assert caught.value.key == FULL.key
    assert local.record(TOKENS) == store.record(TOKENS)
    assert FULL in missing([FULL], local)
    assert problem in (local.set_aside(FULL.key) or "")
    assert local.set_aside(TOKENS.key) is None
    with pytest.raises(InputError, match="compute it first"):
        local.record(FULL)


@pytest.mark.parametrize("text", [b'{"key": "zz"}\n', b"\xff\n"])
def test_lines_that_name_no_result_are_refused(folder: Path, text: bytes) -> None:
    forge(folder, text)
    with pytest.raises(InputError, match=r"nli\.jsonl\.xz, line 1: names no result"):
        above(folder).has(FULL)


def test_results_of_another_key_format_are_refused_by_name(folder: Path) -> None:
    write_record(folder / MANIFEST, read_record(folder / MANIFEST) | {"keys": KEYS - 1})
    for look in (above(folder).has, above(folder).record):
        with pytest.raises(InputError, match=rf"manifest\.json: results of key format {KEYS - 1}, here it is {KEYS}"):
            look(FULL)


def test_a_folder_is_read_when_a_result_is_asked_for(store: Store, folder: Path) -> None:
    (folder / "nli.jsonl.xz").unlink()
    assert Store(store.root, [folder]).has(FULL)


@given(st.lists(st.integers(0, 255)))
def test_numbers_come_back(values: list[int]) -> None:
    written = digits(np.array(values, dtype=np.uint8))
    assert len(written) == len(values)
    assert numbers(written).tolist() == values
    assert digits(np.array([0, 1, 2, 9])) == "0129"
