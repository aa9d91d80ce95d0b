"""Scoring: how likely a network finds a sequence, field by field."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from musicgen.errors import NumericalError
from musicgen.neural.language import Ints
from musicgen.neural.player import Player
from musicgen.neural.windows import Corpus


def nats(player: Player, steps: Ints, timeline: Ints) -> npt.NDArray[np.float64]:
    """-ln p of every field of every step, given all that stands before it, `(T, F)`.

    Args:
        steps: indices of a whole piece, `int[T, F]`; the state is carried from its start.
        timeline: its context, `int32[n, R]`.

    Raises:
        NumericalError: the network gave numbers that are none.
    """
    if not len(steps):
        return np.zeros((0, steps.shape[-1]))
    batch = Corpus(player.language, [(steps, timeline)]).batch(np.array([[0, 0]]), len(steps))
    logits = player.scan(**batch.inputs)
    found = np.stack([_nats(part[0], steps[:, f]) for f, part in enumerate(logits)], axis=-1)
    if not np.isfinite(found).all():
        raise NumericalError("expected finite numbers from the network. Received: NaN or infinity among its logits")
    return found


def _nats(logits: npt.NDArray[Any], chosen: Ints) -> npt.NDArray[np.float64]:
    """Cross-entropy of each row `(T, V)` at the chosen index `(T,)`."""
    exact = logits.astype(np.float64)
    best = exact.max(axis=-1)
    total = best + np.log(np.exp(exact - best[:, None]).sum(axis=-1))
    return total - np.take_along_axis(exact, chosen[:, None].astype(int), axis=-1)[:, 0]
