"""Finds the programs that some tests drive, and says how to install those that are missing.

Without a Chromium it downloads Playwright's.

python -m scripts.prepare_tests            # a missing program is a line that says how to install it
python -m scripts.prepare_tests --strict   # and an error, as in continuous integration
"""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence

from playwright.sync_api import sync_playwright

from tests.browser.server import CHROMIUM, chromium_for
from tests.browser.server import INSTALL as INSTALL_CHROMIUM
from tests.slurm.start_slurm import INSTALL as INSTALL_SLURM
from tests.slurm.start_slurm import lacking


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints a line for each program; the exit code is 1 if --strict misses one."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--strict", action="store_true", help="fail if one is missing")
    strict = parser.parse_args(arguments).strict
    found = [
        report("Chromium", chromium(), "the browser tests are skipped", INSTALL_CHROMIUM),
        report("C++", compiler(), "one test of torch.compile fails", "apt-get install g++"),
        report("Slurm", slurm(), "its tests are skipped", INSTALL_SLURM),
    ]
    return int(strict and not all(found))


def report(name: str, path: str | None, consequence: str, install: str) -> bool:
    """Prints where a program is, or what follows from its absence and how to install it."""
    print(f"{name}: {path}" if path else f"{name}: not found, so {consequence}. Install: {install}")
    return path is not None


def chromium() -> str | None:
    """The system's browser, else Playwright's, which is downloaded if it is not there yet."""
    with sync_playwright() as playwright:
        path = chromium_for(playwright)
    if path or CHROMIUM:
        return path
    print("Chromium: none on this system; downloading Playwright's.", flush=True)
    words = [sys.executable, "-m", "playwright", "install", "chromium"]
    result = subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if result.returncode:
        print(f"The download failed: {(result.stderr.strip().splitlines() or ['no reason'])[0]}")
    with sync_playwright() as playwright:
        return chromium_for(playwright)


def compiler() -> str | None:
    """The C++ compiler that torch.compile calls on a CPU."""
    return shutil.which(os.environ.get("CXX") or "g++")


def slurm() -> str | None:
    """Where sbatch is, if all of Slurm's programs are."""
    return None if lacking() else shutil.which("sbatch") or "installed"


if __name__ == "__main__":
    sys.exit(main())
