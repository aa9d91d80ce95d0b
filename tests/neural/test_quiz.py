"""The lecture quiz: every answer computed by our functions."""

import math
from itertools import product

import matplotlib
import numpy as np
import pytest

from musicgen.errors import OptionError
from musicgen.neural import reference as ref
from musicgen.neural.lessons.characters import END, CharacterModel, new_model, sample, string_probabilities
from musicgen.neural.lessons.unrolled_graph import draw_unrolled_graph, rolled_graph, unrolled_graph

matplotlib.use("agg")


def scalar_network(inputs, w_xh, w_hh, w_hy, h_bias=0.0):
    """Hidden states and outputs of one logistic unit with a linear output, `(T,)` each, and the cache."""
    weights = ref.Weights(np.array([[w_xh]]), np.array([[w_hh]]), np.array([h_bias]))
    hs, cache = ref.simple_rnn(np.array(inputs, float).reshape(1, -1, 1), np.zeros((1, 1)), weights, "logistic")
    y, _ = ref.dense(hs, np.array([[w_hy]]), np.zeros(1))
    return hs[0, :, 0], y[0, :, 0], cache


def test_the_output_at_the_second_step():
    _, y, _ = scalar_network([9, 4, -2], w_xh=0.5, w_hh=-1, w_hy=-0.7, h_bias=-1)
    assert y[1] == pytest.approx(-0.36, abs=0.005)


@pytest.mark.parametrize(("rounded", "answer"), [(True, 0.01392), (False, 0.01393)])
def test_the_gradient_before_the_second_hidden_unit(rounded, answer):
    hs, _, cache = scalar_network([18, 9, -8], w_xh=-0.1, w_hh=0.5, w_hy=0.25, h_bias=0.4)
    assert hs.round(1).tolist() == [0.2, 0.4, 0.8]
    if rounded:
        hs = hs.round(1)
        cache = tuple(step._replace(h=np.array([[h]])) for step, h in zip(cache, hs, strict=True))
    dy = 0.25 * hs - np.array([0.1, -0.1, -0.2])  # E = 1/2 sum (t - y)^2
    _, dh_from_2, _ = ref.simple_rnn_step_backward(np.array([[0.25 * dy[2]]]), cache[2])
    *_, dweights = ref.simple_rnn_step_backward(0.25 * dy[1] + dh_from_2, cache[1])
    assert dweights.bias[0] == pytest.approx(answer, abs=5e-6)  # the bias's gradient at one step is dE/dz


def test_a_gradient_vanishes_although_the_recurrent_weight_is_two():
    hs, y, cache = scalar_network([1, 0, 0, 0], w_xh=1, w_hh=2, w_hy=1)
    dhs = np.zeros((1, 4, 1))
    dhs[0, 3, 0] = y[3] - 0.5  # squared loss at the last step only
    *_, dweights = ref.simple_rnn_backward(dhs, cache)
    assert dweights.kernel[0, 0] == pytest.approx(0.0015, abs=5e-5)
    factors = 2 * ref.ACTIVATIONS["logistic"].derivative(hs[1:])
    print("factors w_hh sigma'(z) from the last step back:", factors[::-1].round(3))
    assert factors.max() <= 0.5  # sigma' is at most 1/4
    by_hand = dhs[0, 3, 0] * np.prod(factors) * hs[0] * (1 - hs[0])
    assert dweights.kernel[0, 0] == pytest.approx(by_hand)


def test_sixteen_hidden_states_carry_four_bits():
    surprise, _ = ref.cross_entropy(np.full((16, 16), 1 / 16), np.arange(16))  # nats, any state equally likely
    assert surprise.mean() / math.log(2) == pytest.approx(4)
    states_of_four_binary_units = set(product([0, 1], repeat=4))
    assert len(states_of_four_binary_units) == 16


QUIZ = [("x1", "h1"), ("x1", "y"), ("h1", "h1"), ("h1", "h2"), ("h2", "y")]


