"""What a person asks of a piece of the `events` encoding."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from musicgen.errors import OptionError
from musicgen.music.instruments import instruments
from musicgen.music.wishes import MOST_BARS, metre_of
from musicgen.settings import check_kinds

SPARSEST, DENSEST = 0.01, 100.0  # notes in a quarter


@dataclass(frozen=True)
class EventWishes:
    """What a piece shall be.

    Attributes:
        bars: how many.
        instruments: only these, names or General MIDI's numbers from 0, `"piano, bass, drums"`; empty: any.
        density: about how many notes in a quarter, those of a chord counted one by one; None: any.
        tempo_bpm: quarter notes per minute.
        metre: beats in a bar and the note that is a beat, `"4/4"`.
    """

    bars: int = 8
    instruments: str = ""
    density: float | None = None
    tempo_bpm: float = 120.0
    metre: str = "4/4"

    def __post_init__(self) -> None:
        check_kinds(self)
        if not 1 <= self.bars <= MOST_BARS:
            raise OptionError(f"bars: expected a whole number from 1 to {MOST_BARS}. Received: {self.bars}")
        if not 10 <= self.tempo_bpm <= 500:
            raise OptionError(f"tempo: expected 10 to 500 quarters a minute. Received: {self.tempo_bpm:g}")
        if self.density is not None and not SPARSEST <= self.density <= DENSEST:
            expected = f"{SPARSEST:g} to {DENSEST:g} notes in a quarter"
            raise OptionError(f"density: expected {expected}. Received: {self.density:g}")
        _ = self.beats, self.numbers

    @cached_property
    def beats(self) -> tuple[int, int]:
        """The metre as numbers."""
        return metre_of(self.metre)

    @cached_property
    def numbers(self) -> tuple[int, ...]:
        """The instruments as numbers; none: any."""
        return instruments(self.instruments)
