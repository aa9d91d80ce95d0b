"""Which line: the track of a score that holds the melody."""

from __future__ import annotations

import numpy as np

from musicgen.errors import InputError
from musicgen.music.score import Score, Track

NAMES = ("solo", "melody", "lead", "vocal")  # what such a track is called


def melody(score: Score) -> Track:
    """The track that holds the line: named so, else the most melodic of the pitched ones.

    Raises:
        InputError: no pitched track has a note.
    """
    pitched = [track for track in score.tracks if len(track.notes) and not track.is_drum]
    if not pitched:
        what = "only drums" if any(len(track.notes) for track in score.tracks) else "no notes"
        raise InputError(f"expected a line of notes. Received: {what}")
    named = [t for t in pitched if any(word in t.name.lower() for word in NAMES)]
    return max(named or pitched, key=_melodiousness)


def _melodiousness(track: Track) -> float:
    """Higher for monophonic, active, high tracks."""
    starts = track.notes["start"]
    alone = len(np.unique(starts)) / len(starts)
    return 2 * alone + float(track.notes["pitch"].mean()) / 128 + min(len(starts), 100) / 400
