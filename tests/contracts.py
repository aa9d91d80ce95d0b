"""What every sibling must keep: call the check from one line of a test."""

from __future__ import annotations

import numpy as np

from musicgen.music.constraints import plan
from musicgen.music.encodings import Encoding
from musicgen.music.score import Score
from musicgen.music.vocabulary import Vocabulary


def check_encoding(encoding: Encoding, documents: list[Score]) -> None:
    """Inverse pairs, one step per row, a vocabulary that survives its file, a grammar that accepts it all."""
    assert Vocabulary.from_json(encoding.vocabulary.to_json()) == encoding.vocabulary
    for document in documents:
        held = encoding.quantize(document)
        values, context = encoding.encode(document)
        indices = encoding.vocabulary.indices(values)
        assert indices.shape == (len(values), len(encoding.sizes))
        assert np.array_equal(encoding.vocabulary.values(indices), values)
        assert encoding.decode(values, context) == held
        assert encoding.quantize(held) == held
        check_features(encoding, indices, context.timeline)
        check_transposition(encoding, indices, context.timeline)


def check_features(encoding: Encoding, indices: np.ndarray, timeline: np.ndarray) -> None:
    """Features have the width they say, and are finite, also before the first step."""
    rows = np.repeat(timeline[:1], len(indices) + 1, axis=0)
    standing = np.concatenate([[encoding.sizes], indices])
    features = encoding.features(np, rows, np.arange(len(rows)), standing)
    assert features.shape == (len(rows), encoding.width)
    assert np.isfinite(features).all()


def check_transposition(encoding: Encoding, indices: np.ndarray, timeline: np.ndarray) -> None:
    """Up and down again is where it was; the context follows."""
    up, down = np.array(4), np.array(-4)
    assert np.array_equal(encoding.transposed_timeline(encoding.transposed_timeline(timeline, up), down), timeline)
    assert encoding.transposed(indices, up).shape == indices.shape
    assert np.array_equal(encoding.counted(indices), encoding.counted(encoding.transposed(indices, up)))


def check_grammar(encoding: Encoding, end: int) -> None:
    """The grammar can be finished, and says so for every field."""
    planned = plan(encoding.grammar(end), encoding.ticks)
    assert planned.end == end
    assert all(table[planned.start, 0] for table in planned.finishable)
