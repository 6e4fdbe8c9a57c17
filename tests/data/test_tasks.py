import os
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from datasets import Dataset, concatenate_datasets
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from srnet.data.official import MissingDataWarning, load_task, source_files, write_task
from srnet.data.pairs import TaskData, pair_dataset
from srnet.data.tasks import (
    FACT_LABELS,
    HANS_HEURISTICS,
    HANS_LABELS,
    NLI_LABELS,
    PARAPHRASE_LABELS,
    SYMMETRIC_LABELS,
    TASKS,
    find_task,
)
from srnet.debiasing.bias import BiasModel, pair_features
from srnet.debiasing.word_vectors import WordVectors
from srnet.errors import InputError

# The files of the official code, in the order in which a task is read: training, development, OOD, OOD training.
TREE = {
    "nli": [
        "MNLI/train.tsv",
        "MNLI/dev_matched.tsv",
        "MNLI/hans/heuristics_evaluation_set.txt",
        "MNLI/hans/heuristics_train_set.txt",
    ],
    "paraphrase": [
        "QQP/train.tsv",
        "QQP/dev.tsv",
        "QQP/paws_qqp/dev_and_test.tsv",
        "QQP/paws_wiki/test.tsv",
        "QQP/paws_qqp/train.tsv",
        "QQP/paws_wiki/train.tsv",
    ],
    "fact": [
        "fever/fever.train.jsonl",
        "fever/fever.dev.jsonl",
        "fever/sym1/test.jsonl",
        "fever/sym2/test.jsonl",
        "fever/sym2/dev.jsonl",
    ],
}
REQUIRED = [(task, file) for task, files in TREE.items() for file in files[:2]]
OPTIONAL = [(task, file) for task, files in TREE.items() for file in files[2:]]
OOD_LABELS = {"nli": HANS_LABELS, "paraphrase": PARAPHRASE_LABELS, "fact": SYMMETRIC_LABELS}
OOD_SUBSETS = {"nli": HANS_HEURISTICS, "paraphrase": ("",), "fact": ("",)}
# Of OOD training examples: the classes, and the subsets in the order that the files are read in.
OOD_TRAIN_LABELS = {"nli": (0, 2), "paraphrase": (0, 1), "fact": (0, 1)}
OOD_TRAIN_SUBSETS = {"nli": HANS_HEURISTICS, "paraphrase": ("paws-qqp", "paws-wiki"), "fact": ("",)}

Row = tuple[str, str, int, str]
SENTENCE = st.text(st.characters(exclude_characters="\t\n\r", exclude_categories=["Cs"]), min_size=1).filter(
    lambda text: not text.isspace()
)


def dataset(rows: list[Row], label_names: tuple[str, ...]) -> Dataset:
    premises, hypotheses, labels, subsets = zip(*rows, strict=True)
    return pair_dataset(premises, hypotheses, labels, label_names, subsets)


def examples(labels: tuple[int, ...], subsets: tuple[str, ...] = ("",)) -> st.SearchStrategy[list[Row]]:
    row = st.tuples(SENTENCE, SENTENCE, st.sampled_from(labels), st.sampled_from(subsets))
    return st.lists(row, min_size=1, max_size=6)


@st.composite
def task_data(draw: st.DrawFn, name: str) -> TaskData:
    """Draw any text of a task, with or without each OOD set."""
    task = TASKS[name]
    classes = tuple(range(len(task.labels)))
    ood_classes = tuple(range(len(OOD_LABELS[name])))
    ood = {
        id_: dataset(draw(examples(ood_classes, OOD_SUBSETS[name])), OOD_LABELS[name])
        for id_ in task.ood
        if draw(st.booleans())
    }
    ood_train = None
    if draw(st.booleans()):
        rows = draw(examples(OOD_TRAIN_LABELS[name], OOD_TRAIN_SUBSETS[name]))
        if name == "paraphrase":
            rows.sort(key=lambda row: row[3])
        ood_train = dataset(rows * (10 if name == "fact" else 1), task.labels)
    return TaskData(
        name=name,
        train=dataset(draw(examples(classes)), task.labels),
        dev=dataset(draw(examples(classes)), task.labels),
        ood=ood,
        ood_train=ood_train,
    )


