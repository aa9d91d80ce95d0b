"""A Score laid out for paper: bars, voices, note values, tuplets. `engraving` makes MusicXML of it.

Choices:

- Beats are quarter notes from the bar line on. A beat is parted binary (down to 128ths), in triplets (to triplet
  64ths, so 24 ticks to a quarter note are always exact), quintuplets or septuplets, whichever holds its notes exactly.
  What none holds is moved to the nearest grid, a coarse one if a finer one is not much nearer.
- Notes that begin and end together are a chord. Others that overlap go to voices, at most four; a fifth is made
  room for by ending the oldest note early.
- A first metre that lasts for one bar shorter than those of the next metre is a pickup.
- A metre that changes inside a bar cuts it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from musicgen.errors import InputError
from musicgen.music.score import Score, Track

Time = Fraction  # quarter notes
_VOICES, _MOST_BARS = 4, 20_000
_NOTHING: tuple[int, int] = (1, 1)
# How a beat can be parted: parts of a quarter note, and the tuplet's numbers.
_SYSTEMS = ((32, _NOTHING), (48, (3, 2)), (20, (5, 4)), (28, (7, 4)))
_GRIDS = (4, 3, 6, 8, 12, 5, 7)  # where none holds: the first that is close, else the best
_CLOSE = Time(1, 100)  # quarter notes; a triplet in whole ticks is as close as that
_WORTH = Time(1, 24)  # how much nearer, in all, a finer grid must come
_VALUES = [Fraction(8) / (1 << n) for n in range(9)]  # breve to 128th


class Measure(NamedTuple):
    """A bar: its start and length in quarter notes, its metre; `pickup` if that is the next bar's metre."""

    start: Time
    length: Time
    metre: tuple[int, int]
    pickup: bool = False


class Group(NamedTuple):
    """Notes that begin and end together; pitches with their velocities, ascending."""

    start: Time
    end: Time
    notes: tuple[tuple[int, int], ...]


class Element(NamedTuple):
    """One sign on paper, a chord or a rest.

    Attributes:
        start, duration: quarter notes from the bar line, as it sounds.
        value: quarter notes, as it is written without tuplet: a power of two or one and a half times that; 0 for the
            rest of a whole bar.
        group: what sounds; None for a rest.
        begins, ends: whether it is the first or last of the group's signs.
        tuplet: (3, 2): three in the time of two.
        opens, closes: whether a tuplet begins or ends with it.
    """

    start: Time
    duration: Time
    value: Time
    group: Group | None
    begins: bool = True
    ends: bool = True
    tuplet: tuple[int, int] = _NOTHING
    opens: bool = False
    closes: bool = False


@dataclass
class Staff:
    """A track on paper: per bar its voices, the first always there, each filling the bar."""

    bars: list[list[list[Element]]] = field(default_factory=list)
    moved: int = 0  # notes that were put onto a grid
    shortened: int = 0  # notes that ended early for want of voices


def measures(score: Score, end: int) -> list[Measure]:
    """The bars up to a tick, at least one.

    Raises:
        InputError: more bars than can be written.
    """
    found: list[Measure] = []
    rows = [(Time(t, score.resolution), (n, d)) for t, n, d in score.metres.tolist()]
    if not rows or rows[0][0] > 0:
        rows = [(Time(0), (4, 4)), *rows]
    last = Time(end, score.resolution)
    now, place = Time(0), 0
    while now < last or not found:
        while place + 1 < len(rows) and rows[place + 1][0] <= now:
            place += 1
        metre = rows[place][1]
        length = Time(4 * metre[0], metre[1])
        if place + 1 < len(rows):
            length = min(length, rows[place + 1][0] - now)
        found.append(Measure(now, length, metre))
        now += length
        if len(found) > _MOST_BARS:
            raise InputError(f"expected at most {_MOST_BARS} bars. Received: more")
    return _with_pickup(found)


def _with_pickup(found: list[Measure]) -> list[Measure]:
    """The first bar with the metre of the second if it is a pickup to it."""
    if (
        len(found) < 2
        or found[0].metre == found[1].metre
        or found[0].length >= Time(4 * found[1].metre[0], found[1].metre[1])
    ):
        return found
    return [found[0]._replace(metre=found[1].metre, pickup=True), *found[1:]]


