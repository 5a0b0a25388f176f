"""What is shown of which runs on the Dimensions page; all of it is in the address."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from app.curves.frames import names_of
from app.dimensions.mask_files import file_name, masks_csv, masks_npz
from app.reading import loaders
from app.snapshots.view import GatesShown
from app.text import plain
from app.widgets.picker import RUN_PARAMETER, pick_run
from app.words import no_gates
from finegates.errors import FineGatesError, unknown_name
from finegates.gates.overlap import check_same_layout
from finegates.methods import METHODS
from finegates.runs.folder import BROKEN, Run
from finegates.runs.status import ACTIVE_STATES

AGAINST, LIVE = "against", "live/page.py"
MAPS, SURVIVORS, STREAM, RUNS = "Maps", "Survivors", "Residual stream", "Runs compared"
VIEWS = {
    MAPS: "every dimension of each matrix, layer by layer",
    SURVIVORS: "how many rows and columns of each matrix are left",
    STREAM: "hidden dimensions that every layer keeps, and that none keeps",
    RUNS: "what several runs keep in common, beside chance",
}
MOST_OTHERS, LINKS_SHOWN = 7, 12
HIGHEST_THRESHOLD = 0.95


def choose_runs(folder: Path) -> tuple[Run, list[str]]:
    """The run, and ids of those beside it."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        run = pick_run(folder, st)
        ids = loaders.gated_runs(folder)
        _tell_unknown(ids)
        chosen = st.multiselect(
            "Against", ids, key=AGAINST, bind="query-params", placeholder="other runs",
            select_all=False, max_selections=MOST_OTHERS,
            help="Runs of the same model, at their last stored step, for the view "
            f"'{RUNS}' and for the exported masks. Only runs that carry gates are listed.",
        )  # fmt: skip
        st.page_link(LIVE, label="Live", icon=":material/monitoring:", query_params={"run": run.id})
    return run, [one for one in chosen if one != run.id]


def choose_view(steps: Sequence[int]) -> tuple[int, float, str]:
    """Step, threshold and view."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        view = st.segmented_control(
            "View", list(VIEWS), default=MAPS, key="show", bind="query-params", required=True,
            help="  \n".join(f"**{name}**: {what}" for name, what in VIEWS.items()),
        )  # fmt: skip
        step = steps[-1]
        if len(steps) > 1:
            step = st.select_slider(
                "Step", steps, value=step, key="step", bind="query-params", width=280,
                help="In optimizer steps. Gates are stored at each evaluation.",
            )  # fmt: skip
        threshold = st.slider(
            "Threshold", 0.0, HIGHEST_THRESHOLD, 0.0, 0.01, key="threshold", bind="query-params",
            width=240, help="Gates whose value in evaluation, from 0 to 1, is this or less count "
            "as closed, everywhere on this page. At 0 it is what the run itself has closed.",
        )  # fmt: skip
    return step, threshold, view


def load_shown(run: Run, others: Sequence[str], step: int, threshold: float) -> list[GatesShown]:
    """The run's gates, then those of the others that can stand beside it; tells why one can't.

    Raises:
        RunError: If the run's own gates can't be read.
    """
    first = loaders.snapshot(run, step)
    found = [(run, first)]
    for other in (Run(run.path.parent / name) for name in others):
        try:
            last = loaders.snapshot(other, (other.snapshot_steps() or [0])[-1])
            check_same_layout([run.id, other.id], [first.layout, last.layout])
            found.append((other, last))
        except FineGatesError as error:
            st.error(plain(f"{error} It is left out."), icon=":material/grid_off:")
    names = _names([one for one, _ in found])
    return [
        GatesShown(one.id, name, snapshot, threshold)
        for (one, snapshot), name in zip(found, names, strict=True)
    ]


def draw_export(shown: Sequence[GatesShown]) -> None:
    """Files of what is shown, made only when they are asked for."""
    with st.popover("Export masks", icon=":material/download:"):
        runs = "this run" if len(shown) == 1 else f"these {len(shown)} runs"
        st.caption(f"Which dimensions {runs} keep at the step and the threshold that are set.")
        for ending, make, what in (
            ("npz", masks_npz, "A boolean array for each gate vector, such as 0.q.in."),
            ("csv", masks_csv, "A line for each dimension: its place, and 1 where it is kept."),
        ):
            st.download_button(
                f".{ending}", lambda make=make: make(shown), file_name=file_name(shown, ending),
                help=what, on_click="ignore", key=f"export_{ending}", width="stretch",
            )  # fmt: skip


def tell_no_gates(run: Run, folder: Path) -> None:
    """Why there is nothing to see of this run, and which runs have something."""
    st.info(_why_no_gates(run), icon=":material/grid_off:")
    if ids := loaders.gated_runs(folder):
        st.markdown("**Runs that carry their gates**")
        for other in ids[:LINKS_SHOWN]:
            st.button(
                other, type="tertiary", icon=":material/grid_on:", key=f"open_{other}",
                on_click=st.session_state.update, kwargs={RUN_PARAMETER: other},
            )  # fmt: skip
        if len(ids) > LINKS_SHOWN:
            st.caption(f"And {len(ids) - LINKS_SHOWN} more, in the box above.")


def _why_no_gates(run: Run) -> str:
    try:
        method, status = run.spec.method, run.status()
    except FineGatesError as error:
        return str(error)
    if method in METHODS and not METHODS[method].removes:
        return no_gates(method) + " Choose a run with gates."
    if status.state in ACTIVE_STATES:
        return "This run has no gates yet: the first are stored with its first evaluation."
    if status.state == "finished":
        return (
            "This run does not carry its gate values: only its settings, scores and curve are in "
            "its folder. Of the shipped runs, those of the first seed of the default recipe have "
            "them all; train this one again to have them here."
        )
    return "This run ended before its first evaluation, so none of its gates were stored."


def _tell_unknown(ids: list[str]) -> None:
    for asked in st.query_params.get_all(AGAINST):
        if asked not in ids:
            st.error(
                plain(f"{unknown_name('run with gates', asked, ids, shown=3)} It is left out.")
            )


def _names(runs: Sequence[Run]) -> list[str]:
    if len(runs) == 1:
        return [runs[0].id]
    rows = [run.row() for run in runs]
    if any(row["status"] == BROKEN for row in rows):
        return [run.id for run in runs]
    if len(models := {row["model"] for row in rows}) > 1:
        st.warning(
            f"These runs are of different models ({', '.join(sorted(models))}), so a dimension of "
            "one is not that of another: expect no more than chance.", icon=":material/warning:"
        )  # fmt: skip
    return names_of(rows)
