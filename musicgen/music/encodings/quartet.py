"""Four voices in frames: their values, what is remembered of them, and what a network sees of that.

`hold` hides the pitch that goes on, so it is remembered: what sounded in each voice in the last 16
frames, newest first, and for how many frames each voice has held. A voice's *present* is what
sounds as far as this frame is set: the value that is set, what it holds on to, or the frame before.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from musicgen.music.encodings.encoding import Array, Steps, View
from musicgen.music.tunes import HIGHEST, LOWEST
from musicgen.music.vocabulary import Field
from musicgen.music.voices import HOLD, REST

ORDER = ("soprano", "alto", "tenor", "bass")  # in which the voices of a frame are set
VALUES = (HOLD, REST, *range(LOWEST, HIGHEST + 1))
FIELDS = tuple(Field(voice, VALUES, "MIDI pitch that begins; hold goes on") for voice in ORDER)
HELD, RESTING, FIRST = range(3)  # indices of hold, of rest, of the lowest pitch
SIZE, COUNT = len(VALUES), len(ORDER)
BACK = 16  # frames that are remembered
LONG = 15  # frames of a note or rest that are told apart
MEMORY = COUNT * BACK + COUNT
LAGS = (1, 4, 8, 16)  # frames back that a network sees
WIDEST = 24  # semitones: the widest interval that has a name of its own
BEATS, IN_BEAT = 8, 4  # beats of a bar that are told apart, frames in one

_INDEX = np.arange(SIZE)
_PITCH = np.where(_INDEX >= FIRST, _INDEX - FIRST + LOWEST, -1)
_CLASS = np.where(_INDEX >= FIRST, _PITCH % 12, 12).astype(np.int32)
_CLASSES = np.eye(13, dtype=np.float32)
_OCTAVES = np.eye(10, dtype=np.float32)[np.maximum(_PITCH, 0) // 12]
_NAMED = np.concatenate([_CLASSES[_CLASS], _OCTAVES], axis=1)  # a pitch as class and octave
_AGES = np.eye(LONG + 1, dtype=np.float32)
_PLACES = (np.eye(BEATS, dtype=np.float32), np.eye(IN_BEAT, dtype=np.float32))
_PAIRS = tuple(zip(*((a, b) for a in range(COUNT) for b in range(a)), strict=True))
WIDTH = BEATS + IN_BEAT + COUNT * (_NAMED.shape[1] + 13 * len(LAGS) + LONG + 1) + 13 * len(_PAIRS[0])


# -- memory


def remembered(xp: Any, standing: Array) -> Array:
    """What stands after a frame, with that frame among what is remembered."""
    fields, ages = standing[..., :COUNT], standing[..., COUNT + COUNT * BACK :]
    ages = xp.where(xp.equal(fields, HELD), xp.minimum(ages + 1, LONG), 0)
    recent = standing[..., COUNT : COUNT * BACK]  # all frames but the oldest
    return xp.concatenate([fields, present(xp, standing), recent, ages], axis=-1)


def present(xp: Any, standing: Array) -> Array:
    """What sounds in each voice as far as this frame is set, `int32[..., 4]`; `HELD` is nothing yet."""
    fields = standing[..., :COUNT]
    is_set = xp.logical_and(fields > HELD, fields < SIZE)
    return xp.where(is_set, fields, before(standing, 1))


def before(standing: Array, lag: int) -> Array:
    """What sounded in each voice `lag` frames ago, 1 to 16, `int32[..., 4]`; `HELD` is nothing yet."""
    return standing[..., COUNT * lag : COUNT * (lag + 1)]


# -- features


def features(xp: Any, place: Array, standing: Array) -> Array:
    """Place in the bar; what sounds and how long it has; what sounded some frames ago; the chord's intervals.

    Args:
        place: frames since the last bar line, `int32[...]`.
    """
    now = present(xp, standing)
    then = xp.concatenate([before(standing, lag) for lag in LAGS], axis=-1)
    high, low = (xp.take(now, np.array(side), axis=-1) for side in _PAIRS)
    known = xp.logical_and(high >= FIRST, low >= FIRST)
    parts = [
        xp.take(_PLACES[0], xp.minimum(place // IN_BEAT, BEATS - 1), axis=0),
        xp.take(_PLACES[1], place % IN_BEAT, axis=0),
        _rows(xp, _NAMED, now),
        _rows(xp, _CLASSES[_CLASS], then),
        _rows(xp, _AGES, standing[..., COUNT + COUNT * BACK :]),
        _rows(xp, _CLASSES, xp.where(known, (high - low) % 12, 12)),
    ]
    return xp.concatenate(parts, axis=-1)


def _rows(xp: Any, table: Array, indices: Array) -> Array:
    """Rows of `table` `(n, d)` for indices `(..., m)`, side by side: `(..., m * d)`."""
    found = xp.take(table, indices, axis=0)
    return xp.reshape(found, (-1, *found.shape[1:-2], found.shape[-2] * found.shape[-1]))


# -- views


def views() -> tuple[tuple[View, ...], ...]:
    """Each voice by its interval to its own pitch before and to the voices already set, and by pitch class."""
    by_interval, by_class = _by_interval(), View(12, np.arange(13)[None].astype(np.int32), _CLASS)
    return tuple((by_class, *(by_interval,) * (field + 1)) for field in range(COUNT))


def keys(xp: Any, field: int, standing: Array) -> Array:
    """The key of each view of a field."""
    now = present(xp, standing)
    own = before(standing, 1)[..., field : field + 1]
    return xp.concatenate([xp.zeros_like(own), own, now[..., :field]], axis=-1)


def _by_interval() -> View:
    """Pitches by their interval to another, the key."""
    interval, names = _INDEX - _INDEX[:, None], 2 * WIDEST + 3
    known = (_INDEX >= FIRST) & (_INDEX[:, None] >= FIRST)
    named = np.where(known, np.clip(interval, -WIDEST - 1, WIDEST + 1) + WIDEST + 1, names)
    return View(names, named.astype(np.int32), _INDEX.astype(np.int32))


# -- augmentation


def transposed(indices: Steps, semitones: Steps) -> Steps:
    """Values, or what stands, higher by `semitones`; pitches stay within the vocabulary by octaves."""
    pitches = indices[..., : COUNT + COUNT * BACK]
    moved = pitches + np.asarray(semitones)[..., None]
    moved = np.where(moved < FIRST, FIRST + (moved - FIRST) % 12, moved)
    moved = np.where(moved >= SIZE, SIZE - 12 + (moved - SIZE) % 12, moved)
    higher = np.where((pitches >= FIRST) & (pitches < SIZE), moved, pitches)
    return np.concatenate([higher, indices[..., COUNT + COUNT * BACK :]], axis=-1).astype(indices.dtype)
