"""The LSTM whose gates also see the cell state.

Gers & Schmidhuber 2000 ("Recurrent nets that time and count"); written out in Graves 2013, equations 7 to 11.
The output gate looks at the new cell state, the other two at the old one. (A common lecture slide shows the
old one for all three; that is another cell.)
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from musicgen.neural.reference.activations import sigmoid
from musicgen.neural.reference.weights import (
    PeepholeWeights,
    check_sequence,
    check_step,
    check_upstream,
    check_weights,
    expect,
)

Array = NDArray[Any]


class PeepholeLSTMCache(NamedTuple):
    """What one step keeps for its backward pass: its inputs, its gates' values, its results."""

    x: Array  # (B, D)
    h_prev: Array  # (B, H)
    c_prev: Array  # (B, H)
    i: Array  # (B, H), the gates after their sigmoid
    f: Array  # (B, H)
    g: Array  # (B, H), the candidate after its tanh
    o: Array  # (B, H)
    c: Array  # (B, H)
    tanh_c: Array  # (B, H)
    h: Array  # (B, H)
    weights: PeepholeWeights


def peephole_lstm_step(
    x: Array, h: Array, c: Array, weights: PeepholeWeights
) -> tuple[Array, Array, PeepholeLSTMCache]:
    """One time step of a peephole LSTM.

    Ours, the gates in Keras's order i, f, g, o and the peepholes p in the order i, f, o:
        i, f = sigmoid(x W + h U + b + p * c)     g = tanh(x W + h U + b)
        c' = f * c + i * g
        o = sigmoid(x W + h U + b + p * c')       h' = o * tanh(c')
    The course's:
        Gamma_u, Gamma_f = sigmoid(W [a<t-1>, x<t>] + p * c<t-1> + b)
        Gamma_o = sigmoid(W_o [a<t-1>, x<t>] + p_o * c<t> + b_o), the rest as in the LSTM

    Args:
        x: inputs, `(B, D)`.
        h, c: hidden and cell state of the step before, `(B, H)` each.
        weights: kernel W `(D, 4H)`, recurrent_kernel U `(H, 4H)`, bias `(4H,)`, peepholes p `(3, H)`.

    Returns:
        h', c', each `(B, H)`, and the cache for `peephole_lstm_step_backward`.

    Raises:
        ShapeError: a shape does not fit; names the argument.

    Gers & Schmidhuber 2000; Graves 2013.
    """
    kernel, recurrent_kernel, bias, peepholes = weights
    H = check_step(weights, 4, x, h, c)
    p_i, p_f, p_o = peepholes
    z = x @ kernel + h @ recurrent_kernel + bias  # (B, 4H)
    i = sigmoid(z[:, :H] + p_i * c)
    f = sigmoid(z[:, H : 2 * H] + p_f * c)
    g = np.tanh(z[:, 2 * H : 3 * H])
    c_next = f * c + i * g
    o = sigmoid(z[:, 3 * H :] + p_o * c_next)
    tanh_c = np.tanh(c_next)
    h_next = o * tanh_c
    return h_next, c_next, PeepholeLSTMCache(x, h, c, i, f, g, o, c_next, tanh_c, h_next, weights)


