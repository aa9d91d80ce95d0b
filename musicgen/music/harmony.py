"""The chords of a piece, and where they come from: written in the file, or else heard in its accompaniment.

Sources, in this order; the first that has a chord is taken:

    markers    chord symbols among the markers (also those of MusicXML and ABC, which readers put there);
               `theory.chords_from_markers` tells chords from names of sections
    texts      the text events, if they are a column of chords
    lyrics     the lyrics of the first track whose lyrics are a column of chords
    inferred   by `accompaniment` from the pitched tracks but the melody, or from a lone track that
               plays several notes at once
    none       nothing of these

Words are a column of chords if at least nine of ten read as chords, NC or %, and at least two different
ones are more than a letter, and no syllable ("Ah", "Do"). So neither sung words, among which "A" and "Am"
are common, nor sections A, B and C, count. Words at the first tick that are no chord are a heading.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from musicgen.music import accompaniment
from musicgen.music.scales import FLATS, SHARPS
from musicgen.music.score import Score, Text, Track
from musicgen.music.signs import plain
from musicgen.music.theory import Chord, chord_or_none, chords_from_markers

ORIGINS = ("markers", "texts", "lyrics", "inferred", "none")
COLUMN = 0.9  # share of the words in a column of chords that must read as chords
CAUTION = 1.5  # for a lone track, whose melody is among its notes
CHORDAL = 0.3  # share of the notes of a lone track that must begin together with another
_SHARP_SIDE, _FLAT_SIDE = {4, 9, 11}, {3, 5, 8, 10}  # roots that tell how to spell, where no key is given
_SYLLABLE = re.compile(r"[A-G][oh]?")


@dataclass(frozen=True)
class Harmony:
    """The chords of a piece.

    Attributes:
        chords: pairs of tick, in the score's ticks, and chord; ascending, one chord at a tick. Written
            chords stand as they are written, equal neighbours too; inferred ones differ from their
            neighbours.
        origin: one of `ORIGINS`.
    """

    chords: tuple[tuple[int, Chord], ...] = ()
    origin: str = "none"


def harmony(score: Score, line: Track | None = None) -> Harmony:
    """The chords of a piece.

    Args:
        score: any piece.
        line: the track of `score` that holds the melody, whose notes are no accompaniment.
    """
    found = chords_from_markers(score.markers)
    if found:
        return Harmony(_one_a_tick(found), "markers")
    for origin, words in (("texts", score.texts), *(("lyrics", track.lyrics) for track in score.tracks)):
        found = chords_from_words(words)
        if found:
            return Harmony(_one_a_tick(found), origin)
    inferred = _inferred(score, line)
    return Harmony(inferred, "inferred") if inferred else Harmony()


def chords_from_words(words: Sequence[Text]) -> list[tuple[int, Chord]]:
    """The chords of a column of chords with their ticks; none if the words are anything else."""
    cleaned = [(tick, plain(text)) for tick, text in words if text.strip()]
    read = [(tick, text, chord_or_none(text, letters=True)) for tick, text in cleaned]
    first = min((tick for tick, _ in cleaned), default=0)
    body = [(tick, text, found) for tick, text, found in read if found or tick > first]
    symbols = {text for _, text, found in body if found and found.root is not None}
    certain = [text for text in symbols if not _SYLLABLE.fullmatch(text)]
    accepted = sum(found is not None or text == "%" for _, text, found in body)
    if len(certain) < 2 or accepted < COLUMN * len(body):
        return []
    return [(tick, found) for tick, _, found in body if found]


def _one_a_tick(found: Sequence[tuple[int, Chord]]) -> tuple[tuple[int, Chord], ...]:
    """In the order of time; of several at a tick the last one written."""
    return tuple(sorted(dict(found).items()))


# ---------------------------------------------------------------------------- by ear


def _inferred(score: Score, line: Track | None) -> tuple[tuple[int, Chord], ...]:
    pitched = [track for track in score.tracks if len(track.notes) and not track.is_drum]
    played = [track for track in pitched if track is not line] or pitched
    alone = len(pitched) == 1
    if not played or (alone and not _is_chordal(played[0])):
        return ()
    heard = accompaniment.beats(score, np.concatenate([track.notes for track in played]))
    found = accompaniment.chords(heard, CAUTION if alone else 1.0)
    roots = [root for _, root, _ in found]
    sharps = sum(root in _SHARP_SIDE for root in roots) - sum(root in _FLAT_SIDE for root in roots)
    return tuple((tick, _named(score, tick, root, intervals, sharps)) for tick, root, intervals in found)


def _is_chordal(track: Track) -> bool:
    """Whether enough of its notes begin together for it to be a line with its own accompaniment."""
    _, counts = np.unique(track.notes["start"], return_counts=True)
    return bool(counts[counts > 1].sum() >= CHORDAL * len(track.notes))


def _named(score: Score, tick: int, root: int, intervals: tuple[int, ...], sharps: int) -> Chord:
    """The chord, its root spelled with sharps or flats as in the key given there; else as `sharps` says."""
    row = int(np.searchsorted(score.keys["tick"], tick, side="right")) - 1
    sharps = int(score.keys["sharps"][row]) or sharps if row >= 0 else sharps
    name = (SHARPS if sharps > 0 else FLATS)[root]
    return Chord(root, intervals, root, name, name)
