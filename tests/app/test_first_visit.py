"""What a first visit has to load: nothing that is large and used for one thing only."""

from pathlib import Path

import pytest

APP = Path(__file__).resolve().parents[2] / "app"
HEAVY = {
    ".plotly_chart(": "4.7 MB: draw it with app.widgets.heat_map, or with Vega",
    ".code(": "1.5 MB of highlighter: show it with app.widgets.plain_code",
    ".json(": "a tree viewer: show it with app.widgets.plain_code",
    "```": "1.5 MB of highlighter: show it with app.widgets.plain_code",
}
"""What of Streamlit loads a bundle of its own -> how large, and what to take instead."""


@pytest.mark.parametrize("call", HEAVY)
def test_no_page_loads_a_large_bundle_for_one_thing(call):
    found = [path.name for path in APP.rglob("*.py") if call in path.read_text()]
    assert not found, f"{call} loads {HEAVY[call]}"
