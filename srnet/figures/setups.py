"""The setups as tables (Tables 1 to 4 of the paper's supplement): what there is here beside what the paper prints."""

from collections.abc import Callable, Mapping

import pandas as pd
import torch

from srnet.data.pairs import TaskData
from srnet.data.tasks import DATASETS, TASKS
from srnet.figures.style import METRICS
from srnet.paper import TABLE_3, TABLE_4
from srnet.pruning.magnitude import ROUNDS
from srnet.pruning.mask_training import INITIAL_SCALE, INITIAL_THRESHOLD, MaskPlan
from srnet.study.profiles import Training
from srnet.training.encoding import MAX_LENGTH
from srnet.training.recipe import Recipe

NONE = "–"
# Kinds of training by their names in a profile: what they are of, and how long they are in the paper.
KINDS = {
    "full": ("full (std, reweight)", "full_epochs"),
    "full_debiased": ("full (poe, confreg)", "debiased_epochs"),
    "mask": ("mask", "mask_epochs"),
    "mask_ood": ("mask (ood)", "mask_epochs"),
    "imp": ("imp", "imp_epochs"),
}
# The paper has shorter names of the classes too, else the table is too wide for a page.
CLASSES = {
    "entailment": "ent",
    "non-entailment": "non-ent",
    "neutral": "neutral",
    "contradiction": "cont",
    "duplicate": "dup",
    "non-duplicate": "non-dup",
    "SUPPORTS": "supp",
    "REFUTES": "refute",
    "NOT ENOUGH INFO": "not-info",
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
        "classes": [" / ".join(CLASSES[name] for name in names) for names in sets["classes"]],
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
        "mask training: Δtᵩ": "the evaluation interval",
        "iterative pruning: Δs": _share(1 / ROUNDS),
        "iterative pruning: Δt": f"{1 / ROUNDS:g} tₘₐₓ",
    }
    known = TABLE_4
    paper = [known.mask_init, known.sparsity_schedule, f"{known.phi:g}", f"{known.alpha:g}", known.delta_t_phi]
    paper += [_share(known.delta_s), f"{known.delta_t:g} tₘₐₓ"]
    return pd.DataFrame({"here": here, "paper": dict(zip(here, paper, strict=True))})


def _trained_here(metric: str, training: Training, text: TaskData) -> dict[str, str]:
    recipes = {kind: recipe for kind in KINDS if (recipe := getattr(training, kind))}
    examples = dict.fromkeys(KINDS, len(text.train))
    examples["mask_ood"] += len(text.ood_train or ())
    lengths = {
        _epochs(kind): f"{round(each.steps / -(-examples[kind] // each.batch_size), 1):g} ({each.steps:,})"
        for kind, each in recipes.items()
    }
    return lengths | {
        "learning rate": _of_each(recipes, lambda each: f"{each.lr:g}"),
        "batch size": _of_each(recipes, lambda each: f"{each.batch_size}"),
        "tokens per pair": f"{MAX_LENGTH}",
        "evaluated every (steps)": f"{training.interval:,}",
        "evaluation metric": METRICS[metric].removesuffix(" (%)"),
        "optimiser": torch.optim.AdamW.__name__,
        "warm-up (steps)": _of_each(recipes, lambda each: f"{each.warmup:,}"),
        "weight decay": _of_each(recipes, lambda each: f"{each.weight_decay:g}"),
        "clipping": _of_each(recipes, lambda each: f"{each.clip:g}{' for each tensor' if each.clip_each else ''}"),
    }


def _trained_in_paper(task: str) -> dict[str, str]:
    known = TABLE_3[task]
    return {_epochs(kind): str(getattr(known, epochs)) for kind, (_, epochs) in KINDS.items()} | {
        "learning rate": f"{known.lr:g}",
        "batch size": f"{known.batch_size}",
        "tokens per pair": f"{known.max_length}",
        "evaluated every (steps)": f"{known.eval_interval:,}",
        "evaluation metric": known.eval_metric,
        "optimiser": known.optimizer,
    }


def _epochs(kind: str) -> str:
    return f"epochs (steps), {KINDS[kind][0]}"


def _of_each(recipes: Mapping[str, Recipe], told: Callable[[Recipe], str]) -> str:
    """Return what all recipes share, or else each value with the kinds of training that it is of."""
    kinds: dict[str, list[str]] = {}
    for family in dict.fromkeys(kind.partition("_")[0] for kind in recipes):  # one name for "full" and "full_debiased"
        values = {kind: told(recipe) for kind, recipe in recipes.items() if kind.startswith(family)}
        alike = len(set(values.values())) == 1
        for kind, value in list(values.items())[: 1 if alike else None]:
            kinds.setdefault(value, []).append(family if alike else KINDS[kind][0])
    if len(kinds) == 1:
        return next(iter(kinds))
    return "; ".join(f"{value} ({', '.join(names)})" for value, names in kinds.items())


def _by_set(sets: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    named = sets.assign(**{"data set": sets["data_set"].map(DATASETS)})
    return named.set_index(["data set", "split"])[columns]


def _count(number: int, copies: int = 1) -> str:
    return NONE if pd.isna(number) else f"{number:,}" + (f" × {copies}" if copies > 1 else "")


def _share(value: float) -> str:
    return f"{100 * value:g}\N{NO-BREAK SPACE}%"


def _shares(values: tuple[float, ...] | None) -> str:
    return NONE if values is None else " / ".join(f"{share:.1f}" for share in values)
