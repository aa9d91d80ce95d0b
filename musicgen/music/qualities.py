"""What stands after the root of a chord symbol: "m7b5", "7(b9,#11)", "sus4" <-> intervals.

A quality is a row of `QUALITIES`; what follows it (`b9`, `sus4`, `add9`, `no5`, `alt`) changes the
row's tones. Reading, printing, suggestions and tests all use that table. Every set of tones has one
spelling, the shortest, and `tones(spelling(intervals))` gives the intervals back.

Intervals are semitones above the root, 0 to 11. Where writers differ we chose, for the root C:

    C^ CΔ Cj          Cmaj7              CM Cmaj     the triad
    Co                the triad          Cø Ch       Cm7b5
    C11               C9sus4             C13         with the 9th, without the 11th
    C2 C4             Csus2 Csus4        Calt        C7 with both 5ths and both 9ths altered
    C+9               C9#5               C7+9 C7-9   C7#9 C7b9
    C-5               C(b5)              Cm+7        CmMaj7
    C(9) C/9          Cadd9              C79b13      C7(b9,13)
    C7/4 C4/7         C7sus4             C7/11       C7add11

The last is the way of the Weimar Jazz Database (Pfleiderer et al. 2017), in which accidentals follow
their number, `79b13b`; it is known by a number that follows a 7 with nothing between them. Other signs
and words for the same things are dealt with in `signs`.
"""

from __future__ import annotations

import re
from functools import lru_cache

from musicgen.music.signs import quality_signs

_MAJOR = (0, 2, 4, 5, 7, 9, 11)


def semitones(degree: str) -> int:
    """Semitones above the root, 0 to 11, of a degree of the major scale: "b3" is 3, "#11" is 6."""
    return (_MAJOR[(int(degree.lstrip("b#")) - 1) % 7] + degree.count("#") - degree.count("b")) % 12


QUALITIES: dict[str, str] = {
    "": "1 3 5",
    "m": "1 b3 5",
    "7": "1 3 5 b7",
    "m7": "1 b3 5 b7",
    "maj7": "1 3 5 7",
    "6": "1 3 5 6",
    "m6": "1 b3 5 6",
    "m7b5": "1 b3 b5 b7",
    "dim7": "1 b3 b5 bb7",
    "dim": "1 b3 b5",
    "aug": "1 3 #5",
    "sus4": "1 4 5",
    "7sus4": "1 4 5 b7",
    "9": "1 3 5 b7 9",
    "13": "1 3 5 b7 9 13",
    "m9": "1 b3 5 b7 9",
    "m11": "1 b3 5 b7 9 11",
    "m13": "1 b3 5 b7 9 13",
    "maj9": "1 3 5 7 9",
    "maj11": "1 3 5 7 9 11",
    "maj13": "1 3 5 7 9 13",
    "69": "1 3 5 6 9",
    "m69": "1 b3 5 6 9",
    "mMaj7": "1 b3 5 7",
    "mMaj9": "1 b3 5 7 9",
    "mMaj11": "1 b3 5 7 9 11",
    "mMaj13": "1 b3 5 7 9 13",
    "dimMaj7": "1 b3 b5 7",
    "dim9": "1 b3 b5 bb7 9",
    "dim11": "1 b3 b5 bb7 9 11",
    "9sus4": "1 4 5 b7 9",
    "13sus4": "1 4 5 b7 9 13",
    "sus2": "1 2 5",
    "7sus2": "1 2 5 b7",
    "maj7sus4": "1 4 5 7",
    "7alt": "1 3 b5 #5 b7 b9 #9",
    "5": "1 5",
}
_TONES = {name: frozenset(semitones(degree) for degree in degrees.split()) for name, degrees in QUALITIES.items()}

