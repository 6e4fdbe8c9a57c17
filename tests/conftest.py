"""What several test files need: a small random model and text for it."""

import os

os.environ["OMP_NUM_THREADS"] = "1"  # before torch is loaded: tests run side by side

import pytest
import torch
from hypothesis import settings
from transformers import BertConfig, BertForSequenceClassification

from srnet.training.encoding import Encoded

settings.register_profile("shared-cores", deadline=None)
settings.load_profile("shared-cores")
torch.set_num_threads(1)


@pytest.fixture
def tiny_bert() -> BertForSequenceClassification:
    """Two layers of random weights, three classes, with dropout."""
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=50,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=16,
        id2label={0: "0", 1: "1", 2: "2"},
    )
    return BertForSequenceClassification(config).eval()


@pytest.fixture
def pairs() -> Encoded:
    """64 pairs of 4 to 12 random tokens; the class is the first token's remainder by three."""
    generator = torch.Generator().manual_seed(0)
    lengths = torch.randint(4, 13, (64,), generator=generator)
    ids = torch.randint(1, 50, (64, 12), generator=generator)
    real = torch.arange(12) < lengths[:, None]
    types = (torch.arange(12) >= lengths[:, None] // 2).long() * real
    return Encoded((ids * real).int(), types.int(), lengths, ids[:, 0] % 3)
