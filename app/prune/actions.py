"""What can be done with a cut: score, time, save. Each runs in a process of its own."""

import shutil
import tempfile
import time
from collections.abc import Collection, Sequence
from pathlib import Path

import streamlit as st

from app.reading.one_run import has_weights, row_of, tasks_of
from app.text import escape_markdown
from app.widgets.buttons import change_button
from app.words import duration
from finegates.errors import FineGatesError
from finegates.gates.cuts import CURVE_POINTS, Cut
from finegates.jobs.tasks import RUNNING, Task, start_task, stop_task
from finegates.runs.folder import Run
from finegates.runs.saved_models import delete_saved, saved_folder

SCORE, CURVE, TIME, SAVE = "score", "curve", "time", "save"
DOING = {
    SCORE: "Scoring",
    CURVE: f"Scoring {CURVE_POINTS} thresholds",
    TIME: "Timing",
    SAVE: "Saving the smaller model",
}
DTYPES = ("float32", "bfloat16", "float16")
_SEEN = "_tasks_seen"


def why_nothing_can_be_measured(run: Run) -> str:
    """In words; empty if the run has all that it takes."""
    state = row_of(run)["status"]
    if state != "finished":
        return f"This run is {state}; scoring, timing and saving wait until it has finished."
    if not has_weights(run):
        return (
            "This run carries its gates, but not its trained weights, so it can be looked at and "
            "not be scored, timed or saved."
        )
    return ""


def draw_actions(run: Run, cut: Cut) -> None:
    """The buttons, and what is at work."""
    busy = {task.name for task in tasks_of(run, DOING) if task.state == RUNNING}
    with st.container(horizontal=True):
        _button(run, busy, SCORE, "Score this cut", "grading", ["prune", run.id, *_flags(cut)])
        _button(run, busy, CURVE, f"Score {CURVE_POINTS} thresholds", "show_chart",
                ["evaluate", run.id, "--curve"])  # fmt: skip
        _draw_timing(run, busy, cut)
        _draw_saving(run, busy, cut)
    st.fragment(_draw_tasks, run_every=1.0 if busy else None)(run)


def _flags(cut: Cut) -> list[str]:
    name, value = cut.asked
    return [f"--{name}={value}"]


def _button(
    run: Run,
    busy: Collection[str],
    name: str,
    label: str,
    icon: str,
    arguments: Sequence[str],
    primary: bool = False,
) -> None:
    kind = "primary" if primary else "secondary"
    icon, disabled = f":material/{icon}:", name in busy
    if change_button(label, icon=icon, key=f"do-{name}", disabled=disabled, type=kind):
        try:
            start_task(run, name, [*arguments, "--runs-dir", str(run.path.parent)])
        except (FineGatesError, OSError) as error:
            st.error(escape_markdown(str(error)))
            return
        st.rerun()


def _draw_timing(run: Run, busy: Collection[str], cut: Cut) -> None:
    with st.popover("Time it", icon=":material/timer:", key="timing"):
        st.caption("Dense, with masks and smaller, alternating in one process. Best while nothing "
                   "else runs on this machine.")  # fmt: skip
        rows = st.number_input("Rows of a batch", 1, 1024, 8, key="batch_size")
        tokens = st.number_input("Tokens of a row", 2, 512, 128, key="seq_len")
        dtype = st.selectbox("Precision", DTYPES, key="dtype")
        flags = [f"--batch-size={rows}", f"--seq-len={tokens}", f"--dtype={dtype}", "--repeats=10"]
        _button(
            run, busy, TIME, "Start", "timer", ["bench", run.id, *_flags(cut), *flags], primary=True
        )


def _draw_saving(run: Run, busy: Collection[str], cut: Cut) -> None:
    with st.popover("Save the smaller model", icon=":material/save:", key="saving"):
        st.caption("A folder that `AutoModelForSequenceClassification` loads after `import "
                   "finegates.auto`, with tokenizer and model card.")  # fmt: skip
        onnx = st.toggle("ONNX too", key="onnx", help="model.onnx, any batch and length.")
        folder = saved_folder(run, cut)
        if folder.is_dir():
            _draw_saved(run, cut)
            return
        flags = [*_flags(cut), f"--out={folder}", *(["--onnx"] if onnx else [])]
        _button(run, busy, SAVE, "Save", "save", ["export", run.id, *flags], primary=True)


def _draw_saved(run: Run, cut: Cut) -> None:
    folder = saved_folder(run, cut)
    st.markdown("Saved in")
    st.code(str(folder), language=None, wrap_lines=True)
    st.download_button(
        "Download as .zip", lambda: _zipped(folder), file_name=f"{run.id}.zip",
        mime="application/zip", on_click="ignore", icon=":material/download:",
    )  # fmt: skip
    if change_button("Delete this folder", icon=":material/delete:"):
        try:
            delete_saved(run, cut)
        except FineGatesError as error:
            st.error(escape_markdown(str(error)))
            return
        st.rerun()


def _zipped(folder: Path) -> bytes:
    with tempfile.TemporaryDirectory() as place:
        return Path(shutil.make_archive(f"{place}/model", "zip", folder)).read_bytes()


def _draw_tasks(run: Run) -> None:
    """What is at work and what failed; the page is drawn again when something has ended."""
    tasks = tasks_of(run, DOING)
    seen = st.session_state.setdefault(_SEEN, {})
    for task in tasks:
        if task.state == RUNNING:
            _draw_running(run, task)
        elif task.reason:
            st.error(
                escape_markdown(f"{DOING[task.name]} failed: {task.reason}"),
                icon=":material/error:",
            )
    ended = [t for t in tasks if t.state != RUNNING and seen.get((run.id, t.name)) == RUNNING]
    seen.update({(run.id, task.name): task.state for task in tasks})
    if ended:
        st.rerun()


def _draw_running(run: Run, task: Task) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        last = next((line for line in reversed(task.log.splitlines()) if line.strip()), "")
        since = duration(time.time() - task.started)
        st.markdown(f":material/hourglass_top: **{DOING[task.name]}**, {since}", width="stretch")
        if last:
            st.text(last)
        if change_button("Stop", icon=":material/stop:", key=f"stop-{task.name}"):
            stop_task(run, task.name)
