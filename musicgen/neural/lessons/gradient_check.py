"""Is a gradient right? Move each number a little to both sides and look at what the loss does.

dL/dx ~ (L(x + e) - L(x - e)) / 2e, the central difference, whose error shrinks with e squared until rounding
takes over; in float64 e = 1e-5 is about the best. Two gradients a and b are compared by one number,
|a - b| / (|a| + |b|) with Euclidean norms: 1e-6 and below is agreement, 1e-2 and above an error in a formula.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musicgen.neural.reference import PeepholeWeights, Weights

Array = NDArray[Any]


def numerical_gradient(loss: Callable[[Array], float], x: Array, step: float = 1e-5) -> Array:
    """The gradient of `loss` at x by central differences: two calls for each number in x.

    Args:
        loss: a function of an array like x.
        x: any shape, float64; left as it is.
        step: e.

    Returns:
        The gradient, shaped like x.
    """
    moved, gradient = x.copy(), np.empty_like(x)
    for place in np.ndindex(x.shape):
        moved[place] = x[place] + step
        above = loss(moved)
        moved[place] = x[place] - step
        gradient[place] = (above - loss(moved)) / (2 * step)
        moved[place] = x[place]
    return gradient


def relative_error(a: Array, b: Array) -> float:
    """|a - b| / (|a| + |b|), Euclidean norms; 0 where both are zero."""
    size = float(np.linalg.norm(a) + np.linalg.norm(b))
    return float(np.linalg.norm(a - b)) / size if size else 0.0


def gradient_errors(
    loss: Callable[..., float], arguments: Mapping[str, Array], gradients: Mapping[str, Array]
) -> dict[str, float]:
    """The relative error of each gradient against central differences of the loss.

    Args:
        loss: called as `loss(**arguments)`.
        arguments: arrays by name.
        gradients: the gradient of the loss by each of them, by the same names.
    """

    def error(name: str) -> float:
        numerical = numerical_gradient(lambda moved: loss(**{**arguments, name: moved}), arguments[name])
        return relative_error(gradients[name], numerical)

    return {name: error(name) for name in gradients}


def sequence_gradient_errors(
    forward: Callable[..., Any], backward: Callable[..., Any], weights: Weights | PeepholeWeights, seed: int = 0
) -> dict[str, float]:
    """Check `NAME` against `NAME_backward` of the reference on random numbers: 2 rows, 4 steps.

    The loss is the sum of `dhs * hs`, and of `dc_last * cs[:, -1]` where there is a cell state, with random
    upstream gradients; so every path back through time counts.

    Returns:
        The relative error by argument: x, the states before the first step, each array of the weights.
    """
    arguments, upstream = _problem(weights, seed, has_cell="c0" in signature(forward).parameters, T=4)

    def run(x: Array, states: list[Array], w: Weights | PeepholeWeights) -> tuple[float, Any]:
        hs, *cs, cache = forward(x, *states, w)
        return float((upstream[0] * hs).sum() + sum((upstream[1] * c[:, -1]).sum() for c in cs)), cache

    return _errors(run, lambda cache: backward(upstream[0], cache, *upstream[1:]), arguments, weights)


def step_gradient_errors(
    step: Callable[..., Any], step_backward: Callable[..., Any], weights: Weights | PeepholeWeights, seed: int = 0
) -> dict[str, float]:
    """Check `NAME_step` against `NAME_step_backward` of the reference on random numbers, 2 rows.

    Returns:
        The relative error by argument, as in `sequence_gradient_errors`.
    """
    arguments, upstream = _problem(weights, seed, has_cell="c" in signature(step).parameters, T=None)

    def run(x: Array, states: list[Array], w: Weights | PeepholeWeights) -> tuple[float, Any]:
        *results, cache = step(x, *states, w)
        return float(sum((d * r).sum() for d, r in zip(upstream, results, strict=True))), cache

    return _errors(run, lambda cache: step_backward(*upstream, cache), arguments, weights)


def random_weights(D: int, H: int, gates: int, seed: int = 0, bias_rows: int | None = None) -> Weights:
    """Weights for checks: normal numbers of size 1/2, float64; the bias too, so that no gate starts idle."""
    random = np.random.default_rng(seed)
    width = gates * H
    shapes = (D, width), (H, width), (width,) if bias_rows is None else (bias_rows, width)
    return Weights(*(random.normal(scale=0.5, size=shape) for shape in shapes))


def random_peephole_weights(D: int, H: int, seed: int = 0) -> PeepholeWeights:
    """The same for a peephole LSTM."""
    peepholes = np.random.default_rng(seed + 1).normal(scale=0.5, size=(3, H))
    return PeepholeWeights(*random_weights(D, H, 4, seed), peepholes)


def _problem(
    weights: Weights | PeepholeWeights, seed: int, has_cell: bool, T: int | None
) -> tuple[dict[str, Array], list[Array]]:
    """Arguments by name, and the upstream gradients: of h (of every step), and of the last c."""
    random = np.random.default_rng(seed)
    B, D, H = 2, len(weights.kernel), len(weights.recurrent_kernel)
    time = () if T is None else (T,)
    arguments = {"x": random.normal(size=(B, *time, D)), "h0": random.normal(size=(B, H))}
    upstream = [random.normal(size=(B, *time, H))]
    if has_cell:
        arguments["c0"] = random.normal(size=(B, H))
        upstream.append(random.normal(size=(B, H)))
    return arguments, upstream


def _errors(
    run: Callable[..., tuple[float, Any]],
    back: Callable[[Any], Any],
    arguments: dict[str, Array],
    weights: Weights | PeepholeWeights,
) -> dict[str, float]:
    states = [name for name in arguments if name != "x"]

    def loss(x: Array, **named: Array) -> float:
        w = type(weights)(**{name: named[name] for name in weights._fields})
        return run(x, [named[name] for name in states], w)[0]

    dx, *dstates, dweights = back(run(arguments["x"], [arguments[name] for name in states], weights)[1])
    gradients = {"x": dx, **dict(zip(states, dstates, strict=True)), **dweights._asdict()}
    return gradient_errors(loss, {**arguments, **weights._asdict()}, gradients)
