"""Which voices: the four lines of a choral score, soprano to bass, on a grid of frames.

A file holds them as four tracks named so (other tracks are then left out), as four tracks with
other names, the highest first; as two tracks of two voices each, as on two staves; or as one track
of chords. Notes that share a track are given to its voices from the top down where all of them
sound; where fewer do, each goes to the voice that was nearest to it and is free.

A frame is what happens at one tick of the grid in one voice: a pitch that begins, `HOLD` for what
goes on, `REST` for a rest that begins. So a note held is told from one repeated.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import combinations, groupby
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from musicgen.errors import InputError, at
from musicgen.music.score import NOTE, Score, Table, Track, table

VOICES = ("soprano", "alto", "tenor", "bass")
HOLD, REST = "hold", "rest"
VELOCITY = 80  # of every note on the grid: frames do not hold it
CHORDS = 0.1  # share of notes that may begin together with another of their voice
_SPELLINGS = (
    {"soprano", "sopran", "soprani", "sop", "s", "discant", "descant", "treble", "cantus"},
    {"alto", "alt", "alti", "altus", "contralto", "a"},
    {"tenor", "tenore", "tenori", "tenors", "ten", "t"},
    {"bass", "basso", "bassi", "bassus", "basses", "bas", "b"},
)

Distances = npt.NDArray[np.integer[Any]]


class Choir(NamedTuple):
    """Four voices on a grid.

    Attributes:
        lines: notes of each voice, soprano to bass, one at a time, ticks of the grid.
        moved: how far each note of the file was moved to fit the grid, one too short for it by all
            its length; ticks of the file.
    """

    lines: tuple[Table, ...]
    moved: Distances


def choir(score: Score, per_quarter: int) -> Choir:
    """The four voices of a score on a grid of `per_quarter` ticks.

    Raises:
        InputError: there are not four voices; says what was found.
    """
    lines: list[Table] = []
    distances = []
    for track, count in _parts(score):
        with at(f"track {track.name}" if track.name else "a track"):
            notes, moved = on_grid(track.notes, score.resolution, per_quarter)
            lines += [_single(track.notes, notes)] if count == 1 else _split(notes, count, per_quarter)
        distances.append(moved)
    if not any(map(len, lines)):
        raise InputError("expected four voices. Received: no notes long enough for the grid")
    return Choir(tuple(lines), np.concatenate(distances))


def named(score: Score, voice: str) -> Track | None:
    """The one track that is called as a voice is, if there is one."""
    found = [track for track in score.tracks if not track.is_drum and _is_called(track.name, VOICES.index(voice))]
    return found[0] if len(found) == 1 else None


def _parts(score: Score) -> list[tuple[Track, int]]:
    """Which tracks hold the voices, the highest first, and how many each."""
    sounding = [track for track in score.tracks if len(track.notes) and not track.is_drum]
    if not sounding:
        what = "only drums" if any(len(track.notes) for track in score.tracks) else "no notes"
        raise InputError(f"expected four voices. Received: {what}")
    called = [track for voice in VOICES if (track := named(score, voice)) is not None]
    if len({id(track) for track in called}) == len(VOICES):
        return [(track, 1) for track in called]
    if len(sounding) not in (1, 2, 4):
        raise InputError(f"expected four voices in one, two or four tracks. Received: {len(sounding)} tracks")
    ordered = sorted(sounding, key=lambda track: -float(track.notes["pitch"].mean()))
    return [(track, len(VOICES) // len(sounding)) for track in ordered]


def _is_called(name: str, voice: int) -> bool:
    """Whether a track's name says that it is a voice: a word of it, or the one letter that is all of it."""
    words = re.findall(r"[^\W\d_]+", name.lower())
    return any(word in _SPELLINGS[voice] for word in words if len(word) > 1 or len(words) == 1)


# -- notes on a grid


def rescaled(ticks: Any, resolution: int, per_quarter: int) -> Any:
    """Ticks of a file as ticks of a grid, to the nearest, halves up."""
    return (ticks * (2 * per_quarter) + resolution) // (2 * resolution)


def on_grid(notes: Table, resolution: int, per_quarter: int) -> tuple[Table, Distances]:
    """The notes that the grid can hold, and how far each note of the file was moved."""
    starts, durations = notes["start"], notes["duration"]
    first, last = (rescaled(ticks, resolution, per_quarter) for ticks in (starts, starts + durations))
    kept = last > first
    moved = np.where(kept, np.abs(starts * per_quarter - first * resolution) // per_quarter, durations)
    return _notes(first[kept], (last - first)[kept], notes["pitch"][kept]), moved


def alone(notes: Table) -> Table:
    """One note at a time: the highest of those that begin together, cut where the next begins."""
    highest = np.append(np.diff(notes["start"]) > 0, True)[: len(notes)]
    starts, durations = notes["start"][highest], notes["duration"][highest]
    durations[:-1] = np.minimum(durations[:-1], np.diff(starts))
    return _notes(starts, durations, notes["pitch"][highest])


def _single(notes: Table, gridded: Table) -> Table:
    """The line of a track that holds one voice: hardly any of its notes begin together."""
    if len(np.unique(notes["start"])) < (1 - CHORDS) * len(notes):
        raise InputError("expected one note at a time in a voice. Received: chords")
    return alone(gridded)


def _split(notes: Table, count: int, per_quarter: int) -> list[Table]:
    """The notes of one track as `count` voices, the highest first."""
    voices: list[list[tuple[int, ...]]] = [[] for _ in range(count)]
    for start, together in groupby(notes.tolist(), key=lambda note: note[0]):
        new = sorted(together, key=lambda note: -note[2])
        free = [v for v, voice in enumerate(voices) if not voice or sum(voice[-1][:2]) <= start]
        if len(new) > len(free):
            sounding = len(new) + count - len(free)
            where = f"{sounding} notes at once, {start / per_quarter:g} quarters from the start"
            raise InputError(f"expected {count} voices. Received: {where}")
        chosen = min(combinations(free, len(new)), key=lambda chosen: _leaps(voices, chosen, new))
        for v, note in zip(chosen, new, strict=True):
            voices[v].append(note)
    if not all(voices):
        raise InputError(f"expected {count} voices. Received: at most {sum(map(bool, voices))} notes at once")
    return [table(NOTE, voice) for voice in voices]


def _leaps(voices: Sequence[list[tuple[int, ...]]], chosen: Sequence[int], new: Sequence[tuple[int, ...]]) -> int:
    """Semitones that the chosen voices would move by."""
    return sum(abs(voices[v][-1][2] - note[2]) for v, note in zip(chosen, new, strict=True) if voices[v])


def _notes(starts: Distances, durations: Distances, pitches: Distances) -> Table:
    return table(NOTE, zip(starts, durations, pitches, [VELOCITY] * len(starts), strict=True))


# -- a line as frames, and back


def framed(line: Table, end: int) -> npt.NDArray[Any]:
    """A line's notes as frames, `(end,)`; the inverse of `sounded`."""
    frames = np.full(end, HOLD, object)
    frames[:1] = REST
    stops = line["start"] + line["duration"]
    frames[stops[stops < end]] = REST
    frames[line["start"]] = line["pitch"].astype(int)
    return frames


def sounded(frames: npt.NDArray[Any]) -> Table:
    """Frames as notes; what holds before anything began is a rest."""
    begins = np.flatnonzero(frames != HOLD)
    durations = np.diff(np.append(begins, len(frames)))
    is_note = frames[begins] != REST
    return _notes(begins[is_note], durations[is_note], frames[begins[is_note]])
