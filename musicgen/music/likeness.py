"""Which pieces of a collection are the same, or nearly so.

The same: all notes are, in time and pitch, whatever the tracks, names and resolution (`fingerprint`).

Nearly the same: their lines share much, at any transposition. A line is a set of *shingles*, runs of eight moves
(interval and wait), and two lines are as like as the share of all their shingles that both have (Jaccard). The 128
smallest hashes of the shingles are a line's *sketch*; two sketches tell the share to within a few hundredths, so
thousands of pieces are compared in seconds. (Broder, On the resemblance and containment of documents, 1997.)

One changed note changes eight shingles: at `ALIKE` about one note in twenty differs. Arrangements and variations
that share a tune but few of its runs are not found.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from musicgen.music.score import Score, Table

MOVES = 8  # in a shingle
SKETCHED = 128  # hashes
HEARD = 20_000  # notes of a line that are sketched
ALIKE = 0.5  # of the shingles of two lines
CROWD = 16  # pieces known by one shingle, at most: what many share tells little
TRIED = 3  # pieces that have most in common
FEW = 0.1  # of a sketch's hashes: with fewer in common, it is not worth a look
GRID = 24  # ticks to a quarter note: what is nearer is at the same time
LONGEST = 127  # ticks of a wait

Hashes = npt.NDArray[np.uint64]

_FACTORS = np.random.default_rng(8).integers(1, 2**63, MOVES, np.uint64) | np.uint64(1)


class Twin(NamedTuple):
    """An earlier piece that is like this one, and the share of shingles they have in common."""

    place: int
    share: float


def fingerprint(score: Score) -> str:
    """A hash of the notes on a grid: equal for scores that sound the same notes at the same times."""
    rows = np.concatenate([np.zeros((0, 4), np.int64), *(_rows(score, n) for n in range(len(score.tracks)))])
    return blake2b(rows[np.lexsort(rows.T)].tobytes(), digest_size=16).hexdigest()


def _rows(score: Score, place: int) -> npt.NDArray[np.int64]:
    """Start, duration, pitch and whether it is a drum, of each note of a track, `(notes, 4)`."""
    track = score.tracks[place]
    starts, durations = (_on_grid(track.notes[name], score.resolution) for name in ("start", "duration"))
    return np.stack([starts, durations, track.notes["pitch"], np.full(len(starts), track.is_drum)], axis=1)


def _on_grid(ticks: npt.NDArray[np.int64], resolution: int) -> npt.NDArray[np.int64]:
    return (ticks * (2 * GRID) + resolution) // (2 * resolution)


def sketch(line: Table, resolution: int) -> Hashes:
    """The smallest hashes of a line's shingles, ascending, at most `SKETCHED`; none for a line of a few notes."""
    heard = line[:HEARD]
    waits = np.clip(np.diff(_on_grid(heard["start"], resolution)), 0, LONGEST)
    pitches = heard["pitch"].astype(np.int64)
    moves = (pitches[1:] - pitches[:-1] + 128) * (LONGEST + 1) + waits
    if len(moves) < MOVES:
        return np.zeros(0, np.uint64)
    runs = np.lib.stride_tricks.sliding_window_view(moves.astype(np.uint64), MOVES)
    return np.unique(_mixed((runs * _FACTORS).sum(axis=1, dtype=np.uint64)))[:SKETCHED]


def _mixed(numbers: Hashes) -> Hashes:
    """Spread evenly over 64 bits, so that the smallest are a fair sample (splitmix64's finish)."""
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        numbers = (numbers ^ numbers >> np.uint64(shift)) * np.uint64(factor)
    return numbers ^ numbers >> np.uint64(31)


def alike(one: Hashes, other: Hashes) -> float:
    """The share of the shingles of both lines that they have in common, estimated; 0 where there are none."""
    both = np.union1d(one, other)[:SKETCHED]
    shared = np.intersect1d(one, other, assume_unique=True)
    return float((shared <= both[-1]).sum()) / len(both) if len(both) else 0.0


def twins(sketches: Sequence[Hashes]) -> list[Twin | None]:
    """For each piece the one before it that it is most like, if they are `ALIKE`."""
    known: dict[int, list[int]] = defaultdict(list)  # which pieces have a hash
    found: list[Twin | None] = []
    for place, hashes in enumerate(map(np.ndarray.tolist, sketches)):
        meetings = Counter(other for value in hashes for other in known.get(value, ()))
        likely = [
            Twin(other, alike(sketches[place], sketches[other]))
            for other, times in meetings.most_common(TRIED)
            if times >= FEW * len(hashes)
        ]
        best = max(likely, key=lambda twin: twin.share, default=None)
        found.append(best if best and best.share >= ALIKE else None)
        for value in hashes:
            if len(known[value]) < CROWD:
                known[value].append(place)
    return found
