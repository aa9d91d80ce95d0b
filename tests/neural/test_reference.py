"""The equations in numpy: gradients against central differences, shapes, types, and the course's notation."""

from functools import partial
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicgen.errors import InputError, OptionError, ShapeError
from musicgen.neural import reference as ref
from musicgen.neural.lessons.gradient_check import (
    gradient_errors,
    random_peephole_weights,
    random_weights,
    relative_error,
    sequence_gradient_errors,
    step_gradient_errors,
)
from musicgen.neural.lessons.lstm_by_hand import (
    lstm_gradients_as_printed,
    lstm_gradients_corrected,
    lstm_gradients_plainer,
    lstm_gradients_with_parentheses,
)

B, T, D, H = 2, 4, 3, 5


class Cell(NamedTuple):
    forward: object
    backward: object
    step: object
    step_backward: object
    weights: tuple
    states: int = 1


def _simple(activation):
    step, forward = (partial(f, activation=activation) for f in (ref.simple_rnn_step, ref.simple_rnn))
    return Cell(forward, ref.simple_rnn_backward, step, ref.simple_rnn_step_backward, random_weights(D, H, 1))


def _gru(reset_after):
    step, forward = (partial(f, reset_after=reset_after) for f in (ref.gru_step, ref.gru))
    weights = random_weights(D, H, 3, bias_rows=2 if reset_after else None)
    return Cell(forward, ref.gru_backward, step, ref.gru_step_backward, weights)


CELLS = {
    "simple_rnn tanh": _simple("tanh"),
    "simple_rnn relu": _simple("relu"),
    "simple_rnn logistic": _simple("logistic"),
    "lstm": Cell(ref.lstm, ref.lstm_backward, ref.lstm_step, ref.lstm_step_backward, random_weights(D, H, 4), states=2),
    "peephole_lstm": Cell(
        ref.peephole_lstm,
        ref.peephole_lstm_backward,
        ref.peephole_lstm_step,
        ref.peephole_lstm_step_backward,
        random_peephole_weights(D, H),
        states=2,
    ),
    "gru reset after": _gru(True),
    "gru reset before": _gru(False),
    "simplified_gru": Cell(
        ref.simplified_gru,
        ref.simplified_gru_backward,
        ref.simplified_gru_step,
        ref.simplified_gru_step_backward,
        random_weights(D, H, 2),
    ),
}
every_cell = pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS.keys())


def problem(cell, dtype=np.float64, seed=0):
    random = np.random.default_rng(seed)
    x = random.normal(size=(B, T, D)).astype(dtype)
    states = [random.normal(size=(B, H)).astype(dtype) for _ in range(cell.states)]
    return x, states, type(cell.weights)(*(w.astype(dtype) for w in cell.weights))


@every_cell
def test_sequence_gradients_equal_central_differences(cell):
    errors = sequence_gradient_errors(cell.forward, cell.backward, cell.weights)
    assert max(errors.values()) < 1e-6, errors


@every_cell
def test_step_gradients_equal_central_differences(cell):
    errors = step_gradient_errors(cell.step, cell.step_backward, cell.weights)
    assert max(errors.values()) < 1e-6, errors


@every_cell
def test_a_sequence_is_its_steps(cell):
    x, states, weights = problem(cell)
    *sequences, _ = cell.forward(x, *states, weights)
    for t in range(T):
        *states, _ = cell.step(x[:, t], *states, weights)
        for sequence, state in zip(sequences, states, strict=True):
            np.testing.assert_array_equal(sequence[:, t], state)


@every_cell
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numbers_keep_their_type(cell, dtype):
    x, states, weights = problem(cell, dtype)
    *results, cache = cell.forward(x, *states, weights)
    dx, *dstates, dweights = cell.backward(np.ones_like(results[0]), cache)
    assert {a.dtype for a in (*results, dx, *dstates, *dweights)} == {np.dtype(dtype)}
    assert [a.shape for a in dweights] == [a.shape for a in weights]


