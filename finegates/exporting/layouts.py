"""What each layout of a smaller decoder leaves out, and what runs it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import PreTrainedModel

from finegates.exporting.package import GGUF_FILE, PLAIN_FOLDER
from finegates.shrinking.cost import num_parameters

DENSE, OWN, PLAIN, GGUF = "dense", "finegates", "plain", "gguf"
"""The layouts: before, this folder's, and those that can be written with it."""
_WORDS = {
    DENSE: ("dense", "everything"),
    OWN: ("this folder", "transformers after `import finegates.auto`, or with the folder's code"),
    PLAIN: (f"`{PLAIN_FOLDER}/`", "whatever runs the type: transformers, vLLM, TGI, converters"),
    GGUF: (f"`{GGUF_FILE}`", "llama.cpp and what is built on it"),
}


@dataclass(frozen=True)
class Layout:
    """A model laid out one way.

    Attributes:
        params: Numbers in its parameters.
        cached_bytes: What is kept of a token to write on, in all layers.
    """

    params: int
    cached_bytes: int


def layout_of(model: PreTrainedModel, params: int | None = None) -> Layout:
    """What a decoder takes; ``params`` where its own are not all, or have gates among them."""
    return Layout(num_parameters(model) if params is None else params, _cached_bytes(model))


def layouts_text(layouts: Mapping[str, Layout], gated_weights: int) -> str:
    """A table in Markdown, and what is to be known of it.

    Args:
        layouts: By names above; the dense one among them.
        gated_weights: Weights of the dense layers' matrices.
    """
    dense = layouts[DENSE]
    rows = "\n".join(_row(name, one, dense, gated_weights) for name, one in layouts.items())
    return f"""
## What each layout leaves out

| | parameters | of the layers' weights gone | cache, bytes per token | runs in |
|---|---|---|---|---|
{rows}
{_notes(layouts)}"""


def _row(name: str, one: Layout, dense: Layout, gated_weights: int) -> str:
    gone = 100 * (dense.params - one.params) / gated_weights
    words, runs_in = _WORDS[name]
    return f"| {words} | {one.params:,} | {gone:.1f}% | {one.cached_bytes:,} | {runs_in} |"


def _notes(layouts: Iterable[str]) -> str:
    notes = {
        OWN: "This folder is laid out for speed: what would not get faster stays as it was, and "
        "widths are padded to what the device is quick at.",
        PLAIN: "A stock class has one size for all layers, so `plain` keeps what the layer that "
        "needs most has, and only neurons and whole groups of heads (one of keys and values, with "
        "the query heads that it serves) go from it. Rotary pairs, values and rows or columns "
        "that are closed are zeros there. Gates of the preset `plain`, as many in every layer, "
        "lose nothing that way.",
        GGUF: "The GGUF file has neurons and groups of heads of each layer as they are left, in "
        "float32: architecture `llama` if all layers are alike, else `deci`. Its layers were "
        "compared with the model, before they were written; no other program has read the file.",
    }
    return "".join(f"\n{notes[name]}\n" for name in layouts if name in notes)


@torch.inference_mode()
def _cached_bytes(model: PreTrainedModel) -> int:
    """Of one token that is read, all that its layers keep."""
    token = torch.zeros(1, 1, dtype=torch.long, device=model.device)
    cache = model.base_model(input_ids=token, use_cache=True).past_key_values
    kept: list[Tensor] = [t for layer in cache.layers for t in (layer.keys, layer.values)]
    return sum(t.numel() * t.element_size() for t in kept)
