"""The long short-term memory cell: a cell state that is kept, written and read through gates.

Hochreiter & Schmidhuber 1997; forget gate: Gers, Schmidhuber, Cummins 2000.
Hinton's names of the gates: keep (f), write (i), read (o).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from musicgen.neural.reference.activations import sigmoid
from musicgen.neural.reference.weights import (
    Weights,
    check_sequence,
    check_step,
    check_upstream,
    check_weights,
    expect,
)

Array = NDArray[Any]


class LSTMCache(NamedTuple):
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
    weights: Weights


def lstm_step(x: Array, h: Array, c: Array, weights: Weights) -> tuple[Array, Array, LSTMCache]:
    """One time step of an LSTM.

    Ours, the gates in Keras's order i, f, g, o:
        i, f, o = sigmoid(x W + h U + b)     g = tanh(x W + h U + b)
        c' = f * c + i * g                   h' = o * tanh(c')
    The course's:
        Gamma_u, Gamma_f, Gamma_o = sigmoid(W [a<t-1>, x<t>] + b), each with its own W and b
        c~<t> = tanh(W_c [a<t-1>, x<t>] + b_c)
        c<t> = Gamma_u * c~<t> + Gamma_f * c<t-1>     a<t> = Gamma_o * tanh(c<t>)
    Hinton's: keep is f, write is i, read is o.

    Args:
        x: inputs, `(B, D)`.
        h, c: hidden and cell state of the step before, `(B, H)` each.
        weights: kernel W `(D, 4H)`, recurrent_kernel U `(H, 4H)`, bias `(4H,)`.

    Returns:
        h', c', each `(B, H)`, and the cache for `lstm_step_backward`.

    Raises:
        ShapeError: a shape does not fit; names the argument.

    Hochreiter & Schmidhuber 1997; forget gate: Gers et al. 2000.
    """
    kernel, recurrent_kernel, bias = weights
    H = check_step(weights, 4, x, h, c)
    z = x @ kernel + h @ recurrent_kernel + bias  # (B, 4H)
    gates = sigmoid(z)  # one call for all four blocks is quicker than three; the candidate's is not used
    i, f, o = gates[:, :H], gates[:, H : 2 * H], gates[:, 3 * H :]
    g = np.tanh(z[:, 2 * H : 3 * H])
    c_next = f * c + i * g
    tanh_c = np.tanh(c_next)
    h_next = o * tanh_c
    return h_next, c_next, LSTMCache(x, h, c, i, f, g, o, c_next, tanh_c, h_next, weights)


def lstm_step_backward(dh: Array, dc: Array, cache: LSTMCache) -> tuple[Array, Array, Array, Weights]:
    """The gradients of one step, given the gradients of both its results.

    Ours, with dz the gradient before the gates' activations:
        dc' = dc + dh * o * (1 - tanh(c')^2)                   all that reaches the cell state
        dz_i = dc' * g * i (1 - i)        dz_f = dc' * c * f (1 - f)
        dz_g = dc' * i * (1 - g^2)        dz_o = dh * tanh(c') * o (1 - o)
        dx = dz W^T     dh_prev = dz U^T     dc_prev = dc' * f
        dW = x^T dz     dU = h^T dz          db = sum over the batch of dz
    The course's, its equations (7) to (16) with the parentheses that (8) to (10) lack and c_prev in (10):
        dGamma_o = da_next * tanh(c_next) * Gamma_o (1 - Gamma_o)
        dc~ = (dc_next + Gamma_o (1 - tanh(c_next)^2) * da_next) * Gamma_u * (1 - c~^2)
        dGamma_u = (dc_next + Gamma_o (1 - tanh(c_next)^2) * da_next) * c~ * Gamma_u (1 - Gamma_u)
        dGamma_f = (dc_next + Gamma_o (1 - tanh(c_next)^2) * da_next) * c_prev * Gamma_f (1 - Gamma_f)
        dW_g = dGamma_g [a_prev; x]^T     db_g = sum over the batch of dGamma_g
        da_prev = W_f^T dGamma_f + W_u^T dGamma_u + W_c^T dc~ + W_o^T dGamma_o
        dc_prev = dc_next Gamma_f + Gamma_o (1 - tanh(c_next)^2) * Gamma_f * da_next

    Args:
        dh, dc: gradients of h' and c', `(B, H)` each; dc is what the step after sent back.
        cache: what `lstm_step` kept.

    Returns:
        dx `(B, D)`, dh_prev `(B, H)`, dc_prev `(B, H)`, dweights in the shapes of the weights.

    Raises:
        ShapeError: dh or dc does not fit.
    """
    expect("dh", dh, cache.h.shape)
    expect("dc", dc, cache.c.shape)
    i, f, g, o = cache.i, cache.f, cache.g, cache.o
    dc = dc + dh * o * (1 - cache.tanh_c**2)
    dz = np.concatenate(
        [
            dc * g * i * (1 - i),
            dc * cache.c_prev * f * (1 - f),
            dc * i * (1 - g**2),
            dh * cache.tanh_c * o * (1 - o),
        ],
        axis=1,
    )  # (B, 4H)
    dweights = Weights(cache.x.T @ dz, cache.h_prev.T @ dz, dz.sum(axis=0))
    return dz @ cache.weights.kernel.T, dz @ cache.weights.recurrent_kernel.T, dc * f, dweights


def lstm(x: Array, h0: Array, c0: Array, weights: Weights) -> tuple[Array, Array, tuple[LSTMCache, ...]]:
    """A sequence through an LSTM: `lstm_step` T times, h and c passed along.

    Args:
        x: inputs, `(B, T, D)`.
        h0, c0: hidden and cell state before the first step, `(B, H)` each.
        weights: kernel `(D, 4H)`, recurrent_kernel `(H, 4H)`, bias `(4H,)`.

    Returns:
        hs and cs, the states after every step, `(B, T, H)` each, and the cache for `lstm_backward`.

    Raises:
        ShapeError: a shape does not fit; names the argument.
    """
    D, H = check_weights(weights, gates=4)
    check_sequence(x, D, H, h0=h0, c0=c0)
    h, c, steps = h0, c0, []
    for t in range(x.shape[1]):
        h, c, step = lstm_step(x[:, t], h, c, weights)
        steps.append(step)
    return np.stack([step.h for step in steps], axis=1), np.stack([step.c for step in steps], axis=1), tuple(steps)


def lstm_backward(
    dhs: Array, cache: tuple[LSTMCache, ...], dc_last: Array | None = None
) -> tuple[Array, Array, Array, Weights]:
    """The gradients of a sequence, from the last step to the first; both dh and dc are carried back.

    dh<t> = dhs<t> + dh_prev<t+1>     dc<t> = dc_prev<t+1>, and dc_last at the last step

    Args:
        dhs: upstream gradient of every hidden state, `(B, T, H)`.
        cache: what `lstm` kept.
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
    total = Weights(*map(np.zeros_like, cache[0].weights))
    dx = np.empty((*dhs.shape[:2], cache[0].x.shape[1]), dhs.dtype)
    for t in reversed(range(len(cache))):
        dx[:, t], dh, dc, dweights = lstm_step_backward(dhs[:, t] + dh, dc, cache[t])
        total = Weights(*map(np.add, total, dweights))
    return dx, dh, dc, total
