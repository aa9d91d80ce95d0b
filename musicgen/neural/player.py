"""The player: a trained network in numpy, so that generating needs no TensorFlow.

It reads the named weights of `networks.shared` and walks with the cells of `reference`. For a few
clips it is the fastest form there is, because a step of a small network is nearly all overhead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from musicgen.errors import ArtifactError
from musicgen.neural import sampling
from musicgen.neural.language import Ints, Language, View
from musicgen.neural.options import NetworkOptions
from musicgen.neural.reference import (
    PeepholeWeights,
    Weights,
    gru_step,
    lstm_step,
    peephole_lstm_step,
    simple_rnn_step,
)

_BLOCK = 128  # steps of one matrix product in `scan`

Floats = npt.NDArray[np.float32]
States = tuple[tuple[Floats, ...], ...]  # per layer: h, or h and c, each (B, H)

# name: its step, its weights' names, how many states it carries
_CELLS: dict[str, tuple[Callable[..., Any], type, int]] = {
    "simple_rnn": (simple_rnn_step, Weights, 1),
    "gru": (gru_step, Weights, 1),
    "lstm": (lstm_step, Weights, 2),
    "peephole_lstm": (peephole_lstm_step, PeepholeWeights, 2),
}


class Player:
    """A network's step over saved weights.

    Args:
        language: the encoding's side of the network.
        options: what the network is made of.
        weights: arrays by name, as `SharedNetwork.named_weights` gives them.

    Raises:
        ArtifactError: a weight is missing or has another shape.
    """

    def __init__(self, language: Language, options: NetworkOptions, weights: Mapping[str, Floats]) -> None:
        self.language, self.options = language, options
        shapes = expected_shapes(language, options)
        if unknown := sorted(set(weights) - set(shapes)):
            raise ArtifactError(f"expected the weights of this network. Received: also {', '.join(unknown)}")
        for name, shape in shapes.items():
            found = weights[name].shape if name in weights else "none"
            if found != shape:
                raise ArtifactError(f"weight {name}: expected shape {shape}. Received: {found}")
        fields = range(len(language.sizes))
        self._step, kind, self._states = _CELLS[options.cell]
        self._cells = [
            kind(*(weights[f"rnn_{layer}/{name}"] for name in kind._fields))  # type: ignore[attr-defined]
            for layer in range(options.layers)
        ]
        self._embeddings = [weights[f"embedding_{f}"] for f in fields]
        self._heads = [
            tuple(weights[f"head_{f}/{part}/{name}"] for part in ("hidden", "logits") for name in ("kernel", "bias"))
            for f in fields
        ]
        self._views = [placed(views, size) for views, size in zip(language.views, language.sizes, strict=True)]

    def initial_states(self, like: Ints) -> States:
        """Zeros, `(B, H)` each, for a batch as long as `like` `int[B]`."""
        state = np.zeros((len(like), self.options.units), np.float32)
        return ((state,) * self._states,) * self.options.layers

    def advance(self, standing: Ints, features: Floats, states: States) -> tuple[Floats, States]:
        """Fields of the step before `(B, F)`, features `(B, D)`, states -> hidden `(B, H)`, states."""
        after = []
        x = np.concatenate([*self._embedded(standing, len(self._embeddings)), features], axis=-1)
        for cell, state in zip(self._cells, states, strict=True):
            *state_after, _ = self._step(x, *state, cell)
            after.append(tuple(state_after))
            x = state_after[0]
        return x, tuple(after)

    def choose(self, field: int, hidden: Floats, standing: Ints, features: Floats, keys: Ints) -> Floats:
        """Logits `(..., V_f)` of a field, given hidden `(..., H)`, the fields before it and the keys of its views."""
        kernel, bias, logits_kernel, logits_bias = self._heads[field]
        x = np.concatenate([hidden, *self._embedded(standing, field), features], axis=-1)
        found = np.maximum(x @ kernel + bias, 0) @ logits_kernel + logits_bias
        logits = found[..., : self.language.sizes[field]]
        if self._views[field]:
            found = np.concatenate([found, np.zeros_like(found[..., :1])], axis=-1)
        for n, (table, groups) in enumerate(self._views[field]):
            logits = logits + np.take_along_axis(found, table[keys[..., n]], axis=-1)[..., groups]
        return logits

    def _embedded(self, standing: Ints, fields: int) -> list[Floats]:
        return [self._embeddings[f][standing[..., f]] for f in range(fields)]

    def scan(self, previous: Ints, current: Ints, features: Floats, **keys: Ints) -> list[Floats]:
        """Teacher-forced logits of whole sequences.

        Args:
            previous, current: fields of the step before and of this one, `(B, T, F)`.
            features: per field, `(B, T, F, D)`.
            keys: `keys_f` of the views of each field, `(B, T, n_f)`.

        Returns:
            Per field, `(B, T, V_f)`.
        """
        states = self.initial_states(previous[:, 0, 0])
        hidden = np.zeros((*previous.shape[:2], self.options.units), np.float32)
        for t in range(previous.shape[1]):
            hidden[:, t], states = self.advance(previous[:, t], features[:, t, 0], states)
        return [
            self._heads_over(f, hidden, current, features[:, :, f], keys[f"keys_{f}"]) for f in range(len(self._heads))
        ]

    def _heads_over(self, field: int, *arguments: Any) -> Floats:
        """`choose` over all steps, in blocks of one size: the same numbers however long the sequence is."""
        blocks = []
        for start in range(0, arguments[0].shape[1], _BLOCK):
            parts = [part[:, start : start + _BLOCK] for part in arguments]
            real = parts[0].shape[1]
            padded = [np.pad(part, ((0, 0), (0, _BLOCK - real), (0, 0))) for part in parts]
            blocks.append(self.choose(field, *padded)[:, :real])
        return np.concatenate(blocks, axis=1)

    def walk(
        self, asked: sampling.Request, carry: sampling.Carry | None, noise: Floats, given: Ints
    ) -> tuple[sampling.Carry, Ints]:
        """A block of steps; see `sampling.Walk`."""
        if carry is None:
            carry = sampling.begin(np, self.language, self, given[:, 0, 0], asked)
        steps = np.empty(given.shape, np.int32)
        for t in range(noise.shape[1]):
            carry = sampling.step(np, self.language, self, asked, carry, noise[:, t], given[:, t])
            steps[:, t] = carry.standing[:, : given.shape[2]]
        return carry, steps


def expected_shapes(language: Language, options: NetworkOptions) -> dict[str, tuple[int, ...]]:
    """The name and shape of every weight of a network."""
    gates = {"simple_rnn": 1, "gru": 3}.get(options.cell, 4)
    fields, units, embedding = len(language.sizes), options.units, options.embedding
    shapes: dict[str, tuple[int, ...]] = {}
    for layer in range(options.layers):
        inputs = units if layer else fields * embedding + language.width
        shapes[f"rnn_{layer}/kernel"] = (inputs, gates * units)
        shapes[f"rnn_{layer}/recurrent_kernel"] = (units, gates * units)
        shapes[f"rnn_{layer}/bias"] = (2, gates * units) if options.cell == "gru" else (gates * units,)
        if options.cell == "peephole_lstm":
            shapes[f"rnn_{layer}/peepholes"] = (3, units)
    for f, size in enumerate(language.sizes):
        shapes[f"embedding_{f}"] = (size + 1, embedding)
        shapes[f"head_{f}/hidden/kernel"] = (units + f * embedding + language.width, options.head)
        shapes[f"head_{f}/hidden/bias"] = (options.head,)
        outputs = size + sum(view.names for view in language.views[f])
        shapes[f"head_{f}/logits/kernel"] = (options.head, outputs)
        shapes[f"head_{f}/logits/bias"] = (outputs,)
    return shapes


def placed(views: tuple[View, ...], size: int) -> list[tuple[Ints, Ints]]:
    """Each view of a field of `size` values as a table of places in the head's output, and its groups.

    The head's output holds the values' own numbers, then each view's names, then a zero for "no name".
    """
    starts = np.cumsum([size, *(view.names for view in views)])
    return [
        (np.where(view.table == view.names, starts[-1], view.table + start).astype(np.int32), view.groups)
        for view, start in zip(views, starts, strict=False)
    ]
