"""Claims about tables: numbers as in the paper, gaps named, nothing lost between the forms."""

import csv
import io
from dataclasses import fields

import pytest

from finegates.groups.store import Cell
from finegates.results.aggregate import Point, group_points, points, run_rows
from finegates.results.rows import RunRow
from finegates.results.tables import as_csv, as_markdown, as_text, blocks_of, score_text
from finegates.runs.folder import list_runs
from tests.fake_results import DATA, cell_of, group_of, result, result_on, with_curve


@pytest.fixture
def found(runs_dir) -> list[Point]:
    """Two targets, two seeds, two dense baselines, a gap and a curve."""
    runs = []
    for seed in (0, 1):
        runs += [
            result(runs_dir, 0.819 + seed * 0.012, seed=seed, target_sparsity=0.1),
            result(runs_dir, 0.80, seed=seed, method="full"),
        ]
    runs.append(with_curve(result(runs_dir, 0.76, seed=0, target_sparsity=0.2), {0.1: 0.784}))
    lora = with_curve(result(runs_dir, 0.81, method="lora"), {0.1: 0.6})
    cells = [*map(cell_of, [*runs, lora]), Cell("finegates", 0.2, 1), Cell("lora", 0.0, 1)]
    return group_points(group_of(runs_dir, "g", cells), runs_dir)


def test_the_text_has_methods_by_target_then_baselines_then_gaps(found):
    title, *lines = as_text(blocks_of(found)).splitlines()
    assert title.startswith("sample, minilm: accuracy x 100, median")
    assert [" ".join(line.split()) for line in lines] == [
        "target 10% 20% relative to full",
        "finegates 82.5 (81.9–83.1, n=2) 76.0 (n=1) 103.1% / 95.0%",
        "finegates, trained for 0.2, rounded 78.4 (n=1) - 98.0% / -",
        "lora, closed by size, no recovery 60.0 (n=1) - 75.0% / -",
        "dense score relative to full",
        "full 80.0 (80.0–80.0, n=2) 100.0%",
        "lora 81.0 (n=1) 101.2%",
        "Missing: finegates at 0.2: seed 1; "
        "finegates, trained for 0.2, rounded at 0.1: seed 1; "
        "lora at 0: seed 1; lora, closed by size, no recovery at 0.1: seed 1.",
    ]


def test_columns_of_the_text_are_aligned(found):
    lines = as_text(blocks_of(found)).splitlines()[1:5]
    assert len({line.index(word) for line, word in zip(lines, ("10%", "82.5", "78.4", "60.0"),
                                                       strict=True)}) == 1  # fmt: skip


def test_markdown_has_the_same_cells(found):
    text = as_markdown(blocks_of(found))
    assert "| finegates | 82.5 (81.9–83.1, n=2) | 76.0 (n=1) | 103.1% / 95.0% |" in text
    assert "| --- | --- | --- | --- |" in text
    assert "Missing: finegates at 0.2: seed 1" in text


def test_csv_has_every_field_of_every_point(found):
    rows = list(csv.DictReader(io.StringIO(as_csv(found))))
    assert len(rows) == len(found)
    for row, point in zip(rows, found, strict=True):
        assert row.keys() == {field.name for field in fields(Point)}
        assert row["seeds"] == ";".join(map(str, point.seeds))
        assert row["median"] == ("" if point.median is None else str(point.median))


def test_a_removal_far_from_its_target_is_told_beside_the_score(runs_dir):
    near = result_on(DATA, runs_dir, 0.8, 0.303, seed=0)
    far = result_on(DATA, runs_dir, 0.8, 0.059, method="finegates-official", seed=0)
    told = {p.runs[0]: score_text(p) for p in points(run_rows([near, far]))}
    assert told == {near.id: "80.0 (n=1)", far.id: "80.0 (n=1, removed 5.9%)"}


def test_each_task_has_a_block_and_without_full_that_is_said(runs_dir):
    for task in ("cola", "sst2"):
        result(runs_dir, 0.5, task=task, epochs=3)
    first, second = as_text(blocks_of(points(run_rows(list_runs(runs_dir))))).split("\n\n")
    assert first.startswith("CoLA") and second.startswith("SST-2")
    assert "All with epochs=3." in first
    assert "no run of full on this data has finished" in first


def test_what_differs_stands_beside_the_method(runs_dir):
    result(runs_dir, 0.5)
    result(runs_dir, 0.6, epochs=3)
    text = as_text(blocks_of(points(run_rows(list_runs(runs_dir)))))
    assert "finegates [epochs=3]" in text


def test_a_bar_in_a_name_does_not_break_markdown():
    names = ("a|b", "c")
    rows = [
        RunRow("finished", "sample", "m", "full", 0, 0, score=0.5, settings={"law": name})
        for name in names
    ]
    assert "full [law=a\\|b]" in as_markdown(blocks_of(points(rows)))
