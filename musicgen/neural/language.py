"""What this hall needs to know of an encoding: integers, masks and array functions.

The other hall's encodings and plans have these attributes; nothing here knows what they mean.

Shapes: `B` batch, `T` steps, `F` fields of a step, `V` values of a field, `S` states and `K`
classes of an automaton, `R` columns of a timeline, `M` columns of memory.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Array = Any  # an array of numpy or of keras.ops
Ints = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]


class View(Protocol):
    """Another way to name a field's values, relative to a key: an interval to the pitch before, say.

    With key k, value v is called `table[k, groups[v]]`. A network gives each name a number, and the
    numbers of a value's names add up to its logit; so what is learned of an interval holds for all
    pitches at once.
    """

    @property
    def names(self) -> int:
        """How many names there are."""

    @property
    def table(self) -> Ints:
        """The name of each group for each key, `int32[keys, M]`, 0 to `names`; `names` stands for no name."""

    @property
    def groups(self) -> Ints:
        """The group of each value, `int32[V]`."""


class Language(Protocol):
    """What the steps of a corpus are made of."""

    @property
    def sizes(self) -> tuple[int, ...]:
        """Values per field, `(F,)`; index `sizes[f]` means "not yet set"."""

    @property
    def ticks(self) -> tuple[Ints, ...]:
        """Per field, how far each index moves the clock, `int32[V_f]`."""

    @property
    def width(self) -> int:
        """Number of features."""

    @property
    def blank(self) -> Ints:
        """What stands before the first step: `sizes`, then an empty memory, `int32[F + M]`."""

    def remembered(self, xp: Any, clock: Array, standing: Array) -> Array:
        """What stands after a step, its memory brought up to date: `int32[...]`, `int32[..., F + M]` -> the latter."""

    def features(self, xp: Any, rows: Array, clock: Array, standing: Array) -> Array:
        """`int32[..., R]`, `int32[...]`, `int32[..., F + M]` -> `float32[..., width]`; `xp` is numpy or keras.ops."""

    @property
    def views(self) -> tuple[tuple[View, ...], ...]:
        """Per field, the views of its values."""

    def keys(self, xp: Any, field: int, rows: Array, clock: Array, standing: Array) -> Array:
        """The key of each view of a field, `int32[..., views of the field]`; arguments as for `features`."""

    def narrowed(self, xp: Any, field: int, standing: Array) -> Array | None:
        """Which values may follow what stands, besides what a plan allows: `bool[..., V_f]`, or None for all."""

    def counted(self, indices: Ints) -> Mask:
        """`int[..., F]` -> `bool[..., F]`: which fields are choices, not forced by others."""

    def compass(self, indices: Ints) -> tuple[int, int]:
        """How many semitones down and up a piece `int[T, F]` may be transposed."""

    def transposed(self, indices: Ints, semitones: Ints) -> Ints:
        """Steps `int[..., F]`, or what stands `int[..., F + M]`, higher by `semitones` `int[...]`."""

    def transposed_timeline(self, rows: Ints, semitones: Ints) -> Ints:
        """Timeline rows `int[..., R]` of the same music, higher by `semitones` `int[...]`."""


class Plan(Protocol):
    """Masks that have looked ahead; see `music.constraints`."""

    @property
    def allowed(self) -> tuple[Mask, ...]:
        """Per field `bool[S, K, V_f]`."""

    @property
    def following(self) -> tuple[Ints, ...]:
        """Per field the next state, `int32[S, V_f]`."""

    @property
    def finishable(self) -> tuple[Mask, ...]:
        """Per field `bool[S, end + 1]`."""

    @property
    def kind(self) -> Ints:
        """Class of each clock, `int32[end + 1]`."""

    @property
    def start(self) -> int:
        """The first state."""
