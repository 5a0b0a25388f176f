"""What is printed reaches any terminal."""

import os
import subprocess
import sys

import pytest

CODE = (
    "from finegates.files.terminal import write_plainly_where_needed as plainly; import sys;"
    "plainly(); print('82.6 (81.9–83.1) · 8 × 2 … Größe'); print('é', file=sys.stderr)"
)


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("ascii", "82.6 (81.9-83.1) - 8 x 2 ... Gr??e"),
        ("latin-1", "82.6 (81.9-83.1) · 8 × 2 ... Größe"),
        ("utf-8", "82.6 (81.9–83.1) · 8 × 2 … Größe"),
    ],
)
def test_a_terminal_without_a_character_shows_something_plain(encoding, shown):
    done = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, check=True,
        env={**os.environ, "PYTHONIOENCODING": encoding},
    )  # fmt: skip
    assert done.stdout.decode(encoding).strip() == shown
