"""The page list, which `app.serve` serves."""

import sys
from pathlib import Path

import streamlit as st

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from app import places  # noqa: E402  needs the path
from app.reading.runs import runs_folder  # noqa: E402  needs the path
from app.widgets.buttons import say_read_only  # noqa: E402  needs the path
from app.widgets.chosen import draw_chosen  # noqa: E402  needs the path
from app.widgets.ticks import come_back  # noqa: E402  needs the path

# Without icons: with them two of the ten tabs collapse into "2 more" in a window of 1280.
PAGES = [
    st.Page(
        places.RUNS,
        url_path="runs",
        title="Runs",
        default=True,
        help="Every run, those with gates first, and what accuracy is left at which sparsity.",
    ),
    st.Page(
        places.HOW_SMALL,
        url_path="how_small",
        title="How small?",
        help="The smallest model within the points that may be lost: a search, with its evidence.",
    ),
    st.Page(
        places.NEW_RUN,
        url_path="new_run",
        title="New run",
        help="Choose data, model and recipe, see what it will cost, and start.",
    ),
    st.Page(
        places.DATA,
        url_path="data",
        title="Data",
        help="Your own data sets: upload, look, what is wrong in which row, and use in a run.",
    ),
    st.Page(
        places.NEW_SWEEP,
        url_path="new_sweep",
        title="Sweep",
        help="Several methods, targets and seeds at once, as one group of runs.",
    ),
    st.Page(
        places.COMPARE,
        url_path="compare",
        title="Compare",
        help="Several runs side by side: curves, final numbers, and what differs in them.",
    ),
    st.Page(
        places.TRADEOFF,
        url_path="tradeoff",
        title="Accuracy vs sparsity",
        help="The paper's Figure 2: what accuracy is left at which sparsity, as runs finish.",
    ),
    st.Page(
        places.PAPER,
        url_path="paper",
        title="Paper",
        help="Tables 2 to 5 of the paper next to your own runs, and what is missing.",
    ),
    st.Page(
        places.METHODS,
        url_path="methods",
        title="Methods",
        help="Every method there is: what it trains, costs, removes and scored, and a start.",
    ),
    st.Page(
        places.LIVE,
        url_path="live",
        title="Live",
        help="Runs as they train: loss, score, and the gates closing layer by layer.",
    ),
    st.Page(
        places.DIMENSIONS,
        url_path="dimensions",
        title="Dimensions",
        help="Which rows and columns of Q, K, V, O and the feed-forward network survive.",
    ),
    st.Page(
        places.PRUNE,
        url_path="prune",
        title="Prune & time",
        help="Any threshold or budget of a finished run: its score, size and speed next to dense.",
    ),
]

page = st.navigation(PAGES, position="top")
st.set_page_config(
    page_title=f"{page.title} · FineGates Studio", page_icon=str(ROOT / "app" / "icon.svg"),
    layout="wide",
)  # fmt: skip
st.logo(ROOT / "app" / "logo.svg", size="large")
say_read_only()
draw_chosen(page, runs_folder())
come_back()
page.run()
