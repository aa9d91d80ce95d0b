"""Which line: the track of a score that holds the melody, found or chosen.

Found: every pitched track gets marks for its name, in a dozen languages, and for what it plays: one note at a
time, higher than the others, active through the whole piece, in small moves, in lengths that vary (`traits`).
The best one is the line.

Chosen: by its number in the file (from 1), its name, or a pattern such as `*sax*` that suits a whole folder.

A line has one note at a time. Where more than a tenth of a track's notes lie below others that sound (a piano's
right hand, say), its *top line* is taken: at any time the highest note. Its name then ends in `TOP_LINE`, so that
a person sees it, and a file written from it is read as it is. A track named just "solo" is taken as it is, too:
that is what a line is called that we write.

This is no analysis of voices: a melody below its accompaniment, in one track with it, is not found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

import numpy as np

from musicgen.errors import InputError
from musicgen.music.score import Score, Track
from musicgen.music.traits import name_marks, top, traits, weighed

TOP_LINE = "top line"
WRITTEN = "solo"  # the name of a line that we write
CHORDAL = 0.1  # of a track's notes below others: with more it is no single line
PADDING = " \t\r\n\0"  # of names in files with fields of one width
LISTED = 20  # tracks that an error names


def melody(score: Score, choice: str = "") -> Track:
    """The track that holds the line, or its top line where it plays chords.

    Args:
        choice: a track's number from 1, its name, or a pattern of names with `*`, `?` or `[...]`; upper or lower
            case is the same. Of several tracks that fit the most melodic is taken. "" finds the line.

    Raises:
        InputError: no pitched track has a note, or none is what was chosen; lists the tracks.
    """
    pitched = [track for track in score.tracks if _can_sing(track)]
    if not pitched:
        what = "only drums" if any(len(track.notes) for track in score.tracks) else "no notes"
        raise InputError(f"expected a line of notes. Received: {what}")
    wanted = _chosen(score, choice) if choice.strip() else pitched
    return top_line(wanted[0] if len(wanted) == 1 else _most_melodic(wanted, pitched, score), score.resolution)


def number(score: Score, line: Track) -> int:
    """The number, from 1, of the track that `melody` took `line` from; 0 if it is of another score."""
    fitting = (
        n
        for n, track in enumerate(score.tracks, 1)
        if line.name in (track.name, _top_name(track)) and np.isin(line.notes, track.notes).all()
    )
    return next(fitting, 0)


def top_line(track: Track, resolution: int) -> Track:
    """The track as it is where nearly all its notes are one line, else its highest notes, and named so."""
    if track.name.strip(PADDING).casefold() == WRITTEN or track.name.endswith(TOP_LINE):
        return track
    kept = top(track.notes, resolution)
    if len(kept) >= (1 - CHORDAL) * len(track.notes):
        return track
    return replace(track, name=_top_name(track), notes=track.notes[kept])


def _top_name(track: Track) -> str:
    return ", ".join(filter(None, (track.name.strip(PADDING), TOP_LINE)))


def _can_sing(track: Track) -> bool:
    return len(track.notes) > 0 and not track.is_drum


def _most_melodic(tracks: Sequence[Track], pitched: Sequence[Track], score: Score) -> Track:
    """The one with the most marks among all that are pitched; of equals the first."""
    playing = [weighed(found) for found in traits(pitched, score)]
    marks = {id(track): name_marks(track.name) + mark for track, mark in zip(pitched, playing, strict=True)}
    return max(tracks, key=lambda track: marks[id(track)])


def _chosen(score: Score, choice: str) -> list[Track]:
    """The pitched tracks that a number, a name or a pattern means, tried in this order."""
    wanted = choice.strip().casefold()
    names = [track.name.strip(PADDING).casefold() for track in score.tracks]
    fitting = (
        [wanted == str(n) for n in range(1, len(names) + 1)],
        [wanted == name for name in names],
        [fnmatchcase(name, wanted) for name in names],
    )
    for fits in fitting:
        found = [track for track, fit in zip(score.tracks, fits, strict=True) if fit and _can_sing(track)]
        if found:
            return found
    raise InputError(f'expected a pitched track whose number or name is "{choice}". Received: {_listed(score)}')


def _listed(score: Score) -> str:
    """The tracks by number and name."""
    names = [f"{n} {_described(track)}" for n, track in enumerate(score.tracks[:LISTED], 1)]
    more = len(score.tracks) - LISTED
    return ", ".join(names) + (f" and {more} more" if more > 0 else "")


def _described(track: Track) -> str:
    name = track.name.strip(PADDING) or "without a name"
    return f"{name} (drums)" if track.is_drum else name
