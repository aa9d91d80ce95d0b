"""Piano rolls: a score as a picture that a musician would put on a slide.

Time runs to the right, pitch upward, in systems of a few bars each, like lines of notes on a page. The line is
coloured by loudness (a primer in a colour of its own), other tracks stand behind it in grey; chord symbols and
section names run along the top, bar numbers below them.

Not here: notation. matplotlib is loaded when the first picture is drawn, and drawn on directly (no pyplot), so that
no window, no global state and no display is needed. The same score gives the same bytes.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from musicgen.errors import FileError, OptionError
from musicgen.music.score import Score, Table, Text, Track
from musicgen.music.theory import chord_or_none, chords_from_markers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.path import Path as Outline

FORMATS = (".png", ".svg")
PNG_DOTS_AN_INCH = 150

INK, FAINT_INK, PAPER = "#1f2733", "#7b8696", "#ffffff"
WHITE_KEY, BLACK_KEY = "#fbfcfd", "#eff2f6"
BAR_LINE, BEAT_LINE, C_LINE = "#97a1af", "#dde2e9", "#c3cad4"
OTHERS = ("#d0d6de",)
LINE = ("#85b7ea", "#3f87d6", "#1c5bb0", "#0b2a66")  # soft to loud
PRIMER = ("#f6c483", "#ec9632", "#d46d0c", "#964603")
SOFT, LOUD = 30, 110  # velocities at the ends of these ramps

# inches
WIDTH, LEFT, RIGHT = 15.0, 0.62, 0.30
HEADING, FOOT = 0.55, 0.45
CHORD_STRIP, SECTION_STRIP = 0.48, 0.26
SEMITONE, SMALLEST_SEMITONE, HIGHEST_SYSTEM = 0.13, 0.085, 4.0
POINTS_AN_INCH = 72

BARS_A_SYSTEM, MOST_SYSTEMS = 8, 24
FEWEST_SEMITONES = 16
TITLE_POINTS, CHORD_POINTS, SMALLEST_CHORD_POINTS = 17.0, 13.0, 6.5
LETTER = 0.68  # width of a bold letter, in parts of its size


class Bar(NamedTuple):
    """One bar: its number as a musician counts, its ticks, the ticks of its beats."""

    number: int
    start: int
    end: int
    beats: range


class Layer(NamedTuple):
    """Notes drawn in one ramp of colours, soft to loud."""

    notes: Table
    ramp: tuple[str, ...]


def piano_roll(
    score: Score,
    *,
    chords: Iterable[Text] | None = None,
    title: str = "",
    line: Track | None = None,
    primer_end: int = 0,
    end: int = 0,
) -> Figure:
    """Draw a score as a piano roll.

    Args:
        score: what to draw; bar lines follow its metres.
        chords: chord symbols and the ticks where they stand; without them those among the score's markers. Markers
            that are no chord symbols are section names.
        title: a heading.
        line: the track drawn in colour, one of the score's; without it the first that is not drums and has notes.
        primer_end: notes of the line that start before this tick have the primer's colour.
        end: where the piece ends, if that is after its last note; ticks.

    Returns:
        A matplotlib figure: `save_picture` writes it, a notebook shows it.
    """
    from matplotlib.figure import Figure

    line = line or next((track for track in score.tracks if len(track.notes) and not track.is_drum), None)
    layers = _layers(score, line, primer_end)
    systems = systems_of(bars_of(score, max(end, score.end)))
    symbols = chord_symbols(score) if chords is None else list(chords)
    page = _Page(layers, symbols, section_names(score), _pitches(layers), systems)
    tall = HEADING + FOOT + len(systems) * page.system_height
    with _own_style():
        figure = Figure(figsize=(WIDTH, tall), facecolor=PAPER)
        for number, system in enumerate(systems, 1):
            box = (LEFT, tall - HEADING - number * page.system_height, WIDTH - LEFT - RIGHT, page.roll_height)
            _draw_system(figure.add_axes(_in_parts(box, tall)), system, page)
        _draw_heading(figure, title, score, tall)
        _draw_legend(figure, layers, tall)
    return figure


def picture_bytes(figure: Figure, suffix: str) -> bytes:
    """A figure as the content of a `.png` or `.svg` file, the same bytes each time.

    Raises:
        OptionError: another suffix.
    """
    if suffix.lower() not in FORMATS:
        raise OptionError(f"expected a picture file that ends in .png or .svg. Received: {suffix or 'no ending'}")
    metadata = {"Software": None} if suffix.lower() == ".png" else {"Date": None, "Creator": None}
    file = io.BytesIO()
    with _own_style():
        figure.savefig(file, format=suffix.lower()[1:], dpi=PNG_DOTS_AN_INCH, metadata=metadata)
    return file.getvalue()


def save_picture(figure: Figure, path: str | os.PathLike[str]) -> Path:
    """Write a figure as `.png` or `.svg`, as its path's ending says: the whole file or none.

    Raises:
        OptionError: another ending.
        FileError: the file cannot be written.
    """
    path = Path(path)
    content = picture_bytes(figure, path.suffix)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        beside.write_bytes(content)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise FileError(f"{path}: expected a place that can be written to. Received: {error.strerror}") from error
    return path


# -- what stands where


def bars_of(score: Score, end: int) -> list[Bar]:
    """The bars of a score up to the one that holds the tick before `end`, at least one.

    A metre change starts a bar. A first bar shorter than the second is a pickup and has the number 0.
    """
    bars = list(_unnumbered_bars(score, max(end, 1)))
    first = 0 if len(bars) > 1 and bars[0].end - bars[0].start < bars[1].end - bars[1].start else 1
    return [bar._replace(number=number) for number, bar in enumerate(bars, first)]


def _unnumbered_bars(score: Score, end: int) -> Iterator[Bar]:
    changes = [(0, 4, 4), *score.metres.tolist()]
    for (tick, numerator, denominator), change in zip(changes, [*(row[0] for row in changes[1:]), None], strict=True):
        beat = max(4 * score.resolution // denominator, 1)
        length = beat * max(numerator, 1)
        for start in range(tick, end if change is None else min(change, end), length):
            stop = start + length if change is None else min(start + length, change)
            yield Bar(0, start, stop, range(start, stop, beat))


def systems_of(bars: Sequence[Bar]) -> list[Sequence[Bar]]:
    """Bars in systems: up to 8 in one, a twelve-bar form in fours, else in eights; in more when it is very long.

    A pickup stands before the first system's full number of bars.
    """
    pickup = bars[0].number == 0
    full = len(bars) - pickup
    size = BARS_A_SYSTEM // 2 if BARS_A_SYSTEM < full <= 12 else BARS_A_SYSTEM
    while full > size * MOST_SYSTEMS:
        size *= 2
    cuts = [0, *range(size + pickup, len(bars), size), len(bars)]
    return [bars[start:stop] for start, stop in pairwise(cuts)]


def chord_symbols(score: Score) -> list[Text]:
    """The markers that are chord symbols, in one spelling."""
    return [Text(tick, str(chord)) for tick, chord in chords_from_markers(score.markers)]


def section_names(score: Score) -> list[Text]:
    """The markers that are none."""
    chords = chords_from_markers(score.markers)
    return [marker for marker in score.markers if (marker.tick, chord_or_none(marker.text, letters=True)) not in chords]


def _layers(score: Score, line: Track | None, primer_end: int) -> list[Layer]:
    """Notes from back to front: other tracks, then the line with its primer. Drums have no pitch to draw."""
    others = [Layer(track.notes, OTHERS) for track in score.tracks if track is not line and not track.is_drum]
    if line is None:
        return others
    primer = line.notes["start"] < primer_end
    return [*others, Layer(line.notes[primer], PRIMER), Layer(line.notes[~primer], LINE)]


def _pitches(layers: Sequence[Layer]) -> range:
    """The rows to draw: all pitches and a little air, never fewer than a slide can bear."""
    pitches = np.concatenate([layer.notes["pitch"] for layer in layers] or [np.array([], int)]).astype(int)
    low, high = (int(pitches.min()) - 2, int(pitches.max()) + 2) if len(pitches) else (60, 72)
    air = max(FEWEST_SEMITONES - (high - low + 1), 0)
    return range(max(low - air // 2, 0), min(high + (air + 1) // 2, 127) + 1)


# -- drawing


@contextmanager
def _own_style() -> Iterator[None]:
    """matplotlib's defaults, whatever a user's own settings are, and SVG with the same names each time."""
    from matplotlib import style

    with style.context(["default", {"svg.hashsalt": "musicgen"}]):
        yield


class _Page(NamedTuple):
    """What all systems of a picture share."""

    layers: list[Layer]
    chords: list[Text]
    sections: list[Text]
    pitches: range
    systems: list[Sequence[Bar]]

    @property
    def ticks_across(self) -> int:
        """Ticks of the longest system: all have one scale."""
        return max(system[-1].end - system[0].start for system in self.systems)

    @property
    def roll_height(self) -> float:
        """Inches from a system's lowest pitch to its highest; less where there are many systems."""
        semitone = max(SEMITONE - 0.015 * (len(self.systems) - 1), SMALLEST_SEMITONE)
        return min(semitone * len(self.pitches), HIGHEST_SYSTEM)

    @property
    def system_height(self) -> float:
        """Inches of a system with what stands above it."""
        strips = CHORD_STRIP * bool(self.chords or self.sections) + SECTION_STRIP * bool(self.sections)
        return self.roll_height + max(strips, SECTION_STRIP)

    @property
    def ticks_an_inch(self) -> float:
        """Scale of the time axis."""
        return self.ticks_across / (WIDTH - LEFT - RIGHT)

    @property
    def top(self) -> float:
        """Upper edge of the highest pitch's row."""
        return self.pitches[-1] + 0.5


