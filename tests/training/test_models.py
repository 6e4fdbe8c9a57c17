"""Loading models: architectures, seeds, precision, forms in which weights come, folders that hold no model."""

import json
import os
import pickle
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants
from plms import LAYERS, TEXT, make_plm, stored_weights
from safetensors.torch import load_file, save_file
from transformers import (
    AutoModelForSequenceClassification,
    DistilBertConfig,
    DistilBertForMaskedLM,
    GPT2Config,
    GPT2ForSequenceClassification,
)

from srnet import (
    InputError,
    Mask,
    Recipe,
    encode,
    load_classifier,
    load_tokenizer,
    search_mask,
)
from srnet.data.pairs import pair_dataset
from srnet.data.tasks import NLI_LABELS
from srnet.executor.plms import find_plm
from srnet.masking import count_zeros
from srnet.pruning.magnitude import magnitude_mask
from srnet.training.encoding import Encoded
from srnet.training.families import prunable_weights
from srnet.training.loop import predict
from srnet.training.models import folder_digest, read_config, weights_digest

HEADS = {
    "bert": ["classifier.weight"],
    "bert-large": ["classifier.weight"],
    "roberta": ["classifier.dense.weight", "classifier.out_proj.weight"],
}
POOLER = {"bert": ["bert.pooler.dense.weight"], "bert-large": ["bert.pooler.dense.weight"], "roberta": []}
every_plm = pytest.mark.parametrize("name", LAYERS)


