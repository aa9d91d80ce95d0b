"""What a network sees of a piece in the `events` encoding, and how values are called relative to it.

Timeline columns: tick of the change; start of the bar count and ticks per bar; quarters per minute;
families of the instruments, 17 bits; class of the density. The last two are of the whole piece, and
0 where they are not told: a network learns from pieces of which every other stretch of `STRETCH`
ticks does not tell the one, and every other two stretches the other, so it can be asked with both,
with one, or with none.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from musicgen.music.encodings import timeline, views
from musicgen.music.encodings.encoding import Array, Steps, View
from musicgen.music.encodings.events import memory
from musicgen.music.encodings.events.grid import (
    DURATION,
    DURATIONS,
    INSTRUMENT,
    LONGEST,
    NO_PITCH,
    NO_PLAYER,
    ONSET,
    PITCH,
    RESOLUTION,
    VELOCITIES,
    VELOCITY,
)
from musicgen.music.encodings.timeline import BAR_START, BAR_TICKS, TEMPO_BPM, TICK
from musicgen.music.instruments import DRUMS
from musicgen.music.score import Score

PLAYERS, DENSITY = TEMPO_BPM + 1, TEMPO_BPM + 2
HALF = 2 * RESOLUTION  # ticks
STRETCH = 8 * 4 * RESOLUTION  # ticks: eight bars of 4/4
FAMILIES = 17  # of eight programs each, and drums
_DENSITIES = np.array([0.75, 1.25, 1.75, 2.5, 3.5, 5, 8])  # notes in a quarter, between the classes
_NEAR = 8  # velocities: how far from the one before is told apart

_EYES = {size: np.eye(size, dtype=np.float32) for size in (4, 8, 9, 18, 24)}
_BITS = (np.arange(4096)[:, None] >> np.arange(12) & 1).astype(np.float32)
_CLASS = np.append(1 << np.arange(NO_PITCH) % 12, 0).astype(np.int32)  # pitch class of each pitch, as bits
_OUTER = np.concatenate([np.eye(12), np.zeros((1, 12))]).astype(np.float32)  # pitch class of a pitch, or of none
WIDTH = 24 + 8 + 4 + 9 + 18 + 12 + 5 + 9 + 3 * 12 + 9 + 9


def density_class(density: float) -> int:
    """1 to 8, by how many notes there are in a quarter."""
    return 1 + int(np.searchsorted(_DENSITIES, density, side="right"))


def families(instruments: Any) -> int:
    """The families of some instruments, as bits."""
    return int(np.bitwise_or.reduce(1 << np.asarray(instruments, int) // 8))


def told(frame: Score, players: int, density: int) -> npt.NDArray[np.int32]:
    """The timeline of a frame with instruments and density told from beginning to end."""
    rows = timeline.timeline(frame)[:, : TEMPO_BPM + 1]
    return np.column_stack([rows, np.tile([players, density], (len(rows), 1))]).astype(np.int32)


def told_in_part(frame: Score, players: int, density: int, end: int, first: int) -> npt.NDArray[np.int32]:
    """The same with instruments and density told in some stretches, to learn from; `first` says which begin."""
    whole = told(frame, players, density)
    ticks = np.union1d(whole[:, TICK], np.arange(0, end, STRETCH))
    rows = whole[np.searchsorted(whole[:, TICK], ticks, side="right") - 1]
    stretch = ticks // STRETCH + first
    rows[:, TICK] = ticks
    rows[:, DENSITY] *= 1 - stretch % 2
    rows[:, PLAYERS] *= 1 - stretch // 2 % 2
    return rows


def features(xp: Any, rows: Array, clock: Array, standing: Array) -> Array:
    """Place in bar and form, tempo, what the piece is told to be, what sounds, what was struck on this tick."""
    bar_clock, bar = clock - rows[..., BAR_START], rows[..., BAR_TICKS]
    place, players = bar_clock % bar, rows[..., PLAYERS]
    sounding = memory.notes(standing).ends > clock[..., None]
    pitches = _pitches(xp, sounding, standing)
    classes = memory.folded(xp.bitwise_or, xp.take(_CLASS, pitches, axis=0))
    number = memory.folded(xp.add, xp.where(sounding, 1, 0))
    struck = xp.where(xp.equal(clock, standing[..., memory.CLOCK]), standing[..., memory.STRUCK], 0)
    parts = [
        _one_hot(xp, place % RESOLUTION, 24),
        _one_hot(xp, xp.minimum(place // RESOLUTION, 7), 8),
        _one_hot(xp, bar_clock // bar % 4, 4),
        _one_hot(xp, xp.minimum(bar // RESOLUTION, 8), 9),
        _one_hot(xp, xp.clip(rows[..., TEMPO_BPM] // 20, 0, 17), 18),
        xp.take(_BITS, players % 4096, axis=0),
        xp.take(_BITS, players // 4096, axis=0)[..., : FAMILIES - 12],
        _one_hot(xp, rows[..., DENSITY], 9),
        xp.take(_BITS, classes, axis=0),
        xp.take(_OUTER, _lowest(xp, pitches), axis=0),
        xp.take(_OUTER, _highest(xp, pitches), axis=0),
        _one_hot(xp, xp.minimum(number, 8), 9),
        _one_hot(xp, xp.minimum(struck, 8), 9),
    ]
    return xp.concatenate(parts, axis=-1)


def _pitches(xp: Any, sounding: Array, standing: Array) -> Array:
    """The pitches that sound, `int32[..., SLOTS]`; `NO_PITCH` for a drum and for a slot that is silent."""
    voices = memory.notes(standing).voices
    return xp.where(xp.logical_and(sounding, voices < DRUMS * NO_PITCH), voices % NO_PITCH, NO_PITCH)


def _lowest(xp: Any, pitches: Array) -> Array:
    """Pitch class of the lowest pitch, 12 where there is none."""
    pitch = memory.folded(xp.minimum, pitches)
    return xp.where(xp.equal(pitch, NO_PITCH), 12, pitch % 12)


def _highest(xp: Any, pitches: Array) -> Array:
    """Pitch class of the highest pitch, 12 where there is none."""
    pitch = memory.folded(xp.maximum, xp.where(xp.equal(pitches, NO_PITCH), -1, pitches))
    return xp.where(pitch < 0, 12, pitch % 12)


def _one_hot(xp: Any, indices: Array, size: int) -> Array:
    return xp.take(_EYES[size], indices, axis=0)


# Views, and the key of each.


@lru_cache
def all_views() -> tuple[tuple[View, ...], ...]:
    """Per field; `keys` has their order."""
    place, gap, interval = views.by_place(HALF, LONGEST), views.by_gap(LONGEST), views.by_interval(NO_PITCH)
    degree = views.by_degree(NO_PITCH)
    ends_at = place._replace(groups=np.where(DURATIONS == 0, HALF, DURATIONS % HALF).astype(np.int32))
    return (
        (place, gap, gap),
        (_by_family(), _by_order(NO_PLAYER + 1, NO_PLAYER)),
        (_twice(interval), interval, degree, degree, _by_drum()),
        (ends_at, _by_order(len(DURATIONS), 0)),
        (_by_change(len(VELOCITIES)),),
    )


def keys(xp: Any, field: int, rows: Array, clock: Array, standing: Array) -> Array:
    """The key of each view of a field, `int32[..., views]`."""
    if field == PITCH:
        return _pitch_keys(xp, clock, standing)
    place = (clock - rows[..., BAR_START]) % rows[..., BAR_TICKS] % HALF
    if field == ONSET:
        length = xp.take(memory.LENGTHS, standing[..., DURATION], axis=0)
        return xp.stack([place, xp.minimum(length, LONGEST), _until_silence(xp, clock, standing)], axis=-1)
    if field == INSTRUMENT:
        return xp.stack([xp.zeros_like(clock), _order_key(xp, standing, INSTRUMENT, NO_PLAYER + 2)], axis=-1)
    if field == DURATION:
        return xp.stack([place, _order_key(xp, standing, DURATION, len(DURATIONS) + 1)], axis=-1)
    return standing[..., VELOCITY][..., None]


def _pitch_keys(xp: Any, clock: Array, standing: Array) -> Array:
    """The pitch before, on this tick or an earlier one; that of this instrument; any and the lowest class; drums."""
    drums, before = xp.equal(standing[..., INSTRUMENT], DRUMS), standing[..., PITCH]
    either = xp.logical_or(drums, xp.equal(standing[..., memory.PLAYER], DRUMS))
    sounding = memory.notes(standing).ends > clock[..., None]
    found = (
        xp.where(either, NO_PITCH, before + (NO_PITCH + 2) * xp.where(memory.tied(xp, standing), 1, 0)),
        xp.where(drums, NO_PITCH, memory.last_of_player(xp, clock, standing)),
        xp.where(drums, timeline.NO_ROOT, 0),
        xp.where(drums, timeline.NO_ROOT, _lowest(xp, _pitches(xp, sounding, standing))),
        xp.where(drums, 0, 1),
    )
    return xp.stack(found, axis=-1)


def _until_silence(xp: Any, clock: Array, standing: Array) -> Array:
    """Ticks until the next of the sounding notes ends, at most 96; 96 where none sounds."""
    left = memory.notes(standing).ends - clock[..., None]
    return memory.folded(xp.minimum, xp.where(left > 0, xp.minimum(left, LONGEST), LONGEST))


def _order_key(xp: Any, standing: Array, field: int, size: int) -> Array:
    """What stands in a field, on a new tick and on that of the note before."""
    return standing[..., field] + size * xp.where(memory.tied(xp, standing), 1, 0)


def _view(names: int, table: Steps, groups: Steps) -> View:
    return View(names, table.astype(np.int32), groups.astype(np.int32))


def _twice(view: View) -> View:
    """A view with other names where its keys are higher by as many as there are."""
    again = np.where(view.table == view.names, 2 * view.names, view.table + view.names)
    once = np.where(view.table == view.names, 2 * view.names, view.table)
    return _view(2 * view.names, np.concatenate([once, again]), view.groups)


def _by_family() -> View:
    """Instruments by their family; one key."""
    return _view(FAMILIES, np.arange(FAMILIES + 1)[None], np.append(np.arange(NO_PLAYER) // 8, FAMILIES))


def _by_order(size: int, rest: int) -> View:
    """Values as lower than, the same as or higher than the one before, on an earlier tick or on its own."""
    order = np.sign(np.arange(size) - np.arange(size + 1)[:, None]) + 1
    order[rest] = order[size] = order[:, rest] = 3
    return _twice(_view(3, order, np.arange(size)))


def _by_drum() -> View:
    """Pitches as drums, where the key is 0."""
    names = np.arange(NO_PITCH + 1)
    return _view(NO_PITCH, np.stack([names, np.full_like(names, NO_PITCH)]), names)


def _by_change(size: int) -> View:
    """Velocities by how much louder they are than the one before, the key; index 0 is a rest's."""
    change = np.arange(size) - np.arange(size + 1)[:, None]
    names = 2 * _NEAR + 3
    table = np.clip(change, -_NEAR - 1, _NEAR + 1) + _NEAR + 1
    table[0] = table[size] = table[:, 0] = names
    return _view(names, table, np.arange(size))
