"""From a hidden state to a prediction and its loss, each with its gradient.

The course's: y^<t> = softmax(W_ya a<t> + b_y), L<t> = -sum_j y_j log y^_j, and for a yes or no
L<t> = -y log y^ - (1 - y) log(1 - y^). Loss functions here give one loss per position; the mean or
the sum is the caller's, and so is the upstream gradient: ones for a sum, 1/n for a mean.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from musicgen.errors import InputError, ShapeError
from musicgen.neural.reference.weights import expect

Array = NDArray[Any]


class DenseCache(NamedTuple):
    """What `dense` keeps for its backward pass."""

    x: Array  # (..., D)
    kernel: Array  # (D, V)


def dense(x: Array, kernel: Array, bias: Array) -> tuple[Array, DenseCache]:
    """y = x W + b, at every position of x; the course's W_ya a<t> + b_y with W = W_ya^T.

    Args:
        x: `(..., D)`, for example hidden states `(B, T, H)`.
        kernel: W, `(D, V)`.
        bias: `(V,)`.

    Returns:
        y `(..., V)`, and the cache for `dense_backward`.

    Raises:
        ShapeError: a shape does not fit; names the argument.
    """
    if kernel.ndim != 2:
        raise ShapeError(f"kernel: expected (D, V). Received: {kernel.shape}.")
    expect("x", x, (*x.shape[:-1], kernel.shape[0]))
    expect("bias", bias, (kernel.shape[1],))
    return x @ kernel + bias, DenseCache(x, kernel)


def dense_backward(dy: Array, cache: DenseCache) -> tuple[Array, Array, Array]:
    """dx = dy W^T     dW = x^T dy     db = sum dy, the last two summed over all positions.

    Args:
        dy: gradient of y, `(..., V)`.
        cache: what `dense` kept.

    Returns:
        dx `(..., D)`, dkernel `(D, V)`, dbias `(V,)`.

    Raises:
        ShapeError: dy does not fit.
    """
    D, V = cache.kernel.shape
    expect("dy", dy, (*cache.x.shape[:-1], V))
    flat = dy.reshape(-1, V)
    return dy @ cache.kernel.T, cache.x.reshape(-1, D).T @ flat, flat.sum(axis=0)


def softmax(logits: Array) -> Array:
    """p_j = exp(z_j) / sum_k exp(z_k) over the last axis; the largest z is subtracted first, so none overflows.

    A logit of -infinity, a value ruled out, gets probability 0.
    """
    e = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def softmax_backward(dp: Array, p: Array) -> Array:
    """dz_j = p_j (dp_j - sum_k dp_k p_k): the gradient of the logits.

    Args:
        dp: gradient of the probabilities, `(..., V)`.
        p: what `softmax` gave, `(..., V)`.

    Raises:
        ShapeError: dp does not fit.
    """
    expect("dp", dp, p.shape)
    return p * (dp - (dp * p).sum(axis=-1, keepdims=True))


class CrossEntropyCache(NamedTuple):
    """What a loss keeps for its backward pass."""

    p: Array  # probabilities
    targets: Array


def cross_entropy(p: Array, targets: Array) -> tuple[Array, CrossEntropyCache]:
    """L = -log p[target]: the surprise, in nats, at each position.

    The same as the course's -sum_j y_j log y^_j with y the one-hot target. A probability of 0 counts
    as the smallest positive number, so a loss is large but finite.

    Args:
        p: probabilities, `(..., V)`.
        targets: indices, integers `(...)` from 0 to V - 1.

    Returns:
        losses `(...)`, and the cache for `cross_entropy_backward`.

    Raises:
        ShapeError: targets do not fit.
        InputError: targets are not indices of values.
    """
    _check_targets(targets, p)
    return -np.log(_positive(_at(p, targets))), CrossEntropyCache(p, targets)


def cross_entropy_backward(dlosses: Array, cache: CrossEntropyCache) -> Array:
    """dp_j = -1 / p_j at the target, 0 elsewhere, times the upstream gradient: `(..., V)`.

    Raises:
        ShapeError: dlosses do not fit.
    """
    p, targets = cache
    expect("dlosses", dlosses, targets.shape)
    dp = np.zeros_like(p)
    np.put_along_axis(dp, targets[..., None], (-dlosses / _positive(_at(p, targets)))[..., None], axis=-1)
    return dp


def softmax_cross_entropy(logits: Array, targets: Array) -> tuple[Array, CrossEntropyCache]:
    """`softmax` and `cross_entropy` in one, without the rounding of a tiny probability.

    L = log(sum_k exp(z_k)) - z[target]

    Args:
        logits: `(..., V)`.
        targets: indices, integers `(...)`.

    Returns:
        losses `(...)`, and the cache for `softmax_cross_entropy_backward`; its `p` is y^.

    Raises:
        ShapeError: targets do not fit.
        InputError: targets are not indices of values.
    """
    _check_targets(targets, logits)
    shifted = logits - logits.max(axis=-1, keepdims=True)
    e = np.exp(shifted)
    total = e.sum(axis=-1, keepdims=True)
    return np.log(total[..., 0]) - _at(shifted, targets), CrossEntropyCache(e / total, targets)


def softmax_cross_entropy_backward(dlosses: Array, cache: CrossEntropyCache) -> Array:
    """dz = (p - y) times the upstream gradient, y the one-hot target: `(..., V)`.

    Raises:
        ShapeError: dlosses do not fit.
    """
    p, targets = cache
    expect("dlosses", dlosses, targets.shape)
    dz = p.copy()
    np.put_along_axis(dz, targets[..., None], (_at(p, targets) - 1)[..., None], axis=-1)
    return dz * dlosses[..., None]


def binary_cross_entropy(p: Array, y: Array) -> tuple[Array, CrossEntropyCache]:
    """L = -y log p - (1 - y) log(1 - p), at each position; the course's loss for "is this word a name?".

    Args:
        p: probability of yes, any shape.
        y: targets between 0 and 1, the same shape.

    Returns:
        losses, the same shape, and the cache for `binary_cross_entropy_backward`.

    Raises:
        ShapeError: y does not fit.
    """
    expect("y", y, p.shape)
    return -y * np.log(_positive(p)) - (1 - y) * np.log(_positive(1 - p)), CrossEntropyCache(p, y)


def binary_cross_entropy_backward(dlosses: Array, cache: CrossEntropyCache) -> Array:
    """dp = (p - y) / (p (1 - p)), as -y / p + (1 - y) / (1 - p), times the upstream gradient.

    Raises:
        ShapeError: dlosses do not fit.
    """
    p, y = cache
    expect("dlosses", dlosses, p.shape)
    return dlosses * ((1 - y) / _positive(1 - p) - y / _positive(p))


def _check_targets(targets: Array, scores: Array) -> None:
    expect("targets", targets, scores.shape[:-1])
    V = scores.shape[-1]
    if not np.issubdtype(targets.dtype, np.integer) or (targets.size and not 0 <= targets.min() <= targets.max() < V):
        raise InputError(f"targets: expected integers from 0 to {V - 1}. Received: {targets!r}.")


def _at(scores: Array, targets: Array) -> Array:
    return np.take_along_axis(scores, targets[..., None], axis=-1)[..., 0]


def _positive(p: Array) -> Array:
    return np.maximum(p, np.finfo(p.dtype).tiny)
