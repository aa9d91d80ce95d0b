"""Windows: a corpus of index sequences as batches of Tx steps and the Tx that follow.

The corpus stores indices (16 bits each) and the timelines; features are made per batch. A window
never reaches over the end of a piece; it is padded there, and the padding has weight 0. The step
before a piece's first is "not yet set" in every field, so the first step is learned like any other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from musicgen.neural.language import Ints, Language

_PIECE = np.int64(1) << 32  # timeline rows are found by piece * _PIECE + tick


class Batch(NamedTuple):
    """What a training form reads, and what it should say."""

    inputs: dict[str, Ints]  # previous, current int32[B, T, F]; features float32[B, T, F, D]; keys_f int32[B, T, n_f]
    targets: list[Ints]  # per field int32[B, T]
    weights: list[npt.NDArray[np.float32]]  # per field [B, T]; a sum of weighted losses is per counted step
    counted: int  # steps with every field counted


class Corpus:
    """Pieces as one array.

    Args:
        language: the encoding's side.
        pieces: per piece its indices `int[T, F]` and its timeline `int32[n, R]`.
    """

    def __init__(self, language: Language, pieces: Sequence[tuple[Ints, Ints]]) -> None:
        self.language = language
        fields = len(language.sizes)
        self.steps = np.concatenate(
            [np.zeros((0, fields), np.uint16), *(steps.astype(np.uint16) for steps, _ in pieces)]
        )
        self.bounds = np.cumsum([0, *(len(steps) for steps, _ in pieces)])
        self.rows = np.concatenate([timeline for _, timeline in pieces]) if pieces else np.zeros((0, 1), np.int32)
        ids = np.repeat(np.arange(len(pieces)), [len(timeline) for _, timeline in pieces])
        self._keys = ids * _PIECE + self.rows[:, 0]
        moved = [self._moved(steps)[:, -1] for steps, _ in pieces]
        clocks = [np.zeros(0, int), *(np.cumsum(ticks) - ticks for ticks in moved)]
        self.clocks = np.concatenate(clocks).astype(np.int32)  # at the beginning of each step
        self.memory = self._remembered()  # before each step, int32[N, M]
        self.compass = np.array([language.compass(steps) for steps, _ in pieces], int).reshape(-1, 2)  # semitones

    def __len__(self) -> int:
        return len(self.bounds) - 1

    @property
    def lengths(self) -> Ints:
        """Steps per piece."""
        return np.diff(self.bounds)

    def _moved(self, steps: Ints) -> Ints:
        """Ticks from a step's beginning to after each of its fields, `(..., F)`."""
        ticks = [self.language.ticks[f][steps[..., f]] for f in range(steps.shape[-1])]
        return np.cumsum(np.stack(ticks, axis=-1), axis=-1, dtype=np.int64)

    def _remembered(self) -> Ints:
        """What is remembered before each step, `int32[N, M]`: all pieces at once, step by step."""
        blank, fields = self.language.blank, len(self.language.sizes)
        memory = np.tile(blank[fields:], (len(self.steps), 1))
        if not memory.size:
            return memory
        ticks = self._moved(self.steps)[:, -1]
        for t in range(int(self.lengths.max()) - 1):
            at = self.bounds[:-1][self.lengths > t + 1] + t
            standing = np.concatenate([self.steps[at].astype(np.int32), memory[at]], axis=-1)
            clock = (self.clocks[at] + ticks[at]).astype(np.int32)
            memory[at + 1] = self.language.remembered(np, clock, standing)[:, fields:]
        return memory

    def tiles(self, Tx: int) -> Ints:
        """Windows side by side, every step in exactly one: `(n, 2)` of piece and first step."""
        return np.array([(p, s) for p, length in enumerate(self.lengths) for s in range(0, length, Tx)], int).reshape(
            -1, 2
        )

    def shuffled(self, Tx: int, rng: np.random.Generator) -> Ints:
        """As many windows, at random places and in random order; ends are as likely as the middle."""
        windows = self.tiles(Tx)
        last = np.maximum(self.lengths[windows[:, 0]] - Tx, 0)
        windows[:, 1] = np.clip(windows[:, 1] + rng.integers(-Tx // 2, Tx // 2 + 1, len(windows)), 0, last)
        return rng.permutation(windows)

    def batch(self, windows: Ints, Tx: int, semitones: Ints | int = 0) -> Batch:
        """The windows `(B, 2)` as inputs, targets and weights, each transposed by its `semitones` `(B,)`."""
        piece, first = windows.T
        place = first[:, None] + np.arange(-1, Tx)  # [B, Tx + 1]: the step before, then the window
        real = (place >= 0) & (place < self.lengths[piece][:, None])
        at = np.clip(self.bounds[piece][:, None] + place, 0, len(self.steps) - 1)
        steps = np.where(real[..., None], self.steps[at].astype(np.int32), np.array(self.language.sizes, np.int32))
        current = np.where(real[:, 1:, None], steps[:, 1:], 0)
        clock = self._clocks(at[:, 1:], current)
        keys = piece[:, None, None] * _PIECE + clock
        rows = self.rows[np.maximum(np.searchsorted(self._keys, keys, side="right") - 1, 0)]  # [B, T, F, R]
        up = np.broadcast_to(semitones, len(windows))[:, None]
        standing = np.concatenate([steps[:, :-1], self.memory[at[:, 1:]]], axis=-1)  # before each step
        standing, current = (self.language.transposed(part, up) for part in (standing, current))
        rows = self.language.transposed_timeline(rows, up[..., None])
        counted = self.language.counted(current) & real[:, 1:, None]
        count = int(counted[..., -1].sum())
        seen = self._seen(standing, current, rows, clock)
        inputs = {"previous": standing[..., : current.shape[-1]], "current": current, **seen}
        weights = (counted / max(count, 1)).astype(np.float32)
        fields = range(current.shape[-1])
        return Batch(inputs, [current[..., f] for f in fields], [weights[..., f] for f in fields], count)

    def _clocks(self, at: Ints, steps: Ints) -> Ints:
        """Ticks as each field is to be set, `int32[B, T, F]`."""
        moved = self._moved(steps)
        before = np.concatenate([np.zeros_like(moved[..., :1]), moved[..., :-1]], axis=-1)
        return (self.clocks[at][..., None] + before).astype(np.int32)

    def _seen(self, before: Ints, current: Ints, rows: Ints, clock: Ints) -> dict[str, Ints]:
        """Features and keys as each field is to be set: `float32[B, T, F, D]`, `int32[B, T, n_f]`.

        Args:
            before: what stands before each step, `int32[B, T, F + M]`.
        """
        fields = range(current.shape[-1])
        standing = [np.concatenate([current[..., :f], before[..., f:]], axis=-1) for f in fields]
        features = self.language.features(np, rows, clock, np.stack(standing, axis=-2)).astype(np.float32, copy=False)
        keys = (self.language.keys(np, f, rows[:, :, f], clock[:, :, f], standing[f]) for f in fields)
        return {"features": features, **{f"keys_{f}": key.astype(np.int32, copy=False) for f, key in enumerate(keys)}}

    def batches(
        self,
        Tx: int,
        size: int,
        *,
        rng: np.random.Generator | None = None,
        semitones: tuple[int, int] = (0, 0),
    ) -> Iterator[Batch]:
        """All windows in batches of `size`: in order, or shuffled and transposed by `rng`.

        Args:
            semitones: how far down and up; no piece leaves its compass.
        """
        windows = self.tiles(Tx) if rng is None else self.shuffled(Tx, rng)
        size = min(size, len(windows))
        windows = np.concatenate([windows, self._padding(-len(windows) % max(size, 1))])
        up = np.zeros(len(windows), int) if rng is None else self._transpositions(windows[:, 0], rng, semitones)
        for start in range(0, len(windows), max(size, 1)):
            yield self.batch(windows[start : start + size], Tx, up[start : start + size])

    def _transpositions(self, pieces: Ints, rng: np.random.Generator, semitones: tuple[int, int]) -> Ints:
        """Semitones for a window of each piece, at random."""
        low, high = self.compass[pieces].T
        return rng.integers(np.clip(semitones[0], low, high), np.clip(semitones[1], low, high), endpoint=True)

    def _padding(self, count: int) -> Ints:
        """Windows behind the end of a piece, without weight: every batch has one size and compiles once."""
        return np.array([[0, self.lengths[0]]] * count, int).reshape(-1, 2)
