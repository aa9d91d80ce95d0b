"""Wishes as small automata of masks.

An automaton reads the indices that are drawn, field by field, and says which may come next. It
is a set of plain tables, so numpy, a compiled loop, an exported graph and a browser can all walk
it. Two wishes at once are the product of two automata.

`plan` looks ahead: it finds from every (state, clock) whether the request can still be finished,
and the walk allows only values after which it can. So no row of a mask is ever empty, a clip has
exactly the ticks asked for, and what is forbidden cannot occur, whatever the network says.

Conventions: `S` states, `K` classes of clock (ticks at which the same is allowed), `V_f` values of
field `f`. The clock stops at `end`; the request is done when a step ends there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from musicgen.errors import RequestError

Mask = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Automaton:
    """What may follow what.

    Attributes:
        allowed: per field, `bool[S, K, V_f]`.
        following: per field, the state after each value, `int32[S, V_f]`.
        kind: class of every clock from 0 to `end`, `int32[end + 1]`, in 0 .. K - 1.
        start: the first state.
    """

    allowed: tuple[Mask, ...]
    following: tuple[Ints, ...]
    kind: Ints
    start: int = 0


@dataclass(frozen=True, eq=False)
class Plan(Automaton):
    """An automaton that has looked ahead.

    Attributes:
        ticks: per field, how far each index moves the clock, `int32[V_f]`.
        finishable: per field, whether a (state, clock) from which that field is to be set can
            still come to the end, `bool[S, end + 1]`.
    """

    ticks: tuple[Ints, ...] = ()
    finishable: tuple[Mask, ...] = ()

    @property
    def end(self) -> int:
        """The clock at which the request is done, ticks."""
        return len(self.kind) - 1


def fixed(sizes: tuple[int, ...], field: int, mask: npt.ArrayLike, kind: npt.ArrayLike) -> Automaton:
    """One state; `mask` `bool[K, V_field]` for one field by class of clock, all else free."""
    rows = np.atleast_2d(np.asarray(mask, bool))
    allowed = [np.ones((1, len(rows), size), bool) for size in sizes]
    allowed[field] = rows[None]
    return Automaton(tuple(allowed), tuple(np.zeros((1, size), np.int32) for size in sizes), np.asarray(kind, np.int32))


def product(one: Automaton, other: Automaton) -> Automaton:
    """Both at once: allowed is what both allow. State `(s, t)` is number `s * T + t`."""
    pairs, kind = np.unique(np.stack([one.kind, other.kind]), axis=1, return_inverse=True)
    states = other.following[0].shape[0]
    return Automaton(
        tuple(_pairwise(a[:, pairs[0]], b[:, pairs[1]]) for a, b in zip(one.allowed, other.allowed, strict=True)),
        tuple(
            (a[:, None] * states + b[None]).reshape(-1, a.shape[-1]).astype(np.int32)
            for a, b in zip(one.following, other.following, strict=True)
        ),
        kind.reshape(-1).astype(np.int32),
        one.start * states + other.start,
    )


def _pairwise(a: Mask, b: Mask) -> Mask:
    """`bool[S, K, V]` and `bool[T, K, V]` -> `bool[S * T, K, V]`."""
    return (a[:, None] & b[None]).reshape(-1, *a.shape[1:])


def plan(automaton: Automaton, ticks: tuple[Ints, ...]) -> Plan:
    """Look ahead from the end.

    Every loop of the automaton must move the clock or a counter in its states; then what can be
    finished is the largest set from which each place has an allowed value into the set.

    Raises:
        RequestError: nothing that is allowed comes to the end.
    """
    fields, states, end = len(ticks), automaton.following[0].shape[0], len(automaton.kind) - 1
    finishable = [np.ones((states, end + 1), bool) for _ in range(fields)]
    planned = Plan(**vars(automaton), ticks=ticks, finishable=tuple(finishable))
    changed = True
    while changed:
        changed = False
        for field in reversed(range(fields)):
            able = _able(planned, field)
            changed |= bool((able != finishable[field]).any())
            finishable[field][...] = able
    if not finishable[0][automaton.start, 0]:
        raise RequestError("expected wishes that some clip can fulfil. Received: wishes that contradict each other")
    return replace(planned, finishable=tuple(finishable))


def _able(plan: Plan, field: int) -> Mask:
    """Where `field` has an allowed value into what can be finished, `bool[S, end + 1]`."""
    after = plan.finishable[(field + 1) % len(plan.ticks)]
    last = field == len(plan.ticks) - 1
    clocks = np.arange(plan.end + 1)
    able = np.zeros_like(after)
    for value, moves in enumerate(plan.ticks[field]):
        then = np.minimum(clocks + moves, plan.end)
        good = after[plan.following[field][:, value]][:, then]
        if last:
            good = good | (then == plan.end)
        able |= plan.allowed[field][:, plan.kind, value] & good
    return able
