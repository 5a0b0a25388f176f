"""Fixtures that several tests share."""

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def glue_dir() -> Path:
    """The real GLUE files: FINEGATES_GLUE_DIR, else ../shared/data/glue beside the repository."""
    default = REPOSITORY.parent / "shared" / "data" / "glue"
    folder = Path(os.environ.get("FINEGATES_GLUE_DIR") or default)
    if not folder.is_dir():
        reason = f"no GLUE folder at {folder}; set FINEGATES_GLUE_DIR to one in that layout"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return folder
