"""What a step costs, as ratios within one run: pruning to fine-tuning, and padded batches to length-grouped ones.

Run as ``python benchmarks/steps.py``; it takes about a minute. Each figure is the median of interleaved repetitions, so
that a machine whose speed drifts, or that others share, does not favour one side.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from statistics import median

import torch

from srnet import Recipe, encode, load_classifier, load_tokenizer
from srnet.debiasing.losses import make_objective
from srnet.pocket import World, build_nli, plm_folder
from srnet.pruning.magnitude import LEVELS, ImpPlan, last_step, prune_iteratively
from srnet.pruning.mask_training import MaskPlan, train_mask
from srnet.training.loop import TrainingRun, fit

REPETITIONS, STEPS = 9, 60


def seconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def main() -> None:
    torch.set_num_threads(1)
    tokenizer = load_tokenizer(plm_folder())
    text = build_nli(World())
    train = encode(text.train, tokenizer)
    width = 64  # all that the pocket BERT reads
    padded = replace(train, lengths=torch.full_like(train.lengths, width))
    for name in ("input_ids", "token_type_ids"):
        tokens = getattr(train, name)
        padded = replace(padded, **{name: torch.nn.functional.pad(tokens, (0, width - tokens.shape[1]))})
    recipe, objective = Recipe(steps=STEPS, batch_size=16, lr=1e-3), make_objective("std")

    def dense(data=train):  # type: ignore[no-untyped-def]
        model = load_classifier(plm_folder(), 3, seed=0)
        run = TrainingRun(data, recipe, objective, seed=0)
        return seconds(lambda: fit(model, list(model.parameters()), run))

    def masked() -> float:
        model = load_classifier(plm_folder(), 3, seed=0)
        run = TrainingRun(train, recipe, objective, seed=0)
        return seconds(lambda: train_mask(model, run, lambda step: 0.0, MaskPlan(0.7, 20)))

    def iterative() -> float:
        model = load_classifier(plm_folder(), 3, seed=0)
        run = TrainingRun(train, recipe, objective, seed=0)
        return seconds(lambda: prune_iteratively(model, run, ImpPlan(), lambda level, mask: None))

    runs = [(dense(), masked(), dense(padded), iterative()) for _ in range(REPETITIONS)]
    print(f"fine-tuning, batch 16: {1000 * median(run[0] for run in runs) / STEPS:.2f} ms a step")
    print(f"mask training / fine-tuning: {median(run[1] / run[0] for run in runs):.2f}")
    share = last_step(LEVELS[-1], STEPS) / STEPS
    print(f"iterative pruning / fine-tuning, by step: {median(run[3] / run[0] for run in runs) / share:.2f}")
    print(f"padded to {width} tokens / length-grouped: {median(run[2] / run[0] for run in runs):.2f}")


if __name__ == "__main__":
    main()
