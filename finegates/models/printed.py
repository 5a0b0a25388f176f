"""What a configuration's authors print as its number of trained parameters, and where.

Most counts of `finegates.models.parameters` are computed by formula alone; those named here can be
held against a figure, or words, that the authors published.
"""

from collections.abc import Mapping
from typing import Any

from finegates.models.architectures import architecture_of

BASE, LARGE = (768, 3072, 12), (1024, 4096, 24)
"""Sizes that the figures are of: width, feed-forward width and layers of RoBERTa-base, -large."""
_NAMES = {BASE: "RoBERTa-base", LARGE: "RoBERTa-large"}
_PAPER = "arXiv 2412.12951v1"
_ADAMIX = "github.com/microsoft/AdaMix (d361e9d)"


def _both(base: str, large: str, source: str) -> dict[tuple[int, int, int], str]:
    """Figures of the two RoBERTa models, each with its source."""
    figures = {BASE: base, LARGE: large}
    return {size: f"{figure} for {_NAMES[size]}, {source}" for size, figure in figures.items()}


PRINTED: dict[str, Mapping[tuple[int, int, int], str]] = {
    "finegates: gates on inputs and outputs of all six matrices": _both("0.17M", "0.4M", _PAPER),
    "finegates w/o W_I, W_O: one gate vector on each of q, k, v, o": (
        _both("0.04M", "0.1M", _PAPER)
    ),
    "LoRA r=8 on all six + one gate vector on each": _both("1.4M", "3.8M", _PAPER),
    "LoRA r=8 on q, k, v, o + one gate vector on each": _both("0.6M", "1.7M", _PAPER),
    "LoRA r=8 on q, v": _both("0.3M", "0.8M", _PAPER),
    "VeRA r=1024 on q, v": {BASE: f"0.04M for RoBERTa-base, {_PAPER}"},
    "VeRA r=256 on q, v": {LARGE: f"0.06M for RoBERTa-large, {_PAPER}"},
    "LoRA-XS r=25 on q, v, attention output, FFN output": {
        LARGE: f"0.06M for RoBERTa-large, {_PAPER}"
    },
    "MELoRA r=1, n=8 on q, v": dict.fromkeys(
        (BASE, LARGE), "8 times fewer than LoRA r=8, abstract of arXiv 2402.17263"
    ),
    "LoRETTA r=8, tensor-train rank 5, on q, v": {
        BASE: "about 1K for each matrix where LoRA has 12K, descriptions of arXiv 2402.11417"
    },
    "AdaMix 16 wide after FFN output, its 4 experts as trained": {
        LARGE: f"files of 11.7 MB for RoBERTa-large, 4 bytes each and the head too, {_ADAMIX}"
    },
    "AdaMix 16 wide after FFN output, its experts averaged, as kept": {
        LARGE: f"0.8M for RoBERTa-large, README of {_ADAMIX}"
    },
}
"""A row of `finegates.models.parameters.parameter_table` -> size of the model -> what is printed.
A row that is not here is only computed."""


def printed(configuration: str, config: Mapping[str, Any]) -> str | None:
    """The figure or words that the authors print, with their source; None if none are known.

    Args:
        configuration: Name of a row of the table.
        config: The content of a config.json; only encoders of the sizes that were printed have any.
    """
    architecture = architecture_of(str(config["model_type"]))
    if architecture.is_decoder:
        return None
    width, inner, layers = (
        architecture.size(config, what) for what in ("hidden", "intermediate", "layers")
    )
    return PRINTED.get(configuration, {}).get((width, inner, layers))
