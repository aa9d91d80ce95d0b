"""Wishes: what a person asks of a clip, checked together before any work starts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from musicgen.errors import OptionError
from musicgen.music.charts import Chart, chart, names_a_file
from musicgen.music.theory import key, pitch_range
from musicgen.settings import check_kinds

CHORDS = "Dm7 | G7 | Cmaj7 | %"
MOST_BARS = 2000


@dataclass(frozen=True)
class JazzWishes:
    """What a line over chords shall be.

    Attributes:
        chords: a chart, `"Dm7 | G7 | Cmaj7 | %"`, or the name of a text file with one; repeated or cut to fit `bars`.
        bars: how many; None is as many as the chart has.
        key: only pitches of this key or scale, `"C minor"`, `"F blues"`; empty: any.
        pitch_range: lowest and highest pitch, `"C3-C6"`; empty: any.
        tempo_bpm: quarter notes per minute.
        metre: beats in a bar and the note that is a beat, `"4/4"`.
    """

    chords: str = CHORDS
    bars: int | None = None
    key: str = ""
    pitch_range: str = ""
    tempo_bpm: float = 140.0
    metre: str = "4/4"

    def __post_init__(self) -> None:
        check_kinds(self)
        if self.bars is not None and not 1 <= self.bars <= MOST_BARS:
            raise OptionError(f"bars: expected a whole number from 1 to {MOST_BARS}. Received: {self.bars}")
        if not 10 <= self.tempo_bpm <= 500:
            raise OptionError(f"tempo: expected 10 to 500 quarters a minute. Received: {self.tempo_bpm:g}")
        if names_a_file(self.chords):  # the clip's receipt needs the chart, not where it stood
            object.__setattr__(self, "chords", str(chart(self.chords, metre=metre_of(self.metre))))
        _ = self.chart, self.pitches

    @cached_property
    def chart(self) -> Chart:
        """The chords, over exactly the bars asked for."""
        written = chart(self.chords, metre=metre_of(self.metre))
        return written if self.bars is None else written.stretched(self.bars)

    @cached_property
    def pitches(self) -> npt.NDArray[np.bool_]:
        """Which MIDI pitches range and key allow, `bool[128]`."""
        numbers = np.arange(128)
        allowed = np.ones(128, bool)
        if self.pitch_range:
            low, high = pitch_range(self.pitch_range)
            allowed &= (numbers >= low) & (numbers <= high)
        if self.key:
            allowed &= np.isin(numbers % 12, key(self.key).pitch_classes)
        return allowed

    @property
    def limits(self) -> str:
        """Range and key as words."""
        return " and ".join(
            f"{what} {value}" for what, value in (("range", self.pitch_range), ("key", self.key)) if value
        )


def metre_of(text: str) -> tuple[int, int]:
    """`"3/4"` as `(3, 4)`."""
    parts = text.split("/")
    if len(parts) == 2 and all(part.strip().isdigit() for part in parts):
        beats, unit = (int(part) for part in parts)
        if 1 <= beats <= 32 and unit in (1, 2, 4, 8, 16, 32):
            return beats, unit
    raise OptionError(f"metre: expected one such as 4/4, 3/4 or 6/8. Received: {text}")