def staff(track: Track, resolution: int, bars: Sequence[Measure]) -> Staff:
    """A track's notes on paper."""
    result = Staff()
    rows = [(Time(s, resolution), Time(s + d, resolution), p, v) for s, d, p, v in track.notes.tolist()]
    grid = _grid({time for start, end, *_ in rows for time in (start, end)}, bars)
    result.moved = sum(grid[start] != start or (grid[end] != end and end > start) for start, end, *_ in rows)
    groups: defaultdict[tuple[Time, Time], dict[int, int]] = defaultdict(dict)
    for start, end, pitch, velocity in rows:
        first, last = grid[start], grid[end]
        groups[first, last if last > first else first + Time(1, 8)].setdefault(pitch, velocity)
    voices, result.shortened = _voices([Group(*span, tuple(sorted(notes.items()))) for span, notes in groups.items()])
    per_bar = [_by_bar(voice, bars) for voice in voices] or [[[] for _ in bars]]
    for number, bar in enumerate(bars):
        filled = [_laid_out(here[number], bar) for place, here in enumerate(per_bar) if here[number] or not place]
        result.bars.append(filled)
    return result


# Times onto the grid of each beat.


def _beats(bar: Measure) -> list[Time]:
    """The bar's quarter notes and its end, from the start of the piece."""
    return [bar.start + n for n in range(-(-bar.length // 1))] + [bar.start + bar.length]


def _grid(times: set[Time], bars: Sequence[Measure]) -> dict[Time, Time]:
    """Where each time is written."""
    grid: dict[Time, Time] = {}
    waiting = sorted(times, reverse=True)
    for bar in bars:
        lines = _beats(bar)
        for begin, end in pairwise(lines):
            inside = []
            while waiting and waiting[-1] < end:
                inside.append(waiting.pop())
            grid.update(_on_beat(inside, begin, end))
    return grid | {time: time for time in waiting}


def _on_beat(times: Sequence[Time], begin: Time, end: Time) -> dict[Time, Time]:
    if any(_fits((*times, end), begin, parts) for parts, _ in _SYSTEMS):
        return {time: time for time in times}
    candidates = [_rounded(times, begin, end, parts) for parts in _GRIDS]
    close = [one for one in candidates if all(abs(at - time) <= _CLOSE for time, at in one.items())]
    if close:
        return close[0]
    errors = [sum(abs(at - time) for time, at in one.items()) + n * _WORTH for n, one in enumerate(candidates)]
    return candidates[errors.index(min(errors))]


def _rounded(times: Sequence[Time], begin: Time, end: Time, parts: int) -> dict[Time, Time]:
    return {time: min(begin + Time(round((time - begin) * parts), parts), end) for time in times}


def _fits(times: Sequence[Time], begin: Time, parts: int) -> bool:
    return all(((time - begin) * parts).denominator == 1 for time in times)


# Groups into voices, voices into bars.


def _voices(groups: list[Group]) -> tuple[list[list[Group]], int]:
    """Groups such that none of a voice overlap; and how many had to end early."""
    voices: list[list[Group]] = []
    shortened = 0
    for group in sorted(groups, key=lambda group: (group.start, -group.notes[-1][0], group.end)):
        free = next((voice for voice in voices if voice[-1].end <= group.start), None)
        if free is None and len(voices) < _VOICES:
            free = []
            voices.append(free)
        if free is None:
            free = min(voices, key=lambda voice: voice[-1].start)
            shortened += 1
            if free[-1].start == group.start:
                free[-1] = _merged(free[-1], group)
                continue
            free[-1] = free[-1]._replace(end=group.start)
        free.append(group)
    return voices, shortened


def _merged(one: Group, other: Group) -> Group:
    """Five lengths at one time: two become one chord, as long as the shorter."""
    notes = dict(other.notes) | dict(one.notes)
    return Group(one.start, min(one.end, other.end), tuple(sorted(notes.items())))


def _by_bar(voice: Sequence[Group], bars: Sequence[Measure]) -> list[list[Group]]:
    """The groups that sound in each bar."""
    found: list[list[Group]] = [[] for _ in bars]
    place = 0
    for group in voice:
        while place + 1 < len(bars) and bars[place + 1].start <= group.start:
            place += 1
        here = place
        while here < len(bars) and bars[here].start < group.end:
            found[here].append(group)
            here += 1
    return found


class _Span(NamedTuple):
    """What fills a stretch of the bar, times from the bar line."""

    start: Time
    end: Time
    group: Group | None


def _laid_out(groups: Sequence[Group], bar: Measure) -> list[Element]:
    """A voice of one bar, filled with rests."""
    spans = list(_filled(groups, bar))
    if len(spans) == 1 and spans[0].group is None:
        return [Element(Time(0), bar.length, Time(0), None)]
    regions = list(_regions(spans, bar))
    return [element for region in regions for element in _region(spans, region, bar)]


def _filled(groups: Sequence[Group], bar: Measure) -> Iterator[_Span]:
    now = Time(0)
    for group in groups:
        start, end = max(group.start - bar.start, Time(0)), min(group.end - bar.start, bar.length)
        if start > now:
            yield _Span(now, start, None)
        yield _Span(start, end, group)
        now = end
    if now < bar.length:
        yield _Span(now, bar.length, None)


class _Region(NamedTuple):
    """A stretch of the bar that is written in one way."""

    start: Time
    end: Time
    tuplet: tuple[int, int]


def _regions(spans: Sequence[_Span], bar: Measure) -> Iterator[_Region]:
    """Beats with tuplets each for itself, two for a triplet of quarters; what lies between together."""
    lines = [line - bar.start for line in _beats(bar)]
    points = sorted({span.start for span in spans})
    plain_from: Time | None = None
    beat = 0
    while beat + 1 < len(lines):
        count, tuplet = _parted(points, lines, beat)
        if tuplet == _NOTHING:
            plain_from = lines[beat] if plain_from is None else plain_from
        else:
            if plain_from is not None:
                yield _Region(plain_from, lines[beat], _NOTHING)
            plain_from = None
            yield _Region(lines[beat], lines[beat + count], tuplet)
        beat += count
    if plain_from is not None:
        yield _Region(plain_from, lines[-1], _NOTHING)


def _parted(points: Sequence[Time], lines: Sequence[Time], beat: int) -> tuple[int, tuple[int, int]]:
    """How many beats from this one on are parted together, and how."""
    begin, end = lines[beat], lines[beat + 1]
    inside = [point for point in points if begin < point < end]
    if beat % 2 == 0 and beat + 2 < len(lines) and lines[beat + 2] - begin == 2:
        both = [point - begin for point in points if begin < point < lines[beat + 2]]
        if both and all((point * Time(3, 2)).denominator == 1 for point in both):
            return 2, (3, 2)
    return 1, next((tuplet for parts, tuplet in _SYSTEMS if _fits((*inside, end), begin, parts)), _NOTHING)


def _region(spans: Sequence[_Span], region: _Region, bar: Measure) -> Iterator[Element]:
    """The signs of a region; tuplets are bracketed."""
    above, below = region.tuplet
    found: list[Element] = []
    for span in spans:
        start, end = max(span.start, region.start), min(span.end, region.end)
        if start >= end:
            continue
        is_plain = region.tuplet == _NOTHING
        for value in _plain(start, end - start) if is_plain else _pieces((end - start) * above / below):
            duration = value * below / above
            found.append(_element(span, start, duration, value, region.tuplet, bar))
            start += duration
    for number, element in enumerate(found):
        is_tuplet = region.tuplet != _NOTHING
        yield element._replace(opens=is_tuplet and number == 0, closes=is_tuplet and number == len(found) - 1)


def _element(span: _Span, start: Time, duration: Time, value: Time, tuplet: tuple[int, int], bar: Measure) -> Element:
    if span.group is None:
        return Element(start, duration, value, None, tuplet=tuplet)
    begins = span.group.start == bar.start + start
    ends = span.group.end == bar.start + start + duration
    return Element(start, duration, value, span.group, begins, ends, tuplet)


def _plain(start: Time, length: Time) -> Iterator[Time]:
    """The values of a note outside tuplets; one that begins off the beat does not hide the next, save in syncopes."""
    while length:
        to_beat = 1 - start % 1
        if start % 1 == 0 or length <= to_beat or (length == 1 and start % Time(1, 2) == 0):
            value = next(_pieces(length))
        else:
            value = next(_pieces(to_beat))
        yield value
        start, length = start + value, length - value


def _pieces(length: Time) -> Iterator[Time]:
    """Note values, with a dot or without, that make up a length, the longest first."""
    while length:
        value = next((value * dot for value in _VALUES for dot in (Time(3, 2), Time(1)) if value * dot <= length), None)
        if value is None:
            raise InputError(f"expected a length that can be written. Received: {length} quarter notes")
        yield value
        length -= value
