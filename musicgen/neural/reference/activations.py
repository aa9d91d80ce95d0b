"""The activation functions of the cells, each with its derivative."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from musicgen.errors import OptionError

Array = NDArray[Any]


def sigmoid(x: Array) -> Array:
    """The logistic function, 1 / (1 + exp(-x)), as (1 + tanh(x / 2)) / 2.

    The second form never overflows, has exact limits 0 and 1, and keeps float32 as float32. Its
    error is absolute, about one rounding of 1/2; for the log of a tiny probability start from the
    logits (`softmax_cross_entropy`).
    """
    y = np.tanh(x * 0.5)
    y *= 0.5
    y += 0.5
    return y


class Activation(NamedTuple):
    """A function, and its derivative written in terms of its own value y."""

    function: Callable[[Array], Array]
    derivative: Callable[[Array], Array]


LOGISTIC = Activation(sigmoid, lambda y: y * (1 - y))

ACTIVATIONS = {
    "tanh": Activation(np.tanh, lambda y: 1 - y * y),
    "relu": Activation(lambda x: np.maximum(x, 0), lambda y: (y > 0).astype(y.dtype)),
    "logistic": LOGISTIC,
    "sigmoid": LOGISTIC,
}
"""By name. `sigmoid` is Keras's name of the logistic function."""


def activation_named(name: str) -> Activation:
    """The activation of that name; OptionError lists the known ones."""
    try:
        return ACTIVATIONS[name]
    except KeyError:
        raise OptionError(f"activation: expected one of {', '.join(ACTIVATIONS)}. Received: {name!r}.") from None