# The parts of a quality as people write them, in the order in which they are looked for.
_PARTS = re.compile(
    r"""
      (?P<gap>      [,;:()\[\]/]+ )
    | (?P<half>     (?i: half-?dim (?:inished)? | hdim ) | h )
    | (?P<no>       (?i: no | omit ) \(? (?P<omitted> 13 | 11 | [3579] ) (?:rd|th)? )
    | (?P<add>      (?i: add ) \(? (?P<added> [b\#]? (?: 13 | 11 | [2-79] ) ) )
    | (?P<sus>      (?i: sus (?:pended)? ) (?P<held> 24 | [b\#]? [24] )? )
    | (?P<alt>      (?i: alt (?:ered)? ) \.? )
    | (?P<aug>      (?i: aug (?:mented)? ) | \+ )
    | (?P<dim>      (?i: dim (?:inished)? ) | o )
    | (?P<dominant> (?i: dom (?:inant)? ) )
    | (?P<triangle> [\^jJ] )
    | (?P<major>    (?i: maj (?:or)? | ma (?!dd|lt|ug) ) | M (?!i|I) )
    | (?P<minor>    (?i: min (?:or)? | mi ) | m | - )
    | (?P<altered>  [b\#] (?: 5 | 9 | 2 ) | \# (?: 11 | 4 | 7 ) | b (?: 13 | 6 | b?7 ) )
    | (?P<number>   (?: 13 | 11 | 69 | [245679] ) (?:th)? )
    """,
    re.VERBOSE,
)
_NATURAL = {"5": 7, "9": 2, "2": 2, "11": 5, "4": 5, "7": 10}  # degree: the tone that b or # before it replaces
_OMITTED = {"3": (4, 3), "5": (7, 6, 8), "7": (10, 11), "9": (2,), "11": (5,), "13": (9,)}
_ALT = frozenset(semitones(degree) for degree in ("b9", "#9", "b5", "#5", "b7"))

# How a tone is named that a quality lacks.
CHANGES = {1: "b9", 2: "add9", 3: "#9", 4: "add3", 5: "add11", 6: "#11", 7: "add5", 8: "b13", 9: "add13"}
CHANGES |= {10: "addb7", 11: "add7"}
_REPLACED = {7: {6: "b5", 8: "#5"}, 2: {1: "b9", 3: "#9"}, 5: {6: "#11"}}  # tone: what may stand for it
# How far-fetched a change is, by its name or its first letter (altered, added, no).
_COST = {"b": 2, "#": 2, "a": 3, "n": 5, "#9": 3, "add3": 7, "add7": 7, "addb7": 7}


@lru_cache(maxsize=4096)
def tones(text: str) -> frozenset[int] | None:
    """Intervals above the root of a quality as people write it, or None if it is none."""
    parts = _parts(quality_signs(text))
    if parts is None:
        return None
    numbers, changes = _numbers_and_changes(parts)
    kinds = {kind for kind, _ in parts}
    if kinds & {"triangle", "major"} and "dim" in kinds and numbers == ["7", "7"]:  # Co7(maj7)
        return _TONES["dim7"] | {11}
    named = _named(kinds, numbers)
    if named is None or len(kinds & {"minor", "dim", "half"}) > 1 or len({*numbers}) < len(numbers):
        return None
    name, extras = named
    return _changed(_TONES[name], changes + extras)


def _parts(text: str) -> list[tuple[str, str]] | None:
    """Pairs of kind and value, or None where something is no part of a quality."""
    parts: list[tuple[str, str]] = []
    at = 0
    while at < len(text):
        found = _PARTS.match(text, at)
        if not found:
            return None
        kind = next(name for name in _PARTS.groupindex if found[name])
        if found[0] == "-" and any(part == "number" for part, _ in parts):  # as in C7-
            return None
        parts.append((kind, found["omitted"] or found["added"] or found["held"] or found[0].removesuffix("th")))
        at = found.end()
    return None if text.endswith("/") else parts


def _numbers_and_changes(parts: list[tuple[str, str]]) -> tuple[list[str], list[str]]:
    """The plain numbers among the parts, and the changes as "b9", "add9", "sus4", "no3" or "alt"."""
    numbers: list[str] = []
    changes: list[str] = []
    major = any(kind in ("triangle", "major") for kind, _ in parts)
    for (before, _), (kind, value) in zip([("", ""), *parts], parts, strict=False):
        if kind == "number" and before == "gap" and not numbers and not major and value not in ("5", "7"):
            changes.append("add" + value)
        elif kind == "number":
            numbers.append(value)
        elif kind in ("add", "no"):
            changes.append(kind + value)
        elif kind == "altered":
            changes.append("add7" if value == "#7" else value)
        elif kind == "sus":
            changes += ["sus2", "sus4"] if value == "24" else ["sus" + (value if value[-1] in "24" else "4")]
        else:
            changes += {"aug": ["#5"], "half": ["b5"], "alt": ["alt"]}.get(kind, [])
    if not numbers and {"sus4", "b9"} <= {*changes}:
        numbers = ["7"]
    return numbers, changes


