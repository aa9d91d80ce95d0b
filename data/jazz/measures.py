"""What a line is like, in numbers that do not depend on its key or tempo.

`measure` gives them for a short stretch; a whole line is the mean over its `stretches`, since range
and repetition grow with length. The numbers are grouped by what a musician would ask, in `ASKED`.

Conventions: a line is its notes in quarters, with the pitch classes of the chord at each onset. A
rest is a silence of at least an eighth between two notes; a phrase ends at a rest whose two notes
begin a quarter or more apart. Chord symbols are read by `musicgen.music.theory`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from musicgen.errors import InputError
from musicgen.music.encodings.jazz import melody
from musicgen.music.score import Score
from musicgen.music.theory import chords_from_markers

STRETCH = 96  # notes
GRID = 24  # ticks a quarter
LONGEST = 96  # ticks; longer waits count as this one
FIGURE = 4  # moves in a row that make a figure

ASKED = {
    "intervals": ("mean interval", "steps", "leaps", "same note", "turns"),
    "rhythms": ("notes a quarter", "on the beat", "on the half", "elsewhere", "rhythm bits"),
    "rests": ("rests", "phrase notes"),
    "range": ("range", "mean pitch"),
    "chords": ("chord tones", "pitch class bits"),
    "repetition": ("figures again", "contours again"),
}
MEASURES = tuple(name for names in ASKED.values() for name in names)

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Line(NamedTuple):
    """Notes one after another; start and duration in quarters."""

    start: Floats
    duration: Floats
    pitch: Ints
    chords: tuple[frozenset[int], ...]  # pitch classes of the chord at each note; empty where there is none


def line(score: Score) -> Line:
    """The melody of `score` and the chords under it."""
    notes = melody(score).notes
    symbols = chords_from_markers(score.markers)
    ticks = [tick for tick, _ in symbols]
    classes = [frozenset(), *(frozenset(chord.pitch_classes) for _, chord in symbols)]
    return Line(
        notes["start"] / score.resolution,
        notes["duration"] / score.resolution,
        notes["pitch"].astype(np.int64),
        tuple(classes[bisect_right(ticks, tick)] for tick in notes["start"].tolist()),
    )


def stretches(whole: Line) -> list[Line]:
    """Pieces of STRETCH notes; the last one reaches to the end and may overlap the one before."""
    last = max(0, len(whole.pitch) - STRETCH)
    parts = [slice(first, first + STRETCH) for first in sorted({*range(0, last + 1, STRETCH), last})]
    return [Line(whole.start[part], whole.duration[part], whole.pitch[part], whole.chords[part]) for part in parts]


def profile(whole: Line) -> dict[str, float]:
    """Mean of each measure over the stretches of a line.

    Raises:
        InputError: the line is too short to be judged.
    """
    if len(whole.pitch) <= FIGURE:
        raise InputError(f"expected a line of more than {FIGURE} notes. Received: {len(whole.pitch)}")
    rows = [measure(stretch) for stretch in stretches(whole)]
    return {name: float(np.mean([row[name] for row in rows])) for name in MEASURES}


def measure(piece: Line) -> dict[str, float]:
    """Every measure of one stretch, by name; shares are 0 to 1, lengths in quarters or semitones.

    mean interval, range, mean pitch: semitones. steps: 1 or 2 semitones; leaps: 5 or more; turns: of
    the moves up or down, how many go the other way than the one before. on the beat, on the half,
    elsewhere: where in the quarter notes begin. rhythm bits, pitch class bits: entropies. rests: share
    of the time. phrase notes: notes to a phrase. chord tones: of the notes over a chord. figures
    again: runs of FIGURE moves heard before in the stretch; contours again: the same without rhythm.
    """
    ticks = np.rint(piece.start * GRID).astype(np.int64)
    moves, waits, place = np.diff(piece.pitch), np.diff(ticks), ticks % GRID
    sizes, ways = np.abs(moves), np.sign(moves[moves != 0])
    silence = np.diff(piece.start) - piece.duration[:-1]
    is_rest = silence >= 0.5
    time = piece.start[-1] + piece.duration[-1] - piece.start[0]
    over_chords = [
        pitch % 12 in chord for pitch, chord in zip(piece.pitch.tolist(), piece.chords, strict=True) if chord
    ]
    return {
        "mean interval": float(sizes.mean()),
        "steps": _share((sizes == 1) | (sizes == 2)),
        "leaps": _share(sizes >= 5),
        "same note": _share(sizes == 0),
        "turns": _share(ways[1:] != ways[:-1]),
        "notes a quarter": len(ticks) / float(time),
        "on the beat": _share(place == 0),
        "on the half": _share(place == GRID // 2),
        "elsewhere": _share((place != 0) & (place != GRID // 2)),
        "rhythm bits": _entropy(np.minimum(waits, LONGEST).tolist()),
        "rests": float(silence[is_rest].sum() / time),
        "phrase notes": len(ticks) / (1 + int((is_rest & (waits >= GRID)).sum())),
        "range": float(np.ptp(piece.pitch)),
        "mean pitch": float(piece.pitch.mean()),
        "chord tones": _share(over_chords),
        "pitch class bits": _entropy((piece.pitch % 12).tolist()),
        "figures again": _heard_before(list(zip(moves.tolist(), waits.tolist(), strict=True))),
        "contours again": _heard_before(moves.tolist()),
    }


def _share(which: Sequence[bool] | npt.NDArray[np.bool_]) -> float:
    return float(np.mean(which)) if len(which) else 0.0


def _entropy(values: Iterable[Hashable]) -> float:
    """Of the values' frequencies, in bits."""
    counts = np.array(list(Counter(values).values()), float)
    shares = counts / counts.sum()
    return float(-(shares * np.log2(shares)).sum())


def _heard_before(moves: Sequence[Hashable]) -> float:
    """Share of the figures (FIGURE moves in a row) that occurred earlier."""
    figures = list(zip(*(moves[shift:] for shift in range(FIGURE)), strict=False))
    return 1 - len(set(figures)) / len(figures) if figures else 0.0
