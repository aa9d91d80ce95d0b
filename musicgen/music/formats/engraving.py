"""MusicXML out: a Score as sheet music that notation programs open. The way in is `musicxml`, the layout `layout`.

- A part for each track that has notes; channel 10 is percussion. Chord symbols, section marks (rehearsal marks),
  tempo and words stand above the first part.
- Without a key in the score it is estimated, for the signature and the spelling. A key that changes inside a bar is
  written at the bar's start.
- Short texts are words above the staff; long ones and those with odd characters (a clip's receipt) go into a
  miscellaneous field, where our own reader finds them.
- Velocities are kept as MusicXML's `dynamics`. Controllers and bends are left out.
- No date and no random names: the same Score gives the same bytes. Beams are left to the notation program.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from fractions import Fraction
from xml.etree.ElementTree import Element as Node
from xml.etree.ElementTree import SubElement, indent, tostring

from musicgen.music.formats.keyspelling import Spelled, estimated_key, named, spelled
from musicgen.music.formats.kinds import kind_of
from musicgen.music.formats.layout import Element, Measure, Staff, measures, staff
from musicgen.music.formats.musicxml import TEXT_FIELD
from musicgen.music.score import Score, Text, Track
from musicgen.music.theory import Chord, chords_from_markers

_TYPES = {
    Fraction(8): "breve",
    Fraction(4): "whole",
    Fraction(2): "half",
    Fraction(1): "quarter",
    Fraction(1, 2): "eighth",
    Fraction(1, 4): "16th",
    Fraction(1, 8): "32nd",
    Fraction(1, 16): "64th",
    Fraction(1, 32): "128th",
}
_DRUM_PLACES = {35: "F4", 36: "F4", 38: "C5", 40: "C5", 42: "G5", 44: "D4", 46: "G5", 49: "A5", 51: "F5", 57: "A5"}
_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE score-partwise PUBLIC'
    ' "-//Recordare//DTD MusicXML 3.1 Partwise//EN" "http://www.musicxml.org/dtds/partwise.dtd">\n'
)
_MOST_WORDS = 60  # characters of a text that is shown
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # in XML 1.0


def write(score: Score, remarks: list[str]) -> bytes:
    """`score` as MusicXML 3.1; what of it is changed or left out is added to `remarks`.

    Raises:
        InputError: more bars than can be written.
    """
    sheet = _Engraving(score)
    root = sheet.root()
    indent(root, " ")
    remarks += sheet.remarks()
    return (_HEAD + tostring(root, "unicode") + "\n").encode()


class _Engraving:
    """A Score on its way to paper."""

    def __init__(self, score: Score) -> None:
        self.score = score
        self.tracks = [track for track in score.tracks if len(track.notes)] or [Track()]
        self.chords, self.sections = _parted(score.markers)
        words = [text.tick + 1 for text in (*score.markers, *score.texts) if not _is_hidden(text)]
        self.bars = measures(score, max(score.end, *words, 1))
        self.staves = [staff(track, score.resolution, self.bars) for track in self.tracks]
        self.keys = _keys(score, self.bars)
        self.divisions = math.lcm(*(d for one in self.staves for d in _denominators(one)), *_offsets(self))

    def remarks(self) -> list[str]:
        """What is not as it was."""
        moved = sum(staff.moved for staff in self.staves)
        shortened = sum(staff.shortened for staff in self.staves)
        others = sum(len(track.controllers) + len(track.bends) for track in self.score.tracks)
        facts = {
            "moved to the nearest written time": moved,
            "shortened, as more than four voices would overlap": shortened,
        }
        found = [f"{count} note{'s' * (count > 1)} {what}" for what, count in facts.items() if count]
        return found + [f"{others} controllers and bends left out"] * bool(others)

    def root(self) -> Node:
        """The whole document."""
        root = Node("score-partwise", version="3.1")
        identification = SubElement(root, "identification")
        encoding = SubElement(identification, "encoding")
        _add(encoding, "software", "musicgen")
        SubElement(encoding, "supports", element="beam", type="no")
        self._hidden_texts(identification)
        parts = SubElement(root, "part-list")
        for number, track in enumerate(self.tracks, 1):
            _declare(parts, f"P{number}", track)
        for number, (track, one) in enumerate(zip(self.tracks, self.staves, strict=True), 1):
            part = SubElement(root, "part", id=f"P{number}")
            for place in range(len(self.bars)):
                self._measure(part, track, one, place, number)
        return root

    def _hidden_texts(self, identification: Node) -> None:
        hidden = [text for text in self.score.texts if _is_hidden(text)]
        home = SubElement(identification, "miscellaneous") if hidden else None
        for number, text in enumerate(hidden):
            if home is not None:
                quarters = f"{text.tick / self.score.resolution:.6f}"
                field = SubElement(home, "miscellaneous-field", name=f"{TEXT_FIELD}{quarters}#{number}")
                field.text = _FORBIDDEN.sub("", text.text)

    # Measures.

    def _measure(self, part: Node, track: Track, one: Staff, place: int, number: int) -> None:
        bar = self.bars[place]
        is_short = bar.length != Fraction(4 * bar.metre[0], bar.metre[1])
        shown = str(place if self.bars[0].pickup else place + 1)
        measure = SubElement(part, "measure", {"number": shown} | ({"implicit": "yes"} if is_short else {}))
        self._attributes(measure, track, place)
        signs = self._signs(bar) if number == 1 else []
        voices = one.bars[place]
        for count, voice in enumerate(voices, 1):
            if count > 1:
                _add(SubElement(measure, "backup"), "duration", self._divided(bar.length))
            for element in voice:
                if count == 1:
                    self._place_signs(measure, signs, element)
                self._notes(measure, track, element, count, number, self.keys[place])
        if place == len(self.bars) - 1:
            _add(SubElement(measure, "barline", location="right"), "bar-style", "light-heavy")

    def _divided(self, time: Fraction) -> str:
        return str(int(time * self.divisions))

    def _attributes(self, measure: Node, track: Track, place: int) -> None:
        """What is new in this bar."""
        attributes = Node("attributes")
        if place == 0:
            _add(attributes, "divisions", str(self.divisions))
        if place == 0 or self.keys[place] != self.keys[place - 1]:
            sharps, minor = self.keys[place]
            key = SubElement(attributes, "key")
            _add(key, "fifths", str(sharps))
            _add(key, "mode", "minor" if minor else "major")
        if place == 0 or self.bars[place].metre != self.bars[place - 1].metre:
            time = SubElement(attributes, "time")
            _add(time, "beats", str(self.bars[place].metre[0]))
            _add(time, "beat-type", str(self.bars[place].metre[1]))
        if place == 0:
            clef = SubElement(attributes, "clef")
            for name, value in _clef(track):
                _add(clef, name, value)
        if len(attributes):
            measure.append(attributes)

    def _signs(self, bar: Measure) -> list[tuple[Fraction, Node]]:
        """Sections, tempo, words and chords of a bar, by their time from the bar line."""
        found = [(tick, 0, _rehearsal(text)) for tick, text in self.sections]
        found += [(tick, 1, _tempo(us)) for tick, us in self.score.tempos.tolist()]
        found += [(text.tick, 2, _words(text.text)) for text in self.score.texts if not _is_hidden(text)]
        found += [(tick, 3, _harmony(chord)) for tick, chord in self.chords]
        timed = [(Fraction(tick, self.score.resolution) - bar.start, order, node) for tick, order, node in found]
        here = sorted((one for one in timed if 0 <= one[0] < bar.length), key=lambda one: one[:2])
        return [(time, node) for time, _, node in here]

    def _place_signs(self, measure: Node, signs: Sequence[tuple[Fraction, Node]], element: Element) -> None:
        """The signs that stand above an element, before it; those inside it with their offset."""
        for time, node in signs:
            if element.start <= time < element.start + element.duration:
                if time > element.start:
                    offset = Node("offset")
                    offset.text = self._divided(time - element.start)
                    place = next((n for n, child in enumerate(node) if child.tag in ("sound", "staff")), len(node))
                    node.insert(place, offset)
                measure.append(node)

    # Notes.

    def _notes(
        self, measure: Node, track: Track, element: Element, voice: int, number: int, key: tuple[int, bool]
    ) -> None:
        """An element's notes, or its rest."""
        if element.group is None:
            note = SubElement(measure, "note")
            SubElement(note, "rest", {} if element.value or measure.get("implicit") else {"measure": "yes"})
            self._rest_of(note, element, voice, False)
            return
        for count, (pitch, velocity) in enumerate(element.group.notes):
            note = SubElement(measure, "note", dynamics=f"{velocity / 0.9:.2f}")
            if count:
                SubElement(note, "chord")
            _pitch(note, track, pitch, key)
            self._rest_of(note, element, voice, count > 0, f"P{number}-I{pitch}" if track.is_drum else "")
            if count == 0 and element.begins:
                self._lyric(note, track, element)

    def _rest_of(self, note: Node, element: Element, voice: int, in_chord: bool, instrument: str = "") -> None:
        """Duration, ties, instrument, voice, value, tuplet: in the order that MusicXML asks for."""
        _add(note, "duration", self._divided(element.duration))
        ties = _ties(element)
        for kind in ties:
            SubElement(note, "tie", type=kind)
        if instrument:
            SubElement(note, "instrument", id=instrument)
        _add(note, "voice", str(voice))
        if element.value:
            is_dotted = element.value not in _TYPES
            _add(note, "type", _TYPES[element.value / Fraction(3, 2) if is_dotted else element.value])
            if is_dotted:
                SubElement(note, "dot")
        if element.tuplet != (1, 1):
            change = SubElement(note, "time-modification")
            _add(change, "actual-notes", str(element.tuplet[0]))
            _add(change, "normal-notes", str(element.tuplet[1]))
        brackets = [
            kind for kind, here in (("start", element.opens), ("stop", element.closes)) if here and not in_chord
        ]
        if ties or brackets:
            notations = SubElement(note, "notations")
            for kind in ties:
                SubElement(notations, "tied", type=kind)
            for kind in brackets:
                SubElement(notations, "tuplet", type=kind)

    def _lyric(self, note: Node, track: Track, element: Element) -> None:
        group = element.group
        words = [
            word.text for word in track.lyrics if group and Fraction(word.tick, self.score.resolution) == group.start
        ]
        text = _FORBIDDEN.sub("", " ".join(words)).strip()
        if text:
            lyric = SubElement(note, "lyric")
            _add(lyric, "syllabic", "single")
            _add(lyric, "text", text)


