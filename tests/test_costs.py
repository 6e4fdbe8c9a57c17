"""Costs said beforehand against the records and files of real runs, and against what is known of official data."""

import os
import time
from dataclasses import replace
from pathlib import Path
from statistics import median

import pytest
import torch
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    BertForSequenceClassification,
    PretrainedConfig,
    PreTrainedModel,
)

from srnet import Bias, Data, FineTuned, Masked, Pretrained, Pruned, Recipe, Teacher, costs, lengths, pocket
from srnet.calibration import Speed, calibrate, speed_for
from srnet.compute import compute
from srnet.costs import KNOWN, Cost, Passes, cost, effort, first_batches, model_size, prediction, size, size_of, work
from srnet.encoding import Encoded, encode
from srnet.errors import InputError
from srnet.experiments import Experiment, Tokenised, Trajectory, closure
from srnet.inputs import Inputs, text_digest
from srnet.lengths import LENGTHS, PERCENTILES, is_at_hand, pair_lengths, sizes
from srnet.models import folder_digest, load_classifier, load_tokenizer
from srnet.pocket import World, plm_folder
from srnet.profiles import PROFILES
from srnet.store import Store
from srnet.tasks import TASKS
from srnet.training import TrainingRun, fit, make_objective, predict

INPUTS = Inputs(device="cpu")
PLM = Pretrained("pocket", folder_digest(plm_folder()))
DATA = Data("nli", pocket.fingerprint("nli"), World(train=80, dev=20, test=20))
RECIPE = Recipe(steps=10, batch_size=16, lr=1e-3)
BERT = Pretrained("bert-base-uncased")
OFFICIAL = Data("nli", "")


def experiments() -> list[Experiment]:
    """Each kind of experiment, operands first."""
    full = FineTuned(PLM, DATA, 1, RECIPE, checkpoints=(4, 7))
    mask = Pruned(full, DATA, 1, 0.5, RECIPE, interval=3, pooler=True)
    wanted: list[Experiment] = [
        FineTuned(PLM, DATA, 2, replace(RECIPE, batch_size=7), loss="confreg", teacher=Teacher(full)),
        FineTuned(Masked(PLM, mask), DATA, 1, RECIPE),
        Pruned(full, replace(DATA, with_ood=True), 1, 0.3, RECIPE, method="imp", loss="poe"),
        Pruned(full, DATA, 1, 0.5, method="magnitude"),
    ]
    return closure(wanted)


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, dict[Experiment, int]]:
    """A store with each kind of experiment, and the units of work that each has reported."""
    store, units = Store(tmp_path_factory.mktemp("store")), dict[Experiment, int]()
    for experiment in experiments():
        units[experiment] = 0

        def advance(done: int, experiment: Experiment = experiment) -> None:
            units[experiment] += done

        compute(experiment, store, INPUTS, advance)
    return store, units


def test_every_kind_of_experiment_is_among_them() -> None:
    kinds = {type(experiment) for experiment in experiments()}
    assert kinds == {Tokenised, Bias, Teacher, FineTuned, Trajectory, Pruned}


def test_steps_and_tokens_are_those_of_the_records(computed: tuple[Store, dict[Experiment, int]]) -> None:
    for experiment in experiments():
        record, said = computed[0].record(experiment), cost(experiment, INPUTS)
        trained = {"steps": said.steps, "tokens": said.trained.tokens, "padding": said.trained.padding}
        if said.steps:
            assert {name: record[name] for name in trained} == trained, experiment
        else:
            assert "steps" not in record
            assert said.trained == Passes()


def test_disk_is_that_of_the_store(computed: tuple[Store, dict[Experiment, int]]) -> None:
    store = computed[0]
    found = {experiment: store.size(experiment.key) for experiment in experiments()}
    said = {experiment: cost(experiment, INPUTS).disk for experiment in experiments()}
    assert sum(said.values()) == pytest.approx(sum(found.values()), rel=0.02)
    for experiment in experiments():
        assert said[experiment] == pytest.approx(found[experiment], rel=0.03, abs=4_000), experiment


