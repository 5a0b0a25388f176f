"""What the app's own components were given, which AppTest knows nothing of."""

import json
from typing import Any

from streamlit.testing.v1 import AppTest


def _given(app: AppTest, name: str) -> list[dict[str, Any]]:
    found = [element.proto for element in app.get("bidi_component")]
    return [json.loads(proto.json) for proto in found if proto.component_name == name]


def codes(app: AppTest) -> list[str]:
    """Texts of the boxes to copy from, in the order of the page."""
    return [box["text"] for box in _given(app, "finegates_plain_code")]


def heat_maps(app: AppTest) -> list[dict[str, Any]]:
    """Maps as `app.widgets.heat_map` was given them, in the order of the page."""
    return _given(app, "finegates_heat_map")