def _draw_system(axes: Axes, system: Sequence[Bar], page: _Page) -> None:
    """One system, from the keys behind to the words above."""
    start, end = system[0].start, system[-1].end
    axes.set_xlim(start, start + page.ticks_across)
    axes.set_ylim(page.pitches[0] - 0.5, page.top)
    axes.set_axis_off()
    _draw_keys(axes, start, end, page.pitches)
    _draw_bar_lines(axes, system, page)
    for layer in page.layers:
        _draw_notes(axes, _between(layer.notes, start, end), layer.ramp, page)
    _draw_chords(axes, start, end, page)
    for tick, name in _standing(page.sections, start, end):
        box = {"boxstyle": "round,pad=0.3", "facecolor": INK, "edgecolor": "none"}
        _write(axes, name, (tick, page.top), (4, 28), fontsize=9.5, fontweight="bold", color=PAPER, bbox=box)


def _draw_keys(axes: Axes, start: int, end: int, pitches: range) -> None:
    """A row for each key, darker for the black ones; a line and a name at each C."""
    from matplotlib.collections import PolyCollection

    rows = np.array([[(start, p), (end, p), (end, p + 1), (start, p + 1)] for p in pitches]) - (0, 0.5)
    colours = [BLACK_KEY if pitch % 12 in (1, 3, 6, 8, 10) else WHITE_KEY for pitch in pitches]
    axes.add_collection(PolyCollection(list(rows), facecolors=colours, linewidths=0, zorder=0))
    octaves = [pitch for pitch in pitches if pitch % 12 == 0]
    axes.hlines([pitch - 0.5 for pitch in octaves], start, end, colors=C_LINE, linewidth=0.8, zorder=1)
    for pitch in octaves:
        name = f"C{pitch // 12 - 1}"
        _write(axes, name, (start, pitch), (-8, 0), ha="right", va="center", fontsize=9.5, color=FAINT_INK)


