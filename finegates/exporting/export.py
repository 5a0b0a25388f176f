"""Writes a finished run as a smaller model that loads like any other: folder, card, other formats.

The folder appears whole and checked, or not at all. ``import finegates.auto`` is what loading it
takes; files for other runtimes need no finegates, nor does a standalone folder, which has its own
code.
"""

from collections.abc import Collection
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from finegates.errors import ModelError, SpecError, first_line
from finegates.exporting.card import model_card
from finegates.exporting.check import check_folder, inputs_of
from finegates.exporting.formats import check_formats, write_formats
from finegates.exporting.measured import known_of, measure
from finegates.exporting.package import PLAIN_FOLDER, files_of, model_name
from finegates.exporting.standalone import add_code
from finegates.files.output_folder import filled, output_folder
from finegates.files.progress import Progress, part, silent
from finegates.gates.cuts import Cut
from finegates.nn.attach import GATES_NAME, gates_of
from finegates.nn.model_parts import size_of
from finegates.nn.pretrained import longest_input
from finegates.runs.folder import Run
from finegates.runs.saved_models import EXPORTS_FOLDER
from finegates.shrinking.cost import (
    REFERENCE_LENGTH,
    mac_ratio,
    num_dense_parameters,
    num_parameters,
)
from finegates.shrinking.models import Shrunk
from finegates.shrinking.plain import plain as make_plain
from finegates.shrinking.shrink import prune, shrink
from finegates.training.restore import restore_model

CARD_FILE = "README.md"
_LOADED, _MEASURED, _SHRUNK, _WRITTEN = 0.1, 0.6, 0.7, 0.9
"""How much of an export is done after each of its parts, about."""


def place_for(run: Run, given: str | Path) -> Path:
    """The folder that is meant, checked: new or empty, and not among the runs.

    Raises:
        SpecError: If it is no place to write a model into.
    """
    return output_folder(given, kept_out=run.path.parent, but=run.path / EXPORTS_FOLDER)


def export(
    run: Run,
    folder: str | Path,
    *,
    cut: Cut | None = None,
    formats: Collection[str] = (),
    standalone: bool = False,
    plain: bool = False,
    device: str = "cpu",
    measured: bool = True,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Shrinks a finished run's model and saves it with tokenizer and card.

    Args:
        run: A finished run with gates.
        folder: Where to; made by this, must not exist or be empty.
        cut: Where its gates are cut off; None takes them as training left them.
        formats: Which files to write too, of `FORMAT_FILES`: ``onnx``, ``openvino``, ``pt2``.
        standalone: Whether to write the code too that loads it where finegates is not installed,
            with ``trust_remote_code=True``.
        plain: Whether to write a folder ``plain`` too, with the same model as the stock class of
            its type, which keeps more of it (`finegates.shrinking.plain`).
        device: What it is laid out for, and timed on: ``cpu`` or ``cuda``.
        measured: Whether score and speed are measured for the card where the run has no record of
            them.
        progress: Is told how far it is.

    Returns:
        What was removed and what is left: counts, fractions and bytes; ``name``; what the card says
        as ``card``; how far the written model's answers are from the run's as ``checked``.

    Raises:
        RunError: If the run is not finished, or its weights are gone.
        ModelError: If it has no gates, a format's packages or finegates' own sources are missing,
            what was written answers differently, or no plain model can be made of it.
        SpecError: If the folder is in use, or can't be written, or there is no such format.
    """
    check_formats(formats)
    folder = place_for(run, folder)
    progress(0.0, "loading the model")
    model, tokenizer = restore_model(run)
    if not hasattr(model, GATES_NAME):
        raise ModelError(f"{run.id} was trained without gates; there is nothing to remove from it.")
    stock = make_plain(model, cut) if plain else None
    with filled(folder) as partial:
        progress(_LOADED, "measuring")
        known = known_of(run, cut, device)
        measuring = part(progress, _LOADED, _MEASURED)
        shown = measure(run, model, cut, device, measuring) if measured else known
        progress(_MEASURED, "making the smaller model")
        prune(model, cut)
        shrunk = shrink(model, tuned_for=device)
        portable = shrink(model, tuned_for="onnx") if formats else None
        facts = _facts(model, shrunk) | (_plain_facts(stock) if stock is not None else {})
        name, inputs = model_name(run, cut), inputs_of(tokenizer)
        card = model_card(
            run, shrunk, facts, cut, shown,
            name=name, inputs=inputs, formats=formats, standalone=standalone,
        )  # fmt: skip
        progress(_SHRUNK, "writing it")
        tokenizer.model_max_length = min(tokenizer.model_max_length, longest_input(model.config))
        _write(partial, shrunk, tokenizer, card, standalone, stock)
        if portable is not None:
            write_formats(formats, portable, partial, inputs)
        progress(_WRITTEN, "checking what was written")
        checked = check_folder(partial, model)
        if stock is not None:
            checked["plain"] = check_folder(partial / PLAIN_FOLDER, model)["torch"]
    sizes = files_of(folder)
    return {
        **facts,
        "name": name,
        "card": asdict(shown),
        "checked": checked,
        "folder": str(folder),
        "bytes": sizes,
        "total_bytes": sum(sizes.values()),
    }


def _facts(model: PreTrainedModel, shrunk: Shrunk) -> dict[str, Any]:
    return {
        **asdict(gates_of(model).removal()),
        "dense_params": num_dense_parameters(model.config),
        "shrunk_params": num_parameters(shrunk),
        "mac_ratio": mac_ratio(shrunk, REFERENCE_LENGTH),
    }


def _plain_facts(stock: PreTrainedModel) -> dict[str, int]:
    return {
        "plain_params": num_parameters(stock),
        "plain_neurons": size_of(stock, "intermediate"),
        "plain_heads": size_of(stock, "heads"),
        "plain_hidden": size_of(stock, "hidden"),
    }


def _write(
    folder: Path,
    model: Shrunk,
    tokenizer: PreTrainedTokenizerBase,
    card: str,
    standalone: bool,
    stock: PreTrainedModel | None,
) -> None:
    tokenizer.init_kwargs.pop("auto_map", None)  # code of the base model, which is not copied
    try:
        if standalone:
            add_code(model, folder)
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        (folder / CARD_FILE).write_text(card, encoding="utf-8")
        if stock is not None:
            stock.save_pretrained(folder / PLAIN_FOLDER)
            tokenizer.save_pretrained(folder / PLAIN_FOLDER)
    except (OSError, SafetensorError) as error:
        raise SpecError(
            f"The model can't be written: {first_line(error)}. Make room, or give another place."
        ) from error
