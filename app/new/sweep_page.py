"""A sweep: methods x targets x seeds on one data set and model, as one group of runs."""

import shlex
from dataclasses import replace
from typing import Any

import streamlit as st

from app import places, words
from app.new.cost import SweepCost, closing_once, size_of, specs_of, sweep_cost
from app.new.data import Choice, choose_data
from app.new.launch import choose_launch, where_help
from app.new.model import choose_model, why_not
from app.new.overrides import PREFIX, overridden, override_input
from app.new.prefill import prefill_sweep
from app.new.sweep import choose_methods, choose_name, choose_seeds, choose_targets, word_of
from app.new.teachers import teachers
from app.new.training import MAIN, draw_training
from app.new.unknown import warn_of_unknown
from app.reading.machine import estimated_cost, runs_at_once
from app.reading.results import all_groups
from app.reading.runs import run_rows, runs_folder
from app.text import escape_markdown
from app.widgets.buttons import change_button
from app.widgets.plain_code import plain_code
from finegates.errors import FineGatesError
from finegates.groups import sweep
from finegates.groups.file import Cell
from finegates.groups.store import check_name
from finegates.methods import DEFAULT_METHOD
from finegates.runs.launch import Launch
from finegates.spec import FIELDS, RunSpec

folder = runs_folder()


def cost_of(specs: dict[str, RunSpec], cells: list[Cell], data: Choice) -> SweepCost:
    if data.splits is None:
        return sweep_cost(cells, {}, 1)
    size = size_of(data.splits)
    estimates = {name: estimated_cost(spec, *size, folder) for name, spec in specs.items()}
    device = next(iter(specs.values())).device
    return sweep_cost(cells, estimates, runs_at_once(device))


def warn_of_closing_once(specs: dict[str, RunSpec], cells: list[Cell], data: Choice) -> None:
    if data.splits is None:
        return
    size = size_of(data.splits)
    for method, target in dict.fromkeys((cell.method, cell.target) for cell in cells):
        if told := closing_once(replace(specs[method], target_sparsity=target), size):
            st.warning(escape_markdown(told), icon=":material/timer:")
            return


def draw_cost(cost: SweepCost) -> None:
    number, total = sum(cost.runs.values()), cost.total_s
    tiles = st.columns(2)
    tiles[0].metric("Runs", f"{number:,}", help="Each is an ordinary run in the table of runs.")
    tiles[1].metric("Time in all", words.duration(total), help=cost.basis)
    st.dataframe(
        cost.table(), hide_index=True, row_height=30, alt="Runs of each recipe",
        column_config={
            "recipe": st.column_config.TextColumn("Recipe"),
            "runs": st.column_config.NumberColumn("Runs", width=60),
            "each": st.column_config.TextColumn("Time of each", width=110),
        },
    )  # fmt: skip
    if total is None:
        st.caption("The time is known once data and model can be read.")
    else:
        order = "one after the other" if cost.at_once == 1 else f"{cost.at_once} at a time"
        st.caption(f"Trained {order}, one seed's whole curve first. Estimate: {cost.basis}")


def start(name: str, settings: dict[str, Any], cells: list[Cell], launch: Launch) -> None:
    try:
        with st.spinner("Checking data and model …"):
            sweep.start_sweep(folder, name, settings, cells, launch)
    except FineGatesError as error:
        st.error(escape_markdown(str(error)), icon=":material/error:")
        return
    st.switch_page(places.TRADEOFF, query_params={"group": name})


head, said = st.container(horizontal=True, vertical_alignment="center"), st.container()
with head:
    st.title("New sweep", width="stretch")
prefill_sweep(folder)
form, summary = st.columns([5, 3], gap="medium")
with form:
    with st.container(border=True):
        st.subheader("1 · Data")
        data = choose_data(folder, PREFIX)
    with st.container(border=True):
        st.subheader("2 · Model")
        model = choose_model()
        warn_of_unknown(data.splits, model)
        unfit = why_not(data.splits, model)
    with st.container(border=True):
        st.subheader("3 · What varies", help="Every method at every target, with every seed.")
        methods = choose_methods()
        targets, problem = choose_targets()
        seeds = choose_seeds()
    with st.container(border=True):
        st.subheader(
            "4 · Training, the same for all",
            help="What is left empty is each method's own value, shown in grey.",
        )
        found = teachers(run_rows(folder), data.settings.get("task", ""), data.splits)
        shown = methods or [DEFAULT_METHOD]
        names, device = draw_training(
            MAIN, shown, found, PREFIX,
            lambda name, container: override_input(name, shown, container), without=("seed",),
        )  # fmt: skip

with summary, st.container(border=True):
    st.subheader("Cost", help=where_help())
    launch, refused = choose_launch()
    if refused:
        st.error(escape_markdown(refused), icon=":material/error:")
    groups = all_groups(folder)
    word = word_of(data.settings.get("task", ""), data.splits.source if data.splits else None)
    name = choose_name(word, [group.name for group in groups])
    problem = (
        data.error
        or unfit
        or problem
        or ("A setting of Slurm's is not allowed." if refused else "")
    )
    if not model:
        problem = "Name a model first."
    cells, specs = [], {}
    given = {**data.settings, "model": model, "device": device}
    settings = {k: v for k, v in given.items() if v not in (None, FIELDS[k].default)}
    settings |= overridden(names)  # also what is the default: a method may have another one
    if not problem:
        try:
            check_name(name)
            cells = sweep.plan(methods, targets, seeds)
            specs = specs_of(settings, cells)
        except FineGatesError as error:
            st.error(escape_markdown(str(error)), icon=":material/error:")
            problem = "Something is not allowed; see above."
    if problem:
        st.caption(problem)
    else:
        if name in [group.name for group in groups]:
            st.caption("A group of this name exists: it goes on, if it asks for the same runs.")
        draw_cost(cost_of(specs, cells, data))
        warn_of_closing_once(specs, cells, data)
        st.markdown("**The same from a terminal**")
        command = shlex.join(sweep.sweep_command(name, settings, cells, launch))
        plain_code(command, "command")

with head:  # last, when all is known; first on the page, a few steps by keyboard
    pressed = change_button(
        f"Start {len(cells):,} runs" if len(cells) != 1 else "Start 1 run", type="primary",
        icon=":material/play_arrow:", key="start", disabled=bool(problem),
        help=problem or "They train in the background; closing this page does not stop them.",
    )  # fmt: skip
if pressed and not problem:
    with said:
        start(name, settings, cells, launch)
