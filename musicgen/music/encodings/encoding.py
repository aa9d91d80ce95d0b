"""The contract every encoding keeps.

An encoding is a table of fields and a pair of inverses: `encode` turns a document (a Score, a
line of text) into values, one row per step, and a context: what is given and not predicted
(chords, metre, tempo). `decode` turns them back, and `decode(*encode(x)) == quantize(x)`.

What a network needs to know of it stands here too, as plain arrays and array functions that
take the array library (numpy or keras.ops) as their first argument, so that the same lines run
in training, in the numpy player, in a compiled loop and in an exported graph:

- the *clock*: ticks since the start. A field that `moves_clock` moves it by its value.
- the *timeline*: `int32[n, K]`, one row per change of the context, its tick in column 0.
- what *stands*: the fields of this step that are set, for the others those of the step before,
  and behind them what is *remembered* of the steps further back, if anything.
- the *features*: `float32[..., width]` of the timeline's row at the clock, the clock, and what stands.
- the *views*: other names of a field's values, relative to what stands (an interval, a chord degree).
- the *grammar*: an automaton of what may follow what; `narrowed` adds what depends on what stands.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from musicgen.errors import InputError, OptionError
from musicgen.music.constraints import Automaton, fixed
from musicgen.music.metrics import perplexities
from musicgen.music.score import Score, Track
from musicgen.music.vocabulary import Vocabulary

Array = Any  # an array of numpy or of keras.ops
Steps = npt.NDArray[np.integer[Any]]
Nats = npt.NDArray[np.floating[Any]]
Document = Score | str


@dataclass(frozen=True, eq=False)
class Context:
    """What is given of a document and not predicted.

    Attributes:
        timeline: `int32[n, K]`, see the module.
        end: the document's length, ticks.
    """

    timeline: npt.NDArray[np.int32]
    end: int

    @property
    def moved_quarters(self) -> npt.NDArray[np.float64]:
        """How far each event was moved to fit the grid, quarter notes."""
        return np.zeros(0)


@dataclass(frozen=True, eq=False)
class MusicContext(Context):
    """Everything of a score but its notes.

    Attributes:
        frame: the score without what the steps say, at the encoding's resolution.
        source: the notes as the file had them, one per note step, in step order, under their track's name.
        resolution: the file's own ticks per quarter note.
        moved: distance of each note to its place on the grid, in ticks of the file, `(notes,)`.
        chords_from: where the chords come from, one of `harmony.ORIGINS`.
    """

    frame: Score
    source: Track
    resolution: int
    moved: npt.NDArray[np.integer[Any]]
    chords_from: str = "none"

    @property
    def moved_quarters(self) -> npt.NDArray[np.float64]:
        """How far each note was moved to fit the grid, quarter notes."""
        return self.moved / self.resolution


class View(NamedTuple):
    """Another way to name a field's values, relative to a key: an interval to the pitch before, say.

    With key k, value v is called `table[k, groups[v]]`, 0 to `names` - 1; `names` stands for no name.
    """

    names: int
    table: npt.NDArray[np.int32]  # [keys, M]
    groups: npt.NDArray[np.int32]  # [V]


class Encoding(ABC):
    """A document as a sequence of steps, and back.

    Attributes:
        name: as the command line says it.
        document: what it reads and writes, Score or str.
        unit: what a row of `scored` is, in the singular.
        pieces: what documents are called, in the plural.
        columns: what `places` says of each event.
        wishes: what can be asked of a piece.
        resolution: ticks per quarter note.
        width: number of features.
        memory: number of columns that `remembered` keeps.
        vocabulary: the table of fields.
    """

    name: ClassVar[str]
    document: ClassVar[type] = Score
    unit: ClassVar[str] = "note"
    pieces: ClassVar[str] = "files"
    columns: ClassVar[tuple[str, ...]] = ("step",)
    wishes: ClassVar[type[Any]]
    resolution: ClassVar[int] = 1
    width: ClassVar[int]
    memory: ClassVar[int] = 0
    vocabulary: Vocabulary

    # -- its vocabulary

    @classmethod
    def learned(cls, documents: Iterable[Document], most: int) -> Self:
        """The encoding for a corpus; one whose vocabulary is not fixed keeps its `most` frequent values."""
        return cls()

    @classmethod
    def of(cls, vocabulary: Vocabulary) -> Self:
        """The encoding with a vocabulary that was saved.

        Raises:
            InputError: it is another encoding's.
        """
        encoding = cls()
        if vocabulary != encoding.vocabulary:
            raise InputError(f"expected the vocabulary of the encoding {cls.name}. Received: another")
        return encoding

    def choosing(self, line: str) -> Encoding:
        """The same encoding, which takes a file's line from the track that `line` names; "" finds it.

        Raises:
            OptionError: the encoding takes all tracks, or none.
        """
        if line.strip():
            raise OptionError(f"line: expected none: the encoding {self.name} takes no single line. Received: {line}")
        return self

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """Values per field."""
        return self.vocabulary.sizes

    @cached_property
    def ticks(self) -> tuple[npt.NDArray[np.int32], ...]:
        """Per field, how far each index moves the clock."""
        return tuple(field.ticks for field in self.vocabulary.fields)

    # -- a document as steps, and back

    def quantize(self, document: Any) -> Any:
        """The document as this encoding can hold it."""
        return self.decode(*self.encode(document))

    @abstractmethod
    def encode(self, document: Any) -> tuple[npt.NDArray[Any], Any]:
        """Values `(T, F)` and what is given, a Context."""

    @abstractmethod
    def decode(self, values: npt.NDArray[Any], context: Any) -> Any:
        """The inverse of `encode`; steps at or after the context's end are left out."""

    # -- what a network sees

    @cached_property
    def blank(self) -> npt.NDArray[np.int32]:
        """What stands before the first step, `int32[F + memory]`: nothing is set, nothing remembered."""
        return np.array([*self.sizes, *[0] * self.memory], np.int32)

    def remembered(self, xp: Any, clock: Array, standing: Array) -> Array:
        """What stands after a step, `int32[..., F + memory]`: the same fields, the memory brought up to date.

        Args:
            xp: numpy or keras.ops.
            clock: ticks since the start, when the step is over, `int32[...]`.
            standing: the step's fields, and the memory before it, `int32[..., F + memory]`.
        """
        return standing

    @abstractmethod
    def features(self, xp: Any, rows: Array, clock: Array, standing: Array) -> Array:
        """What a network sees besides the fields.

        Args:
            xp: numpy or keras.ops.
            rows: the timeline's rows at the clock, `int32[..., K]`.
            clock: ticks since the start, `int32[...]`.
            standing: index of each field as it stands, and what is remembered, `int32[..., F + memory]`;
                a field not yet set has its number of values.

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

    # -- what may be

    def grammar(self, end: int) -> Automaton:
        """What may follow what, in a document of `end` ticks: anything, unless an encoding says otherwise."""
        kinds = np.zeros(end + 1, np.int32)
        return fixed(self.sizes, 0, np.ones(self.sizes[0], bool), kinds)

    def narrowed(self, xp: Any, field: int, standing: Array) -> Array | None:
        """Which values of a field may follow what stands, `bool[..., V]`, where an automaton would be too large.

        It may never rule out all that automaton and plan allow. None is no further rule.
        """
        return None

    # -- what is judged

    def counted(self, indices: Steps) -> npt.NDArray[np.bool_]:
        """Which fields of which steps are choices and not forced by others, `bool[..., F]`."""
        return np.ones(indices.shape, bool)

    def scored(self, indices: Steps, nats: Nats) -> npt.NDArray[np.float64]:
        """What counts of the nats of each step's fields `(T, F)`, one row per event `(N, F)`."""
        return nats.astype(np.float64)

    @property
    def parts(self) -> tuple[str, ...]:
        """What the columns of `scored` are called in a table of ln p."""
        return tuple(f"ln_p_{field.name}" for field in self.vocabulary.fields)

    def measured(self, scored: Nats) -> dict[str, float]:
        """Counts and means of all events `(N, F)`: `notes`, `nats_per_note`, each field's perplexity."""
        names = [field.name for field in self.vocabulary.fields]
        return {f"{self.unit}s": len(scored), **perplexities(scored, names, self.unit)}

    def places(self, values: npt.NDArray[Any], context: Any) -> Iterator[tuple[Any, ...]]:
        """Where each event of `scored` stands in its document: a tuple of `columns` each."""
        return ((step,) for step in range(len(values)))

    # -- what a person asks for

    @property
    @abstractmethod
    def trial(self) -> Any:
        """Wishes for a short piece, with which a model proves itself."""

    @abstractmethod
    def asked(self, wishes: Any, primer: Any = None) -> Any:
        """The context of a new piece, after the primer's if there is one."""

    def whole_bars(self, context: Any) -> int:
        """Where the last bar of a context ends, ticks."""
        return int(context.end)

    def rules(self, wishes: Any, context: Any) -> Automaton:
        """The grammar and the wishes as one automaton."""
        return self.grammar(context.end)

    # -- augmentation

    def compass(self, indices: Steps) -> tuple[int, int]:
        """How many semitones down and up a piece may be transposed."""
        return -127, 127

    def transposed(self, indices: Steps, semitones: Steps) -> Steps:
        """Steps `int[..., F]`, or what stands `int[..., F + memory]`, of the same music, higher by `semitones`."""
        return indices

    def transposed_timeline(self, rows: Steps, semitones: Steps) -> Steps:
        """Timeline rows `int[..., K]` of the same music, higher by `semitones` `int[...]`."""
        return rows
