"""Which chords an accompaniment plays: a hidden Markov model over beats.

Every beat in which a note sounds shows a profile (how long each pitch class sounds, in beats) and a
bass (its lowest note). A chord is one of `TEMPLATES` on one of twelve roots. It gives most of its notes
to its tones, `theta`, and most of its basses to its root; it lasts until a change pays for itself:

    best(chords) = sum over beats of    STRENGTH * profile . log theta + BASS * log P(bass | chord) + prior
                 + sum over changes of  FIRST_BASS * log P(bass | chord) - COST[place in the bar]

A bass tells more where a chord begins than where it goes on, as bass lines walk. Viterbi's algorithm
finds the best chords exactly. Nothing is fitted to a corpus but these few numbers. What comes out is what
the notes say: a chord whose root nobody plays may be named by its upper part.

Time is counted in beats that hold notes, never in ticks, so a gap of any length costs nothing; notes are
followed for `LONGEST` beats at most, and a piece for its first `MOST` beats and `NOTES` notes.

After Sheh & Ellis, Chord Segmentation and Recognition using EM-Trained Hidden Markov Models (ISMIR 2003).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from musicgen.music.qualities import tones
from musicgen.music.score import METRE, Score, Table, table

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

# Quality: nats that speak for it before a note is heard.
TEMPLATES = {"": 0.0, "m": 0.0, "7": 0.0, "m7": 0.0, "maj7": 0.0, "6": -0.1, "m6": -0.1, "m7b5": -0.1, "dim7": -0.1}
TEMPLATES |= {"dim": -0.2, "aug": -0.2, "7#5": -0.2, "mMaj7": -0.2, "sus4": -0.2, "7sus4": -0.1, "5": -0.3}
IN_CHORD = 0.88  # share of the notes that are tones of the chord
IN_BASS = {"root": 0.8, "tone": 0.15}  # share of the basses; the rest is for all other notes
STRENGTH = 9.0  # nats per nat of a full beat's profile
BASS, FIRST_BASS = 0.05, 0.8
FULL = 6.0  # beats that all notes of a beat must sound together to count in full
COST = (1.5, 4.3, 6.2)  # nats for a change on a bar line, in the middle of a bar, on another beat
ONSET = 0.25  # beats that a note's beginning counts for
LONGEST, MOST, NOTES, PAIRS = 64, 16_384, 250_000, 1_000_000


class Beats(NamedTuple):
    """The beats in which notes sound, `N` of them.

    Attributes:
        ticks: where each begins, `(N,)`.
        places: 0 on a bar line, 1 in the middle of a bar, 2 elsewhere, `(N,)`.
        profiles: beats that each pitch class sounds, `(N, 12)`.
        basses: pitch class of the lowest note, `(N,)`.
    """

    ticks: Integers
    places: Integers
    profiles: Floats
    basses: Integers


class _Grid:
    """Beats counted through all metres of a score, and back to ticks."""

    def __init__(self, score: Score) -> None:
        rows = np.concatenate([table(METRE, [(0, 4, 4)]), score.metres])
        rows = rows[np.diff(rows["tick"], append=-1) != 0]  # the last one at a tick holds
        ticks, numerators, denominators = (rows[name].astype(np.int64) for name in rows.dtype.names or ())
        compound = np.isin(numerators, (6, 9, 12)) & (denominators >= 8)
        self.starts = ticks
        self.beat = np.maximum(1, score.resolution * 4 * np.where(compound, 3, 1) // np.maximum(denominators, 1))
        self.per_bar = np.maximum(1, np.where(compound, numerators // 3, numerators))
        self.first = np.concatenate([[0], np.cumsum(-(-np.diff(ticks) // self.beat[:-1]))])  # beat at each start

    def index(self, ticks: Integers) -> Integers:
        """The beat that a tick lies in."""
        row = np.searchsorted(self.starts, ticks, side="right") - 1
        found: Integers = self.first[row] + (ticks - self.starts[row]) // self.beat[row]
        return found

    def spans(self, beats: Integers) -> tuple[Integers, Integers, Integers]:
        """Where beats begin and how long they are, in ticks, and their places as in `Beats`."""
        row = np.searchsorted(self.first, beats, side="right") - 1
        place = (beats - self.first[row]) % self.per_bar[row]
        per_bar = self.per_bar[row]
        kinds = np.where(place == 0, 0, np.where((2 * place == per_bar) & (per_bar > 3), 1, 2))
        return self.starts[row] + (beats - self.first[row]) * self.beat[row], self.beat[row], kinds


def beats(score: Score, notes: Table) -> Beats:
    """What sounds in each beat; `notes` has columns of `NOTE` in the score's ticks, at least one row."""
    grid = _Grid(score)
    notes = notes[np.argsort(notes["start"], kind="stable")[:NOTES]]
    begins, ends = notes["start"], notes["start"] + np.maximum(notes["duration"], 1)
    first = grid.index(begins)
    within = first < np.unique(first)[:MOST][-1] + 1
    notes, begins, ends, first = notes[within], begins[within], ends[within], first[within]
    counts = np.clip(grid.index(ends - 1) - first + 1, 1, max(1, min(LONGEST, PAIRS // len(notes))))
    note = np.repeat(np.arange(len(notes)), counts)
    beat = first[note] + np.arange(len(note)) - np.repeat(np.cumsum(counts) - counts, counts)
    found, row = np.unique(beat, return_inverse=True)
    ticks, length, places = grid.spans(found)
    overlap = np.minimum(ends[note], (ticks + length)[row]) - np.maximum(begins[note], ticks[row])
    weight = np.clip(overlap / length[row], 0, 1) + ONSET * (beat == first[note])
    pitch = notes["pitch"][note].astype(np.int64)
    profiles: Floats = np.bincount(row * 12 + pitch % 12, weight, 12 * len(found)).reshape(-1, 12).astype(np.float64)
    lowest = np.full(len(found), 128)
    np.minimum.at(lowest, row, pitch)
    return Beats(ticks[:MOST], places[:MOST], profiles[:MOST], lowest[:MOST] % 12)


def _templates() -> tuple[list[tuple[int, tuple[int, ...]]], Floats, Floats, Floats]:
    """The chords as root and intervals, `log theta (K, 12)`, `log P(bass | chord) (K, 12)`, priors `(K,)`."""
    chords, notes, basses, priors = [], [], [], []
    for quality, prior in TEMPLATES.items():
        intervals = sorted(tones(quality) or ())
        theta = np.full(12, (1 - IN_CHORD) / (12 - len(intervals)))
        theta[intervals] = IN_CHORD / len(intervals)
        bass = np.full(12, (1 - sum(IN_BASS.values())) / (12 - len(intervals)))
        bass[intervals] = IN_BASS["tone"] / (len(intervals) - 1)
        bass[0] = IN_BASS["root"]
        for root in range(12):
            chords.append((root, tuple(intervals)))
            notes.append(np.roll(np.log(theta), root))
            basses.append(np.roll(np.log(bass), root))
            priors.append(prior)
    return chords, np.array(notes), np.array(basses), np.array(priors)


CHORDS, _NOTES, _BASSES, _PRIORS = _templates()


def chords(heard: Beats, caution: float = 1.0) -> list[tuple[int, int, tuple[int, ...]]]:
    """The likeliest chords: tick, root and intervals of each, neighbours differing.

    Args:
        heard: at least one beat.
        caution: how many times the usual cost a change must pay.
    """
    totals = heard.profiles.sum(axis=1, keepdims=True)
    shares = heard.profiles / np.maximum(totals, 1e-9) * np.minimum(totals / FULL, 1)
    basses = _BASSES.T[heard.basses]
    entering = FIRST_BASS * basses - caution * np.array(COST)[heard.places, None]
    path = viterbi(STRENGTH * shares @ _NOTES.T + BASS * basses + _PRIORS, entering)
    change = np.flatnonzero(np.diff(path, prepend=-1))
    return [(int(heard.ticks[beat]), *CHORDS[path[beat]]) for beat in change]


def viterbi(evidence: Floats, entering: Floats) -> Integers:
    """The best state at each of N times.

    Args:
        evidence: nats for each state at each time, `(N, K)`.
        entering: nats for a change to each state, from whichever, `(N, K)`.
    """
    changed = np.zeros(evidence.shape, dtype=bool)
    best = np.zeros(len(evidence), dtype=np.int64)  # the best state before each time
    score = evidence[0] + entering[0]
    for time in range(1, len(evidence)):
        best[time] = score.argmax()
        arriving = entering[time] + score[best[time]]
        np.less(score, arriving, out=changed[time])
        np.maximum(score, arriving, out=score)
        score += evidence[time]
    path = np.empty(len(evidence), dtype=np.int64)
    state = int(score.argmax())
    for time in range(len(evidence) - 1, -1, -1):
        path[time] = state
        state = int(best[time]) if changed[time, state] else state
    return path
