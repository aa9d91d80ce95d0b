"""Four voices in frames: their values, what is remembered of them, and what a network sees of that.

`hold` hides the pitch that goes on, so it is remembered: what sounds in each voice, for how many
frames, and the frames before, four pitches in one number. Chorales say their lines twice, so the
memory also *recalls*: it finds the place where the longest stretch of the last frames stood before,
and what came next there; once for all four voices and once for the soprano alone, whose tune comes
back under other chords.

A voice's *present* is what sounds as far as this frame is set: the value that is set, what it holds
on to, or the frame before.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from musicgen.music.encodings.encoding import Array, Steps, View
from musicgen.music.tunes import HIGHEST, LOWEST
from musicgen.music.vocabulary import Field
from musicgen.music.voices import HOLD, REST

ORDER = ("soprano", "bass", "tenor", "alto")  # in which the voices of a frame are set: the outer ones say most
VALUES = (HOLD, REST, *range(LOWEST, HIGHEST + 1))
FIELDS = tuple(Field(voice, VALUES, "MIDI pitch that begins; hold goes on") for voice in ORDER)
HELD, RESTING, FIRST = range(3)  # indices of hold, of rest, of the lowest pitch; held at first is nothing
SIZE, COUNT = len(VALUES), len(ORDER)
LONG = 15  # frames of a note or rest that are told apart
SEARCHED = 192  # frames back where the last ones are looked for
ALIKE = 16  # frames that are compared
OCTAVES = 11  # at most, up or down, to transpose by
LAGS = (4, 8, 16)  # frames back that a network sees
WIDEST = 24  # semitones: the widest interval that has a name of its own
BEATS, IN_BEAT = 8, 4  # beats of a bar that are told apart, frames in one

# Columns of what stands: the fields, what sounds, for how long, what is recalled by all voices and by the soprano, how
# many frames were alike each time, and the frames before, newest first.
SOUNDING, AGES, BY_ALL, BY_SOPRANO = (slice(COUNT * n, COUNT * (n + 1)) for n in (1, 2, 3, 4))
RECALLED = slice(BY_ALL.start, BY_SOPRANO.stop)
LIKENESS = slice(RECALLED.stop, RECALLED.stop + 2)
FRAMES = slice(LIKENESS.stop, LIKENESS.stop + SEARCHED + ALIKE)
MEMORY = FRAMES.stop - COUNT

_SHIFTS = 7 * np.arange(COUNT)  # bits before each voice in the number of a frame
_PLACE = (2**_SHIFTS).astype(np.int32)
_WINDOWS = np.arange(1, SEARCHED + 1)[:, None] + np.arange(ALIKE)  # frames to compare with the last ones
_INDEX = np.arange(SIZE)
_PITCH = np.where(_INDEX >= FIRST, _INDEX - FIRST + LOWEST, -1)
_CLASSES = np.eye(13, dtype=np.float32)
_CLASS = np.where(_INDEX >= FIRST, _PITCH % 12, 12).astype(np.int32)
_NAMED = np.concatenate([_CLASSES[_CLASS], np.eye(10, dtype=np.float32)[np.maximum(_PITCH, 0) // 12]], axis=1)
_AGES, _BEATS, _IN_BEAT, _ALIKE, _SAME = (np.eye(n, dtype=np.float32) for n in (LONG + 1, BEATS, IN_BEAT, ALIKE + 1, 2))
_PAIRS = tuple(zip(*((a, b) for a in range(COUNT) for b in range(a)), strict=True))
WIDTH = (
    BEATS
    + IN_BEAT
    + COUNT * (_NAMED.shape[1] + LONG + 1 + 13 * (1 + len(LAGS)))
    + 2 * (COUNT * (13 + 2) + ALIKE + 1)
    + 13 * len(_PAIRS[0])
)


# -- memory


def remembered(xp: Any, standing: Array) -> Array:
    """What stands after a frame, with that frame among what is remembered."""
    fields, now = standing[..., :COUNT], present(xp, standing)
    ages = xp.where(xp.equal(fields, HELD), xp.minimum(standing[..., AGES] + 1, LONG), 0)
    newest = sum(now[..., v : v + 1] * place for v, place in enumerate(_PLACE))
    frames = xp.concatenate([newest, standing[..., FRAMES][..., :-1]], axis=-1)
    alike, nearest = _place_alike(xp, frames)
    alike_soprano, nearest_soprano = _place_alike(xp, frames // _PLACE[ORDER.index("soprano")] % 128)
    places, alike = (xp.concatenate(both, axis=-1) for both in ((nearest, nearest_soprano), (alike, alike_soprano)))
    following = xp.where(alike > 0, xp.take_along_axis(frames, places, axis=-1), 0)
    recalled = [voices(following[..., n : n + 1]) for n in range(2)]
    return xp.concatenate([fields, now, ages, *recalled, alike, frames], axis=-1)


def _place_alike(xp: Any, frames: Array) -> tuple[Array, Array]:
    """How many of the last frames were alike at the place most like now, and the frame that came next there.

    Args:
        frames: newest first, `int32[..., SEARCHED + ALIKE]`.

    Returns:
        `int32[..., 1]` each, the latter as a place in `frames`; of several places the last.
    """
    last = frames[..., None, :ALIKE]
    differs = xp.logical_or(xp.not_equal(xp.take(frames, _WINDOWS, axis=-1), last), xp.equal(last, 0))
    run = xp.where(differs, np.arange(ALIKE, dtype=np.int32), np.int32(ALIKE))
    run = xp.min(run, axis=-1)  # frames until the first that differs, [..., SEARCHED]
    alike = xp.max(run, axis=-1, keepdims=True)
    return alike, xp.expand_dims(xp.argmax(run, axis=-1), -1)


def voices(frame: Array) -> Array:
    """The number of a frame `int32[..., 1]` as its four pitches `int32[..., 4]`."""
    return frame // _PLACE % 128


def present(xp: Any, standing: Array) -> Array:
    """What sounds in each voice as far as this frame is set, `int32[..., 4]`; `HELD` is nothing yet."""
    fields = standing[..., :COUNT]
    is_set = xp.logical_and(fields > HELD, fields < SIZE)
    return xp.where(is_set, fields, standing[..., SOUNDING])


def before(standing: Array, lag: int) -> Array:
    """What sounded in each voice `lag` frames ago, `int32[..., 4]`; `HELD` is nothing yet."""
    return voices(standing[..., FRAMES.start + lag - 1 : FRAMES.start + lag])


# -- features


def features(xp: Any, place: Array, standing: Array) -> Array:
    """Place in the bar; what sounds, since when, in which chord; what sounded before; what is recalled.

    Args:
        place: frames since the last bar line, `int32[...]`.
    """
    now, recalled = present(xp, standing), standing[..., RECALLED]
    twice = xp.concatenate([now, now], axis=-1)
    then = [standing[..., SOUNDING], *(before(standing, lag) for lag in LAGS), recalled]
    parts = [
        xp.take(_BEATS, xp.minimum(place // IN_BEAT, BEATS - 1), axis=0),
        xp.take(_IN_BEAT, place % IN_BEAT, axis=0),
        _rows(xp, _NAMED, now),
        _rows(xp, _AGES, standing[..., AGES]),
        _rows(xp, _CLASSES[_CLASS], xp.concatenate(then, axis=-1)),
        _rows(xp, _SAME, xp.where(xp.equal(twice, recalled), 1, 0)),
        _rows(xp, _CLASSES, _intervals(xp, now)),
        _rows(xp, _ALIKE, standing[..., LIKENESS]),
    ]
    return xp.concatenate(parts, axis=-1)


def _intervals(xp: Any, now: Array) -> Array:
    """Semitones between every two voices, 0 to 11, or 12 where one rests: `int32[..., 6]`."""
    high, low = (xp.take(now, np.array(side), axis=-1) for side in _PAIRS)
    known = xp.logical_and(high >= FIRST, low >= FIRST)
    return xp.where(known, (high - low) % 12, 12)


def _rows(xp: Any, table: Array, indices: Array) -> Array:
    """Rows of `table` `(n, d)` for indices `(..., m)`, side by side: `(..., m * d)`."""
    found = xp.take(table, indices, axis=0)
    return xp.reshape(found, (-1, *found.shape[1:-2], found.shape[-2] * found.shape[-1]))


# -- views


def views() -> tuple[tuple[View, ...], ...]:
    """Each voice by pitch class, as what is recalled, by its interval to its pitch before and to the voices set."""
    by_class, recalled, by_interval = (
        View(12, np.arange(13)[None].astype(np.int32), _CLASS),
        _as_recalled(),
        _interval(),
    )
    return tuple((by_class, recalled, recalled, *(by_interval,) * (field + 1)) for field in range(COUNT))


def keys(xp: Any, field: int, standing: Array) -> Array:
    """The key of each view of a field."""
    own, recalled = standing[..., SOUNDING][..., field : field + 1], standing[..., RECALLED][..., field::COUNT]
    known = xp.where(xp.equal(recalled, HELD), SIZE, xp.where(xp.equal(recalled, own), HELD, recalled))
    return xp.concatenate([xp.zeros_like(own), known, own, present(xp, standing)[..., :field]], axis=-1)


def _as_recalled() -> View:
    """The one value that is the key; `SIZE` is none."""
    return View(1, (np.arange(SIZE + 1)[:, None] != _INDEX).astype(np.int32), _INDEX.astype(np.int32))


def _interval() -> View:
    """Pitches by their interval to another, the key."""
    interval, names = _INDEX - _INDEX[:, None], 2 * WIDEST + 3
    known = (_INDEX >= FIRST) & (_INDEX[:, None] >= FIRST)
    named = np.where(known, np.clip(interval, -WIDEST - 1, WIDEST + 1) + WIDEST + 1, names)
    return View(names, named.astype(np.int32), _INDEX.astype(np.int32))


# -- augmentation


def transposed(indices: Steps, semitones: Steps) -> Steps:
    """Values, or what stands, higher by `semitones`; pitches stay within the vocabulary by octaves."""
    up = np.asarray(semitones)[..., None] + OCTAVES * 12
    parts = [_HIGHER[up, indices[..., :COUNT]]]
    if indices.shape[-1] > COUNT:
        frames = indices[..., FRAMES]
        moved = [_HIGHER[up, frames >> shift & 127] << shift for shift in _SHIFTS]
        parts += [_HIGHER[up, indices[..., SOUNDING]], indices[..., AGES], _HIGHER[up, indices[..., RECALLED]]]
        parts += [indices[..., LIKENESS], np.sum(moved, axis=0)]
    return np.concatenate(parts, axis=-1).astype(indices.dtype)


def _transpositions() -> Steps:
    """Each value's index when higher by -OCTAVES to OCTAVES octaves, `int32[semitones, 128]`."""
    up, index = np.ogrid[-OCTAVES * 12 : OCTAVES * 12 + 1, :128]
    moved = index + up
    moved = np.where(moved < FIRST, FIRST + (moved - FIRST) % 12, moved)
    moved = np.where(moved >= SIZE, SIZE - 12 + (moved - SIZE) % 12, moved)
    return np.where((index >= FIRST) & (index < SIZE), moved, index).astype(np.int32)


_HIGHER = _transpositions()