def small(name: str) -> TaskData:
    """Return a few examples of everything that a task has."""
    task = TASKS[name]
    pairs = [(f"premise {i} .", f"hypothesis {i} .", i) for i in range(len(task.labels))]
    train = dataset([(*pair, "") for pair in pairs], task.labels)
    subsets = OOD_TRAIN_SUBSETS[name]
    ood_train = [(f"p {i}", f"h {i}", OOD_TRAIN_LABELS[name][i % 2], subset) for i, subset in enumerate(subsets)]
    ood = [("p", "h", 1, subset) for subset in OOD_SUBSETS[name]]
    return TaskData(
        name=name,
        train=train,
        dev=train.select([1, 0]),
        ood={id_: dataset([*ood, (id_, id_, 0, ood[0][3])], OOD_LABELS[name]) for id_ in task.ood},
        ood_train=dataset(ood_train * (10 if name == "fact" else 1), task.labels),
    )


def equal(one: Dataset | None, other: Dataset | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.features == other.features and one.to_dict() == other.to_dict()


def assert_equal(one: TaskData, other: TaskData) -> None:
    assert (one.name, list(one.ood)) == (other.name, list(other.ood))
    assert equal(one.train, other.train)
    assert equal(one.dev, other.dev)
    assert equal(one.ood_train, other.ood_train)
    assert all(equal(one.ood[id_], other.ood[id_]) for id_ in one.ood)


@pytest.mark.parametrize("name", TASKS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(data=st.data())
def test_what_is_written_is_read_back(tmp_path_factory: pytest.TempPathFactory, name: str, data: st.DataObject) -> None:
    drawn, folder = data.draw(task_data(name)), tmp_path_factory.mktemp("data")
    write_task(drawn, folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MissingDataWarning)
        assert_equal(load_task(name, folder), drawn)


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.filterwarnings("error")
def test_the_whole_of_a_task_is_in_the_official_tree(tmp_path: Path, name: str) -> None:
    write_task(small(name), tmp_path)
    found = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert found == set(TREE[name])
    assert [path.relative_to(tmp_path).as_posix() for path in source_files(name, tmp_path)] == TREE[name]
    assert_equal(load_task(name, tmp_path), small(name))


def test_all_tasks_in_one_folder(tmp_path: Path) -> None:
    for name in TASKS:
        write_task(small(name), tmp_path)
    for name in TASKS:
        assert_equal(load_task(name, tmp_path), small(name))


def test_what_the_tasks_are() -> None:
    assert list(TASKS) == ["nli", "paraphrase", "fact"]
    assert [task.name for task in TASKS.values()] == list(TASKS)
    assert [task.labels for task in TASKS.values()] == [NLI_LABELS, PARAPHRASE_LABELS, FACT_LABELS]
    assert [[task.dev_name, *task.ood] for task in TASKS.values()] == [
        ["mnli-m", "hans"],
        ["qqp", "paws-qqp", "paws-wiki"],
        ["fever", "sym1", "sym2"],
    ]
    assert [task.metric for task in TASKS.values()] == ["accuracy", "weighted_f1", "accuracy"]
    assert [task.bias for task in TASKS.values()] == ["pair", "pair", "claim"]
    assert {name: list(task.files) for name, task in TASKS.items()} == TREE


def test_ood_training_examples_have_the_labels_of_the_task(tmp_path: Path) -> None:
    for name, task in TASKS.items():
        write_task(small(name), tmp_path)
        ood_train = load_task(name, tmp_path).ood_train
        assert ood_train is not None
        assert tuple(ood_train.features["label"].names) == task.labels
        assert ood_train.features == load_task(name, tmp_path).train.features


def test_symmetric_dev_is_trained_on_ten_times_and_written_once(tmp_path: Path) -> None:
    once = dataset([("p", "h", 1, ""), ("q", "g", 0, "")], FACT_LABELS)
    write_task(replace(small("fact"), ood_train=concatenate_datasets([once] * 10)), tmp_path)
    assert len((tmp_path / "fever/sym2/dev.jsonl").read_text().splitlines()) == 2
    assert equal(load_task("fact", tmp_path).ood_train, concatenate_datasets([once] * 10))


@pytest.mark.parametrize(("name", "file"), OPTIONAL)
@pytest.mark.parametrize("door", [load_task, source_files])
def test_a_missing_ood_file_is_left_out_but_not_in_silence(
    tmp_path: Path, name: str, file: str, door: Callable[[str, Path], object]
) -> None:
    write_task(small(name), tmp_path)
    (tmp_path / file).unlink()
    with pytest.warns(MissingDataWarning) as caught:
        found = door(name, tmp_path)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    message = str(caught[0].message)
    assert message.startswith(f"{tmp_path / file}: no such file; ")
    if isinstance(found, TaskData):
        whole = small(name)
        gone = [id_ for id_ in whole.ood if id_ not in found.ood]
        if gone:
            assert message.endswith(f"; {gone[0]} is left out")
            assert_equal(found, replace(whole, ood={id_: found.ood[id_] for id_ in whole.ood if id_ not in gone}))
        elif name == "paraphrase":
            assert whole.ood_train is not None
            left = "paws-wiki" if "paws_qqp" in file else "paws-qqp"
            kept = whole.ood_train.filter(lambda row: row["subset"] == left)
            assert_equal(found, replace(whole, ood_train=kept))
        else:
            assert message.endswith(f"{list(whole.ood)[-1]} training set is left out")
            assert_equal(found, replace(whole, ood_train=None))
    else:
        assert found == tuple(tmp_path / other for other in TREE[name] if other != file)


@pytest.mark.parametrize(("name", "file"), REQUIRED)
@pytest.mark.parametrize("door", [load_task, source_files])
def test_a_missing_file_is_named_with_the_expected_tree(
    tmp_path: Path, name: str, file: str, door: Callable[[str, Path], object]
) -> None:
    write_task(small(name), tmp_path)
    (tmp_path / file).unlink()
    with pytest.raises(InputError) as error:
        door(name, tmp_path)
    assert str(error.value).startswith(f"{tmp_path / file}: no such file")
    assert all(other in str(error.value) for other in TREE[name])


@pytest.mark.parametrize("file", TREE["paraphrase"])
def test_a_malformed_file_is_an_error_wherever_it_is(tmp_path: Path, file: str) -> None:
    write_task(small("paraphrase"), tmp_path)
    with (tmp_path / file).open("a") as lines:
        lines.write("cut off\n")
    number = len((tmp_path / file).read_text().splitlines())
    with pytest.raises(InputError, match=f"{file}:{number}: 1 tab-separated cells"):
        load_task("paraphrase", tmp_path)


@pytest.mark.parametrize("door", [load_task, source_files])
def test_an_unknown_task(tmp_path: Path, door: Callable[[str, Path], object]) -> None:
    with pytest.raises(InputError, match="unknown task 'mnli'; known are nli, paraphrase, fact"):
        door("mnli", tmp_path)
    with pytest.raises(InputError, match="unknown task 3"):
        find_task(3)  # type: ignore[arg-type]


def one(label: int, subset: str = "", premise: str = "p", names: tuple[str, ...] = NLI_LABELS) -> Dataset:
    return pair_dataset([premise], ["h"], [label], names, [subset])


UNWRITABLE: dict[str, tuple[TaskData, str]] = {
    "tab in training": (replace(small("nli"), train=one(0, premise="a\tb")), "nli, training set, example 0: sentence1"),
    "line break in dev": (replace(small("nli"), dev=one(0, premise="a\nb")), "nli, mnli-m, example 0: sentence1 has"),
    "empty premise": (replace(small("nli"), dev=one(0, premise="")), "nli, mnli-m, example 0: sentence1 is empty"),
    "neutral HANS": (
        replace(small("nli"), ood_train=one(1, "subsequence")),
        "nli, hans training set, example 0: unknown label 'neutral'",
    ),
    "HANS without heuristic": (replace(small("nli"), ood_train=one(0)), "unknown subset ''"),
    "no HANS examples": (replace(small("nli"), ood_train=one(0).select([])), "nli, hans training set: no examples"),
    "unknown OOD set": (
        replace(small("nli"), ood={"paws": one(0)}),
        "nli: unknown OOD data set 'paws'; known are hans",
    ),
    "three classes in HANS": (
        replace(small("nli"), ood={"hans": one(0)}),
        "nli, hans: its classes are entailment, neu",
    ),
    "PAWS from nowhere": (
        replace(small("paraphrase"), ood_train=one(0, names=PARAPHRASE_LABELS)),
        "paraphrase, OOD training examples: their subset tells the file; it must be paws-qqp, then paws-wiki",
    ),
    "PAWS in another order": (
        replace(
            small("paraphrase"),
            ood_train=concatenate_datasets(
                [one(0, f"paws-{name}", names=PARAPHRASE_LABELS) for name in ("qqp", "wiki", "qqp")]
            ),
        ),
        "it must be paws-qqp, then paws-wiki",
    ),
    "nine copies": (
        replace(small("fact"), ood_train=concatenate_datasets([one(0, names=FACT_LABELS)] * 9)),
        "fact, OOD training examples: sym2 is not 10 copies",
    ),
    "ten different examples": (
        replace(small("fact"), ood_train=concatenate_datasets([one(i % 2, names=FACT_LABELS) for i in range(10)])),
        "sym2 is not 10 copies",
    ),
    "each example ten times": (
        replace(
            small("fact"),
            ood_train=concatenate_datasets([one(i // 10, names=FACT_LABELS) for i in range(20)]),
        ),
        "sym2 is not 10 copies",
    ),
    "no NOT ENOUGH INFO in Symmetric": (
        replace(small("fact"), ood_train=concatenate_datasets([one(2, names=FACT_LABELS)] * 10)),
        "fact, sym2 training set, example 0: unknown label 'NOT ENOUGH INFO'",
    ),
    "unknown task": (replace(small("nli"), name="snli"), "unknown task 'snli'"),
}


@pytest.mark.parametrize("case", UNWRITABLE)
def test_text_that_the_files_cannot_hold_is_refused_before_anything_is_written(tmp_path: Path, case: str) -> None:
    data, reason = UNWRITABLE[case]
    with pytest.raises(InputError) as error:
        write_task(data, tmp_path / "data")
    assert reason in str(error.value)
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("name", "file"), [(name, file) for name, files in TREE.items() for file in files])
def test_a_file_that_is_there_is_left_alone(tmp_path: Path, name: str, file: str) -> None:
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.write_text("precious")
    with pytest.raises(InputError) as error:
        write_task(replace(small(name), ood={}, ood_train=None), tmp_path)
    assert str(error.value) == f"{path}: there already; give another folder, or remove it"
    assert [found for found in tmp_path.rglob("*") if found.is_file()] == [path]
    assert path.read_text() == "precious"


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "QQP").write_text("a file")
    with pytest.raises(InputError, match=r"train\.tsv: cannot be written"):
        write_task(small("paraphrase"), tmp_path)


REAL_COUNTS = {"nli": (25_931, 9_815, [30_000], 30_000), "fact": (8_866, 1_500, [717, 712], 7_080)}


@pytest.fixture(scope="module")
def real() -> Path:
    if "SRNET_DATA" not in os.environ:
        pytest.skip("SRNET_DATA is not set: no folder with the data sets in their official formats")
    return Path(os.environ["SRNET_DATA"])


@pytest.mark.parametrize("name", REAL_COUNTS)
def test_real_rows(real: Path, name: str) -> None:
    data = load_task(name, real)
    ood = [len(part) for part in data.ood.values()]
    assert (len(data.train), len(data.dev), ood, data.ood_train and len(data.ood_train)) == REAL_COUNTS[name]


def test_real_labels(real: Path) -> None:
    def counts(dataset: Dataset | None) -> list[int]:
        assert dataset is not None
        return np.bincount(dataset["label"]).tolist()

    nli = load_task("nli", real)
    assert [counts(nli.train), counts(nli.dev)] == [[8750, 8634, 8547], [3479, 3123, 3213]]
    assert [counts(nli.ood["hans"]), counts(nli.ood_train)] == [[15_000] * 2, [15_000, 0, 15_000]]
    assert [list(nli.ood["hans"]["subset"]).count(name) for name in HANS_HEURISTICS] == [10_000] * 3
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MissingDataWarning)  # PAWS need not be there
        paraphrase = load_task("paraphrase", real)
    assert [counts(paraphrase.train), counts(paraphrase.dev)] == [[7573, 4373], [4870, 2728]]
    assert counts(load_task("fact", real).ood["sym1"]) == [379, 338]


@pytest.mark.parametrize("name", TASKS)
def test_real_text_survives_writing(real: Path, tmp_path: Path, name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MissingDataWarning)
        data = load_task(name, real)
        write_task(data, tmp_path)
        assert_equal(load_task(name, tmp_path), data)


def test_real_overlap_bias_helps_on_mnli_and_misleads_on_hans(real: Path) -> None:
    without = WordVectors(1, lambda words: np.zeros((len(words), 1), dtype=np.float32))

    def features_and_labels(dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
        overlap = pair_features(dataset["premise"], dataset["hypothesis"], without)[:, :3]
        return overlap, np.array(dataset["label"])

    data = load_task("nli", real)
    model = BiasModel.fit(*features_and_labels(data.train), 3)
    dev, labels = features_and_labels(data.dev)
    assert (model.log_probs(dev).argmax(1) == labels).mean() > 0.42
    hans, labels = features_and_labels(data.ood["hans"])
    assert ((model.log_probs(hans).argmax(1) != 0) == labels).mean() <= 0.51
