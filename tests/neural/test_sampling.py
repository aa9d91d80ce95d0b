"""Sampling: the walk with a network that always favours the next letter, filters, noise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicgen.errors import NumericalError, OptionError
from musicgen.neural import sampling
from musicgen.neural.sampling import SamplingOptions
from tests.neural.languages import TIMELINE, TOY, toy_plan


class NextLetter:
    """Favours a wait of 1 and the letter after the one before."""

    peak = 10.0

    def initial_states(self, like):
        return ()

    def advance(self, standing, features, states):
        return standing.astype(np.float32), states

    def choose(self, field, hidden, standing, features, keys):
        wanted = np.ones(len(hidden), int) if field == 0 else (hidden[:, 1].astype(int) + 1) % 8 % 7
        return self.peak * np.eye(TOY.sizes[field], dtype=np.float32)[wanted]

    def walk(self, asked, carry, noise, given):
        if carry is None:
            carry = sampling.begin(np, TOY, self, given[:, 0, 0], asked)
        steps = []
        for t in range(noise.shape[1]):
            carry = sampling.step(np, TOY, self, asked, carry, noise[:, t], given[:, t])
            steps.append(carry.standing)
        return carry, np.stack(steps, axis=1)


def drawn(stepper, end, *, last=7, clips=range(1), seed=0, primer=None, **options):
    asked = sampling.request(TIMELINE, toy_plan(end, last), SamplingOptions(**options))
    return sampling.sample(stepper.walk, TOY, asked, clips=clips, seed=seed, primer=primer)


def test_the_walk_spells_what_the_network_favours():
    assert drawn(NextLetter(), 6, temperature=0.0)[0, :6, 1].tolist() == [0, 1, 2, 3, 4, 5]


def test_masks_come_before_filters():
    letters = drawn(NextLetter(), 40, last=2, top_p=0.1, top_k=1)[0, :40, 1]
    assert set(letters.tolist()) <= {0, 1}


def test_a_primer_is_kept_and_gone_on_from():
    letters = drawn(NextLetter(), 8, temperature=0.0, primer=np.array([[1, 4], [2, 5]]))[0, :4, 1]
    assert letters.tolist() == [4, 5, 6, 0]


def test_a_clip_does_not_depend_on_how_many_are_asked_for():
    stepper = NextLetter()
    stepper.peak = 0.5
    together, alone = (drawn(stepper, 30, clips=clips, seed=3) for clips in (range(4), range(2, 3)))
    length = min(together.shape[1], alone.shape[1])
    assert np.array_equal(together[2, :length], alone[0, :length])
    assert not np.array_equal(together[0], together[1])


def test_numbers_that_are_none_are_an_error():
    stepper = NextLetter()
    stepper.peak = np.nan
    with pytest.raises(NumericalError, match="expected finite numbers"):
        drawn(stepper, 5)


def draw(logits, allowed=None, noise=None, **options):
    logits = np.array([logits], np.float32)
    allowed = np.ones_like(logits, bool) if allowed is None else np.array([allowed])
    noise = np.zeros_like(logits) if noise is None else np.array([noise], np.float32)
    return int(sampling.draw(np, logits, allowed, SamplingOptions(**options).numbers(), noise)[0])


def test_each_filter_keeps_what_it_should():
    pull = [0, 0, 9, 9]  # noise that favours the unlikely
    assert draw([4, 3, 2, 1], noise=pull) == 2
    assert draw([4, 3, 2, 1], noise=pull, top_k=2) == 0
    assert draw([4, 3, 2, 1], noise=pull, top_p=0.6) == 0  # the likeliest alone has 0.64
    assert draw([4, 3, 2, 1], noise=pull, top_p=0.7) == 0
    assert draw([4, 3, 2, 1], noise=[0, 9, 9, 9], top_p=0.7) == 1
    assert draw([4, 3, 2, 1], noise=pull, temperature=0.0) == 0
    assert draw([4, 3, 2, 1], allowed=[False, False, True, True], top_k=1) == 2


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=4, max_size=4), st.integers(1, 15), st.floats(0, 1))
def test_what_is_forbidden_is_never_drawn(logits, bits, p):
    allowed = [bool(bits >> k & 1) for k in range(4)]
    index = draw(logits, allowed, noise=[30.0, 0.0, 30.0, 0.0], temperature=0.5, top_p=max(p, 1e-3), top_k=2)
    assert allowed[index]


def test_gumbel_noise_draws_as_the_softmax_says():
    noise = np.concatenate([sampling.gumbel(5, clip, 0, (3,)) for clip in range(200)])
    chosen = (np.log([0.6, 0.3, 0.1]) + noise).argmax(axis=1)
    assert np.bincount(chosen) / len(chosen) == pytest.approx([0.6, 0.3, 0.1], abs=0.012)


def test_the_noise_is_the_documented_function():
    raw = np.random.Philox(key=[7, 2], counter=[0, 3, 0, 0]).random_raw(1)[0]
    u = ((int(raw) & 0xFFFFFFFF) >> 8) + 0.5
    assert sampling.gumbel(7, 2, 3, (5,))[0, 0] == np.float32(-np.log(-np.log(u / 2**24)))


@pytest.mark.parametrize("options", [{"temperature": -1}, {"temperature": np.nan}, {"top_p": 0}, {"top_k": -1}])
def test_options_out_of_range_are_refused(options):
    with pytest.raises(OptionError, match=r"expected .* Received: "):
        SamplingOptions(**options)
