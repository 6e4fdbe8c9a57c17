"""The store: whole or absent, every changed byte noticed, nothing written twice."""

import ast
import errno
import fcntl
import multiprocessing
import os
import pickle
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import srnet
from srnet import InputError, Recipe
from srnet.environment import MANIFEST, default_below, default_root
from srnet.executor.agenda import Agenda, missing
from srnet.experiments.expressions import Bias, Data, Experiment, FineTuned, Pretrained
from srnet.store.records import read_record, write_record
from srnet.store.store import RECORD, BusyError, DamagedError, Store, check_results, default_store

DATA = Data("nli", "abc")
BIAS = Bias(DATA)
FULL = FineTuned(Pretrained("bert-base-uncased"), DATA, seed=1, recipe=Recipe(steps=100))


def write(store: Store, *experiments: Experiment) -> None:
    for experiment in experiments:
        with store.writing(experiment) as entry:
            assert entry is not None
            entry.save("weights", {"w": torch.arange(100.0)})
            entry.save("logits", {"dev": torch.ones(3, 2)})
            entry.record["metrics"] = {"dev": 0.1 + 0.2, "none": float("nan"), "text": "θ"}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "store")
    write(store, *FULL.operands, FULL)
    return store


def flip(path: Path, position: int) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 1 << random.Random(position).randrange(8)
    path.write_bytes(content)


def test_what_was_written_is_read(store: Store) -> None:
    assert store.has(FULL)
    assert store.whole(FULL)
    assert torch.equal(store.tensors(FULL, "weights")["w"], torch.arange(100.0))
    record = store.record(FULL)
    assert record == store.read(FULL.key)
    assert record["metrics"]["dev"] == 0.1 + 0.2
    assert record["files"].keys() == {"weights.safetensors", "logits.safetensors"}
    assert record["resumed"] == 0
    assert store.keys() == sorted(each.key for each in (*FULL.operands, FULL))
    assert store.size(FULL.key) == sum(path.stat().st_size for path in store.folder(FULL).iterdir())
    store.verify(FULL.key)
    assert store.unfinished() == store.aside() == []
    assert not list((store.root / "unfinished").iterdir())
    assert all(path.stat().st_mode & 0o777 == 0o644 for path in store.folder(FULL).iterdir())


def test_every_flipped_byte_of_a_record_is_noticed(store: Store) -> None:
    path = store.folder(FULL) / RECORD
    content = path.read_bytes()
    for position in range(len(content)):
        flip(path, position)
        with pytest.raises(DamagedError, match="not the record that was written"):
            store.record(FULL)
        assert not store.has(FULL)
        path.write_bytes(content)
    assert store.has(FULL)


@pytest.mark.parametrize("name", ["weights.safetensors", "logits.safetensors"])
def test_every_flipped_byte_of_a_file_is_noticed_when_it_is_read(store: Store, name: str) -> None:
    path = store.folder(FULL) / name
    content = path.read_bytes()
    for position in range(len(content)):
        flip(path, position)
        with pytest.raises(DamagedError, match=f"{name}: the file has changed") as caught:
            store.file(FULL, name)
        assert caught.value.key == FULL.key
        path.write_bytes(content)
    store.file(FULL, name)
    flip(path, 5)
    with pytest.raises(DamagedError, match=name):
        store.verify(FULL.key)


@pytest.mark.parametrize("harm", ["missing record", "missing file", "short file", "record of another", "empty"])
def test_an_entry_that_is_not_whole_is_set_aside_and_written_anew(store: Store, harm: str) -> None:
    folder = store.folder(FULL)
    if harm == "missing record":
        (folder / RECORD).unlink()
    elif harm == "missing file":
        (folder / "weights.safetensors").unlink()
    elif harm == "short file":
        (folder / "weights.safetensors").write_bytes(b"")
    elif harm == "record of another":
        (folder / RECORD).write_bytes((store.folder(BIAS) / RECORD).read_bytes())
    else:
        (folder / RECORD).write_text("")
    assert not store.has(FULL)
    assert missing([FULL], store) == [FULL]
    with pytest.raises(DamagedError, match=str(folder)):
        store.verify(FULL.key)
    problem = store.set_aside(FULL.key)
    assert problem is not None
    assert str(folder) in problem
    assert [place.name.startswith(FULL.key) for place in store.aside()] == [True]
    assert store.set_aside(FULL.key) is None
    write(store, FULL)
    assert store.whole(FULL)
    assert store.set_aside(FULL.key) is None
    assert store.whole(FULL)