def test_work_is_what_a_progress_bar_counts(computed: tuple[Store, dict[Experiment, int]]) -> None:
    """Training reports its steps; of evaluations, which are not reported one by one, each example is a unit."""
    for experiment in experiments():
        said, recipe = cost(experiment, INPUTS), getattr(experiment, "recipe", None)
        steps = said.steps * recipe.batch_size * 3 if recipe else 0
        assert computed[1][experiment] == steps
        assert work(experiment, INPUTS) == steps + said.evaluated.examples


def test_evaluations_count_every_data_set_as_often_as_it_is_predicted() -> None:
    full, teacher, mask = (
        next(each for each in experiments() if isinstance(each, kind)) for kind in (FineTuned, Teacher, Pruned)
    )
    counts = sizes(DATA, INPUTS)
    tests = sum(counts.values()) - counts["train"]
    assert cost(full, INPUTS).evaluated.examples == 3 * tests  # two checkpoints and the end
    assert cost(teacher, INPUTS).evaluated.examples == counts["train"]
    assert cost(mask, INPUTS).evaluated.examples == tests + 2 * counts["mnli-m"]  # candidates after 9 and 10


def test_padding_of_evaluation_is_what_prediction_processes(tiny_bert: BertForSequenceClassification) -> None:
    tokens = torch.tensor([3, 9, 4] * 700)  # more than one batch
    data = Encoded(torch.ones(2100, 9, dtype=torch.int32), None, tokens, torch.zeros_like(tokens))
    seen: list[int] = []
    tiny_bert.register_forward_pre_hook(
        lambda model, args, inputs: seen.append(inputs["input_ids"].numel()), with_kwargs=True
    )
    predict(tiny_bert, data)
    assert len(seen) > 1
    assert prediction(tokens) == Passes(2100, int(tokens.sum()), sum(seen) - int(tokens.sum()))


def test_costs_add_up() -> None:
    one = Cost(1, Passes(2, 30, 4), Passes(5, 60, 7), 0.5, 8)
    assert one + one == Cost(2, Passes(4, 60, 8), Passes(10, 120, 14), 1.0, 16)
    assert one.passes == Passes(7, 90, 11)
    assert one.trained.processed == 34


def test_word_vectors_of_a_file_cost_nothing_and_change_no_other_cost() -> None:
    given = replace(DATA, vectors="digest")
    assert cost(Bias(DATA), INPUTS).text > cost(Bias(given), INPUTS).text == 0
    assert cost(FineTuned(PLM, given, 1, RECIPE), INPUTS) == cost(FineTuned(PLM, DATA, 1, RECIPE), INPUTS)


@pytest.mark.parametrize(
    ("name", "weights", "prunable"),
    [  # of two classes: 12 · h² numbers in each layer's matrices, and the classifier; weights as on the models' cards
        ("bert-base-uncased", 109_483_778, 12 * 12 * 768**2 + 2 * 768),
        ("google-bert/bert-large-uncased", 335_143_938, 24 * 12 * 1024**2 + 2 * 1024),
        ("FacebookAI/roberta-base", 124_647_170, 12 * 12 * 768**2 + 768**2 + 2 * 768),
    ],
)
def test_sizes_of_the_papers_models_are_known_without_a_download(name: str, weights: int, prunable: int) -> None:
    found = size(Pretrained(name), 2, pooler=False, inputs=INPUTS)
    assert (found.weights, found.prunable) == (weights, prunable)
    assert found.bytes == pytest.approx(4 * weights, rel=1e-3)
    assert found.mask_bytes == pytest.approx(prunable / 8, rel=1e-3)


def test_a_model_of_which_nothing_is_known_is_refused() -> None:
    with pytest.raises(InputError, match="nobody/nothing: its size is not known here"):
        size(Pretrained("nobody/nothing"), 2, pooler=False, inputs=INPUTS)


def test_every_model_of_a_profile_is_known() -> None:
    for profile in PROFILES.values():
        assert profile.plm == pocket.PLM_NAME or profile.plm.rsplit("/")[-1] in KNOWN


