"""The `chorales` encoding: four voices in frames of a sixteenth.

A step is a frame. In each voice, in the order soprano, bass, tenor, alto, a pitch begins, a rest
begins, or what was there goes on (`hold`), so a note that is held is told from one repeated. A rest
goes on by `hold`, too.

Held: starts, durations and pitches of four voices on the grid of sixteenths, metre, tempo, key. Not
held: velocities, words, other tracks. Where a file has its voices: `musicgen.music.voices`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from itertools import product as pairs
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from musicgen.errors import InputError, at
from musicgen.music.constraints import Automaton
from musicgen.music.encodings import quartet, timeline
from musicgen.music.encodings.encoding import Array, Encoding, MusicContext, Nats, Steps, View
from musicgen.music.encodings.timeline import BAR_START, BAR_TICKS, TICK
from musicgen.music.metrics import perplexities
from musicgen.music.score import METRE, TEMPO, Score, Table, Track, table
from musicgen.music.tunes import HIGHEST, LOWEST, MOST_BARS, SIXTEENTHS, ChoraleWishes, ends_in_a_note, metre_of, pickup
from musicgen.music.vocabulary import Vocabulary
from musicgen.music.voices import VOICES, choir, framed, rescaled, sounded

CHOIR_AAHS = 52  # program of every voice
WHOLE = 4 * SIXTEENTHS  # frames in a whole note
MOST_FRAMES = MOST_BARS * WHOLE
_PLACE_OF = [quartet.ORDER.index(voice) for voice in VOICES]  # a voice's column


class ChoraleEncoding(Encoding):
    """Four voices, one frame of a sixteenth a step."""

    name: ClassVar[str] = "chorales"
    unit: ClassVar[str] = "step"
    columns: ClassVar[tuple[str, ...]] = ("voice", "tick", "value")
    wishes: ClassVar[type[ChoraleWishes]] = ChoraleWishes
    resolution: ClassVar[int] = SIXTEENTHS
    vocabulary = Vocabulary("chorales", quartet.FIELDS)
    width: ClassVar[int] = quartet.WIDTH
    memory: ClassVar[int] = quartet.MEMORY

    @cached_property
    def ticks(self) -> tuple[npt.NDArray[np.int32], ...]:
        """The last voice of a frame moves the clock by one."""
        return tuple(np.full(size, f == len(self.sizes) - 1, np.int32) for f, size in enumerate(self.sizes))

    # -- a score as steps, and back

    def quantize(self, document: Score) -> Score:
        """The four voices on the grid, as four tracks, with metre, tempo and key.

        Raises:
            InputError: there are not four voices, or a pitch is out of their range.
        """
        return self.decode(*self.encode(document))

    def encode(self, document: Score) -> tuple[npt.NDArray[Any], MusicContext]:
        """The values `(T, 4)` of the voices, and what is given."""
        lines, moved = choir(document, SIXTEENTHS)
        end = max(int((line["start"] + line["duration"]).max(initial=0)) for line in lines)
        if end > MOST_FRAMES:
            raise InputError(f"expected at most {MOST_FRAMES} sixteenths. Received: {end}")
        for voice, line in zip(VOICES, lines, strict=True):
            _check_range(voice, line)
        frames = [framed(lines[VOICES.index(voice)], end) for voice in quartet.ORDER]
        return np.stack(frames, axis=-1), _context(_frame(document), end, document.resolution, moved)

    def decode(self, values: npt.NDArray[Any], context: MusicContext) -> Score:
        """The voices as four tracks; frames at or after the context's end are left out."""
        lines = (sounded(values[: context.end, place]) for place in _PLACE_OF)
        tracks = (replace(track, notes=line) for track, line in zip(context.frame.tracks, lines, strict=True))
        return context.frame.with_tracks(*tracks)

    # -- what a network sees and may do

    def remembered(self, xp: Any, clock: Array, standing: Array) -> Array:
        """The last 16 frames as they sounded, and how long each voice has held."""
        return quartet.remembered(xp, standing)

    def features(self, xp: Any, rows: Array, clock: Array, standing: Array) -> Array:
        """Place in the bar, and what sounds and sounded; see `quartet.features`."""
        return quartet.features(xp, (clock - rows[..., BAR_START]) % rows[..., BAR_TICKS], standing)

    @cached_property
    def views(self) -> tuple[tuple[View, ...], ...]:
        """Intervals and pitch classes; see `quartet.views`."""
        return quartet.views()

    def keys(self, xp: Any, field: int, rows: Array, clock: Array, standing: Array) -> Array:
        """What the intervals of a voice are measured from."""
        return quartet.keys(xp, field, standing)

    def grammar(self, end: int) -> Automaton:
        """Nothing can be held before it began."""
        return self._automaton(np.minimum(np.arange(end + 1), 1), 2)

    def _automaton(self, kind: Steps, classes: int) -> Automaton:
        """All is allowed, but not to hold at first; `kind` `(end + 1,)` is the class of each clock."""
        allowed = tuple(np.ones((1, classes, size), bool) for size in self.sizes)
        for voice in allowed:
            voice[:, 0, quartet.HELD] = False
        return Automaton(allowed, tuple(np.zeros((1, size), np.int32) for size in self.sizes), kind.astype(np.int32))

    # -- what is judged

    @property
    def parts(self) -> tuple[str, ...]:
        """One column: a row is one voice of a step."""
        return ("ln_p",)

    def counted(self, indices: Steps) -> npt.NDArray[np.bool_]:
        """Everything."""
        return np.ones(indices.shape, bool)

    def scored(self, indices: Steps, nats: Nats) -> npt.NDArray[np.float64]:
        """Every voice of every step, the first among them, `(T * 4, 1)`."""
        return nats.reshape(-1, 1).astype(np.float64)

    def measured(self, scored: Nats) -> dict[str, float]:
        """How many steps, the nats of one voice of one, and each voice's perplexity."""
        found = perplexities(scored.reshape(-1, len(self.sizes)), quartet.ORDER, self.unit)
        total = found.pop(f"nats_per_{self.unit}")
        steps = len(scored) // len(self.sizes)
        return {"steps": steps, "nats_per_voice_step": total / len(self.sizes), **found}

    def places(self, values: npt.NDArray[Any], context: MusicContext) -> Iterator[tuple[str, int, str]]:
        """Voice, tick (as the file counts) and value of every voice of every step."""
        for (step, row), field in pairs(enumerate(values), range(len(self.sizes))):
            yield quartet.ORDER[field], step * context.resolution // SIXTEENTHS, str(row[field])

    # -- what a person asks for

    trial = ChoraleWishes(bars=2)

    def asked(self, wishes: ChoraleWishes, primer: MusicContext | None = None) -> MusicContext:
        """The context of a new piece, after the primer's if there is one."""
        start = 0 if primer is None else self.whole_bars(primer)
        tempo = table(TEMPO, [(0, round(60e6 / wishes.tempo_bpm))])
        frame = _frame(Score(SIXTEENTHS, tempos=tempo)) if primer is None else primer.frame
        short, metre = wishes.pickup or 0, metre_of(wishes.metre)
        metres = [row for row in frame.metres.tolist() if row[0] < start]
        metres += [(start, short, 16), (start + short, *metre)] if short else [(start, *metre)]
        frame = replace(frame, metres=table(METRE, metres))
        return _context(frame, start + wishes.frames, SIXTEENTHS, np.zeros(0, np.int64))

    def whole_bars(self, context: MusicContext) -> int:
        """Where the last bar of a context ends, ticks."""
        row = context.timeline[np.searchsorted(context.timeline[:, TICK], context.end, side="left") - 1]
        bars = -(-(context.end - row[BAR_START]) // row[BAR_TICKS])
        return int(row[BAR_START] + bars * row[BAR_TICKS])

    def rules(self, wishes: ChoraleWishes, context: MusicContext) -> Automaton:
        """The grammar, and the voices that are given: from where the wishes begin, a class for each clock."""
        start = context.end - wishes.frames
        automaton = self._automaton(np.arange(context.end + 1), context.end + 1)
        for voice, frames in wishes.given.items():
            field = quartet.ORDER.index(voice)
            allowed, clocks = automaton.allowed[field][0], start + np.arange(len(frames))
            allowed[clocks] = False
            allowed[clocks, self.vocabulary.fields[field].indices(frames)] = True
            allowed[start + len(frames), quartet.HELD] &= not ends_in_a_note(frames)  # it ends where it ends
        return automaton

    # -- augmentation

    def compass(self, indices: Steps) -> tuple[int, int]:
        """As far as every pitch stays in the vocabulary; that choirs could sing it is not needed to learn from it."""
        pitches = indices[indices >= quartet.FIRST].astype(int)
        if not len(pitches):
            return 0, 0
        return quartet.FIRST - int(pitches.min()), quartet.SIZE - 1 - int(pitches.max())

    def transposed(self, indices: Steps, semitones: Steps) -> Steps:
        """Pitches higher by `semitones`."""
        return quartet.transposed(indices, semitones)


def _check_range(voice: str, line: Table) -> None:
    outside = (line["pitch"] < LOWEST) | (line["pitch"] > HIGHEST)
    if outside.any():
        first = line[outside][0]
        with at(f"{voice}, {first['start'] / SIXTEENTHS:g} quarters from the start"):
            raise InputError(f"expected pitches from {LOWEST} to {HIGHEST}. Received: {first['pitch']}")


def _frame(score: Score) -> Score:
    """Metre, tempo and key of a score on the grid, and four tracks without notes."""

    def moved(rows: Table) -> Table:
        scaled = rows.copy()
        scaled["tick"] = rescaled(rows["tick"], score.resolution, SIXTEENTHS)
        return table(scaled.dtype, scaled)

    tracks = tuple(Track(voice.capitalize(), n, CHOIR_AAHS) for n, voice in enumerate(VOICES))
    return Score(SIXTEENTHS, tracks, moved(score.tempos), moved(score.metres), moved(score.keys))


def _context(frame: Score, end: int, resolution: int, moved: npt.NDArray[Any]) -> MusicContext:
    """What is given; the bar lines of a pickup are counted from where it ends."""
    rows = timeline.timeline(frame)
    short = pickup(frame.metres, WHOLE)
    after = rows[np.searchsorted(rows[:, TICK], short)]
    rows[rows[:, TICK] < short, BAR_START] = short - after[BAR_TICKS]
    rows[rows[:, TICK] < short, BAR_TICKS] = after[BAR_TICKS]
    return MusicContext(rows, end, frame, Track(), resolution, moved)
