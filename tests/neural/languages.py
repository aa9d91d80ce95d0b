"""A small language for tests of networks: two fields, a clock, three features."""

from typing import Any

import numpy as np

from musicgen.music.constraints import Automaton, plan
from musicgen.music.encodings.encoding import View


class Toy:
    """Waits of 0 to 4 ticks, then one of seven letters, not the one remembered, unless it is letter 0."""

    sizes = (5, 7)
    blank = np.array([5, 7, 7], np.int32)  # the memory is the letter of the step before
    ticks = (np.arange(5, dtype=np.int32), np.zeros(7, np.int32))
    width = 3

    def remembered(self, xp: Any, clock: Any, standing: Any) -> Any:
        """The letter, of a step that ends at an even clock only."""
        letter = xp.where(xp.equal(clock % 2, 0), standing[..., 1], standing[..., 2])
        return xp.concatenate([standing[..., :2], letter[..., None]], axis=-1)

    def features(self, xp: Any, rows: Any, clock: Any, standing: Any) -> Any:
        """One of three, by clock, row, the letter before and the letter remembered."""
        place = clock + rows[..., 1] + standing[..., 1] + 2 * standing[..., 2]
        return xp.take(np.eye(3, dtype=np.float32), place % 3, axis=0)

    # letters by how far they are from the letter before
    views = (
        (),
        (View(7, np.where(np.arange(8)[:, None] == 7, 7, (np.arange(7) - np.arange(8)[:, None]) % 7), np.arange(7)),),
    )

    def keys(self, xp: Any, field: int, rows: Any, clock: Any, standing: Any) -> Any:
        """The letter before."""
        return standing[..., 1:2] if field == 1 else xp.zeros_like(standing[..., :0])

    def narrowed(self, xp: Any, field: int, standing: Any) -> Any:
        """Any letter but the one remembered; letter 0 always."""
        if field == 0:
            return None
        return xp.logical_or(xp.not_equal(standing[..., 2:], np.arange(7)), np.arange(7) == 0)

    def counted(self, indices: Any) -> Any:
        """Every field."""
        return np.ones(indices.shape, bool)

    def compass(self, indices: Any) -> tuple[int, int]:
        """As far as one likes."""
        return -127, 127

    def transposed(self, indices: Any, semitones: Any) -> Any:
        """Not in this language."""
        return indices

    def transposed_timeline(self, rows: Any, semitones: Any) -> Any:
        """Not in this language."""
        return rows


TOY = Toy()
TIMELINE = np.array([[0, 0], [9, 1]], np.int32)


def toy_plan(end: int, last: int = 7):
    """At most three waits of 0 running; letters below `last`."""
    waits = np.ones((4, 1, 5), bool)
    waits[3, 0, 0] = False
    letters = np.broadcast_to(np.arange(7) < last, (4, 1, 7))
    after = np.where(np.arange(5) == 0, np.minimum(np.arange(4)[:, None] + 1, 3), 0).astype(np.int32)
    stay = np.repeat(np.arange(4, dtype=np.int32)[:, None], 7, axis=1)
    return plan(Automaton((waits, letters), (after, stay), np.zeros(end + 1, np.int32)), TOY.ticks)


def toy_pieces(count: int, seed: int = 0) -> list[tuple[np.ndarray, np.ndarray]]:
    """Random pieces of 5 to 40 steps."""
    rng = np.random.default_rng(seed)
    return [(np.stack([rng.integers(1, 5, n), rng.integers(0, 7, n)], 1), TIMELINE) for n in rng.integers(5, 40, count)]
