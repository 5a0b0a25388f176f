"""An exported model to take away: its name, how it is loaded, and its folder as one zip.

Loads no torch: the page offers the download.
"""

import io
import re
import zipfile
from pathlib import Path
from typing import BinaryIO

from finegates.errors import RunError
from finegates.gates.cuts import AS_TRAINED, Cut, gates_to_prune
from finegates.gates.removal import removal
from finegates.runs.folder import Run
from finegates.runs.names import data_name

LICENCE = "Apache-2.0"
CODE_FILE = "modeling_finegates.py"
"""Of a standalone model, which loads where finegates is not installed."""
PLAIN_FOLDER = "plain"
"""In an exported folder: the same model as the stock class of its type."""
GGUF_FILE = "model.gguf"
"""In an exported folder of a Llama that writes, for llama.cpp."""
FORMAT_FILES = {"onnx": "model.onnx", "openvino": "openvino_model.xml", "pt2": "model.pt2"}
"""In an exported folder, for runtimes that need no finegates (`finegates.exporting.formats`)."""
FORMAT_TITLES = {"onnx": "ONNX", "openvino": "OpenVINO", "pt2": "torch.export"}
_NOT_IN_A_NAME = re.compile(r"[\W_]+")
_LONGEST = 60


def model_name(run: Run, cut: Cut | None) -> str:
    """What a run's model at a cut is called as a file: ``"sst2-finegates-lora-40pct"``.

    Args:
        run: A run with gates.
        cut: Where they are cut off; None for as training left them.

    Raises:
        RunError: If the run has no gates.
    """
    snapshot, cut = run.snapshot(), cut or AS_TRAINED
    closed = gates_to_prune(snapshot.layout, snapshot.law, snapshot.means, cut)
    removed = 100 * removal(snapshot.layout, closed).removed_weights_fraction
    spec = run.spec
    data = data_name(spec.task, run.record["data"].get("source")) if spec.data else spec.task
    return "-".join([_slug(data)[:_LONGEST], _slug(spec.method), f"{removed:.0f}pct"])


def loading_lines(folder: str, *, writes: bool = False) -> str:
    """The lines of Python that load an exported folder.

    Args:
        folder: Its path.
        writes: Whether it is a language model, not a classifier.
    """
    return f"import finegates.auto\n{stock_lines(folder, writes=writes)}"


def standalone_lines(folder: str, *, writes: bool = False) -> str:
    """The lines of Python that load a standalone folder where finegates is not installed."""
    return stock_lines(folder, writes=writes)[:-1] + ", trust_remote_code=True)"


def stock_lines(folder: str, *, writes: bool = False) -> str:
    """The lines of Python that load a folder of a stock class."""
    name, task = ("write", "text-generation") if writes else ("classify", "text-classification")
    return f"""from transformers import pipeline

{name} = pipeline("{task}", model={folder!r})"""


def files_of(folder: Path) -> dict[str, int]:
    """Bytes of each file of an exported folder.

    Raises:
        RunError: If it can't be read.
    """
    try:
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        return {path.relative_to(folder).as_posix(): path.stat().st_size for path in files}
    except OSError as error:
        raise RunError(f"{folder} can't be read: {error.strerror or error}.") from error


def zipped(folder: Path, name: str) -> bytes:
    """An exported folder as a zip, with one folder ``name`` in it."""
    file = io.BytesIO()
    write_zip(folder, name, file)
    return file.getvalue()


def write_zip(folder: Path, name: str, target: Path | BinaryIO) -> None:
    """Writes an exported folder as a zip with one folder ``name`` in it.

    Weights hardly get smaller, so they are stored as they are, which is quick.

    Raises:
        RunError: If the folder can't be read.
    """
    try:
        with zipfile.ZipFile(target, "w") as archive:
            for path in sorted(p for p in folder.rglob("*") if p.is_file() and not p.is_symlink()):
                way = zipfile.ZIP_DEFLATED if path.suffix in _TEXT else zipfile.ZIP_STORED
                inside = Path(name) / path.relative_to(folder)
                archive.write(path, inside.as_posix(), compress_type=way)
    except OSError as error:
        raise RunError(f"{folder} can't be packed: {error.strerror or error}.") from error


_TEXT = (".json", ".txt", ".md", ".py")


def _slug(text: str) -> str:
    return _NOT_IN_A_NAME.sub("-", text.lower()).strip("-") or "model"
