"""Several runs side by side: their curves, their final numbers, and what differs in them."""

from functools import partial

import streamlit as st

from app import places
from app.charts.compare import MOST_RUNS
from app.compare.parts import draw_curves, draw_differences, draw_numbers
from app.curves.frames import names_of
from app.curves.looks import looks_of
from app.reading.curves import curves_of, logged
from app.reading.runs import brings_news, run_names, run_rows, runs_folder
from app.rows import Row
from app.text import escape_markdown
from app.widgets.picker import no_runs, pick_several
from app.widgets.ticks import News, follow
from finegates.errors import unknown_name
from finegates.runs.folder import BROKEN, Run

RUNS = "runs"
ENOUGH = 2

folder = runs_folder()


def say_unknown(ids: list[str]) -> None:
    for asked in st.query_params.get_all(RUNS):
        if asked not in ids:
            st.error(escape_markdown(f"{unknown_name('run', asked, ids, shown=3)} It is left out."))


def choose_runs() -> list[str]:
    chosen = pick_several(
        "Runs", run_names(folder), RUNS,
        help="The first one is what the others are compared with. Newest first in the list.",
    )  # fmt: skip
    if len(chosen) > MOST_RUNS:
        st.warning(
            f"{len(chosen)} runs are chosen; the first {MOST_RUNS} are shown, since more lines "
            "all look alike."
        )
    return chosen[:MOST_RUNS]


def draw_empty(num_chosen: int) -> None:
    with st.container(border=True):
        more = "one more run" if num_chosen else "two or more runs"
        st.markdown(
            f"**Choose {more}** in the box above, or tick them in the table of runs and press "
            "*Compare* there."
        )
        st.page_link(places.RUNS, label="Runs", icon=":material/table_rows:")


def rows_of(chosen: list[str]) -> list[Row]:
    by_id = {row["run"]: row for row in run_rows(folder)}
    return [by_id[run] for run in chosen if run in by_id]


def warn_if_not_comparable(rows: list[Row]) -> None:
    data = dict.fromkeys(f"{row['data_name']} ({row['metric'] or 'no score yet'})" for row in rows)
    if len({(row["data_name"], row["metric"]) for row in rows if row["metric"]}) > 1:
        st.warning(
            f"These runs have different data sets or metrics, so their scores and losses can't be "
            f"compared: {escape_markdown(', '.join(data))}.", icon=":material/warning:"
        )  # fmt: skip
    elif len({row["fingerprint"] for row in rows}) > 1:
        st.warning(
            "These runs had different data of one name, so a difference in score may come from it.",
            icon=":material/warning:",
        )


def view(chosen: list[str]) -> None:
    rows = rows_of(chosen)
    for row in rows:
        if row["status"] == BROKEN:
            st.error(
                escape_markdown(f"This run can't be compared: {row['reason']}"),
                icon=":material/broken_image:",
            )
    sound = [row for row in rows if row["status"] != BROKEN]
    if len(sound) < ENOUGH:
        draw_empty(len(sound))
        return
    runs, names = [Run(folder / row["run"]) for row in sound], names_of(sound)
    warn_if_not_comparable(sound)
    curves = [curves_of(run) for run in runs]
    looks = dict(zip(names, looks_of(folder, [run.id for run in runs]), strict=True))
    train = draw_curves(curves, looks, [row["metric"] for row in sound])
    draw_numbers(sound, looks, train)
    draw_differences(runs, names)


def news(chosen: list[str]) -> News:
    rows = rows_of(chosen)
    marks = tuple((row["run"], row["status"], logged(Run(folder / row["run"]))) for row in rows)
    return News(parts={"runs": marks}, whole=None, goes_on=brings_news(folder, rows))


st.title("Compare")
ids = [row["run"] for row in run_rows(folder)]
if ids:
    say_unknown(ids)
    chosen = choose_runs()
    if len(chosen) < ENOUGH:
        draw_empty(len(chosen))
    else:
        follow(partial(news, chosen), {"runs": partial(view, chosen)})
else:
    no_runs()