def peephole_lstm_step_backward(
    dh: Array, dc: Array, cache: PeepholeLSTMCache
) -> tuple[Array, Array, Array, PeepholeWeights]:
    """The gradients of one step, given the gradients of both its results.

    With dz the gradient before the gates' activations; the output gate is first, since c' feeds it:
        dz_o = dh * tanh(c') * o (1 - o)
        dc' = dc + dh * o * (1 - tanh(c')^2) + dz_o * p_o
        dz_i = dc' * g * i (1 - i)     dz_f = dc' * c * f (1 - f)     dz_g = dc' * i * (1 - g^2)
        dx = dz W^T     dh_prev = dz U^T     dc_prev = dc' * f + dz_i * p_i + dz_f * p_f
        dW = x^T dz     dU = h^T dz     db = sum dz     dp = sum dz_i * c, sum dz_f * c, sum dz_o * c'
    In the course's letters dz_o is dGamma_o, and so on; see `lstm_step_backward`.

    Args:
        dh, dc: gradients of h' and c', `(B, H)` each.
        cache: what `peephole_lstm_step` kept.

    Returns:
        dx `(B, D)`, dh_prev `(B, H)`, dc_prev `(B, H)`, dweights in the shapes of the weights.

    Raises:
        ShapeError: dh or dc does not fit.
    """
    expect("dh", dh, cache.h.shape)
    expect("dc", dc, cache.c.shape)
    i, f, g, o = cache.i, cache.f, cache.g, cache.o
    p_i, p_f, p_o = cache.weights.peepholes
    dz_o = dh * cache.tanh_c * o * (1 - o)
    dc = dc + dh * o * (1 - cache.tanh_c**2) + dz_o * p_o
    dz_i = dc * g * i * (1 - i)
    dz_f = dc * cache.c_prev * f * (1 - f)
    dz_g = dc * i * (1 - g**2)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)  # (B, 4H)
    dpeepholes = np.stack([(dz_i * cache.c_prev).sum(0), (dz_f * cache.c_prev).sum(0), (dz_o * cache.c).sum(0)])
    dweights = PeepholeWeights(cache.x.T @ dz, cache.h_prev.T @ dz, dz.sum(axis=0), dpeepholes)
    dc_prev = dc * f + dz_i * p_i + dz_f * p_f
    return dz @ cache.weights.kernel.T, dz @ cache.weights.recurrent_kernel.T, dc_prev, dweights


def peephole_lstm(
    x: Array, h0: Array, c0: Array, weights: PeepholeWeights
) -> tuple[Array, Array, tuple[PeepholeLSTMCache, ...]]:
    """A sequence through a peephole LSTM: `peephole_lstm_step` T times, h and c passed along.

    Args:
        x: inputs, `(B, T, D)`.
        h0, c0: hidden and cell state before the first step, `(B, H)` each.
        weights: kernel `(D, 4H)`, recurrent_kernel `(H, 4H)`, bias `(4H,)`, peepholes `(3, H)`.

    Returns:
        hs and cs, the states after every step, `(B, T, H)` each, and the cache for `peephole_lstm_backward`.

    Raises:
        ShapeError: a shape does not fit; names the argument.
    """
    D, H = check_weights(weights, gates=4)
    check_sequence(x, D, H, h0=h0, c0=c0)
    h, c, steps = h0, c0, []
    for t in range(x.shape[1]):
        h, c, step = peephole_lstm_step(x[:, t], h, c, weights)
        steps.append(step)
    return np.stack([step.h for step in steps], axis=1), np.stack([step.c for step in steps], axis=1), tuple(steps)


def peephole_lstm_backward(
    dhs: Array, cache: tuple[PeepholeLSTMCache, ...], dc_last: Array | None = None
) -> tuple[Array, Array, Array, PeepholeWeights]:
    """The gradients of a sequence, from the last step to the first; both dh and dc are carried back.

    Args:
        dhs: upstream gradient of every hidden state, `(B, T, H)`.
        cache: what `peephole_lstm` kept.
        dc_last: upstream gradient of the last cell state, `(B, H)`; zero when not given.

    Returns:
        dx `(B, T, D)`, dh0 `(B, H)`, dc0 `(B, H)`, dweights.

    Raises:
        ShapeError: dhs or dc_last does not fit.
    """
    check_upstream("dhs", dhs, cache)
    dh = np.zeros_like(cache[0].h_prev)
    dc = np.zeros_like(dh) if dc_last is None else dc_last
    expect("dc_last", dc, dh.shape)
    total = PeepholeWeights(*map(np.zeros_like, cache[0].weights))
    dx = np.empty((*dhs.shape[:2], cache[0].x.shape[1]), dhs.dtype)
    for t in reversed(range(len(cache))):
        dx[:, t], dh, dc, dweights = peephole_lstm_step_backward(dhs[:, t] + dh, dc, cache[t])
        total = PeepholeWeights(*map(np.add, total, dweights))
    return dx, dh, dc, total
