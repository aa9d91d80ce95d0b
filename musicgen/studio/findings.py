"""What one file holds, found by a process that may fail: see `workers`.

`look` is what such a process does with a file. It knows music and the encodings, and nothing of networks, so that
processes start fast and stay small.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from musicgen.errors import InputError
from musicgen.music import files
from musicgen.music.encodings import ENCODINGS, JazzEncoding
from musicgen.music.keys import pitch_class_ticks
from musicgen.music.likeness import Hashes, fingerprint, sketch
from musicgen.music.melody import PADDING, TOP_LINE, melody, number
from musicgen.music.score import Score, Track

TEXT = "text"  # the kind of a file that is read line by line
KINDS = {
    **dict.fromkeys(("mid", "midi", "kar", "rmi"), "MIDI"),
    **dict.fromkeys(("musicxml", "xml", "mxl"), "MusicXML"),
    "abc": "ABC",
    "krn": "Humdrum",
    "txt": TEXT,
}
LEFT_OUT = "left out"  # how a remark ends that tells of no damage
OFF_GRID = 0.25  # of the notes moved: worth a word
SILENT = 10  # steps to a note: worth a word, as most of them are rests


@dataclass(frozen=True)
class Finding:
    """What one file holds, and whether training would use it.

    Attributes:
        path: the file, as it was named.
        verdict: "used", "repaired" (used, after something was mended) or "refused".
        reason: why it is refused, or what was mended.
        remarks: what a person may want to know before she trains on it.
        kind: of file, such as "MIDI"; of a text only the numbers of notes (characters or words) and steps are told.
        bars: of its metres, up to the last note's end.
        metre: those it has, in order, such as "4/4" or "3/4 4/4".
        tempo: quarters a minute at the start.
        key: the likeliest, such as "Eb major".
        notes: that would be learned.
        steps: that the encoding makes of them.
        moved: notes that are not on the encoding's grid.
        chords: chord symbols; `chords_from` says where they stand ("markers", "texts", "lyrics"), "inferred" or "none".
        melody: name of the track that holds the line, `melody_track` its number from 1.
        duplicate_of: the first file with the same notes.
        near_duplicate_of: an earlier file with nearly the same line, `likeness` how near, 0 to 1.
    """

    path: str
    verdict: str
    reason: str = ""
    remarks: tuple[str, ...] = ()
    kind: str = ""
    tracks: int = 0
    bars: int = 0
    metre: str = ""
    tempo: int = 0
    key: str = ""
    notes: int = 0
    steps: int = 0
    moved: int = 0
    chords: int = 0
    chords_from: str = "none"
    melody: str = ""
    melody_track: int = 0
    duplicate_of: str = ""
    near_duplicate_of: str = ""
    likeness: float = 0.0

    @property
    def usable(self) -> bool:
        """Whether training would use it."""
        return self.verdict != "refused"


@dataclass(frozen=True)
class Question:
    """A piece in a file, and how it would be used: the encoding, and which track is the line ("" finds it)."""

    place: files.Place
    encoding: str = "jazz"
    line: str = ""


@dataclass(frozen=True)
class Look:
    """A finding, and what it takes to compare it with others.

    Attributes:
        fingerprint: of all its notes.
        sketch: of its line.
        pitch_classes: how long each sounds, `(12,)`.
    """

    finding: Finding
    fingerprint: str
    sketch: Hashes
    pitch_classes: npt.NDArray[np.float64]


def refused(question: Question, reason: str) -> Finding:
    """What is said of a file that cannot be used."""
    path = str(question.place)
    return Finding(path, "refused", reason.removeprefix(f"{path}: "), kind=kind_of(question.place))


def kind_of(place: files.Place) -> str:
    """What a file is by its suffix."""
    suffix = PurePath(place.member or place.path).suffix.lower().removeprefix(".")
    return KINDS.get(suffix, suffix)


def look(question: Question) -> Look:
    """What a piece of music is.

    Raises:
        MusicgenError: it cannot be used; says why.
    """
    piece = question.place.read()
    score, repairs = piece.score, [remark for remark in piece.remarks if not remark.endswith(LEFT_OUT)]
    learned, source = _encoded(score, question)
    line = source if question.encoding == JazzEncoding.name else _line(score, question.line)
    finding = Finding(
        piece.name,
        "repaired" if repairs else "used",
        "; ".join(repairs),
        (*(remark for remark in piece.remarks if remark not in repairs), *_remarks(line, learned)),
        kind=kind_of(question.place),
        tracks=len(score.tracks),
        bars=bars(score),
        metre=_metres(score),
        tempo=round(score.tempo_bpm),
        notes=learned.notes,
        steps=learned.steps,
        moved=learned.moved,
        chords=learned.chords,
        chords_from=learned.chords_from,
        melody=line.name.strip(PADDING) or "no name",
        melody_track=number(score, line),
    )
    return Look(finding, fingerprint(score), sketch(line.notes, score.resolution), pitch_class_ticks(score.tracks))


class _Learned(NamedTuple):
    """What an encoding makes of a piece; see `Finding`."""

    notes: int
    steps: int
    moved: int
    chords: int
    chords_from: str


def _encoded(score: Score, question: Question) -> tuple[_Learned, Track]:
    """What would be learned of a piece, and its notes as the file has them; the one place that encodes."""
    encoding = ENCODINGS[question.encoding]().choosing(question.line)
    values, context = encoding.encode(score)
    events = int(encoding.counted(encoding.vocabulary.indices(values))[:, -1].sum())
    chords = len(context.frame.markers) if context.chords_from != "none" else 0
    moved = int((context.moved_quarters > 0).sum())
    return _Learned(events, len(values), moved, chords, context.chords_from), context.source


def _line(score: Score, choice: str) -> Track:
    try:
        return melody(score, choice)
    except InputError:  # an encoding may do without
        return Track()


def _remarks(line: Track, learned: _Learned) -> tuple[str, ...]:
    notes, steps, moved, *_ = learned
    remarks = {
        "plays chords: the top line is taken": line.name.endswith(TOP_LINE),
        f"{moved} of {notes} notes are off the grid": moved > OFF_GRID * notes,
        f"long silences: {steps} steps for {notes} notes": steps > SILENT * notes,
    }
    return tuple(remark for remark, holds in remarks.items() if holds)


def bars(score: Score) -> int:
    """How many bars there are up to the last note's end; a change of metre begins one."""
    changes = np.array([(0, 4, 4), *score.metres.tolist()], np.int64)
    spans = np.diff(np.minimum(changes[:, 0], end := score.end), append=end)
    whole = 4 * score.resolution * np.maximum(changes[:, 1], 1)  # a bar's ticks, times its denominator
    return int((-(-spans * changes[:, 2] // whole)).sum())


def _metres(score: Score) -> str:
    """The metres in order, each once."""
    rows = score.metres[["numerator", "denominator"]].tolist()
    begins = [] if len(rows) and score.metres["tick"][0] == 0 else [(4, 4)]
    names = [f"{n}/{d}" for n, d in dict.fromkeys([*begins, *rows])]
    return " ".join(names[:3]) + (" ..." if len(names) > 3 else "")
