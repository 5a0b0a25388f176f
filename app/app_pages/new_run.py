"""A new run: data, model, recipe; what it will cost; start."""

import streamlit as st

from app import loaders, words
from app.data_choice import choose_data
from app.forms import PREFIX, chosen, default_of, follow_recipe, help_of, setting_input
from finegates import jobs
from finegates.errors import FineGatesError
from finegates.inputs import mean_words
from finegates.methods import DEFAULT_METHOD, METHODS
from finegates.models import EMBEDDED_MODEL
from finegates.spec import FIELDS, make_spec

EMBEDDED, HUB, LOCAL = "MiniLM-L6 (embedded)", "Hugging Face id", "Local folder"
MAIN = ("target_sparsity", "epochs", "batch_size", "max_train_samples", "learning_rate", "seed")
WORDS_FROM_ROWS = 500
ELSEWHERE = {
    "task", "data", "text_column", "pair_column", "label_column", "problem", "glue_dir", "model",
    "method", "device", *MAIN,
}  # fmt: skip
folder = loaders.runs_folder()


def choose_model() -> str:
    left, right = st.columns([2, 3], vertical_alignment="bottom")
    kind = left.selectbox(
        "Model", [EMBEDDED, HUB, LOCAL], key="new_model_kind", help=help_of("model"),
        persist_state="session",
    )  # fmt: skip
    if kind == EMBEDDED:
        right.caption("22.7 M parameters, 6 layers; comes with the program, no download.")
        return EMBEDDED_MODEL
    label = "Hub id" if kind == HUB else "Folder"
    example = "FacebookAI/roberta-base" if kind == HUB else "/path/of/save_pretrained"
    return right.text_input(
        label, key=f"new_{label}", placeholder=example, persist_state="session"
    ).strip()


def choose_recipe() -> str:
    method = st.session_state.get("new_method", DEFAULT_METHOD)
    method = st.selectbox(
        "Recipe", list(METHODS), key="new_method", persist_state="session", help=help_of("method"),
        format_func=lambda name: f"{name}: {METHODS[name].summary}",
    )  # fmt: skip
    follow_recipe(method)
    left, right = st.columns([2, 3])
    with left:
        key = PREFIX + "target_sparsity"
        st.session_state.setdefault(key, default_of("target_sparsity", method))
        meta = FIELDS["target_sparsity"].metadata
        st.slider(
            "Target", meta["minimum"], meta["maximum"], step=0.01, key=key, persist_state="session",
            help=help_of("target_sparsity"), format="percent",
        )  # fmt: skip
    right.caption(f"The target of this recipe is the {METHODS[method].target_meaning}.")
    return method


def choose_device(container) -> str:
    names = {"auto": "auto"} | {d.name: f"{d.name} ({d.description})" for d in loaders.devices()}
    return container.selectbox(
        "Device", list(names), format_func=names.get, key="new_device", persist_state="session",
        help=help_of("device"),
    )  # fmt: skip


def draw_more(method: str) -> list[str]:
    names = [name for name in FIELDS if name not in ELSEWHERE]
    with st.expander("More settings", icon=":material/tune:"):
        for group in dict.fromkeys(FIELDS[name].metadata["group"] for name in names):
            st.markdown(f"**{group}**")
            grid = st.grid(3, min_column_width=150, vertical_alignment="bottom")
            for name in (n for n in names if FIELDS[n].metadata["group"] == group):
                setting_input(name, method, grid)
    return names


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


def start(spec) -> None:
    try:
        with st.spinner("Checking data and model …"):
            run = jobs.submit(spec, folder)
    except FineGatesError as error:
        st.error(str(error), icon=":material/error:")
        return
    st.switch_page("app_pages/live.py", query_params={"run": run.id})


st.title("New run")
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
        grid = st.grid(3, min_column_width=150, vertical_alignment="bottom")
        for name in MAIN[1:]:
            setting_input(name, method, grid)
        device = choose_device(grid)
        more = draw_more(method)

with summary, st.container(border=True):
    st.subheader("Start")
    spec, problem = None, data.error
    try:
        given = {"method": method, "model": model or None, "device": device, **data.settings}
        spec = make_spec({**given, **chosen(method, [*MAIN, *more])})
    except FineGatesError as error:
        st.error(str(error), icon=":material/error:")
        problem = "A setting is not allowed."
    if not model:
        problem = "Name a model first."
    pressed = st.button(
        "Start run", type="primary", icon=":material/play_arrow:", width="stretch", key="start",
        disabled=bool(problem), help=problem or "Starts in the background; closing this page does "
        "not stop it.",
    )  # fmt: skip
    if problem:
        st.caption(problem)
    if pressed and spec:
        start(spec)
    if spec and not problem:
        draw_cost(spec, data)
        st.markdown("**The same from a terminal**")
        st.code(loaders.command_line(spec), language="bash", wrap_lines=True)
        others = len(chosen(method, [*MAIN, *more]))
        st.caption(
            f"{others} setting{'s' if others != 1 else ''} differ from the recipe's. "
            "Everything else is the default."
            if others
            else "Every setting is the recipe's own."
        )
