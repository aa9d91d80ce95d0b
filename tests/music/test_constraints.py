"""Constraints: a coin that is tossed until the clock has run down."""

import numpy as np
import pytest

from musicgen.errors import RequestError
from musicgen.music.constraints import Automaton, fixed, plan, product

TICKS = (np.array([2, 3], np.int32),)  # one field, two values: two ticks or three


def exact(end: int) -> Automaton:
    """Steps of two or three ticks that end exactly at `end`."""
    clock = np.arange(end + 1)
    allowed = (end - clock)[:, None] >= TICKS[0]
    return Automaton((allowed[None],), (np.zeros((1, 2), np.int32),), clock.astype(np.int32))


def open_values(planned, state: int, clock: int) -> list[int]:
    """Values after which the end can be reached."""
    return [
        v
        for v in range(2)
        if planned.allowed[0][state, planned.kind[clock], v]
        and (
            min(clock + TICKS[0][v], planned.end) == planned.end
            or planned.finishable[0][planned.following[0][state, v], min(clock + TICKS[0][v], planned.end)]
        )
    ]


def test_looking_ahead_leaves_out_what_cannot_be_finished():
    planned = plan(exact(7), TICKS)
    assert open_values(planned, 0, 0) == [0, 1]
    assert open_values(planned, 0, 3) == [0]  # three more would leave one tick
    assert planned.finishable[0][0].tolist() == [True] * 6 + [False] * 2


def test_every_walk_through_a_plan_ends_at_the_end():
    planned, rng = plan(exact(23), TICKS), np.random.default_rng(1)
    for _ in range(200):
        clock = 0
        while clock < 23:
            clock += int(TICKS[0][rng.choice(open_values(planned, 0, clock))])
        assert clock == 23


def test_a_product_allows_what_both_allow():
    twice = Automaton(  # never three ticks twice running
        (np.array([[[True, True]], [[True, False]]]),), (np.array([[0, 1], [0, 1]], np.int32),), np.zeros(13, np.int32)
    )
    planned = plan(product(exact(12), twice), TICKS)
    assert open_values(planned, planned.start, 0) == [0, 1]
    assert open_values(planned, int(planned.following[0][planned.start, 1]), 3) == [0]


def test_wishes_that_contradict_are_refused():
    only_threes = fixed((2,), 0, [False, True], np.zeros(8))
    with pytest.raises(RequestError, match="contradict each other"):
        plan(product(exact(7), only_threes), TICKS)
