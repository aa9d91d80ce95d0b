"""ABC, the way folk tunes are written down in plain text: tunes to Scores, after the ABC standard 2.1.

Read are the fields X T M L Q K V P w, in the header, in lines and inline; notes, chords, rests, ties, broken rhythms,
tuplets, grace notes, voices and overlays, repeats with endings, chord symbols in quotes, `%%MIDI program`,
`channel` and `ratio`. Passed over are decorations, annotations, slurs, macros and typesetting.

Choices where writers differ: an accidental holds for its letter in all octaves to the end of the bar; `Q:120` counts
quarter notes; a name in `P:` inside a tune is a section. Slips of the pen that leave the music readable are passed
over, as every ABC program does; what is not ABC gives no notes, and that is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction

from musicgen.errors import FileError
from musicgen.music.formats.sheet import Part, Sheet, Sign, Written, chord_marker, section_marker, sounding
from musicgen.music.formats.unfolding import CODA, DA_CAPO, DAL_SEGNO, FINE, SEGNO
from musicgen.music.score import Score

_LETTERS = dict(zip("CDEFGAB", (0, 2, 4, 5, 7, 9, 11), strict=True))
_SIGNS = {"^^": 2, "^": 1, "=": 0, "_": -1, "__": -2}
_FIFTHS = {letter: place for place, letter in enumerate("FCGDAEB", -1)}
_MODES = {"maj": 0, "ion": 0, "mix": -1, "dor": -2, "m": -3, "min": -3, "aeo": -3, "phr": -4, "loc": -5, "lyd": 1}
_MOST_LENGTH = 10_000  # quarter notes of one note

_TUNE = re.compile(r"^X:.*$", re.MULTILINE)
_FIELD = re.compile(r"([A-Za-z+]):(?![|:])\s*(.*)")
_LENGTH = r"(\d{0,5})(/*)(\d{0,5})"
_TOKEN = re.compile(
    rf"""
      (?P<inline>  \[ [A-Za-z] : [^\]]* \] )
    | (?P<bar>     \.? (?: :+ \|+ \]? :* | \[ \| :* | \|+ [\]|]* :* | ::? (?=\[\d) | :: ) )
    | \[? (?<=[\[|:]) (?P<ending> \d (?: [,-]? \d )* )
    | " (?P<quoted> [^"]* ) "
    | (?P<graces>  \{{ [^}}]* \}} )
    | \( (?P<tuplet> [2-9] ) (?: : (?P<into> \d? ) )? (?: : (?P<over> \d* ) )?
    | (?P<chord>   \[ (?: "[^"]*" | ![^!]*! | [^\]"|\[] )* \] ) (?P<chord_length> {_LENGTH} )
    | (?P<sign>    \^\^ | \^ | __ | _ | = )? (?P<letter> [A-Ga-g] ) (?P<octave> [,']* ) (?P<length> {_LENGTH} )
    | (?P<rest>    [zxZX] ) (?P<rest_length> {_LENGTH} )
    | (?P<broken>  <+ | >+ )
    | (?P<tie>     - )
    | ! (?P<decoration> [^!\n]+ ) !
    | \+ [^+\n]{{1,20}} \+
    | (?P<overlay> & )
    | .
    """,
    re.VERBOSE,
)
_NOTE = re.compile(rf"(\^\^|\^|__|_|=)?([A-Ga-g])([,']*){_LENGTH}(-?)")


def titles(data: bytes) -> list[str]:
    """The title of each tune of a file, in order; `""` where it has none."""
    return [_title(tune) for tune in _tunes(_text(data))]


def read(data: bytes, number: int, remarks: list[str]) -> Score:
    """The tune of that number, from 0; what is left out is added to `remarks`.

    Raises:
        FileError: there are no notes, or fewer tunes.
    """
    tunes = _tunes(_text(data))
    if not number < len(tunes):
        raise FileError(f"expected a tune that is there, of {len(tunes)}. Received: number {number + 1}")
    return sounding(_Tune(tunes[number]).sheet, remarks)


def _text(data: bytes) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _tunes(text: str) -> list[str]:
    """Each tune from its X: field on; a text without one is one tune if it has a key."""
    starts = [found.start() for found in _TUNE.finditer(text)]
    if starts:
        return [text[a:b] for a, b in zip(starts, [*starts[1:], len(text)], strict=True)]
    if re.search(r"^K:", text, re.MULTILINE):
        return [text]
    raise FileError(f"expected ABC, with lines that begin with X: and K:. Received: {text[:20]!r}")


def _title(tune: str) -> str:
    found = re.search(r"^T:[ \t]*(.*)$", tune, re.MULTILINE)
    return found[1].strip() if found else ""


def key_signature(text: str) -> tuple[int, bool, dict[str, int]] | None:
    """Sharps, whether its third is minor, and the alterations by letter of a key as K: has it; None if it names none.

    "Edor" is (2, True, {"F": 1, "C": 1}).
    """
    if re.match(r"H[Pp]", text):
        return 2, False, {"F": 1, "C": 1}
    found = re.match(r"([A-G])([#b]?)\s*([A-Za-z]*)(?![=\w])", text)
    if not found:
        return (0, False, {}) if text.startswith("none") or not text.strip() else None
    mode = found[3].lower()[:3]
    if mode == "exp":
        return 0, False, _explicit(text)
    shift = _MODES.get(mode, 0)
    sharps = _FIFTHS[found[1]] + {"#": 7, "b": -7, "": 0}[found[2]] + shift
    order = "FCGDAEB" if sharps > 0 else "BEADGCF"
    altered = dict.fromkeys(order[: min(abs(sharps), 7)], 1 if sharps > 0 else -1)
    return max(-7, min(7, sharps)), shift < -1, altered | _explicit(text[found.end() :])


def _explicit(text: str) -> dict[str, int]:
    """Alterations by letter, as in "^f _b"."""
    return {letter.upper(): _SIGNS[sign] for sign, letter in re.findall(r"(\^\^|\^|__|_|=)([A-Ga-g])", text)}


@dataclass
class _Voice:
    """Where one voice stands: its bar, the time in it, and what holds there."""

    part: int
    unit: Fraction  # quarter notes
    metre: tuple[int, int] | None
    altered: dict[str, int]
    shift: int = 0  # semitones
    bar: int = 0
    now: Fraction = Fraction(0)
    accidentals: dict[str, int] = field(default_factory=dict)
    endings: tuple[int, ...] = ()
    tuplet: tuple[int, Fraction] = (0, Fraction(1))  # notes to come, factor
    broken: Fraction = Fraction(1)  # factor of the next note
    last: list[int] = field(default_factory=list)  # places in the bar's list of the notes just written
    last_start: Fraction = Fraction(0)
    last_bar: int = 0
    line: list[tuple[int, Fraction]] = field(default_factory=list)  # notes that words may go under


class _Tune:
    """A tune on its way to a sheet."""

    def __init__(self, text: str) -> None:
        self.sheet = Sheet()
        self.unit: Fraction | None = None
        self.metre: tuple[int, int] | None = (4, 4)
        self.voices: dict[str, _Voice] = {}
        self.voice: _Voice | None = None
        self.waiting: list[tuple[str, str]] = []  # fields before the first voice
        self.program, self.channel = 0, 0
        self.long = Fraction(3, 2)  # of two equal notes, the first before one `>`
        self.altered: dict[str, int] = {}
        self.shift = 0
        self.in_body = False
        for line in text.split("\n"):
            self._line(line)

    def _line(self, line: str) -> None:
        directive = re.match(r"%%MIDI\s+(program|channel|ratio)\s+(?:(\d{1,3})\s+)?(\d{1,3})\s*$", line)
        if directive:
            self._instrument(directive[1], int(directive[2] or 0), int(directive[3]))
            return
        line = re.sub(r"(?<!\\)%.*", "", line).rstrip().removesuffix("\\")
        found = _FIELD.fullmatch(line)
        if found:
            self._field(found[1], found[2].strip())
        elif self.in_body and line:
            self._now().line = []
            self._music(line)

    def _instrument(self, kind: str, first: int, value: int) -> None:
        """What a directive for MIDI says: the program, the channel, or the ratio of broken rhythm."""
        if kind == "ratio":
            self.long = Fraction(2 * first, (first + value) or 1) or self.long
        elif kind == "program":
            self.program = min(value, 127)
        else:
            self.channel = max(0, min(value, 16) - 1)
        if self.voice:
            part = self.sheet.parts[self.voice.part]
            part.program, part.channel = self.program, self.channel

    # Fields.

    def _field(self, name: str, text: str) -> None:
        if name == "M":
            self._set_metre(text)
        elif name == "L":
            self._set_unit(text)
        elif name == "Q":
            self._set_tempo(text)
        elif name == "K":
            self._set_key(text)
        elif name == "V":
            self._choose_voice(text)
        elif name == "P" and self.in_body and text:
            self._sign("marker", section_marker(text))
        elif name == "w" and self.in_body:
            self._words(text)

    def _set_metre(self, text: str) -> None:
        named = {"C": (4, 4), "C|": (2, 2), "c": (4, 4), "none": None}
        found = re.match(r"\(?\s*(\d+(?:\s*\+\s*\d+)*)\s*\)?\s*/\s*(\d+)", text)
        metre: tuple[int, int] | None = named.get(text.strip())
        if found:
            beats, unit = sum(map(int, found[1].split("+"))), int(found[2])
            metre = (beats, unit) if 0 < beats < 256 and unit in (1, 2, 4, 8, 16, 32, 64) else None
        self.metre = metre
        if self.voice:
            self.voice.metre = metre
        self._sign("metre", metre)

    def _set_unit(self, text: str) -> None:
        found = re.match(r"(\d+)(?:/(\d+))?", text)
        if found and int(found[1]) and int(found[2] or 1):
            self.unit = Fraction(4 * int(found[1]), int(found[2] or 1))
            if self.voice:
                self.voice.unit = self.unit

    def _set_tempo(self, text: str) -> None:
        """ "1/4=120", "3/8=120", "120"; words in quotes say how it is played."""
        for words in re.findall(r'"([^"]+)"', text):
            self._sign("text", words)
        text = re.sub(r'"[^"]*"', "", text)
        found = re.search(r"=\s*(\d+(?:\.\d+)?)", text) or re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*", text)
        beats = sum(Fraction(int(a), int(b)) for a, b in re.findall(r"(\d+)/([1-9]\d*)", text)) or Fraction(1, 4)
        if found and Fraction(found[1]) > 0:
            microseconds = round(Fraction(60_000_000) / (Fraction(found[1]) * beats * 4))
            if 0 < microseconds < 2**24:
                self._sign("tempo", microseconds)

    def _set_key(self, text: str) -> None:
        key = key_signature(text)
        shift = sum(int(n) for n in re.findall(r"transpose=(-?\d{1,2})(?!\d)", text))
        shift += sum(12 * int(n) for n in re.findall(r"octave=(-?\d)(?!\d)", text))
        if key:
            self._sign("key", key[:2])
            self.altered = key[2]
        elif not self.in_body:
            self.altered = {}
        self.shift = shift
        if self.voice:
            self.voice.altered, self.voice.shift = self.altered, shift
        self.in_body = True

    def _sign(self, kind: str, value: object) -> None:
        voice = self.voice
        bar = self.sheet.bar(voice.bar if voice else 0)
        if voice is None or voice.part == 0 or kind in ("marker", "text"):
            bar.signs.append(Sign(voice.now if voice else Fraction(0), kind, value))

    def _choose_voice(self, text: str) -> None:
        name, _, rest = text.partition(" ")
        if not self.in_body:
            self.waiting.append((name, rest))
            return
        known = self.voices.get(name)
        self.voice = known or self._add_voice(name, rest or dict(self.waiting).get(name, ""))

    def _add_voice(self, name: str, about: str) -> _Voice:
        words = re.search(r'(?:name|nm)="([^"]*)"', about)
        unit = self.unit if self.unit is not None else _usual_unit(self.metre)
        voice = _Voice(len(self.sheet.parts), unit, self.metre, self.altered, self.shift)
        self.sheet.parts.append(Part(words[1] if words else name, self.channel, self.program))
        self.voices[name] = voice
        return voice

    def _now(self) -> _Voice:
        """The voice that is being written."""
        if self.voice is None:
            name = self.waiting[0][0] if self.waiting else ""
            self.voice = (
                self.voices[name] if name in self.voices else self._add_voice(name, dict(self.waiting).get(name, ""))
            )
        return self.voice

    # Music.

    def _music(self, line: str) -> None:
        for token in _TOKEN.finditer(line):
            if token["inline"]:
                self._field(token["inline"][1], token["inline"][3:-1].strip())
            elif token["bar"]:
                self._bar_line(token["bar"])
            elif token["ending"]:
                self._ending(token["ending"])
            elif token["quoted"] is not None:
                self._quoted(token["quoted"])
            elif token["graces"]:
                self.sheet.graces += len(_NOTE.findall(token["graces"]))
            elif token["tuplet"]:
                self._tuplet(int(token["tuplet"]), token["into"], token["over"])
            elif token["decoration"]:
                self._decoration(token["decoration"])
            else:
                self._sounds(token)

    def _sounds(self, token: re.Match[str]) -> None:
        voice = self._now()
        if token["chord"]:
            self._chord(token["chord"], _length(token["chord_length"]))
        elif token["letter"]:
            pitch = self._pitch(voice, token["sign"], token["letter"], token["octave"])
            self._write(voice, [(pitch, Fraction(1), False)], _length(token["length"]))
        elif token["rest"]:
            self._rest(voice, token["rest"], _length(token["rest_length"]))
        elif token["broken"]:
            self._broken(voice, token["broken"])
        elif token["tie"]:
            for place in voice.last:
                notes = self.sheet.bars[voice.last_bar].notes
                notes[place] = notes[place]._replace(tied=True)
        elif token["overlay"]:
            voice.now = Fraction(0)

    def _chord(self, text: str, length: Fraction) -> None:
        voice = self._now()
        for words in re.findall(r'"([^"]*)"', text):
            self._quoted(words)
        found = _NOTE.findall(re.sub(r'"[^"]*"|![^!]*!', "", text))
        notes = [
            (self._pitch(voice, sign, letter, octave), _length("".join(own)), bool(tie))
            for sign, letter, octave, *own, tie in found
        ]
        if notes:
            self._write(voice, notes, length)

    def _pitch(self, voice: _Voice, sign: str | None, letter: str, octave: str) -> int:
        name = letter.upper()
        if sign:
            voice.accidentals[name] = _SIGNS[sign]
        altered = voice.accidentals.get(name, voice.altered.get(name, 0))
        height = 5 + letter.islower() + octave.count("'") - octave.count(",")
        pitch = 12 * height + _LETTERS[name] + altered + voice.shift
        return max(0, min(127, pitch))

    def _write(self, voice: _Voice, notes: list[tuple[int, Fraction, bool]], length: Fraction) -> None:
        """Notes that begin now; the first one's length moves the time."""
        factor = voice.unit * length * self._factor(voice)
        bar = self.sheet.bar(voice.bar)
        first = min(notes[0][1] * factor, Fraction(_MOST_LENGTH))
        voice.last, voice.last_start, voice.last_bar = [], voice.now, voice.bar
        for pitch, own, tied in notes:
            duration = min(own * factor, Fraction(_MOST_LENGTH))
            if duration:
                voice.last.append(len(bar.notes))
                bar.notes.append(Written(voice.now, duration, pitch, tied=tied, part=voice.part))
        voice.line.append((voice.bar, voice.now))
        self._pass_time(voice, first)

    def _rest(self, voice: _Voice, kind: str, length: Fraction) -> None:
        if kind in "zx":
            voice.last = []
            voice.last_start, voice.last_bar = voice.now, voice.bar
            self._pass_time(voice, min(voice.unit * length * self._factor(voice), Fraction(_MOST_LENGTH)))
            return
        bars = min(int(length), 1000)
        for number in range(bars):
            self._pass_time(voice, Fraction(4 * voice.metre[0], voice.metre[1]) if voice.metre else Fraction(4))
            if number < bars - 1:
                self._next_bar(voice)

    def _pass_time(self, voice: _Voice, time: Fraction) -> None:
        voice.now += time
        self.sheet.bar(voice.bar).extend(voice.now)

    def _factor(self, voice: _Voice) -> Fraction:
        """What broken rhythm and tuplet make of the next length; both are used up."""
        factor, voice.broken = voice.broken, Fraction(1)
        left, tuplet = voice.tuplet
        if left:
            voice.tuplet = left - 1, tuplet
            factor *= tuplet
        return factor

    def _tuplet(self, count: int, into: str | None, over: str | None) -> None:
        voice = self._now()
        is_compound = voice.metre is not None and voice.metre[0] % 3 == 0 and voice.metre[1] > 4
        usual = {2: 3, 3: 2, 4: 3, 6: 2, 8: 3}.get(count, 3 if is_compound else 2)
        voice.tuplet = int(over) if over else count, Fraction(int(into or 0) or usual, count)

    def _broken(self, voice: _Voice, signs: str) -> None:
        """`>` dots the note before and halves the next, `<` the other way round; `>>` dots twice."""
        short = 2 - self.long if len(signs) == 1 else Fraction(1, 2 ** min(len(signs), 4))
        before, voice.broken = (2 - short, short) if signs[0] == ">" else (short, 2 - short)
        if voice.last_bar != voice.bar:
            return
        notes = self.sheet.bar(voice.bar).notes
        for place in voice.last:
            notes[place] = notes[place]._replace(duration=notes[place].duration * before)
        shown = self.sheet.bars[voice.bar]
        moved = voice.last_start + (voice.now - voice.last_start) * before
        if shown.length == voice.now:
            shown.length = moved
        voice.now = moved

    # Bar lines and words.

    def _bar_line(self, line: str) -> None:
        voice = self._now()
        closes, opens = _colons(line, ":|"), _colons(line, "|:")
        if not line.strip(":"):  # "::", or ":" before an ending
            closes, opens = 1, len(line) - 1
        bar = self.sheet.bar(voice.bar)
        if closes and (voice.now or voice.bar):
            (bar if voice.now else self.sheet.bar(voice.bar - 1)).marks.closes = closes + 1
        if voice.endings and (closes or opens or len(line.replace(":", "").replace(".", "")) > 1):
            if voice.now:
                bar.marks.endings = voice.endings
            voice.endings = ()
        if voice.now:
            self._next_bar(voice)
        if opens:
            self.sheet.bar(voice.bar).marks.opens = True

    def _next_bar(self, voice: _Voice) -> None:
        if voice.endings:
            self.sheet.bar(voice.bar).marks.endings = voice.endings
        voice.bar, voice.now = voice.bar + 1, Fraction(0)
        voice.accidentals = {}
        self.sheet.bar(voice.bar)

    def _ending(self, numbers: str) -> None:
        voice = self._now()
        if voice.now:  # written inside a bar
            self._next_bar(voice)
        found: set[int] = set()
        for span in numbers.split(","):
            first, _, last = span.partition("-")
            found |= set(range(int(first), int(last or first) + 1))
        voice.endings = tuple(sorted(number for number in found if 0 < number <= 16))

    def _quoted(self, text: str) -> None:
        marker = None if text[:1] in "^_<>@" else chord_marker(text.strip().split("(")[0] or text.strip(" ()"))
        if marker:
            self._now()
            self._sign("marker", marker)

    def _decoration(self, name: str) -> None:
        jumps = {"segno": SEGNO, "coda": CODA, "fine": FINE, "D.C.": DA_CAPO, "dacapo": DA_CAPO, "D.S.": DAL_SEGNO}
        jump = jumps.get(name)
        if jump:
            voice = self._now()
            at_end = jump in (FINE, DA_CAPO, DAL_SEGNO) and not voice.now and voice.bar
            self.sheet.bar(voice.bar - 1 if at_end else voice.bar).marks.jumps.add(jump)

    def _words(self, text: str) -> None:
        """Syllables under the notes of the line before."""
        voice = self._now()
        places = iter(voice.line)
        here = next(places, None)
        for syllable in re.findall(r"[^\s\-_*|]+-?|[-_*|]", text):
            if here is None:
                return
            if syllable == "|":
                bar = here[0]
                while here and here[0] == bar and here != voice.line[0]:
                    here = next(places, None)
                continue
            if syllable not in "-_*":
                word = syllable.replace("~", " ")
                self.sheet.bar(here[0]).lyrics.append((voice.part, here[1], word))
            here = next(places, None)


def _usual_unit(metre: tuple[int, int] | None) -> Fraction:
    """Sixteenths in metres below 3/4, else eighths; in quarter notes."""
    return Fraction(1, 4) if metre and Fraction(*metre) < Fraction(3, 4) else Fraction(1, 2)


def _length(text: str) -> Fraction:
    """ "3/2", "/", "//", "2": a factor."""
    found = re.fullmatch(_LENGTH, text)
    if not found:
        return Fraction(1)
    above, strokes, below = found.groups()
    divisor = int(below or 0) or 1 << min(len(strokes), 12) if strokes else 1
    return Fraction(int(above or 1), divisor)


def _colons(line: str, mark: str) -> int:
    """How many colons stand before the bar line (":|") or after it ("|:")."""
    found = re.match(r"\.?(:*)(?:[\[|\]]+)(:*)$", line)
    if not found:
        return 0
    return len(found[1] if mark == ":|" else found[2])
