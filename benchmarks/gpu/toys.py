"""The toy model of the rehearsal."""

import tempfile
from functools import cache
from pathlib import Path

from tests.toy_models import save_toy_model


@cache
def toy_folder() -> str:
    """A folder with a tiny BERT and its tokenizer, made once for this process."""
    return str(save_toy_model(Path(tempfile.mkdtemp(prefix="finegates-toy-")) / "bert"))
