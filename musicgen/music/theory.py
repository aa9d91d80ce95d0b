"""Chord symbols: what "F#m7b5/A" on a lead sheet sounds like, and what a soloist plays over it.

A chord symbol is a root, a quality (see `qualities`, where spellings that differ from writer to writer
are decided) and a bass. Two chords are equal when they sound alike: same root, same tones, same bass;
C7#9 = C7(#9) = C7+9, and C#7 = Db7. "Cb5" is C with a flat fifth, as are "Fb5", "E#5" and "B#5" triads
on F, E and B; on any usual root, as in "Bb5", the 5 is a power chord.

This is no harmonic analysis: a chord is read by itself, without a key. Keys, scales and pitches are
in `scales`, and can be had from here as well.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from musicgen.errors import ChordError
from musicgen.music.qualities import CHANGES, QUALITIES, spelling, tones
from musicgen.music.scales import (
    FLATS,
    SCALES,
    SHARPS,
    Scale,
    key,
    pitch,
    pitch_class,
    pitch_name,
    pitch_range,
    plain,
    transposed_name,
)

__all__ = [
    "CHORD_SCALES",
    "NO_CHORD",
    "QUALITIES",
    "SCALES",
    "Chord",
    "Scale",
    "chord",
    "chord_or_none",
    "chords_from_markers",
    "key",
    "key_weights",
    "pitch",
    "pitch_class",
    "pitch_name",
    "pitch_range",
]

# What a soloist may play over a chord: the first scale here that leaves out the fewest of the chord's
# tones, if the tones named beside it are in the chord. After Levine, The Jazz Theory Book (1995),
# chapters 3 and 4; a tone of the chord that the scale lacks is added.
CHORD_SCALES: tuple[tuple[str, tuple[int, ...]], ...] = (
    ("mixolydian", (5,)),  # sus4
    ("melodic minor", (3, 9)),  # m6
    ("major", ()),
    ("mixolydian", ()),
    ("dorian", ()),
    ("melodic minor", ()),  # mMaj7
    ("minor", ()),  # m7#5, mb6
    ("phrygian", ()),  # m7b9, 7sus4b9
    ("lydian", ()),  # maj7#11
    ("diminished", ()),  # dim7; whole step first
    ("lydian dominant", ()),  # 7#11
    ("whole tone", ()),  # aug, 7#5
    ("locrian", ()),  # m7b5
    ("locrian #2", ()),  # m9b5
    ("altered", ()),  # 7alt, 7#5b9
    ("half whole", ()),  # 7b9, 13b9, 7#9
    ("dorian b2", ()),  # 13sus4b9
    ("mixolydian b6", ()),  # 9b13
    ("phrygian dominant", ()),  # 7b9b13
    ("lydian augmented", ()),  # maj7#5
    ("harmonic minor", ()),
    ("lydian #2", ()),  # maj7#9
    ("hungarian minor", ()),  # mMaj7#11
    ("harmonic major", ()),
)

_NO_CHORD = {"nc", "n", "nochord"}
_EXAMPLES = "a chord such as Dm7, G7 or Cmaj7"


@dataclass(frozen=True)
class Chord:
    """A chord; `str` of it is its canonical spelling, which `chord` reads back.

    Attributes:
        root: pitch class, 0 to 11; None for no chord (NC).
        intervals: semitones of its tones above the root, ascending from 0; empty for NC.
        bass: pitch class, 0 to 11; None for NC. It need not be a tone of the chord.
        root_name, bass_name: how the writer spelled them; they take no part in comparisons.
    """

    root: int | None
    intervals: tuple[int, ...]
    bass: int | None
    root_name: str = field(default="", compare=False, repr=False)
    bass_name: str = field(default="", compare=False, repr=False)

    @property
    def pitch_classes(self) -> tuple[int, ...]:
        """Its tones with tensions, ascending from the root; none for NC. A foreign bass is not among them."""
        return () if self.root is None else _above(self.root, self.intervals)

    @property
    def mask(self) -> int:
        """An integer whose bit k is set if pitch class k is one of `pitch_classes`."""
        return sum(1 << tone for tone in self.pitch_classes)

    @property
    def quality(self) -> str:
        """What stands after the root in the canonical spelling: "m7b5"; "NC" for no chord."""
        return "NC" if self.root is None else spelling(self.intervals)

    @property
    def scale_name(self) -> str:
        """The scale in `SCALES` that a soloist would use (see `CHORD_SCALES`); chromatic for NC."""
        return "chromatic" if self.root is None else _chord_scale(self.intervals)

    @property
    def scale(self) -> tuple[int, ...]:
        """Pitch classes of that scale ascending from the root, with all tones of the chord."""
        return _above(self.root or 0, sorted({*SCALES[self.scale_name], *self.intervals}))

    def transpose(self, semitones: int) -> Chord:
        """The same chord, that many semitones higher; spelled with sharps if it was."""
        if self.root is None or self.bass is None or semitones % 12 == 0:
            return self
        names = (self.root_name or FLATS[self.root], self.bass_name or FLATS[self.bass])
        root, bass = (transposed_name(name, semitones, "#" in "".join(names)) for name in names)
        return Chord(pitch_class(root), self.intervals, pitch_class(bass), root, bass)

    def __str__(self) -> str:
        if self.root is None or self.bass is None:
            return "NC"
        root = self.root_name or FLATS[self.root]
        quality = f"({self.quality})" if root in _RARE_ROOTS and self.quality[:1] == "5" else self.quality
        return root + quality + ("" if self.bass == self.root else "/" + (self.bass_name or FLATS[self.bass]))


NO_CHORD = Chord(None, (), None)


@lru_cache(maxsize=4096)
def chord(text: str) -> Chord:
    """The chord that a symbol names, in any of the spellings jazz musicians use.

    Args:
        text: "Dm7", "D-7", "Ebj7/G", "C7(b9,#11)", "F♯ø", "N.C.", ...

    Raises:
        ChordError: not a chord symbol; proposes the nearest one.
    """
    found = _read(plain(text))
    if found is None:
        raise ChordError(f'expected {_EXAMPLES}. Received: "{text}"{_suggestion(plain(text))}')
    return found


def chord_or_none(text: str, letters: bool = False) -> Chord | None:
    """The chord that a marker's text names, or None if it names none ("Intro").

    "A" to "G" alone, or with a figure up to 4 as in "A1", name sections more often than chords: they
    are None, unless `letters` says that the single letters are chords.
    """
    cleaned = plain(text)
    is_letter = re.fullmatch(r"[A-G][1-4]?", cleaned)
    return None if is_letter and not (letters and len(cleaned) == 1) else _read(cleaned)


def chords_from_markers(markers: Sequence[tuple[int, str]]) -> list[tuple[int, Chord]]:
    """The chord symbols among the markers of a file.

    Single letters, A to G, are chords where at least nine of ten other markers are chords, save where
    another chord stands at the same tick; else they are names of sections.

    Args:
        markers: pairs of tick and text.

    Returns:
        Pairs of tick and chord, in the order given.
    """
    certain = [(tick, text, chord_or_none(text)) for tick, text in markers]
    others = [found for _, text, found in certain if found or chord_or_none(text, letters=True) is None]
    letters = bool(others) and sum(found is not None for found in others) >= 0.9 * len(others)
    taken = {tick for tick, _, found in certain if found}
    judged = ((tick, found or chord_or_none(text, letters and tick not in taken)) for tick, text, found in certain)
    return [(tick, found) for tick, found in judged if found]


_SYMBOL = re.compile(r"([A-G](?:bb(?![2569]|13)|##|b|#)?)(.*?)(?:\s*/\s*([A-G](?:b|#)?))?", re.DOTALL)
_RARE_ROOTS = ("Cb", "Fb", "E#", "B#")  # a 5 after them takes their accidental


def _read(text: str) -> Chord | None:
    """The chord of a symbol without outer spaces and musical signs, or None."""
    if re.sub(r"[\s.]", "", text).lower() in _NO_CHORD:
        return NO_CHORD
    found = _SYMBOL.fullmatch(text)
    if not found:
        return None
    root_name, quality, bass_name = found.groups()
    if root_name in _RARE_ROOTS and quality.startswith("5"):
        root_name, quality = root_name[0], root_name[1] + quality
    intervals = tones(quality)
    if intervals is None:
        return None
    root_name = root_name if len(root_name) < 3 else FLATS[pitch_class(root_name)]
    bass_name = bass_name or root_name
    return Chord(pitch_class(root_name), tuple(sorted(intervals)), pitch_class(bass_name), root_name, bass_name)


def _suggestion(text: str) -> str:
    """The end of an error message: the nearest symbol in use, or nothing if none is near."""
    capital = text[:1].upper() + text[1:]
    found = re.match(r"[A-G][b#]?", capital)
    roots = [found[0]] if found else [*FLATS, *SHARPS]
    usual = [*QUALITIES, *(name + change for name in ("7", "9", "13", "m7", "maj7") for change in CHANGES.values())]
    nearest = difflib.get_close_matches(capital, [root + quality for root in roots for quality in usual], n=1)
    if capital != text and _read(capital):
        nearest = [capital]
    return f". Did you mean {nearest[0]}?" if nearest else ""


@lru_cache(maxsize=4096)
def _chord_scale(intervals: tuple[int, ...]) -> str:
    """The name in `CHORD_SCALES` of the scale for these tones; the fifth is the one most easily left out."""
    fitting = [name for name, called_by in CHORD_SCALES if {*called_by} <= {*intervals}]
    missing = {name: {*intervals} - {*SCALES[name]} for name in fitting}
    return min(fitting, key=lambda name: (len(missing[name] - {7}), len(missing[name])))


def _above(root: int, intervals: Iterable[int]) -> tuple[int, ...]:
    return tuple((root + interval) % 12 for interval in intervals)


@lru_cache(maxsize=1)
def key_weights() -> tuple[tuple[float, ...], tuple[float, ...]]:
    """How much of each pitch class music in C major and in C minor has, as music21 finds keys by (Aarden-Essen)."""
    from music21.analysis.discrete import AardenEssen

    known = AardenEssen()
    return tuple(known.getWeights("major")), tuple(known.getWeights("minor"))
