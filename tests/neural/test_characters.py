"""The character model as taught: its gradients, its learning curve, its list of names."""

import math
from pathlib import Path

import numpy as np
import pytest

from musicgen.errors import InputError, OptionError
from musicgen.neural import reference as ref
from musicgen.neural.lessons.characters import (
    END,
    CharacterModel,
    alphabet_of,
    conditional_probabilities,
    indices_of,
    name_gradients,
    new_model,
    train,
)
from musicgen.neural.lessons.gradient_check import gradient_errors

NAMES = (Path(__file__).parents[2] / "data" / "names" / "dinosaurs.txt").read_text().split()


def test_the_list_of_names_is_in_order():
    assert len(NAMES) >= 600
    assert sorted(set(NAMES)) == NAMES
    assert alphabet_of(NAMES) == END + "abcdefghijklmnopqrstuvwxyz"


def test_the_gradients_of_a_name_equal_central_differences():
    indices, h0 = indices_of("cab", alphabet := END + "abc"), np.random.default_rng(1).normal(size=(1, 5))
    model = new_model(len(alphabet), units=5, scale=0.5)

    def loss(kernel, recurrent_kernel, bias, out, out_bias):
        return name_gradients(CharacterModel(ref.Weights(kernel, recurrent_kernel, bias), out, out_bias), indices, h0)[
            0
        ]

    flat = lambda m: {**m.cell._asdict(), "out": m.kernel, "out_bias": m.bias}  # noqa: E731
    errors = gradient_errors(loss, flat(model), flat(name_gradients(model, indices, h0)[2]))
    assert max(errors.values()) < 1e-6, errors


def test_the_first_input_is_a_zero_vector_and_the_state_is_carried_on():
    model, h0 = new_model(4, units=5, scale=0.5), np.zeros((1, 5))
    indices = indices_of("cab", END + "abc")
    loss, h, _ = name_gradients(model, indices, h0)
    p = conditional_probabilities(model, indices)
    first, _ = ref.simple_rnn_step(np.zeros((1, 4)), h0, model.cell)
    np.testing.assert_allclose(p[0], ref.softmax(first @ model.kernel + model.bias)[0])
    assert loss == pytest.approx(-np.log(p[range(4), indices]).sum())
    assert name_gradients(model, indices, h)[0] != loss


def test_the_curve_starts_as_the_courses_rises_and_falls():
    seen = []
    run = train(NAMES, steps=3000, report=lambda step, loss, samples: seen.append((step, loss)))
    assert seen[0] == (0, pytest.approx(7 * math.log(27)))  # 23.07
    assert [step for step, _ in seen] == [0, 1000, 2000]
    assert 26 < seen[1][1] < 31  # names are longer than the guess of seven characters: 28.7 in the course
    assert run.smoothed[-1] < seen[1][1] - 1  # and then it learns
    assert all(set(name) < set(run.alphabet) for name in run.samples[2000])


def test_a_run_repeats():
    first, second = (train(NAMES[:20], steps=30, units=5, seed=4) for _ in range(2))
    np.testing.assert_array_equal(first.smoothed, second.smoothed)
    assert first.samples == second.samples
    assert train(NAMES[:20], steps=30, units=5, seed=5).samples != first.samples


def test_what_is_no_list_of_names_is_refused():
    with pytest.raises(InputError, match=r"names: expected at least one, none empty. Received: 0 names"):
        train([])
    with pytest.raises(InputError, match=r"name: expected characters of 'abc'. Received: 'cat'"):
        indices_of("cat", END + "abc")
    with pytest.raises(OptionError, match=r"expected positive integers. Received: 0, 1000"):
        train(NAMES, steps=0)