def test_what_is_not_there_is_said(store: Store) -> None:
    other = replace(FULL, seed=2)
    with pytest.raises(InputError, match=f"no result of A_std.* \\({other.key}\\); compute it first"):
        store.record(other)
    with pytest.raises(InputError, match=r"has no file mask\.safetensors"):
        store.file(FULL, "mask.safetensors")
    with pytest.raises(InputError, match="no result with the key 00"):
        store.verify("00")


def test_an_error_leaves_nothing_and_a_failure_is_forgotten_on_success(tmp_path: Path) -> None:
    store = Store(tmp_path)

    def write_half() -> None:
        with store.writing(FULL) as entry:
            assert entry is not None
            entry.save("weights", {"w": torch.zeros(1)})
            raise MemoryError

    with pytest.raises(MemoryError):
        write_half()
    assert not store.has(FULL)
    assert store.unfinished() == store.keys() == []
    try:
        raise MemoryError("no room")
    except MemoryError as error:
        store.fail(FULL, error)
    assert store.failures()[FULL.key]["failed"] == "MemoryError: no room"
    assert "in test_an_error_leaves_nothing" in store.failures()[FULL.key]["traceback"]
    assert store.failures()[FULL.key]["title"] == FULL.title
    flip(store.failure_file(FULL.key), 40)
    assert "not the record that was written" in store.failures()[FULL.key]["failed"]
    write(store, FULL)
    assert FULL.key not in store.failures()


def test_a_failure_that_cannot_be_recorded_is_said(tmp_path: Path) -> None:
    (tmp_path / "failed").touch()  # where the folder of failures would be
    with pytest.warns(UserWarning, match="the failure of nli: A_std.* cannot be recorded"):
        Store(tmp_path).fail(FULL, MemoryError("no room"))


def hold(root: Path, ready: Any, over: Any) -> None:
    with Store(root).writing(FULL):
        ready.set()
        over.wait(30)


def test_what_another_process_computes_is_busy_until_that_process_is_dead(tmp_path: Path) -> None:
    context, store = multiprocessing.get_context("fork"), Store(tmp_path)
    ready, over = context.Event(), context.Event()
    process = context.Process(target=hold, args=(tmp_path, ready, over))
    process.start()
    assert ready.wait(30)
    with pytest.raises(BusyError), store.writing(FULL):
        pass
    assert not store.remove(FULL.key)
    assert store.set_aside(FULL.key) is None
    assert store.unfinished() == [FULL.key]
    write(store, BIAS)
    process.kill()
    process.join()
    write(store, FULL)
    assert store.has(FULL)
    assert store.unfinished() == []


def test_what_another_process_has_computed_meanwhile_is_not_computed_again(store: Store) -> None:
    with store.writing(FULL) as entry:
        assert entry is None


def test_what_a_process_left_that_was_killed_at_the_very_end_is_cleared_up(store: Store) -> None:
    left = store.root / "unfinished" / FULL.key
    left.mkdir(parents=True)
    (left / "0.safetensors").touch()
    other = store.root / "unfinished" / ("0" * 20)
    other.mkdir(parents=True)
    store.clear_up()
    assert not left.exists()
    assert other.exists()


def test_a_result_is_removed_with_what_is_unfinished(store: Store) -> None:
    assert store.remove(FULL.key)
    assert not store.has(FULL)
    assert store.remove("0" * 20)


def test_what_is_unfinished_is_removed_alone(store: Store) -> None:
    (store.root / "unfinished" / FULL.key).mkdir(parents=True)
    assert store.remove(FULL.key, only_unfinished=True)
    assert store.unfinished() == []
    assert store.whole(FULL)


