"""A search on the page: the answer so far, the chart, what was tried, and what to do next."""

from contextlib import suppress
from pathlib import Path

import streamlit as st

from app import places
from app.charts.how_small import lost_title, search_chart, tried_frame
from app.reading.fits import Search, target_of
from app.reading.runs import run_rows
from app.rows import Row, is_active
from app.text import escape_markdown
from app.widgets.buttons import change_button
from app.widgets.plain_code import plain_code
from app.widgets.report_button import runs_report_button
from app.words import duration, metric_name, percent
from finegates.data.metric_kinds import loss_unit
from finegates.errors import FineGatesError, RunError
from finegates.fitting.drive import start_driver
from finegates.fitting.fit import Answer
from finegates.fitting.words import sentence
from finegates.jobs import control as jobs
from finegates.runs.folder import Run


def rows_of(search: Search, folder: Path) -> list[Row]:
    """Its runs as the list of runs has them, the reference first."""
    known = {row["run"]: row for row in run_rows(folder)}
    return [known[run] for run in search.runs if run in known]


def draw_state(search: Search, folder: Path) -> None:
    """What it is doing now, or why it is not, with the button that changes it."""
    rows = rows_of(search, folder)
    active = [row for row in rows if is_active(row)]
    with st.container(horizontal=True, vertical_alignment="center"):
        if search.is_over:
            st.badge("finished", icon=":material/check_circle:", color="green")
        elif search.is_driven:
            st.badge("searching", icon=":material/search:", color="blue")
        else:
            st.badge("stands still", icon=":material/pause_circle:", color="orange")
        unit = loss_unit(search.answer.metric if search.answer else "")
        asked = f"At most **{100 * search.fit.max_drop:g} {unit}** below the reference"
        st.markdown(f"{asked} · {_count(rows)}", width="content")
        st.space("stretch")
        _draw_buttons(search, folder, active)
    for row in active:
        target, seed = target_of(folder, row["run"])
        what = f"{percent(target)} removed, seed {seed}" if target else "the dense reference"
        share = row["step"] / row["total_steps"] if row["total_steps"] else 0.0
        with st.container(horizontal=True, vertical_alignment="center"):
            st.progress(min(share, 1.0), text=f"{what}: {row['status']}", width=360)
            st.page_link(
                places.LIVE, label="Live", icon=":material/monitoring:",
                query_params={"run": row["run"]},
            )  # fmt: skip
    if not search.is_over and not search.is_driven and search.said:
        st.warning(escape_markdown(search.said), icon=":material/info:")


def _count(rows: list[Row]) -> str:
    done = sum(row["status"] == "finished" for row in rows)
    return f"{done} training{'s' * (done != 1)} finished"


def _draw_buttons(search: Search, folder: Path, active: list[Row]) -> None:
    if search.is_driven and active and change_button(
        "Stop", icon=":material/stop:", key="stop_search",
        help="The training at work saves and ends; the search can go on from there later.",
    ):  # fmt: skip
        for row in active:
            with suppress(RunError):  # it has ended by itself
                jobs.request_stop(Run(folder / row["run"]))
        st.rerun()
    if not search.is_driven and not search.is_over and change_button(
        "Continue", icon=":material/play_arrow:", key="continue_search", type="primary",
        help="Goes on where it was; a training that stopped is resumed.",
    ):  # fmt: skip
        try:
            start_driver(folder, search.fit.name)
        except FineGatesError as error:
            st.error(escape_markdown(str(error)), icon=":material/error:")
        else:
            st.rerun()


def draw_answer(search: Search, folder: Path) -> None:
    """The statement, the chart and what was tried."""
    if search.problem:
        st.error(escape_markdown(search.problem), icon=":material/error:")
        return
    answer = search.answer
    if answer is None or not answer.tried:
        st.info(
            "The first point comes when the reference and the first model with gates have been "
            "trained.", icon=":material/hourglass_empty:",
        )  # fmt: skip
        return
    with st.container(border=True):
        st.markdown(f"**{'The answer' if answer.is_final else 'The answer so far'}**")
        _draw_numbers(answer)
        st.markdown(escape_markdown(sentence(search.fit, answer)))
        if answer.run:
            _draw_next(search, answer, folder)
    metric = metric_name(_metric(search, folder))
    st.altair_chart(
        search_chart(answer, search.fit.max_drop), key="small_chart",
        alt=f"Points of {metric} lost over the share of weights removed",
    )  # fmt: skip
    st.caption(
        "Each point is a training, judged by the half of the validation rows that decides; bars "
        "are 95% intervals, paired with the reference row by row. The answer is judged by the "
        "other half."
    )
    _draw_tried(search, answer)


def _draw_numbers(answer: Answer) -> None:
    tiles = st.columns(4)
    tiles[0].metric("Weights removed", f"{100 * answer.removed_weights_fraction:.1f} %")
    if answer.paired:
        tiles[1].metric(
            f"Drop, {loss_unit(answer.metric)}", f"{100 * answer.paired.drop:.1f}",
            help=f"95% interval {100 * answer.paired.low:.1f} to {100 * answer.paired.high:.1f}.",
        )  # fmt: skip
    tiles[2].metric("Trainings", answer.trainings, help="The reference among them.")
    tiles[3].metric("Time", duration(answer.seconds), help="Of all trainings together.")


def _draw_next(search: Search, answer: Answer, folder: Path) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.page_link(
            places.PRUNE, label="Time it and save the smaller model", icon=":material/content_cut:",
            query_params={"run": answer.run or ""},
        )  # fmt: skip
        runs_report_button([Run(folder / run) for run in search.runs])


def _draw_tried(search: Search, answer: Answer) -> None:
    frame = tried_frame(answer, search.fit.max_drop)
    with st.expander(f"What was tried ({len(frame)})", icon=":material/table_rows:"):
        st.dataframe(
            frame.assign(target=100 * frame["target"]).round(1), hide_index=True,
            column_config={
                "target": st.column_config.NumberColumn("Removed, %"),
                "seed": "Seed", "drop": lost_title(answer.metric), "low": "From", "high": "To",
                "verdict": "Verdict",
            },
        )  # fmt: skip
    with st.expander("The same from a terminal", icon=":material/terminal:"):
        plain_code(f"python -m finegates fit --name {search.fit.name}", "fit-command")


def _metric(search: Search, folder: Path) -> str:
    return next((str(row["metric"]) for row in rows_of(search, folder) if row["metric"]), "score")
