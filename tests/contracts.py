"""What every sibling must keep: call the check from one line of a test."""

from __future__ import annotations

from typing import Any

import numpy as np

from musicgen.music.constraints import plan
from musicgen.music.encodings import Encoding
from musicgen.music.encodings.encoding import Document
from musicgen.music.vocabulary import Vocabulary
from musicgen.neural import sampling
from musicgen.neural.options import NetworkOptions
from musicgen.neural.player import Player, expected_shapes
from musicgen.neural.windows import Corpus


def check_encoding(encoding: Encoding, documents: list[Document]) -> None:
    """Inverse pairs, one step per row, a vocabulary that survives its file, a grammar that accepts it all."""
    saved = Vocabulary.from_json(encoding.vocabulary.to_json())
    assert saved == encoding.vocabulary
    assert type(encoding).of(saved).vocabulary == saved
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
        check_judged(encoding, values, indices, context)


def check_features(encoding: Encoding, indices: np.ndarray, timeline: np.ndarray) -> None:
    """Features have the width they say, and are finite, also before the first step."""
    assert encoding.blank.shape == (len(encoding.sizes) + encoding.memory,)
    rows = np.repeat(timeline[:1], len(indices) + 1, axis=0)
    memory = Corpus(encoding, [(indices, timeline)]).memory
    standing = np.concatenate([encoding.blank[None], np.concatenate([indices, memory], axis=-1)])
    features = encoding.features(np, rows, np.arange(len(rows)), standing)
    assert features.shape == (len(rows), encoding.width)
    assert np.isfinite(features).all()
    for field, views in enumerate(encoding.views):
        keys = encoding.keys(np, field, rows, np.arange(len(rows)), standing)
        assert keys.shape == (len(rows), len(views))
        for view, key in zip(views, keys.T, strict=True):
            assert view.table[key][:, view.groups].shape == (len(rows), encoding.sizes[field])


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


def check_judged(encoding: Encoding, values: np.ndarray, indices: np.ndarray, context: Any) -> None:
    """Every event that counts has a place, and its nats are those of the fields."""
    scored = encoding.scored(indices, np.ones(indices.shape))
    places = list(encoding.places(values, context))
    assert all(len(place) == len(encoding.columns) for place in places)
    assert len(places) == len(scored)
    assert scored.shape[1:] == (len(encoding.parts),)
    if len(scored):
        assert any(name.startswith("nats_per_") for name in encoding.measured(scored))


def untaught_player(encoding: Encoding) -> Player:
    """A player that finds all values equally likely."""
    options = NetworkOptions(units=2, embedding=2, head=2)
    shapes = expected_shapes(encoding, options)
    return Player(encoding, options, {name: np.zeros(shape, np.float32) for name, shape in shapes.items()})


def check_request(encoding: Encoding) -> None:
    """A short piece can be asked for; what is drawn blindly decodes, and is what it would be encoded as."""
    context = encoding.asked(encoding.trial)
    planned = plan(encoding.rules(encoding.trial, context), encoding.ticks)
    asked = sampling.request(context.timeline, planned, sampling.SamplingOptions())
    walk = untaught_player(encoding).walk
    for steps in sampling.sample(walk, encoding, asked, clips=range(3), seed=1):
        document = encoding.decode(encoding.vocabulary.values(steps), context)
        assert encoding.quantize(document) == document
