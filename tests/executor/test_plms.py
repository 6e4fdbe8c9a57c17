"""Which pre-trained model is meant and how large it is, without loading it."""

import shutil
from pathlib import Path

import pytest

from srnet import pocket
from srnet.environment import Inputs
from srnet.errors import InputError
from srnet.executor.plms import KNOWN, find_plm, model_size, plm_source, size
from srnet.experiments.expressions import Bias, Data, Pretrained
from srnet.pocket import plm_folder
from srnet.study.profiles import PROFILES
from srnet.training.models import folder_digest

INPUTS = Inputs(device="cpu")


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
    assert found.prunable == prunable
    assert found.bytes == pytest.approx(4 * weights, rel=1e-4)
    assert found.mask_bytes == pytest.approx(prunable / 8, rel=1e-3)


def test_a_model_of_which_nothing_is_known_is_refused() -> None:
    with pytest.raises(InputError, match="nobody/nothing: its size is not known here"):
        size(Pretrained("nobody/nothing"), 2, pooler=False, inputs=INPUTS)


def test_every_model_of_a_profile_is_known() -> None:
    for profile in PROFILES.values():
        for name in (profile.plm, *profile.other_plms):
            assert name in pocket.PLMS or name.rsplit("/")[-1] in KNOWN


def test_a_bias_model_has_no_pre_trained_model() -> None:
    assert model_size(Bias(Data("nli", "")), INPUTS) is None


def test_a_local_model_is_named_by_its_content_and_found_where_it_lies(tmp_path: Path) -> None:
    shutil.copytree(plm_folder(), tmp_path / "mine")
    found = find_plm(str(tmp_path / "mine"))
    assert found == Pretrained("mine", folder_digest(plm_folder()))
    assert find_plm("pocket") == Pretrained("pocket", found.sha256)
    assert plm_source(found, Inputs(plm=str(tmp_path / "mine"))) == tmp_path / "mine"
    assert plm_source(Pretrained("of/hub"), INPUTS) == "of/hub"
    with pytest.raises(InputError, match="mine: not the model 'other' of the experiment"):
        plm_source(Pretrained("other", "another digest"), Inputs(plm=str(tmp_path / "mine")))
    with pytest.raises(InputError, match="no folder is known with the model 'other' of the experiment"):
        plm_source(Pretrained("other", "another digest"), INPUTS)


@pytest.mark.parametrize("name", pocket.PLMS)
def test_a_shipped_model_is_found_by_its_name_whatever_model_the_user_gives(name: str, tmp_path: Path) -> None:
    shutil.copytree(plm_folder(), tmp_path / "mine")
    found = find_plm(name)
    assert found == Pretrained(name, folder_digest(plm_folder(name)))
    assert plm_source(found, INPUTS) == plm_folder(name)
    if name != "pocket":  # whose content the user's folder has
        assert plm_source(found, Inputs(plm=str(tmp_path / "mine"))) == plm_folder(name)
    settings = pocket.find_recipe(name)
    matrices = settings.layers * (4 * settings.hidden**2 + 2 * settings.hidden * settings.feed_forward)
    head = settings.hidden**2 if name == "pocket-roberta" else 0
    assert size(found, 3, pooler=False, inputs=INPUTS).prunable == matrices + head + 3 * settings.hidden


@pytest.mark.parametrize("name", ["./none", "/none", "~none", "a/b/c"])
def test_a_path_without_a_model_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="no such folder"):
        find_plm(name)
    assert find_plm("owner/name") == Pretrained("owner/name")
