"""Claims about settings: a value that is not allowed is named with what is allowed."""

import math
from dataclasses import dataclass
from pathlib import Path

import pytest

from finegates.errors import SpecError
from finegates.settings import allowed_range, base_type, check_settings, setting, user_path


@dataclass(frozen=True)
class Oven:
    degrees: float = setting(180.0, "Heat.", group="Heat", minimum=0.0, maximum=300.0, unit="°C")
    minutes: int = setting(20, "Time.", group="Time", minimum=1)
    fan: bool = setting(False, "Fan.", group="Heat")
    shelf: str = setting("middle", "Shelf.", group="Place", choices=("top", "middle", "bottom"))
    shelves: tuple[str, ...] = setting(("top",), "All.", group="Place", choices=("top", "middle"))
    note: str | None = setting(None, "Note.", group="Place")

    def __post_init__(self) -> None:
        check_settings(self)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"degrees": -1.0}, ("degrees", "-1.0", "0.0 to 300.0 °C")),
        ({"degrees": 301}, ("degrees", "301", "0.0 to 300.0 °C")),
        ({"degrees": math.nan}, ("degrees", "nan")),
        ({"minutes": 0}, ("minutes", "0", "at least 1")),
        ({"minutes": 1.5}, ("minutes", "1.5", "int")),
        ({"minutes": True}, ("minutes", "True", "int")),
        ({"fan": 1}, ("fan", "1", "bool")),
        ({"note": 7}, ("note", "7", "str")),
        ({"note": " "}, ("note is empty", "leave note out")),
        ({"shelf": "botom"}, ("shelf", "'botom'", "Did you mean 'bottom'?", "top, middle, bottom")),
        ({"shelves": ("top", "midle")}, ("shelves", "'midle'", "Did you mean 'middle'?")),
        ({"shelves": "top"}, ("shelves", "'top'", "tuple")),
    ],
)
def test_a_refusal_names_the_setting_the_value_and_what_is_allowed(given, words):
    with pytest.raises(SpecError) as caught:
        Oven(**given)
    for word in words:
        assert word in str(caught.value)


@dataclass(frozen=True)
class Endless:
    weight: float = setting(1.0, "No upper bound.", group="G", minimum=0.0)

    def __post_init__(self) -> None:
        check_settings(self)


@pytest.mark.parametrize("value", [math.inf, 10**400, math.nan])
def test_a_number_without_end_is_refused_even_where_there_is_no_upper_bound(value):
    with pytest.raises(SpecError, match="weight is"):
        Endless(value)


def test_whole_numbers_become_floats_and_lists_become_tuples():
    oven = Oven(degrees=200, shelves=["top", "middle"])
    assert isinstance(oven.degrees, float)
    assert oven.shelves == ("top", "middle")


def test_the_bounds_themselves_are_allowed():
    assert (Oven(degrees=0.0).degrees, Oven(degrees=300.0).degrees) == (0.0, 300.0)


def test_the_type_of_an_optional_setting_is_the_type_beside_none():
    assert base_type(int | None) == (int, True)
    assert base_type(tuple[str, ...]) == (tuple, False)
    assert base_type(str) == (str, False)


@pytest.mark.parametrize(
    ("low", "high", "unit", "words"),
    [
        (0, 1, "", "0 to 1"),
        (2, None, "rows", "at least 2 rows"),
        (None, 5, "", "at most 5"),
        (None, None, "steps", "steps"),
        (None, None, "", ""),
    ],
)
def test_a_range_is_written_in_words(low, high, unit, words):
    assert allowed_range({"minimum": low, "maximum": high, "unit": unit}) == words


def test_a_path_has_its_home_filled_in_and_a_tilde_of_nobody_is_a_name(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert user_path("~/a.csv") == tmp_path / "a.csv"
    assert user_path("~nobody-of-this-name.csv") == Path("~nobody-of-this-name.csv")


@pytest.mark.parametrize("text", ["a" * 5000, "a\0b"])
def test_a_name_that_no_file_can_have_is_refused(text):
    with pytest.raises(SpecError, match="can't be a path"):
        user_path(text)
