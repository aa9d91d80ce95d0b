"""The grid of the `events` encoding: which values its fields have, and the notes of any score on it.

Every note of every track is one row of integers. What does not fit is made to, in this order:

- a note that ends while the sustain pedal of its channel is down (controller 64, from value 64 on)
  lasts until the pedal is lifted; drums have no pedal;
- times go to the nearest of 24 ticks a quarter note, durations to the nearest of `DURATIONS`;
- of notes of one instrument and pitch on one tick only the loudest stays, then the longest;
- of more than `MOST` notes on one tick the loudest stay, then the longest, then the lowest;
- a note still sounding when its instrument strikes its pitch again ends there or a little before, at
  the next shorter of `DURATIONS`. (A MIDI file could not tell such notes apart.)

A second time, all this changes nothing.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from musicgen.errors import InputError
from musicgen.music.encodings.encoding import Steps
from musicgen.music.instruments import DRUMS, NAMES
from musicgen.music.score import NOTE, Score, Table, Track, table
from musicgen.music.vocabulary import Field

RESOLUTION = 24  # ticks per quarter note
LONGEST = 96  # ticks: the wait of a rest step
MOST = 16  # notes on one tick
FARTHEST = 2**22  # ticks: the longest piece, a day and a night at 120 quarters a minute
NO_PLAYER = DRUMS + 1  # a rest's place among the instruments
NO_PITCH = 128  # a rest's place among the pitches
LOUDNESS = 4  # MIDI velocities that are one value
SUSTAIN = 64  # the pedal's controller, and the value from which it is down
DRUM_CHANNEL = 9
CHANNELS = tuple(channel for channel in range(16) if channel != DRUM_CHANNEL)

ONSET, INSTRUMENT, PITCH, DURATION, VELOCITY = range(5)
DURATIONS = np.array([*range(49), *range(54, 97, 6), *range(108, 193, 12), *range(216, 385, 24)])
VELOCITIES = np.array([0, *range(LOUDNESS // 2, 128, LOUDNESS)])
REST = (LONGEST, NO_PLAYER, NO_PITCH, 0, 0)
FIELDS = (
    Field("onset", tuple(range(LONGEST + 1)), "ticks since the onset before; 96 is a rest", moves_clock=True),
    Field("instrument", tuple(range(NO_PLAYER + 1)), "General MIDI program from 0; 128 is drums, 129 a rest"),
    Field("pitch", tuple(range(NO_PITCH + 1)), "MIDI pitch, or drum; 128 is a rest"),
    Field("duration", tuple(DURATIONS.tolist()), "ticks; 0 is a rest's"),
    Field("velocity", tuple(VELOCITIES.tolist()), "MIDI velocity; 0 is a rest's"),
)
_HALFWAY = (DURATIONS[2:] + DURATIONS[1:-1]) / 2


class Grid(NamedTuple):
    """The notes of a score, in the order of their steps; all columns `(notes,)`."""

    starts: Steps  # ticks
    instruments: Steps
    pitches: Steps
    durations: Steps  # ticks, of DURATIONS
    velocities: Steps  # of VELOCITIES
    source: Table  # rows of NOTE, as the file had them
    moved: Steps  # how far each start moved, ticks of the file
    dropped: int  # notes that are not here


def rescaled(ticks: Any, resolution: int) -> Any:
    """Ticks of a file as ticks of the grid, to the nearest, halves up."""
    return (ticks * (2 * RESOLUTION) + resolution) // (2 * resolution)


def grid(score: Score) -> Grid:
    """The notes of all tracks.

    Raises:
        InputError: there is no note, or one so late that it must be a mistake.
    """
    notes, instruments, ends = _gathered(score)
    if not len(notes):
        raise InputError("expected notes. Received: none")
    _check_length(int(ends.max()), score.resolution)
    starts = rescaled(notes["start"], score.resolution)
    lengths = np.maximum(rescaled(ends - notes["start"], score.resolution), 1)
    durations = DURATIONS[1 + np.searchsorted(_HALFWAY, lengths)]
    velocities = np.minimum(notes["velocity"], 127) // LOUDNESS * LOUDNESS + LOUDNESS // 2
    moved = np.abs(notes["start"] * RESOLUTION - starts * score.resolution) // RESOLUTION
    columns = (starts, instruments, notes["pitch"].astype(int), durations, velocities.astype(int), notes, moved)
    columns = _rows(columns, _first_of_each(*columns[:5]))
    columns = _rows(columns, _loudest(*columns[:5]))
    found = Grid(*columns, dropped=len(notes) - len(columns[0]))
    return found._replace(durations=_parted(*found[:4]))


def _gathered(score: Score) -> tuple[Table, Steps, Steps]:
    """All notes, the instrument of each, and where it ends with the pedal, ticks of the file."""
    played = [track for track in score.tracks if len(track.notes)]
    notes = np.concatenate([np.zeros(0, NOTE), *(track.notes for track in played)])
    numbers = [DRUMS if track.is_drum else track.program for track in played]
    ends = [np.zeros(0, np.int64), *(_ends(track, score) for track in played)]
    return notes, np.repeat(np.array(numbers, int), [len(track.notes) for track in played]), np.concatenate(ends)


def _check_length(end: int, resolution: int) -> None:
    if end * RESOLUTION > FARTHEST * resolution:
        expected = f"a piece of at most {FARTHEST // RESOLUTION} quarter notes"
        raise InputError(f"expected {expected}. Received: one of {end // resolution}")


def _ends(track: Track, score: Score) -> Steps:
    """Where each note of a track ends, with the pedal of its channel, ticks of the file."""
    ends: Steps = track.notes["start"] + track.notes["duration"]
    pedals = [
        one.controllers[one.controllers["number"] == SUSTAIN] for one in score.tracks if one.channel == track.channel
    ]
    pedal = np.concatenate(pedals)
    if track.is_drum or not len(pedal):
        return ends
    pedal = pedal[np.argsort(pedal["tick"], kind="stable")]
    up = pedal["value"] < SUSTAIN
    lifted = pedal["tick"][up]
    last = np.searchsorted(pedal["tick"], ends, side="right") - 1  # the pedal's last move before each end
    held = (last >= 0) & ~up[last]
    then = np.append(lifted, score.end)[np.searchsorted(lifted, ends, side="right")]
    return np.where(held, np.maximum(then, ends), ends)


def _rows(columns: tuple[Any, ...], order: Steps) -> tuple[Any, ...]:
    return tuple(column[order] for column in columns)


def _first_of_each(starts: Steps, instruments: Steps, pitches: Steps, durations: Steps, velocities: Steps) -> Steps:
    """The notes' order by tick, instrument and pitch, one of each."""
    order = np.lexsort([-durations, -velocities, pitches, instruments, starts])
    places = np.stack([starts, instruments, pitches])[:, order]
    new = np.append(True, (np.diff(places) != 0).any(axis=0))
    return order[new]


