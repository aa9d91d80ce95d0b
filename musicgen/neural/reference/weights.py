"""The weights of a cell, their shapes, and the course's way of writing them.

A cell with G gates (1 SimpleRNN, 4 LSTM, 3 GRU, 2 simplified GRU) holds the gates side by side:
`kernel` `(D, G*H)`, `recurrent_kernel` `(H, G*H)`, `bias` `(G*H,)`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from musicgen.errors import ShapeError

Array = NDArray[Any]


class Weights(NamedTuple):
    """What a cell learns, in Keras's shapes; also used for the gradients of the same arrays."""

    kernel: Array  # (D, G*H)
    recurrent_kernel: Array  # (H, G*H)
    bias: Array  # (G*H,), or (2, 3*H) for the GRU with reset_after: input row, recurrent row


class PeepholeWeights(NamedTuple):
    """The weights of a peephole LSTM: those of the LSTM and three vectors more."""

    kernel: Array  # (D, 4*H)
    recurrent_kernel: Array  # (H, 4*H)
    bias: Array  # (4*H,)
    peepholes: Array  # (3, H): of the gates i, f, o


def weights_from_course(matrices: Sequence[Array], biases: Sequence[Array]) -> Weights:
    """Our weights from the course's, one matrix [W_aa | W_ax] and one bias per gate.

    With 100 units and 10,000 inputs each matrix is 100 x 10,100. Give the gates in Keras's order:
    W_u (also W_i), W_f, W_c, W_o for the LSTM. For a GRU negate the update gate's matrix and bias
    first, because Keras's z = sigmoid(v) is the course's 1 - Gamma_u, and 1 - sigmoid(v) = sigmoid(-v).

    Args:
        matrices: one `(H, H + D)` array per gate.
        biases: one `(H,)` or `(H, 1)` array per gate.

    Returns:
        kernel `(D, G*H)`, recurrent_kernel `(H, G*H)`, bias `(G*H,)`.

    Raises:
        ShapeError: the gates differ in shape, or are not as many as the biases.
    """
    if not len(matrices) or len(matrices) != len(biases):
        raise ShapeError(f"biases: expected one per matrix, {len(matrices)}. Received: {len(biases)}.")
    H = len(matrices[0])
    for matrix, bias in zip(matrices, biases, strict=True):
        if matrix.shape != matrices[0].shape or matrix.ndim != 2 or matrix.shape[1] <= H:
            expected = "(H, H + D), the same for every gate"
            raise ShapeError(f"matrices: expected {expected}. Received: {[m.shape for m in matrices]}.")
        if bias.shape not in ((H,), (H, 1)):
            raise ShapeError(f"biases: expected {(H,)} or {(H, 1)}. Received: {bias.shape}.")
    stacked = np.concatenate(matrices, axis=0)  # (G*H, H + D)
    return Weights(stacked[:, H:].T, stacked[:, :H].T, np.concatenate([np.ravel(b) for b in biases]))


def weights_to_course(weights: Weights) -> tuple[list[Array], list[Array]]:
    """The course's matrices [W_aa | W_ax], `(H, H + D)` each, and biases, `(H, 1)` each, gate by gate.

    The inverse of `weights_from_course`.
    """
    H = len(weights.recurrent_kernel)
    check_weights(weights, gates=weights.kernel.shape[1] // H)
    stacked = np.concatenate([weights.recurrent_kernel, weights.kernel], axis=0).T  # (G*H, H + D)
    starts = range(0, len(stacked), H)
    return [stacked[k : k + H] for k in starts], [weights.bias[k : k + H, None] for k in starts]


def blocks(a: Array, H: int) -> Iterator[Array]:
    """The gates of `(..., G*H)`, one `(..., H)` view after another."""
    for start in range(0, a.shape[-1], H):
        yield a[..., start : start + H]


def check_weights(weights: Weights | PeepholeWeights, gates: int, bias_rows: int | None = None) -> tuple[int, int]:
    """The D and H of weights whose shapes fit each other and the number of gates.

    Raises:
        ShapeError: names the array, the expected shape and the received one.
    """
    kernel, recurrent_kernel, bias, *peepholes = weights
    if kernel.ndim != 2 or recurrent_kernel.ndim != 2:
        name, wrong = ("kernel", kernel) if kernel.ndim != 2 else ("recurrent_kernel", recurrent_kernel)
        raise ShapeError(f"{name}: expected two axes. Received: {wrong.shape}.")
    D, H = len(kernel), len(recurrent_kernel)
    width = gates * H
    expect("recurrent_kernel", recurrent_kernel, (H, width))
    expect("kernel", kernel, (D, width))
    expect("bias", bias, (width,) if bias_rows is None else (bias_rows, width))
    for array in peepholes:
        expect("peepholes", array, (3, H))
    return D, H


def check_sequence(x: Array, D: int, H: int, **states: Array) -> None:
    """Raises ShapeError unless x is `(B, T, D)` with T > 0 and each state `(B, H)`."""
    if x.ndim != 3 or x.shape[2] != D or x.shape[1] == 0:
        raise ShapeError(f"x: expected (B, T, {D}) with at least one step. Received: {x.shape}.")
    for name, state in states.items():
        expect(name, state, (len(x), H))


def check_step(
    weights: Weights | PeepholeWeights,
    gates: int,
    x: Array,
    h: Array,
    c: Array | None = None,
    bias_rows: int | None = None,
) -> int:
    """The H of a step whose shapes fit. Quick where they do: a step is called thousands of times a second.

    Raises:
        ShapeError: names the array, the expected shape and the received one.
    """
    kernel, recurrent_kernel, bias = weights[:3]
    H = len(recurrent_kernel)
    width, state = gates * H, (len(x), H)
    if (
        x.shape == (state[0], len(kernel))
        and h.shape == state
        and (c is None or c.shape == state)
        and kernel.shape[1:] == recurrent_kernel.shape[1:] == bias.shape[-1:] == (width,)
        and bias.ndim == (1 if bias_rows is None else 2)
    ):
        return H
    D, H = check_weights(weights, gates, bias_rows)
    if x.ndim != 2 or x.shape[1] != D:
        raise ShapeError(f"x: expected (B, {D}). Received: {x.shape}.")
    expect("h", h, (len(x), H))
    if c is not None:
        expect("c", c, (len(x), H))
    return H


def expect(name: str, array: Array, shape: tuple[int, ...]) -> None:
    """Raises ShapeError, naming the argument, unless the array has that shape."""
    if array.shape != shape:
        raise ShapeError(f"{name}: expected {shape}. Received: {array.shape}.")


def check_upstream(name: str, upstream: Array, steps: Sequence[Any]) -> None:
    """Raises ShapeError unless the gradient has the shape of the hidden states it belongs to."""
    B, H = steps[0].h_prev.shape
    expect(name, upstream, (B, len(steps), H))
