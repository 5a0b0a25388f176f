"""Takes the README's pictures of the app, from the shipped runs, into docs/pictures.

    python -m scripts.take_pictures --glue-dir ../shared/data/glue

Needs Chromium and the packages of the tests. The runs are a copy: nothing in cached_runs changes.
For the picture of Prune & time some cuts of one run are scored first, which reads GLUE's SST-2.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from finegates.groups.store import list_groups
from finegates.methods import DEFAULT_METHOD
from tests.browser.server import ARGUMENTS, CHROMIUM, Server
from tests.browser.steps import open_page, wait_until_drawn

ROOT = Path(__file__).resolve().parents[1]


PICTURES = ROOT / "docs" / "pictures"
GROUP, SEED = "frontier-sst2", 0
CUTS = "0,0.2,0.4,0.6,0.75"
WIDTH = 1280


@dataclass(frozen=True)
class Picture:
    """One picture: its name, the address it shows, the theme, and its height in pixels."""

    name: str
    address: str
    scheme: str
    height: int


def pictures(run: str) -> tuple[Picture, ...]:
    """What is taken, of this run."""
    return (
        Picture("accuracy-vs-sparsity", f"tradeoff?group={GROUP}", "light", 870),
        Picture("dimensions", f"dimensions?run={run}", "dark", 1210),
        Picture("prune", f"prune?run={run}&by=Budget&remove=0.6", "light", 880),
        Picture("live", f"live?run={run}", "dark", 1195),
    )


def main() -> None:
    """Takes all of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--glue-dir", type=Path, required=True)
    glue_dir = parser.parse_args().glue_dir.resolve()
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        runs_dir = Path(place) / "cached_runs"
        shutil.copytree(ROOT / "cached_runs", runs_dir)
        run = picture_run(runs_dir)
        score_cuts(run, runs_dir, glue_dir)
        server = Server(Path(place))
        try:
            server.serve(runs_dir)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
                for picture in pictures(run):
                    print(take(browser, server.url, picture))
        finally:
            server.kill()


def picture_run(runs_dir: Path, target: float = 0.4) -> str:
    """The shipped run of the default recipe at this target, which carries gates and weights."""
    (group,) = (group for group in list_groups(runs_dir) if group.name == GROUP)
    cells = {cell.key: cell.run for cell in group.cells}
    return str(cells[DEFAULT_METHOD, target, SEED])


def score_cuts(run: str, runs_dir: Path, glue_dir: Path) -> None:
    """Scores some budgets of the run, as a button of the page does."""
    command = [sys.executable, "-m", "finegates", "evaluate", run, "--remove", CUTS]
    subprocess.run(
        [*command, "--runs-dir", str(runs_dir)], check=True, cwd=ROOT,
        env={**os.environ, "FINEGATES_GLUE_DIR": str(glue_dir)},
    )  # fmt: skip


def take(browser: Browser, url: str, picture: Picture) -> str:
    """Takes one; gives back its path and size."""
    page = open_page(browser, f"{url}/{picture.address}", WIDTH, picture.scheme, picture.height)
    wait_until_drawn(page, times=10)
    path = PICTURES / f"{picture.name}.png"
    page.screenshot(path=path)
    page.context.close()
    return f"{path.relative_to(ROOT)}  {path.stat().st_size / 1000:.0f} kB"


if __name__ == "__main__":
    main()
