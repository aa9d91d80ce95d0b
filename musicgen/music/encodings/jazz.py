"""The `jazz` encoding: one line over chord changes.

A step is a note: its onset (ticks since the onset before), then its pitch, then its duration; 24
ticks to a quarter note hold triplets, sixteenths and 32nds. A wait of 96 ticks or more begins with
*rest steps* of 96 ticks each, so onset value 96 always means a rest, and pitch and duration are
then forced.

Held: the line's starts, pitches and durations (1 to 96 ticks), its track's name, channel and
program, chord symbols as markers, metre, tempo, key. Not held: velocities, other tracks, words.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from itertools import repeat
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from musicgen.errors import InputError, RequestError
from musicgen.music.constraints import Automaton, fixed, product
from musicgen.music.encodings import timeline, views
from musicgen.music.encodings.encoding import Array, Encoding, MusicContext, Nats, Steps, View
from musicgen.music.encodings.timeline import BAR_START, BAR_TICKS, CHORD, NEXT_CHORD, NEXT_ROOT, NEXT_TICK, ROOT, TICK
from musicgen.music.harmony import Harmony, harmony
from musicgen.music.melody import WRITTEN, melody, number
from musicgen.music.score import METRE, NOTE, TEMPO, Score, Table, Track, table
from musicgen.music.theory import chords_from_markers
from musicgen.music.vocabulary import Field, Vocabulary
from musicgen.music.wishes import JazzWishes

RESOLUTION = 24  # ticks per quarter note
LONGEST = 96  # ticks: the longest wait of one step, and the longest note
REST = 128  # a rest's place among the pitches
TENOR_SAX = 66  # program of a new line
HALF = 2 * RESOLUTION  # ticks
VELOCITY = 80  # of every decoded note: the encoding does not hold it
LONGEST_REST = 1000  # whole notes: a longer one is a fault of the file
SAME_TICK = 3  # notes the grammar allows on one tick
_EYES = {size: np.eye(size, dtype=np.float32) for size in (4, 8, 9, 13, 18, 24)}
_BITS = (np.arange(4096)[:, None] >> np.arange(12) & 1).astype(np.float32)

ONSET, PITCH, DURATION = range(3)
FIELDS = (
    Field("onset", tuple(range(LONGEST + 1)), "ticks since the onset before; 96 is a rest", moves_clock=True),
    Field("pitch", tuple(range(REST + 1)), "MIDI pitch; 128 is a rest"),
    Field("duration", tuple(range(LONGEST + 1)), "ticks; 0 is a rest's"),
)


class JazzEncoding(Encoding):
    """A monophonic line over chord changes, one note a step."""

    name: ClassVar[str] = "jazz"
    columns: ClassVar[tuple[str, ...]] = ("track", "tick", "pitch")
    wishes: ClassVar[type[JazzWishes]] = JazzWishes
    resolution: ClassVar[int] = RESOLUTION
    vocabulary = Vocabulary("jazz", FIELDS)
    width: ClassVar[int] = 24 + 8 + 4 + 2 * (13 + 12) + 9 + 2 * 13 + 18

    def __init__(self, line: str = "") -> None:
        self.line = line

    def choosing(self, line: str) -> JazzEncoding:
        """The same encoding, which takes the line from the track of that number, name or pattern; "" finds it."""
        return JazzEncoding(line)

    # -- a score as steps, and back

    def quantize(self, document: Score) -> Score:
        """The line on the grid of 24 ticks a quarter, with the chords, metre, tempo and key.

        Raises:
            InputError: no track holds a line.
        """
        line = melody(document, self.line)
        starts, durations, order, _ = _on_grid(line.notes, document.resolution)
        notes = table(NOTE, zip(starts, durations, line.notes["pitch"][order], [VELOCITY] * len(order), strict=True))
        track = Track(line.name, line.channel, line.program, notes)
        return replace(_frame(document, line)[0], tracks=(track,))

    def encode(self, document: Score) -> tuple[Steps, MusicContext]:
        """The values `(T, 3)` of the line's steps, and what is given.

        Raises:
            InputError: no track holds a line, or it waits for longer than a piece is long.
        """
        line = melody(document, self.line)
        starts, durations, order, moved = _on_grid(line.notes, document.resolution)
        frame, origin = _frame(document, line)
        frame = replace(frame, tracks=(Track(line.name, line.channel, line.program),))
        end = int((starts + durations).max(initial=1))
        source = replace(line, notes=line.notes[order])
        context = MusicContext(timeline.timeline(frame), end, frame, source, document.resolution, moved, origin)
        return _steps(starts, line.notes["pitch"][order], durations), context

    def decode(self, values: Steps, context: MusicContext) -> Score:
        """The line as a score; steps at or after the context's end are left out."""
        clock = np.cumsum(values[:, ONSET])
        sounding = (values[:, ONSET] < LONGEST) & (values[:, PITCH] < REST) & (clock < context.end)
        starts, (_, pitches, durations) = clock[sounding], values[sounding].T
        notes = table(NOTE, zip(starts, durations, pitches, [VELOCITY] * len(starts), strict=True))
        return replace(context.frame, tracks=(replace(context.frame.tracks[0], notes=notes),))

    # -- what a network sees and may do

    def features(self, xp: Any, rows: Array, clock: Array, standing: Array) -> Array:
        """Place in bar and form, chord now and next, the last pitch against both, tempo."""
        bar_clock = clock - rows[..., BAR_START]
        place = bar_clock % rows[..., BAR_TICKS]
        until = xp.clip((rows[..., NEXT_TICK] - clock) // RESOLUTION, 0, 8)
        parts = [
            _one_hot(xp, place % RESOLUTION, 24),
            _one_hot(xp, xp.minimum(place // RESOLUTION, 7), 8),
            _one_hot(xp, bar_clock // rows[..., BAR_TICKS] % 4, 4),
            _one_hot(xp, rows[..., ROOT], 13),
            _bits(xp, rows[..., CHORD]),
            _one_hot(xp, rows[..., NEXT_ROOT], 13),
            _bits(xp, rows[..., NEXT_CHORD]),
            _one_hot(xp, until, 9),
            _one_hot(xp, _interval(xp, standing[..., PITCH], rows[..., ROOT]), 13),
            _one_hot(xp, _interval(xp, standing[..., PITCH], rows[..., NEXT_ROOT]), 13),
            _one_hot(xp, xp.clip(rows[..., timeline.TEMPO_BPM] // 20, 0, 17), 18),
        ]
        return xp.concatenate(parts, axis=-1)

    @cached_property
    def views(self) -> tuple[tuple[View, ...], ...]:
        """Onsets and durations by where they lead and by the duration before, pitches by interval and degree."""
        place, degree = views.by_place(HALF, LONGEST), views.by_degree(REST)
        return (place, views.by_gap(LONGEST)), (views.by_interval(REST), degree, degree), (place,)

    def keys(self, xp: Any, field: int, rows: Array, clock: Array, standing: Array) -> Array:
        """Place in the half note and duration before; pitch before, root now and next; place."""
        place = (clock - rows[..., BAR_START]) % rows[..., BAR_TICKS] % HALF
        found = {
            ONSET: (place, standing[..., DURATION]),
            PITCH: (standing[..., PITCH], rows[..., ROOT], rows[..., NEXT_ROOT]),
            DURATION: (place,),
        }[field]
        return xp.stack(found, axis=-1)

    def grammar(self, end: int) -> Automaton:
        """A rest has no pitch and no duration, notes end by `end`, few notes share a tick."""
        remaining = np.minimum(end - np.arange(end + 1), LONGEST)  # the class of a clock
        sizes = self.sizes
        states = 2 * SAME_TICK  # notes on this tick, twice: in a note and in a rest
        classes = LONGEST + 1
        onset = np.ones((states, classes, sizes[ONSET]), bool)
        onset[[SAME_TICK - 1, 2 * SAME_TICK - 1], :, 0] = False
        onset[:, 0] = np.arange(sizes[ONSET]) == LONGEST  # at the end: rests only
        pitch, duration = (np.zeros((states, classes, sizes[f]), bool) for f in (PITCH, DURATION))
        pitch[:SAME_TICK, 1:, :REST] = True
        pitch[SAME_TICK:, :, REST] = pitch[:, 0, REST] = True
        left, length = np.ogrid[:classes, : sizes[DURATION]]
        duration[:SAME_TICK] = (length >= 1) & (length <= left)
        duration[SAME_TICK:, :, 0] = duration[:, 0, 0] = True
        return Automaton((onset, pitch, duration), _following(sizes), remaining.astype(np.int32))

    def counted(self, indices: Steps) -> npt.NDArray[np.bool_]:
        """All fields of a note, the onset of a rest."""
        note = indices[..., ONSET] < LONGEST
        return np.stack([np.ones_like(note), note, note], axis=-1)

    def scored(self, indices: Steps, nats: Nats) -> npt.NDArray[np.float64]:
        """Nats of the onset, pitch and duration of each note but the first, `(notes - 1, 3)`.

        A wait of 96 ticks or more is one class: the first rest step's onset counts as the next
        note's, how much longer the wait lasts does not count.
        """
        note = np.flatnonzero(indices[:, ONSET] < LONGEST)
        first = np.concatenate([[0], note[:-1] + 1]) if len(note) else note  # the step after the note before
        return np.stack([nats[first, ONSET], nats[note, PITCH], nats[note, DURATION]], axis=-1)[1:].astype(np.float64)

    def places(self, values: Steps, context: MusicContext) -> Iterator[tuple[str, int, int]]:
        """Track, tick (as the file counts) and pitch of each note but the first."""
        notes = context.source.notes[1:]
        return zip(repeat(context.source.name), notes["start"].tolist(), notes["pitch"].tolist(), strict=False)

    # -- what a person asks for

    trial = JazzWishes(bars=4)

    def asked(self, wishes: JazzWishes, primer: MusicContext | None = None) -> MusicContext:
        """The context of a new piece: the chart's bars, after the primer's if there is one."""
        chart, start = wishes.chart, 0 if primer is None else self.whole_bars(primer)
        tempo = table(TEMPO, [(0, round(60e6 / wishes.tempo_bpm))])
        before = Score(RESOLUTION, (Track(WRITTEN, program=TENOR_SAX),), tempo) if primer is None else primer.frame
        line = replace(before.tracks[0], name=WRITTEN)
        metres = [*(row for row in before.metres.tolist() if row[0] < start), (start, *chart.metre)]
        chords = [(tick, chord) for tick, chord in chords_from_markers(before.markers) if tick < start]
        chords += [(start + tick, chord) for tick, chord in chart.changes(RESOLUTION)]
        frame = replace(before, tracks=(line,), metres=table(METRE, metres), markers=timeline.markers(chords))
        end = start + round(len(chart.bars) * chart.quarters_per_bar * RESOLUTION)
        return MusicContext(timeline.timeline(frame), end, frame, Track(), RESOLUTION, np.zeros(0, np.int64))

    def whole_bars(self, context: MusicContext) -> int:
        """Where the last bar of a context ends, ticks."""
        row = context.timeline[np.searchsorted(context.timeline[:, TICK], context.end, side="left") - 1]
        bars = -(-(context.end - row[BAR_START]) // row[BAR_TICKS])
        return int(row[BAR_START] + bars * row[BAR_TICKS])

    def rules(self, wishes: JazzWishes, context: MusicContext) -> Automaton:
        """The grammar, and the pitches that are wished for.

        Raises:
            RequestError: no pitch is left.
        """
        grammar = self.grammar(context.end)
        pitches = wishes.pitches
        if not pitches.any():
            raise RequestError(f"expected a range that holds a note of the key. Received: {wishes.limits}")
        mask = np.append(pitches, True)  # rests are always allowed
        return product(grammar, fixed(self.sizes, PITCH, mask, np.zeros(context.end + 1)))

    # -- augmentation

    def transposed(self, indices: Steps, semitones: Steps) -> Steps:
        """Pitches higher by `semitones`; they stay within MIDI's by octaves."""
        indices = indices.copy()
        pitch = indices[..., PITCH]
        moved = pitch + semitones
        moved = np.where(moved < 0, moved + 12, np.where(moved >= REST, moved - 12, moved))
        indices[..., PITCH] = np.where(pitch >= REST, pitch, moved)
        return indices

    def transposed_timeline(self, rows: Steps, semitones: Steps) -> Steps:
        """Roots and chords higher by `semitones`."""
        return timeline.transposed(rows, semitones)


def _on_grid(notes: Table, resolution: int) -> tuple[Steps, Steps, Steps, Steps]:
    """Starts, durations (ticks of the grid), the notes' order there, and how far each moved."""
    starts, durations = (_rescaled(notes[name], resolution) for name in ("start", "duration"))
    durations = np.clip(durations, 1, LONGEST)
    moved = np.abs(notes["start"] * RESOLUTION - starts * resolution) // RESOLUTION
    order = np.lexsort([durations, notes["pitch"], starts])
    return starts[order], durations[order], order, moved[order]


def _rescaled(ticks: Any, resolution: int) -> Any:
    """Ticks of a file as ticks of the grid, to the nearest, halves up."""
    return (ticks * (2 * RESOLUTION) + resolution) // (2 * resolution)


def _steps(starts: Steps, pitches: Steps, durations: Steps) -> Steps:
    """Notes as steps; before each note as many rest steps as its wait holds."""
    waits = np.diff(starts, prepend=0)
    rests = waits // LONGEST
    if len(rests) and rests.max() > LONGEST_REST:
        raise InputError(f"expected rests of at most {LONGEST_REST} whole notes. Received: one of {int(rests.max())}")
    note = np.cumsum(rests + 1) - 1  # the row of each note
    steps = np.tile(np.array([LONGEST, REST, 0]), (int((rests + 1).sum()), 1))
    steps[note] = np.stack([waits % LONGEST, pitches, durations], axis=1)
    return steps


def _frame(score: Score, line: Track) -> tuple[Score, str]:
    """Chords, metre, tempo and key of a score, on the grid, and where the chords come from."""
    found = _harmony(score, line)

    def moved(rows: Table) -> Table:
        scaled = rows.copy()
        scaled["tick"] = _rescaled(rows["tick"], score.resolution)
        return table(scaled.dtype, scaled)

    chords = list({_rescaled(tick, score.resolution): chord for tick, chord in found.chords}.items())
    frame = Score(
        RESOLUTION,
        tempos=moved(score.tempos),
        metres=moved(score.metres),
        keys=moved(score.keys),
        markers=timeline.markers(chords),
    )
    return frame, found.origin


def _harmony(score: Score, line: Track) -> Harmony:
    """The chords, inferred only if there is more to hear than the line."""
    taken = score.tracks[number(score, line) - 1]
    if taken.name != line.name:  # the top line of a track, whose other notes accompany it
        return harmony(score)
    others = any(track is not taken and len(track.notes) and not track.is_drum for track in score.tracks)
    if others:
        return harmony(score, taken)
    return harmony(score.with_tracks(*(replace(track, notes=table(NOTE)) for track in score.tracks)))


def _following(sizes: tuple[int, ...]) -> tuple[npt.NDArray[np.int32], ...]:
    """State after each value: how many notes stand on this tick, and whether a rest is on."""
    state = np.arange(2 * SAME_TICK)[:, None] % SAME_TICK
    onset = np.where(np.arange(sizes[ONSET]) == 0, np.minimum(state + 1, SAME_TICK - 1), 0)
    onset[:, LONGEST] = SAME_TICK
    keep, end_rest = np.arange(2 * SAME_TICK)[:, None], state
    pitch, duration = keep + np.zeros((1, sizes[PITCH]), int), end_rest + np.zeros((1, sizes[DURATION]), int)
    return tuple(part.astype(np.int32) for part in (onset, pitch, duration))


def _one_hot(xp: Any, indices: Array, size: int) -> Array:
    return xp.take(_EYES[size], indices, axis=0)


def _bits(xp: Any, mask: Array) -> Array:
    """Twelve bits of an integer as numbers, lowest first."""
    return xp.take(_BITS, mask, axis=0)


def _interval(xp: Any, pitch: Array, root: Array) -> Array:
    """Semitones from root up to pitch, 0 to 11; 12 where there is no root or no pitch."""
    known = (pitch < REST) & (root < timeline.NO_ROOT)
    return xp.where(known, (pitch - root) % 12, timeline.NO_ROOT)
