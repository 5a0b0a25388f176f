"""The code of a shrunk model as one file of its own folder, for an environment without finegates.

It is made from the modules that finegates itself loads such a model by (`one_file`), so that there
is one implementation. The folder's config names it; transformers runs it only if it is trusted.
"""

from pathlib import Path
from typing import Any

from finegates import __version__
from finegates.exporting.one_file import one_file
from finegates.exporting.package import CODE_FILE, LICENCE
from finegates.shrinking import models
from finegates.shrinking.loading import dense_type
from finegates.shrinking.models import MODELS, Shrunk

NEEDS = {"python": ">=3.11", "torch": ">=2.11,<3", "transformers": ">=5.17,<6"}
"""As of finegates itself: what the code is tested with."""
_HEAD = """A {type} classifier without what its gates closed, in one file that needs no finegates.

Made by finegates {version} from its own modules; export the run again rather than change it.
For {needs}. Licence: {licence}.

    from transformers import AutoModelForSequenceClassification

    AutoModelForSequenceClassification.from_pretrained("THIS FOLDER", trust_remote_code=True)
"""


def standalone_code(model_type: str) -> str:
    """The source of a file that defines config and class of the shrunk models of a dense type.

    Args:
        model_type: For example ``"bert"``.

    Raises:
        ModelError: If finegates was installed without its sources.
    """
    kind = MODELS[model_type]
    head = _HEAD.format(type=model_type, version=__version__, needs=needs_words(), licence=LICENCE)
    return one_file(models.__name__, [_config_name(kind), kind.__name__], head)


def add_code(model: Shrunk, folder: Path) -> None:
    """Writes the code into a folder, and has the model's config name it.

    Args:
        model: The model that will be saved there; its config is changed.
        folder: Where to.

    Raises:
        ModelError: If finegates was installed without its sources.
        OSError: If the file can't be written.
    """
    source = standalone_code(dense_type(model.config.model_type))
    (folder / CODE_FILE).write_text(source, encoding="utf-8")
    module = Path(CODE_FILE).stem
    model.config.auto_map = {
        "AutoConfig": f"{module}.{_config_name(type(model))}",
        "AutoModelForSequenceClassification": f"{module}.{type(model).__name__}",
    }


def needs_words() -> str:
    """For example ``"python >=3.11, torch >=2.11,<3"``."""
    return ", ".join(f"{name} {versions}" for name, versions in NEEDS.items())


def _config_name(kind: Any) -> str:
    return kind.config_class.__name__
