"""iReal Pro links -> a chart as text.

A link holds songs as fields between `=`: title, composer, style, key and the music, a row of cells of
bar lines, marks and chords. In `irealb://` links the music stands behind a fixed prefix and is scrambled:
in each block of 50 characters some change places with their mirror images, so that scrambling twice
gives the music back. `irealbook://` links, which are older, hold it in the clear.

This reads a song into the language of `charts`, with title, key, metre, sections, repeats and endings; of
several songs in a link, a number after it tells which: `irealb://...#2`. Left out are alternate chords,
texts, and jumps (D.C., D.S., coda): the bars come as they are written. A song that changes its metre
keeps the first one, each of its bars becoming one bar.

Source: the open protocol at irealpro.com; the scrambling as described by the projects ireal-reader and
pyRealParser.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import unquote

from musicgen.errors import ChordError

PREFIX = "1r34LbKcu7"
_BLOCK = 50
_MIRRORED = (*range(5), *range(10, 24))  # these change places with 49 - i
ABBREVIATIONS = {"XyQ": "   ", "LZ": " |", "Kcl": "| x"}


class Song(NamedTuple):
    """A song of a link: its music is what stands in the link, unscrambled."""

    title: str
    key: str
    music: str


def find(text: str) -> str | None:
    """The iReal Pro links in a text or a web page, one a line; a text that begins with one is all link."""
    if text.lstrip().startswith(("irealb://", "irealbook://")):
        return re.sub(r"\n(?!irealb)", "", text.strip())
    return "\n".join(dict.fromkeys(re.findall(r'irealb(?:ook)?://[^"<>\n]+', text))) or None


def unscramble(music: str) -> str:
    """The music in the clear, or scrambled if it was in the clear; a last block is left as it is."""
    blocks = [music[start : start + _BLOCK] for start in range(0, len(music), _BLOCK)]
    ends = range(_BLOCK, len(music) + _BLOCK, _BLOCK)
    return "".join(
        _mirrored(block) if len(music) - end >= 2 else block for block, end in zip(blocks, ends, strict=True)
    )


def _mirrored(block: str) -> str:
    swapped = {place: _BLOCK - 1 - place for place in _MIRRORED}
    swapped |= {there: here for here, there in swapped.items()}
    return "".join(block[swapped.get(place, place)] for place in range(_BLOCK))


def songs(links: str) -> list[Song]:
    """All songs of one or more links, one link a line."""
    return [found for link in links.splitlines() for found in _songs(link)]


def _songs(link: str) -> list[Song]:
    scheme, _, rest = link.partition("://")
    fields = unquote(rest).split("=")
    places = [index for index, part in enumerate(fields) if part.startswith(PREFIX) and index >= 2]
    if places:
        return [Song(fields[max(0, at - 6)].strip(), fields[at - 2].strip(), _clear(fields[at])) for at in places]
    if scheme.strip() != "irealbook":
        return []
    rows = [fields[at : at + 6] for at in range(0, len(fields) - 5, 6)]
    return [Song(row[0].strip(), row[3].strip(), row[5]) for row in rows]


def _clear(field: str) -> str:
    """The music of a field of an `irealb://` link, without scrambling and abbreviations."""
    music = unscramble(field.removeprefix(PREFIX))
    for short, long in ABBREVIATIONS.items():
        music = music.replace(short, long)
    return music


def song(links: str) -> Song:
    """The song of a link, or the one of several that a number after the link tells, from 1.

    Args:
        links: "irealb://...", or "irealb://...#2" for its second song; one link a line.

    Raises:
        ChordError: no song in it, no such song, or several and no number.
    """
    found = songs(links)
    if not found:
        raise ChordError(f'expected an iReal Pro link with a song. Received: "{links[:60].splitlines()[0]}"')
    number = re.search(r"#(\d+)\s*$", links) if len(found) > 1 else None
    wanted = int(number[1]) if number else 1
    if (len(found) > 1 and not number) or not 1 <= wanted <= len(found):
        titles = ", ".join(f"{count} {one.title}" for count, one in enumerate(found[:5], 1))
        more = f" and {len(found) - 5} more" if len(found) > 5 else ""
        raise ChordError(
            f"expected one song, or its number from 1 to {len(found)} after the link as in irealb://...#2."
            f" Received: {titles}{more}"
        )
    return found[wanted - 1]


_TOKENS = re.compile(
    r"""
      < (?P<text> [^>]* ) >
    | \( [^)]* \)
    | \* (?P<section> [A-Za-z] )
    | T (?P<metre> \d\d )
    | N (?P<ending> \d )
    | (?P<line> [|\[\]{}Z] )
    | (?P<chord>
          [A-G][b\#]?
          (?: \*[^*|]+\* | (?: sus | alt | add\d+ | [Mm]aj? | min | dim | aug | /9 | [-+^ohøm\d] | [b\#](?=\d) )* )
          (?: / [A-G][b\#]? )?
        | W (?: / [A-G][b\#]? )?
        | [npxr]
      )
    | (?P<blank> [ ] )
    """,
    re.VERBOSE,
)
_LINES = {"{": "|:", "}": ":|"}
_SECTIONS = {"i": "Intro", "v": "Verse", "V": "Verse"}


def chart_text(link: str) -> str:
    """The song of a link (see `song`) as a text that `charts.chart` reads.

    Raises:
        ChordError: no song in it, or several.
    """
    title, key, music = song(link)
    metre = re.search(r"T(\d\d)", music)
    header = {
        "title": " ".join(title.split()),
        "key": key if re.fullmatch(r"[A-G][b#]?-?", key) else "",
        "metre": "{}/{}".format(*_metre(metre[1])) if metre else "",
    }
    lines = [f"{name}: {value}" for name, value in header.items() if value]
    return "\n".join([*lines, " ".join(_pieces(music))])


def _metre(figures: str) -> tuple[int, int]:
    """Numerator and denominator of "34"; "12" is twelve eighths."""
    return (12, 8) if figures == "12" else (int(figures[0]), int(figures[1]))


def _pieces(music: str) -> Iterator[str]:
    """Bar lines, marks and bars in the language of charts."""
    cells: list[str] = []
    bars: list[str] = []
    beats, before, times = 4, "", ""
    for token in _TOKENS.finditer(music + "Z"):
        if token["chord"] or token["blank"]:
            cells.append(token["chord"] or "")
        elif token["text"]:
            found = re.search(r"([1-9]\d?)x", token["text"])
            times = f" x{found[1]}" if found else times
        elif token["metre"]:
            numerator, denominator = _metre(token["metre"])
            beats = numerator // 3 if denominator == 8 and numerator in (6, 9, 12) else numerator
        elif token["section"]:
            yield f"[{_SECTIONS.get(token['section'], token['section'])}]"
        elif token["ending"]:
            yield f"{token['ending']}."
        elif token["line"]:
            held = before == token["line"] == "|"
            found_bars = _bars(cells, beats, bars, held)
            bars += found_bars
            yield " | ".join(found_bars)
            yield _LINES.get(token["line"], "|") + (times if token["line"] == "}" else "")
            before, times = "" if "r" in cells else token["line"], "" if token["line"] == "}" else times
            cells = []


def _bars(cells: list[str], beats: int, bars: list[str], held: bool) -> list[str]:
    """The bars that the cells between two lines stand for: none, one, or two where two are repeated.

    Blank cells are a bar that holds the chord before it only between two single bar lines (`held`).
    """
    if "r" in cells:
        return bars[-2:]
    if "x" in cells:
        return bars[-1:] or ["%"]
    if not any(cells):
        return ["."] if cells and held and bars else []
    symbols = [_symbol(cell) for cell in cells if cell]
    return [" ".join(_placed(cells, beats) if "" in cells[1:] and len(symbols) > 1 else symbols)]


def _symbol(cell: str) -> str:
    """A cell's chord in the language of charts: W is the chord before, n is no chord, p a slash."""
    return {"n": "NC", "p": ".", "W": "."}.get(cell, cell.removeprefix("W").replace("*", ""))


def _placed(cells: list[str], beats: int) -> list[str]:
    """The symbols on their beats, with dots between; without dots if the beats are too few."""
    slots = ["."] * beats
    free = 0
    for index, cell in enumerate(cells):
        if cell:
            free = max(free, min(index, 2) if (len(cells), beats) == (4, 3) else index * beats // len(cells))
            if free >= beats:
                return [_symbol(cell) for cell in cells if cell]
            slots[free] = _symbol(cell)
            free += 1
    return slots
