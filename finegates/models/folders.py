"""What a local model folder has to hold, and the sentence for one that holds something else."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from finegates.errors import ModelError, shortened
from finegates.models.architectures import SHRUNK_PREFIX, architecture_of
from finegates.models.weights import (
    WEIGHTS_FILES,
    check_no_pointer,
    check_weights,
    quantised,
    read_object,
    refuse_without_weights,
)

CONFIG_FILE = "config.json"
ADAPTER_CONFIG_FILE = "adapter_config.json"
TOKENIZER_FILES = ("tokenizer.json", "vocab.txt", "vocab.json", "sentencepiece.bpe.model")
_PEFT_CLASSES = {
    "SEQ_CLS": "SequenceClassification",
    "FEATURE_EXTRACTION": "FeatureExtraction",
    "QUESTION_ANS": "QuestionAnswering",
    "CAUSAL_LM": "CausalLM",
}
"""Task of an adapter -> what peft's class for it is called behind ``AutoPeftModelFor``."""


def folder_config(name: str, folder: Path) -> Mapping[str, Any]:
    """The config of a folder that looks usable, from its names, its JSON and its headers.

    Args:
        name: As the user wrote it.
        folder: Where it is.

    Raises:
        ModelError: If it lacks a part, is an adapter, is damaged, or is of an unsupported kind.
    """
    names = [path.name for path in folder.iterdir()]
    if ADAPTER_CONFIG_FILE in names:
        raise ModelError(_about_adapter(name, folder, CONFIG_FILE in names))
    if CONFIG_FILE not in names:
        raise ModelError(
            f"The model folder '{name}' has no {CONFIG_FILE}; give a folder that save_pretrained "
            f"wrote.{_subfolder_with(folder, (CONFIG_FILE,))}"
        )
    refuse_without_weights(name, names, _subfolder_with(folder, WEIGHTS_FILES))
    tokenizer = [file for file in TOKENIZER_FILES if file in names]
    if not tokenizer:
        raise ModelError(
            f"The model folder '{name}' has no tokenizer ({', '.join(TOKENIZER_FILES)}); "
            "save the tokenizer into it with save_pretrained too."
        )
    config = read_object(name, folder / CONFIG_FILE)
    check_config(name, config)
    for file in tokenizer:
        check_no_pointer(name, folder / file)
    check_weights(name, folder)
    return config


def check_config(name: str, config: Mapping[str, Any]) -> None:
    """Raises ModelError if a model of this config is not what training here can start from."""
    model_type = str(config.get("model_type", ""))
    if model_type.startswith(SHRUNK_PREFIX):
        raise ModelError(
            f"'{name}' is a model that finegates made smaller ({model_type}); it can be used, but "
            f"not trained. Give the {model_type.removeprefix(SHRUNK_PREFIX)} model that its run "
            "was trained from: its README.md names it."
        )
    if not model_type:
        raise ModelError(
            f"'{name}/{CONFIG_FILE}' names no model_type, so it is no config that save_pretrained "
            "wrote."
        )
    architecture_of(model_type)
    if method := config.get("quantization_config"):
        kind = method.get("quant_method") if isinstance(method, Mapping) else None
        raise ModelError(quantised(name, str(kind or "its config has a quantization_config")))
    position = config.get("position_embedding_type") or "absolute"
    if position != "absolute":
        raise ModelError(
            f"'{name}' has positions of type '{position}' (position_embedding_type); transformers "
            "would leave them out without a word. Only 'absolute' is supported: give another model."
        )
    for setting in ("is_decoder", "add_cross_attention"):
        if config.get(setting):
            raise ModelError(
                f"'{name}' is a decoder ({setting} is true in its config); give an encoder, whose "
                "tokens see those before and after them."
            )


def _about_adapter(name: str, folder: Path, with_model: bool) -> str:
    config = read_object(name, folder / ADAPTER_CONFIG_FILE)
    kind = shortened(str(config.get("peft_type", "of peft")))
    base = shortened(str(config.get("base_model_name_or_path")), most=200)
    if with_model:
        return (
            f"'{name}' holds a model and, in {ADAPTER_CONFIG_FILE}, an adapter ({kind}) that would "
            "be loaded on top of it. To train the model alone, move the files adapter_* out; to "
            "train it with the adapter, move them into a folder of their own, 'adapter', and merge "
            "it: from peft import PeftModel; from transformers import "
            "AutoModelForSequenceClassification as Auto; "
            f"PeftModel.from_pretrained(Auto.from_pretrained('{name}'), 'adapter')"
            ".merge_and_unload().save_pretrained('merged'). The tokenizer goes into 'merged', too."
        )
    task = _PEFT_CLASSES.get(str(config.get("task_type")))
    auto = f"AutoPeftModelFor{task}" if task else "AutoPeftModel"
    return (
        f"'{name}' is an adapter ({kind}) of the model '{base}', not a model. Give that model, or "
        f"merge both: from peft import {auto}; {auto}.from_pretrained('{name}')"
        ".merge_and_unload().save_pretrained('merged'). The tokenizer goes into 'merged', too."
    )


def _subfolder_with(folder: Path, files: tuple[str, ...]) -> str:
    found = sorted(path.parent.name for file in files for path in folder.glob(f"*/{file}"))
    return f" Its subfolder '{shortened(found[0])}' has one: perhaps it is meant." if found else ""