def test_results_below_are_read_but_never_written(store: Store, tmp_path: Path) -> None:
    shipped = {path: path.read_bytes() for path in store.root.rglob("*") if path.is_file()}
    above = Store(tmp_path / "above", below=[tmp_path / "nowhere", store.root])
    assert above.whole(FULL)
    assert above.record(FULL) == store.record(FULL)
    assert torch.equal(above.tensors(FULL, "weights")["w"], store.tensors(FULL, "weights")["w"])
    assert missing([FULL], above) == []
    assert above.keys() == []
    above.remove(FULL.key)
    assert {path: path.read_bytes() for path in store.root.rglob("*") if path.is_file()} == shipped


def test_a_record_below_without_its_files_can_be_shown_but_not_built_on(store: Store, tmp_path: Path) -> None:
    above, masked = Store(tmp_path / "above", below=[store.root]), replace(FULL, of=FULL, seed=2)
    for name in ("weights", "logits"):
        (store.folder(FULL) / f"{name}.safetensors").unlink()
    assert above.has(FULL)
    assert not above.whole(FULL)
    assert missing([FULL], above) == []
    assert missing([masked], above) == [FULL, masked]
    assert above.set_aside(FULL.key) is None
    write(above, FULL)
    assert missing([masked], above) == [masked]
    assert not store.has(FULL)  # where it is not below, a result without its files is no result


def test_a_damaged_result_below_is_not_used(store: Store, tmp_path: Path) -> None:
    above = Store(tmp_path / "above", below=[store.root])
    flip(store.folder(FULL) / "weights.safetensors", 50)
    with pytest.raises(DamagedError):
        above.tensors(FULL, "weights")
    assert str(store.folder(FULL)) in str(above.set_aside(FULL.key))
    assert store.folder(FULL).exists()
    assert not pickle.loads(pickle.dumps(above)).has(FULL)
    write(above, FULL)
    above.tensors(FULL, "weights")


def test_a_damaged_error_travels_between_processes() -> None:
    error = pickle.loads(pickle.dumps(DamagedError("k", "x: the file has changed")))
    assert error.key == "k"
    assert str(error) == str(DamagedError("k", "x: the file has changed"))


