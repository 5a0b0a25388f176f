"""The page list. ``streamlit run app/main.py`` starts the app, from the checkout or installed."""

import sys
from pathlib import Path

import streamlit as st

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from app.acting import tell_read_only  # noqa: E402  needs the path

# Without icons: with them two of the ten would stand behind "2 more" in a window of 1280.
PAGES = [
    st.Page(
        "app_pages/runs.py",
        title="Runs",
        default=True,
        help="Every run, newest first, and what accuracy is left at which sparsity.",
    ),
    st.Page(
        "app_pages/new_run.py",
        title="New run",
        help="Choose data, model and recipe, see what it will cost, and start.",
    ),
    st.Page(
        "app_pages/data.py",
        title="Data",
        help="Your own data sets: upload, look, what is wrong in which row, and use in a run.",
    ),
    st.Page(
        "app_pages/new_sweep.py",
        title="Sweep",
        help="Several methods, targets and seeds at once, as one group of runs.",
    ),
    st.Page(
        "app_pages/compare.py",
        title="Compare",
        help="Several runs side by side: curves, final numbers, and what differs in them.",
    ),
    st.Page(
        "app_pages/tradeoff.py",
        title="Accuracy vs sparsity",
        help="The paper's Figure 2: what accuracy is left at which sparsity, as runs finish.",
    ),
    st.Page(
        "app_pages/paper.py",
        title="Paper",
        help="Tables 2 to 5 of the paper beside your own runs, and what is missing.",
    ),
    st.Page(
        "app_pages/live.py",
        title="Live",
        help="Runs as they train: loss, score, and the gates closing layer by layer.",
    ),
    st.Page(
        "app_pages/dimensions.py",
        title="Dimensions",
        help="Which rows and columns of Q, K, V, O and the feed-forward network survive.",
    ),
    st.Page(
        "app_pages/prune.py",
        title="Prune & time",
        help="Any threshold or budget of a finished run: its score, size and speed beside dense.",
    ),
]

st.set_page_config(
    page_title="FineGates Studio", page_icon=str(ROOT / "app" / "icon.svg"), layout="wide"
)
st.logo(ROOT / "app" / "logo.svg", size="large")
page = st.navigation(PAGES, position="top")
tell_read_only()
page.run()
