"""Settings: frozen dataclasses whose values are of the kind their annotation says."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import numpy as np

from musicgen.errors import OptionError


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: object) -> bool:
    return _whole(value) or (isinstance(value, float) and math.isfinite(value))


def _two_whole(value: object) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and all(map(_whole, value)) and value[0] <= value[1]


# annotation: what to say, and whether a value is of that kind
_KINDS: dict[str, tuple[str, Callable[[object], bool]]] = {
    "int": ("a whole number", _whole),
    "float": ("a number", _number),
    "str": ("words", lambda value: isinstance(value, str)),
    "int | None": ("a whole number", lambda value: value is None or _whole(value)),
    "float | None": ("a number", lambda value: value is None or _number(value)),
    "tuple[int, int]": ("two whole numbers, the lower first", _two_whole),
}


def check_kinds(settings: Any) -> None:
    """Refuse a dataclass with a value of another kind than annotated; other annotations are not looked at.

    Raises:
        OptionError: names the setting, what was expected and what was received.
    """
    for field in fields(settings):
        words, fits = _KINDS.get(str(field.type), ("", lambda value: True))
        value = getattr(settings, field.name)
        if isinstance(value, np.generic):  # a number out of an array is a number
            value = value.item()
            object.__setattr__(settings, field.name, value)
        if not fits(value):
            raise OptionError(f"{field.name}: expected {words}. Received: {value!r}")
