"""Timelines: chords, metre and tempo of a score as rows of integers, one per change.

A network's features at a clock are made of the row that holds there. Columns: tick of the change;
start of the bar count and ticks per bar; quarters per minute; root and pitch classes (12 bits) of
the chord; tick, root and pitch classes of the next one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from musicgen.music.encodings.encoding import Steps
from musicgen.music.score import Score, Table, Text
from musicgen.music.theory import Chord, chords_from_markers

TICK, BAR_START, BAR_TICKS, TEMPO_BPM, ROOT, CHORD, NEXT_TICK, NEXT_ROOT, NEXT_CHORD = range(9)
NO_ROOT = 12
FAR = 2**30  # ticks: later than any change


def markers(chords: Sequence[tuple[int, Chord]]) -> tuple[Text, ...]:
    """Chords as markers that read as these chords again: bare letters alone would read as sections."""
    written = tuple(Text(tick, str(chord)) for tick, chord in chords)
    if len(chords_from_markers(written)) == len(written):
        return written
    return tuple(Text(tick, f"{text}maj" if text in tuple("ABCDEFG") else text) for tick, text in written)


def timeline(frame: Score) -> npt.NDArray[np.int32]:
    """Chords, metre and tempo of a frame as the timeline's rows, one per change."""
    chords = chords_from_markers(frame.markers)
    ticks = np.unique([0, *frame.metres["tick"], *frame.tempos["tick"], *(tick for tick, _ in chords)])
    rows = np.zeros((len(ticks), 9), np.int32)
    rows[:, TICK] = ticks
    rows[:, BAR_START], rows[:, BAR_TICKS] = _metre_at(frame.metres, ticks, 4 * frame.resolution)
    rows[:, TEMPO_BPM] = np.clip(_tempo_at(frame.tempos, ticks), 10, 1000)
    rows[:, [ROOT, CHORD]], rows[:, [NEXT_TICK, NEXT_ROOT, NEXT_CHORD]] = _chords_at(chords, ticks)
    return rows


def _metre_at(metres: Table, ticks: Steps, whole: int) -> tuple[Steps, Steps]:
    """Start of the bar count and ticks per bar; a whole note has `whole` ticks."""
    at = np.searchsorted(metres["tick"], ticks, side="right") - 1
    if not len(metres):
        return np.zeros_like(ticks), np.full_like(ticks, whole)
    length = whole * metres["numerator"].astype(int) // metres["denominator"]
    return np.where(at < 0, 0, metres["tick"][at]), np.where(at < 0, whole, np.maximum(length[at], 1))


def _tempo_at(tempos: Table, ticks: Steps) -> Steps:
    """Quarter notes per minute, rounded."""
    at = np.searchsorted(tempos["tick"], ticks, side="right") - 1
    if not len(tempos):
        return np.full_like(ticks, 120)
    return np.where(at < 0, 120, np.round(60e6 / np.maximum(tempos["microseconds"][at], 1))).astype(int)


def _chords_at(chords: list[tuple[int, Chord]], ticks: Steps) -> tuple[Steps, Steps]:
    """Root and mask of the chord now; tick, root and mask of the next."""
    rows = [(-1, NO_ROOT, 0)]
    rows += [(tick, NO_ROOT if chord.root is None else chord.root, chord.mask) for tick, chord in chords]
    known = np.array([*rows, (FAR, NO_ROOT, 0)])
    at = np.searchsorted(known[:, 0], ticks, side="right") - 1
    return known[at, 1:], known[np.minimum(at + 1, len(known) - 1)]


def transposed(rows: Steps, semitones: Steps) -> Steps:
    """Rows with roots and chords higher by `semitones`, which broadcasts."""
    rows, up = rows.copy(), np.asarray(semitones) % 12
    for root, chord in ((ROOT, CHORD), (NEXT_ROOT, NEXT_CHORD)):
        known, mask = rows[..., root] != NO_ROOT, rows[..., chord]
        rows[..., root] = np.where(known, (rows[..., root] + up) % 12, NO_ROOT)
        rows[..., chord] = ((mask << up) | (mask >> (12 - up))) & 0xFFF
    return rows