def _named(kinds: set[str], numbers: list[str]) -> tuple[str, list[str]] | None:
    """The quality's name in `QUALITIES` and the changes that its numbers add, or None."""
    word = "dim" if "dim" in kinds else "m" if kinds & {"minor", "half"} else ""
    major = bool(kinds & {"major", "triangle"})
    if not numbers and (kinds & {"triangle", "half", "alt"} or (major and word)):
        numbers = ["7"]
    first = numbers[0] if numbers else ""
    number = "7" if "7" in numbers and (major or first in ("4", "6")) else first
    extras = [digit for extra in numbers if extra != number for digit in extra.replace("69", "6 9").split()]
    changes = [("sus" if extra == "4" and not word else "add") + extra for extra in extras]
    if number == "11" and not word and not major:
        number, changes = "9", [*changes, "sus4"]
    elif number in ("2", "4"):
        number, changes = "", [*changes, ("add" if word else "sus") + number]
    elif number == "5" and (word or major):
        number = ""
    name = word + (("Maj" if word else "maj") if major and number in ("7", "9", "11", "13") else "") + number
    return (name, changes) if name in QUALITIES and not {"5", "7"} & {*extras} else None


def _changed(quality: frozenset[int], changes: list[str]) -> frozenset[int] | None:
    """A quality's tones after the changes, or None if one omits what is not there."""
    altered = [change for change in changes if change[0] in "b#"]
    found = quality - {_NATURAL.get(degree.lstrip("b#"), -1) for degree in altered}
    if any(change[:3] == "sus" for change in changes):
        found -= {3, 4}
    if "alt" in changes:
        found = found - {2, 7} | _ALT
    found |= {semitones(degree) for degree in altered}
    found |= {semitones(change[3:]) for change in changes if change[:3] in ("sus", "add")}
    for degree in (change[2:] for change in changes if change[:2] == "no"):
        present = [tone for tone in _OMITTED[degree] if tone in found]
        if not present:
            return None
        found -= {present[0]}
    return found


@lru_cache(maxsize=4096)
def spelling(intervals: tuple[int, ...]) -> str:
    """The shortest quality that means these intervals, which contain 0."""
    wanted = frozenset(intervals)
    choices = [(name, _differences(quality, wanted)) for name, quality in _TONES.items()]
    choices.sort(key=lambda choice: sum(_COST.get(change, _COST[change[0]]) for change in choice[1]))
    return next(text for text in (_joined(*choice) for choice in choices) if tones(text) == wanted)


def _joined(name: str, changes: list[str]) -> str:
    """In one word; an accidental right after the root would be taken for the root's."""
    text = "".join(changes)
    return f"({text})" if not name and text[:1] in ("b", "#") else name + text


def _differences(quality: frozenset[int], wanted: frozenset[int]) -> list[str]:
    """The changes that lead from `quality` towards `wanted`, by degree; they may fall short of it."""
    names = CHANGES if {10, 11} & wanted else CHANGES | {8: "b6", 9: "add6"}
    names = names | {tone: "add" + names[tone] for tone in (1, 3) if 2 in quality & wanted}
    omitted = []
    for missing in quality - wanted:
        replacements = _REPLACED.get(missing, {})
        names |= {6: "b5"} if missing == 7 and {6, 8} <= wanted else replacements
        if not {*replacements} & (wanted - quality):
            omitted += {3: ["no3"], 4: ["no3"], 7: ["no5"]}.get(missing, [])
    changes = [names[tone] for tone in wanted - quality]
    return [*sorted(changes, key=lambda change: (change[0] == "a", int(change.lstrip("abd#")))), *sorted(omitted)]
