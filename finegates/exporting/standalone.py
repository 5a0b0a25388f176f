"""The code of a shrunk model as one file of its own folder, for an environment without finegates.

It is made from the modules that finegates itself loads such a model by (`one_file`), so that there
is one implementation. The folder's config names it; transformers runs it only if it is trusted.
"""

from pathlib import Path
from typing import Any

from finegates import __version__
from finegates.exporting.one_file import one_file
from finegates.exporting.package import CODE_FILE, LICENCE
from finegates.models.architectures import architecture_of
from finegates.shrinking import decoder_models, models
from finegates.shrinking.classes import auto_class
from finegates.shrinking.decoder_models import family
from finegates.shrinking.loading import dense_type
from finegates.shrinking.models import Shrunk

NEEDS = {"python": ">=3.11", "torch": ">=2.11,<3", "transformers": ">=5.17,<6"}
"""As of finegates itself: what the code is tested with."""
_HEAD = """A {type} {what} without what its gates closed, in one file that needs no finegates.

Made by finegates {version} from its own modules; export the run again rather than change it.
For {needs}. Licence: {licence}.

    from transformers import {auto}

    {auto}.from_pretrained("THIS FOLDER", trust_remote_code=True)
"""
_FAMILY = f'\n\nglobals().update({family.__name__}("{{model_type}}"))\n'
"""After what makes the classes of a decoder: it makes them."""


def standalone_code(kind: type[Shrunk]) -> str:
    """The source of a file that defines config and class of shrunk models.

    Args:
        kind: The class.

    Raises:
        ModelError: If finegates was installed without its sources.
    """
    config: Any = kind.config_class
    model_type, auto = dense_type(config.model_type), auto_class(kind).__name__
    head = _HEAD.format(
        type=model_type, version=__version__, needs=needs_words(), licence=LICENCE, auto=auto,
        what="classifier" if "Classification" in auto else "language model",
    )  # fmt: skip
    if architecture_of(model_type).is_decoder:
        code = one_file(decoder_models.__name__, [family.__name__], head)
        return code + _FAMILY.format(model_type=model_type)
    return one_file(models.__name__, [config.__name__, kind.__name__], head)


def add_code(model: Shrunk, folder: Path) -> None:
    """Writes the code into a folder, and has the model's config name it.

    Args:
        model: The model that will be saved there; its config is changed.
        folder: Where to.

    Raises:
        ModelError: If finegates was installed without its sources.
        OSError: If the file can't be written.
    """
    kind = type(model)
    (folder / CODE_FILE).write_text(standalone_code(kind), encoding="utf-8")
    module = Path(CODE_FILE).stem
    model.config.auto_map = {
        "AutoConfig": f"{module}.{type(model.config).__name__}",
        auto_class(kind).__name__: f"{module}.{kind.__name__}",
    }


def needs_words() -> str:
    """For example ``"python >=3.11, torch >=2.11,<3"``."""
    return ", ".join(f"{name} {versions}" for name, versions in NEEDS.items())