def _loudest(starts: Steps, instruments: Steps, pitches: Steps, durations: Steps, velocities: Steps) -> Steps:
    """Which notes, already in order, are among the `MOST` of their tick."""
    order = np.lexsort([-durations, -velocities, starts])
    rank = np.arange(len(order)) - np.searchsorted(starts[order], starts[order])
    return np.sort(order[rank < MOST])


def _parted(starts: Steps, instruments: Steps, pitches: Steps, durations: Steps) -> Steps:
    """Durations, such that no note sounds on when its pitch is struck again."""
    voice = instruments * 128 + pitches
    order = np.lexsort([starts, voice])
    again = np.diff(voice[order]) == 0
    gap = np.where(again, np.diff(starts[order]), DURATIONS[-1])
    durations = durations.copy()
    durations[order[:-1]] = np.minimum(durations[order[:-1]], gap)
    shorter: Steps = DURATIONS[np.searchsorted(DURATIONS, durations, side="right") - 1]
    return shorter


def steps(found: Grid) -> npt.NDArray[Any]:
    """Notes as steps `(T, 5)`; before each note as many rest steps as its wait holds."""
    waits = np.diff(found.starts, prepend=0)
    rests = waits // LONGEST
    note = np.cumsum(rests + 1) - 1  # the row of each note
    values = np.tile(np.array(REST), (int((rests + 1).sum()), 1))
    values[note] = np.stack([waits % LONGEST, *found[1:5]], axis=1)
    return values


def tracks(starts: Steps, instruments: Steps, pitches: Steps, durations: Steps, velocities: Steps) -> tuple[Track, ...]:
    """Notes in the order of their steps as tracks, one for each instrument; the 16th pitched one shares a channel.

    (The grammar knows 16 notes that sound. Where more do, a drawn note may strike one of the others again.)
    """
    durations = _parted(starts, instruments, pitches, durations)
    found = []
    for place, number in enumerate(np.unique(instruments).tolist()):
        mine = instruments == number
        rows = np.zeros(int(mine.sum()), NOTE)
        for name, column in zip(NOTE.names or (), (starts, durations, pitches, velocities), strict=True):
            rows[name] = column[mine]
        channel, program = (DRUM_CHANNEL, 0) if number == DRUMS else (CHANNELS[place % len(CHANNELS)], number)
        found.append(Track(NAMES[number], channel, program, table(NOTE, rows)))
    return tuple(found)
