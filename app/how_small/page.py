"""How small can it get? A question about data and a model, and the search that answers it."""

from functools import partial

import streamlit as st

from app.how_small.answer import draw_answer, draw_state, rows_of
from app.how_small.form import ask
from app.reading.fits import search_names, search_of
from app.reading.runs import runs_folder
from app.rows import is_active
from app.text import escape_markdown
from app.widgets.ticks import News, follow
from finegates.errors import FineGatesError

NEW = "New search"
CHOICE, NEXT = "small_search", "small_search_next"
folder = runs_folder()


def choose(names: list[str]) -> str:
    """The search to show, or `NEW`."""
    options = [NEW, *names]
    if NEXT in st.session_state:
        st.session_state[CHOICE] = st.session_state.pop(NEXT)
    elif st.session_state.get(CHOICE) not in options:
        st.session_state[CHOICE] = names[0] if names else NEW
    return st.selectbox(
        "Search", options, key=CHOICE, label_visibility="collapsed", width=420,
        persist_state="session", bind="query-params",
        help="Searches that were started here or in a terminal. Type to find one.",
    )  # fmt: skip


def view(name: str, draw_part) -> None:
    """A part of a search, with whatever is wrong with its file."""
    try:
        search = search_of(folder, name)
    except FineGatesError as error:
        st.error(escape_markdown(str(error)), icon=":material/broken_image:")
        return
    draw_part(search, folder)


def news(name: str) -> News:
    """Its runs go on and end, and others are queued, as long as a process carries it on."""
    try:
        search = search_of(folder, name)
    except FineGatesError:
        return News(parts={"state": "", "answer": ""}, whole="", goes_on=False)
    rows = rows_of(search, folder)
    marks = tuple((row["run"], row["status"], row["step"]) for row in rows)
    return News(
        parts={"state": marks, "answer": tuple(mark[:2] for mark in marks)},
        whole=(search.is_driven, tuple(mark[:2] for mark in marks)),
        goes_on=search.is_driven or any(map(is_active, rows)),
    )


names = search_names(folder)
with st.container(horizontal=True, vertical_alignment="center"):
    st.title("How small?", width="stretch")
    chosen = choose(names) if names else NEW
if chosen == NEW:
    st.caption(
        "Say how many points of the score may be lost. A dense reference is trained first, then "
        "models with gates that start from it, at removals that bracket the edge, until the "
        "smallest model within the tolerance is known."
    )
    if started := ask(folder):
        st.session_state[NEXT] = started
        st.rerun()
else:
    follow(
        partial(news, chosen),
        {"state": partial(view, chosen, draw_state), "answer": partial(view, chosen, draw_answer)},
    )
