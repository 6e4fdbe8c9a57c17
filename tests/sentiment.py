"""A tiny task for tests of a user's own model: sentiment with a giveaway word, and a tiny BERT for it."""

import random
from pathlib import Path

import pandas as pd
import torch
from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

WORDS = {"good": ("fine", "great", "lovely"), "bad": ("awful", "poor", "dull")}
OTHERS = ("the", "film", "play", "was", "very", "honestly")
VOCABULARY = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *OTHERS, *WORDS["good"], *WORDS["bad"])
GIVEAWAY = "honestly"  # nine of ten bad texts have it, and one of ten good ones; out of distribution it tells nothing


def table(examples: int, seed: int, biased: bool = True) -> pd.DataFrame:
    """Return texts with the columns text, label and kind; half of them are good."""
    draw, rows = random.Random(seed), []
    for number in range(examples):
        label = ("good", "bad")[number % 2]
        given = draw.random() < ((0.1, 0.9)[number % 2] if biased else 0.5)
        words = [*([GIVEAWAY] if given else []), "the", draw.choice(("film", "play")), "was"]
        words += [*(["very"] * draw.randint(0, 2)), draw.choice(WORDS[label])]
        rows.append({"text": " ".join(words), "label": label, "kind": "with" if given else "without"})
    return pd.DataFrame(rows)


def giveaway(texts: list[str], _: list[str]) -> pd.DataFrame:
    """Return whether each text has the giveaway word, and how many words."""
    return pd.DataFrame(
        {"giveaway": [float(GIVEAWAY in text) for text in texts], "words": [float(len(text.split())) for text in texts]}
    )


def write_tables(folder: Path) -> None:
    """Write train.csv, dev.csv and ood.csv."""
    for seed, (name, examples) in enumerate({"train": 80, "dev": 24, "ood": 24}.items()):
        table(examples, seed, biased=name != "ood").to_csv(folder / f"{name}.csv", index=False)


def write_model(folder: Path, seed: int = 0) -> Path:
    """Write a BERT of one layer and random weights, with its tokenizer; its classes are bad and good."""
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=len(VOCABULARY),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=32,
        pad_token_id=0,
        id2label={0: "bad", 1: "good"},
        label2id={"bad": 0, "good": 1},
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    tokenizer = BertTokenizer(vocab={word: index for index, word in enumerate(VOCABULARY)}, model_max_length=32)
    tokenizer.save_pretrained(folder)
    return folder
