"""The pocket PLMs: very small models, pre-trained on the pocket world's text as BERT was (Devlin et al., 2019).

Two objectives, masked words and next sentence. RoBERTa's own pre-training (Liu et al., 2019) has masked words alone;
that the pocket RoBERTa keeps both is ours, for with masked words alone a BERT of this size is too weak at the tasks. On
one thread with deterministic algorithms, so that the same settings give the same bytes wherever the library versions
and the processor's vector instructions are the same.
"""

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib import resources
from importlib.metadata import version
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, cast

import torch
from rich.progress import track
from torch.nn.functional import cross_entropy
from torch.nn.utils import clip_grad_norm_

from srnet.data.pairs import pair_dataset
from srnet.errors import InputError
from srnet.files import sha256
from srnet.machine import one_thread
from srnet.pocket.corpus import SentencePair, sentence_pair
from srnet.pocket.lexicon import CONTENT_WORDS
from srnet.training.encoding import Encoded, encode, length_grouped
from srnet.training.models import save_plain

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

RECIPE_FILE = "recipe.json"
PLM_NAME = "pocket"  # of the model that the study is about


@dataclass(frozen=True)
class Pretraining:
    """The settings of pre-training a BERT; the defaults made the one that the study is about.

    Attributes:
        seed: of text, initial weights, order and masks.
        layers: number of encoder layers.
        hidden: width of the encoder.
        heads: attention heads of each layer.
        feed_forward: width of the feed-forward networks.
        pairs: sentence pairs in the text.
        steps: optimiser steps.
        batch_size: sentence pairs a step.
        learning_rate: of AdamW, reached after a tenth of the steps, then decaying linearly to zero.
        masked: share of the second sentence's content words that are masked; the first sentence tells what they are.
        spread: standard deviation of the initial weights. (BERT's 0.02 is too little for so narrow a model to start to
            match words across sentences within some thousand steps.)
    """

    seed: int = 2
    layers: int = 3
    hidden: int = 64
    heads: int = 4
    feed_forward: int = 256
    pairs: int = 64_000
    steps: int = 8000
    batch_size: int = 32
    learning_rate: float = 2e-3
    masked: float = 0.5
    spread: float = 0.1

    def tokenizer(self) -> "PreTrainedTokenizerBase":
        """Return the model's tokenizer."""
        from srnet.pocket.architectures import bert_tokenizer

        return bert_tokenizer()

    def model(self) -> "PreTrainedModel":
        """Return the model with its two heads; it gives logits over words and over the two kinds of pairs."""
        from srnet.pocket.architectures import bert

        return bert(**self._size())

    def _size(self) -> dict[str, float]:
        return {
            "hidden_size": self.hidden,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "intermediate_size": self.feed_forward,
            "initializer_range": self.spread,
        }


class RobertaPretraining(Pretraining):
    """The settings of pre-training a RoBERTa."""

    def tokenizer(self) -> "PreTrainedTokenizerBase":
        """Return the model's tokenizer."""
        from srnet.pocket.architectures import roberta_tokenizer

        return roberta_tokenizer()

    def model(self) -> "PreTrainedModel":
        """Return the model with its two heads; it gives logits over words and over the two kinds of pairs."""
        from srnet.pocket.architectures import roberta

        return roberta(**self._size())


PLMS: Mapping[str, Pretraining] = {
    PLM_NAME: Pretraining(),
    "pocket-large": Pretraining(layers=4, hidden=96, feed_forward=384, learning_rate=1e-3, spread=0.08),
    "pocket-roberta": RobertaPretraining(),
}
"""The models that ship with the package, and how each was made: the study's, and two more for Appendix C.5."""


def find_recipe(name: str) -> Pretraining:
    """Return the settings of a model that ships with the package.

    Raises:
        InputError: if there is no model of that name in `PLMS`.
    """
    if name not in PLMS:
        raise InputError(f"unknown pocket model {name!r}: choose one of {', '.join(PLMS)}")
    return PLMS[name]


