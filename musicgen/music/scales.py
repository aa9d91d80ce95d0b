"""Pitches, scales and keys: the notes that words such as "Eb3", "C3-C6" and "F# dorian" name, and what a
soloist plays over a set of tones.

This is no harmony (chords are in `theory`) and no tuning: twelve equal semitones, and names that
sound alike are one note. Conventions: pitch classes are 0 (C) to 11 (B), pitches are MIDI numbers
with C4 = 60, a scale is a tuple of semitones above its root, ascending from 0. Names are written
with flats unless a sharp was read. Modes and their names after Levine, The Jazz Theory Book (1995).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from musicgen.errors import OptionError
from musicgen.music.signs import plain

FLATS = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
SHARPS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_MAJOR = (0, 2, 4, 5, 7, 9, 11)


def pitch_class(name: str) -> int:
    """Pitch class, 0 to 11, of a note name in ASCII such as "Bb" or "F##"."""
    return (_MAJOR["CDEFGAB".index(name[0])] + name.count("#") - name[1:].count("b")) % 12


def transposed_name(name: str, semitones: int, sharps: bool) -> str:
    """The note name that many semitones above `name`, with sharps or else with flats."""
    return (SHARPS if sharps else FLATS)[(pitch_class(name) + semitones) % 12]


def _mode(parent: Sequence[int], degree: int) -> tuple[int, ...]:
    """The scale that starts on that degree (from 1) of `parent`."""
    return tuple((step - parent[degree - 1]) % 12 for step in (*parent[degree - 1 :], *parent[: degree - 1]))


_MELODIC = (0, 2, 3, 5, 7, 9, 11)
_HARMONIC = (0, 2, 3, 5, 7, 8, 11)
_BLUES = (0, 3, 5, 6, 7, 10)
_PENTATONIC = (0, 2, 4, 7, 9)

SCALES: dict[str, tuple[int, ...]] = {
    "major": _MAJOR,
    "minor": _mode(_MAJOR, 6),
    "harmonic minor": _HARMONIC,
    "melodic minor": _MELODIC,
    "ionian": _MAJOR,
    "dorian": _mode(_MAJOR, 2),
    "phrygian": _mode(_MAJOR, 3),
    "lydian": _mode(_MAJOR, 4),
    "mixolydian": _mode(_MAJOR, 5),
    "aeolian": _mode(_MAJOR, 6),
    "locrian": _mode(_MAJOR, 7),
    "dorian b2": _mode(_MELODIC, 2),
    "lydian augmented": _mode(_MELODIC, 3),
    "lydian dominant": _mode(_MELODIC, 4),
    "mixolydian b6": _mode(_MELODIC, 5),
    "locrian #2": _mode(_MELODIC, 6),
    "altered": _mode(_MELODIC, 7),
    "phrygian dominant": _mode(_HARMONIC, 5),
    "lydian #2": _mode(_HARMONIC, 6),
    "hungarian minor": (0, 2, 3, 6, 7, 8, 11),
    "harmonic major": (0, 2, 4, 5, 7, 8, 11),
    "blues": _BLUES,
    "major blues": _mode(_BLUES, 2),
    "pentatonic": _PENTATONIC,
    "major pentatonic": _PENTATONIC,
    "minor pentatonic": _mode(_PENTATONIC, 5),
    "whole tone": (0, 2, 4, 6, 8, 10),
    "diminished": (0, 2, 3, 5, 6, 8, 9, 11),
    "half whole": (0, 1, 3, 4, 6, 7, 9, 10),
    "augmented": (0, 3, 4, 7, 8, 11),
    "bebop": (0, 2, 4, 5, 7, 9, 10, 11),
    "chromatic": tuple(range(12)),
}


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


@lru_cache(maxsize=4096)
def chord_scale(intervals: tuple[int, ...]) -> str:
    """The name in `CHORD_SCALES` of the scale for these tones; the fifth is the one most easily left out."""
    fitting = [name for name, called_by in CHORD_SCALES if {*called_by} <= {*intervals}]
    missing = {name: {*intervals} - {*SCALES[name]} for name in fitting}
    return min(fitting, key=lambda name: (len(missing[name] - {7}), len(missing[name])))


@dataclass(frozen=True)
class Scale:
    """A scale on a root; `str` of it is read back by `key`.

    Attributes:
        root: pitch class, 0 to 11.
        name: a name in `SCALES`.
        pitch_classes: ascending from the root.
    """

    root: int
    name: str
    pitch_classes: tuple[int, ...]
    root_name: str = field(default="", compare=False, repr=False)

    @property
    def mask(self) -> int:
        """An integer whose bit k is set if pitch class k belongs to the scale."""
        return sum(1 << pitch_class for pitch_class in self.pitch_classes)

    def transpose(self, semitones: int) -> Scale:
        """The same scale, that many semitones higher."""
        if semitones % 12 == 0:
            return self
        return key(f"{transposed_name(self.spelled_root, semitones, '#' in self.root_name)} {self.name}")

    @property
    def spelled_root(self) -> str:
        """The root's name, as the writer spelled it if one did."""
        return self.root_name or FLATS[self.root]

    def __str__(self) -> str:
        return f"{self.spelled_root} {self.name}"


