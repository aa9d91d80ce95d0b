"""Sampling: masks, filters, noise, and the walk that joins them.

The walk knows steps and fields, not music. It asks a *stepper* (a Keras network or the numpy
player) for logits, rules out what the plan forbids, filters the rest and takes the highest after
adding noise (Gumbel-max: the index drawn so is distributed as the softmax of the logits; Gumbel
1954, Maddison et al. 2014). All of it in log space, masks first: filters applied before masks can
leave nothing to choose from.

Each function takes the array library `xp` (numpy or keras.ops) as its first argument, so the
player, the compiled loop, the unrolled inference network and the exports share these lines
(`xp.equal` stands for `==`, which a symbolic Keras tensor takes as identity).

The noise is one counter-based function of (seed, clip, step, field, value): Philox4x64-10 (Salmon
et al. 2011) with key (seed, clip) and counter (0, block, 0, 0), where a block is `BLOCK` steps;
its 64-bit outputs are read as 32-bit halves, low half first, one for each value of each field of
each step of the block; the top 24 bits k of a half make u = (k + 1/2) / 2^24, and the noise is
-log(-log u). So clip k of a seed does not depend on how many clips are asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from musicgen.errors import NumericalError, OptionError
from musicgen.neural.language import Array, Ints, Language, Plan
from musicgen.settings import check_kinds

BLOCK = 64  # steps of noise made at a time
FORBIDDEN = np.float32(-1e30)  # a finite stand-in for minus infinity
FREE = -1  # a field that is drawn and not given


@dataclass(frozen=True)
class SamplingOptions:
    """How to draw from what the network says.

    Attributes:
        temperature: divides the logits; 0 takes the likeliest, which falls into loops.
        top_p: keep the fewest values whose probabilities reach this sum, 0 < top_p <= 1.
        top_k: keep at most so many values; 0 keeps all.
    """

    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0

    def __post_init__(self) -> None:
        check_kinds(self)
        if self.temperature != 0 and not 1e-3 <= self.temperature <= 100:
            raise OptionError(f"temperature: expected 0, or a number from 0.001 to 100. Received: {self.temperature}")
        if not 0 < self.top_p <= 1:
            raise OptionError(f"top-p: expected a number above 0, up to 1. Received: {self.top_p}")
        if self.top_k < 0:
            raise OptionError(f"top-k: expected a whole number from 0. Received: {self.top_k}")

    def numbers(self) -> npt.NDArray[np.float32]:
        """As the walk takes them, `(3,)`: temperature, top_p, top_k."""
        return np.array([self.temperature, self.top_p, self.top_k], np.float32)


class Stepper(Protocol):
    """A network, one step at a time, in two parts."""

    def advance(self, standing: Array, features: Array, states: Any) -> tuple[Array, Any]:
        """Fields of the step before `int32[B, F]`, features `[B, D]`, states -> hidden `[B, H]`, states."""

    def choose(self, field: int, hidden: Array, standing: Array, features: Array, keys: Array) -> Array:
        """Logits `float32[B, V_f]` of a field, given those before it in `standing` and the keys of its views."""

    def initial_states(self, like: Array) -> Any:
        """The states before the first step, for a batch as long as `like` `int32[B]`."""


class Carry(NamedTuple):
    """What one step hands to the next: `standing` `[B, F + M]`, `clock`, `state` `[B]`, and more."""

    standing: Array
    clock: Array
    state: Array
    states: Any
    sound: Array  # whether every logit so far was a finite number


class Request(NamedTuple):
    """A request as tables, the same for all clips of a batch."""

    rows: Array  # timeline row at every clock, int32[end + 1, R]
    kind: Array  # class of every clock, int32[end + 1]
    extent: Array  # first state of the automaton, classes K, end; int32[3]
    options: Array  # temperature, top_p, top_k; float32[3]
    allowed: tuple[Array, ...]  # per field, bool[S * K, V_f]
    following: tuple[Array, ...]  # per field, int32[S, V_f]
    finishable: tuple[Array, ...]  # per field, bool[S * (end + 1)]


def request(timeline: Ints, plan: Plan, options: SamplingOptions) -> Request:
    """A timeline `int32[n, R]`, a plan and options, as tables."""
    end = len(plan.kind) - 1
    rows = timeline[np.searchsorted(timeline[:, 0], np.arange(end + 1), side="right") - 1]
    return Request(
        rows,
        plan.kind,
        np.array([plan.start, plan.allowed[0].shape[1], end], np.int32),
        options.numbers(),
        tuple(table.reshape(-1, table.shape[-1]) for table in plan.allowed),
        plan.following,
        tuple(table.reshape(-1) for table in plan.finishable),
    )


def gumbel(seed: int, clip: int, block: int, sizes: tuple[int, ...]) -> npt.NDArray[np.float32]:
    """Noise of one block of one clip, `float32[BLOCK, sum(sizes)]`; see the module."""
    count = BLOCK * sum(sizes)
    raw = np.random.Philox(key=np.array([seed, clip], np.uint64), counter=[0, block, 0, 0]).random_raw((count + 1) // 2)
    top = raw.astype("<u8").view("<u4")[:count] >> np.uint32(8)
    return (-np.log(-np.log((top + 0.5) / 2.0**24))).astype(np.float32).reshape(BLOCK, sum(sizes))


def mask(xp: Any, language: Language, asked: Request, field: int, state: Array, clock: Array, standing: Array) -> Array:
    """Values of a field after which the request can still be finished, `bool[B, V]`."""
    classes, end = asked.extent[1], asked.extent[2]
    now = xp.take(asked.allowed[field], state * classes + xp.take(asked.kind, clock), axis=0)
    then = xp.minimum(clock[:, None] + language.ticks[field], end)  # [B, V]
    state_then = xp.take(asked.following[field], state, axis=0)
    following = (field + 1) % len(language.sizes)
    good = xp.take(asked.finishable[following], state_then * (end + 1) + then)
    if following == 0:
        good = xp.logical_or(good, xp.equal(then, end))
    narrowed = language.narrowed(xp, field, standing)
    return xp.logical_and(now, good if narrowed is None else xp.logical_and(good, narrowed))


def draw(xp: Any, logits: Array, allowed: Array, options: Array, noise: Array) -> Array:
    """One index per row: masks, temperature, top-k, top-p, noise, argmax.

    Args:
        logits, noise: `float32[B, V]`.
        allowed: `bool[B, V]`, no row empty.
        options: `float32[3]`.

    Returns:
        `int32[B]`.
    """
    temperature, top_p, top_k = options[0], options[1], options[2]
    cold = xp.equal(temperature, 0)
    scaled = xp.where(allowed, logits / xp.where(cold, np.float32(1), temperature), FORBIDDEN)
    best = xp.max(scaled, axis=-1, keepdims=True)
    ranked = -xp.sort(-scaled, axis=-1)  # [B, V], highest first
    weights = xp.exp(ranked - best)
    before = (xp.cumsum(weights, axis=-1) - weights) / xp.sum(weights, axis=-1, keepdims=True)
    rank = np.arange(ranked.shape[-1], dtype=np.float32)
    kept = xp.logical_and(before < top_p, xp.logical_or(xp.equal(top_k, 0), xp.less(rank, top_k)))
    kept = xp.logical_or(kept, xp.equal(rank, 0))
    lowest = xp.min(xp.where(kept, ranked, best), axis=-1, keepdims=True)
    score = scaled + xp.where(cold, np.float32(0), np.float32(1)) * noise
    score = xp.where(xp.logical_and(allowed, scaled >= lowest), score, FORBIDDEN * np.float32(10))
    return _ints(xp, xp.argmax(score, axis=-1))


def begin(xp: Any, language: Language, stepper: Stepper, like: Array, asked: Request) -> Carry:
    """The carry before the first step, for a batch as long as `like` `int32[B]`."""
    zeros = xp.zeros_like(like)
    standing = zeros[:, None] + language.blank
    return Carry(standing, zeros, zeros + asked.extent[0], stepper.initial_states(zeros), xp.equal(zeros, 0))


def step(
    xp: Any, language: Language, stepper: Stepper, asked: Request, carry: Carry, noise: Array, given: Array
) -> Carry:
    """One step: advance the network, then set the fields in order.

    Args:
        noise: `float32[B, sum(sizes)]`.
        given: `int32[B, F]`, the index a field must have or `FREE`.
    """
    standing, clock, state, states, sound = carry
    end = asked.extent[2]
    hidden, at = None, 0
    for field, size in enumerate(language.sizes):
        rows = xp.take(asked.rows, clock, axis=0)
        features = language.features(xp, rows, clock, standing)
        if hidden is None:
            hidden, states = stepper.advance(standing, features, states)
        logits = stepper.choose(field, hidden, standing, features, language.keys(xp, field, rows, clock, standing))
        sound = xp.logical_and(sound, xp.all(xp.isfinite(logits), axis=-1))
        allowed = mask(xp, language, asked, field, state, clock, standing)
        index = draw(xp, logits, allowed, asked.options, noise[:, at : at + size])
        index = xp.where(xp.equal(given[:, field], FREE), index, given[:, field])
        state = xp.reshape(xp.take(xp.reshape(asked.following[field], (-1,)), state * size + index), (-1,))
        clock = xp.minimum(clock + xp.take(language.ticks[field], index), end)
        standing = xp.concatenate([standing[:, :field], index[:, None], standing[:, field + 1 :]], axis=1)
        at += size
    return Carry(language.remembered(xp, clock, standing), clock, state, states, sound)


def _ints(xp: Any, array: Array) -> Array:
    return array.astype(np.int32) if xp is np else xp.cast(array, "int32")


# A block of n steps: request, carry or None, noise [B, n, sum V], given [B, n, F] -> carry, steps int32[B, n, F].
Walk = Callable[[Request, Carry | None, Ints, Ints], tuple[Carry, Ints]]


def sample(
    walk: Walk, language: Language, asked: Request, *, clips: range, seed: int, primer: Ints | None = None
) -> Ints:
    """Draw clips, block by block, until all are done.

    Args:
        clips: which clips of the seed, one row each.
        primer: indices `(P, F)` that every clip begins with.

    Returns:
        `int32[B, T, F]`; a clip's steps after its end are padding that decodes to nothing.

    Raises:
        NumericalError: a logit was not finite.
    """
    fields, end = len(language.sizes), len(asked.kind) - 1
    given = np.full((0, fields), FREE, np.int32) if primer is None else np.asarray(primer, np.int32)
    blocks: list[Ints] = []
    carry: Carry | None = None
    while carry is None or bool((np.asarray(carry.clock) < end).any()):
        block = len(blocks)
        now = given[block * BLOCK : (block + 1) * BLOCK]
        now = np.concatenate([now, np.full((BLOCK - len(now), fields), FREE, np.int32)])
        noise = np.stack([gumbel(seed, clip, block, language.sizes) for clip in clips])
        carry, drawn = walk(asked, carry, noise, np.broadcast_to(now, (len(clips), BLOCK, fields)))
        if not np.asarray(carry.sound).all():
            raise NumericalError("expected finite numbers from the network. Received: NaN or infinity among its logits")
        blocks.append(drawn)
    return np.concatenate(blocks, axis=1)
