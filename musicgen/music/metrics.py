"""Metrics: what is measured of music and of networks, as `{name: number}`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from musicgen.errors import ShapeError


def perplexities(nats: npt.NDArray[np.floating[Any]], names: Sequence[str], unit: str = "note") -> dict[str, float]:
    """Mean nats per event and the perplexity of each field.

    Args:
        nats: -ln p of each field of each event, `(N, F)`, N > 0.
        names: of the fields, `(F,)`.
        unit: what an event is called.

    Returns:
        `nats_per_UNIT`, the mean of the rows' sums, and `NAME_perplexity`, exp of each column's mean.

    Raises:
        ShapeError: the columns are not as many as the names, or there are no rows.
    """
    if nats.ndim != 2 or nats.shape[1] != len(names) or not len(nats):
        raise ShapeError(f"nats: expected (N, {len(names)}), N > 0. Received: {nats.shape}")
    means = nats.mean(axis=0)
    perplexity = {f"{name}_perplexity": float(np.exp(mean)) for name, mean in zip(names, means, strict=True)}
    return {f"nats_per_{unit}": float(means.sum()), **perplexity}