@every_cell
def test_shapes_that_do_not_fit_are_named(cell):
    x, states, weights = problem(cell)
    wrong_states = [np.zeros((B, H + 1)), *states[1:]]
    with pytest.raises(ShapeError, match=rf"x: expected \(B, T, {D}\).* Received: \({B}, {T}, {D - 1}\)"):
        cell.forward(x[:, :, 1:], *states, weights)
    with pytest.raises(ShapeError, match=r"x: expected .* at least one step. Received: \(2, 0, 3\)"):
        cell.forward(x[:, :0], *states, weights)
    with pytest.raises(ShapeError, match=rf"h0: expected \({B}, {H}\). Received: \({B}, {H + 1}\)"):
        cell.forward(x, *wrong_states, weights)
    with pytest.raises(ShapeError, match=rf"kernel: expected \({D}, .*\). Received"):
        cell.forward(x, *states, weights._replace(kernel=weights.kernel[:, 1:]))
    with pytest.raises(ShapeError, match=r"bias: expected .* Received"):
        cell.forward(x, *states, weights._replace(bias=weights.bias[..., 1:]))
    with pytest.raises(ShapeError, match=rf"x: expected \(B, {D}\). Received: \({B}, {D - 1}\)"):
        cell.step(x[:, 0, 1:], *states, weights)
    with pytest.raises(ShapeError, match=r"bias: expected .* Received"):
        cell.step(x[:, 0], *states, weights._replace(bias=weights.bias[..., 1:]))
    with pytest.raises(ShapeError, match=r"kernel: expected .* Received"):
        cell.step(x[:, 0], *states, weights._replace(kernel=weights.kernel[:, 1:]))
    with pytest.raises(ShapeError, match=rf"h: expected \({B}, {H}\). Received: \({B}, {H + 1}\)"):
        cell.step(x[:, 0], *wrong_states, weights)
    *_, cache = cell.forward(x, *states, weights)
    with pytest.raises(ShapeError, match=rf"dhs: expected \({B}, {T}, {H}\). Received: \({B}, {T - 1}, {H}\)"):
        cell.backward(np.zeros((B, T - 1, H)), cache)


def test_the_two_gru_forms_ask_for_their_own_bias():
    x, states, weights = problem(CELLS["gru reset after"])
    with pytest.raises(ShapeError, match=r"bias: expected \(15,\). Received: \(2, 15\)"):
        ref.gru(x, *states, weights, reset_after=False)
    with pytest.raises(ShapeError, match=r"bias: expected \(15,\). Received: \(2, 15\)"):
        ref.gru_step(x[:, 0], *states, weights, reset_after=False)


def test_an_unknown_activation_lists_the_known():
    with pytest.raises(OptionError, match=r"tanh, relu, logistic.* Received: 'swish'"):
        ref.simple_rnn_step(np.zeros((B, D)), np.zeros((B, H)), random_weights(D, H, 1), activation="swish")


# The course's notation


def course_lstm_step(x, a, c, matrices, biases):
    """The course's equations in its columns: x (D, B), a and c (H, B), gates u, f, c, o."""
    logistic = lambda v: 1 / (1 + np.exp(-v))  # noqa: E731
    both = np.concatenate([a, x])
    u, f, candidate, o = (W @ both + b for W, b in zip(matrices, biases, strict=True))
    c = logistic(f) * c + logistic(u) * np.tanh(candidate)
    return logistic(o) * np.tanh(c), c