def test_text_that_is_not_at_hand_has_the_official_sizes() -> None:
    assert sizes(Data("nli", ""), INPUTS) == {"train": 392_702, "mnli-m": 9_815, "hans": 30_000}
    assert sizes(Data("nli", "", with_ood=True), INPUTS)["train"] == 422_702
    assert sizes(Data("paraphrase", "", with_ood=True), INPUTS)["train"] == 363_846 + 11_988 + 49_401
    assert not is_at_hand(OFFICIAL)
    assert is_at_hand(DATA)
    for task in TASKS:
        for name, tokens in pair_lengths(Data(task, ""), BERT, INPUTS).items():
            assert len(tokens) == sizes(Data(task, ""), INPUTS)[name]


def test_known_lengths_are_percentiles() -> None:
    for name, values in LENGTHS.items():
        assert list(values) == sorted(values), name
        assert len(values) == len(PERCENTILES)
        assert max(values) <= 128
    assert set(LENGTHS) == {name for task in TASKS.values() for name in (task.dev_name, *task.ood)}


def test_an_epoch_of_official_data_trains_on_each_example_once() -> None:
    tokens, steps = pair_lengths(OFFICIAL, BERT, INPUTS)["train"], -(-392_702 // 32)
    trained = cost(FineTuned(BERT, OFFICIAL, 1, Recipe(steps)), INPUTS).trained
    assert (trained.examples, trained.tokens) == (392_702, int(tokens.sum()))
    assert 0.01 < trained.padding / trained.tokens < 0.05  # length-grouped batches
    twice = cost(FineTuned(BERT, OFFICIAL, 2, Recipe(2 * steps)), INPUTS).trained
    assert twice == trained * 2


def test_a_large_data_set_is_sampled_and_comes_within_one_per_cent(monkeypatch: pytest.MonkeyPatch) -> None:
    data = replace(DATA, world=World(train=4_000, dev=20, test=20))
    exact = cost(FineTuned(PLM, data, 1, Recipe(400)), INPUTS).trained
    monkeypatch.setattr("srnet.lengths.COUNTED", 3_000)
    monkeypatch.setattr("srnet.costs.COUNTED", 3_000)
    monkeypatch.setattr("srnet.lengths.SAMPLE", 2_000)
    clear()
    sampled = cost(FineTuned(PLM, data, 1, Recipe(400)), INPUTS).trained
    clear()
    assert sampled != exact
    assert sampled.examples == pytest.approx(exact.examples, rel=0.01)
    assert sampled.tokens == pytest.approx(exact.tokens, rel=0.01)


def test_known_lengths_are_those_of_real_text() -> None:
    """Means are within 2 %, of which half is the coarseness of the percentiles."""
    if "SRNET_DATA" not in os.environ:
        pytest.skip("SRNET_DATA is not set: no folder with the data sets in their official formats")
    folder = Path(os.environ["SRNET_DATA"])
    plm = folder / "plm" / "minilm-l6-h384-uncased"
    if not plm.is_dir():
        pytest.skip(f"{plm}: no tokenizer of BERT's uncased vocabulary")
    inputs, model = Inputs(folder, str(plm)), Pretrained(plm.name, folder_digest(plm))
    for task in TASKS:
        real = pair_lengths(Data(task, text_digest(task, folder)), model, inputs)
        for name, known in pair_lengths(Data(task, ""), BERT, INPUTS).items():
            if name in real:
                assert float(known.double().mean()) == pytest.approx(float(real[name].double().mean()), rel=0.02), name


def test_speed_is_that_of_real_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calibrated steps and steps of a run, in turn, on the CPU's own clock: within what a shared machine can tell."""
    monkeypatch.setattr("srnet.calibration.ENOUGH", 0.3)
    text = pocket.build_nli(World(train=400, dev=20, test=20))
    train, recipe = encode(text.train, load_tokenizer(plm_folder())), Recipe(steps=30, lr=1e-3)
    model, ratios = load_classifier(plm_folder(), 3, seed=0), []
    passes = first_batches(train.lengths, 32, 1, 30)
    for _ in range(3):
        speed = calibrate(model.config, 32, round(passes.processed / passes.examples), "cpu")
        start, parameters = time.process_time(), list(model.parameters())
        fit(model, parameters, TrainingRun(train, recipe, make_objective("std"), 1))
        found = time.process_time() - start
        ratios.append(speed.seconds(Cost(30, passes), size_of(model.config)) / found)
    assert 0.5 < median(ratios) < 2


def test_speed_is_measured_on_the_model_that_most_of_the_work_is_for(monkeypatch: pytest.MonkeyPatch) -> None:
    large = FineTuned(Pretrained("bert-large-uncased"), OFFICIAL, 1, Recipe(100, batch_size=8))
    small = FineTuned(BERT, OFFICIAL, 1, Recipe(10_000, batch_size=16))
    asked: list[tuple[int, int]] = []

    def noted(config: PretrainedConfig, batch_size: int, width: int, device: str) -> Speed:
        assert 35 < width < 45
        assert device == "cpu"
        asked.append((config.hidden_size, batch_size))
        return Speed(1.0, 2.0, 3.0)

    monkeypatch.setattr("srnet.calibration.calibrate", noted)
    assert speed_for({each: cost(each, INPUTS) for each in (small, large)}, INPUTS) == Speed(1.0, 2.0, 3.0)
    assert speed_for({large: cost(large, INPUTS)}, INPUTS) == Speed(1.0, 2.0, 3.0)
    assert speed_for({}, INPUTS) == Speed(0.0, 0.0, 0.0)
    assert asked == [(768, 16), (1024, 8)]


def test_seconds_grow_with_the_model() -> None:
    speed, done = Speed(1e-9, 1e-10, 1e-11), Cost(10, Passes(0, 1000, 24), Passes(0, 500, 12), 2.5)
    assert speed.seconds(done, None) == 2.5
    bert = size(BERT, 3, False, INPUTS)
    said = 2.5 + 10 * 1e-9 * bert.weights + (1024 * 1e-10 + 512 * 1e-11) * bert.prunable
    assert speed.seconds(done, bert) == pytest.approx(said)
    assert model_size(Bias(DATA), INPUTS) is None


def test_effort_is_work_times_weights_and_needs_to_know_no_model() -> None:
    base, large, unknown = (
        FineTuned(Pretrained(name), OFFICIAL, 1, RECIPE)
        for name in ("bert-base-uncased", "bert-large-uncased", "nobody/nothing")
    )
    assert work(base, INPUTS) == work(large, INPUTS) == effort(unknown, INPUTS) > 0
    assert effort(large, INPUTS) / effort(base, INPUTS) == pytest.approx(24 * 1024**2 / (12 * 768**2), rel=1e-4)
    assert effort(Bias(OFFICIAL), INPUTS) == 0


def test_large_models_are_measured_by_a_few_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model of 4 layers taken as large is calibrated by 2 of them, and its own configuration is left alone."""
    monkeypatch.setattr("srnet.calibration.ENOUGH", 0.1)
    monkeypatch.setattr("srnet.calibration.SMALL", 1000)
    config = AutoConfig.from_pretrained(plm_folder())
    config.num_hidden_layers = 4
    built: list[int] = []
    from_config = AutoModelForSequenceClassification.from_config

    def noted(config: PretrainedConfig) -> PreTrainedModel:
        built.append(config.num_hidden_layers)
        return from_config(config)

    monkeypatch.setattr("srnet.calibration.AutoModelForSequenceClassification.from_config", noted)
    speed = calibrate(config, 4, 8, "cpu")
    assert built[-1] == 2
    assert config.num_hidden_layers == 4
    assert min(speed.step, speed.evaluated) > 0


def clear() -> None:
    """Forget what has been counted."""
    for counted in (lengths._pair_lengths, costs._batches, costs._epoch, costs._prediction):
        counted.cache_clear()
