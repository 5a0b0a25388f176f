"""A Llama in a GGUF file written as an ordinary folder. Loads torch only when it is asked to."""

import importlib.util
from pathlib import Path
from typing import Any

from finegates.errors import ModelError, first_line


def check_gguf_can_be_read() -> None:
    """Raises ModelError if the package that reads GGUF files is missing."""
    if importlib.util.find_spec("gguf") is None:
        raise ModelError(
            "Reading a GGUF file needs the package gguf; pip install 'finegates[smollm2]'."
        )


def unpack_gguf(file: Path, folder: Path) -> None:
    """Writes config, float32 weights, tokenizer and generation config, as ``save_pretrained`` does.

    Args:
        file: A Llama whose tokenizer splits text as SmolLM2's does.
        folder: An existing folder.

    Raises:
        ModelError: If transformers can't read the file.
    """
    try:
        model, tokenizer = _read(file)
    except Exception as error:  # readers raise a dozen types, Exception too
        raise ModelError(f"{file.name} can't be read: {first_line(error)}") from error
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _read(file: Path) -> tuple[Any, Any]:
    import torch
    import transformers

    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    source: dict[str, Any] = {"pretrained_model_name_or_path": file.parent, "gguf_file": file.name}
    unpacked = transformers.AutoModelForCausalLM.from_pretrained(
        **source,
        dtype=torch.float32,
        quantization_config=transformers.GgufConfig(dequantize=True),
    )
    config = transformers.AutoConfig.from_pretrained(**source)
    model = transformers.LlamaForCausalLM(config)  # the other one refuses to be saved
    model.load_state_dict(unpacked.state_dict())
    tokenizer = transformers.AutoTokenizer.from_pretrained(**source)
    tokenizer.model_max_length = config.max_position_embeddings
    _split_digits(tokenizer)
    return model, tokenizer


def _split_digits(tokenizer: Any) -> None:
    """Each digit is a token, as in SmolLM2's training: transformers leaves that out.

    It reads the file's merges and does not know its ``tokenizer.ggml.pre``, smollm. No merge joins
    two digits, but blanks before one would make other tokens.
    """
    from tokenizers.pre_tokenizers import ByteLevel, Digits, Sequence

    byte_level = ByteLevel(add_prefix_space=False)
    tokenizer.backend_tokenizer.pre_tokenizer = Sequence([Digits(True), byte_level])
