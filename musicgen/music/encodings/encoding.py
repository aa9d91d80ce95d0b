"""The contract every encoding keeps.

An encoding is a table of fields and a pair of inverses: `encode` turns a document (a Score, a
line of text) into values, one row per step, and a context: what is given and not predicted
(chords, metre, tempo). `decode` turns them back, and `decode(*encode(x)) == quantize(x)`.

What a network needs to know of it stands here too, as plain arrays and array functions that
take the array library (numpy or keras.ops) as their first argument, so that the same lines run
in training, in the numpy player, in a compiled loop and in an exported graph:

- the *clock*: ticks since the start. A field that `moves_clock` moves it by its value.
- the *timeline*: `int32[n, K]`, one row per change of the context, its tick in column 0.
- the *features*: `float32[..., width]` of the timeline's row at the clock, the clock, and the
  fields as they stand (those of this step that are set, else those of the step before).
- the *views*: other names of a field's values, relative to what stands (an interval, a chord degree).
- the *grammar*: an automaton of what may follow what.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from musicgen.music.constraints import Automaton
from musicgen.music.score import Score, Track
from musicgen.music.vocabulary import Vocabulary
from musicgen.music.wishes import Wishes

Array = Any  # an array of numpy or of keras.ops
Steps = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True, eq=False)
class Context:
    """What is given: everything of the document but its notes.

    Attributes:
        frame: the document without what the steps say, at the encoding's resolution.
        timeline: `int32[n, K]`, see the module.
        end: the document's length, ticks.
        source: the track as the file had it, one note per note step, in step order.
        resolution: the file's own ticks per quarter note.
        moved: distance of each note to its place on the grid, in ticks of the file, `(notes,)`.
    """

    frame: Score
    timeline: npt.NDArray[np.int32]
    end: int
    source: Track
    resolution: int
    moved: npt.NDArray[np.integer[Any]]


class View(NamedTuple):
    """Another way to name a field's values, relative to a key: an interval to the pitch before, say.

    With key k, value v is called `table[k, groups[v]]`, 0 to `names` - 1; `names` stands for no name.
    """

    names: int
    table: npt.NDArray[np.int32]  # [keys, M]
    groups: npt.NDArray[np.int32]  # [V]


class Encoding(ABC):
    """A document as a sequence of steps, and back."""

    name: ClassVar[str]
    resolution: ClassVar[int]  # ticks per quarter note
    width: ClassVar[int]  # features
    vocabulary: ClassVar[Vocabulary]

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """Values per field."""
        return self.vocabulary.sizes

    @cached_property
    def ticks(self) -> tuple[npt.NDArray[np.int32], ...]:
        """Per field, how far each index moves the clock."""
        return tuple(field.ticks for field in self.vocabulary.fields)

    @abstractmethod
    def quantize(self, document: Score) -> Score:
        """The document as this encoding can hold it."""

    @abstractmethod
    def encode(self, document: Score) -> tuple[Steps, Context]:
        """Values `(T, F)` and what is given."""

    @abstractmethod
    def decode(self, values: Steps, context: Context) -> Score:
        """The inverse of `encode`."""

    @abstractmethod
    def features(self, xp: Any, rows: Array, clock: Array, standing: Array) -> Array:
        """What a network sees besides the fields.

        Args:
            xp: numpy or keras.ops.
            rows: the timeline's rows at the clock, `int32[..., K]`.
            clock: ticks since the start, `int32[...]`.
            standing: index of each field as it stands, `int32[..., F]`; a field not yet
                set has its number of values.

        Returns:
            `float32[..., width]`.
        """

    @property
    def views(self) -> tuple[tuple[View, ...], ...]:
        """Per field, other ways to name its values, relative to a key; see `View`."""
        return ((),) * len(self.sizes)

    def keys(self, xp: Any, field: int, rows: Array, clock: Array, standing: Array) -> Array:
        """The key of each view of a field, `int32[..., views]`; arguments as for `features`."""
        return xp.zeros_like(standing[..., :0])

    @abstractmethod
    def grammar(self, end: int) -> Automaton:
        """What may follow what, in a document of `end` ticks."""

    @abstractmethod
    def counted(self, indices: Steps) -> npt.NDArray[np.bool_]:
        """Which fields of which steps are choices and not forced by others, `bool[..., F]`."""

    @abstractmethod
    def scored(self, indices: Steps, nats: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float64]:
        """What counts of the nats of each step's fields `(T, F)`, one row per event `(N, F)`."""

    @abstractmethod
    def asked(self, wishes: Wishes, primer: Context | None = None) -> Context:
        """The context of a new piece, after the primer's if there is one."""

    @abstractmethod
    def whole_bars(self, context: Context) -> int:
        """Where the last bar of a context ends, ticks."""

    @abstractmethod
    def rules(self, wishes: Wishes, context: Context) -> Automaton:
        """The grammar and the wishes as one automaton."""

    @abstractmethod
    def transposed(self, indices: Steps, semitones: Steps) -> Steps:
        """Steps `int[..., F]` of the same music, higher by `semitones` `int[...]`."""

    @abstractmethod
    def transposed_timeline(self, rows: Steps, semitones: Steps) -> Steps:
        """Timeline rows `int[..., K]` of the same music, higher by `semitones` `int[...]`."""