def test_a_record_is_whole_or_absent(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    write_record(path, {"a": 1})
    with pytest.raises(TypeError):
        write_record(path, {"a": object()})
    assert read_record(path) == {"a": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_unpickles() -> None:
    """Stores are exchanged between people; a pickle could run code of whoever wrote it."""
    for path in Path(srnet.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            loads = isinstance(node, ast.Attribute) and ast.unparse(node) in ("torch.load", "np.load", "joblib.load")
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
            assert not loads, path
            assert not {"pickle", "cloudpickle", "joblib", "load", "loads"}.intersection(names), path


def test_where_results_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "deep").mkdir()
    monkeypatch.chdir(tmp_path / "deep")
    for name in ("SRNET_STORE", "SRNET_BELOW"):
        monkeypatch.delenv(name, raising=False)
    root = Path(srnet.__file__).parents[1]
    assert default_root() == tmp_path / "deep" / "store"
    assert default_below() == ()
    assert default_root(anywhere=True) == root / "store"  # of the checkout that the package is used from
    assert set(default_below(anywhere=True)) == {path.parent for path in (root / "results").glob(f"*/{MANIFEST}")}
    (tmp_path / "deep" / "store").mkdir()
    assert default_root(anywhere=True) == tmp_path / "deep" / "store"
    monkeypatch.setattr("srnet.environment.__file__", str(tmp_path / "site-packages" / "srnet" / "environment.py"))
    assert default_below(anywhere=True) == ()
    (tmp_path / "deep" / "store").rmdir()
    assert default_root(anywhere=True) == tmp_path / "deep" / "store"
    for name in ("pyproject.toml", "_toc.yml"):
        (tmp_path / name).touch()
    assert default_root() == tmp_path / "store"
    assert default_below() == ()
    for name in ("pocket", "other", "notes"):
        (tmp_path / "results" / name).mkdir(parents=True)
    for name in ("pocket", "other"):
        (tmp_path / "results" / name / MANIFEST).touch()
    assert default_below() == (tmp_path / "results" / "other", tmp_path / "results" / "pocket")
    assert default_store().root == tmp_path / "store"
    assert default_store().below == default_below()
    monkeypatch.setenv("SRNET_STORE", "elsewhere")
    monkeypatch.setenv("SRNET_BELOW", os.pathsep.join(["here", "there"]))
    assert default_root() == Path("elsewhere")
    assert default_below() == (Path("here"), Path("there"))


@pytest.mark.parametrize("place", ["file", "file/below", "link", "link/below", "loop", "n" * 300, "published"])
def test_what_can_be_no_store_is_refused_before_anything_is_written(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "published").mkdir()
    (tmp_path / "published" / MANIFEST).touch()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(InputError, match="name") as problem:
        Store(tmp_path / place)
    assert str(problem.value).startswith(str(tmp_path / place))
    assert sorted(tmp_path.rglob("*")) == before


def test_a_link_to_a_folder_and_a_folder_to_be_made_are_stores(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "there")
    for place in ("link", "link/deep/er", "a b/ü"):
        write(Store(tmp_path / place), BIAS)
        assert Store(tmp_path / place).whole(BIAS)


def test_a_folder_that_cannot_be_read_is_said_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.R_OK)  # as for anybody but root
    with pytest.raises(InputError, match="cannot be read: Permission denied"):
        Store(tmp_path)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOLCK, "gives no locks: No locks available"),
        (errno.EOPNOTSUPP, "gives no locks: Operation not supported"),
        (errno.ENOSYS, "gives no locks: Function not implemented"),
        (errno.EROFS, "cannot be written: Read-only file system"),
        (errno.ENOSPC, "cannot be written: No space left on device; make room"),
    ],
)
@pytest.mark.parametrize("call", ["flock", "mkdir"])
def test_a_store_that_cannot_be_written_is_said_to_be_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, words: str, call: str
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(*{"flock": (fcntl, "flock"), "mkdir": (Path, "mkdir")}[call], refuse)
    with pytest.raises(InputError, match=f"{tmp_path / 'a'}: .*{words}.*--store"):
        Agenda([BIAS], Store(tmp_path / "a"), lambda _: 1.0)
    assert list(tmp_path.iterdir()) == []


def test_what_is_in_the_way_in_a_store_is_named(store: Store) -> None:
    (store.root / "unfinished").rmdir()
    (store.root / "unfinished").touch()
    with pytest.raises(InputError, match=f"File exists \\({store.root / 'unfinished'}\\)"):
        store.check_writable()
    assert Agenda([FULL], store, lambda _: 1.0).is_over  # what is there is read


@pytest.mark.parametrize("name", [RECORD, "weights.safetensors"])
def test_a_file_that_the_system_does_not_let_be_read_is_named_and_not_set_aside(
    store: Store, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def refuse(path: Path, *_: Any, **__: Any) -> Any:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr("pathlib.Path.read_bytes" if name == RECORD else "srnet.store.layers.sha256", refuse)
    with pytest.raises(InputError, match=f"{name}: cannot be read: Permission denied") as problem:
        store.file(FULL, name)
    assert not isinstance(problem.value, DamagedError)


def test_folders_of_results(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("begun/unfinished", "published", "empty"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "published" / MANIFEST).touch()
    (tmp_path / "file").touch()
    check_results([store.root, tmp_path / "begun", tmp_path / "published"])
    for name, words in {"empty": "holds no results", "file": "no folder", "nowhere": "no such folder"}.items():
        monkeypatch.setenv("SRNET_BELOW", str(tmp_path / name))
        with pytest.raises(InputError, match=f"{tmp_path / name}: .*{words}"):
            default_store()


@pytest.mark.parametrize(("name", "value"), [("SRNET_STORE", ""), ("SRNET_BELOW", "here" + os.pathsep)])
def test_a_variable_that_names_nothing_is_not_the_current_folder(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match=f"{name}: names no folder"):
        default_store()