_KEY = re.compile(r"([A-Ga-g])(b|#)?\s*(.*)")
_KEY_WORDS = {"": "major", "maj": "major", "m": "minor", "min": "minor", "-": "minor", "natural minor": "minor"}


def key(text: str) -> Scale:
    """The scale that a text such as "Bb", "Bbm", "F# dorian" or "C minor pentatonic" names.

    Raises:
        OptionError: no note name, or a scale that is not in `SCALES`.
    """
    found = _KEY.fullmatch(plain(text))
    if not found or (found[1].islower() and not found[3]):
        raise OptionError(f'expected a key such as C, Bb minor or F# dorian. Received: "{text}"')
    words = " ".join(re.split(r"[\s_]+|(?<=\w)-(?=\w)", found[3].lower()))
    name = _KEY_WORDS.get(words, words)
    if name not in SCALES:
        raise OptionError(f'expected one of the scales {", ".join(SCALES)}. Received: "{text}"')
    root_name = found[1].upper() + (found[2] or "")
    root = pitch_class(root_name)
    return Scale(root, name, tuple((root + step) % 12 for step in SCALES[name]), root_name)


_PITCH = r"[A-Ga-g](?:b|#)?-?\d+|\d+"


def pitch(text: str) -> int:
    """MIDI number, 0 to 127, of "C4" (60), "Bb3" or "60".

    Raises:
        OptionError: no such pitch.
    """
    found = re.fullmatch(r"(?:([A-Ga-g])(b|#)?)?(-?\d{1,3})", plain(text))
    letter, sign, figures = found.groups() if found else (None, None, "-1")
    number = int(figures)
    if letter:
        number = 12 * (number + 1) + pitch_class(letter.upper()) + {None: 0, "b": -1, "#": 1}[sign]
    if not 0 <= number <= 127:
        raise OptionError(f'expected a pitch from C-1 to G9 or from 0 to 127, such as C4 or 60. Received: "{text}"')
    return number


def pitch_range(text: str) -> tuple[int, int]:
    """Lowest and highest MIDI number of a range such as "C3-C6" or "48-84".

    Raises:
        OptionError: no two pitches, or the first is the higher one.
    """
    found = re.fullmatch(rf"({_PITCH})\s*(?:-|to|\.\.)\s*({_PITCH})", plain(text))
    if not found or pitch(found[1]) > pitch(found[2]):
        raise OptionError(f'expected a range of pitches, low to high, such as C3-C6. Received: "{text}"')
    return pitch(found[1]), pitch(found[2])


def pitch_name(number: int) -> str:
    """Name of a MIDI number: 60 is "C4", 61 is "Db4".

    Raises:
        OptionError: outside 0 to 127.
    """
    if not 0 <= number <= 127:
        raise OptionError(f"expected a MIDI number from 0 to 127. Received: {number}")
    return f"{FLATS[number % 12]}{number // 12 - 1}"
