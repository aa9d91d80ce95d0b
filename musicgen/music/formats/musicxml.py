"""MusicXML in: `.musicxml`, `.xml` and compressed `.mxl`, to a Score. The way out is `engraving`.

Read are notes of all voices and staves of a part as they sound (transposing instruments too), percussion through its
MIDI instruments, ties, tuplets, chord symbols, rehearsal marks, words, tempo, metre, key, lyrics of the first verse,
repeats, endings and jumps. Metre, keys and repeats are those of the first part. Grace and cue notes are left out, and
so is what has no sound. A bar lasts as long as what is written in it.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from xml.etree.ElementTree import Element

from musicgen.errors import FileError, at
from musicgen.music.formats.kinds import Degree, intervals
from musicgen.music.formats.sheet import (
    VELOCITY,
    Bar,
    Part,
    Sheet,
    Sign,
    Written,
    chord_marker,
    section_marker,
    sounding,
)
from musicgen.music.formats.unfolding import CODA, DA_CAPO, DAL_SEGNO, FINE, SEGNO, TO_CODA
from musicgen.music.qualities import spelling
from musicgen.music.scales import SHARPS
from musicgen.music.score import Score, Text
from musicgen.music.theory import chord_or_none

TEXT_FIELD = "musicgen-text-"  # a miscellaneous field that holds a text event; the tick's quarter note follows
_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_UNITS = {"breve": 8, "whole": 4, "half": 2, "quarter": 1}
_UNITS_BELOW = {"eighth": 2, "16th": 4, "32nd": 8, "64th": 16}
_JUMPS = {
    "segno": SEGNO,
    "coda": CODA,
    "fine": FINE,
    "tocoda": TO_CODA,
    "dacapo": DA_CAPO,
    "dalsegno": DAL_SEGNO,
}  # attributes of <sound>
_JUMP_WORDS = {
    r"fine": FINE,
    r"to coda": TO_CODA,
    r"(d\. ?c\.|da capo)( al (fine|coda))?": DA_CAPO,
    r"(d\. ?s\.|dal segno)( al (fine|coda))?": DAL_SEGNO,
}
_DYNAMICS = {"ppp": 16, "pp": 33, "p": 49, "mp": 64, "mf": 80, "f": 96, "ff": 112, "fff": 126}


def read(data: bytes, number: int, remarks: list[str]) -> Score:
    """The piece in a MusicXML file (`number` is 0); what is left out is added to `remarks`.

    Raises:
        FileError: the data are no MusicXML or hold no notes; says the part and the measure.
    """
    root = _root(data)
    if root.tag == "score-timewise":
        root = _partwise(root)
    if root.tag != "score-partwise":
        raise FileError(f"expected MusicXML, with score-partwise outside. Received: {root.tag[:40]}")
    sheet = Sheet()
    declared = {part.get("id", ""): part for part in root.iter("score-part")}
    for count, part in enumerate(root.findall("part")):
        with at(f"part {count + 1}"):
            _PartReader(sheet, count, declared.get(part.get("id", ""))).read(part)
    _stretch_first_endings(sheet.bars)
    score = sounding(sheet, remarks)
    return _with_texts(score, root)


def _stretch_first_endings(bars: list[Bar]) -> None:
    """A first ending lasts until its repeat, though some programs draw its bracket over one bar only."""
    for number, bar in enumerate(bars):
        if (
            1 not in bar.marks.endings
            or bar.marks.closes
            or (number + 1 < len(bars) and bars[number + 1].marks.endings)
        ):
            continue
        for last in range(number + 1, len(bars)):
            marks = bars[last].marks
            if marks.opens or marks.endings:
                break
            if marks.closes:
                for inside in bars[number + 1 : last + 1]:
                    inside.marks.endings = bar.marks.endings
                break


def _root(data: bytes) -> Element:
    if b"<!ENTITY" in data:
        raise FileError("expected MusicXML without entities of its own. Received: one that declares some")
    try:
        return ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        received = repr(data[:20]) if data else "an empty file"
        raise FileError(f"expected MusicXML. Received: {received} ({error})") from error


def _partwise(root: Element) -> Element:
    """Measures of parts turned into parts of measures."""
    turned = Element("score-partwise")
    parts: dict[str, Element] = {}
    for child in root:
        if child.tag != "measure":
            turned.append(child)
            continue
        for part in child.findall("part"):
            home = parts.setdefault(part.get("id", ""), Element("part", part.attrib))
            measure = Element("measure", child.attrib)
            measure.extend(part)
            home.append(measure)
    turned.extend(parts.values())
    return turned


def _with_texts(score: Score, root: Element) -> Score:
    """Text events that were put away where no reader of music looks."""
    found = []
    for field in root.iter("miscellaneous-field"):
        name = field.get("name", "")
        if name.startswith(TEXT_FIELD):
            with suppress(ValueError, ZeroDivisionError):
                quarters = Fraction(name.removeprefix(TEXT_FIELD).split("#")[0])
                found.append(Text(round(quarters * score.resolution), field.text or ""))
    texts = sorted([*score.texts, *found], key=lambda text: text.tick)
    return replace(score, texts=tuple(texts)) if found else score


class _PartReader:
    """Reads one part into the sheet's bars."""

    def __init__(self, sheet: Sheet, number: int, declared: Element | None) -> None:
        self.sheet, self.number = sheet, number
        self.divisions = Fraction(1)
        self.transposed = 0  # semitones from written to sounding
        self.metre: tuple[int, int] | None = (4, 4)
        self.velocity = VELOCITY
        self.now = self.last = Fraction(0)  # in the bar
        self.drums: dict[str, int] = {}
        self.endings: tuple[int, ...] = ()
        sheet.parts.append(self._declared(declared))

    def _declared(self, declared: Element | None) -> Part:
        """The part's name and instrument."""
        part = Part()
        if declared is None:
            return part
        part.name = " ".join((declared.findtext("part-name") or "").split())
        for instrument in declared.findall("midi-instrument"):
            pitch = _number(instrument.findtext("midi-unpitched"), 1, 128)
            if pitch:
                self.drums[instrument.get("id", "")] = pitch - 1
        first = declared.find("midi-instrument")
        if first is not None:
            part.channel = (_number(first.findtext("midi-channel"), 1, 16) or 1) - 1
            part.program = (_number(first.findtext("midi-program"), 1, 128) or 1) - 1
        return part

    def read(self, part: Element) -> None:
        """All measures."""
        for count, measure in enumerate(part.findall("measure")):
            with at(f"measure {measure.get('number', count + 1)}"):
                self._measure(measure, self.sheet.bar(count))

    def _measure(self, measure: Element, bar: Bar) -> None:
        self.now = self.last = Fraction(0)
        longest = Fraction(0)
        for child in measure:
            if child.tag == "note":
                self._note(child, bar)
            elif child.tag in ("backup", "forward"):
                step = self._duration(child)
                self.now = max(Fraction(0), self.now - step if child.tag == "backup" else self.now + step)
            elif child.tag == "attributes":
                self._attributes(child, bar)
            elif child.tag == "harmony":
                self._harmony(child, bar)
            elif child.tag in ("direction", "sound"):
                self._direction(child, bar)
            elif child.tag == "barline" and self.number == 0:
                self._barline(child, bar)
            longest = max(longest, self.now)
        if not longest and self.metre:
            longest = Fraction(4 * self.metre[0], self.metre[1])
        if self.endings and self.number == 0:
            bar.marks.endings = self.endings
        if any(ending.get("type") != "start" for ending in measure.iter("ending")):
            self.endings = ()
        bar.extend(longest)

    def _duration(self, element: Element) -> Fraction:
        duration = _fraction(element.findtext("duration"), "duration") / self.divisions
        if duration < 0:
            raise FileError(f"expected a duration of 0 or more. Received: {element.findtext('duration')}")
        return duration

    # Notes.

    def _note(self, note: Element, bar: Bar) -> None:
        if note.find("grace") is not None:
            self.sheet.graces += note.find("cue") is None and note.find("rest") is None
            return
        duration = self._duration(note) if note.find("duration") is not None else Fraction(0)
        start = self.last if note.find("chord") is not None else self.now
        if note.find("chord") is None:
            self.last, self.now = self.now, self.now + duration
        if note.find("rest") is not None or note.find("cue") is not None or not duration:
            return
        pitch = self._pitch(note)
        loud = note.get("dynamics")
        velocity = self.velocity if loud is None else round(_fraction(loud, "dynamics") * 9 / 10)
        ties = {tie.get("type") for tag in ("tie", "tied") for tie in note.iter(tag)}
        loudness = max(1, min(127, velocity))
        bar.notes.append(Written(start, duration, pitch, loudness, "start" in ties, self.number, "stop" in ties))
        words = note.find("lyric")
        syllable = "".join(part.text or "" for part in words.iter("text")) if words is not None else ""
        if syllable.strip():
            bar.lyrics.append((self.number, start, syllable.strip()))

    def _pitch(self, note: Element) -> int:
        unpitched, pitch = note.find("unpitched"), note.find("pitch")
        if unpitched is not None:
            self.sheet.parts[self.number].channel = 9
            instrument = note.find("instrument")
            known = self.drums.get(instrument.get("id", "")) if instrument is not None else None
            return known if known is not None else next(iter(self.drums.values()), 38)
        if pitch is None:
            raise FileError("expected a note with a pitch or a rest. Received: neither")
        step, octave = (pitch.findtext("step") or "").strip(), _fraction(pitch.findtext("octave"), "octave")
        if step not in _STEPS:
            raise FileError(f"expected a step from A to G. Received: {step!r}")
        alter = _fraction(pitch.findtext("alter") or "0", "alter")
        height = 12 * (int(octave) + 1) + _STEPS[step] + round(alter) + self.transposed
        if not 0 <= height < 128:
            raise FileError(f"expected a pitch from 0 to 127. Received: {height}")
        return height

    # What holds for the bar.

    def _attributes(self, attributes: Element, bar: Bar) -> None:
        if attributes.find("divisions") is not None:
            self.divisions = _fraction(attributes.findtext("divisions"), "divisions")
            if self.divisions <= 0:
                raise FileError(f"expected divisions above 0. Received: {self.divisions}")
        transpose = attributes.find("transpose")
        if transpose is not None:
            octaves = _fraction(transpose.findtext("octave-change") or "0", "octave-change")
            self.transposed = round(_fraction(transpose.findtext("chromatic") or "0", "chromatic") + 12 * octaves)
        time, key = attributes.find("time"), attributes.find("key")
        if time is not None:
            self.metre = _metre(time)
            if self.number == 0:
                bar.signs.append(Sign(self.now, "metre", self.metre))
        if key is not None and self.number == 0 and key.find("fifths") is not None:
            bar.signs.append(Sign(self.now, "key", self._key(key)))

    def _key(self, key: Element) -> tuple[int, bool]:
        """The key that sounds."""
        sharps = round(_fraction(key.findtext("fifths"), "fifths"))
        if self.transposed % 12:
            sharps = (sharps + 7 * self.transposed + 5) % 12 - 5
        return max(-7, min(7, sharps)), (key.findtext("mode") or "").strip() in ("minor", "aeolian", "dorian")

    def _harmony(self, harmony: Element, bar: Bar) -> None:
        offset = self.now + self._offset(harmony)
        marker = chord_marker(self._symbol(harmony))
        if marker:
            sign = Sign(max(Fraction(0), offset), "marker", marker)
            if sign not in bar.signs:
                bar.signs.append(sign)

    def _offset(self, element: Element) -> Fraction:
        text = element.findtext("offset")
        return _fraction(text, "offset") / self.divisions if text else Fraction(0)

    def _symbol(self, harmony: Element) -> str:
        """The chord symbol as text; what it sounds comes before how it is written."""
        kind = harmony.find("kind")
        if kind is None or (kind.text or "").strip() == "none":
            return "NC" if kind is not None else ""
        root = _name(harmony.find("root"), "root")
        bass = _name(harmony.find("bass"), "bass")
        degrees = [
            Degree(
                int(_fraction(degree.findtext("degree-value"), "degree-value")),
                round(_fraction(degree.findtext("degree-alter") or "0", "degree-alter")),
                (degree.findtext("degree-type") or "add").strip(),
            )
            for degree in harmony.findall("degree")
        ]
        tones = intervals((kind.text or "").strip(), degrees)
        quality = spelling(tones) if tones else kind.get("text", "")
        text = f"{root}{quality}" + (f"/{bass}" if bass else "")
        chord = chord_or_none(text, letters=True)
        return str(chord.transpose(self.transposed)) if chord and self.transposed % 12 else text

    def _direction(self, direction: Element, bar: Bar) -> None:
        offset = max(Fraction(0), self.now + self._offset(direction))
        for mark in direction.iter("rehearsal"):
            if (mark.text or "").strip():
                _add(bar, Sign(offset, "marker", section_marker(mark.text or "")))
        for words in direction.iter("words"):
            text = " ".join((words.text or "").split())
            if text and not self._jump_words(text, bar):
                _add(bar, Sign(offset, "text", text))
        for mark in direction.iter("dynamics"):
            self.velocity = next((_DYNAMICS[level.tag] for level in mark if level.tag in _DYNAMICS), self.velocity)
        for sign, jump in (("segno", SEGNO), ("coda", CODA)):
            if direction.find(f"direction-type/{sign}") is not None and direction.find("sound[@tocoda]") is None:
                bar.marks.jumps.add(jump)
        tempo = next(_tempos(direction), None)
        if tempo:
            _add(bar, Sign(offset, "tempo", tempo))
        for sound in direction.iter("sound"):
            bar.marks.jumps |= {jump for name, jump in _JUMPS.items() if sound.get(name)}

    def _jump_words(self, text: str, bar: Bar) -> bool:
        for pattern, jump in _JUMP_WORDS.items():
            if re.fullmatch(pattern, text.lower()):
                bar.marks.jumps.add(jump)
                return True
        return False

    def _barline(self, barline: Element, bar: Bar) -> None:
        for ending in barline.iter("ending"):
            if ending.get("type") == "start":
                numbers = {int(number) for number in re.findall(r"\d{1,2}", ending.get("number", ""))}
                self.endings = tuple(sorted(numbers - {0}))
        for repeat in barline.iter("repeat"):
            if repeat.get("direction") == "forward":
                bar.marks.opens = True
            else:
                bar.marks.closes = _number(repeat.get("times"), 1, 99) or 2