def _draw_bar_lines(axes: Axes, system: Sequence[Bar], page: _Page) -> None:
    """Bar lines with the bars' numbers; beats as faint lines."""
    bottom = page.pitches[0] - 0.5
    axes.vlines([beat for bar in system for beat in bar.beats], bottom, page.top, colors=BEAT_LINE, lw=0.8, zorder=1)
    lines = [*(bar.start for bar in system), system[-1].end]
    widths = [1.2] * len(system) + [2.6 if system is page.systems[-1] else 1.2]
    axes.vlines(lines, bottom, page.top, colors=BAR_LINE, linewidths=widths, zorder=2, clip_on=False)
    for bar in system:
        _write(axes, str(bar.number), (bar.start, bottom), (4, 3), fontsize=8.5, color=FAINT_INK, zorder=6)


def _draw_notes(axes: Axes, notes: Table, ramp: Sequence[str], page: _Page) -> None:
    """Notes as rounded bars, each as dark as it is loud."""
    from matplotlib.collections import PathCollection

    bars = [_rounded(start, duration, pitch, page) for start, duration, pitch, _ in notes.tolist()]
    depth = 3 if ramp is OTHERS else 4
    colours = _colours(ramp, notes["velocity"])
    axes.add_collection(PathCollection(bars, facecolors=colours, edgecolors=PAPER, linewidths=0.6, zorder=depth))


