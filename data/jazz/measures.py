"""What a line is like, in a few numbers.

Conventions: a line is columns in quarters, `start` and `duration`, with `pitch`; chords are
`(start in quarters, set of pitch classes)`. A rest is a silence of half a quarter or more between
two notes; a phrase ends at a rest that a quarter or more passes from its last onset to the next.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import numpy as np

STRETCH = 96  # notes; what a line is cut into, since range and repetition grow with length
GRID = 24  # ticks a quarter


class Line(NamedTuple):
    """One voice and its chords; start and duration in quarters."""

    start: np.ndarray
    duration: np.ndarray
    pitch: np.ndarray
    classes: tuple[frozenset[int] | None, ...]  # of the chord at each note; None where there is none
    bar: float = 4.0


def entropy(values):
    """Of the values' frequencies, in bits."""
    share = np.array(list(Counter(values).values()), float)
    share /= share.sum()
    return float(-(share * np.log2(share)).sum()) + 0.0


def stretches(line):
    """The line cut into pieces of STRETCH notes, the last one reaching to the end."""
    n = len(line.pitch)
    firsts = [*range(0, n - STRETCH, STRETCH), max(0, n - STRETCH)]
    return [cut(line, i, i + STRETCH) for i in dict.fromkeys(firsts)]


def cut(line, a, b):
    return line._replace(start=line.start[a:b], duration=line.duration[a:b], pitch=line.pitch[a:b], classes=line.classes[a:b])


def measure(line):
    start, pitch = np.round(line.start * GRID).astype(int), line.pitch.astype(int)
    step, wait = np.diff(pitch), np.diff(start)
    place = start % GRID
    silence = np.maximum(0, line.start[1:] - line.start[:-1] - line.duration[:-1])
    rest = silence >= 0.5
    ends = np.flatnonzero(rest & (wait >= GRID))
    moves = np.sign(step[step != 0])
    span = (start[-1] - start[0]) / GRID + line.duration[-1]
    known = [(p % 12) in c for p, c in zip(pitch, line.classes) if c is not None]
    return {
        "mean interval": float(np.abs(step).mean()),
        "steps": float(((np.abs(step) <= 2) & (step != 0)).mean()),
        "leaps": float((np.abs(step) >= 5).mean()),
        "same note": float((step == 0).mean()),
        "turns": float((moves[1:] != moves[:-1]).mean()),
        "notes per beat": len(pitch) / span,
        "on the beat": float((place == 0).mean()),
        "on the half": float((place == 12).mean()),
        "elsewhere": float(((place != 0) & (place != 12)).mean()),
        "rhythm entropy": entropy(np.minimum(wait, 96)),
        "rests": float(silence[rest].sum() / span),
        "phrase length": len(pitch) / (len(ends) + 1),
        "range": float(np.ptp(pitch)),
        "mean pitch": float(pitch.mean()),
        "pitch classes": entropy(pitch % 12),
        "chord tones": float(np.mean(known)) if known else 0.5,
        "repetition": repetition(step, wait),
        "repeated intervals": repetition(step, 0 * wait),
    }


def repetition(step, wait, size=4):
    """Share of figures of `size` moves heard before in the stretch."""
    heard, again = set(), 0
    figures = [tuple(zip(step[i : i + size], wait[i : i + size])) for i in range(len(step) - size + 1)]
    for f in figures:
        again += f in heard
        heard.add(f)
    return again / max(1, len(figures))
