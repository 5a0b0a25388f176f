"""What a run records of its base model, and the refusal of another one in its place."""

from collections.abc import Mapping
from pathlib import Path

from finegates.errors import ModelError
from finegates.models.digests import content_digest, file_digest, files_digest
from finegates.models.folders import CONFIG_FILE, TOKENIZER_FILES
from finegates.models.sources import EMBEDDED_MODEL, embedded_digest, find_model
from finegates.models.weights import read_object, weights_files

BASE_MODEL = "base_model"
"""Under this name the record is kept next to the facts of the data."""
REVISION = "revision"
_MORE_OF_THE_TOKENIZER = ("tokenizer_config.json", "special_tokens_map.json")
_OF_SLOW_TOKENIZERS = ("merges.txt", "added_tokens.json")
_SHOWN = 12


def model_record(name: str) -> dict[str, str]:
    """Digests of what decides a model: of a folder ``weights``, ``config`` and ``tokenizer``.

    Of a model of the hub it is the commit, ``revision``, which is what a run loads ever after; it
    is left out if this machine has not seen the model.

    Args:
        name: A model that `finegates.models.sources.check_model` accepts.

    Raises:
        ModelError: If a part of it can't be read.
    """
    source = find_model(name)
    if not source.is_local:
        return _hub_record(source.location)
    folder = Path(source.location)
    embedded = name == EMBEDDED_MODEL  # whose weights are compared with these when it is loaded
    files = weights_files(name, folder)
    return {
        "weights": embedded_digest() if embedded else files_digest(files),
        "config": content_digest(read_object(name, folder / CONFIG_FILE)),
        "tokenizer": content_digest({path.name: file_digest(path) for path in _tokenizer(folder)}),
    }


def check_unchanged(name: str, recorded: Mapping[str, str]) -> None:
    """Raises ModelError if a model in a folder is no longer what a run has recorded.

    Args:
        name: The model.
        recorded: From `model_record`; what an older run has not recorded is not compared. A commit
            isn't, either: it is asked of the hub.
    """
    if not find_model(name).is_local and REVISION in recorded:
        return
    found = model_record(name)
    for part, digest in recorded.items():
        if found.get(part) != digest:
            now = found.get(part, "none")[:_SHOWN]
            raise ModelError(
                f"The {part} of the model '{name}' changed after the run was made (SHA-256 {now}, "
                f"recorded {digest[:_SHOWN]}), so it would be another model. Put the former files "
                "back, or train a new run."
            )


def _tokenizer(folder: Path) -> list[Path]:
    """The files that a tokenizer is read from: where there is a tokenizer.json, no older ones."""
    first, *older = TOKENIZER_FILES
    names = [first] if (folder / first).is_file() else [*older, *_OF_SLOW_TOKENIZERS]
    paths = (folder / name for name in (*names, *_MORE_OF_THE_TOKENIZER))
    return [path for path in paths if path.is_file()]


def _hub_record(location: str) -> dict[str, str]:
    from huggingface_hub import try_to_load_from_cache

    path = try_to_load_from_cache(location, CONFIG_FILE)
    if not isinstance(path, str) or Path(path).parents[1].name != "snapshots":
        return {}
    return {REVISION: Path(path).parent.name}
