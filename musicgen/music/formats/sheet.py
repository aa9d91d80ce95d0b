"""Written music, as MusicXML, ABC and Humdrum have it: bars, repeats, ties; and the Score that it sounds.

A reader fills a `Sheet`, whose times are fractions of quarter notes counted from a bar's start, so tuplets are
exact. `sounding` plays it: repeats are followed (`unfolding`), tied notes become one, and everything is put on the
coarsest grid that holds all times exactly, 480 ticks to a quarter note or a multiple of it.

A bar lasts as long as what is written in it. One that does not fit its metre is told by a metre of its own, as MIDI
can: a pickup of one quarter before 4/4 is a first metre of 1/4, then 4/4, so that no bar line shifts. Short bars that
make one together (a repeat sign inside a bar, a last bar and the next pickup) count as one bar. A short last bar is
left as it is.

Left out, and said in the remarks: grace notes, which are written without a time of their own.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NamedTuple

from musicgen.errors import FileError
from musicgen.music.formats.unfolding import Marks, played
from musicgen.music.score import KEY, METRE, NOTE, TEMPO, Score, Text, Track, table
from musicgen.music.theory import chord_or_none

VELOCITY = 80  # of a note of which nothing is said
_RESOLUTION, _LIMIT = 480, 32767
_ROUNDED = 20160  # ticks to a quarter note where no grid holds all times: 2, 3, 4, ... 10, 12, 14, 16 parts are exact
_MOST_BARS = 100_000


class Written(NamedTuple):
    """A note on paper: offset in its bar and duration in quarter notes; `tied` to the next of its pitch; `continues` if
    it may be the end of a tie.
    """

    offset: Fraction
    duration: Fraction
    pitch: int
    velocity: int = VELOCITY
    tied: bool = False
    part: int = 0
    continues: bool = True


class Sign(NamedTuple):
    """What holds for all parts from `offset` on: a tempo (microseconds), a metre (numerator, denominator or None for
    free time), a key (sharps, minor), a marker or a text.
    """

    offset: Fraction
    kind: str  # "tempo", "metre", "key", "marker" or "text"
    value: Any


@dataclass
class Bar:
    """One written bar of all parts.

    Attributes:
        length: quarter notes.
        notes, signs: what is in it.
        lyrics: part, offset in quarter notes, words.
        marks: repeats, endings and jumps.
    """

    length: Fraction = Fraction(0)
    notes: list[Written] = field(default_factory=list)
    signs: list[Sign] = field(default_factory=list)
    lyrics: list[tuple[int, Fraction, str]] = field(default_factory=list)
    marks: Marks = field(default_factory=Marks)

    def extend(self, end: Fraction) -> None:
        """The bar lasts at least until `end`."""
        self.length = max(self.length, end)


@dataclass
class Part:
    """An instrument's name, MIDI channel and program."""

    name: str = ""
    channel: int = 0
    program: int = 0


@dataclass
class Sheet:
    """A piece on paper; `graces` counts its grace notes."""

    parts: list[Part] = field(default_factory=list)
    bars: list[Bar] = field(default_factory=list)
    graces: int = 0

    def bar(self, number: int) -> Bar:
        """The bar of that number, from 0; made if it is not there."""
        if number >= _MOST_BARS:
            raise FileError(f"expected at most {_MOST_BARS} bars. Received: more")
        while number >= len(self.bars):
            self.bars.append(Bar())
        return self.bars[number]


def chord_marker(text: str) -> str | None:
    """A chord symbol as a marker that is taken for nothing else, or None if it is no chord.

    A lone letter is a section's name elsewhere, so the triad is spelled out: "A" gives "Amaj".
    """
    found = chord_or_none(text.strip(), letters=True)
    if found is None:
        return None
    name = str(found)
    return f"{name}maj" if re.fullmatch("[A-G]", name) else name


def section_marker(text: str) -> str:
    """A section's name as a marker that is not taken for a chord: "A" gives "[A]"."""
    text = text.strip()
    return f"[{text}]" if chord_or_none(text, letters=True) or re.fullmatch("[A-G][1-4]", text) else text


