"""The key a piece is likely in, as music21's `analyze("key")` finds it, a thousand times faster.

music21 asks which key's profile the durations of the twelve pitch classes correlate with best, and then builds
hundreds of objects to say so (30 ms a piece). Here its profiles are taken and the correlation is one product; a
test holds both to the same answer. It is a guess about the whole piece; modulations are not looked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from musicgen.music.score import Track
from musicgen.music.theory import key_weights

MAJOR = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
MINOR = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B")
NAMES = (*(f"{tonic} major" for tonic in MAJOR), *(f"{tonic} minor" for tonic in MINOR))


def pitch_class_ticks(tracks: Iterable[Track]) -> npt.NDArray[np.float64]:
    """How long each pitch class sounds in all, `(12,)`, ticks; drums have no pitch."""
    ticks = np.zeros(12)
    for track in tracks:
        if not track.is_drum:
            ticks += np.bincount(track.notes["pitch"] % 12, track.notes["duration"], minlength=12)
    return ticks


def likely_key(ticks: npt.NDArray[np.float64]) -> str:
    """The name of the likeliest key, such as "Eb major"; "" where no pitch class sounds longer than another.

    Args:
        ticks: how long each pitch class sounds, `(12,)`.
    """
    centred = ticks - ticks.mean()
    return NAMES[int((_profiles() @ centred).argmax())] if centred.any() else ""


@lru_cache(maxsize=1)
def _profiles() -> npt.NDArray[np.float64]:
    """What each key in `NAMES` has of each pitch class, centred and of length 1, `(24, 12)`."""
    rows = np.array([np.roll(weights, tonic) for weights in key_weights() for tonic in range(12)])
    rows -= rows.mean(axis=1, keepdims=True)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)
