"""Charts: the chords of a tune, bar by bar, as a musician types them.

    title: Blues in the kitchen
    key: F
    metre: 4/4
    # a line that begins with # is a comment
    [A] F7 | Bb7 | F7 | Cm7 F7 |
        Bb7 | % | F7 . . D7b9 | Gm7 C7 |
    form: AA

A bar ends at `|` or at the end of its line; a blank bar counts for nothing. The chords in a bar share
its beats evenly, the first ones taking what is left over: two in 4/4 get 2 + 2, three 2 + 1 + 1, two in
3/4 get 2 + 1. A `.` or a `/` holds the chord before it for one more share: `Dm7 . . G7` is 3 + 1. With
more shares than beats the beats are halved, and halved again. In 6/8, 9/8 and 12/8 a beat is a dotted
quarter. `%` in a bar of its own repeats the bar before, among chords it is a `.`; `/C` is the chord
before over another bass.

`|: ... :|` is played twice, `:|x3` three times, `|: ... |1. ... :|2. ...` with endings (`1,2.` is one
for two passes). `[A]` begins a section; `form: AABA`, or `(AABA)`, puts sections in order, names of more
letters being parted by spaces; bars before the first section are then an intro, played once.

A Chart is what is played: all repeats written out, one metre throughout, no melody and no tempo.
An iReal Pro link (see `ireal`) and a file that holds any of these are read as well.
"""

from __future__ import annotations

import math
import os
import re
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from musicgen.errors import ChordError, FileError, OptionError, at
from musicgen.music import ireal
from musicgen.music.headers import header
from musicgen.music.repeats import played_bars, written_bars
from musicgen.music.scales import Scale, key, pitch_class
from musicgen.music.theory import Chord, chord

Bar = tuple[tuple[Fraction, Chord], ...]
Metre = tuple[int, int]
COMMON_TIME = (4, 4)


def beats(metre: Metre) -> tuple[int, Fraction]:
    """How many beats a bar has, and their length in quarters."""
    numerator, denominator = metre
    if numerator in (6, 9, 12) and denominator >= 8:
        return numerator // 3, Fraction(12, denominator)
    return numerator, Fraction(4, denominator)


@dataclass(frozen=True)
class Chart:
    """The chords of a tune; `str` of it is a text that `chart` reads back.

    Attributes:
        bars: for each bar its chords, each with the place in the bar where it begins, in quarters;
            the first begins at 0.
        metre: numerator and denominator.
        sections: pairs of a bar's index, from 0, and the name of the section that begins there.
        title: the tune's name, or "".
        key: the tune's key, if the chart tells.
    """

    bars: tuple[Bar, ...]
    metre: Metre = COMMON_TIME
    sections: tuple[tuple[int, str], ...] = ()
    title: str = ""
    key: Scale | None = None

    def __post_init__(self) -> None:
        _checked(self.metre)
        if not self.bars:
            raise ChordError("chart: expected at least one bar with a chord, such as Dm7 | G7. Received: none")
        for number, bar in enumerate(self.bars, 1):
            places = [place for place, _ in bar]
            if not bar or places[0] != 0 or places != sorted({*places}) or places[-1] >= self.quarters_per_bar:
                raise ChordError(f"chart, bar {number}: expected chords at rising places from 0. Received: {places}")

    @property
    def quarters_per_bar(self) -> Fraction:
        """Length of a bar in quarters."""
        return Fraction(4 * self.metre[0], self.metre[1])

    def stretched(self, bars: int) -> Chart:
        """Exactly that many bars: the chart over and over, cut where they are full.

        Raises:
            OptionError: fewer than one bar.
        """
        if bars < 1:
            raise OptionError(f"expected at least 1 bar. Received: {bars}")
        names = dict(self.sections)
        indices = [index % len(self.bars) for index in range(bars)]
        sections = tuple((index, names[source]) for index, source in enumerate(indices) if source in names)
        return replace(self, bars=tuple(self.bars[index] for index in indices), sections=sections)

    def changes(self, resolution: int) -> list[tuple[int, Chord]]:
        """The chords with the tick at which each begins; neighbours that are equal are one.

        Args:
            resolution: ticks per quarter.

        Raises:
            OptionError: fewer than one tick per quarter.
        """
        if resolution < 1:
            raise OptionError(f"expected at least 1 tick per quarter. Received: {resolution}")
        found: list[tuple[int, Chord]] = []
        for index, bar in enumerate(self.bars):
            for place, symbol in bar:
                if not found or found[-1][1] != symbol:
                    found.append((round((index * self.quarters_per_bar + place) * resolution), symbol))
        return found

    def transpose(self, semitones: int) -> Chart:
        """The same chart, that many semitones higher."""
        bars = tuple(tuple((place, symbol.transpose(semitones)) for place, symbol in bar) for bar in self.bars)
        return replace(self, bars=bars, key=self.key and self.key.transpose(semitones))

    def __str__(self) -> str:
        metre = "" if self.metre == COMMON_TIME else f"{self.metre[0]}/{self.metre[1]}"
        header = {"title": self.title, "key": str(self.key or ""), "metre": metre}
        lines = [f"{name}: {value}" for name, value in header.items() if value]
        names = dict(self.sections)
        in_line = 0
        for index, bar in enumerate(self.bars):
            repeats = index > 0 and bar == self.bars[index - 1] and index not in names
            if index in names:
                lines.append(f"[{names[index]}]")
            if index == 0 or index in names or in_line == 4:
                lines.append("|")
                in_line = 0
            lines[-1] += f" {'%' if repeats else _printed(bar, self.metre)} |"
            in_line += 1
        return "\n".join(lines)


