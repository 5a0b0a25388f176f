"""Colours and shapes of the methods: stable, told apart, readable on both backgrounds."""

import itertools

import altair as alt
import numpy as np
import pandas as pd
import pytest

from app.charts import style
from finegates.methods import METHODS

MAIN_METHODS = (
    "finegates", "finegates+lora", "finegates+full", "finegates-hinge", "finegates-official",
    "magnitude", "magnitude-full", "full", "lora",
)  # fmt: skip
"""Those that a reader compares most often."""

WHITE, DARK = "#ffffff", "#12161c"
LEAST_CONTRAST = 2.2
LEAST_DISTANCE = 15
"""In CIELAB; a just noticeable difference is about 2."""
SEEN = {
    "as it is": np.eye(3),
    "protanopia": np.array(
        [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]]
    ),
    "deuteranopia": np.array(
        [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]]
    ),
    "tritanopia": np.array(
        [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]]
    ),
}
"""What linear RGB becomes: Machado, Oliveira and Fernandes 2009, severity 1."""


def linear(color: str) -> np.ndarray:
    values = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def luminance(color: str) -> float:
    return float(linear(color) @ [0.2126, 0.7152, 0.0722])


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def lab(rgb: np.ndarray) -> np.ndarray:
    to_xyz = np.array(
        [[0.4125, 0.3576, 0.1804], [0.2127, 0.7152, 0.0722], [0.0193, 0.1192, 0.9503]]
    )
    xyz = to_xyz @ np.clip(rgb, 0, 1) / [0.9505, 1, 1.0888]
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_every_method_has_a_look_of_its_own():
    assert set(style.METHOD_COLORS) == set(style.METHOD_SHAPES) == set(METHODS)
    assert len(set(style.METHOD_LOOKS.values())) == len(set(style.METHOD_COLORS.values()))
    assert len(set(style.METHOD_COLORS.values())) == len(METHODS)


def test_the_main_methods_differ_in_colour_and_in_shape():
    assert set(MAIN_METHODS) <= set(METHODS)
    for looks in (style.METHOD_COLORS, style.METHOD_SHAPES):
        assert len({looks[name] for name in MAIN_METHODS}) == len(MAIN_METHODS)


@pytest.mark.parametrize("how", SEEN)
def test_the_main_methods_stay_apart_for_colour_blind_readers(how):
    seen = {name: lab(SEEN[how] @ linear(style.color_of(name))) for name in MAIN_METHODS}
    for one, other in itertools.combinations(seen, 2):
        assert np.linalg.norm(seen[one] - seen[other]) > LEAST_DISTANCE, (one, other)


@pytest.mark.parametrize("background", [WHITE, DARK])
def test_every_colour_is_seen_on_light_and_on_dark(background):
    for name, color in style.METHOD_COLORS.items():
        assert contrast(color, background) > LEAST_CONTRAST, name


def test_a_method_of_another_version_is_grey_and_last():
    assert style.color_of("of-the-future") == style.GRAY
    assert style.in_order(["of-the-future", "full", "finegates"])[-1] == "of-the-future"


def test_variants_of_one_method_have_different_shapes():
    shapes = [style.variant_shape("finegates", number) for number in range(4)]
    assert shapes[0] == style.shape_of("finegates") and len(set(shapes)) == 4


def test_numbers_of_an_axis_stand_beside_their_lines():
    """Streamlit's theme shifts the first and the last."""
    chart = alt.Chart(pd.DataFrame({"y": [1]})).mark_point().encode(y="y").to_dict()
    assert chart["config"]["axisY"]["labelFlush"] is False
