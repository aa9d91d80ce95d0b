"""Chords as MusicXML has them, a kind with degrees that change it <-> intervals above the root."""

from __future__ import annotations

from typing import NamedTuple

from musicgen.music.qualities import semitones

# Kinds and their tones; after the MusicXML 4.0 type "kind-value". The first that fits best is written.
KINDS: dict[str, str] = {
    "major": "1 3 5",
    "minor": "1 b3 5",
    "dominant": "1 3 5 b7",
    "minor-seventh": "1 b3 5 b7",
    "major-seventh": "1 3 5 7",
    "half-diminished": "1 b3 b5 b7",
    "diminished-seventh": "1 b3 b5 bb7",
    "diminished": "1 b3 b5",
    "augmented": "1 3 #5",
    "augmented-seventh": "1 3 #5 b7",
    "major-minor": "1 b3 5 7",
    "major-sixth": "1 3 5 6",
    "minor-sixth": "1 b3 5 6",
    "dominant-ninth": "1 3 5 b7 9",
    "major-ninth": "1 3 5 7 9",
    "minor-ninth": "1 b3 5 b7 9",
    "suspended-fourth": "1 4 5",
    "suspended-second": "1 2 5",
    "dominant-13th": "1 3 5 b7 9 13",
    "major-13th": "1 3 5 7 9 13",
    "minor-13th": "1 b3 5 b7 9 11 13",
    "minor-11th": "1 b3 5 b7 9 11",
    "dominant-11th": "1 3 5 b7 9 11",
    "major-11th": "1 3 5 7 9 11",
    "power": "1 5",
}
_TONES = {kind: frozenset(map(semitones, degrees.split())) for kind, degrees in KINDS.items()}
_NAMES = {1: (9, -1), 2: (9, 0), 3: (9, 1), 4: (3, 0), 5: (11, 0), 6: (11, 1), 7: (5, 0)}
_NAMES |= {8: (13, -1), 9: (13, 0), 10: (7, 0), 11: (7, 1)}  # a seventh is a minor one, as in MusicXML


class Degree(NamedTuple):
    """A change of a kind: "add", "alter" or "subtract" the degree, altered by so many semitones."""

    value: int
    alter: int
    type: str


def intervals(kind: str, degrees: list[Degree]) -> tuple[int, ...] | None:
    """Semitones above the root, ascending from 0, of a kind with its changes; None for an unknown kind."""
    if kind not in _TONES:
        return None
    tones = set(_TONES[kind])
    for degree in degrees:
        natural = _natural(degree.value)
        if degree.type == "add":
            tones.add((natural + degree.alter) % 12)
            continue
        tones -= _held(tones, natural, degree)
        if degree.type == "alter":
            tones.add((natural + degree.alter) % 12)
    return tuple(sorted(tones | {0}))


def _natural(degree: int) -> int:
    """Semitones of a degree without alteration; the seventh is minor."""
    return 10 if degree == 7 else semitones(str(max(1, degree)))


def _held(tones: set[int], natural: int, degree: Degree) -> set[int]:
    """The tone of the chord that a degree names: as altered, natural, or next to it."""
    exact = (natural + degree.alter) % 12 if degree.type == "subtract" else natural
    nearest = next((tone % 12 for tone in (exact, natural, natural - 1, natural + 1) if tone % 12 in tones), None)
    return set() if nearest is None or nearest == 0 else {nearest}


def kind_of(wanted: tuple[int, ...]) -> tuple[str, list[Degree]]:
    """The kind that is nearest to a chord's intervals, and the degrees that make up the difference."""
    tones = frozenset(wanted)
    kind = min(_TONES, key=lambda kind: len(_TONES[kind] - tones) * 3 + len(tones - _TONES[kind]) * 2)
    missing = [Degree(*_NAMES[tone], "subtract") for tone in sorted(_TONES[kind] - tones)]
    extra = [Degree(*_NAMES[tone], "add") for tone in sorted(tones - _TONES[kind])]
    return kind, [_as_third(kind, degree) for degree in missing] + extra


def _as_third(kind: str, degree: Degree) -> Degree:
    """A tone that is left out goes by the degree it has in the kind: the minor third, not the sharp ninth."""
    if degree.value == 9 and degree.alter == 1:
        return Degree(3, -1, "subtract")
    if degree.value == 11 and degree.alter == 1:
        return Degree(5, -1, "subtract")
    if degree.value == 13 and degree.alter == -1:
        return Degree(5, 1, "subtract")
    return degree
