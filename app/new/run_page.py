"""A new run: data, model, recipe; what it will cost; start."""

import shlex

import streamlit as st

from app import places, words
from app.new import keys
from app.new.compress import (
    choose_removal,
    choose_start,
    choose_training,
    compress_spec,
    compresses,
)
from app.new.cost import closing_once, size_of
from app.new.data import Choice, choose_data
from app.new.fields import PREFIX, chosen, default_of, follow_recipe, help_of, setting_input
from app.new.launch import choose_launch, where_help
from app.new.model import choose_model, why_not
from app.new.prefill import prefill_run
from app.new.recipes import SUMMARY_OF_KINDS, ordered, with_summary
from app.new.teachers import teachers
from app.new.training import MAIN, draw_training
from app.new.unknown import warn_of_unknown
from app.reading.data import first_block_of
from app.reading.machine import estimated_cost
from app.reading.runs import run_rows, runs_folder
from app.text import escape_markdown
from app.widgets.buttons import change_button
from app.widgets.chosen import choose_run
from app.widgets.plain_code import plain_code
from finegates.data.splits import TextSplits
from finegates.errors import FineGatesError
from finegates.jobs import control as jobs
from finegates.methods import DEFAULT_METHOD, METHODS, WARM_METHOD
from finegates.models.teaching import told_of_no_teacher
from finegates.runs.launch import Launch, command_of_launch
from finegates.runs.names import data_name, describe
from finegates.runs.notes import MAX_NAME_LENGTH
from finegates.spec import FIELDS, TEXT_TASK, RunSpec, make_spec

TARGET = "target_sparsity"
folder = runs_folder()


def choose_recipe() -> str:
    method = st.session_state.get(keys.METHOD, DEFAULT_METHOD)
    method = st.selectbox(
        "Recipe", ordered(), key=keys.METHOD, persist_state="session", format_func=with_summary,
        help=f"{help_of('method')} Type to search.  \n{SUMMARY_OF_KINDS}",
    )  # fmt: skip
    follow_recipe(method)
    if not METHODS[method].removes:
        st.caption("A dense baseline: it removes nothing, so there is no target to choose.")
        return method
    left, right = st.columns([2, 3])
    with left:
        key = PREFIX + TARGET
        st.session_state.setdefault(key, default_of(TARGET, method))
        meta = FIELDS[TARGET].metadata
        st.slider(
            "Target", meta["minimum"], meta["maximum"], step=0.01, key=key, persist_state="session",
            help=help_of(TARGET), format="percent",
        )  # fmt: skip
    right.caption(f"The target of this recipe is the {METHODS[method].target_meaning}.")
    return method


def draw_cost(spec: RunSpec, data: Choice) -> None:
    if data.splits is None:
        st.caption("The cost is known once the data has been read.")
        return
    size = size_of(data.splits)
    if (cost := estimated_cost(spec, *size, folder)) is None:
        st.caption("The cost of this model is not known before it is loaded.")
        return
    tiles = st.columns(3)
    tiles[0].metric("Time", words.duration(cost.seconds), help=cost.basis)
    tiles[1].metric("Memory", words.size(cost.memory_bytes), help=cost.basis)
    tiles[2].metric("Steps", f"{cost.steps:,}", help="Optimizer steps in all epochs.")
    st.caption(f"Estimate: {cost.basis}")
    draw_block(spec, data.splits)
    if told := closing_once(spec, size):
        st.warning(escape_markdown(told), icon=":material/timer:")
    if told := told_of_no_teacher(spec):
        st.warning(escape_markdown(told), icon=":material/school:")


def draw_block(spec: RunSpec, splits: TextSplits) -> None:
    """How the first block of a language model's text is read."""
    if spec.task != TEXT_TASK:
        return
    with st.expander("A block as the model reads it", icon=":material/subject:"):
        try:
            st.text(first_block_of(splits, spec.model, spec.max_length))
        except FineGatesError:  # said where the model is chosen, or once the run loads it
            st.caption("It is known once the model is on this machine.")


