"""The setups as tables (Tables 1 to 4 of the paper's supplement): what there is here beside what the paper prints."""

from collections import Counter
from collections.abc import Callable, Mapping

import pandas as pd
import torch

from srnet.data.pairs import TaskData
from srnet.data.statistics import training_examples
from srnet.data.tasks import TASKS
from srnet.figures.style import DATASETS, METRICS
from srnet.paper import TABLE_3, TABLE_4
from srnet.pruning.magnitude import ROUNDS
from srnet.pruning.mask_training import INITIAL_SCALE, INITIAL_THRESHOLD, MaskPlan
from srnet.study.profiles import Training
from srnet.training.encoding import MAX_LENGTH
from srnet.training.loop import Recipe

NONE = "–"
# Kinds of training by their names in a profile: what they are of, and how long they are in the paper.
KINDS = {
    "full": ("full model (std, reweight)", "full_epochs"),
    "full_debiased": ("full model (poe, confreg)", "debiased_epochs"),
    "mask": ("mask training", "mask_epochs"),
    "mask_ood": ("mask training (ood)", "mask_epochs"),
    "imp": ("iterative magnitude pruning", "imp_epochs"),
}


def example_table(sets: pd.DataFrame) -> pd.DataFrame:
    """Return numbers of examples (Table 1), a row per data set and split.

    Args:
        sets: what `srnet.data.statistics.beside_paper` returned.
    """
    here = [_count(*each) for each in zip(sets["examples"], sets["copies"], strict=True)]
    columns = {"evaluated": sets["evaluated"].map({True: "✓", False: ""}), "here": here}
    return _by_set(sets.assign(**columns, paper=sets["paper_examples"].map(_count)), [*columns, "paper"])


def class_table(sets: pd.DataFrame) -> pd.DataFrame:
    """Return shares of classes in % (Table 2), a row per data set and split that is trained on or evaluated.

    Args:
        sets: what `srnet.data.statistics.beside_paper` returned.
    """
    sets = sets[sets["shares"].notna() | sets["paper_shares"].notna()]
    columns = {
        "classes": [" / ".join(names).lower() for names in sets["classes"]],
        "here (%)": [_shares(each) for each in sets["shares"]],
        "paper (%)": [_shares(each) for each in sets["paper_shares"]],
    }
    return _by_set(sets.assign(**columns), list(columns))


def training_table(training: Mapping[str, Training], texts: Mapping[str, TaskData]) -> pd.DataFrame:
    """Return how models are trained (Table 3), two columns per task; the last rows are not in the paper.

    Args:
        training: a profile's, by task.
        texts: the text of each task that is shown.
    """
    columns = {}
    for task, text in texts.items():
        title = DATASETS[TASKS[task].dev_name]
        columns[title, "here"] = _trained_here(TASKS[task].metric, training[task], text)
        columns[title, "paper"] = _trained_in_paper(task)
    return pd.DataFrame(columns).fillna(NONE)


def pruning_table() -> pd.DataFrame:
    """Return the hyper-parameters of mask training and iterative pruning (Table 4), a row for each."""
    here = {
        "mask training: initial scores": f"magnitude ({MaskPlan.init})",
        "mask training: sparsity": "fixed to s" if MaskPlan.gradual is None else "rising",
        "mask training: φ": f"{INITIAL_THRESHOLD:g}",
        "mask training: α": f"{INITIAL_SCALE:g}",
        "mask training: Δt_φ": "the evaluation interval",
        "iterative pruning: Δs": f"{1 / ROUNDS:.0%}",
        "iterative pruning: Δt": f"{1 / ROUNDS:g} · t_max",
    }
    known = TABLE_4
    paper = [known.mask_init, known.sparsity_schedule, f"{known.phi:g}", f"{known.alpha:g}", known.delta_t_phi]
    paper += [f"{known.delta_s:.0%}", f"{known.delta_t:g} · t_max"]
    return pd.DataFrame({"here": here, "paper": dict(zip(here, paper, strict=True))})


def _trained_here(metric: str, training: Training, text: TaskData) -> dict[str, str]:
    recipes = {kind: recipe for kind in KINDS if (recipe := getattr(training, kind))}
    examples = dict.fromkeys(KINDS, len(text.train))
    examples["mask_ood"] += len(text.ood_train or ())
    lengths = {_epochs(kind): _length(each.steps, each.batch_size, examples[kind]) for kind, each in recipes.items()}
    return lengths | {
        "learning rate": _of_each(recipes, lambda each: f"{each.lr:g}"),
        "batch size": _of_each(recipes, lambda each: f"{each.batch_size}"),
        "tokens per pair": f"{MAX_LENGTH}",
        "evaluation interval (steps)": f"{training.interval:,}",
        "evaluation metric": METRICS[metric].removesuffix(" (%)"),
        "optimiser": torch.optim.AdamW.__name__,
        "warm-up (steps)": _of_each(recipes, lambda each: f"{each.warmup:,}"),
        "weight decay": _of_each(recipes, lambda each: f"{each.weight_decay:g}"),
        "gradient clipped to": _of_each(
            recipes, lambda each: f"{each.clip:g}{' for each tensor' if each.clip_each else ''}"
        ),
    }


def _trained_in_paper(task: str) -> dict[str, str]:
    known, lengths = TABLE_3[task], {}
    for kind, (_, epochs) in KINDS.items():
        examples = training_examples(task, with_ood=kind == "mask_ood")
        steps = getattr(known, epochs) * -(-examples // known.batch_size)
        lengths[_epochs(kind)] = _length(steps, known.batch_size, examples)
    return lengths | {
        "learning rate": f"{known.lr:g}",
        "batch size": f"{known.batch_size}",
        "tokens per pair": f"{known.max_length}",
        "evaluation interval (steps)": f"{known.eval_interval:,}",
        "evaluation metric": known.eval_metric,
        "optimiser": known.optimizer,
    }


def _epochs(kind: str) -> str:
    return f"epochs (steps): {KINDS[kind][0]}"


def _length(steps: int, batch_size: int, examples: int) -> str:
    return f"{steps / -(-examples // batch_size):.3g} ({steps:,})"


def _of_each(recipes: Mapping[str, Recipe], told: Callable[[Recipe], str]) -> str:
    """Return what most recipes have, and in brackets what others have, with what they are of."""
    values = {kind: told(recipe) for kind, recipe in recipes.items()}
    ((usual, _),) = Counter(values.values()).most_common(1)
    others = [f"{KINDS[kind][0]}: {value}" for kind, value in values.items() if value != usual]
    return f"{usual} ({'; '.join(others)})" if others else usual


def _by_set(sets: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    named = sets.assign(**{"data set": sets["data_set"].map(DATASETS)})
    return named.set_index(["data set", "split"])[columns]


def _count(number: int, copies: int = 1) -> str:
    return NONE if pd.isna(number) else f"{number:,}" + (f" × {copies}" if copies > 1 else "")


def _shares(values: tuple[float, ...] | None) -> str:
    return NONE if values is None else " / ".join(f"{share:.1f}" for share in values)