def sounding(sheet: Sheet, remarks: list[str]) -> Score:
    """The Score that a sheet sounds; what is lost is added to `remarks`.

    Raises:
        FileError: no notes, or more bars than can be.
    """
    order = played([bar.marks for bar in sheet.bars])
    starts = _starts(sheet.bars, order)
    notes = _untied(_placed(sheet.bars, order, starts))
    if not notes:
        raise FileError("expected notes. Received: none")
    if sheet.graces:
        remarks.append(f"{sheet.graces} grace note{'s' * (sheet.graces > 1)} left out")
    signs = _signs(sheet.bars, order, starts)
    lyrics = [
        (part, start + offset, words)
        for number, start in zip(order, starts, strict=True)
        for part, offset, words in sheet.bars[number].lyrics
    ]
    times = [time for note in notes for time in (note.offset, note.duration)]
    times += [sign.offset for sign in signs] + [offset for _, offset, _ in lyrics]
    resolution = _resolution(times)
    if any((time * resolution).denominator > 1 for time in times):
        remarks.append(f"times rounded to 1/{resolution} of a quarter note")
    ticks = _Ticks(resolution)
    tracks = [_track(ticks, number, part, notes, lyrics) for number, part in enumerate(sheet.parts)]
    return Score(
        resolution,
        tuple(track for track in tracks if len(track.notes)),
        table(TEMPO, ticks.rows(signs, "tempo")),
        table(METRE, ticks.rows(signs, "metre")),
        table(KEY, ticks.rows(signs, "key")),
        ticks.texts(signs, "marker"),
        ticks.texts(signs, "text"),
    )


class _Ticks:
    """Quarter notes to ticks."""

    def __init__(self, resolution: int) -> None:
        self.resolution = resolution

    def __call__(self, time: Fraction) -> int:
        return round(time * self.resolution)

    def rows(self, signs: Iterable[Sign], kind: str) -> list[tuple[int, ...]]:
        """A table's rows."""
        found = [(self(sign.offset), sign.value) for sign in signs if sign.kind == kind]
        return [(tick, *value) if isinstance(value, tuple) else (tick, value) for tick, value in found]

    def texts(self, signs: Iterable[Sign], kind: str) -> tuple[Text, ...]:
        """Words, each once at its tick."""
        found = (Text(self(sign.offset), sign.value) for sign in signs if sign.kind == kind)
        return tuple(sorted(dict.fromkeys(found), key=lambda text: text.tick))


def _resolution(times: Iterable[Fraction]) -> int:
    """Ticks to a quarter note that make all times whole, as far as MIDI can count."""
    needed = math.lcm(*{time.denominator for time in times})
    usual = math.lcm(_RESOLUTION, needed)
    return usual if usual <= _LIMIT else needed if needed <= _LIMIT else _ROUNDED


def _track(
    ticks: _Ticks, number: int, part: Part, notes: Sequence[Written], lyrics: Sequence[tuple[int, Fraction, str]]
) -> Track:
    rows = [
        (ticks(note.offset), max(1, ticks(note.offset + note.duration) - ticks(note.offset)), note.pitch, note.velocity)
        for note in notes
        if note.part == number
    ]
    words = sorted((Text(ticks(offset), text) for of, offset, text in lyrics if of == number), key=lambda word: word[0])
    return Track(part.name, part.channel, part.program, table(NOTE, rows), lyrics=tuple(words))


def _starts(bars: Sequence[Bar], order: Sequence[int]) -> list[Fraction]:
    """Where each played bar begins, in quarter notes."""
    starts, now = [], Fraction(0)
    for number in order:
        starts.append(now)
        now += bars[number].length
    return starts


def _placed(bars: Sequence[Bar], order: Sequence[int], starts: Sequence[Fraction]) -> Iterator[Written]:
    for number, start in zip(order, starts, strict=True):
        yield from (note._replace(offset=start + note.offset) for note in bars[number].notes)