def plm_folder(name: str = PLM_NAME) -> Path:
    """Return the folder of a model that ships with the package, one of `PLMS`."""
    return Path(str(resources.files("srnet.pocket") / "plms" / name))


def pretraining_text(settings: Pretraining) -> list[SentencePair]:
    """Return the sentence pairs that are trained on."""
    rng = Random(f"pocket text/{settings.seed}")
    return [sentence_pair(rng) for _ in range(settings.pairs)]


def pretrain(out: Path, settings: Pretraining | None = None) -> None:
    """Pre-train a pocket PLM and save it as a Hugging Face model folder.

    Args:
        out: folder to create: configuration, encoder weights, tokenizer, and `recipe.json` with the settings, library
            versions, final losses and the SHA-256 of every other file. It appears when all is done.
        settings: the settings, such as those in `PLMS`; by default the study's (two minutes on one thread).

    Raises:
        InputError: if `out` already exists.
    """
    settings = settings or Pretraining()
    if out.exists():
        raise InputError(f"{out}: already there; give the name of a folder to create")
    with _reproducible(settings.seed):
        model, final = _train_plm(settings)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as folder:
        half = Path(folder) / "model"
        save_plain(cast("PreTrainedModel", model.base_model), settings.tokenizer(), half)
        record = {
            "settings": asdict(settings),
            "final": final,
            "versions": {name: version(name) for name in ("torch", "transformers", "tokenizers", "safetensors")},
            "vector_instructions": torch.backends.cpu.get_cpu_capability(),
            "files": {path.name: sha256(path) for path in sorted(half.iterdir())},
        }
        (half / RECIPE_FILE).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        for path in half.iterdir():
            path.chmod(0o644)
        half.rename(out)


def _train_plm(settings: Pretraining) -> tuple["PreTrainedModel", dict[str, float]]:
    """Return the trained model, and the mean of both losses over the last tenth of the steps."""
    from transformers import get_linear_schedule_with_warmup

    words, model = settings.tokenizer(), settings.model().train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=settings.learning_rate, weight_decay=0.01, fused=True)
    schedule = get_linear_schedule_with_warmup(optimizer, settings.steps // 10, settings.steps)
    text = _text(settings, words)
    names = words.convert_ids_to_tokens([*range(len(words))])
    maskable = torch.tensor([name in CONTENT_WORDS for name in names])
    batches = length_grouped(text.lengths, settings.batch_size, torch.Generator().manual_seed(settings.seed))
    losses = []
    for _ in track(range(settings.steps), description="pre-training"):
        index = next(batches)
        batch = text.inputs(index, torch.device("cpu"))
        inputs, labels = batch["input_ids"].long(), text.labels[index]
        second = (inputs == words.sep_token_id).cumsum(1) > 0
        hidden = (torch.rand(inputs.shape) < settings.masked) & maskable[inputs] & second
        word_logits, pair_logits = model(**{**batch, "input_ids": inputs.masked_fill(hidden, words.mask_token_id)})[:2]
        word_loss = cross_entropy(word_logits[hidden], inputs[hidden])
        sentence_loss = cross_entropy(pair_logits, labels)
        optimizer.zero_grad()
        (word_loss + sentence_loss).backward()
        clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        losses.append(torch.stack((word_loss, sentence_loss)).detach())
    word_loss, sentence_loss = torch.stack(losses[-max(settings.steps // 10, 1) :]).mean(0).tolist()
    return model, {"masked_word_loss": word_loss, "next_sentence_loss": sentence_loss}


def _text(settings: Pretraining, words: "PreTrainedTokenizerBase") -> Encoded:
    """Return the encoded text; label 0 where the second sentence restates the first, as BERT's next sentence."""
    first, second, restated = zip(*pretraining_text(settings), strict=True)
    return encode(pair_dataset(first, second, [int(not same) for same in restated], ("same", "other")), words)


@contextmanager
def _reproducible(seed: int) -> Iterator[None]:
    deterministic = torch.are_deterministic_algorithms_enabled()
    with torch.random.fork_rng(devices=[]), one_thread():
        torch.manual_seed(seed)
        torch.use_deterministic_algorithms(True)
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(deterministic)