def test_a_network_equals_its_unrolled_form_and_no_other():
    shown = unrolled_graph(QUIZ, T=3)
    assert (("h1", 0), ("h2", 1)) in shown.edges
    assert len(shown.edges) == len(QUIZ) * 2
    assert rolled_graph(shown.edges, T=3) == frozenset(QUIZ)
    others = [QUIZ[:-1], [*QUIZ, ("h2", "h2")], [(b, a) for a, b in QUIZ]]
    assert not any(unrolled_graph(other, T=3).edges == shown.edges for other in others)


def test_what_is_no_unrolled_network_is_refused():
    edges = unrolled_graph(QUIZ, T=3).edges
    with pytest.raises(OptionError, match=r"the same at every time. Received: no h1 at 0 -> h2 at 1"):
        rolled_graph(edges - {(("h1", 0), ("h2", 1))}, T=3)
    with pytest.raises(OptionError, match=r"from a time to the next within 3. Received: h1 at 0 -> y at 2"):
        rolled_graph(edges | {(("h1", 0), ("y", 2))}, T=3)
    with pytest.raises(OptionError, match=r"T: expected 2 times or more. Received: 1"):
        unrolled_graph(QUIZ, T=1)


def test_the_picture_shows_every_unit_at_every_time():
    axes = draw_unrolled_graph(unrolled_graph(QUIZ, T=3))
    shown = [text.get_text() for text in axes.texts if text.get_text()]
    assert sorted(shown) == sorted(["x1", "h1", "h2", "y"] * 3)
    assert len(axes.texts) - len(shown) == len(QUIZ) * 2  # one arrow an edge
    matplotlib.pyplot.close(axes.figure)


def test_the_probabilities_of_all_strings_sum_to_one():
    model = new_model(values=4, units=5, scale=1.5, seed=3)
    p = string_probabilities(model, END + "abc", longest=3)
    assert len(p) == 1 + 3 + 9 + 27  # "", one letter, two letters, each with its end; three letters
    assert min(p.values()) > 0
    assert sum(p.values()) == pytest.approx(1, abs=1e-12)


def next_letter_model(alphabet):
    """A network by hand that always favours the letter after the one it is given, and "a" at first."""
    V = len(alphabet)
    see = ref.Weights(20 * np.eye(V), np.zeros((V, V)), np.zeros(V))  # h is its input, one-hot
    follow = 50 * np.roll(np.eye(V), 1, axis=1)  # after the last letter comes the end
    return CharacterModel(see, follow, np.eye(V)[1] * 20)


def test_sampling_feeds_back_what_was_drawn():
    alphabet = END + "abcdef"
    assert sample(next_letter_model(alphabet), alphabet, np.random.default_rng(0)) == "abcdef"
    circle = next_letter_model(alphabet)._replace(bias=np.array([-1e3, 20, 0, 0, 0, 0, 0]))  # never ends
    assert len(sample(circle, alphabet, np.random.default_rng(0), longest=9)) == 9


def gradient_over(T, gru, backward, weights):
    """The size of dh0 when only the last of T hidden states matters."""
    x = np.random.default_rng(1).normal(size=(1, T, 3))
    hs, cache = gru(x, np.zeros((1, 5)), weights)
    dhs = np.zeros_like(hs)
    dhs[:, -1] = 1
    return np.linalg.norm(backward(dhs, cache)[1])


def test_a_gru_can_spare_its_relevance_gate_but_not_its_update_gate():
    random = np.random.default_rng(0)
    kernel, recurrent_kernel = (random.normal(scale=0.3, size=(n, 15)) for n in (3, 5))
    keeping, never_keeping = np.zeros(15), np.zeros(15)
    keeping[:5], never_keeping[:5] = 5, -1e3  # the update gate z near 1 (Gamma_u near 0), or always 0 (Gamma_u = 1)
    no_update_gate = ref.Weights(kernel, recurrent_kernel, never_keeping)
    without_r = np.r_[0:5, 10:15]
    no_relevance_gate = ref.Weights(kernel[:, without_r], recurrent_kernel[:, without_r], keeping[without_r])
    course_gru = lambda x, h, w: ref.gru(x, h, w, reset_after=False)  # noqa: E731
    assert gradient_over(50, ref.simplified_gru, ref.simplified_gru_backward, no_relevance_gate) > 0.1
    assert gradient_over(50, course_gru, ref.gru_backward, no_update_gate) < 1e-9
