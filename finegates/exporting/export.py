"""Writes a finished run as a smaller model that loads like any other: folder, card and ONNX.

The folder appears whole or not at all. ``import finegates.auto`` is what loading it takes; the ONNX
file needs no finegates.
"""

import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

from transformers import PreTrainedTokenizerBase

from finegates.errors import ModelError, SpecError
from finegates.exporting.card import NOT_MEASURED, measure_for_card, model_card
from finegates.gates.cuts import Cut
from finegates.nn.attach import GATES_NAME, gates_of
from finegates.runs.folder import Run
from finegates.shrinking.cost import (
    REFERENCE_LENGTH,
    mac_ratio,
    num_dense_parameters,
    num_parameters,
)
from finegates.shrinking.models import Shrunk
from finegates.shrinking.onnx import ONNX_FILE, export_onnx
from finegates.shrinking.shrink import prune, shrink
from finegates.training.restore import restore_model

CARD_FILE = "README.md"


def export(
    run: Run,
    folder: Path,
    *,
    cut: Cut | None = None,
    onnx: bool = False,
    device: str = "cpu",
    measured: bool = True,
) -> dict[str, Any]:
    """Shrinks a finished run's model and saves it with tokenizer and card.

    Args:
        run: A finished run with gates.
        folder: Where to; made by this, must not exist or be empty.
        cut: Where its gates are cut off; None takes them as training left them.
        onnx: Whether to write ``model.onnx`` too, for any batch size and length.
        device: What it is laid out for, and timed on: ``cpu`` or ``cuda``.
        measured: Whether score and speed are measured for the card.

    Returns:
        What was removed and what is left: counts, fractions and bytes; what the card says as
        ``card``.

    Raises:
        RunError: If the run is not finished, or its weights are gone.
        ModelError: If it has no gates, or ONNX's packages are missing.
        SpecError: If the folder is in use.
    """
    if folder.exists() and any(folder.iterdir()):
        raise SpecError(f"The folder '{folder}' is not empty; give one that is, or a new one.")
    model, tokenizer = restore_model(run)
    if not hasattr(model, GATES_NAME):
        raise ModelError(f"{run.id} was trained without gates; there is nothing to remove from it.")
    shown = measure_for_card(run, model, cut, device) if measured else NOT_MEASURED
    prune(model, cut)
    shrunk = shrink(model, tuned_for=device)
    facts = {
        **asdict(gates_of(model).removal()),
        "dense_params": num_dense_parameters(model.config),
        "shrunk_params": num_parameters(shrunk),
        "mac_ratio": mac_ratio(shrunk, REFERENCE_LENGTH),
    }
    for_onnx = shrink(model, tuned_for="onnx") if onnx else None
    _write(shrunk, tokenizer, folder, model_card(run, shrunk, facts, cut, shown), for_onnx)
    return {**facts, "card": asdict(shown), "folder": str(folder), "bytes": _bytes(folder)}


def _write(
    model: Shrunk,
    tokenizer: PreTrainedTokenizerBase,
    folder: Path,
    card: str,
    for_onnx: Shrunk | None,
) -> None:
    partial = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(parents=True)
        model.save_pretrained(partial)
        tokenizer.save_pretrained(partial)
        (partial / CARD_FILE).write_text(card, encoding="utf-8")
        if for_onnx is not None:
            export_onnx(for_onnx, partial / ONNX_FILE)
        if folder.exists():
            folder.rmdir()
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _bytes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in sorted(folder.iterdir())}
