"""The gated recurrent unit, in both its forms, and a simpler one without the relevance gate.

Cho et al. 2014; the form with the reset gate after the product (`reset_after`) is the one that fast
GPU kernels compute and Keras's default. The course's form is `reset_after=False`.

Keras's update gate z says how much of the old state stays; the course's Gamma_u says how much of the
candidate comes in: z = 1 - Gamma_u. Since 1 - sigmoid(v) = sigmoid(-v), one becomes the other by negating
the weights of that gate. The course's relevance gate Gamma_r is Keras's reset gate r.
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


class GRUCache(NamedTuple):
    """What one step keeps for its backward pass."""

    x: Array  # (B, D)
    h_prev: Array  # (B, H)
    z: Array  # (B, H), the gates after their sigmoid
    r: Array  # (B, H)
    g: Array  # (B, H), the candidate after its tanh
    reset: Array  # (B, H), what r multiplies: h U_h + b'_h after, h before
    h: Array  # (B, H)
    weights: Weights
    reset_after: bool


def gru_step(x: Array, h: Array, weights: Weights, reset_after: bool = True) -> tuple[Array, GRUCache]:
    """One time step of a gated recurrent unit.

    Ours, the gates in Keras's order z, r, h; b is the bias of the input, b' that of the recurrent product:
        z, r = sigmoid(x W + b + h U + b')
        g = tanh(x W_h + b_h + r * (h U_h + b'_h))     reset_after=True
        g = tanh(x W_h + b_h + (r * h) U_h)            reset_after=False, which has no b'
        h' = z * h + (1 - z) * g
    The course's, whose c is h and whose Gamma_u is 1 - z:
        Gamma_u, Gamma_r = sigmoid(W [c<t-1>, x<t>] + b), each with its own W and b
        c~<t> = tanh(W_c [Gamma_r * c<t-1>, x<t>] + b_c)
        c<t> = Gamma_u * c~<t> + (1 - Gamma_u) * c<t-1>     a<t> = c<t>

    Args:
        x: inputs, `(B, D)`.
        h: hidden state of the step before, `(B, H)`.
        weights: kernel W `(D, 3H)`, recurrent_kernel U `(H, 3H)`, bias `(2, 3H)` with reset_after
            (row 0 is b, row 1 is b'), else `(3H,)`.
        reset_after: which form.

    Returns:
        h' `(B, H)`, and the cache for `gru_step_backward`.

    Raises:
        ShapeError: a shape does not fit; names the argument.

    Cho et al. 2014.
    """
    kernel, recurrent_kernel, bias = weights
    H = check_step(weights, 3, x, h, bias_rows=2 if reset_after else None)
    if reset_after:
        from_x = x @ kernel + bias[0]  # (B, 3H)
        from_h = h @ recurrent_kernel + bias[1]  # (B, 3H)
        gates = sigmoid(from_x[:, : 2 * H] + from_h[:, : 2 * H])
        z, r = gates[:, :H], gates[:, H:]
        reset = from_h[:, 2 * H :]
        g = np.tanh(from_x[:, 2 * H :] + r * reset)
    else:
        from_x = x @ kernel + bias  # (B, 3H)
        gates = sigmoid(from_x[:, : 2 * H] + h @ recurrent_kernel[:, : 2 * H])
        z, r = gates[:, :H], gates[:, H:]
        reset = h
        g = np.tanh(from_x[:, 2 * H :] + (r * reset) @ recurrent_kernel[:, 2 * H :])
    h_next = z * h + (1 - z) * g
    return h_next, GRUCache(x, h, z, r, g, reset, h_next, weights, reset_after)


def gru_step_backward(dh: Array, cache: GRUCache) -> tuple[Array, Array, Weights]:
    """The gradients of one step, given the gradient of its result.

    With d_z, d_r, d_g the gradients before the activations:
        d_z = dh * (h - g) * z (1 - z)     d_g = dh * (1 - z) * (1 - g^2)
    reset_after=True, with s = h U_h + b'_h:
        d_r = d_g * s * r (1 - r)
        dx = [d_z, d_r, d_g] W^T           dh_prev = dh * z + [d_z, d_r, d_g * r] U^T
        db = sum [d_z, d_r, d_g]           db' = sum [d_z, d_r, d_g * r]
    reset_after=False, with e = d_g U_h^T, the gradient of r * h:
        d_r = e * h * r (1 - r)
        dx = [d_z, d_r, d_g] W^T           dh_prev = dh * z + [d_z, d_r] U_zr^T + e * r
        dU_h = (r * h)^T d_g               db = sum [d_z, d_r, d_g]
    In the course's letters d_z is -dGamma_u, d_r is dGamma_r and d_g is dc~.

    Args:
        dh: gradient of h', `(B, H)`.
        cache: what `gru_step` kept.

    Returns:
        dx `(B, D)`, dh_prev `(B, H)`, dweights in the shapes of the weights.

    Raises:
        ShapeError: dh does not fit.
    """
    expect("dh", dh, cache.h.shape)
    backward = _reset_after_backward if cache.reset_after else _reset_before_backward
    return backward(dh, cache)


def _reset_after_backward(dh: Array, cache: GRUCache) -> tuple[Array, Array, Weights]:
    x, h, z, r, g, s, _, weights, _ = cache
    d_z = dh * (h - g) * z * (1 - z)
    d_g = dh * (1 - z) * (1 - g**2)
    d_r = d_g * s * r * (1 - r)
    from_x = np.concatenate([d_z, d_r, d_g], axis=1)  # (B, 3H)
    from_h = np.concatenate([d_z, d_r, d_g * r], axis=1)  # (B, 3H)
    dbias = np.stack([from_x.sum(axis=0), from_h.sum(axis=0)])
    dh_prev = dh * z + from_h @ weights.recurrent_kernel.T
    return from_x @ weights.kernel.T, dh_prev, Weights(x.T @ from_x, h.T @ from_h, dbias)


def _reset_before_backward(dh: Array, cache: GRUCache) -> tuple[Array, Array, Weights]:
    x, h, z, r, g, _, _, weights, _ = cache
    U_zr, U_h = weights.recurrent_kernel[:, : 2 * z.shape[1]], weights.recurrent_kernel[:, 2 * z.shape[1] :]
    d_z = dh * (h - g) * z * (1 - z)
    d_g = dh * (1 - z) * (1 - g**2)
    e = d_g @ U_h.T
    d_r = e * h * r * (1 - r)
    d_zr = np.concatenate([d_z, d_r], axis=1)  # (B, 2H)
    d = np.concatenate([d_zr, d_g], axis=1)  # (B, 3H)
    drecurrent = np.concatenate([h.T @ d_zr, (r * h).T @ d_g], axis=1)
    dh_prev = dh * z + d_zr @ U_zr.T + e * r
    return d @ weights.kernel.T, dh_prev, Weights(x.T @ d, drecurrent, d.sum(axis=0))


def gru(x: Array, h0: Array, weights: Weights, reset_after: bool = True) -> tuple[Array, tuple[GRUCache, ...]]:
    """A sequence through a GRU: `gru_step` T times, h passed along.

    Args:
        x: inputs, `(B, T, D)`.
        h0: hidden state before the first step, `(B, H)`.
        weights: kernel `(D, 3H)`, recurrent_kernel `(H, 3H)`, bias `(2, 3H)` with reset_after, else `(3H,)`.
        reset_after: which form; False is the course's.

    Returns:
        hs, the hidden state after every step, `(B, T, H)`, and the cache for `gru_backward`.

    Raises:
        ShapeError: a shape does not fit; names the argument.
    """
    D, H = check_weights(weights, gates=3, bias_rows=2 if reset_after else None)
    check_sequence(x, D, H, h0=h0)
    h, steps = h0, []
    for t in range(x.shape[1]):
        h, step = gru_step(x[:, t], h, weights, reset_after)
        steps.append(step)
    return np.stack([step.h for step in steps], axis=1), tuple(steps)


def gru_backward(dhs: Array, cache: tuple[GRUCache, ...]) -> tuple[Array, Array, Weights]:
    """The gradients of a sequence, from the last step to the first: dh<t> = dhs<t> + dh_prev<t+1>.

    Args:
        dhs: upstream gradient of every hidden state, `(B, T, H)`.
        cache: what `gru` kept; it knows which form it was.

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
        dx[:, t], dh, dweights = gru_step_backward(dhs[:, t] + dh, cache[t])
        total = Weights(*map(np.add, total, dweights))
    return dx, dh, total


class SimplifiedGRUCache(NamedTuple):
    """What one step keeps for its backward pass."""

    x: Array  # (B, D)
    h_prev: Array  # (B, H)
    z: Array  # (B, H), after its sigmoid
    g: Array  # (B, H), the candidate after its tanh
    h: Array  # (B, H)
    weights: Weights


def simplified_gru_step(x: Array, h: Array, weights: Weights) -> tuple[Array, SimplifiedGRUCache]:
    """One time step of the GRU without its relevance gate: Gamma_r is 1 always.

    Ours, the gates in the order z, h:     z = sigmoid(x W + h U + b)     g = tanh(x W + h U + b)
                                           h' = z * h + (1 - z) * g
    The course's, Gamma_u = 1 - z:         c~<t> = tanh(W_c [c<t-1>, x<t>] + b_c)
                                           c<t> = Gamma_u * c~<t> + (1 - Gamma_u) * c<t-1>

    Args:
        x: inputs, `(B, D)`.
        h: hidden state of the step before, `(B, H)`.
        weights: kernel W `(D, 2H)`, recurrent_kernel U `(H, 2H)`, bias `(2H,)`.

    Returns:
        h' `(B, H)`, and the cache for `simplified_gru_step_backward`.

    Raises:
        ShapeError: a shape does not fit; names the argument.
    """
    kernel, recurrent_kernel, bias = weights
    H = check_step(weights, 2, x, h)
    pre = x @ kernel + h @ recurrent_kernel + bias  # (B, 2H)
    z, g = sigmoid(pre[:, :H]), np.tanh(pre[:, H:])
    h_next = z * h + (1 - z) * g
    return h_next, SimplifiedGRUCache(x, h, z, g, h_next, weights)


def simplified_gru_step_backward(dh: Array, cache: SimplifiedGRUCache) -> tuple[Array, Array, Weights]:
    """The gradients of one step, given the gradient of its result.

    d_z = dh * (h - g) * z (1 - z)     d_g = dh * (1 - z) * (1 - g^2)
    dx = [d_z, d_g] W^T     dh_prev = dh * z + [d_z, d_g] U^T     db = sum [d_z, d_g]

    Args:
        dh: gradient of h', `(B, H)`.
        cache: what `simplified_gru_step` kept.

    Returns:
        dx `(B, D)`, dh_prev `(B, H)`, dweights in the shapes of the weights.

    Raises:
        ShapeError: dh does not fit.
    """
    expect("dh", dh, cache.h.shape)
    x, h, z, g, _, weights = cache
    d = np.concatenate([dh * (h - g) * z * (1 - z), dh * (1 - z) * (1 - g**2)], axis=1)  # (B, 2H)
    dh_prev = dh * z + d @ weights.recurrent_kernel.T
    return d @ weights.kernel.T, dh_prev, Weights(x.T @ d, h.T @ d, d.sum(axis=0))


def simplified_gru(x: Array, h0: Array, weights: Weights) -> tuple[Array, tuple[SimplifiedGRUCache, ...]]:
    """A sequence through the GRU without its relevance gate: `simplified_gru_step` T times.

    Args:
        x: inputs, `(B, T, D)`.
        h0: hidden state before the first step, `(B, H)`.
        weights: kernel `(D, 2H)`, recurrent_kernel `(H, 2H)`, bias `(2H,)`.

    Returns:
        hs, the hidden state after every step, `(B, T, H)`, and the cache for `simplified_gru_backward`.

    Raises:
        ShapeError: a shape does not fit; names the argument.
    """
    D, H = check_weights(weights, gates=2)
    check_sequence(x, D, H, h0=h0)
    h, steps = h0, []
    for t in range(x.shape[1]):
        h, step = simplified_gru_step(x[:, t], h, weights)
        steps.append(step)
    return np.stack([step.h for step in steps], axis=1), tuple(steps)


def simplified_gru_backward(dhs: Array, cache: tuple[SimplifiedGRUCache, ...]) -> tuple[Array, Array, Weights]:
    """The gradients of a sequence, from the last step to the first: dh<t> = dhs<t> + dh_prev<t+1>.

    Args:
        dhs: upstream gradient of every hidden state, `(B, T, H)`.
        cache: what `simplified_gru` kept.

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
        dx[:, t], dh, dweights = simplified_gru_step_backward(dhs[:, t] + dh, cache[t])
        total = Weights(*map(np.add, total, dweights))
    return dx, dh, total
