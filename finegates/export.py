"""Writes a finished run as a smaller model that loads like any other: folder, card and ONNX.

The folder appears whole or not at all. ``import finegates.auto`` is what loading it takes; the ONNX
file needs no finegates.
"""

import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from finegates.accounting import removal
from finegates.attach import GATES_NAME, gates_of
from finegates.card import model_card
from finegates.errors import ModelError, SpecError
from finegates.restore import restore_model
from finegates.runs import Run
from finegates.shrink import prune, shrink
from finegates.shrinking.models import Shrunk
from finegates.sizes import dense_cost, needed_cost, num_dense_parameters, num_parameters

ONNX_FILE = "model.onnx"
CARD_FILE = "README.md"
_EXAMPLE_LENGTH = 8
_CARD_LENGTH = 128


def export(
    run: Run, folder: Path, *, remove: float | None = None, onnx: bool = False, device: str = "cpu"
) -> dict[str, Any]:
    """Shrinks a finished run's model and saves it with tokenizer and card.

    Args:
        run: A finished run with gates.
        folder: Where to; made by this, must not exist or be empty.
        remove: Fraction of the gated weights to remove; None takes the gates as training left them.
        onnx: Whether to write ``model.onnx`` too, for any batch size and length.
        device: What it is laid out for: ``cpu`` or ``cuda``.

    Returns:
        What was removed and what is left: counts, fractions and bytes.

    Raises:
        RunError: If the run is not finished, or its weights are gone.
        ModelError: If it has no gates, or ONNX's packages are missing.
        SpecError: If the folder is in use, or the budget out of range.
    """
    if folder.exists() and any(folder.iterdir()):
        raise SpecError(f"The folder '{folder}' is not empty; give one that is, or a new one.")
    model, tokenizer = restore_model(run)
    if not hasattr(model, GATES_NAME):
        raise ModelError(f"{run.id} was trained without gates; there is nothing to remove from it.")
    closed = prune(model, remove=remove)
    assert closed is not None
    removed = asdict(removal(gates_of(model).layout, closed))
    shrunk = shrink(model, tuned_for=device)
    facts = {
        **removed,
        "dense_params": num_dense_parameters(model.config),
        "shrunk_params": num_parameters(shrunk),
        "mac_ratio": dense_cost(shrunk).macs(_CARD_LENGTH) / needed_cost(shrunk).macs(_CARD_LENGTH),
    }
    _write(shrunk, tokenizer, folder, model_card(run, shrunk, facts, remove), onnx)
    return {**facts, "folder": str(folder), "bytes": _bytes(folder)}


def _write(
    model: Shrunk, tokenizer: PreTrainedTokenizerBase, folder: Path, card: str, onnx: bool
) -> None:
    partial = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(parents=True)
        model.save_pretrained(partial)
        tokenizer.save_pretrained(partial)
        (partial / CARD_FILE).write_text(card, encoding="utf-8")
        if onnx:
            export_onnx(model, partial / ONNX_FILE)
        if folder.exists():
            folder.rmdir()
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def export_onnx(model: PreTrainedModel, path: Path) -> None:
    """Writes a classifier as ONNX with inputs ``input_ids`` and ``attention_mask``.

    Both are int64 of shape ``(batch, length)``, any batch and length; ``logits`` is the output.

    Raises:
        ModelError: If onnx or onnxscript is not installed.
    """
    try:
        import onnxscript  # noqa: F401  torch needs it
    except ImportError as error:
        raise ModelError(
            "ONNX export needs the packages onnx and onnxscript; pip install 'finegates[onnx]'."
        ) from error
    ids = torch.ones((2, _EXAMPLE_LENGTH), dtype=torch.long)
    mask = ids.clone()
    mask[1, _EXAMPLE_LENGTH // 2 :] = 0  # a mask of ones would be left out of the graph
    axes = {0: "batch", 1: "length"}
    torch.onnx.export(
        model,
        (),
        str(path),
        kwargs={"input_ids": ids, "attention_mask": mask},
        dynamo=True,
        input_names=["input_ids", "attention_mask"],
        output_names=["logits"],
        dynamic_shapes={"input_ids": axes, "attention_mask": axes},
        external_data=False,
        verbose=False,
    )


def _bytes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in sorted(folder.iterdir())}
