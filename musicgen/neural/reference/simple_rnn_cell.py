"""The simple recurrent cell: one layer that also sees its own last output.

Elman 1990. Its gradient through time is a product of matrices U^T diag(phi'), one per step, which is
why it vanishes or explodes: Hochreiter 1991; Bengio, Simard, Frasconi 1994.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from musicgen.neural.reference.activations import activation_named
from musicgen.neural.reference.weights import (
    Weights,
    check_sequence,
    check_step,
    check_upstream,
    check_weights,
    expect,
)

Array = NDArray[Any]


class SimpleRNNCache(NamedTuple):
    """What one step keeps for its backward pass."""

    x: Array  # (B, D)
    h_prev: Array  # (B, H)
    h: Array  # (B, H)
    weights: Weights
    activation: str


def simple_rnn_step(x: Array, h: Array, weights: Weights, activation: str = "tanh") -> tuple[Array, SimpleRNNCache]:
    """One time step of a simple recurrent cell.

    h' = phi(x W + h U + b)                      ours
    a<t> = phi(W_aa a<t-1> + W_ax x<t> + b_a)    the course's

    Args:
        x: inputs, `(B, D)`.
        h: hidden state of the step before, `(B, H)`.
        weights: kernel W `(D, H)`, recurrent_kernel U `(H, H)`, bias `(H,)`.
        activation: phi: `tanh`, `relu` or `logistic` (Keras's name `sigmoid` is understood too).

    Returns:
        h' `(B, H)`, and the cache for `simple_rnn_step_backward`.

    Raises:
        ShapeError: a shape does not fit; names the argument.
        OptionError: an unknown activation.

    Elman 1990.
    """
    kernel, recurrent_kernel, bias = weights
    check_step(weights, 1, x, h)
    h_next = activation_named(activation).function(x @ kernel + h @ recurrent_kernel + bias)
    return h_next, SimpleRNNCache(x, h, h_next, weights, activation)


def simple_rnn_step_backward(dh: Array, cache: SimpleRNNCache) -> tuple[Array, Array, Weights]:
    """The gradients of one step, given the gradient of its result.

    dz = dh phi'(z)     dx = dz W^T     dh_prev = dz U^T     dW = x^T dz     dU = h^T dz     db = sum dz
    For tanh phi'(z) = 1 - h'^2. The course's: dW_ax = dz x<t>^T, dW_aa = dz a<t-1>^T, da_prev = W_aa^T dz.

    Args:
        dh: gradient of h', `(B, H)`.
        cache: what `simple_rnn_step` kept.

    Returns:
        dx `(B, D)`, dh_prev `(B, H)`, dweights in the shapes of the weights.

    Raises:
        ShapeError: dh does not fit.
    """
    expect("dh", dh, cache.h.shape)
    dz = dh * activation_named(cache.activation).derivative(cache.h)
    dweights = Weights(cache.x.T @ dz, cache.h_prev.T @ dz, dz.sum(axis=0))
    return dz @ cache.weights.kernel.T, dz @ cache.weights.recurrent_kernel.T, dweights


def simple_rnn(
    x: Array, h0: Array, weights: Weights, activation: str = "tanh"
) -> tuple[Array, tuple[SimpleRNNCache, ...]]:
    """A sequence through a simple recurrent cell: `simple_rnn_step` T times, h passed along.

    Args:
        x: inputs, `(B, T, D)`.
        h0: hidden state before the first step, `(B, H)`.
        weights: kernel `(D, H)`, recurrent_kernel `(H, H)`, bias `(H,)`.
        activation: `tanh`, `relu` or `logistic`.

    Returns:
        hs, the hidden state after every step, `(B, T, H)`, and the cache for `simple_rnn_backward`.

    Raises:
        ShapeError: a shape does not fit; names the argument.
        OptionError: an unknown activation.
    """
    D, H = check_weights(weights, gates=1)
    check_sequence(x, D, H, h0=h0)
    h, steps = h0, []
    for t in range(x.shape[1]):
        h, step = simple_rnn_step(x[:, t], h, weights, activation)
        steps.append(step)
    return np.stack([step.h for step in steps], axis=1), tuple(steps)


def simple_rnn_backward(dhs: Array, cache: tuple[SimpleRNNCache, ...]) -> tuple[Array, Array, Weights]:
    """The gradients of a sequence, from the last step to the first.

    At each step dh is what comes from outside plus what the step after sends back:
    dh<t> = dhs<t> + dh_prev<t+1>. The gradients of the weights are summed over the steps.

    Args:
        dhs: upstream gradient of every hidden state, `(B, T, H)`.
        cache: what `simple_rnn` kept.

    Returns:
        dx `(B, T, D)`, dh0 `(B, H)`, dweights.

    Raises:
        ShapeError: dhs does not fit.
    """
    check_upstream("dhs", dhs, cache)
    dh = np.zeros_like(cache[0].h_prev)
    total = Weights(*map(np.zeros_like, cache[0].weights))
    dx = np.empty((*dhs.shape[:2], cache[0].x.shape[1]), dhs.dtype)
    for t in reversed(range(len(cache))):
        dx[:, t], dh, dweights = simple_rnn_step_backward(dhs[:, t] + dh, cache[t])
        total = Weights(*map(np.add, total, dweights))
    return dx, dh, total
