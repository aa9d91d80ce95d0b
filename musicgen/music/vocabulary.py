"""Vocabularies: which values a field can take, and the number of each.

A network sees indices, a person reads values; the vocabulary is the only bridge between them and
travels with the weights as a JSON file that can be read without this program. Values stand in
index order, always the same, so two vocabularies of one encoding are equal or the model is not ours.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from musicgen.errors import InputError

Value = int | str
Indices = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Field:
    """One coordinate of a step.

    Attributes:
        name: as shown to people and used in files.
        values: every value the field can take, in index order.
        unit: what a value counts ("ticks", "MIDI pitch", ...).
        moves_clock: whether choosing a value moves the clock on by that many ticks.
    """

    name: str
    values: tuple[Value, ...]
    unit: str = ""
    moves_clock: bool = False

    def __len__(self) -> int:
        return len(self.values)

    @cached_property
    def _index(self) -> dict[Value, int]:
        return {value: index for index, value in enumerate(self.values)}

    @cached_property
    def array(self) -> npt.NDArray[Any]:
        """The values, `(V,)`; words as objects, because numpy's own strings lose what ends in a null."""
        return np.array(self.values, int if all(isinstance(value, int) for value in self.values) else object)

    @cached_property
    def _first(self) -> int | None:
        """The first value of a field that counts up by one from there, else None."""
        first = self.values[0] if self.values else None
        counts = isinstance(first, int) and self.values == tuple(range(first, first + len(self)))
        return first if counts and isinstance(first, int) else None

    def indices(self, values: npt.NDArray[Any]) -> Indices:
        """The number of each value, `(T,)`.

        Raises:
            InputError: the field has no such value.
        """
        if self._first is None:
            return np.array([self._index.get(value, -1) for value in self._known(values.tolist())], np.int32)
        found = values - self._first
        outside = (found < 0) | (found >= len(self))
        self._known(values[outside].tolist())
        return found.astype(np.int32)

    def _known(self, values: list[Value]) -> list[Value]:
        for value in values:
            if value not in self._index:
                expected = f"{self.values[0]!r} to {self.values[-1]!r}"
                raise InputError(f"{self.name}: expected a value from {expected}. Received: {value!r}")
        return values

    @property
    def ticks(self) -> npt.NDArray[np.int32]:
        """How far each index moves the clock, `(V,)`."""
        if not self.moves_clock:
            return np.zeros(len(self), np.int32)
        return np.array(self.values, np.int32)


@dataclass(frozen=True)
class Vocabulary:
    """The fields of an encoding's steps, in the order in which they are set."""

    encoding: str
    fields: tuple[Field, ...]

    @property
    def sizes(self) -> tuple[int, ...]:
        """Values per field, `(F,)`."""
        return tuple(len(field) for field in self.fields)

    def indices(self, values: npt.ArrayLike) -> Indices:
        """Values `(T, F)` as indices `(T, F)`.

        Raises:
            InputError: a value is not in its field; names the field and the value.
        """
        columns = np.asarray(values).reshape(-1, len(self.fields)).T
        return np.stack([field.indices(column) for field, column in zip(self.fields, columns, strict=True)], axis=-1)

    def values(self, indices: npt.ArrayLike) -> npt.NDArray[Any]:
        """Indices `(..., F)` as values `(..., F)`, the inverse of `indices`."""
        array = np.asarray(indices)
        columns = [field.array[array[..., f]] for f, field in enumerate(self.fields)]
        return np.stack(columns, axis=-1)

    def to_json(self) -> str:
        """As a readable file; runs of whole numbers are written `[first, "to", last]`."""
        fields = [
            {"name": f.name, "unit": f.unit, "moves_clock": f.moves_clock, "values": _runs(f.values)}
            for f in self.fields
        ]
        return json.dumps({"encoding": self.encoding, "fields": fields}, indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Vocabulary:
        """Read what `to_json` wrote.

        Raises:
            InputError: the text is no vocabulary.
        """
        try:
            found = json.loads(text)
            fields = tuple(Field(f["name"], _unrun(f["values"]), f["unit"], f["moves_clock"]) for f in found["fields"])
            return cls(found["encoding"], fields)
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise InputError(f"expected a vocabulary in JSON. Received: {text[:40]!r} ({error})") from error


def _runs(values: tuple[Value, ...]) -> list[Any]:
    """`(0, 1, 2, "rest")` as `[[0, "to", 2], "rest"]`."""
    runs: list[Any] = []
    for value in values:
        last = runs[-1] if runs else None
        if isinstance(value, int) and isinstance(last, list) and last[2] == value - 1:
            last[2] = value
        elif isinstance(value, int):
            runs.append([value, "to", value])
        else:
            runs.append(value)
    return runs


def _unrun(runs: list[Any]) -> tuple[Value, ...]:
    values: list[Value] = []
    for run in runs:
        values.extend(range(run[0], run[2] + 1) if isinstance(run, list) else [run])
    return tuple(values)
