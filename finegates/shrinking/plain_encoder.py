"""A gated encoder as the stock class of its type, see `finegates.shrinking.plain`.

A config of these types says one number of neurons and of heads for all layers and one hidden size,
over which norms run and which all heads together are as wide as. So each layer keeps as many
neurons as the one that needs most. If dimensions of the residual stream are closed, the hidden size
is what is left of them, and each layer has as many heads as divide it, at least those that any
layer needs and each at least as wide: what is over is zeros, which add nothing. Without such gates
attention keeps its size, and what is closed there stays as zeros.
"""

import torch
from torch import nn
from transformers import PreTrainedModel

from finegates.errors import ModelError
from finegates.models.architectures import architecture_of
from finegates.nn.model_parts import layer_norms, size_of, start_of_stream
from finegates.shrinking.fold import Folded, Layer, as_rows, below, put_layer
from finegates.shrinking.needed import Attention, needed_attention, needed_feed_forward
from finegates.shrinking.shrink import activation_of, filled

_ATTENTION = ("q", "k", "v", "o")
_EMBEDDING = "embedding_size"


def plain_encoder(stock: PreTrainedModel, layers: list[Layer]) -> PreTrainedModel:
    """Puts folded layers into a model as its class can have them.

    Args:
        stock: Plain, of the width that is left of its residual stream; changed in place.
        layers: Folded, of all its layers.

    Returns:
        It, or one that is built again where the config's hidden size changes.

    Raises:
        ModelError: If heads and what is left of the residual stream do not fit together in a
            config.
    """
    layers = [_without_neurons(layer, stock) for layer in layers]
    width = max(1, *(len(layer["intermediate"].bias) for layer in layers))
    layers = [_padded(layer, width) for layer in layers]
    sizes = {"intermediate": width}
    stream = len(next(layer_norms(stock)).weight)  # type: ignore[arg-type]
    if stream < size_of(stock, "hidden"):
        layers, heads = _with_heads_that_fit(layers, stock, stream)
        sizes |= {"hidden": stream, "heads": heads}
    for number, layer in enumerate(layers):
        put_layer(stock, number, layer)
    names = architecture_of(stock.config.model_type).config_names
    for what, size in sizes.items():
        setattr(stock.config, names[what], size)
    return _built_again(stock) if "heads" in sizes else stock


def heads_that_fit(stream: int, most: int, widest: int) -> tuple[int, int] | None:
    """The fewest heads, and their width, that together are as wide as the residual stream.

    Args:
        stream: Its width.
        most: Heads that are needed at least.
        widest: Dimensions that each is needed to have at least.

    Returns:
        None if no number of heads fits.
    """
    fitting = (n for n in range(most, stream // widest + 1) if stream % n == 0)
    heads = next(fitting, None)
    return None if heads is None else (heads, stream // heads)


def _with_heads_that_fit(
    layers: list[Layer], model: PreTrainedModel, stream: int
) -> tuple[list[Layer], int]:
    """Layers whose heads are together as wide as the narrower stream, and how many heads those are.

    Raises:
        ModelError: If there is no such number, or the config would leave out a projection.
    """
    _check_projection(model, stream)
    dense = size_of(model, "heads")
    head_width = size_of(model, "hidden") // dense
    found = [needed_attention(layer, dense) for layer in layers]
    most = max(1, *(len(attention.heads) for attention in found))
    widest = max([1, *(head.width for attention in found for head in attention.heads)])
    fitting = heads_that_fit(stream, most, widest)
    if fitting is None:
        near = max(stream // widest, 1)
        raise ModelError(
            f"A config of type '{model.config.model_type}' has one hidden size that its heads "
            f"divide evenly: of {stream:,} dimensions that are left no {most} heads or more can be "
            f"made that are {widest} wide; hidden {near * widest:,} with at most {near} of {dense} "
            f"heads of {widest} would fit. Train with --gate-units hidden,heads,neurons and "
            f"--gate-multiple {widest}, or without the unit 'hidden'."
        )
    relaid = [
        layer | _relaid(attention, *fitting, head_width)
        for layer, attention in zip(layers, found, strict=True)
    ]
    return relaid, fitting[0]


def _relaid(attention: Attention, number: int, width: int, head_width: int) -> Layer:
    """So many heads of this width, those that are not needed of zeros.

    The stock class divides scores by the root of its head's width, where the gated model divided
    them by that of the dense one's.
    """
    heads, stream = attention.heads, len(attention.bias)
    scale = (width / head_width) ** 0.5
    scaled = [Folded(scale * head.q.weight, scale * head.q.bias) for head in heads]

    def side(parts: list[Folded]) -> Folded:
        nothing = Folded(torch.zeros(0, stream).double(), torch.zeros(0).double())
        padded = [part.with_rows(width) for part in parts]
        return below([nothing, *padded]).with_rows(number * width)

    outer = side([as_rows(head.o) for head in heads]).weight.T
    return {
        "q": side(scaled),
        "k": side([head.k for head in heads]),
        "v": side([head.v for head in heads]),
        "o": Folded(outer, attention.bias),
    }


def _check_projection(model: PreTrainedModel, stream: int) -> None:
    """Raises ModelError if the stock class has no projection where the model has one."""
    if _starts_with_norm(model) or getattr(model.config, _EMBEDDING) != stream:
        return
    raise ModelError(
        f"Of the residual stream {stream:,} dimensions are left, as many as the embeddings have, "
        f"and a '{model.config.model_type}' of one size for both has no projection between them; "
        "remove a little more or less."
    )


def _starts_with_norm(model: PreTrainedModel) -> bool:
    architecture = architecture_of(model.config.model_type)
    return isinstance(model.get_submodule(start_of_stream(model, architecture)), nn.LayerNorm)


def _built_again(stock: PreTrainedModel) -> PreTrainedModel:
    """The model that its changed config says, with its weights."""
    config = stock.config
    if hasattr(config, _EMBEDDING) and _starts_with_norm(stock):
        setattr(config, _EMBEDDING, size_of(stock, "hidden"))
    if getattr(config, "sinusoidal_pos_embds", False):  # they are in the weights
        config.sinusoidal_pos_embds = False
    with torch.device("meta"):
        model = type(stock)(config)
    return filled(model, stock.state_dict(), stock)


def _without_neurons(layer: Layer, model: PreTrainedModel) -> Layer:
    needed = needed_feed_forward(layer, activation_of(model))
    attention = {role: layer[role] for role in _ATTENTION}
    return attention | {
        "intermediate": needed.inner, "output": Folded(needed.outer, needed.bias)
    }  # fmt: skip


def _padded(layer: Layer, width: int) -> Layer:
    """With neurons of nothing but zeros, which add nothing, up to this many."""
    inner, outer = layer["intermediate"], layer["output"]
    return layer | {"intermediate": inner.with_rows(width), "output": outer.with_columns(width)}
