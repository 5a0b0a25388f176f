"""From a file as it lies about to a model in hand, in Chromium: seconds of each step, pictures.

    python -m benchmarks.walk [--pictures FOLDER] [--toy]

Five files that a spreadsheet, a script, an API and two benchmarks would have left are uploaded,
looked at, trained on with the embedded model, pruned, saved, downloaded, and loaded in a fresh
process. Their rows are the bundled sample's, under other names.
"""

import argparse
import csv
import json
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect, sync_playwright

from benchmarks.record import environment, write_result
from finegates.data.sample import load_sample
from finegates.exporting.package import loading_lines
from tests.browser.server import ARGUMENTS, Server, chromium_for
from tests.browser.steps import (
    TRAINING_MS,
    choose_toy,
    fill,
    no_exception,
    open_page,
    settle,
    state,
    wait_until_drawn,
)
from tests.toy_models import save_toy_model

ROWS, EPOCHS = 400, 1
WAYS = (("light", 1280), ("dark", 1920))
ASK = '\nprint("SAID", classify("The film that she saw was long.")[0]["label"])'


def rows() -> list[tuple[str, str]]:
    """Texts and labels, the classes in turn."""
    frame = load_sample().iloc[:ROWS]
    names = dict(zip(sorted(set(frame["label"])), ("billing", "café"), strict=True))
    return [(text, names[label]) for text, label in zip(frame["text"], frame["label"], strict=True)]


def spreadsheet(path: Path) -> None:
    """Semicolons, an old encoding, an id in front."""
    with open(path, "w", newline="", encoding="cp1252") as file:
        table = csv.writer(file, delimiter=";")
        table.writerow(["no", "department", "message"])
        table.writerows((n, label, text) for n, (text, label) in enumerate(rows()))


def headless(path: Path) -> None:
    """Tabs, no names of columns."""
    path.write_text("".join(f"{text}\t{label}\n" for text, label in rows()), encoding="utf-8")


def from_excel(path: Path) -> None:
    """UTF-16 with a ``sep=`` line."""
    lines = ["sep=|", "text|category", *(f"{text}|{label}" for text, label in rows())]
    path.write_text("\r\n".join(lines), encoding="utf-16")


def from_api(path: Path) -> None:
    """JSON lines with objects in objects."""
    found = [
        {"id": n, "content": {"body": text}, "label": {"name": label, "id": len(label)}}
        for n, (text, label) in enumerate(rows())
    ]
    path.write_text("\n".join(map(json.dumps, found)), encoding="utf-8")


def question_types(path: Path) -> None:
    """A label and a text in each line, parted by a blank."""
    path.write_text("".join(f"{label} {text}\n" for text, label in rows()), encoding="utf-8")


FILES: dict[str, Callable[[Path], None]] = {
    "tickets.csv": spreadsheet, "tickets.txt": headless, "tickets.xls.csv": from_excel,
    "tickets.jsonl": from_api, "tickets": question_types,
}  # fmt: skip


class Walk:
    """One file's way, with the seconds of each step."""

    def __init__(self, page: Page, url: str, pictures: Path | None, name: str) -> None:
        self.page, self.url, self.pictures, self.name = page, url, pictures, name
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Times a step and takes its picture."""
        start = time.perf_counter()
        yield
        no_exception(self.page)
        self.seconds[what] = round(time.perf_counter() - start, 1)
        if self.pictures:
            wait_until_drawn(self.page)
            place = self.pictures / f"{self.name}-{len(self.seconds)}-{what.replace(' ', '_')}.png"
            self.page.screenshot(path=place, full_page=True)

    def go(self, file: Path, toy: Path | None, place: Path) -> str:
        """From the file to what the model says in a fresh process."""
        page = self.page
        with self.step("upload"):
            page.locator("input[type=file]").set_input_files(file)
            expect(page.get_by_text("Read as").first).to_be_visible()
            settle(page)
            question = page.get_by_role("button", name="It is data")
            ready = page.get_by_text("Ready to train on")
            expect(question.or_(ready).first).to_be_visible()
            if question.count():
                question.click()
            expect(ready).to_be_visible()
        with self.step("new run"):
            page.get_by_role("link", name="Use in New run").click()
            page.wait_for_url("**/new_run**")
            if toy:
                choose_toy(page, toy)
            fill(page, "spinbutton", "Epochs", EPOCHS)
            expect(page.get_by_text(f"--epochs {EPOCHS}")).to_be_visible()
        with self.step("train"):
            page.get_by_role("button", name="Start run").click()
            page.wait_for_url("**/live?run=*")
            expect(state(page, "finished")).to_be_visible(timeout=TRAINING_MS)
        with self.step("prune page"):
            page.get_by_role("link", name="Prune & time").last.click()
            page.wait_for_url("**/prune**")
            expect(page.get_by_role("button", name="Save the smaller model")).to_be_visible()
        with self.step("save"):
            page.get_by_role("button", name="Save the smaller model").click()
            page.get_by_role("button", name="Save", exact=True).last.click()
            button = page.get_by_role("button", name="Download as .zip")
            expect(button).to_be_visible(timeout=TRAINING_MS)
        with self.step("download"):
            with page.expect_download() as downloading:
                button.click()
            archive = downloading.value
            archive.save_as(place / "model.zip")
        with self.step("load elsewhere"):
            return _said(place, archive.suggested_filename.removesuffix(".zip"))


def _said(place: Path, name: str) -> str:
    with zipfile.ZipFile(place / "model.zip") as file:
        file.extractall(place)
    words = [sys.executable, "-c", loading_lines(name) + ASK]
    done = subprocess.run(words, cwd=place, capture_output=True, text=True)
    if "SAID" not in done.stdout:
        raise RuntimeError(f"{name} does not load: {done.stderr[-500:]}")
    return done.stdout.split("SAID", 1)[1].strip()


def walk(browser: Browser, place: Path, name: str, toy: bool, pictures: Path | None) -> dict:
    """One file, with a server and a runs folder of its own."""
    place.mkdir()
    (place / "runs").mkdir()
    (place / "elsewhere").mkdir()
    file = place / name
    FILES[name](file)
    server = Server(place / "elsewhere")
    try:
        server.serve(place / "runs")
        scheme, width = WAYS[list(FILES).index(name) % len(WAYS)]
        page = open_page(browser, f"{server.url}/data", width=width, scheme=scheme)
        way = Walk(page, server.url, pictures, name)
        folder = save_toy_model(place / "toy") if toy else None
        said = way.go(file, folder, place / "elsewhere")
        return {"file": name, "what": FILES[name].__doc__, "seconds": way.seconds, "said": said}
    finally:
        server.kill()


def main() -> None:
    """Walks them all and writes the result."""
    parser = argparse.ArgumentParser(description="a file, a run, a model in hand: in Chromium")
    parser.add_argument("--pictures", type=Path, help="a folder for screenshots")
    parser.add_argument("--toy", action="store_true", help="a toy model in place of MiniLM")
    options = parser.parse_args()
    if options.pictures:
        options.pictures.mkdir(parents=True, exist_ok=True)
    walks: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        path = chromium_for(playwright)
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        for name in FILES:
            folder = Path(place) / f"walk-{len(walks)}"
            walks.append(walk(browser, folder, name, options.toy, options.pictures))
            print(json.dumps(walks[-1]), flush=True)
    if not options.toy:
        write_result("walk.json", {**environment(), "rows": ROWS, "epochs": EPOCHS, "walks": walks})


if __name__ == "__main__":
    main()
