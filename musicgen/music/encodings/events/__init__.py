"""The `events` encoding: any piece, one note a step.

A step is a note: its onset (ticks since the onset before), then its instrument (a General MIDI
program, or drums), its pitch, its duration, its velocity; 24 ticks to a quarter note. Notes of one
tick ascend by instrument and then by pitch, and are at most 16. A wait of 96 ticks or more begins
with *rest steps* of 96 ticks each, so onset value 96 always means a rest, and the other fields are
then forced.

Held: all notes as `events_grid` places them, metre, tempo, key signatures. Not held: which track a
note was in (each instrument becomes one track, under its name), controllers and bends (the sustain
pedal lengthens notes), markers, words.

Given and not predicted: metre and tempo; and in part, families of instruments and density
(`events_features`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from musicgen.music.constraints import Automaton
from musicgen.music.encodings.encoding import Array, Encoding, MusicContext, Nats, Steps, View
from musicgen.music.encodings.events import features as sight
from musicgen.music.encodings.events import grid as grids
from musicgen.music.encodings.events import memory
from musicgen.music.encodings.events import rules as grammars
from musicgen.music.encodings.events.grid import FIELDS, INSTRUMENT, LONGEST, ONSET, PITCH, RESOLUTION, Grid
from musicgen.music.encodings.events.wishes import EventWishes
from musicgen.music.encodings.timeline import BAR_START, BAR_TICKS, TICK
from musicgen.music.instruments import DRUMS, NAMES
from musicgen.music.score import METRE, TEMPO, Score, Table, Track, table
from musicgen.music.vocabulary import Vocabulary


@dataclass(frozen=True, eq=False)
class EventContext(MusicContext):
    """Everything of a score but its notes.

    Attributes:
        dropped: notes of the file that no step holds.
    """

    dropped: int = 0


class EventEncoding(Encoding):
    """Notes of any instruments, one a step."""

    name: ClassVar[str] = "events"
    columns: ClassVar[tuple[str, ...]] = ("track", "tick", "pitch")
    wishes: ClassVar[type[EventWishes]] = EventWishes
    resolution: ClassVar[int] = RESOLUTION
    vocabulary = Vocabulary("events", FIELDS)
    width: ClassVar[int] = sight.WIDTH
    memory: ClassVar[int] = memory.COLUMNS

    # -- a score as steps, and back

    def quantize(self, document: Score) -> Score:
        """The notes on the grid, a track for each instrument, with metre, tempo and key.

        Raises:
            InputError: there is no note, or one so late that it must be a mistake.
        """
        found = grids.grid(document)
        return replace(_frame(document, _end(found)), tracks=grids.tracks(*found[:5]))

    def encode(self, document: Score) -> tuple[Steps, EventContext]:
        """The values `(T, 5)` of all notes, and what is given."""
        found = grids.grid(document)
        end = _end(found)
        frame = _frame(document, end)
        density = sight.density_class(len(found.starts) * RESOLUTION / end)
        players, first = sight.families(np.unique(found.instruments)), len(found.starts) % 4
        rows = sight.told_in_part(frame, players, density, end, first)
        source = Track(notes=found.source)
        context = EventContext(rows, end, frame, source, document.resolution, found.moved, dropped=found.dropped)
        return grids.steps(found), context

    def decode(self, values: Steps, context: MusicContext) -> Score:
        """The notes as a score; steps at or after the context's end are left out."""
        clock = np.cumsum(values[:, ONSET])
        sounding = (values[:, ONSET] < LONGEST) & (values[:, INSTRUMENT] <= DRUMS) & (clock < context.end)
        return replace(context.frame, tracks=grids.tracks(clock[sounding], *values[sounding, INSTRUMENT:].T))

    # -- what a network sees and may do

    def remembered(self, xp: Any, clock: Array, standing: Array) -> Array:
        """The notes that sound, and what was struck last."""
        return memory.remembered(xp, clock, standing)

    def features(self, xp: Any, rows: Array, clock: Array, standing: Array) -> Array:
        """Place in bar and form, tempo, what the piece is told to be, what sounds."""
        return sight.features(xp, rows, clock, standing)

    @cached_property
    def views(self) -> tuple[tuple[View, ...], ...]:
        """Times by where they lead, pitches by interval and degree, all else by what stood before."""
        return sight.all_views()

    def keys(self, xp: Any, field: int, rows: Array, clock: Array, standing: Array) -> Array:
        """The key of each view of a field."""
        return sight.keys(xp, field, rows, clock, standing)

    def grammar(self, end: int) -> Automaton:
        """Any instrument; rests are whole, notes end by `end`."""
        return grammars.automaton(end, np.ones(DRUMS + 1, bool))

    def narrowed(self, xp: Any, field: int, standing: Array) -> Array | None:
        """Notes of one tick ascend and are few; what sounds is not struck again."""
        return grammars.narrowed(xp, field, standing)

    def counted(self, indices: Steps) -> npt.NDArray[np.bool_]:
        """All fields of a note, the onset of a rest."""
        note = indices[..., ONSET] < LONGEST
        return np.stack([np.ones_like(note), *[note] * (len(FIELDS) - 1)], axis=-1)

    def scored(self, indices: Steps, nats: Nats) -> npt.NDArray[np.float64]:
        """Nats of the fields of each note but the first, `(notes - 1, 5)`.

        A wait of 96 ticks or more is one class: the first rest step's onset counts as the next
        note's, how much longer the wait lasts does not count.
        """
        note = np.flatnonzero(indices[:, ONSET] < LONGEST)
        first = np.concatenate([note[:1], note[:-1] + 1])  # the step after the note before
        return np.column_stack([nats[first, ONSET], nats[note, INSTRUMENT:]])[1:].astype(np.float64)

    def places(self, values: Steps, context: MusicContext) -> Iterator[tuple[str, int, int]]:
        """Instrument, tick (as the file counts) and pitch of each note but the first."""
        players = values[values[:, ONSET] < LONGEST, INSTRUMENT][1:]
        notes = context.source.notes[1:]
        return zip((NAMES[p] for p in players), notes["start"].tolist(), notes["pitch"].tolist(), strict=False)

    # -- what a person asks for

    trial = EventWishes(bars=2)

    def asked(self, wishes: EventWishes, primer: MusicContext | None = None) -> EventContext:
        """The context of a new piece: the bars wished for, after the primer's if there is one."""
        start = 0 if primer is None else self.whole_bars(primer)
        tempo = table(TEMPO, [(0, round(60e6 / wishes.tempo_bpm))])
        before = Score(RESOLUTION, tempos=tempo) if primer is None else primer.frame
        metres = [*(row for row in before.metres.tolist() if row[0] < start), (start, *wishes.beats)]
        frame = replace(before, metres=table(METRE, metres))
        numerator, denominator = wishes.beats
        end = start + wishes.bars * (4 * RESOLUTION * numerator // denominator)
        density = 0 if wishes.density is None else sight.density_class(wishes.density)
        rows = sight.told(frame, sight.families(wishes.numbers), density)
        return EventContext(rows, end, frame, Track(), RESOLUTION, np.zeros(0, np.int64))

    def whole_bars(self, context: MusicContext) -> int:
        """Where the last bar of a context ends, ticks."""
        row = context.timeline[np.searchsorted(context.timeline[:, TICK], context.end, side="left") - 1]
        bars = -(-(context.end - row[BAR_START]) // row[BAR_TICKS])
        return int(row[BAR_START] + bars * row[BAR_TICKS])

    def rules(self, wishes: EventWishes, context: MusicContext) -> Automaton:
        """The grammar, and the instruments that are wished for."""
        wished = np.isin(np.arange(DRUMS + 1), wishes.numbers or np.arange(DRUMS + 1))
        return grammars.automaton(context.end, wished)

    # -- augmentation

    def compass(self, indices: Steps) -> tuple[int, int]:
        """How far the pitches, but not drums, may move."""
        pitches = indices[indices[:, INSTRUMENT] < DRUMS, PITCH]
        return (-int(pitches.min()), 127 - int(pitches.max())) if len(pitches) else (0, 0)

    def transposed(self, indices: Steps, semitones: Steps) -> Steps:
        """Pitches, but not drums, higher by `semitones`, in the steps and in the memory."""
        return memory.transposed(indices, semitones)


def _end(found: Grid) -> int:
    """Where the last note ends, ticks."""
    return int((found.starts + found.durations).max())


def _frame(score: Score, end: int) -> Score:
    """Metre, tempo and key of a score, on the grid, up to its end."""

    def moved(rows: Table) -> Table:
        scaled = rows.copy()
        scaled["tick"] = grids.rescaled(np.minimum(rows["tick"], grids.FARTHEST * score.resolution), score.resolution)
        return table(scaled.dtype, scaled[scaled["tick"] <= end])

    return Score(RESOLUTION, tempos=moved(score.tempos), metres=moved(score.metres), keys=moved(score.keys))