def _add(parent: Node, name: str, text: str) -> Node:
    child = SubElement(parent, name)
    child.text = text
    return child


def _ties(element: Element) -> list[str]:
    if element.group is None:
        return []
    return [kind for kind, goes in (("stop", not element.begins), ("start", not element.ends)) if goes]


def _denominators(one: Staff) -> set[int]:
    return {e.duration.denominator for bar in one.bars for voice in bar for e in voice} | {1}


def _offsets(sheet: _Engraving) -> set[int]:
    """Denominators of times at which something stands above the staff, where they are not too odd to be counted."""
    score = sheet.score
    ticks = {text.tick for text in (*score.markers, *score.texts)} | set(score.tempos["tick"].tolist())
    found = {Fraction(tick, score.resolution).denominator for tick in ticks}
    found |= {bar.start.denominator for bar in sheet.bars}
    return {number for number in found if number <= 960}


def _keys(score: Score, bars: Sequence[Measure]) -> list[tuple[int, bool]]:
    """The key of each bar."""
    rows = [(Fraction(tick, score.resolution), (sharps, minor)) for tick, sharps, minor in score.keys.tolist()]
    key = rows[0][1] if rows else estimated_key(score)
    found = []
    for bar in bars:
        while rows and rows[0][0] < bar.start + bar.length:
            key = rows.pop(0)[1]
        found.append(key)
    return found


