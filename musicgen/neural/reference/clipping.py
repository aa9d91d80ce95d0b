"""Keeping gradients from exploding: cut each number, or shorten the whole vector.

Pascanu, Mikolov, Bengio 2013 (the norm); the course clips each value to [-5, 5].
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from musicgen.errors import OptionError

Array = NDArray[Any]
Gradients = TypeVar("Gradients")  # an array, or a tuple, named tuple, list or mapping of such


def clip_by_value(gradients: Gradients, limit: float) -> Gradients:
    """Every number g as max(-limit, min(g, limit)); the direction may change.

    Args:
        gradients: an array, or a `Weights`, tuple, list or dict of arrays.
        limit: positive.

    Returns:
        The same structure, new arrays of the same dtype.

    Raises:
        OptionError: limit is not positive.
    """
    _check_limit(limit)
    return _map(lambda g: np.clip(g, -limit, limit), gradients)


def clip_by_norm(gradients: Gradients, limit: float) -> Gradients:
    """All of them times limit / norm where their common norm exceeds the limit; the direction stays.

    The norm is the Euclidean one of all numbers together. A norm that is not finite leaves the
    gradients as they are: no scale would make them usable.

    Args:
        gradients: an array, or a `Weights`, tuple, list or dict of arrays.
        limit: positive.

    Returns:
        The same structure, new arrays of the same dtype.

    Raises:
        OptionError: limit is not positive.
    """
    _check_limit(limit)
    norm = global_norm(gradients)
    scale = limit / norm if limit < norm < math.inf else 1.0
    return _map(lambda g: g * scale, gradients)


def global_norm(gradients: Any) -> float:
    """The Euclidean norm of all numbers in an array or a structure of arrays."""
    return math.sqrt(sum(float(np.sum(np.square(g, dtype=np.float64))) for g in _leaves(gradients)))


def _check_limit(limit: float) -> None:
    if not limit > 0:
        raise OptionError(f"limit: expected a positive number. Received: {limit!r}.")


def _map(change: Callable[[Array], Array], tree: Any) -> Any:
    if isinstance(tree, Mapping):
        return {name: _map(change, branch) for name, branch in tree.items()}
    if isinstance(tree, (tuple, list)):
        branches = [_map(change, branch) for branch in tree]
        return type(tree)(*branches) if hasattr(tree, "_fields") else type(tree)(branches)
    return change(tree)


def _leaves(tree: Any) -> Iterator[Array]:
    if isinstance(tree, Mapping):
        tree = list(tree.values())
    if isinstance(tree, (tuple, list)):
        for branch in tree:
            yield from _leaves(branch)
    else:
        yield np.asarray(tree)
