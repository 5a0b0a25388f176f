"""Claims about printed counts: each belongs to a row, and the row's count rounds to it."""

import json
import re

import pytest

from finegates.cli import main
from finegates.models.parameters import parameter_table
from finegates.models.printed import BASE, LARGE, PRINTED
from finegates.models.sources import KNOWN_CONFIGS

NAMES = {BASE: "roberta-base", LARGE: "roberta-large"}
FIGURE = re.compile(r"(\d+\.\d+)M ")
PAIRS = [(row, size) for row, sizes in PRINTED.items() for size in sizes]


def row_of(size, name):
    rows = parameter_table(KNOWN_CONFIGS[NAMES[size]])["rows"]
    return next(row for row in rows if row["configuration"] == name)


@pytest.mark.parametrize(("row", "size"), PAIRS)
def test_what_is_printed_belongs_to_a_row_and_is_its_count_rounded(row, size):
    found = row_of(size, row)
    assert found["printed"] == PRINTED[row][size]
    if figure := FIGURE.match(found["printed"]):
        digits = len(figure[1].partition(".")[2])
        assert f"{found['trainable_params'] / 1e6:.{digits}f}" == figure[1]


def test_a_figure_is_of_the_size_that_it_was_printed_for(capsys):
    assert row_of(BASE, "SpaRTA 1% of v, o")["printed"] is None
    narrower = {**KNOWN_CONFIGS["roberta-base"], "hidden_size": 384}
    assert not any(row["printed"] for row in parameter_table(narrower)["rows"])
    main(["params", "--model", "roberta-base"])
    *lines, table = capsys.readouterr().out.splitlines()
    assert "LoRA r=8 on q, v [printed: 0.3M for RoBERTa-base, arXiv 2412.12951v1]" in lines[4]
    assert any(line.endswith("SpaRTA 1% of v, o [computed]") for line in lines)
    assert {"printed", "configuration", "trainable_params"} == json.loads(table)["rows"][0].keys()