def _declare(parts: Node, name: str, track: Track) -> None:
    """A part in the list: its name and its instruments."""
    part = SubElement(parts, "score-part", id=name)
    _add(part, "part-name", _FORBIDDEN.sub("", track.name))
    drums = sorted({int(pitch) for pitch in track.notes["pitch"]}) if track.is_drum else []
    ids = [(f"{name}-I{pitch}", pitch) for pitch in drums] or [(f"{name}-I1", -1)]
    for identity, pitch in ids:
        instrument = SubElement(part, "score-instrument", id=identity)
        _add(instrument, "instrument-name", f"drum {pitch}" if pitch >= 0 else _FORBIDDEN.sub("", track.name))
    for identity, pitch in ids:
        midi = SubElement(part, "midi-instrument", id=identity)
        _add(midi, "midi-channel", str(track.channel + 1))
        _add(midi, "midi-program", str(track.program + 1))
        if pitch >= 0:
            _add(midi, "midi-unpitched", str(pitch + 1))


def _clef(track: Track) -> list[tuple[str, str]]:
    if track.is_drum:
        return [("sign", "percussion")]
    voice = track.name.casefold()
    is_low = len(track.notes) and float(track.notes["pitch"].mean()) < 56
    if voice in ("soprano", "alto", "tenor", "bass"):
        is_low = voice in ("tenor", "bass")
    return [("sign", "F"), ("line", "4")] if is_low else [("sign", "G"), ("line", "2")]