def test_the_course_in_columns_gives_the_same_lstm():
    random = np.random.default_rng(3)
    matrices, biases = random.normal(size=(4, H, H + D)), random.normal(size=(4, H, 1))
    x, a, c = random.normal(size=(D, B)), random.normal(size=(H, B)), random.normal(size=(H, B))
    h, c_next, _ = ref.lstm_step(x.T, a.T, c.T, ref.weights_from_course(matrices, biases))
    for ours, theirs in zip((h.T, c_next.T), course_lstm_step(x, a, c, matrices, biases), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_the_course_in_columns_gives_the_same_gru():
    random = np.random.default_rng(4)
    W_u, W_r, W_c = random.normal(size=(3, H, H + D))
    b_u, b_r, b_c = random.normal(size=(3, H, 1))
    x, c = random.normal(size=(D, B)), random.normal(size=(H, B))
    u, r = (1 / (1 + np.exp(-(W @ np.concatenate([c, x]) + b))) for W, b in ((W_u, b_u), (W_r, b_r)))
    candidate = np.tanh(W_c @ np.concatenate([r * c, x]) + b_c)
    weights = ref.weights_from_course([-W_u, W_r, W_c], [-b_u, b_r, b_c])  # z is 1 - u
    h, _ = ref.gru_step(x.T, c.T, weights, reset_after=False)
    np.testing.assert_allclose(h.T, u * candidate + (1 - u) * c, rtol=1e-12)


def test_course_weights_go_both_ways_at_the_lectures_size():
    W_a = np.arange(100 * 10_100.0).reshape(100, 10_100)  # [W_aa | W_ax]
    weights = ref.weights_from_course([W_a], [np.ones(100)])
    assert (weights.recurrent_kernel.shape, weights.kernel.shape) == ((100, 100), (10_000, 100))
    [back], [bias] = ref.weights_to_course(weights)
    np.testing.assert_array_equal(back, W_a)
    assert bias.shape == (100, 1)
    with pytest.raises(ShapeError, match=r"biases: expected one per matrix, 1. Received: 2"):
        ref.weights_from_course([W_a], [np.ones(100)] * 2)


def lstm_by_hand_errors(gradients):
    """One step inside a sequence, so that dc_next and the step before are there: the error by argument."""
    random = np.random.default_rng(5)
    weights = random_weights(D, H, 4)
    x, (h0, c0) = random.normal(size=(B, 2, D)), random.normal(size=(2, B, H))
    h, c, first = ref.lstm_step(x[:, 0], h0, c0, weights)
    *_, second = ref.lstm_step(x[:, 1], h, c, weights)
    da, dc = random.normal(size=(2, B, H))
    extra = {"candidate_prev": first.g} if gradients is lstm_gradients_as_printed else {}
    dx, dh, dc_prev, dweights = gradients(da, dc, second, **extra)

    def loss(x, h, c, **arrays):
        h, c, _ = ref.lstm_step(x, h, c, ref.Weights(**arrays))
        return float((da * h).sum() + (dc * c).sum())

    return gradient_errors(
        loss,
        {"x": x[:, 1], "h": h, "c": c, **weights._asdict()},
        {"x": dx, "h": dh, "c": dc_prev, **dweights._asdict()},
    )


@pytest.mark.parametrize("gradients", [lstm_gradients_as_printed, lstm_gradients_with_parentheses])
def test_the_printed_lstm_gradients_fail_the_check_with_and_without_parentheses(gradients):
    errors = lstm_by_hand_errors(gradients)
    assert errors.pop("c") < 1e-6  # (16) is right as printed
    assert min(errors.values()) > 1e-2, errors


@pytest.mark.parametrize("gradients", [lstm_gradients_corrected, lstm_gradients_plainer])
def test_the_corrected_and_the_plainer_lstm_gradients_pass_the_check(gradients):
    errors = lstm_by_hand_errors(gradients)
    assert max(errors.values()) < 1e-6, errors


# What surrounds the cells


@given(st.floats(-1e300, 1e300))
def test_sigmoid_never_overflows_and_is_symmetric(x):
    y = ref.sigmoid(np.array([x, -x]))
    assert 0 <= y.min() <= y.max() <= 1
    assert y.sum() == pytest.approx(1, abs=1e-15)
    if abs(x) < 700:
        assert y[0] == pytest.approx(1 / (1 + np.exp(-x)), abs=1e-15)


def test_sigmoid_keeps_float32():
    y = ref.sigmoid(np.array([-1e4, 0, 1e4], np.float32))
    assert y.dtype == np.float32
    assert y.tolist() == [0, 0.5, 1]


def test_losses_and_outputs_have_the_gradients_of_central_differences():
    random = np.random.default_rng(6)
    x, kernel, bias = random.normal(size=(B, T, H)), random.normal(size=(H, D)), random.normal(size=D)
    targets, upstream = random.integers(D, size=(B, T)), random.normal(size=(B, T))

    def by_logits(x, kernel, bias):
        return float((upstream * ref.softmax_cross_entropy(ref.dense(x, kernel, bias)[0], targets)[0]).sum())

    def by_probabilities(x, kernel, bias):
        return float((upstream * ref.cross_entropy(ref.softmax(ref.dense(x, kernel, bias)[0]), targets)[0]).sum())

    logits, dense_cache = ref.dense(x, kernel, bias)
    p = ref.softmax(logits)
    together = ref.softmax_cross_entropy_backward(upstream, ref.softmax_cross_entropy(logits, targets)[1])
    apart = ref.softmax_backward(ref.cross_entropy_backward(upstream, ref.cross_entropy(p, targets)[1]), p)
    for loss, dlogits in ((by_logits, together), (by_probabilities, apart)):
        gradients = dict(zip(("x", "kernel", "bias"), ref.dense_backward(dlogits, dense_cache), strict=True))
        errors = gradient_errors(loss, {"x": x, "kernel": kernel, "bias": bias}, gradients)
        assert max(errors.values()) < 1e-6, errors


def test_binary_cross_entropy_and_its_gradient():
    random = np.random.default_rng(7)
    p, y, upstream = random.uniform(0.1, 0.9, size=(B, T)), random.integers(2, size=(B, T)), random.normal(size=(B, T))
    losses, cache = ref.binary_cross_entropy(p, y)
    np.testing.assert_allclose(losses, np.where(y == 1, -np.log(p), -np.log(1 - p)))
    errors = gradient_errors(
        lambda p: float((upstream * ref.binary_cross_entropy(p, y)[0]).sum()),
        {"p": p},
        {"p": ref.binary_cross_entropy_backward(upstream, cache)},
    )
    assert errors["p"] < 1e-6


def test_certain_and_wrong_is_a_large_finite_loss():
    losses, cache = ref.binary_cross_entropy(np.array([0.0, 1.0, 1.0]), np.array([1.0, 1.0, 0.0]))
    assert losses[1] == 0
    assert np.isfinite(losses).all()
    assert np.isfinite(ref.cross_entropy(np.array([1.0, 0.0]), np.array(1))[0])
    assert np.isfinite(ref.binary_cross_entropy_backward(np.ones(3), cache)[1])
    assert ref.softmax(np.array([1e4, 0, -np.inf])).tolist() == [1, 0, 0]


def test_losses_refuse_what_is_no_target():
    logits = np.zeros((B, T, D))
    with pytest.raises(ShapeError, match=r"targets: expected \(2, 4\). Received: \(2, 3\)"):
        ref.softmax_cross_entropy(logits, np.zeros((B, T - 1), int))
    with pytest.raises(InputError, match=r"targets: expected integers from 0 to 2. Received"):
        ref.softmax_cross_entropy(logits, np.full((B, T), D))


WEIGHTS = ref.Weights(np.full((2, 3), 3.0), np.full((3, 3), -4.0), np.zeros(3))


@pytest.mark.parametrize(
    "gradients",
    [WEIGHTS, WEIGHTS.kernel, {"a": WEIGHTS}, [WEIGHTS, WEIGHTS.bias]],
    ids=["weights", "array", "dict", "list"],
)
def test_clipping_keeps_the_structure_and_the_limit(gradients):
    by_value, by_norm = ref.clip_by_value(gradients, 2), ref.clip_by_norm(gradients, 2)
    assert type(by_value) is type(by_norm) is type(gradients)
    assert ref.global_norm(by_norm) == pytest.approx(2)
    unchanged = ref.clip_by_norm(gradients, 1e3)
    assert ref.global_norm(unchanged) == ref.global_norm(gradients)


def test_clipping_by_value_turns_and_by_norm_does_not():
    gradient = np.array([3.0, -4.0, 0.5])
    assert ref.clip_by_value(gradient, 1).tolist() == [1, -1, 0.5]
    assert relative_error(ref.clip_by_norm(gradient, 1), gradient / np.linalg.norm(gradient)) < 1e-15
    with pytest.raises(OptionError, match=r"limit: expected a positive number. Received: 0"):
        ref.clip_by_value(gradient, 0)
