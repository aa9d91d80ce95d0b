"""What the `events` encoding remembers of the steps before: what sounds now, and what was struck last.

Behind the five fields stand: the clock of the step before, its instrument, how many notes were struck
on its tick, and `SLOTS` notes, each as its voice (128 instrument + pitch), start and end in ticks. A
new note takes the slot of the note that ended or will end first, so a long note is not forgotten
while short ones pass. An empty slot has end 0.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from musicgen.music.encodings.encoding import Array, Steps
from musicgen.music.encodings.events.grid import DURATION, DURATIONS, FIELDS, INSTRUMENT, NO_PITCH, ONSET, PITCH
from musicgen.music.instruments import DRUMS

SLOTS = 16
CLOCK, PLAYER, STRUCK = range(len(FIELDS), len(FIELDS) + 3)
VOICES, STARTS, ENDS = (slice(first, first + SLOTS) for first in range(STRUCK + 1, STRUCK + 1 + 3 * SLOTS, SLOTS))
COLUMNS = 3 + 3 * SLOTS
LENGTHS = np.append(DURATIONS, 0).astype(np.int32)  # ticks of each duration's index, 0 of one not yet set
_PLACES = np.arange(SLOTS, dtype=np.int32)


class Sounding(NamedTuple):
    """The remembered notes, `int32[..., SLOTS]`."""

    voices: Array
    starts: Array
    ends: Array


def notes(standing: Array) -> Sounding:
    """The remembered notes in what stands."""
    return Sounding(standing[..., VOICES], standing[..., STARTS], standing[..., ENDS])


def folded(operation: Any, column: Array) -> Array:
    """An operation on two arrays over all slots, half with half: `[..., SLOTS]` -> `[...]`.

    (numpy reduces many short rows slowly; a slot more or less is a power of two.)
    """
    size = SLOTS
    while size > 1:
        size //= 2
        column = operation(column[..., :size], column[..., size:])
    return column[..., 0]


def remembered(xp: Any, clock: Array, standing: Array) -> Array:
    """What stands after a step that ends at `clock`; see `Encoding.remembered`."""
    known, fields = notes(standing), standing[..., : len(FIELDS)]
    is_note = standing[..., DURATION] > 0
    slot = xp.equal(_PLACES, xp.argmin(known.ends, axis=-1)[..., None])
    put = xp.logical_and(slot, is_note[..., None])
    voice = standing[..., INSTRUMENT] * NO_PITCH + standing[..., PITCH]
    end = clock + xp.take(LENGTHS, standing[..., DURATION], axis=0)
    same_tick = xp.where(xp.equal(standing[..., ONSET], 0), standing[..., STRUCK], 0)
    struck = xp.where(is_note, same_tick + 1, 0)
    head = xp.stack([clock, standing[..., INSTRUMENT], struck], axis=-1)
    new = (voice[..., None], clock[..., None], end[..., None])
    slots = (xp.where(put, fresh, old) for fresh, old in zip(new, known, strict=True))
    return xp.concatenate([fields, head, *slots], axis=-1)


def after_note(xp: Any, standing: Array) -> Array:
    """Whether the step before was a note, and not a rest or none; the duration that stands is still its own."""
    return xp.logical_and(standing[..., DURATION] > 0, standing[..., DURATION] < len(DURATIONS))


def tied(xp: Any, standing: Array) -> Array:
    """Whether the step being set, of which the onset is set, stands on the tick of the note before it."""
    return xp.logical_and(after_note(xp, standing), xp.equal(standing[..., ONSET], 0))


def last_of_player(xp: Any, clock: Array, standing: Array) -> Array:
    """The highest pitch that the standing instrument struck last, before this tick; `NO_PITCH` if there is none."""
    known = notes(standing)
    mine = xp.equal(known.voices // NO_PITCH, standing[..., INSTRUMENT][..., None])
    before = xp.logical_and(known.ends > 0, known.starts < clock[..., None])
    place = known.starts * NO_PITCH + known.voices % NO_PITCH
    latest = folded(xp.maximum, xp.where(xp.logical_and(mine, before), place, -1))
    return xp.where(latest < 0, NO_PITCH, latest % NO_PITCH)


def transposed(standing: Steps, semitones: Steps) -> Steps:
    """Fields and memory with all pitches but drums' higher by `semitones`; they stay within MIDI's by octaves."""
    standing, up = standing.copy(), np.asarray(semitones)
    pitch, instrument = standing[..., PITCH], standing[..., INSTRUMENT]
    standing[..., PITCH] = np.where((instrument < DRUMS) & (pitch < NO_PITCH), _within(pitch + up), pitch)
    if standing.shape[-1] > len(FIELDS):
        voices = standing[..., VOICES]
        moved = voices - voices % NO_PITCH + _within(voices % NO_PITCH + up[..., None])
        pitched = (standing[..., ENDS] > 0) & (voices < DRUMS * NO_PITCH)
        standing[..., VOICES] = np.where(pitched, moved, voices)
    return standing


def _within(pitches: Steps) -> Steps:
    """Pitches, by octaves within MIDI's."""
    return np.where(pitches < 0, pitches % 12, np.where(pitches >= NO_PITCH, 116 + (pitches - 116) % 12, pitches))