def _rounded(start: int, duration: int, pitch: int, page: _Page) -> Outline:
    """The outline of a note, its corners round on paper."""
    from matplotlib.path import Path as Outline

    low, high, end = pitch - 0.46, pitch + 0.46, start + duration
    ry = 0.30
    rx = min(ry * page.roll_height / len(page.pitches) * page.ticks_an_inch, duration / 2)
    points = [
        (start + rx, low), (end - rx, low), (end, low), (end, low + ry),
        (end, high - ry), (end, high), (end - rx, high),
        (start + rx, high), (start, high), (start, high - ry),
        (start, low + ry), (start, low), (start + rx, low), (start + rx, low),
    ]  # fmt: skip
    line, curve = int(Outline.LINETO), int(Outline.CURVE3)
    codes = [int(Outline.MOVETO), *[line, curve, curve] * 4, int(Outline.CLOSEPOLY)]
    return Outline(points, codes)


def _colours(ramp: Sequence[str], velocities: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """`float[N, 4]`: a ramp's colour for each velocity."""
    from matplotlib.colors import LinearSegmentedColormap

    loudness = np.clip((velocities.astype(float) - SOFT) / (LOUD - SOFT), 0, 1)
    return np.asarray(LinearSegmentedColormap.from_list("", [*ramp, *ramp[-1:]] if len(ramp) == 1 else ramp)(loudness))


def _draw_chords(axes: Axes, start: int, end: int, page: _Page) -> None:
    """Chord symbols above the roll, small enough that neighbours do not touch."""
    chords = [Text(tick, typeset(symbol)) for tick, symbol in _standing(page.chords, start, end)]
    ticks = [*(chord.tick for chord in chords), end]
    room = [(after - tick) / page.ticks_an_inch * POINTS_AN_INCH for tick, after in pairwise(ticks)]
    fitting = [points / (LETTER * len(chord.text)) for points, chord in zip(room, chords, strict=True)]
    size = max(min([CHORD_POINTS, *fitting]), SMALLEST_CHORD_POINTS)
    for tick, symbol in chords:
        _write(axes, symbol, (tick, page.top), (2, 6), fontsize=size, fontweight="bold", color=INK)


def typeset(symbol: str) -> str:
    """A chord symbol with the signs of print: `Bb7b5` becomes `B♭7♭5`."""
    return re.sub(r"(?<=[A-G])b|b(?=\d)", "♭", symbol).replace("#", "♯").replace("NC", "N.C.")


def _standing(words: Iterable[Text], start: int, end: int) -> list[Text]:
    return [word for word in words if start <= word.tick < end]


def _between(notes: Table, start: int, end: int) -> Table:
    """The notes that sound from `start` to `end`, cut to fit."""
    ends = np.minimum(notes["start"] + notes["duration"], end)
    sounding = (notes["start"] < end) & (ends > start)
    cut = notes[sounding].copy()
    cut["start"] = np.maximum(cut["start"], start)
    cut["duration"] = ends[sounding] - cut["start"]
    return cut


def _write(axes: Axes, words: str, place: tuple[float, float], shift: tuple[float, float], **style: Any) -> None:
    """Words at a place of the roll, shifted by points, never cut off."""
    alignment: dict[str, Any] = {"ha": "left", "va": "bottom"}
    axes.annotate(
        words, place, shift, textcoords="offset points", annotation_clip=False, parse_math=False, **alignment | style
    )


def _draw_heading(figure: Figure, title: str, score: Score, tall: float) -> None:
    """The title; tempo and metre at the right."""
    y = 1 - 0.30 / tall
    room = (WIDTH - LEFT - RIGHT - 3) * POINTS_AN_INCH / LETTER
    size = min(TITLE_POINTS, room / max(len(title), 1))
    figure.text(LEFT / WIDTH, y, title, fontsize=size, fontweight="bold", color=INK, va="center", parse_math=False)
    words = f"♩ = {score.tempo_bpm:.0f}    {', '.join(_metres(score))}"
    figure.text(1 - RIGHT / WIDTH, y, words, fontsize=12, color=FAINT_INK, ha="right", va="center")


def _metres(score: Score) -> list[str]:
    """The metres of a piece, each once, without that of a pickup."""
    rows = score.metres.tolist() or [(0, 4, 4)]
    pickup = len(rows) > 1 and bars_of(score, rows[1][0] + 1)[0].number == 0
    return list(dict.fromkeys(f"{numerator}/{denominator}" for _, numerator, denominator in rows[pickup:]))


def _draw_legend(figure: Figure, layers: Sequence[Layer], tall: float) -> None:
    """What the colours mean, at the foot, from right to left."""
    from matplotlib.patches import Rectangle

    right, y, (wide, high) = WIDTH - RIGHT, 0.14, (0.2, 0.12)
    for name, colours in _legend(layers):
        for colour in reversed(colours):
            right -= wide
            left, bottom, *size = _in_parts((right, y, wide, high), tall)
            figure.add_artist(Rectangle((left, bottom), *size, color=colour, linewidth=0))
        x, middle, *_ = _in_parts((right - 0.1, y + high / 2, 0, 0), tall)
        figure.text(x, middle, name, fontsize=9.5, color=FAINT_INK, ha="right", va="center_baseline")
        right -= 0.35 + 0.075 * len(name)


def _legend(layers: Sequence[Layer]) -> Iterator[tuple[str, Any]]:
    """Names and colours that need telling: none of a line that is alone and equally loud throughout."""
    velocities = {layer.ramp: np.unique(layer.notes["velocity"]) for layer in layers if len(layer.notes)}
    names = {LINE: "new" if PRIMER in velocities else "line", PRIMER: "primer", OTHERS: "other tracks"}
    for ramp in [ramp for ramp in names if ramp in velocities]:
        if ramp is OTHERS or len(velocities[ramp]) > 1:
            yield names[ramp] + ", soft to loud" * (ramp is LINE), ramp
        elif len(velocities) > 1:
            yield names[ramp], _colours(ramp, velocities[ramp])


def _in_parts(box: tuple[float, float, float, float], tall: float) -> tuple[float, float, float, float]:
    """Inches as parts of the figure."""
    left, bottom, width, height = box
    return left / WIDTH, bottom / tall, width / WIDTH, height / tall
