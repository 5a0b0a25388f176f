"""A new run: data, model, recipe; what it will cost; start."""

import streamlit as st

from app import words
from app.new.data import choose_data
from app.new.fields import PREFIX, chosen, default_of, follow_recipe, help_of, setting_input
from app.new.launch import choose_launch, where_help
from app.new.model import choose_model
from app.new.prefill import prefill_run
from app.new.recipes import SUMMARY_OF_KINDS, ordered, with_summary
from app.new.teachers import teachers
from app.new.training import MAIN, draw_training
from app.reading import loaders
from app.text import plain
from app.widgets.buttons import act_button
from finegates.errors import FineGatesError
from finegates.jobs import control as jobs
from finegates.jobs.inputs import mean_words
from finegates.methods import DEFAULT_METHOD, METHODS
from finegates.spec import FIELDS, make_spec

TARGET = "target_sparsity"
WORDS_FROM_ROWS = 500
folder = loaders.runs_folder()


def choose_recipe() -> str:
    method = st.session_state.get("new_method", DEFAULT_METHOD)
    method = st.selectbox(
        "Recipe", ordered(), key="new_method", persist_state="session", format_func=with_summary,
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


def draw_cost(spec, data) -> None:
    if data.splits is None:
        st.caption("The cost can be told once the data has been read.")
        return
    words_of_a_row = mean_words(data.splits, WORDS_FROM_ROWS)
    size = (len(data.splits.train), len(data.splits.validation), words_of_a_row)
    if (cost := loaders.cost(spec, *size, folder)) is None:
        st.caption("The cost of this model can't be told before it is loaded.")
        return
    tiles = st.columns(3)
    tiles[0].metric("Time", words.duration(cost.seconds), help=cost.basis)
    tiles[1].metric("Memory", words.size(cost.memory_bytes), help=cost.basis)
    tiles[2].metric("Steps", f"{cost.steps:,}", help="Optimizer steps in all epochs.")
    st.caption(f"Estimate: {cost.basis}")


def start(spec, launch) -> None:
    try:
        with st.spinner("Checking data and model …"):
            run = jobs.submit(spec, folder, launch=launch)
    except FineGatesError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    st.switch_page("live/page.py", query_params={"run": run.id})


with st.container(horizontal=True, vertical_alignment="center"):
    st.title("New run", width="stretch")
    st.page_link("new/sweep_page.py", label="Several at once: a sweep", icon=":material/grid_view:")
prefill_run(folder)
form, summary = st.columns([5, 3], gap="medium")
with form:
    with st.container(border=True):
        st.subheader("1 · Data")
        data = choose_data(st.session_state.get("new_method", DEFAULT_METHOD), folder)
    with st.container(border=True):
        st.subheader("2 · Model")
        model = choose_model()
    with st.container(border=True):
        st.subheader("3 · Recipe")
        method = choose_recipe()
    with st.container(border=True):
        st.subheader("4 · Training")
        found = teachers(loaders.run_rows(folder), data.settings.get("task", ""), data.splits)
        names, device = draw_training(
            (*MAIN, "seed"), [method], found, PREFIX,
            lambda name, container: setting_input(name, method, container),
        )  # fmt: skip
        names += [TARGET] if METHODS[method].removes else []

with summary, st.container(border=True):
    st.subheader("Start", help=where_help())
    spec, (launch, refused) = None, choose_launch()
    if refused:
        st.error(plain(refused), icon=":material/error:")
    problem = data.error or ("A setting of Slurm's is not allowed." if refused else "")
    own = chosen(method, names)
    try:
        given = {"method": method, "model": model or None, "device": device, **data.settings}
        spec = make_spec({**given, **own})
    except FineGatesError as error:
        st.error(plain(str(error)), icon=":material/error:")
        problem = "A setting is not allowed."
    if not model:
        problem = "Name a model first."
    pressed = act_button(
        "Start run", type="primary", icon=":material/play_arrow:", width="stretch", key="start",
        disabled=bool(problem), help=problem or "Starts in the background; closing this page does "
        "not stop it.",
    )  # fmt: skip
    if problem:
        st.caption(problem)
    if pressed and spec:
        start(spec, launch)
    if spec and not problem:
        draw_cost(spec, data)
        if not launch.is_local:
            st.caption("The estimate is of this machine; a node of the cluster differs.")
        st.markdown("**The same from a terminal**")
        st.code(loaders.command_line(spec, launch), language=None, wrap_lines=True)
        st.caption(
            f"{len(own)} setting{'s' if len(own) != 1 else ''} differ from the recipe's. "
            "Everything else is the default."
            if own
            else "Every setting is the recipe's own."
        )
