"""Which key a piece is in, and how its pitches are spelled there.

Spelling is by the line of fifths, ... Eb Bb F C G D A E B F# C# ...: of the names a pitch can have, the one that lies
in a window of twelve around the key is taken, from four fifths below the tonic of the major key with that signature
to seven above in major, from three below to eight above in minor, so that A minor has its G#.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from musicgen.music.score import Score

# How well each pitch class fits a key, from the tonic up; Krumhansl & Kessler 1982.
_PROFILES = np.array(
    [
        [6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88],
        [6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17],
    ]
)
_LINE = "FCGDAEB"


class Spelled(NamedTuple):
    """A pitch on paper: "C", 1, 4 is C#4."""

    step: str
    alter: int
    octave: int


def estimated_key(score: Score) -> tuple[int, bool]:
    """Sharps (below 0: flats) and whether it is minor, of the key whose profile the notes fit best.

    Durations of pitch classes, drums left out, are compared with the profiles by correlation; (0, False) without notes.
    """
    weights = np.zeros(12)
    for track in score.tracks:
        if not track.is_drum:
            np.add.at(weights, track.notes["pitch"] % 12, np.maximum(track.notes["duration"], 1))
    if not weights.any() or np.ptp(weights) == 0:
        return 0, False
    fits = [[float(np.corrcoef(np.roll(row, tonic), weights)[0, 1]) for tonic in range(12)] for row in _PROFILES]
    mode, tonic = divmod(int(np.argmax(fits)), 12)
    sharps = (tonic * 7 - 3 * mode + 5) % 12 - 5
    return sharps, bool(mode)


def spelled(pitch: int, sharps: int, minor: bool) -> Spelled:
    """A MIDI pitch as it is written in a key."""
    lowest = sharps - 3 if minor else sharps - 4
    fifths = lowest + (pitch * 7 - lowest) % 12  # C is 0, F -1
    return named(pitch, fifths)


def named(pitch: int, fifths: int) -> Spelled:
    """A MIDI pitch by its place on the line of fifths."""
    step, alter = _LINE[(fifths + 1) % 7], (fifths + 1) // 7
    return Spelled(step, alter, (pitch - alter) // 12 - 1)