def choose_name(spec: RunSpec | None, data: Choice) -> str:
    own = ""
    if spec is not None and data.settings:
        facts = {
            "data_name": data_name(spec.task, data.splits.source if data.splits else None),
            "method": spec.method, "target_fraction": spec.target_sparsity, "seed": spec.seed,
            "status": "queued",
        }  # fmt: skip
        own = describe(facts)
    name = st.text_input(
        "Name", key=keys.RUN_NAME, placeholder=own, max_chars=MAX_NAME_LENGTH,
        help="What the run is called; empty calls it by what it is. It can be changed later.",
    )  # fmt: skip
    return name.strip()


def start(spec: RunSpec, launch: Launch, name: str) -> None:
    try:
        with st.spinner("Checking data and model …"):
            run = jobs.submit(spec, folder, launch=launch, name=name)
    except FineGatesError as error:
        st.error(escape_markdown(str(error)), icon=":material/error:")
        return
    choose_run(run.id)
    st.switch_page(places.LIVE)


head, said = st.container(horizontal=True, vertical_alignment="center"), st.container()
with head:
    st.title("New run", width="stretch")
prefill_run(folder)
smaller = compresses()
form, summary = st.columns([5, 3], gap="medium")
with form:
    with st.container(border=True):
        st.subheader("1 · Data")
        data = choose_data(folder)
    found = teachers(run_rows(folder), data.settings.get("task", ""), data.splits)
    with st.container(border=True):
        st.subheader("2 · Model")
        started = choose_start() if smaller else {}
        model = started.get("start_from", "") if smaller else choose_model()
        if not smaller:
            warn_of_unknown(data.splits, model)
        unfit = why_not(data.splits, model)
    with st.container(border=True):
        st.subheader("3 · Recipe")
        remove = choose_removal() if smaller else 0.0
        method = WARM_METHOD if smaller else choose_recipe()
    with st.container(border=True):
        st.subheader("4 · Training")
        names: list[str] = []
        if smaller:
            given = choose_training()
        else:
            names, device = draw_training(
                (*MAIN, "seed"), [method], found, PREFIX,
                lambda name, container: setting_input(name, method, container),
            )  # fmt: skip
            given = {"method": method, "model": model or None, "device": device}
            names += [TARGET] if METHODS[method].removes else []

with summary, st.container(border=True):
    st.subheader("Cost", help=where_help())
    spec, (launch, refused) = None, choose_launch()
    if refused:
        st.error(escape_markdown(refused), icon=":material/error:")
    problem = data.error or unfit or ("A setting of Slurm's is not allowed." if refused else "")
    own = chosen(method, names)
    try:
        given = {**given, **data.settings}
        if not smaller:
            spec = make_spec({**given, **own})
        elif model:
            rows = len(data.splits.train) if data.splits else None
            spec = compress_spec(started, remove, given, rows, folder)
    except FineGatesError as error:
        st.error(escape_markdown(str(error)), icon=":material/error:")
        problem = "A setting is not allowed."
    if not model:
        problem = "Name a model first."
    name = choose_name(spec, data)
    if problem:
        st.caption(problem)
    if spec and not problem:
        draw_cost(spec, data)
        if not launch.is_local:
            st.caption("The estimate is of this machine; a node of the cluster differs.")
        st.markdown("**The same from a terminal**")
        plain_code(shlex.join(command_of_launch(spec, launch)), "command")
        st.caption(
            f"{len(own)} setting{'s differ' if len(own) != 1 else ' differs'} from the recipe's. "
            "Everything else is the default."
            if own
            else "Every setting is the recipe's own."
        )

with head:  # last, when all is known; first on the page, a few steps by keyboard
    pressed = change_button(
        "Start run", type="primary", icon=":material/play_arrow:", key="start",
        disabled=bool(problem), help=problem or "Starts in the background; closing this page does "
        "not stop it.",
    )  # fmt: skip
    st.page_link(places.HOW_SMALL, label="How small can it get?", icon=":material/compress:")
    st.page_link(places.NEW_SWEEP, label="Several at once: a sweep", icon=":material/grid_view:")
if pressed and spec:
    with said:
        start(spec, launch, name)
