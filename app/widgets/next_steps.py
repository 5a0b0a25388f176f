"""Where to go on from a run: Dimensions, Prune & time, and its report."""

from app import places
from app.reading.runs import run_rows
from app.widgets.chosen import draw_places
from app.widgets.report_button import report_button
from finegates.runs.folder import BROKEN, Run


def next_steps(run: Run) -> None:
    """Links and the report button of a run, in the container that is open; none of a broken one."""
    row = next((row for row in run_rows(run.path.parent) if row["run"] == run.id), None)
    if row is None or row["status"] == BROKEN:
        return
    draw_places(row, without=places.LIVE)
    if row["step"]:
        report_button(run)
