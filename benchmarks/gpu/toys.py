"""The toy models of the rehearsal."""

import tempfile
from functools import cache
from pathlib import Path

from tests.toy_models import save_toy_decoder, save_toy_model


@cache
def toy_folder() -> str:
    """A folder with a tiny BERT and its tokenizer, made once for this process."""
    return str(save_toy_model(Path(tempfile.mkdtemp(prefix="finegates-toy-")) / "bert"))


@cache
def toy_decoder_folder() -> str:
    """The same of a decoder, a tiny Llama."""
    return str(save_toy_decoder(Path(tempfile.mkdtemp(prefix="finegates-toy-")) / "llama"))
