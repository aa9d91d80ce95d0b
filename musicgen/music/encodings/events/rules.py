"""The rules of the `events` encoding: what may follow what.

The automaton knows rests, which instruments are wished for, how long a note may last, and when no
larger instrument is left for a tick. `narrowed` knows what stands: notes of one tick ascend, by
instrument and then by pitch, and are at most `MOST`; and a pitch that its instrument still sounds, as
far as that is remembered, is not struck again. Ascending is what brings the notes of a tick to an end.

That `narrowed` leaves something to choose: an onset above 0 may always follow. Onset 0 may follow a
note (i, p) only if i sounds not all of the pitches above p (`narrowed`) and i is not above the highest
instrument t that is wished for (the automaton's state FULL). So i < t, and t may follow; or i = t, and
i may follow. Then (i, p) has a pitch above it; and of any other instrument, or on a new tick, at least
one of 128 pitches is left, because fewer sounds are remembered.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from musicgen.music.constraints import Automaton, Mask
from musicgen.music.encodings.encoding import Array
from musicgen.music.encodings.events import memory
from musicgen.music.encodings.events.grid import (
    DURATION,
    DURATIONS,
    FIELDS,
    INSTRUMENT,
    LONGEST,
    MOST,
    NO_PITCH,
    NO_PLAYER,
    ONSET,
    PITCH,
)

NOTE, FULL, RESTING = STATES = range(3)  # FULL: no larger instrument is left
_SIZES = tuple(len(field) for field in FIELDS)
_INDICES = [np.arange(size, dtype=np.int32) for size in _SIZES]


def automaton(end: int, wished: Mask) -> Automaton:
    """Rests are whole, notes are of instruments `wished` `bool[129]` and end by `end`."""
    left = end - np.arange(end + 1)
    kind = np.searchsorted(DURATIONS[1:], left, side="right")  # the class of a clock: how many durations fit
    return Automaton(_allowed(wished), _following(int(np.flatnonzero(wished).max(initial=0))), kind.astype(np.int32))


def _allowed(wished: Mask) -> tuple[Mask, ...]:
    """Per field `bool[S, K, V]`."""
    allowed = []
    for field, size in enumerate(_SIZES):
        may = np.ones((len(STATES), len(DURATIONS), size), bool)
        if field != ONSET:
            rest = (NO_PLAYER, NO_PITCH, 0, 0)[field - 1]
            may[:, :, rest] = False
            may[RESTING] = may[:, 0] = _INDICES[field] == rest  # at the end: rests only
        allowed.append(may)
    allowed[ONSET][:, 0] = _INDICES[ONSET] == LONGEST
    allowed[ONSET][FULL, :, 0] = False
    allowed[INSTRUMENT][:RESTING, 1:] = np.append(wished, False)
    fits = _INDICES[DURATION] <= np.arange(len(DURATIONS))[:, None]
    allowed[DURATION][:RESTING] &= fits
    return tuple(allowed)


def _following(top: int) -> tuple[npt.NDArray[np.int32], ...]:
    """Per field the state after each value, `int32[S, V]`; `top` is the highest instrument that is wished for."""
    after = [np.tile(np.array(STATES)[:, None], (1, size)) for size in _SIZES]
    after[ONSET][:] = np.where(_INDICES[ONSET] == LONGEST, RESTING, NOTE)
    after[INSTRUMENT][:RESTING, top + 1 : NO_PLAYER] = FULL  # a primer's, above all that is wished for
    return tuple(table.astype(np.int32) for table in after)


def narrowed(xp: Any, field: int, standing: Array) -> Array | None:
    """Which values may follow what stands; see the module."""
    if field == ONSET:
        return xp.logical_or(_INDICES[ONSET] > 0, _has_room(xp, standing)[..., None])
    if field == INSTRUMENT:
        return _from(xp, INSTRUMENT, memory.tied(xp, standing), standing[..., INSTRUMENT])
    if field == PITCH:
        same = xp.equal(standing[..., INSTRUMENT], standing[..., memory.PLAYER])
        tied = xp.logical_and(memory.tied(xp, standing), same)
        clock = standing[..., memory.CLOCK] + standing[..., ONSET]
        return xp.logical_and(_silent(xp, clock, standing), _from(xp, PITCH, tied, standing[..., PITCH] + 1))
    return None


def _has_room(xp: Any, standing: Array) -> Array:
    """Whether the tick of the note before may have another one, `bool[...]`; after a rest it may."""
    above = _INDICES[PITCH] > standing[..., PITCH][..., None]
    silent = _silent(xp, standing[..., memory.CLOCK], standing)
    left = xp.any(xp.logical_and(above, silent)[..., :NO_PITCH], axis=-1)
    room = xp.logical_and(left, standing[..., memory.STRUCK] < MOST)
    return xp.logical_or(room, xp.logical_not(memory.after_note(xp, standing)))


def _from(xp: Any, field: int, bound: Array, lowest: Array) -> Array:
    """Values from `lowest` on where `bound`, else all, `bool[..., V]`."""
    return xp.logical_or(_INDICES[field] >= lowest[..., None], xp.logical_not(bound)[..., None])


def _silent(xp: Any, clock: Array, standing: Array) -> Array:
    """The pitches that the standing instrument does not sound at `clock`, `bool[..., V]`."""
    known = memory.notes(standing)
    mine = xp.equal(known.voices // NO_PITCH, standing[..., INSTRUMENT][..., None])
    sounding = xp.logical_and(mine, known.ends > clock[..., None])
    pitches = xp.where(sounding, known.voices % NO_PITCH, -1)
    return xp.logical_not(xp.any(xp.equal(pitches[..., None], _INDICES[PITCH]), axis=-2))
