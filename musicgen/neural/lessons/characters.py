"""The character model as it is taught: a simple recurrent network in numpy that learns to spell names.

One name a step of gradient descent, its characters in order; a zero vector is the first input and each true
character the next; 50 tanh units; gradients clipped to [-5, 5]; the hidden state carried on from name to name.
Plain and slow on purpose: every line is an equation of `musicgen.neural.reference`. What trains well is the
LSTM behind `musicgen train --encoding characters`.

A language model gives P(y^<t> | y^<1>, ..., y^<t-1>), the probability of the next character given those before;
the product over the characters, the end included, is the probability of the name (`string_probabilities`).

Shapes: V characters, the end of a name among them at index 0; H units.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from musicgen.errors import InputError, OptionError
from musicgen.neural.reference import (
    Weights,
    clip_by_value,
    dense,
    dense_backward,
    simple_rnn,
    simple_rnn_backward,
    simple_rnn_step,
    softmax,
    softmax_cross_entropy,
    softmax_cross_entropy_backward,
)

Array = NDArray[Any]

END = "\n"  # the character after the last of a name


class CharacterModel(NamedTuple):
    """What the model learns; also its gradients."""

    cell: Weights  # kernel (V, H), recurrent_kernel (H, H), bias (H,)
    kernel: Array  # (H, V), from hidden state to logits
    bias: Array  # (V,)


class Training(NamedTuple):
    """What `train` gives back."""

    model: CharacterModel
    alphabet: str
    smoothed: Array  # the smoothed loss after each step, `(steps,)`, in nats per name
    samples: dict[int, list[str]]  # by the number of the step before which they were drawn


def alphabet_of(names: Sequence[str]) -> str:
    """The end of a name, then every character that occurs, in order: 27 for names of a to z.

    Raises:
        InputError: no name, or an empty one.
    """
    if not names or not all(names):
        raise InputError(f"names: expected at least one, none empty. Received: {len(names)} names.")
    return END + "".join(sorted(set("".join(names)) - {END}))


def indices_of(name: str, alphabet: str) -> NDArray[np.int32]:
    """The characters of a name as indices, the end appended: `(T,)`.

    Raises:
        InputError: a character is not in the alphabet.
    """
    unknown = set(name) - set(alphabet)
    if unknown:
        raise InputError(f"name: expected characters of {alphabet[1:]!r}. Received: {name!r}.")
    return np.array([alphabet.index(character) for character in name + END], np.int32)


def new_model(values: int, units: int = 50, scale: float = 0.01, seed: int = 0) -> CharacterModel:
    """Small normal weights and zero biases, so that at first all characters are equally likely.

    Args:
        values: V.
        units: H.
        scale: standard deviation of the weights.
        seed: of the random numbers.
    """
    random = np.random.default_rng(seed)
    kernel, recurrent, out = (
        random.normal(scale=scale, size=s) for s in ((values, units), (units, units), (units, values))
    )
    return CharacterModel(Weights(kernel, recurrent, np.zeros(units)), out, np.zeros(values))


def name_gradients(model: CharacterModel, indices: Array, h0: Array) -> tuple[float, Array, CharacterModel]:
    """The loss of one name, its surprise in nats, and the gradient of every weight.

    Args:
        model: the weights.
        indices: the name, the end included, `(T,)`.
        h0: hidden state before the first character, `(1, H)`.

    Returns:
        The loss, the hidden state after the last input `(1, H)`, the gradients.
    """
    x = _shifted_one_hot(indices, len(model.bias))
    hs, cell_cache = simple_rnn(x, h0, model.cell)
    logits, dense_cache = dense(hs, model.kernel, model.bias)
    losses, loss_cache = softmax_cross_entropy(logits, indices[None])
    dlogits = softmax_cross_entropy_backward(np.ones_like(losses), loss_cache)
    dhs, dkernel, dbias = dense_backward(dlogits, dense_cache)
    _, _, dcell = simple_rnn_backward(dhs, cell_cache)
    return float(losses.sum()), hs[:, -1], CharacterModel(dcell, dkernel, dbias)


def descend(model: CharacterModel, gradients: CharacterModel, learning_rate: float) -> CharacterModel:
    """One step of gradient descent: every weight minus the learning rate times its gradient."""
    cell = Weights(*(w - learning_rate * g for w, g in zip(model.cell, gradients.cell, strict=True)))
    kernel, bias = model.kernel - learning_rate * gradients.kernel, model.bias - learning_rate * gradients.bias
    return CharacterModel(cell, kernel, bias)


def train(
    names: Sequence[str],
    steps: int = 22_000,
    units: int = 50,
    learning_rate: float = 0.01,
    clip: float = 5.0,
    sample_every: int = 1000,
    samples: int = 7,
    seed: int = 0,
    report: Callable[[int, float, list[str]], None] | None = None,
) -> Training:
    """Train as taught: plain gradient descent, one name a step, in one random order again and again.

    The smoothed loss starts at `samples` * ln V, the course's guess (7 x 3.296 = 23.07), and moves by a
    thousandth of the way to each name's loss. Real names are longer than 7, so it rises before it falls.

    Args:
        names: at least one.
        steps: how many names are shown.
        units: H.
        learning_rate: of gradient descent.
        clip: the gradients' limit.
        sample_every: after how many steps samples are drawn.
        samples: how many each time.
        seed: of the weights, the order and the samples.
        report: called with the step, the smoothed loss and the samples whenever samples are drawn.

    Raises:
        InputError: no name, or an empty one.
        OptionError: steps or sample_every is not positive.
    """
    if steps < 1 or sample_every < 1:
        raise OptionError(f"steps, sample_every: expected positive integers. Received: {steps!r}, {sample_every!r}.")
    alphabet = alphabet_of(names)
    order, draws = np.random.default_rng([seed, 1]), np.random.default_rng([seed, 2])
    encoded = [indices_of(names[n], alphabet) for n in order.permutation(len(names))]
    model, h = new_model(len(alphabet), units, seed=seed), np.zeros((1, units))
    smooth, smoothed, drawn = samples * math.log(len(alphabet)), np.empty(steps), {}
    for step in range(steps):
        if step % sample_every == 0:
            drawn[step] = [sample(model, alphabet, draws) for _ in range(samples)]
            if report is not None:
                report(step, smooth, drawn[step])
        loss, h, gradients = name_gradients(model, encoded[step % len(encoded)], h)
        model = descend(model, clip_by_value(gradients, clip), learning_rate)
        smooth = smoothed[step] = 0.999 * smooth + 0.001 * loss
    return Training(model, alphabet, smoothed, drawn)


def sample(model: CharacterModel, alphabet: str, random: np.random.Generator, longest: int = 50) -> str:
    """Draw a name: a zero vector first, then each drawn character fed back, until the end is drawn.

    What is fed back is what was drawn, not what some true name has there: there is none.

    Args:
        model: the weights.
        alphabet: of V characters, the end first.
        random: draws are made from it.
        longest: stop after so many characters even without an end.
    """
    x, h, name = np.zeros((1, len(alphabet))), np.zeros((1, len(model.cell.bias))), ""
    while len(name) < longest:
        h, _ = simple_rnn_step(x, h, model.cell)
        p = softmax(h @ model.kernel + model.bias)[0]
        drawn = int(random.choice(len(alphabet), p=p))
        if alphabet[drawn] == END:
            break
        name += alphabet[drawn]
        x = np.eye(len(alphabet))[[drawn]]
    return name


def conditional_probabilities(model: CharacterModel, indices: Array) -> Array:
    """P(y<t> = v | y<1>, ..., y<t-1>) for every t and v: row t is `(V,)`, sums to 1 and knows the indices before t.

    Args:
        model: the weights.
        indices: characters, `(T,)`.

    Returns:
        `(T, V)`.
    """
    hs, _ = simple_rnn(_shifted_one_hot(indices, len(model.bias)), np.zeros((1, len(model.cell.bias))), model.cell)
    return softmax(hs @ model.kernel + model.bias)[0]


def string_probabilities(model: CharacterModel, alphabet: str, longest: int) -> dict[str, float]:
    """The probability of every string of up to `longest` characters, the end counted as one; they sum to 1.

    A string is over when its end is drawn or when it has `longest` characters, so these are all the ways that
    `longest` draws can go: each shorter string with its end, and each one of full length.
    """
    letters = alphabet[1:]
    strings = ["".join(s) + END for n in range(longest) for s in product(letters, repeat=n)]
    strings += ["".join(s) for s in product(letters, repeat=longest)]
    return {string: _string_probability(model, alphabet, string) for string in strings}


def _string_probability(model: CharacterModel, alphabet: str, string: str) -> float:
    indices = np.array([alphabet.index(character) for character in string], np.int32)
    p = conditional_probabilities(model, indices)
    return float(np.prod(p[np.arange(len(indices)), indices]))


def _shifted_one_hot(indices: Array, values: int) -> Array:
    """The inputs of a name, `(1, T, V)`: zeros first, then each character but the last as a one-hot vector."""
    x = np.zeros((1, len(indices), values))
    x[0, np.arange(1, len(indices)), indices[:-1]] = 1
    return x