def _untied(notes: Iterable[Written]) -> list[Written]:
    """Notes by time; one that begins where a tied one of its part and pitch ends makes that one longer."""
    kept: list[Written] = []
    open_ties: defaultdict[tuple[int, int, Fraction], list[int]] = defaultdict(list)  # part, pitch, end: notes
    for note in sorted(notes, key=lambda note: (note.offset, note.pitch)):
        waiting = open_ties.get((note.part, note.pitch, note.offset))
        if not waiting or not note.continues:
            goes_on = len(kept)
            kept.append(note)
        else:
            goes_on = waiting.pop(0)
            before = kept[goes_on]
            kept[goes_on] = before._replace(duration=note.offset + note.duration - before.offset)
        if note.tied:
            open_ties[note.part, note.pitch, note.offset + note.duration].append(goes_on)
    return kept


# What holds for all parts, in the order of playing.


def _signs(bars: Sequence[Bar], order: Sequence[int], starts: Sequence[Fraction]) -> list[Sign]:
    """Tempos, keys, markers, texts and metres as they are met; after a jump, what held there is said anew."""
    before = _standing(bars)
    holding: dict[str, Any] = {}
    signs: list[Sign] = []
    for number, start in zip(order, starts, strict=True):
        standing = [Sign(Fraction(0), kind, value) for kind, value in before[number].items()]
        for sign in [*standing, *sorted(bars[number].signs, key=lambda sign: sign.offset)]:
            if sign.kind in ("tempo", "key") and holding.get(sign.kind) == sign.value:
                continue
            holding[sign.kind] = sign.value
            if sign.kind != "metre":
                signs.append(sign._replace(offset=start + sign.offset))
    last = {(sign.offset, sign.kind): sign for sign in signs if sign.kind in ("tempo", "key")}
    kept = [sign for sign in signs if sign.kind not in ("tempo", "key") or last[sign.offset, sign.kind] is sign]
    return kept + _metres([(bars[number].length, _metre_of(bars[number], before[number])) for number in order])


def _standing(bars: Sequence[Bar]) -> list[dict[str, Any]]:
    """Tempo, key and metre in force at the start of each bar, before its own signs."""
    standing: dict[str, Any] = {}
    found: list[dict[str, Any]] = []
    for bar in bars:
        found.append(dict(standing))
        for sign in sorted(bar.signs, key=lambda sign: sign.offset):
            if sign.kind in ("tempo", "key", "metre"):
                standing[sign.kind] = sign.value
    return found


def _metre_of(bar: Bar, before: dict[str, Any]) -> tuple[int, int] | None:
    own: list[tuple[int, int] | None] = [sign.value for sign in bar.signs if sign.kind == "metre" and not sign.offset]
    return own[-1] if own else before.get("metre")


def _metres(bars: Sequence[tuple[Fraction, tuple[int, int] | None]]) -> list[Sign]:
    """The metres of bars of (length, metre as written), so that each bar line stands where it is written."""
    bars = [bar for bar in bars if bar[0]]
    signs: list[Sign] = []
    now, place = Fraction(0), 0
    while place < len(bars):
        count, length, metre = _whole_bar(bars, place)
        is_short_end = place + count == len(bars) and metre is not None and length < _quarters(metre) and place > 0
        sounding_metre = metre if metre is None or is_short_end else _fitting(length, metre)
        if sounding_metre and (not signs or signs[-1].value != sounding_metre):
            signs.append(Sign(now, "metre", sounding_metre))
        now, place = now + length, place + count
    return signs


def _whole_bar(
    bars: Sequence[tuple[Fraction, tuple[int, int] | None]], place: int
) -> tuple[int, Fraction, tuple[int, int] | None]:
    """How many written bars from `place` on make one, its length and its metre."""
    length, metre = bars[place]
    total, count = length, 1
    while metre and total < _quarters(metre) and place + count < len(bars) and bars[place + count][1] == metre:
        total, count = total + bars[place + count][0], count + 1
        if total == _quarters(metre):
            return count, total, metre
    return 1, length, metre


def _quarters(metre: tuple[int, int]) -> Fraction:
    return Fraction(4 * metre[0], metre[1])


def _fitting(length: Fraction, metre: tuple[int, int]) -> tuple[int, int] | None:
    """The metre of a bar of that length, counted in the denominator of `metre` if that can be; None: no such metre."""
    for denominator in (metre[1], *(1 << n for n in range(2, 7))):
        beats = length * denominator / 4
        if beats.denominator == 1 and 1 <= beats <= 255:
            return int(beats), denominator
    return None
