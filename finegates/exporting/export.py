"""Writes a finished run as a smaller model that loads like any other: folder, card, other formats.

The folder appears whole and checked, or not at all. ``import finegates.auto`` is what loading it
takes; files for other runtimes need no finegates, nor does a standalone folder, which has its own
code.
"""

from collections.abc import Collection, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from finegates.errors import ModelError, SpecError, first_line
from finegates.exporting.card import model_card
from finegates.exporting.check import check_folder, check_model, inputs_of
from finegates.exporting.formats import check_formats, write_formats
from finegates.exporting.layouts import DENSE, GGUF, OWN, PLAIN, Layout, layout_of
from finegates.exporting.measured import known_of, measure
from finegates.exporting.package import GGUF_FILE, PLAIN_FOLDER, files_of, model_name
from finegates.exporting.standalone import add_code
from finegates.files.output_folder import filled, output_folder
from finegates.files.progress import Progress, part, silent
from finegates.gates.cuts import Cut
from finegates.models.architectures import architecture_of
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
from finegates.shrinking.gguf import check_gguf, export_gguf
from finegates.shrinking.models import Shrunk
from finegates.shrinking.plain import per_layer
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
    gguf: bool = False,
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
        gguf: Whether to write a GGUF file too, of a Llama that is a language model
            (`finegates.shrinking.gguf`).
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
    if gguf:
        check_gguf(model, tokenizer)
    others = {PLAIN: make_plain(model, cut)} if plain else {}
    if gguf:
        others[GGUF] = per_layer(model, cut)
    with filled(folder) as partial:
        progress(_LOADED, "measuring")
        known = known_of(run, cut, device)
        measuring = part(progress, _LOADED, _MEASURED)
        shown = measure(run, model, cut, device, measuring) if measured else known
        progress(_MEASURED, "making the smaller model")
        prune(model, cut)
        shrunk = shrink(model, tuned_for=device)
        portable = shrink(model, tuned_for="onnx") if formats else None
        facts = _facts(model, shrunk) | (_plain_facts(others[PLAIN]) if plain else {})
        layouts = _layouts(model, shrunk, others, facts)
        name, inputs = model_name(run, cut), inputs_of(tokenizer)
        card = model_card(
            run, shrunk, facts, cut, shown,
            name=name, inputs=inputs, formats=formats, standalone=standalone, layouts=layouts,
        )  # fmt: skip
        progress(_SHRUNK, "writing it")
        tokenizer.model_max_length = min(tokenizer.model_max_length, longest_input(model.config))
        _write(partial, shrunk, tokenizer, card, standalone, others)
        if portable is not None:
            write_formats(formats, portable, partial, inputs)
        progress(_WRITTEN, "checking what was written")
        checked = check_folder(partial, model)
        if plain:
            checked[PLAIN] = check_folder(partial / PLAIN_FOLDER, model)["torch"]
        if gguf:
            checked[GGUF] = check_model(others[GGUF], tokenizer, model)
    sizes = files_of(folder)
    return {
        **facts,
        **({"layouts": {name: asdict(one) for name, one in layouts.items()}} if layouts else {}),
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
        "gated_weights": gates_of(model).layout.num_gated_weights,
        "dense_params": num_dense_parameters(model.config, language_model=model.can_generate()),
        "shrunk_params": num_parameters(shrunk),
        "mac_ratio": mac_ratio(shrunk, REFERENCE_LENGTH),
    }


def _layouts(
    model: PreTrainedModel,
    shrunk: Shrunk,
    others: Mapping[str, PreTrainedModel],
    facts: Mapping[str, Any],
) -> dict[str, Layout]:
    """Of a decoder, whose layouts differ in what is cached; none of an encoder."""
    if not architecture_of(model.config.model_type).is_decoder:
        return {}
    found = {DENSE: layout_of(model, facts["dense_params"]), OWN: layout_of(shrunk)}
    return found | {name: layout_of(other) for name, other in others.items()}


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
    others: Mapping[str, PreTrainedModel],
) -> None:
    tokenizer.init_kwargs.pop("auto_map", None)  # code of the base model, which is not copied
    if model.can_generate():  # training has no cache, and to write on without one is slow
        for one in (model, *others.values()):
            one.config.use_cache = True
    try:
        if standalone:
            add_code(model, folder)
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        (folder / CARD_FILE).write_text(card, encoding="utf-8")
        if PLAIN in others:
            others[PLAIN].save_pretrained(folder / PLAIN_FOLDER)
            tokenizer.save_pretrained(folder / PLAIN_FOLDER)
        if GGUF in others:
            export_gguf(others[GGUF], tokenizer, folder / GGUF_FILE)
    except (OSError, SafetensorError) as error:
        raise SpecError(
            f"The model can't be written: {first_line(error)}. Make room, or give another place."
        ) from error
