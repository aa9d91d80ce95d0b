"""Chord symbols: what "F#m7b5/A" on a lead sheet sounds like, and what a soloist plays over it.

A chord symbol is a root, a quality (see `qualities`, where spellings that differ from writer to writer
are decided) and a bass. Two chords are equal when they sound alike: same root, same tones, same bass;
C7#9 = C7(#9) = C7+9, and C#7 = Db7. "Cb9" is Cb with a ninth; but "Cb5" is C with a flat fifth, as are
"Fb5", "E#5" and "B#5" triads on F, E and B; on any usual root, as in "Bb5", the 5 is a power chord.
A chord in brackets after another one is left to the players' choice: "C^7(A-7)" is C^7. Small letters
are read as a bass, not as a root, and German H is refused, as the B that goes with it is our Bb.

This is no harmonic analysis: a chord is read by itself, without a key. Keys, scales and pitches are
in `scales`, and can be had from here as well.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from musicgen.errors import ChordError
from musicgen.music.qualities import CHANGES, QUALITIES, semitones, spelling, tones
from musicgen.music.scales import (
    CHORD_SCALES,
    FLATS,
    SCALES,
    SHARPS,
    Scale,
    chord_scale,
    key,
    pitch,
    pitch_class,
    pitch_name,
    pitch_range,
    transposed_name,
)
from musicgen.music.signs import plain, spelled_accidentals

__all__ = [
    "CHORD_SCALES",
    "NO_CHORD",
    "QUALITIES",
    "SAME",
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

_NO_CHORD = {"nc", "n", "nochord", "tacet"}
_LONGEST = 60  # characters of a symbol; what is longer is none
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
        return str(self) if self.root is None else spelling(self.intervals)

    @property
    def scale_name(self) -> str:
        """The scale in `SCALES` that a soloist would use (see `scales.CHORD_SCALES`); chromatic for NC."""
        return "chromatic" if self.root is None else chord_scale(self.intervals)

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
            return self.root_name or "NC"
        root = self.root_name or FLATS[self.root]
        quality = f"({self.quality})" if root in _RARE_ROOTS and self.quality[:1] == "5" else self.quality
        return root + quality + ("" if self.bass == self.root else "/" + (self.bass_name or FLATS[self.bass]))


NO_CHORD = Chord(None, (), None)
SAME = Chord(None, (), None, "%")  # a sign without tones of its own: the chord before goes on


@lru_cache(maxsize=4096)
def chord(text: str) -> Chord:
    """The chord that a symbol names, in any of the spellings jazz musicians use.

    Args:
        text: "Dm7", "D-7", "Ebj7/G", "C7(b9,#11)", "F♯ø", "N.C.", ...

    "NC" sounds nothing; neither does "%" by itself (`SAME`), to which charts and markers give the chord before.

    Raises:
        ChordError: not a chord symbol; proposes the nearest one.
    """
    if not isinstance(text, str):
        raise ChordError(f"expected {_EXAMPLES}. Received: {text!r}")
    found = SAME if plain(text) == "%" else _read(plain(text))
    if found is None:
        shown = " ".join(text.split()) if len(text) <= _LONGEST else f"{' '.join(text[:_LONGEST].split())}..."
        raise ChordError(f'expected {_EXAMPLES}. Received: "{shown}"{_suggestion(plain(text)[:_LONGEST])}')
    return found


@lru_cache(maxsize=4096)
def chord_or_none(text: str, letters: bool = False) -> Chord | None:
    """The chord that a marker's text names, or None if it names none ("Intro").

    "A" to "G" alone, or with a figure up to 4 as in "A1", name sections more often than chords: they
    are None, unless `letters` says that the single letters are chords.
    """
    cleaned = plain(text)
    is_letter = re.fullmatch(r"[(\[\"]?[A-G][0-4]?[)\]\"]?", cleaned)
    return None if is_letter and not (letters and len(cleaned) == 1) else _read(cleaned)


def chords_from_markers(markers: Sequence[tuple[int, str]]) -> list[tuple[int, Chord]]:
    """The chord symbols among the markers of a file.

    "%" lets the chord before go on. Single letters, A to G, are chords where at least nine of ten other
    markers are chords, save where another chord stands at the same tick. Where no other marker is a chord, they are
    chords if they reach beyond D and do not just ascend, as rehearsal letters do. Else they are names of sections.

    Args:
        markers: pairs of tick and text.

    Returns:
        Pairs of tick and chord, in the order given.
    """
    certain = [(tick, text, chord_or_none(text)) for tick, text in markers]
    unsure = [(text, chord_or_none(text, letters=True)) for _, text, found in certain if not found and text != "%"]
    sections = sum(letter is None for _, letter in unsure)
    chords = len(certain) - len(unsure)
    alone = [text.strip() for text, letter in unsure if letter]
    letters = chords >= 0.9 * (chords + sections) if chords else max(alone, default="") > "D" and alone != sorted(alone)
    taken = {tick for tick, _, found in certain if found} if unsure else set()
    judged = ((tick, found or chord_or_none(text, letters and tick not in taken)) for tick, text, found in certain)
    return [(tick, found) for tick, found in judged if found]


_BASS = r"(?:\s*[/\\]\s*|\s*on\s*(?=[A-G]))([A-Ga-g](?:bb|##|b|#)?)"
_SYMBOL = re.compile(rf"([A-G](?:bb(?![2569]|13)|##|x|b|#)?)(.*?)(?:{_BASS})?", re.DOTALL)
_HARTE = re.compile(r"([A-G][b#-]*):(.*?)(?:/([b#]?\d+))?")  # "Eb:min7/b3", and "E-:min7" as Humdrum's kern has it
_ALTERNATE = re.compile(r"(.*?)\s*[(\[]([A-G][^()]*(?:\([^()]*\))?)[)\]]")  # "C^7(A-7)", and "(A-7)" alone
_RARE_ROOTS = ("Cb", "Fb", "E#", "B#")  # a 5 after them takes their accidental


def _read(text: str) -> Chord | None:
    """The chord of a symbol in ASCII, or None."""
    if len(text) > _LONGEST:
        return None
    text = re.sub(r"\*([^*]+)\*", r"\1", spelled_accidentals(text.strip('"')))  # iReal Pro's own marks: C*7add4*
    if re.sub(r"[\s./]", "", text).lower() in _NO_CHORD:
        return NO_CHORD
    degrees = _HARTE.fullmatch(text)
    found = _over_degree(*degrees.groups()) if degrees else _symbol(text)
    return found or _with_alternate(text)


def _symbol(text: str) -> Chord | None:
    """The chord of a root, a quality and perhaps a bass."""
    found = _SYMBOL.fullmatch(text)
    if not found:
        return None
    root_name, quality, bass_name = found.groups()
    if root_name in _RARE_ROOTS and quality.startswith("5"):
        root_name, quality = root_name[0], root_name[1] + quality
    intervals = tones(quality)
    if intervals is None:
        return None
    root_name, bass_name = _name(root_name), _name(bass_name or root_name)
    return Chord(pitch_class(root_name), tuple(sorted(intervals)), pitch_class(bass_name), root_name, bass_name)


def _name(text: str) -> str:
    """A note's name with a capital and at most one accidental."""
    text = text[0].upper() + text[1:].replace("x", "##")
    return text if len(text) < 3 else FLATS[pitch_class(text)]


