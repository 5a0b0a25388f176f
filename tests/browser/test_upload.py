"""A file of one's own: uploaded, looked at, trained on to the end, and its report."""

import csv
from pathlib import Path

import pytest
from playwright.sync_api import expect

from finegates.data.sample import load_sample
from finegates.runs.folder import Run
from tests.browser.steps import (
    TRAINING_MS,
    choose_toy,
    fill,
    no_exception,
    open_page,
    run_folder,
    state,
)

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

ROWS, EPOCHS = 160, 2


def write_reviews(path: Path) -> Path:
    """A spreadsheet's file: semicolons, its encoding, no names of columns, its own labels."""
    rows = load_sample().iloc[:ROWS]
    with open(path, "w", newline="", encoding="cp1252") as file:
        table = csv.writer(file, delimiter=";")
        for number, (text, label) in enumerate(zip(rows["text"], rows["label"], strict=True)):
            verdict = "good" if label in (1, "acceptable") else "bad"
            table.writerow([number, verdict, f"{text}, says André"])
    return path


def test_an_uploaded_file_is_looked_at_and_trained_on_to_the_end(
    server, browser, toy_model_dir, tmp_path
):
    file = write_reviews(tmp_path / "verdicts.txt")
    page = open_page(browser, f"{server.url}/data")
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_role("button", name="It is data").click()
    expect(page.get_by_text("Ready to train on")).to_be_visible()
    expect(page.get_by_text("semicolon ( ; ) · cp1252")).to_be_visible()
    expect(page.get_by_role("combobox", name="Text").first).to_have_value("column_3")
    expect(page.get_by_role("combobox", name="Label")).to_have_value("column_2")
    page.get_by_role("link", name="Use in New run").click()
    page.wait_for_url("**/new_run**")
    expect(page.get_by_text("--text-column column_3")).to_be_visible()
    choose_toy(page, toy_model_dir)
    fill(page, "spinbutton", "Epochs", EPOCHS)
    expect(page.get_by_text(f"--epochs {EPOCHS}")).to_be_visible()
    page.get_by_role("button", name="Start run").click()
    page.wait_for_url("**/live?run=*")
    expect(state(page, "finished")).to_be_visible(timeout=TRAINING_MS)
    no_exception(page)
    run = Run(run_folder(server.runs_dir))
    status = run.status()
    assert status.state == "finished" and status.step == status.total_steps > 0
    assert run.record["data"]["labels"] == ["bad", "good"]
    assert Path(str(run.spec.data)).read_bytes() == file.read_bytes()
    assert (run.spec.text_column, run.spec.label_column) == ("column_3", "column_2")
    assert run.spec.header == "no"
    data = run.record["data"]
    assert data["num_train"] + data["num_validation"] == ROWS  # the first row is one of them
