"""A score: what a music file says, as columns.

Everything a file holds that we use stands here once, in plain numpy arrays with one row per
event and one column per property, sorted by time. A Score knows no file format (`files` does)
and no vocabulary (`encodings` do).

Conventions: times are integer ticks since the start, `resolution` ticks to a quarter note.
Pitches, programs, controllers and velocities are MIDI's numbers (0 to 127); channels are 0 to 15.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from musicgen.errors import ShapeError

NOTE = np.dtype([("start", "i8"), ("duration", "i8"), ("pitch", "u1"), ("velocity", "u1")])
CONTROLLER = np.dtype([("tick", "i8"), ("number", "u1"), ("value", "u1")])
BEND = np.dtype([("tick", "i8"), ("value", "i2")])  # -8192 to 8191
TEMPO = np.dtype([("tick", "i8"), ("microseconds", "i8")])  # microseconds per quarter note
METRE = np.dtype([("tick", "i8"), ("numerator", "u1"), ("denominator", "u1")])
KEY = np.dtype([("tick", "i8"), ("sharps", "i1"), ("minor", "?")])  # sharps < 0: flats

Table = npt.NDArray[Any]


class Text(NamedTuple):
    """Words at a time: a marker, a lyric or a text event."""

    tick: int
    text: str


def table(dtype: np.dtype[Any], rows: Iterable[Any] | Table = ()) -> Table:
    """`rows` (tuples or an array of that dtype) as a sorted, read-only array of `dtype`."""
    rows = rows if isinstance(rows, np.ndarray) else list(rows)
    if isinstance(rows, np.ndarray) and rows.dtype != dtype:
        raise ShapeError(f"expected columns {dtype.names}. Received: {rows.dtype}")
    array = np.array(rows, dtype=dtype)
    names = dtype.names or ()
    array = array[np.lexsort([array[name] for name in _sorting(names)[::-1]])]
    array.setflags(write=False)
    return array


def _sorting(names: tuple[str, ...]) -> tuple[str, ...]:
    """Notes sort by start, pitch, duration, velocity; all else by time alone, stably."""
    return ("start", "pitch", "duration", "velocity") if names == NOTE.names else names[:1]


@dataclass(frozen=True, eq=False)
class Track:
    """One instrument's events.

    Attributes:
        name: as the file gives it, `""` if it gives none.
        channel: MIDI channel, 0 to 15 (9 is percussion).
        program: General MIDI program, 0 to 127.
        notes: columns of `NOTE`, sorted by start, then pitch.
        controllers, bends: columns of `CONTROLLER` and `BEND`.
        lyrics: words under the notes.
    """

    name: str = ""
    channel: int = 0
    program: int = 0
    notes: Table = field(default_factory=partial(table, NOTE))
    controllers: Table = field(default_factory=partial(table, CONTROLLER))
    bends: Table = field(default_factory=partial(table, BEND))
    lyrics: tuple[Text, ...] = ()

    @property
    def is_drum(self) -> bool:
        """Whether the pitches name drums (General MIDI's channel 10)."""
        return self.channel == 9

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Track) and _same(self, other)

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True, eq=False)
class Score:
    """A piece of music, free of any file format.

    Attributes:
        resolution: ticks per quarter note.
        tracks: the instruments, in the file's order.
        tempos, metres, keys: columns of `TEMPO`, `METRE`, `KEY`; before the first row MIDI's
            defaults hold (120 quarters a minute, 4/4, no key).
        markers: section names and chord symbols.
        texts: any other words.
    """

    resolution: int = 480
    tracks: tuple[Track, ...] = ()
    tempos: Table = field(default_factory=partial(table, TEMPO))
    metres: Table = field(default_factory=partial(table, METRE))
    keys: Table = field(default_factory=partial(table, KEY))
    markers: tuple[Text, ...] = ()
    texts: tuple[Text, ...] = ()

    @property
    def end(self) -> int:
        """Tick at which the last note ends; 0 without notes."""
        return max(
            (int((t.notes["start"] + t.notes["duration"]).max()) for t in self.tracks if len(t.notes)), default=0
        )

    @property
    def tempo_bpm(self) -> float:
        """Quarter notes per minute at the start."""
        return 60e6 / float(self.tempos["microseconds"][0]) if len(self.tempos) else 120.0

    def with_tracks(self, *tracks: Track) -> Score:
        """The same piece with other tracks."""
        return replace(self, tracks=tracks)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Score) and _same(self, other)

    __hash__ = None  # type: ignore[assignment]


def _same(one: Any, other: Any) -> bool:
    """Equal field by field, arrays by their values."""
    return all(
        np.array_equal(a, b) if isinstance(a, np.ndarray) else a == b
        for a, b in ((getattr(one, name), getattr(other, name)) for name in one.__dataclass_fields__)
    )
