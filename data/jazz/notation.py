"""Reads the part of ABC our tunes are written in.

A tune is one file: header lines `X: T: C: S: M: L: Q: K: N:`, then music. Read are notes with
accidentals, octave marks and lengths, rests (`z`, and `Z` for whole bars), ties, broken rhythm
(`>`, `<`; 3:1, or as the line `%%MIDI ratio 2 1` says), tuplets (`(3`, `(3:2:2`), staccato dots,
chord symbols in quotes, bar lines, the repeat `|: :|`, and comments from `%` on. Anything else is
an error, and so is a bar that does not add up.

Conventions: times are `Fraction` quarters since the start of the first full-size bar; a pickup is
set at the end of that bar. Readers of ABC disagree how far an accidental holds (music21 does not
always keep it to the end of the bar), so once a letter is altered in a bar, every later note of that
letter there must carry its own.

Source: the ABC standard 2.1, https://abcnotation.com/wiki/abc:standard:v2.1
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from musicgen.errors import FileError, at

SCALE = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
SHARPS = {"C": 0, "G": 1, "D": 2, "A": 3, "E": 4, "B": 5, "F#": 6, "F": -1, "Bb": -2, "Eb": -3, "Ab": -4, "Db": -5}
SHARPS |= {"Gb": -6, "C#": 7, "G#": 8, "D#": 9}
MODES = {"": 0, "maj": 0, "m": -3, "min": -3, "dor": -2, "mix": -1}
ACCIDENTALS = {"^^": 2, "^": 1, "=": 0, "_": -1, "__": -2}
TUPLETS = {2: 3, 3: 2, 4: 3, 6: 2}  # p notes in the time of q

TOKEN = re.compile(
    r'"(?P<chord>[^"]*)"'
    r"|(?P<bar>:\||\|:|\|\]|\|\||\|)"
    r"|\((?P<tuplet>\d)(?::(?P<time>\d?))?(?::(?P<count>\d?))?"
    r"|(?P<dot>\.)?(?P<accidental>\^\^|\^|__|_|=)?(?P<letter>[A-Ga-gzZ])(?P<octave>[,']*)(?P<length>\d*/*\d*)(?P<tie>-?)"
    r"|(?P<broken>[<>])"
    r"|(?P<space>\s+)"
)


class Note(NamedTuple):
    """A note; `start` and `duration` in quarters."""

    start: Fraction
    duration: Fraction
    pitch: int


class Chord(NamedTuple):
    """A chord symbol, from `start` (in quarters) to the next."""

    start: Fraction
    text: str


@dataclass(frozen=True)
class Tune:
    """A tune as written.

    Attributes:
        header: the lines before the music, by letter; several lines of one letter are joined.
        metre: beats and unit, (4, 4).
        tempo_bpm: quarters per minute.
        sharps, minor: the key signature; sharps < 0 are flats.
        notes, chords: in order of time.
        bars: how many, the pickup included.
    """

    header: dict[str, str]
    metre: tuple[int, int]
    tempo_bpm: int
    sharps: int
    minor: bool
    notes: tuple[Note, ...]
    chords: tuple[Chord, ...]
    bars: int


def read(path: Path) -> Tune:
    """The tune in the file `path`."""
    with at(path.name):
        return parse(path.read_text(encoding="utf-8"))


def parse(text: str) -> Tune:
    """The tune that `text` spells."""
    header, body = _split(text)
    missing = [letter for letter in "XTCSMLQKN" if letter not in header]
    if missing:
        raise FileError(f"expected header lines X: T: C: S: M: L: Q: K: N:. Received: none of {', '.join(missing)}")
    beats, unit = (int(number) for number in _match("M", r"(\d+)/(\d+)", header, "4/4"))
    upper, lower = (int(number) for number in _match("L", r"(\d+)/(\d+)", header, "1/8"))
    (tempo,) = _match("Q", r"1/4=(\d+)", header, "1/4=120")
    sharps, minor = _key(header["K"])
    reader = _Reader(_signature(sharps), Fraction(4 * upper, lower), Fraction(4 * beats, unit), _broken(text))
    reader.read(body)
    return Tune(
        header, (beats, unit), int(tempo), sharps, minor, tuple(reader.notes), tuple(reader.chords), reader.bars
    )


def _match(letter: str, pattern: str, header: dict[str, str], example: str) -> tuple[str, ...]:
    """The groups of `pattern` in a header line."""
    match = re.fullmatch(pattern, header[letter])
    if not match:
        raise FileError(f"expected {letter}:{example} or the like. Received: {letter}:{header[letter]}")
    return match.groups()


def _split(text: str) -> tuple[dict[str, str], str]:
    """Header by letter, and the music without comments."""
    header: dict[str, str] = {}
    music = []
    for line in text.splitlines():
        line = line.split("%")[0].strip()
        if re.match(r"[A-Z]:", line):
            value = line[2:].strip()
            header[line[0]] = f"{header[line[0]]} {value}" if line[0] in header else value
        elif line:
            music.append(line)
    return header, "\n".join(music)


def _key(text: str) -> tuple[int, bool]:
    match = re.fullmatch(r"([A-G][b#]?)\s*(maj|min|m|dor|mix|)", text)
    if not match or match[1] not in SHARPS:
        raise FileError(f"expected a key such as Bb, Dm or Gdor. Received: {text!r}")
    tonic, mode = match.groups()
    return SHARPS[tonic] + MODES[mode], mode in ("m", "min")


def _broken(text: str) -> Fraction:
    """How much of `a>b` is a's."""
    match = re.search(r"^%%MIDI ratio (\d) (\d)$", text, re.MULTILINE)
    long, short = (int(n) for n in match.groups()) if match else (3, 1)
    return Fraction(long, long + short)


