"""The floor: how well counting does, for any encoding.

    python benchmarks/ngram.py events TRAIN VALID

An interpolated n-gram over the fields of steps. What a field's context can be made of are the fields
set before it in its step, the place of the clock in a bar of 4/4, and all fields some steps back. They
are put in order once, greedily: next comes what best predicts every tenth piece from the others,
until nothing helps. The estimate from the first n of them leans on that from the first n - 1 (Witten
& Bell 1991):

    p_n(v) = (count(context_n, v) + kinds(context_n) p_n-1(v)) / (count(context_n) + kinds(context_n))

where `kinds` is how many different values the context was seen with; p_-1 is uniform. A context that
was seen exactly where the shorter one was says nothing new and is passed over. It is judged as
`Composer.evaluate` judges a network: the same pieces, fields and events, from each piece's start.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from musicgen.music.encodings import ENCODINGS, Encoding
from musicgen.studio.corpus import Piece, read_source

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
WORTH = 1e-3  # nats: what a further part of a context must be worth
_ODD = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio: a multiplier that mixes (Knuth 6.4)


class NGram:
    """Counts of every field's values in contexts of every length.

    Args:
        encoding: whose steps these are.
        pieces: indices `(T, F)` of each piece, eleven or more.
        steps: how many steps back a context can reach.
    """

    def __init__(self, encoding: Encoding, pieces: Sequence[Ints], steps: int) -> None:
        self.encoding, self.steps = encoding, steps
        held = np.repeat(np.arange(len(pieces)) % 10 == 9, [len(piece) for piece in pieces])
        self._orders: list[list[int]] = []  # per field: which parts of `_told` its context has, the best first
        self._counts: list[list[_Counts]] = []  # per field, of its contexts of length 0, 1, 2, ...
        for field, size in enumerate(encoding.sizes):
            told = np.concatenate([self._told(piece, field) for piece in pieces], axis=1)
            values = np.concatenate([piece[:, field] for piece in pieces])
            order = _best_order(told, values, held, size)
            self._orders.append(order)
            self._counts.append([_Counts(context, values) for context in _nested(told, order)])

    def nats(self, piece: Ints) -> Floats:
        """-ln p of every field of every step, `(T, F)`."""
        columns = []
        for field, size in enumerate(self.encoding.sizes):
            guess = _uniform(len(piece), size)
            contexts = _nested(self._told(piece, field), self._orders[field])
            for counts, context in zip(self._counts[field], contexts, strict=True):
                guess = counts.mixed(context, piece[:, field], guess)
            columns.append(-np.log(guess.p))
        return np.stack(columns, axis=-1)

    def _told(self, piece: Ints, field: int) -> Ints:
        """All that a field's context can be made of, `(parts, T)`."""
        encoding = self.encoding
        moved = np.stack([ticks[column] for ticks, column in zip(encoding.ticks, piece.T, strict=True)], axis=-1)
        clock = np.cumsum(moved.sum(axis=-1)) - moved[:, field:].sum(axis=-1)
        told = [*piece.T[:field], clock % (4 * encoding.resolution)]
        for back in range(1, self.steps + 1):
            told += [*np.concatenate([np.tile(encoding.sizes, (back, 1)), piece])[: len(piece)].T]
        return np.stack(told).astype(np.int64)


class _Guess(NamedTuple):
    """How likely each value is, from a context that was seen so often; `(T,)` each."""

    p: Floats
    seen: Ints


def _uniform(length: int, size: int) -> _Guess:
    return _Guess(np.full(length, 1 / size), np.zeros(length, np.int64))


def _best_order(told: Ints, values: Ints, held: npt.NDArray[np.bool_], size: int) -> list[int]:
    """Which of `told` `(parts, T)` make the context that best predicts the values `held` out, the best first."""

    def after(guess: _Guess, context: Ints) -> _Guess:
        return _Counts(context[~held], values[~held]).mixed(context[held], values[held], guess)

    context, order = np.zeros(len(values), np.int64), list[int]()
    guess = after(_uniform(int(held.sum()), size), context)
    while len(order) < len(told):
        tried = {part: after(guess, _mixed(context, told[part])) for part in range(len(told)) if part not in order}
        best = max(tried, key=lambda part: float(np.log(tried[part].p).sum()))
        if np.log(tried[best].p).mean() < np.log(guess.p).mean() + WORTH:
            break
        order.append(best)
        context, guess = _mixed(context, told[best]), tried[best]
    return order


class _Counts:
    """How often each context, and each context with a value, occurred."""

    def __init__(self, contexts: Ints, values: Ints) -> None:
        self._pairs, first, self._pair_counts = np.unique(
            _mixed(contexts, values), return_index=True, return_counts=True
        )
        self._contexts, self._context_counts = np.unique(contexts, return_counts=True)
        self._kinds = np.bincount(np.searchsorted(self._contexts, contexts[first]), minlength=len(self._contexts))

    def mixed(self, contexts: Ints, values: Ints, shorter: _Guess) -> _Guess:
        """The guess at values in contexts, leaning on that from the shorter contexts."""
        seen, kinds = (_found(self._contexts, contexts, n) for n in (self._context_counts, self._kinds))
        both = _found(self._pairs, _mixed(contexts, values), self._pair_counts)
        new = (seen > 0) & (seen != shorter.seen)
        return _Guess(np.where(new, (both + kinds * shorter.p) / np.maximum(seen + kinds, 1), shorter.p), seen)


def _nested(told: Ints, order: list[int]) -> Iterator[Ints]:
    """One number for the first 0, 1, 2, ... of what is told, in order, `(T,)` each."""
    context = np.zeros(told.shape[1], np.int64)
    yield context
    for part in order:
        context = _mixed(context, told[part])
        yield context


def _mixed(contexts: Ints, values: Ints) -> Ints:
    """Two numbers as one of 64 bits, which hardly ever stands for two pairs."""
    both = (contexts.astype(np.uint64) ^ (values.astype(np.uint64) + np.uint64(1))) * _ODD
    mixed: Ints = (both ^ (both >> np.uint64(29))).astype(np.int64)
    return mixed


def _found(known: Ints, wanted: Ints, counts: Ints) -> Ints:
    """The counts of what is known among `wanted`, 0 for all else."""
    at = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    return np.where(known[at] == wanted, counts[at], 0)


def measured(encoding: Encoding, train: Sequence[Piece], valid: Sequence[Piece], steps: int) -> dict[str, float]:
    """What `Composer.evaluate` says, of counting."""
    model = NGram(encoding, [piece.indices.astype(np.int64) for piece in train], steps)
    scored = [encoding.scored(piece.indices, model.nats(piece.indices.astype(np.int64))) for piece in valid]
    return encoding.measured(np.concatenate(scored))


def main() -> None:
    """Count in TRAIN, judge VALID, print the measures."""
    parser = argparse.ArgumentParser(description="How well an interpolated n-gram does.")
    parser.add_argument("encoding", choices=ENCODINGS)
    parser.add_argument("train")
    parser.add_argument("valid")
    parser.add_argument("--steps", type=int, default=3, help="how many steps back a context can reach (3)")
    options = parser.parse_args()
    encoding = ENCODINGS[options.encoding]()
    train, valid = (read_source(source, encoding).pieces for source in (options.train, options.valid))
    print(json.dumps(measured(encoding, train, valid, options.steps), indent=1))


if __name__ == "__main__":
    main()