def _checked(metre: Metre) -> Metre:
    numerator, denominator = metre
    if not 1 <= numerator <= 32 or denominator not in (1, 2, 4, 8, 16, 32):
        raise OptionError(f"expected a metre such as 4/4 or 6/8. Received: {numerator}/{denominator}")
    return metre


def chart(source: str | os.PathLike[str] | Chart, metre: Metre = COMMON_TIME) -> Chart:
    """The chart that a text, an iReal Pro link or a file tells.

    Args:
        source: the text itself ("Dm7 G7 | Cmaj7 | %"), a link, or the path of a file that holds either.
        metre: numerator and denominator, unless the text has a `metre:` line.

    Raises:
        ChordError: an unknown symbol (with its bar), an unknown section in the form, or no chord at all.
        FileError: no such file, or it is not text.
        OptionError: not a metre, or not a key.
    """
    _checked(metre)
    if isinstance(source, Chart):
        return source
    if isinstance(source, os.PathLike) or names_a_file(source):
        return read_chart(source, metre)
    link = ireal.find(source)
    return _read(ireal.chart_text(link) if link else source, metre)


def read_chart(path: str | os.PathLike[str], metre: Metre = COMMON_TIME) -> Chart:
    """The chart in a text file (see `chart`); errors begin with the file's name."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(
            f"{path}: expected a text file with a chart. Received: {getattr(error, 'strerror', None) or error}"
        ) from error
    with at(path):
        link = ireal.find(text)
        return _read(ireal.chart_text(link) if link else text, metre)


def names_a_file(text: str) -> bool:
    """Whether a text can only be the path of a file: one line, with the ending of a file."""
    return re.fullmatch(r"[^|\n]+\.(txt|chart|html?|md)", text.strip()) is not None


# ---------------------------------------------------------------------------- places in a bar


def _shares(count: int, metre: Metre) -> list[Fraction]:
    """Where in the bar, in quarters, each of `count` even shares begins."""
    per_bar, length = beats(metre)
    parts = count // per_bar if count % per_bar == 0 else 1
    while per_bar * parts < count:
        parts *= 2
    share, longer = divmod(per_bar * parts, count)
    return [(index * share + min(index, longer)) * length / parts for index in range(count)]


def _printed(bar: Bar, metre: Metre) -> str:
    """The bar as text: its chords, with dots where they do not share it evenly."""
    places = [place for place, _ in bar]
    if places == _shares(len(bar), metre):
        return " ".join(str(symbol) for _, symbol in bar)
    per_bar, length = beats(metre)
    parts = math.lcm(*((place / length).denominator for place in places))
    symbols = {place * parts / length: str(symbol) for place, symbol in bar}
    return " ".join(symbols.get(Fraction(share), ".") for share in range(per_bar * parts))


# ---------------------------------------------------------------------------- reading


def _typed(text: str) -> str:
    """The text with the signs of printed charts as they are typed: any space, repeats, endings such as "[1."."""
    for printed, typed in (("𝄆", "|:"), ("𝄇", ":|"), ("||:", "|:"), (":||", ":|")):
        text = text.replace(printed, typed)
    return re.sub(r"[^\S\n]", " ", re.sub(r"\[(\d)\.", r"[\1]", text))


def _read(text: str, metre: Metre) -> Chart:
    fields, body = header(_typed(text))
    with at("chart"):
        metre = _metre(fields["metre"]) if "metre" in fields else metre
        tonality = key(fields["key"]) if fields.get("key") else None
    bars: list[Bar] = [()]  # by number, from 1
    written = written_bars(body)
    for bar in written:
        with at(f"chart, bar {bar.number}"):
            bars.append(_bar(bar.slots, bars[-1], metre))
    played = played_bars(written, fields.get("form", ""))
    sections = tuple((index, bar.section) for index, bar in enumerate(played) if bar.section)
    return Chart(tuple(bars[bar.number] for bar in played), metre, sections, fields.get("title", ""), tonality)


def _metre(text: str) -> Metre:
    found = re.fullmatch(r"(\d+)\s*/\s*(\d+)", text)
    if not found:
        raise OptionError(f'expected a metre such as 4/4 or 6/8. Received: "{text}"')
    return _checked((int(found[1]), int(found[2])))


def _bar(slots: list[str], before: Bar, metre: Metre) -> Bar:
    """The chords of a bar; `before` is the bar before it, empty if there is none."""
    if slots in (["%"], ["x"]) and before:
        return before
    held = before[-1][1] if before else None
    bar: list[tuple[Fraction, Chord]] = []
    for place, slot in zip(_shares(len(slots), metre), slots, strict=True):
        holds = slot in (".", "/", "%")
        if holds and held is None:
            raise ChordError(f'expected a chord before "{slot}". Received: none')
        held = held if holds and held else _over(held, slot)
        if not holds or not bar:
            bar.append((place, held))
    return tuple(bar)


def _over(held: Chord | None, slot: str) -> Chord:
    """The chord of a slot: a symbol, or a slash and a bass under the chord that is held."""
    bass = re.fullmatch(r"/([A-G][b#]?)", slot)
    if bass and held and held.root is not None:
        return replace(held, bass=pitch_class(bass[1]), bass_name=bass[1])
    return chord(slot)