@pytest.fixture(scope="module")
def plms(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("plms")
    return {name: make_plm(root / name, name) for name in LAYERS}


@pytest.fixture
def folder(plms: dict[str, Path], tmp_path: Path) -> Path:
    """A BERT that a test may change."""
    return Path(shutil.copytree(plms["bert"], tmp_path / "bert"))


@every_plm
def test_matrices_of_the_paper_are_found(plms: dict[str, Path], name: str) -> None:
    model = load_classifier(plms[name], 3, seed=1)
    names = list(prunable_weights(model))
    assert len(names) == 6 * LAYERS[name] + len(HEADS[name])
    assert names[6 * LAYERS[name] :] == HEADS[name]
    places = [re.sub(r"^\w+\.encoder\.layer\.\d+\.|\.weight$", "", each) for each in names[: 6 * LAYERS[name]]]
    parts = ["query", "key", "value"]
    per_layer = [f"attention.self.{part}" for part in parts]
    per_layer += ["attention.output.dense", "intermediate.dense", "output.dense"]
    assert places == per_layer * LAYERS[name]
    with_pooler = list(prunable_weights(model, pooler=True))
    assert sorted(with_pooler) == sorted(names + POOLER[name])


@every_plm
def test_the_encoder_is_the_stored_one_in_single_precision(plms: dict[str, Path], name: str) -> None:
    model = load_classifier(plms[name], 3, seed=1)
    assert not model.training
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    stored = stored_weights(plms[name])
    encoder = {key: weight for key, weight in model.state_dict().items() if not key.startswith("classifier.")}
    assert len(encoder) > 16 * LAYERS[name]
    assert all(torch.equal(weight, stored[key]) for key, weight in encoder.items())


@every_plm
def test_the_classifier_follows_the_seed_and_nothing_else(plms: dict[str, Path], name: str) -> None:
    torch.manual_seed(5)
    first = load_classifier(plms[name], 3, seed=1)
    state = torch.get_rng_state()
    again, other = load_classifier(plms[name], 3, seed=1), load_classifier(plms[name], 3, seed=2)
    assert torch.equal(torch.get_rng_state(), state)
    assert weights_digest(first.state_dict()) == weights_digest(again.state_dict())
    for head in HEADS[name]:
        assert not torch.equal(first.get_parameter(head), other.get_parameter(head))
    assert weights_digest(first.base_model.state_dict()) == weights_digest(other.base_model.state_dict())
    assert first.get_parameter(HEADS[name][-1]).shape == (3, 16)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("name", ["bert", "roberta"])
def test_a_classifier_that_comes_along_is_drawn_anew(
    plms: dict[str, Path], tmp_path: Path, name: str, classes: int
) -> None:
    load_classifier(plms[name], classes, seed=5).save_pretrained(tmp_path)
    for head in HEADS[name]:
        first, again, other = (load_classifier(tmp_path, 3, seed).get_parameter(head) for seed in (1, 1, 2))
        assert torch.equal(first, again)
        assert not torch.equal(first, other)
        assert first.std() < 0.1


def pairs(folder: Path) -> Encoded:
    """24 pairs of the sentences the tokenizers know, of three classes."""
    sentences = [TEXT[number % 3] * (1 + number % 4) for number in range(24)]
    data = pair_dataset(sentences, sentences[::-1], [number % 3 for number in range(24)], NLI_LABELS)
    return encode(data, load_tokenizer(folder))


@pytest.mark.parametrize("name", ["bert", "roberta"])
def test_a_subnetwork_from_folder_to_folder(plms: dict[str, Path], tmp_path: Path, name: str) -> None:
    data = pairs(plms[name])
    model = load_classifier(plms[name], 3, seed=1)
    before = weights_digest(model.state_dict())
    mask = search_mask(model, data, data, Recipe(steps=6, batch_size=8, lr=1e-2), sparsity=0.7, interval=2)
    assert weights_digest(model.state_dict()) == before
    assert mask.zeros() == {key: (count_zeros(0.7, w.numel()), w.numel()) for key, w in prunable_weights(model).items()}
    start = magnitude_mask(prunable_weights(model), 0.7)
    assert any(not torch.equal(start[key], mask[key]) for key in mask)

    model.save_pretrained(tmp_path)
    mask.save(tmp_path / "mask.safetensors")
    mask.apply_to(model)
    reread = AutoModelForSequenceClassification.from_pretrained(tmp_path).eval()
    read = Mask.load(tmp_path / "mask.safetensors")
    read.apply_to(reread)
    assert read == mask
    assert torch.equal(predict(reread, data), predict(model, data))


@pytest.mark.parametrize("hub_name", ["bert-base-uncased", "FacebookAI/roberta-base"])
def test_a_name_is_looked_up_in_the_local_cache(
    plms: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hub_name: str
) -> None:
    stored = plms["roberta" if "roberta" in hub_name else "bert"]
    repository = tmp_path / f"models--{hub_name.replace('/', '--')}"
    shutil.copytree(stored, repository / "snapshots" / "0123abc")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0123abc")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    model = load_classifier(hub_name, 3, seed=1)
    assert weights_digest(model.state_dict()) == weights_digest(load_classifier(stored, 3, seed=1).state_dict())
    assert load_tokenizer(hub_name).get_vocab() == load_tokenizer(stored).get_vocab()


def test_a_name_that_is_neither_folder_nor_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    for load in (lambda: load_classifier("no-such-model", 3, 0), lambda: load_tokenizer("no-such-model")):
        with pytest.raises(InputError, match="no-such-model: neither a folder with a model nor loadable by name"):
            load()


class Harmful:
    """What an attacker puts in a pickle: code that runs when it is read."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (f"touch {self.trace}",)


def test_a_pickle_is_read_as_tensors_and_nothing_else(folder: Path, tmp_path: Path) -> None:
    expected = weights_digest(load_classifier(folder, 3, seed=1).state_dict())
    weights, trace, binary = load_file(folder / "model.safetensors"), tmp_path / "trace", folder / "pytorch_model.bin"
    (folder / "model.safetensors").unlink()
    torch.save(weights, binary)
    assert weights_digest(load_classifier(folder, 3, seed=1).state_dict()) == expected

    torch.save({**weights, "harmful": Harmful(trace)}, binary)
    with pytest.raises(InputError, match=r"more than tensors; nothing in them was run; save the model as safetensors"):
        load_classifier(folder, 3, 0)
    assert not trace.exists()
    pickle.loads(pickle.dumps(Harmful(trace)))  # so that the test can fail
    assert trace.exists()

    binary.write_bytes(b"junk")
    with pytest.raises(InputError, match="neither a folder with a model nor loadable by name"):
        load_classifier(folder, 3, 0)


def test_folders_without_a_model(folder: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    for load in (lambda: load_classifier(empty, 3, 0), lambda: load_tokenizer(empty), lambda: folder_digest(empty)):
        with pytest.raises(InputError, match=r"empty: no model in this folder \(config\.json is missing\)"):
            load()
    weights = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(weights[:-100])
    with pytest.raises(InputError, match="neither a folder with a model nor loadable by name"):
        load_classifier(folder, 3, 0)
    (folder / "model.safetensors").unlink()
    with pytest.raises(InputError, match="no weights in this folder"):
        folder_digest(folder)
    with pytest.raises(InputError, match="neither a folder with a model nor loadable by name"):
        load_classifier(folder, 3, 0)


@pytest.mark.parametrize("name", ["bert", "roberta"])
def test_a_folder_without_a_vocabulary(plms: dict[str, Path], tmp_path: Path, name: str) -> None:
    shutil.copy(plms[name] / "config.json", tmp_path)
    with pytest.raises(InputError, match="no vocabulary beside the model"):
        load_tokenizer(tmp_path)


def test_weights_of_another_encoder_are_refused(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    save_file({name.replace("layer.0", "block.0"): w for name, w in weights.items()}, folder / "model.safetensors")
    with pytest.raises(
        InputError, match=r"16 weights of the encoder are missing, the first is 'bert\.encoder\.layer\.0"
    ):
        load_classifier(folder, 3, 0)


def test_the_digest_follows_the_files_not_the_place(folder: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    (copy / ".hidden").touch()
    assert folder_digest(copy) == folder_digest(folder)
    (copy / "config.json").write_text((copy / "config.json").read_text() + "\n")
    assert folder_digest(copy) != folder_digest(folder)


def change(file: Path, **values: object) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


@pytest.mark.parametrize(
    ("changes", "first"),
    [
        (
            {"max_position_embeddings": 128},
            r"'bert\.embeddings\.position_embeddings\.weight' is \[512, 16\] .*\[128, 16\]",
        ),
        ({"hidden_size": 32}, r"'bert\.embeddings\.\S+' is \[\S*16\] in the file of weights and \[\S*32\] by config"),
        ({"intermediate_size": 64}, r"'bert\.encoder\.layer\.0\.\S+' is .*32.* in the file of weights and .*64.* by"),
        (
            {"type_vocab_size": 1},
            r"token_type_embeddings\.weight' is \[2, 16\] in the file of weights and \[1, 16\] by",
        ),
        ({"num_hidden_layers": 1}, r"the file has weights of a layer 1, from 0, and config\.json names 1 layers"),
        ({"num_hidden_layers": 3}, "16 weights of the encoder are missing"),
    ],
)
def test_a_configuration_of_other_weights_is_refused(folder: Path, changes: dict[str, int], first: str) -> None:
    change(folder / "config.json", **changes)
    with pytest.raises(InputError, match=first) as error:
        load_classifier(folder, 3, 0)
    assert "\n" not in str(error.value)
    if "num_hidden_layers" not in changes:
        with pytest.raises(InputError, match=first):
            find_plm(str(folder))


@pytest.mark.parametrize("name", ["bert", "roberta"])
def test_a_classifier_of_another_task_may_differ(plms: dict[str, Path], tmp_path: Path, name: str) -> None:
    load_classifier(plms[name], 7, seed=5).save_pretrained(tmp_path)
    assert load_classifier(tmp_path, 3, 0).get_parameter(HEADS[name][-1]).shape == (3, 16)


PAGE = "<!DOCTYPE html><html>404</html>"
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"
DOORS = [
    lambda folder: load_classifier(folder, 3, 0),
    load_tokenizer,
    read_config,
    lambda folder: find_plm(str(folder)),
]


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    ("text", "message"),
    [
        (PAGE, r"config\.json: not JSON of a model, it begins with '<!DOCTYPE html><html': download it anew"),
        ("[]", r"config\.json: not JSON of a model, it begins with '\[\]': download it anew"),
        ("", r"config\.json: not JSON of a model, it begins with ''"),
        (POINTER, r"config\.json: a git-lfs pointer, not the file itself"),
        (
            '{"model_type": "brand-new"}',
            r"model_type is 'brand-new' in config\.json, and transformers \S+ does not know",
        ),
    ],
)
def test_a_configuration_that_is_none(folder: Path, door: Callable[[Path], object], text: str, message: str) -> None:
    (folder / "config.json").write_text(text)
    with pytest.raises(InputError, match=message) as error:
        door(folder)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("door", DOORS)
def test_code_beside_a_model_is_never_run_nor_asked_about(
    folder: Path, door: Callable[[Path], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("asked"))
    trace = folder / "trace"
    (folder / "mine.py").write_text(f"open({str(trace)!r}, 'w')\nfrom transformers import BertConfig as Mine\n")
    classes = {"AutoConfig": "mine.Mine", "AutoModelForSequenceClassification": "mine.Mine"}
    for kind in ("bert", "mine"):
        change(folder / "config.json", model_type=kind, auto_map=classes)
        with pytest.raises(InputError, match=r"has code of its own \(auto_map in config\.json\), which is never run"):
            door(folder)
    assert not trace.exists()


def test_code_beside_a_tokenizer_is_never_run(folder: Path) -> None:
    change(folder / "tokenizer_config.json", auto_map={"AutoTokenizer": ["mine.Mine", None]})
    with pytest.raises(InputError, match=r"auto_map in tokenizer_config\.json"):
        load_tokenizer(folder)


def test_files_that_are_not_the_ones_meant(folder: Path) -> None:
    (folder / "model.safetensors").write_text(POINTER)
    with pytest.raises(InputError, match=r"model\.safetensors: a git-lfs pointer, not the file itself"):
        load_classifier(folder, 3, 0)
    (folder / "tokenizer_config.json").write_text(PAGE)
    with pytest.raises(InputError, match=r"tokenizer_config\.json: not JSON of a model"):
        load_tokenizer(folder)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_type": "t5", "classifier_dropout": 0.0}, "T5ForSequenceClassification has 2 stacks of layers"),
        ({"hidden_size": "wide"}, r"its config\.json cannot be used \(.*hidden_size"),
        ({"model_type": "clip_text_model"}, "transformers has no text classifier of the kind 'clip_text_model'"),
        ({"num_attention_heads": 3}, r"no model can be built as its config\.json says \(The hidden size"),
        ({"vocab_size": 9}, r"token '.+' has the number 10, the model knows 9 \(vocab_size\)"),
        ({"max_position_embeddings": 64}, "texts of up to 128 tokens, the model reads 64"),
    ],
)
def test_what_a_folder_s_files_tell_is_said_when_it_is_named(
    folder: Path, changes: dict[str, object], message: str
) -> None:
    change(folder / "config.json", **changes)
    (folder / "model.safetensors").unlink()
    with pytest.raises(InputError, match=message):
        find_plm(str(folder))


def test_a_distilled_model_is_one_like_any_other(folder: Path, tmp_path: Path) -> None:
    config = DistilBertConfig(dim=16, n_layers=2, n_heads=2, hidden_dim=32, vocab_size=11)
    DistilBertForMaskedLM(config).save_pretrained(folder)
    assert find_plm(str(folder)).name == "bert"
    first, again = load_classifier(folder, 3, 1), load_classifier(folder, 3, 1)
    assert weights_digest(first.state_dict()) == weights_digest(again.state_dict())
    assert len(prunable_weights(first)) == 14
    data = pairs(folder)
    search_mask(first, data, data, Recipe(steps=2, batch_size=8, lr=1e-2), sparsity=0.7)


def test_a_decoder_s_classifier_is_drawn_anew(tmp_path: Path) -> None:
    config = GPT2Config(n_embd=16, n_layer=2, n_head=2, vocab_size=50, pad_token_id=0)
    GPT2ForSequenceClassification(config).save_pretrained(tmp_path)
    first, again, other = (load_classifier(tmp_path, 3, seed).get_parameter("score.weight") for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert first.std() < 0.1