def _pitch(note: Node, track: Track, pitch: int, key: tuple[int, bool]) -> None:
    if track.is_drum:
        unpitched = SubElement(note, "unpitched")
        place = _DRUM_PLACES.get(pitch, "E5")
        _add(unpitched, "display-step", place[0])
        _add(unpitched, "display-octave", place[1])
        return
    name = spelled(pitch, *key)
    home = SubElement(note, "pitch")
    _add(home, "step", name.step)
    if name.alter:
        _add(home, "alter", str(name.alter))
    _add(home, "octave", str(name.octave))


# What stands above the staff.


def _is_hidden(text: Text) -> bool:
    return (
        len(text.text) > _MOST_WORDS or text.text != " ".join(text.text.split()) or bool(_FORBIDDEN.search(text.text))
    )


class _Tick(int):
    """A marker's tick that is told from others of the same number by being itself."""


def _parted(markers: Iterable[Text]) -> tuple[list[tuple[int, Chord]], list[tuple[int, str]]]:
    """The chords among the markers, and the sections."""
    marked = [(_Tick(tick), text) for tick, text in markers]
    chords = chords_from_markers(marked)
    taken = {id(tick) for tick, _ in chords}
    return chords, [(tick, text) for tick, text in marked if id(tick) not in taken]


def _direction() -> tuple[Node, Node]:
    direction = Node("direction", placement="above")
    return direction, SubElement(direction, "direction-type")


def _rehearsal(text: str) -> Node:
    direction, kind = _direction()
    _add(kind, "rehearsal", _FORBIDDEN.sub("", re.sub(r"^\[(.*)\]$", r"\1", text)))
    return direction


def _words(text: str) -> Node:
    direction, kind = _direction()
    _add(kind, "words", text)
    return direction


def _tempo(microseconds: int) -> Node:
    direction, kind = _direction()
    tempo = 60e6 / microseconds
    mark = SubElement(kind, "metronome")
    _add(mark, "beat-unit", "quarter")
    _add(mark, "per-minute", f"{tempo:.2f}".rstrip("0").rstrip("."))
    SubElement(direction, "sound", tempo=f"{tempo:.6f}".rstrip("0").rstrip("."))
    return direction


def _harmony(chord: Chord) -> Node:
    harmony = Node("harmony")
    root = SubElement(harmony, "root")
    if chord.root is None or chord.bass is None:
        _add(root, "root-step", "C")
        SubElement(harmony, "kind", text="N.C.").text = "none"
        return harmony
    kind, degrees = kind_of(chord.intervals)
    _step(root, "root", _chord_name(chord.root_name, chord.root))
    SubElement(harmony, "kind", text=chord.quality).text = kind
    if chord.bass != chord.root:
        _step(SubElement(harmony, "bass"), "bass", _chord_name(chord.bass_name, chord.bass))
    for degree in degrees:
        home = SubElement(harmony, "degree")
        for name, value in zip(("value", "alter", "type"), degree, strict=True):
            _add(home, f"degree-{name}", str(value))
    return harmony


def _chord_name(name: str, pitch_class: int) -> Spelled:
    """A root or bass as its writer spelled it."""
    if re.fullmatch("[A-G][b#]?", name):
        return Spelled(name[0], {"b": -1, "#": 1, "": 0}[name[1:]], 0)
    return named(pitch_class, (pitch_class * 7 + 5) % 12 - 5)


def _step(home: Node, what: str, name: Spelled) -> None:
    _add(home, f"{what}-step", name.step)
    if name.alter:
        _add(home, f"{what}-alter", str(name.alter))
