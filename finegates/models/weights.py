"""Weights in a folder, from names and headers of safetensors files alone: no tensor is read."""

import json
from collections.abc import Sequence
from pathlib import Path

from finegates.errors import ModelError, shortened

WEIGHTS_FILE = "model.safetensors"
INDEX_FILE = "model.safetensors.index.json"
WEIGHTS_FILES = (WEIGHTS_FILE, INDEX_FILE)
_PICKLES = (".bin", ".pt", ".pth", ".pkl", ".ckpt")
_POINTER = b"version https://git-lfs.github.com/"
_LENGTH_BYTES = 8
_LONGEST_HEADER = 100_000_000
"""As of the safetensors library, in bytes."""
_FLOATS = {"F64", "F32", "F16", "BF16"}


def check_no_pointer(name: str, path: Path) -> None:
    """Raises ModelError if a file is what git-lfs leaves where it has not fetched the content.

    Args:
        name: The model's, for the message.
        path: The file; it may be missing.
    """
    if not path.is_file():
        return
    with open(path, "rb") as file:
        if file.read(len(_POINTER)) != _POINTER:
            return
    raise ModelError(
        f"'{name}/{path.name}' is a git-lfs pointer of {path.stat().st_size} bytes, not the file "
        "itself: run `git lfs install` and `git lfs pull` in that folder, or download the file."
    )


def read_object(name: str, path: Path) -> dict:
    """A JSON object of a model's folder.

    Raises:
        ModelError: If it is a git-lfs pointer, no JSON, or no object.
    """
    check_no_pointer(name, path)
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"'{name}/{path.name}' is not JSON: {error}.") from error
    if not isinstance(content, dict):
        raise ModelError(f"'{name}/{path.name}' is not a JSON object.")
    return content


def weights_files(name: str, folder: Path) -> list[Path]:
    """The safetensors files that a model is loaded from: one, or the shards of its index.

    Raises:
        ModelError: If the index is damaged, or names a shard that is missing.
    """
    if (folder / WEIGHTS_FILE).is_file():
        return [folder / WEIGHTS_FILE]
    places = read_object(name, folder / INDEX_FILE).get("weight_map")
    if not isinstance(places, dict) or not places:
        raise ModelError(f"'{name}/{INDEX_FILE}' has no weight_map, so it names no shard.")
    shards = sorted(set(map(str, places.values())))
    for shard in shards:
        if Path(shard).name != shard:
            raise ModelError(
                f"'{name}/{INDEX_FILE}' names '{shortened(shard)}', which is not a file of its own "
                "folder."
            )
    if missing := [shard for shard in shards if not (folder / shard).is_file()]:
        raise ModelError(
            f"'{name}' lacks {len(missing)} of its {len(shards)} shards, the first is "
            f"'{shortened(missing[0])}'; copy or download the folder again, with all of them."
        )
    return [folder / shard for shard in shards]


def check_weights(name: str, folder: Path) -> None:
    """Looks at the headers of a folder's weights.

    Raises:
        ModelError: If a file is missing, a git-lfs pointer, damaged, cut off, or quantised.
    """
    for path in weights_files(name, folder):
        check_no_pointer(name, path)
        for tensor, entry in _header(name, path).items():
            if tensor.endswith(".weight") and entry["dtype"] not in _FLOATS:
                raise ModelError(quantised(name, f"{tensor} is {entry['dtype']}"))


def tensor_names(name: str, folder: Path) -> list[str]:
    """Names of all tensors of a folder's weights.

    Raises:
        ModelError: If a file is missing or damaged.
    """
    return [tensor for path in weights_files(name, folder) for tensor in _header(name, path)]


def quantised(name: str, what: str) -> str:
    """The sentence for a model that is quantised."""
    return (
        f"'{name}' is quantised ({shortened(what)}), and its rows and columns can't be gated; give "
        "the model in float32, float16 or bfloat16 that it was made from."
    )


def refuse_without_weights(name: str, file_names: Sequence[str], hint: str = "") -> None:
    """Raises ModelError if none of a model's files has its weights as safetensors.

    Args:
        name: The model's.
        file_names: All of its files.
        hint: What else is known, put at the end.
    """
    if any(file in WEIGHTS_FILES for file in file_names):
        return
    pickles = sorted(file for file in file_names if file.endswith(_PICKLES))
    if pickles:
        raise ModelError(
            f"'{name}' has its weights only as a pickle ({pickles[0]}), which can run any "
            "code when it is loaded, so it is refused; convert it to model.safetensors."
        )
    others = sorted(file for file in file_names if file.endswith(".safetensors"))
    if others:
        hint = f" If '{shortened(others[0])}' holds them, rename it to {WEIGHTS_FILE}."
    raise ModelError(f"'{name}' has no {WEIGHTS_FILE}, so there are no weights to load.{hint}")


def _header(name: str, path: Path) -> dict[str, dict]:
    size = path.stat().st_size
    try:
        with open(path, "rb") as file:
            length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
            if not 0 < length <= min(_LONGEST_HEADER, size - _LENGTH_BYTES):
                raise ValueError("its header can't be read")
            header = json.loads(file.read(length))
        header.pop("__metadata__", None)
        end = max((entry["data_offsets"][1] for entry in header.values()), default=0)
        if any(not isinstance(entry["dtype"], str) for entry in header.values()):
            raise ValueError("its header can't be read")
        if _LENGTH_BYTES + length + end != size:
            raise ValueError(f"it has {size:,} bytes of {_LENGTH_BYTES + length + end:,}")
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        why = error if isinstance(error, ValueError) else "its header can't be read"
        raise ModelError(
            f"The model '{name}' can't be loaded: {path.name} is damaged or cut off "
            f"({shortened(str(why))}); copy or download it again."
        ) from error
    return header
