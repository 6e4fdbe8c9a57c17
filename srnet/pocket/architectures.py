"""BERT and RoBERTa for the pocket world: the tokenizer of each, and the model with its heads of pre-training."""

from typing import Any

from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import Lowercase
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import RobertaProcessing
from torch import Tensor
from transformers import (
    BertConfig,
    BertForPreTraining,
    BertTokenizer,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaForMaskedLM,
)
from transformers.models.roberta.modeling_roberta import RobertaClassificationHead

from srnet.pocket.lexicon import SPECIAL_TOKENS, VOCABULARY

LONGEST = 64  # tokens that a model can read
ROBERTA_VOCABULARY = ("<s>", "<pad>", "</s>", "<unk>", *VOCABULARY[len(SPECIAL_TOKENS) :], "<mask>")


def bert_tokenizer() -> BertTokenizer:
    """Return the pocket world's tokenizer for BERT: lower-casing WordPiece whose every piece is a whole word."""
    return BertTokenizer(vocab=_indices(VOCABULARY), model_max_length=LONGEST)


def bert(**size: Any) -> BertForPreTraining:
    """Return a BERT of random weights with its two heads, for masked words and for the next sentence.

    Args:
        size: what its configuration holds beside vocabulary, length and dropout (none).
    """
    config = BertConfig(
        vocab_size=len(VOCABULARY),
        max_position_embeddings=LONGEST,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        pad_token_id=bert_tokenizer().pad_token_id,
        **size,
    )
    return BertForPreTraining(config)


def roberta_tokenizer() -> PreTrainedTokenizerFast:
    """Return the same tokenizer for RoBERTa: its special tokens, two of them between sentences, no token types."""
    indices = _indices(ROBERTA_VOCABULARY)
    words = Tokenizer(WordLevel(indices, unk_token="<unk>"))
    words.normalizer, words.pre_tokenizer = Lowercase(), BertPreTokenizer()
    words.post_processor = RobertaProcessing(("</s>", indices["</s>"]), ("<s>", indices["<s>"]))
    return PreTrainedTokenizerFast(
        tokenizer_object=words,
        model_max_length=LONGEST,
        model_input_names=["input_ids", "attention_mask"],
        **{"bos_token": "<s>", "cls_token": "<s>", "eos_token": "</s>", "sep_token": "</s>"},
        **{"pad_token": "<pad>", "unk_token": "<unk>", "mask_token": "<mask>"},
    )


class RobertaForPreTraining(RobertaForMaskedLM):
    """RoBERTa with its head for masked words and, as BERT but not as RoBERTa has, one for pairs of sentences.

    The second head is ours. It is RoBERTa's head of classifiers, on ``<s>``, and stays behind when pre-training ends.
    """

    def __init__(self, config: RobertaConfig) -> None:
        """Draw random weights."""
        super().__init__(config)
        self.pair_head = RobertaClassificationHead(config)
        self.post_init()

    def forward(self, **inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits over words, float [B, T, V], and over the two kinds of pairs, float [B, 2]."""
        hidden = self.roberta(**inputs).last_hidden_state
        return self.lm_head(hidden), self.pair_head(hidden)


def roberta(**size: Any) -> RobertaForPreTraining:
    """Return a RoBERTa of random weights with the two heads of pre-training.

    Args:
        size: what its configuration holds beside vocabulary, length and dropout (none).
    """
    words = roberta_tokenizer()
    config = RobertaConfig(
        vocab_size=len(ROBERTA_VOCABULARY),
        max_position_embeddings=LONGEST + words.pad_token_id + 1,  # RoBERTa counts positions from there
        type_vocab_size=1,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        pad_token_id=words.pad_token_id,
        bos_token_id=words.bos_token_id,
        eos_token_id=words.eos_token_id,
        **size,
    )
    return RobertaForPreTraining(config)


def _indices(words: tuple[str, ...]) -> dict[str, int]:
    return {word: index for index, word in enumerate(words)}
