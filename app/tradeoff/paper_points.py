"""The paper's printed points of a task, to be quoted next to the user's: another model's."""

import pandas as pd

from finegates.data.glue import TASKS
from finegates.methods import METHODS
from finegates.results.paper import CUT_ROWS, PaperCell, paper_cells
from finegates.results.points import Point

QUOTED_TABLES = (2, 3)
QUOTED_BASELINES = ("full", "lora")
"""Dense rows that are quoted; they stand where nothing is removed."""
QUOTED_AXES = ("removed", "target")
"""What the paper prints with a score: how many weights are removed."""
QUOTED_COLUMNS = ("row", "model", "table", "rows", "score", *QUOTED_AXES)


def quoted(point: Point) -> pd.DataFrame:
    """The paper's FineGates, full fine-tuning and LoRA on a point's task; empty for other metrics.

    Scores are in [0, 1], removed weights a fraction of those that the paper's gates are on.
    """
    task = TASKS.get(point.task)
    cells = paper_cells() if task and task.metrics[0] == point.metric else ()
    found = [
        (
            cell.row, cell.backbone, f"Table {cell.table}", _rows(cell), cell.score / 100,
            cell.target, cell.target,
        )
        for cell in cells
        if cell.task == point.task and cell.table in QUOTED_TABLES and _is_quoted(cell)
    ]  # fmt: skip
    return pd.DataFrame(found, columns=list(QUOTED_COLUMNS))


def _is_quoted(cell: PaperCell) -> bool:
    method = METHODS.get(cell.method or "")
    return method is not None and (method.removes or cell.method in QUOTED_BASELINES)


def _rows(cell: PaperCell) -> str:
    return f"first {CUT_ROWS:,}" if cell.train_rows else "all"
