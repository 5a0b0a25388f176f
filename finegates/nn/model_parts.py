"""Finds things inside a Hugging Face classifier: matrices, head, layer norms."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    PreTrainedConfig,
    PreTrainedModel,
)

from finegates.gates.layout import GatedMatrix
from finegates.models.architectures import Architecture, architecture_of


def model_of(config: PreTrainedConfig, *, language_model: bool = False) -> PreTrainedModel:
    """A dense model with random weights, of a supported type.

    Args:
        config: Of the model.
        language_model: Whether it has the head of a causal language model, not a classifier's.
    """
    kind = AutoModelForCausalLM if language_model else AutoModelForSequenceClassification
    return kind.from_config(config)


def locate(model: PreTrainedModel, matrix: GatedMatrix) -> tuple[nn.Module, str]:
    """The module that holds a matrix, and the matrix's name in it."""
    architecture = architecture_of(model.config.model_type)
    path = f"{architecture.layers}.{matrix.layer}.{architecture.roles[matrix.role]}"
    parent, _, name = path.rpartition(".")
    return model.get_submodule(parent), name


def size_of(model: PreTrainedModel, what: str) -> int:
    """A size that a dense model's config says, as ``intermediate``, ``heads`` or ``hidden``."""
    return architecture_of(model.config.model_type).size(model.config.to_dict(), what)


def encoder_layers(model: PreTrainedModel) -> nn.ModuleList:
    """A model's layers, first to last."""
    layers = model.get_submodule(architecture_of(model.config.model_type).layers)
    assert isinstance(layers, nn.ModuleList)
    return layers


def stream_paths(model: PreTrainedModel) -> Iterator[str]:
    """Dotted paths of all that puts out as many numbers as the residual stream has, in order.

    What puts out the stream, and a head's first Linear whose outputs its last one reads: the config
    has one size for both.
    """
    architecture = architecture_of(model.config.model_type)
    yield start_of_stream(model, architecture)
    for number in range(len(encoder_layers(model))):
        yield from (f"{architecture.layers}.{number}.{path}" for path in architecture.norms)
    if answering_path(model, architecture) != architecture.reader:
        yield architecture.reader


def start_of_stream(model: nn.Module, architecture: Architecture) -> str:
    """The dotted path of what puts out the residual stream first."""
    names = {name for name, _ in model.named_modules()}
    return next(path for path in architecture.starts if path in names)


def replace_module(model: PreTrainedModel, path: str, module: nn.Module) -> None:
    """Puts a module in the place of another, in place."""
    parent, _, name = path.rpartition(".")
    setattr(model.get_submodule(parent), name, module)


def head_modules(model: PreTrainedModel) -> dict[str, nn.Module]:
    """The modules of the head, by their dotted paths; a causal language model has none."""
    present = {name for name, _ in model.named_modules()}
    head = architecture_of(model.config.model_type).head
    return {path: model.get_submodule(path) for path in head if path in present}


def train_head_only(model: PreTrainedModel) -> None:
    """Freezes everything but the head."""
    model.requires_grad_(False)
    for module in head_modules(model).values():
        module.requires_grad_(True)


def head_parameters(model: PreTrainedModel) -> Iterator[nn.Parameter]:
    """Parameters of the head."""
    for module in head_modules(model).values():
        yield from module.parameters()


def answering_linear(model: PreTrainedModel) -> tuple[str, nn.Linear]:
    """The head's last Linear, whose outputs are the model's, and its name in the model."""
    path = answering_path(model, architecture_of(model.config.model_type))
    linear = model.get_submodule(path)
    assert isinstance(linear, nn.Linear)
    return path, linear


def answering_path(model: nn.Module, architecture: Architecture) -> str:
    """The dotted path of the head's last Linear, whose outputs are the model's."""
    return [
        name
        for path in architecture.head
        for name, module in model.get_submodule(path).named_modules(prefix=path)
        if isinstance(module, nn.Linear)
    ][-1]


def of_answers(model: PreTrainedModel, states: Tensor, input_ids: Tensor) -> Tensor:
    """What a classifier answers from: its head's input of each row, or of each row's last token.

    Args:
        model: A classifier.
        states: What the head's last Linear read: ``(rows, width)``, of a decoder
            ``(rows, tokens, width)``.
        input_ids: Shape ``(rows, tokens)``.

    Returns:
        Shape ``(rows, width)``.
    """
    if states.ndim == 2:
        return states
    places = torch.arange(input_ids.shape[1], device=input_ids.device)
    last = (places * (input_ids != model.config.pad_token_id)).amax(1)
    return states[torch.arange(len(states), device=states.device), last]


@torch.no_grad()
def order_outputs(model: PreTrainedModel, order: Sequence[int]) -> None:
    """Gives a model its outputs in another order, in place: the one at ``order[i]`` becomes i."""
    _, linear = answering_linear(model)
    for tensor in linear.parameters():
        tensor.copy_(tensor[list(order)])


def layer_norms(model: PreTrainedModel) -> Iterator[nn.Module]:
    """Norms of the layers' sublayers; that of the embeddings and a last one are not among them."""
    norms = architecture_of(model.config.model_type).norms
    return (layer.get_submodule(path) for layer in encoder_layers(model) for path in norms)
