"""Tunes: one voice on a grid of sixteenths as a short text, and what is asked of a chorale.

A tune is a word for each sixteenth: a MIDI pitch that begins, `-` for what goes on, `r` for a rest
that begins, such as `67 - - - 69 - r -`. A clip's receipt holds its tunes in this form.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from musicgen.errors import OptionError, at
from musicgen.music import files
from musicgen.music.melody import melody
from musicgen.music.score import Score, Table
from musicgen.music.voices import HOLD, REST, VOICES, alone, framed, named, on_grid
from musicgen.music.wishes import MOST_BARS, metre_of
from musicgen.settings import check_kinds

SIXTEENTHS = 4  # frames per quarter note
LOWEST, HIGHEST = 21, 108  # pitches of a voice: those of a piano
USUAL_BARS = 8
_WORDS = {"-": HOLD, "r": REST}
_LETTERS = {frame: word for word, frame in _WORDS.items()}
_TUNE = re.compile(r"(\s*(\d{1,3}|-|r)(?!\S))+\s*")


@dataclass(frozen=True)
class ChoraleWishes:
    """What a chorale shall be.

    Attributes:
        bars: how many; None is as long as the longest voice that is given, to its last sixteenth, or 8 bars;
            longer voices are cut.
        soprano, alto, tenor, bass: a voice that is given, as the name of a music file (its track of
            that name, else its melody) or as a tune, see the module; empty: free. After its end it is free.
        tempo_bpm: quarter notes per minute.
        metre: beats in a bar and the note that is a beat; empty: the given file's, or 4/4.
        pickup: sixteenths before the first bar line; None is as many as the given file has.
    """

    bars: int | None = None
    soprano: str = ""
    alto: str = ""
    tenor: str = ""
    bass: str = ""
    tempo_bpm: float = 80.0
    metre: str = ""
    pickup: int | None = None

    def __post_init__(self) -> None:
        check_kinds(self)
        if not 10 <= self.tempo_bpm <= 500:
            raise OptionError(f"tempo: expected 10 to 500 quarters a minute. Received: {self.tempo_bpm:g}")
        metres = [self._read(voice) for voice in VOICES if _names_a_file(getattr(self, voice))]
        metre, pickup = next(iter(metres), ("4/4", 0))
        self._settle("metre", self.metre or metre)
        self._settle("pickup", pickup if self.pickup is None else self.pickup)
        self._check()
        for voice in self.given:
            self._settle(voice, " ".join(getattr(self, voice).split()[: self.frames]))
        del self.__dict__["given"]  # it may have been longer than the bars

    def _settle(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    def _read(self, voice: str) -> tuple[str, int]:
        """Put the tune in the place of its file's name: a receipt needs the tune, not where it stood."""
        with at(voice):
            score = files.read(getattr(self, voice))
            line = named(score, voice) or melody(score)
            notes = alone(on_grid(line.notes, score.resolution, SIXTEENTHS)[0])
            if not len(notes):
                raise OptionError("expected a tune. Received: no notes long enough for the grid")
            end = int((notes["start"] + notes["duration"]).max())
            if end > MOST_BARS * SIXTEENTHS * SIXTEENTHS:
                raise OptionError(f"expected a tune of at most {MOST_BARS} bars. Received: {end} sixteenths")
        self._settle(voice, " ".join(_LETTERS.get(frame, str(frame)) for frame in framed(notes, end)))
        return metre_and_pickup(score)

    def _check(self) -> None:
        for name, value, least, most in (
            ("bars", self.bars, 1, MOST_BARS),
            ("pickup", self.pickup, 0, self._most_pickup),
        ):
            if value is not None and not least <= value <= most:
                raise OptionError(f"{name}: expected a whole number from {least} to {most}. Received: {value}")
        for voice, frames in self.given.items():
            with at(voice):
                _check_tune(frames)

    @cached_property
    def given(self) -> dict[str, npt.NDArray[np.object_]]:
        """The frames of each voice that is given, canonical."""
        return {voice: _frames(text) for voice in VOICES if (text := getattr(self, voice).split())}

    @property
    def _most_pickup(self) -> int:
        return min(self.bar - 1, 255)

    @property
    def bar(self) -> int:
        """Sixteenths in a bar."""
        beats, unit = metre_of(self.metre)
        if beats * 16 % unit:
            raise OptionError(f"metre: expected bars of whole sixteenths. Received: {self.metre}")
        return beats * 16 // unit

    @property
    def frames(self) -> int:
        """Sixteenths in all, the pickup among them."""
        if self.bars is None and self.given:
            return max(map(len, self.given.values()))
        return (self.bars or USUAL_BARS) * self.bar + (self.pickup or 0)


def metre_and_pickup(score: Score) -> tuple[str, int]:
    """A score's first whole metre, and the sixteenths before its first bar line."""
    rows = score.metres.tolist()
    if not rows:
        return "4/4", 0
    short = pickup(score.metres, 4 * score.resolution)
    _, beats, unit = rows[1 if short else 0]
    return f"{beats}/{unit}", round(short * SIXTEENTHS / score.resolution)


def pickup(metres: Table, whole: int) -> int:
    """Ticks of a first bar that is shorter than the next metre's bars; a whole note has `whole` ticks."""
    if len(metres) < 2 or metres["tick"][0] > 0:
        return 0
    lengths = whole * metres["numerator"][:2].astype(int) // metres["denominator"][:2]
    until = int(metres["tick"][1])
    return until if until <= lengths[0] < lengths[1] else 0


def _names_a_file(text: str) -> bool:
    return bool(text.strip()) and _TUNE.fullmatch(text) is None


def _frames(words: list[str]) -> npt.NDArray[np.object_]:
    """A tune's words as frames; a rest that goes on is held."""
    frames = np.array([_WORDS.get(word) or int(word) for word in words], object)
    begins = np.flatnonzero(frames != HOLD)
    goes_on = (frames[begins[1:]] == REST) & (frames[begins[:-1]] == REST)
    frames[begins[1:][goes_on]] = HOLD
    return frames


def ends_in_a_note(frames: npt.NDArray[np.object_]) -> bool:
    """Whether a note sounds in the last frame."""
    return bool(frames[frames != HOLD][-1] != REST)


def _check_tune(frames: npt.NDArray[np.object_]) -> None:
    if frames[0] == HOLD:
        raise OptionError("expected a tune that begins with a pitch or a rest. Received: -")
    for frame in frames:
        if isinstance(frame, int) and not LOWEST <= frame <= HIGHEST:
            raise OptionError(f"expected pitches from {LOWEST} to {HIGHEST}. Received: {frame}")
