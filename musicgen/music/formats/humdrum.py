"""Humdrum's **kern: `.krn`, read by music21, to a Score.

music21 raises many kinds of exceptions for files that it cannot read; here each becomes a FileError. Of what it finds
are kept notes (ties joined, grace notes left out), metre, key, tempo, repeats and the parts' names.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from musicgen.errors import FileError, MusicgenError
from musicgen.music.formats.sheet import VELOCITY, Bar, Part, Sheet, Sign, Written, sounding
from musicgen.music.score import Score


def read(data: bytes, number: int, remarks: list[str]) -> Score:
    """The piece in a Humdrum file (`number` is 0); what is left out is added to `remarks`.

    Raises:
        FileError: the data are no Humdrum with **kern spines, or music21 cannot read them.
    """
    if b"**kern" not in data:
        raise FileError(f"expected Humdrum with **kern spines. Received: {data[:20]!r}")
    try:
        return sounding(_sheet(_parsed(data)), remarks)
    except MusicgenError:
        raise
    except Exception as error:  # music21 raises whatever its parser meets
        received = " ".join(f"{type(error).__name__} {error}".split())[:120]
        raise FileError(f"expected Humdrum that music21 can read. Received: {received}") from error


def load() -> None:
    """Load music21, which takes longer than most files take to read."""
    _parsed(b"**kern\n4c\n*-\n")


def _parsed(data: bytes) -> Any:
    """music21's stream, of Latin-1 where the data are not UTF-8."""
    from music21 import humdrum

    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    spines = humdrum.spineParser.HumdrumDataCollection(text)
    spines.parse()
    return spines.stream


def _sheet(stream: Any) -> Sheet:
    sheet = Sheet()
    scores = list(stream.getElementsByClass("Score")) or [stream]
    for number, part in enumerate(scores[0].parts):
        sheet.parts.append(Part(str(part.partName or "")))
        for place, measure in enumerate(part.getElementsByClass("Measure")):
            _read_measure(sheet, number, measure, sheet.bar(place))
    return sheet


def _read_measure(sheet: Sheet, number: int, measure: Any, bar: Bar) -> None:
    bar.extend(Fraction(measure.duration.quarterLength))
    for element in measure.recurse():
        offset = Fraction(element.getOffsetInHierarchy(measure))
        if "GeneralNote" in element.classes:
            _read_notes(sheet, number, element, offset, bar)
        elif number == 0:
            bar.signs += _signs(element, offset)
    for line in (measure.leftBarline, measure.rightBarline) if number == 0 else ():
        if line is not None and "Repeat" in line.classes:
            bar.marks.opens |= line.direction == "start"
            bar.marks.closes = bar.marks.closes or 2 * (line.direction == "end")


def _read_notes(sheet: Sheet, number: int, element: Any, offset: Fraction, bar: Bar) -> None:
    if element.duration.isGrace:
        sheet.graces += len(element.pitches)
        return
    duration = Fraction(element.duration.quarterLength)
    for note in element.notes if element.isChord else [element] if element.isNote else []:
        tie = note.tie or element.tie
        tied = tie is not None and tie.type in ("start", "continue")
        if duration and 0 <= note.pitch.midi < 128:
            bar.notes.append(Written(offset, duration, note.pitch.midi, VELOCITY, tied, number))


def _signs(element: Any, offset: Fraction) -> list[Sign]:
    if "TimeSignature" in element.classes:
        return [Sign(offset, "metre", (element.numerator, element.denominator))]
    if "KeySignature" in element.classes:
        return [Sign(offset, "key", (element.sharps, getattr(element, "mode", None) == "minor"))]
    if "MetronomeMark" in element.classes and element.getQuarterBPM():
        return [Sign(offset, "tempo", round(60_000_000 / element.getQuarterBPM()))]
    return []
