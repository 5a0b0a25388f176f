"""``python -m finegates``."""

import sys

from finegates.cli import main

if __name__ == "__main__":
    sys.exit(main())
