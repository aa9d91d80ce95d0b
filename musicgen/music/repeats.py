"""The marks of a written chart: bar lines, repeats, endings, sections, form; and the order they ask for.

What stands in a bar is passed on as it is written (`charts` gives it a meaning), so nothing here knows
a chord. The marks are told in `charts`.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field

from musicgen.errors import ChordError

_TOKENS = re.compile(
    r"""
      (?P<close>   :\|+\]? (?: (?P<reopen> : ) | [ ]* (?: x[ ]*(?P<times>[1-9]\d?)(?!\d) | (?P<by>[1-9]\d?)x ) )? )
    | (?P<open>    \|+: )
    | (?P<line>    \|+\]? | ‖ | \n )
    | \[ (?P<bracket> [1-9] (?: ,[1-9] )* ) \.? \]
    | \[ (?P<section> [^\]|\n]+ ) \] :?
    | (?P<ending>  [1-9] (?: ,[1-9] )* ) (?: \. | (?<=\|[1-9]) (?=\s) )
    | (?P<slot>    (?: [^\s|‖\[\]():,] | :(?!\|) | \( [^()\n]* \) )+ )
    | [ \t,]+
    """,
    re.VERBOSE,
)


@dataclass
class WrittenBar:
    """A bar as it is written.

    Attributes:
        number: its place in the text, from 1.
        slots: chords and dots, as text.
        section: the name of the section that begins here, or "".
        opens: whether a repeat begins here.
        endings: the passes of the ending that begins here, from 1.
        times: how often the repeat that closes here is played; 0 if none does.
    """

    number: int
    slots: list[str] = field(default_factory=list)
    section: str = ""
    opens: bool = False
    endings: list[int] = field(default_factory=list)
    times: int = 0


@dataclass
class _Repeat:
    """Bars that are played together `times` times, or once for each pass that their endings name."""

    body: list[WrittenBar] = field(default_factory=list)
    endings: list[list[WrittenBar]] = field(default_factory=list)
    times: int = 1


def written_bars(text: str) -> list[WrittenBar]:
    """The bars of a text in the order of writing; blank ones are left out.

    Raises:
        ChordError: a mark where none can stand, or a section without bars.
    """
    bars = [WrittenBar(1)]
    for token in _tokens(text):
        if token["slot"]:
            bars[-1].slots.append(token["slot"])
            continue
        if bars[-1].slots:
            bars.append(WrittenBar(len(bars) + 1))
        _mark(bars, token)
    if not bars[-1].slots:
        _check_no_section(bars.pop())
    return bars


def _tokens(text: str) -> Iterator[re.Match[str]]:
    """Slots and marks, one after the other, without the spaces and commas between them."""
    place = 0
    while place < len(text):
        token = _TOKENS.match(text, place)
        if not token:
            shown = text[place : place + 20].split("\n")[0]
            raise ChordError(f'chart: expected chords, bar lines and sections. Received: "{shown}"')
        if token.lastgroup:
            yield token
        place = token.end()


def _mark(bars: list[WrittenBar], token: re.Match[str]) -> None:
    """Note a mark on the bar that is about to begin, the last one, or on the one before it."""
    bar = bars[-1]
    if token["section"]:
        _check_no_section(bar)
        bar.section = token["section"].strip()
    elif token["ending"] or token["bracket"]:
        bar.endings = [int(number) for number in (token["ending"] or token["bracket"]).split(",")]
    elif token["close"]:
        if len(bars) == 1:
            raise ChordError("chart: expected a bar before :|. Received: none")
        bars[-2].times = int(token["times"] or token["by"] or 2)
    bar.opens = bar.opens or bool(token["open"] or token["reopen"])


def _check_no_section(blank: WrittenBar) -> None:
    if blank.section:
        raise ChordError(f'chart: expected bars in section "{blank.section}". Received: none')


def played_bars(written: Sequence[WrittenBar], form: str = "") -> list[WrittenBar]:
    """The bars in the order in which they are played.

    Args:
        form: names of sections in their order, "AABA" or "Intro A A B"; "": as they are written.

    Raises:
        ChordError: the form names an unknown section, or a section is written twice.
    """
    if not form:
        return [bar for repeat in _repeats(written) for bar in _passes(repeat)]
    sections = _sections(written)
    names = _form_names(form, sections)
    for name in names:
        if name not in sections:
            known = ", ".join(filter(None, sections)) or "marked in the chart, such as [A]"
            raise ChordError(f'chart, form: expected sections {known}. Received: "{name}"')
    return [bar for name in ("", *names) for bar in played_bars(sections.get(name, ()))]


def _repeats(written: Sequence[WrittenBar]) -> list[_Repeat]:
    """The bars grouped by repeat; those between two repeats are a group that is played once."""
    repeats = [_Repeat()]
    closed = False
    for bar in written:
        if bar.opens or (not bar.endings and (closed or (repeats[-1].endings and bar.section))):
            repeats.append(_Repeat())
        repeat = repeats[-1]
        if bar.endings:
            repeat.endings.append([])
        (repeat.endings[-1] if repeat.endings else repeat.body).append(bar)
        closed = bar.times > 0
        if closed and not repeat.endings:
            repeat.times = bar.times
    return repeats


def _passes(repeat: _Repeat) -> list[WrittenBar]:
    """All passes of a repeat; a closed first ending without a second is followed by a pass without ending."""
    if not repeat.endings:
        return repeat.body * repeat.times
    endings = {number: ending for ending in repeat.endings for number in ending[0].endings}
    passes = max(endings)
    if len(repeat.endings) == 1 and 1 in endings and repeat.endings[0][-1].times:
        passes += 1
    return [bar for number in range(1, passes + 1) for bar in (*repeat.body, *endings.get(number, ()))]


def _sections(written: Sequence[WrittenBar]) -> dict[str, list[WrittenBar]]:
    """The bars by section; those before the first one are named ""."""
    sections: dict[str, list[WrittenBar]] = {}
    name = ""
    for bar in written:
        if bar.section in sections and bar.section:
            raise ChordError(f'chart, form: expected each section once. Received: "{bar.section}" twice')
        name = bar.section or name
        sections.setdefault(name, []).append(bar)
    return sections


def _form_names(form: str, sections: Container[str]) -> list[str]:
    """The names in a form: parted by spaces, commas or dashes, or else one letter each, as in AABA or A1A2BA2."""
    parted = re.split(r"[\s,-]+", form.strip())
    words = any(len(name) > 1 and name in sections for name in parted)
    names = parted if words else re.findall(r"\w['\d]*", form)
    return [name if name in sections or name.upper() not in sections else name.upper() for name in names]