def _over_degree(root: str, quality: str, degree: str | None) -> Chord | None:
    """The chord of a symbol in Harte's syntax (ISMIR 2005), in which a bass is a degree of the root's scale."""
    found = _symbol(root.replace("-", "b") + quality)
    if found is None or found.bass is None or degree is None:
        return found
    bass = (found.bass + semitones(degree)) % 12
    return replace(found, bass=bass, bass_name=(SHARPS if "#" in root else FLATS)[bass])


def _with_alternate(text: str) -> Chord | None:
    """The chord before another one in brackets, which players may take instead; that one if it is alone."""
    found = _ALTERNATE.fullmatch(text)
    alternate = _symbol(found[2]) if found else None
    return _symbol(found[1]) if found and found[1] and alternate else alternate


def _suggestion(text: str) -> str:
    """The end of an error message: the nearest symbol in use, or nothing if none is near."""
    found = _nearest(text)
    return f". Did you mean {found}?" if found else ""


def _nearest(text: str) -> str | None:
    """With a capital; or German H as B (its B is Bb, so we ask); or the most alike; or as much of it as reads."""
    capital = re.sub(r"(^|/)H", r"\1B", text[:1].upper() + text[1:])
    if capital != text and _read(capital):
        return capital
    stem, slash, bass = capital.rpartition("/")
    if slash and re.fullmatch(r"[A-G][b#]?", bass) and _alike(stem):
        return f"{_alike(stem)}/{bass}"
    beginnings = (capital[:length].rstrip("(/ ") for length in range(len(capital) - 1, len(capital) // 2, -1))
    return _alike(capital) or next((begun for begun in beginnings if _read(begun)), None)


def _alike(text: str) -> str | None:
    """The symbol in use that is spelled most like `text`."""
    found = re.match(r"[A-G][b#]?", text)
    roots = [found[0]] if found else [*FLATS, *SHARPS]
    usual = [*QUALITIES, *(name + change for name in ("7", "9", "13", "m7", "maj7") for change in CHANGES.values())]
    symbols = [root + quality for root in roots for quality in usual]
    return next(iter(difflib.get_close_matches(text, symbols, n=1)), None)


def _above(root: int, intervals: Iterable[int]) -> tuple[int, ...]:
    return tuple((root + interval) % 12 for interval in intervals)


@lru_cache(maxsize=1)
def key_weights() -> tuple[tuple[float, ...], tuple[float, ...]]:
    """How much of each pitch class music in C major and in C minor has, as music21 finds keys by (Aarden-Essen)."""
    from music21.analysis.discrete import AardenEssen

    known = AardenEssen()
    return tuple(known.getWeights("major")), tuple(known.getWeights("minor"))
