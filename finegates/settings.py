"""Dataclass fields that carry their own help, unit and range, and the check of all of them."""

import dataclasses
import math
import types
import typing
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from finegates.errors import SpecError, unknown_name

_LARGEST_INT = 2**1000
"""Beyond it an int may have no float."""


def setting(
    default: Any,
    help: str,
    *,
    group: str,
    choices: tuple[str, ...] = (),
    minimum: float | None = None,
    maximum: float | None = None,
    unit: str = "",
) -> Any:
    """A dataclass field. Command line and pages are made from what is written here.

    Args:
        default: Its default value.
        help: One sentence in plain words.
        group: Heading it stands under in help and pages.
        choices: The allowed words, if it is one of a list (or a tuple of them).
        minimum: Smallest allowed value.
        maximum: Largest allowed value.
        unit: Unit of the number.
    """
    metadata = dict(
        help=help, group=group, choices=choices, minimum=minimum, maximum=maximum, unit=unit
    )
    return dataclasses.field(default=default, metadata=metadata)


def base_type(annotation: Any) -> tuple[type, bool]:
    """The plain type of a field's annotation and whether ``None`` is allowed."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        plain = next(a for a in typing.get_args(annotation) if a is not type(None))
        return base_type(plain)[0], True
    return typing.get_origin(annotation) or annotation, False


@cache
def field_types(settings: type) -> Mapping[str, tuple[type, bool]]:
    """Each field's `base_type`. Kept: a list of a thousand runs asks for it two thousand times."""
    hints = typing.get_type_hints(settings)
    return {field.name: base_type(hints[field.name]) for field in dataclasses.fields(settings)}


def check_settings(instance: Any) -> None:
    """Checks type, choices and range of every field that was made by `setting`.

    Raises:
        SpecError: With the field's name, what was given and what is allowed.
    """
    settings: Any = type(instance)
    kinds = field_types(settings)
    for field in dataclasses.fields(instance):
        value = getattr(instance, field.name)
        kind, optional = kinds[field.name]
        if value is None and optional:
            continue
        checked = _as_type(field.name, value, kind)
        object.__setattr__(instance, field.name, checked)
        _check_allowed(field, checked)


def _as_type(name: str, value: Any, kind: type) -> Any:
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value) if abs(value) < _LARGEST_INT else math.inf
    if kind is tuple and isinstance(value, list):
        return tuple(value)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise SpecError(f"{name} is {value!r}; it has to be of type {kind.__name__}.")
    if isinstance(value, str) and not value.strip():
        raise SpecError(f"{name} is empty; give a value, or leave {name} out.")
    return value


def _check_allowed(field: dataclasses.Field, value: Any) -> None:
    meta = field.metadata
    if meta["choices"]:
        for word in value if isinstance(value, tuple) else (value,):
            if word not in meta["choices"]:
                raise SpecError(unknown_name(field.name, str(word), meta["choices"]))
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        check_range(field.name, value, meta)


def check_range(name: str, value: float, meta: Mapping[str, Any]) -> None:
    """Raises SpecError if a number is not finite, or out of a setting's range."""
    low, high = meta["minimum"], meta["maximum"]
    too_low = low is not None and value < low
    too_high = high is not None and value > high
    endless = isinstance(value, float) and not math.isfinite(value)
    if too_low or too_high or endless:
        raise SpecError(f"{name} is {value}; allowed is {allowed_range(meta)}.")


def words_of(text: str) -> tuple[str, ...]:
    """The words of a list with commas between them."""
    return tuple(word.strip() for word in text.split(",") if word.strip())


def numbers_of(
    name: str, text: str, kind: type[int] | type[float], meta: Mapping[str, Any]
) -> list[Any]:
    """The numbers of a list with commas between them, each once, in the order given.

    Args:
        name: What the list is called.
        text: The list.
        kind: ``int`` or ``float``.
        meta: Has the range: metadata of a `setting`.

    Raises:
        SpecError: If there is none, or one is not a number or out of range.
    """
    example = "0,1,2" if kind is int else "0,0.1,0.2"
    if not words_of(text):
        raise SpecError(f"{name} is empty; give numbers with commas between them, as in {example}.")
    numbers = []
    for word in words_of(text):
        try:
            numbers.append(kind(word))
        except ValueError:
            wanted = "whole numbers" if kind is int else "numbers"
            raise SpecError(
                f"{name} has '{word}' in it; give {wanted} with commas between them, as in "
                f"{example}."
            ) from None
        check_range(name, numbers[-1], meta)
    return [*dict.fromkeys(numbers)]


def user_path(text: str) -> Path:
    """A path as the user wrote it, with ``~`` filled in. It need not exist.

    Raises:
        SpecError: If no file can have this name.
    """
    try:
        path = Path(text).expanduser()
    except RuntimeError:  # "~" of nobody: a file's name may begin so
        path = Path(text)
    try:
        path.resolve().exists()
    except (OSError, ValueError) as error:
        raise SpecError(f"'{text[:80]}' can't be a path: {error}.") from error
    return path


def allowed_range(meta: Mapping[str, Any]) -> str:
    """The range of a setting in words, with its unit; empty if it has none."""
    low, high, unit = meta["minimum"], meta["maximum"], meta["unit"]
    tail = f" {unit}" if unit else ""
    if low is not None and high is not None:
        return f"{low} to {high}{tail}"
    if low is not None:
        return f"at least {low}{tail}"
    return f"at most {high}{tail}" if high is not None else unit
