"""The matrices of a model that are pruned, found by its structure, of whatever family it is."""

from collections.abc import Sequence
from inspect import signature
from typing import TYPE_CHECKING

from torch import Tensor, nn

from srnet.errors import InputError
from srnet.training.plain import plain

if TYPE_CHECKING:
    from transformers import PreTrainedModel

WORKS = (
    "BERT, RoBERTa, XLM-R, ELECTRA, DeBERTa, MPNet, DistilBERT, ALBERT, ModernBERT, GPT-2, Llama, Mistral, Qwen2 and "
    "what is built like them"
)
LEAST = 4  # matrices of a layer: into attention (query, key and value may be one) and out of it, feed-forward in, out
OTHER_TASKS = ("ForTokenClassification", "ForQuestionAnswering")  # their last matrix is no classifier of texts


def prunable_weights(model: "PreTrainedModel", pooler: bool = False) -> dict[str, Tensor]:
    """Return the matrices of ``θ_pr`` by name: those of each layer, and the classifier's (Section 3.1).

    They are found by structure, not by name: the linear maps of the transformer's layers, and those of the model
    outside its encoder or decoder. Embeddings, biases, normalisation and poolers are never pruned. A layer of BERT has
    six: query, key, value, attention output, feed-forward in and out; one that is used again and again, as ALBERT's,
    counts once. BERT's classifier is one matrix; that of RoBERTa is the two of its classification head, ``dense`` and
    ``out_proj``. Each weight has its own shape, [out, in] of a `torch.nn.Linear` and [in, out] of GPT-2's ``Conv1D``.

    Args:
        model: a sequence classifier; a wrapped one is unwrapped (`srnet.training.plain.plain`).
        pooler: also include the encoder's pooler, as the authors' released code does for BERT; RoBERTa has none.

    Raises:
        InputError: if the model is of no such structure, has no classifier, or a matrix is not a plain weight.
    """
    model = plain(model)
    _require_text(model)
    _require_classifier(model)
    in_base = {id(module) for module in _linear_maps(model.base_model)}
    in_layers = {id(module) for module in _linear_maps(layers(model))}
    found: dict[str, Tensor] = {}
    for name, module in model.named_modules():
        if not _is_linear(module):
            continue
        if id(module) in in_layers or id(module) not in in_base or (pooler and "pooler" in name):
            _require_plain_weight(model, name, module)
            weight = module.weight  # while masks are learned, the masked one
            if all(weight is not other for other in found.values()):
                found[f"{name}.weight"] = weight
    return found


def layers(model: "PreTrainedModel") -> nn.ModuleList:
    """Return the layers of a transformer: the one list in it of alike modules with matrices.

    Raises:
        InputError: if there is none, there are several, or what is in them is not linear maps alone.
    """
    lists = [
        module for module in model.base_model.modules() if isinstance(module, nn.ModuleList) and _linear_maps(module)
    ]
    within = {id(module) for each in lists for module in each.modules() if module is not each}
    stacks = [each for each in lists if id(each) not in within]
    if len(stacks) != 1:
        raise _refusal(model, f"{len(stacks) or 'no'} stacks of layers with matrices, not one")
    stack = stacks[0]
    counts = [len(_linear_maps(layer)) for layer in stack]
    if len({type(layer) for layer in stack}) > 1 or isinstance(stack[0], nn.ModuleList) or len(set(counts)) > 1:
        raise _refusal(model, f"layers that are not alike ({sum(counts)} matrices in {len(stack)} layers)")
    if counts[0] < LEAST:
        raise _refusal(model, f"{counts[0]} matrices in a layer, not {LEAST} or more")
    for name, parameter in stack.named_parameters():
        owner = stack.get_submodule(name.rpartition(".")[0])
        if parameter.dim() > 1 and not _is_linear(owner) and not isinstance(owner, nn.Embedding):
            raise _refusal(model, f"weights in its layers that are not linear maps ({name!r})")
    return stack


def reads_last_token(model: "PreTrainedModel") -> bool:
    """Tell whether a classifier reads the last token that is not padding, which only its configuration can tell.

    Decoders do: they have no token in front that has seen the text, and remember what they have read.
    """
    return "past_key_values" in signature(model.forward).parameters


def known_types(model: "PreTrainedModel") -> int:
    """Return how many token types a model tells apart; 0 if it is to be given none."""
    if "token_type_ids" not in signature(model.forward).parameters:
        return 0
    return int(getattr(model.config, "type_vocab_size", 0) or 0)


def owners(model: "PreTrainedModel", weights: Sequence[Tensor]) -> list[list[tuple[nn.Module, str]]]:
    """Return, for each weight, every module that has it, and as what: several may share one."""
    homes: dict[int, list[tuple[nn.Module, str]]] = {}
    for module in model.modules():
        for attribute, parameter in module._parameters.items():
            homes.setdefault(id(parameter), []).append((module, attribute))
    return [homes[id(weight)] for weight in weights]


def _require_text(model: "PreTrainedModel") -> None:
    if model.main_input_name != "input_ids":
        raise _refusal(model, f"{model.main_input_name!r} as its input, not text")


def _require_classifier(model: "PreTrainedModel") -> None:
    in_base = {id(module) for module in _linear_maps(model.base_model)}
    outside = [module for module in _linear_maps(model) if id(module) not in in_base]
    other = any(kind.__name__.endswith(OTHER_TASKS) for kind in type(model).__mro__)
    if other or not outside or _outputs(outside[-1]) != model.config.num_labels:
        raise InputError(f"{type(model).__name__} has no classifier: load it for sequence classification")


def _require_plain_weight(model: "PreTrainedModel", name: str, module: nn.Module) -> None:
    weight = module._parameters.get("weight")
    if weight is None:  # torch.nn.utils.prune and parametrize put it together anew at each use
        raise InputError(
            f"{type(model).__name__}: the weight of {name!r} is computed from others: make it permanent first "
            "(torch.nn.utils.prune.remove, or parametrize.remove_parametrizations)"
        )
    if not weight.is_floating_point():
        held = f"the weight of {name!r} is quantised ({weight.dtype})"
        raise InputError(f"{type(model).__name__}: {held}: load the model without quantisation")


def _linear_maps(module: nn.Module) -> list[nn.Module]:
    return [child for child in module.modules() if _is_linear(child)]


def _is_linear(module: nn.Module) -> bool:
    from transformers.pytorch_utils import Conv1D

    return isinstance(module, nn.Linear | Conv1D)


def _outputs(linear: nn.Module) -> int:
    return linear.out_features if isinstance(linear, nn.Linear) else int(linear.nf)  # type: ignore[arg-type]


def _refusal(model: "PreTrainedModel", found: str) -> InputError:
    return InputError(f"{type(model).__name__} has {found}: use a model of another family ({WORKS})")