def _signature(sharps: int) -> dict[str, int]:
    """Alteration of each letter under `sharps` sharps."""
    altered = "FCGDAEB"[:sharps] if sharps >= 0 else "BEADGCF"[:-sharps]
    return dict.fromkeys(altered, 1 if sharps >= 0 else -1)


class _Reader:
    """Walks the tokens and keeps the clock."""

    def __init__(self, signature: dict[str, int], unit: Fraction, bar: Fraction, long: Fraction):
        self.signature, self.unit, self.bar, self.long = signature, unit, bar, long
        self.notes: list[Note] = []
        self.chords: list[Chord] = []
        self.bars = 0  # finished
        self.now = Fraction(0)
        self.altered: set[str] = set()  # letters with an accidental in this bar
        self.tied = False
        self.stretch, self.stretched = Fraction(1), 0  # of the tuplet, and notes left in it
        self.broken = 0  # 1 after >, -1 after <
        self.last: Fraction | None = None  # length of the note or rest before, for < and >
        self.repeat: tuple[int, int, Fraction] | None = None  # notes, chords and time at |:

    def read(self, music: str) -> None:
        place = 0
        while place < len(music):
            match = TOKEN.match(music, place)
            if not match:
                found = music[place : place + 12]
                raise self.error(f"expected notes, rests, chords in quotes or bar lines. Received: {found!r}")
            self.take(match)
            place = match.end()
        if self.now > self.bars * self.bar:
            raise self.error("expected a bar line at the end")
        if self.tied or self.stretched or self.broken:
            raise self.error("a tie, tuplet or broken rhythm is left open")

    def error(self, message: str) -> FileError:
        return FileError(f"bar {self.bars + 1}: {message}")

    def take(self, match: re.Match[str]) -> None:
        part = match.groupdict()
        if part["chord"] is not None:
            self.chords.append(Chord(self.now, part["chord"]))
        elif part["bar"]:
            self.finish(part["bar"])
        elif part["tuplet"]:
            size = int(part["tuplet"])
            self.stretch = Fraction(int(part["time"] or TUPLETS[size]), size)
            self.stretched = int(part["count"] or size)
        elif part["letter"] == "Z":
            self.now += self.bar * int(part["length"] or 1)
            self.bars += int(part["length"] or 1) - 1
        elif part["letter"]:
            self.sound(part)
        elif part["broken"]:
            self.bend(1 if part["broken"] == ">" else -1)

    def sound(self, part: dict[str, str]) -> None:
        """A note or a rest."""
        length = self.unit * _length(part["length"]) * (self.stretch if self.stretched else 1)
        self.stretched = max(0, self.stretched - 1)
        if self.broken:
            length *= 1 - self.broken * (2 * self.long - 1)
            self.broken = 0
        if part["letter"] != "z":
            self.add(self.pitch(part), length / 2 if part["dot"] else length)
            self.tied = part["tie"] == "-"
        elif self.tied:
            raise self.error("expected a note after the tie. Received: a rest")
        self.now += length
        self.last = length

    def add(self, pitch: int, duration: Fraction) -> None:
        if not self.tied:
            self.notes.append(Note(self.now, duration, pitch))
        elif self.notes[-1].pitch != pitch:
            raise self.error(f"expected the tied note {self.notes[-1].pitch}. Received: {pitch}")
        else:
            self.notes[-1] = self.notes[-1]._replace(duration=self.now + duration - self.notes[-1].start)

    def bend(self, direction: int) -> None:
        """`a>b`: a takes a part of b's time; `a<b` the other way."""
        if self.last is None or self.stretched:
            raise self.error("expected < or > between two notes")
        change = self.last * direction * (2 * self.long - 1)
        if self.notes and self.notes[-1].start + self.notes[-1].duration == self.now:
            self.notes[-1] = self.notes[-1]._replace(duration=self.notes[-1].duration + change)
        self.now += change
        self.broken = direction

    def pitch(self, part: dict[str, str]) -> int:
        letter = part["letter"].upper()
        octave = 5 + part["letter"].islower() + part["octave"].count("'") - part["octave"].count(",")
        if part["accidental"]:
            self.altered.add(letter)
        elif letter in self.altered:
            raise self.error(f"expected an accidental: {letter} is altered earlier in the bar. Received: none")
        shift = ACCIDENTALS[part["accidental"]] if part["accidental"] else self.signature.get(letter, 0)
        return 12 * octave + SCALE[letter] + shift

    def finish(self, line: str) -> None:
        """A bar line."""
        length = self.now - self.bars * self.bar
        if self.bars == 0 and 0 < length < self.bar:
            self.shift(self.bar - length)
        elif length not in (0, self.bar):
            raise self.error(f"expected {self.bar} quarters. Received: {length}")
        self.bars += bool(length)
        self.altered = set()
        if line == "|:":
            self.repeat = len(self.notes), len(self.chords), self.now
        elif line == ":|":
            self.again()

    def shift(self, time: Fraction) -> None:
        """Set the pickup at the end of its bar."""
        self.notes = [note._replace(start=note.start + time) for note in self.notes]
        self.chords = [chord._replace(start=chord.start + time) for chord in self.chords]
        self.now += time

    def again(self) -> None:
        """Write out the repeat."""
        if self.repeat is None or self.tied:
            raise self.error("expected |: before :|, and no tie into :|")
        notes, chords, start = self.repeat
        time = self.now - start
        self.notes += [note._replace(start=note.start + time) for note in self.notes[notes:]]
        self.chords += [chord._replace(start=chord.start + time) for chord in self.chords[chords:]]
        self.now += time
        self.bars += int(time / self.bar)
        self.repeat = None


def _length(text: str) -> Fraction:
    """`3` is 3, `/` a half, `//` a quarter, `3/2` three halves."""
    top, slashes, bottom = re.fullmatch(r"(\d*)(/*)(\d*)", text).groups()  # type: ignore[union-attr]
    if bottom:
        return Fraction(int(top or 1), int(bottom))
    return Fraction(int(top or 1), 2 ** len(slashes))
