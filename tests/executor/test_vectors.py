"""Word vectors of a user's file: how many words of the text they have is recorded, and none is a failure."""

from pathlib import Path

import pytest

from srnet import pocket
from srnet.debiasing.known import FewKnownWarning
from srnet.environment import Inputs
from srnet.errors import InputError
from srnet.executor.workers import run
from srnet.experiments.expressions import Bias, Data
from srnet.files import sha256
from srnet.pocket import World
from srnet.store.store import Store


@pytest.mark.parametrize(("words", "known"), [(("the", "doctor", "met"), True), (("der", "doktor", "traf"), False)])
def test_words_with_a_vector(tmp_path: Path, words: tuple[str, ...], known: bool) -> None:
    path = tmp_path / "words.vec"
    path.write_text(f"{len(words)} 2\n" + "".join(f"{word} 1 {place}\n" for place, word in enumerate(words)))
    world = World(train=48, dev=12, test=12)
    bias = Bias(Data("nli", pocket.FINGERPRINTS["nli"], world, vectors=sha256(path)))
    store = Store(tmp_path / "store")
    with pytest.warns(FewKnownWarning) if known else pytest.raises(InputError, match="has a vector, such as the"):
        run([bias], store, Inputs(device="cpu", vectors=path), workers=1)
    if known:
        assert 0 < store.record(bias)["words_with_vector"] < 1
    else:  # nothing has been computed, nor has anything failed
        assert not store.keys()
        assert not store.failures()