def _add(bar: Bar, sign: Sign) -> None:
    """Once, whichever parts say it."""
    if sign not in bar.signs:
        bar.signs.append(sign)


def _tempos(direction: Element) -> Iterator[int]:
    """Microseconds to a quarter note, from what is played or else from what is shown."""
    for sound in direction.iter("sound"):
        if sound.get("tempo"):
            yield from _microseconds(_fraction(sound.get("tempo"), "tempo"))
    for mark in direction.iter("metronome"):
        unit, count = (
            (mark.findtext("beat-unit") or "").strip(),
            re.search(r"\d+(\.\d+)?", mark.findtext("per-minute") or ""),
        )
        quarters = Fraction(_UNITS.get(unit, 0)) or Fraction(1, _UNITS_BELOW.get(unit, 1))
        dots = len(mark.findall("beat-unit-dot"))
        if count:
            yield from _microseconds(Fraction(count[0]) * quarters * (2 - Fraction(1, 2**dots)))


def _microseconds(tempo: Fraction) -> Iterator[int]:
    if tempo > 0 and 0 < round(60_000_000 / tempo) < 2**24:
        yield round(60_000_000 / tempo)


def _metre(time: Element) -> tuple[int, int] | None:
    """The metre, those in parts added up; None for free time."""
    pairs = list(zip(time.findall("beats"), time.findall("beat-type"), strict=False))
    total, finest = Fraction(0), 1
    for beats, unit in pairs:
        below = _number(unit.text, 1, 128) or 0
        above = sum(int(number) for number in re.findall(r"\d{1,3}", beats.text or ""))
        if not above or below & (below - 1) or not below:
            raise FileError(f"expected a metre such as 3/4. Received: {beats.text}/{unit.text}")
        total, finest = total + Fraction(above, below), max(finest, below)
    count = total * finest
    return (int(count), finest) if 0 < count < 256 else None


def _name(element: Element | None, what: str) -> str:
    """A root or a bass: "Bb", or "" if there is none."""
    if element is None:
        return ""
    step = (element.findtext(f"{what}-step") or "").strip()
    alter = round(_fraction(element.findtext(f"{what}-alter") or "0", f"{what}-alter"))
    if step in _STEPS and abs(alter) > 1:
        return SHARPS[(_STEPS[step] + alter) % 12]
    return step + {1: "#", -1: "b"}.get(alter, "")


def _number(text: str | None, low: int, high: int) -> int | None:
    """A whole number in a range, or None."""
    found = (text or "").strip()
    return int(found) if found.isdecimal() and len(found) < 6 and low <= int(found) <= high else None


_DECIMAL = re.compile(r"[+-]?(\d{1,10}(\.\d*)?|\.\d+)")


def _fraction(text: str | None, what: str) -> Fraction:
    found = (text or "").strip()
    if not _DECIMAL.fullmatch(found) or len(found) > 40:
        raise FileError(f"expected {what} as a number of an ordinary size. Received: {found[:40]!r}")
    return Fraction(found).limit_denominator(10**6)
