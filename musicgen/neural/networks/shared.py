"""One set of weights, several forms.

The layers are made once; each form wires them another way, so training any one trains all:

    unrolled(Tx)    Tx steps side by side: one shared cell and shared heads applied at every step,
                    states passed along. The course's picture; any Tx, slow to build.
    scanned()       the same computation as one loop, any length. The fast way to train.
    stepping()      one step: the state goes in and comes out. For sampling.
    inference(Ty)   samples one to many: each step's drawn fields are fed to the next; noise, tables
                    and options are inputs. `compiled_walk` is the same as one compiled loop.

A step has two parts. `advance` reads the fields of the step before and the features, and moves the
recurrent state. `choose` gives the logits of one field, seeing the fields of this step already set.

Everything is written in keras.ops and stock layers: no Lambda layers, any backend.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from musicgen.errors import ShapeError
from musicgen.neural import sampling
from musicgen.neural.cells import PeepholeLSTMCell
from musicgen.neural.language import Array, Language
from musicgen.neural.options import NetworkOptions
from musicgen.neural.player import expected_shapes, placed

_RECURRENT: dict[str, Callable[..., keras.layers.RNN]] = {
    "simple_rnn": keras.layers.SimpleRNN,
    "gru": keras.layers.GRU,
    "lstm": keras.layers.LSTM,
    "peephole_lstm": lambda units, **options: keras.layers.RNN(PeepholeLSTMCell(units), **options),
}


class SharedNetwork:
    """The layers, made once.

    Args:
        language: the encoding's side of the network.
        options: what the network is made of.
        seed: of the initial weights and of dropout.
    """

    def __init__(self, language: Language, options: NetworkOptions, seed: int = 0) -> None:
        self.language, self.options = language, options
        keras.utils.set_random_seed(seed)
        fields = range(len(language.sizes))
        self.embeddings = [
            keras.layers.Embedding(language.sizes[f] + 1, options.embedding, name=f"embedding_{f}") for f in fields
        ]
        recurrent = _RECURRENT[options.cell]
        self.recurrent = [
            recurrent(options.units, return_sequences=True, name=f"rnn_{layer}") for layer in range(options.layers)
        ]
        self.dropouts = [keras.layers.Dropout(options.dropout, name=f"dropout_{n}") for n in range(options.layers)]
        self.hidden = [keras.layers.Dense(options.head, "relu", name=f"head_{f}_hidden") for f in fields]
        self.head_dropouts = [keras.layers.Dropout(options.dropout, name=f"head_{f}_dropout") for f in fields]
        outputs = [expected_shapes(language, options)[f"head_{f}/logits/bias"][0] for f in fields]
        self.logits = [keras.layers.Dense(outputs[f], name=f"head_{f}_logits") for f in fields]
        self._views = [placed(views, size) for views, size in zip(language.views, language.sizes, strict=True)]
        self._build()

    def _build(self) -> None:
        """Make all weights now, in one order, so that a seed gives one network whatever the form."""
        shapes = expected_shapes(self.language, self.options)
        for f, embedding in enumerate(self.embeddings):
            embedding.build((None, None))
            self.hidden[f].build((None, shapes[f"head_{f}/hidden/kernel"][0]))
            self.logits[f].build((None, self.options.head))
        for layer, recurrent in enumerate(self.recurrent):
            recurrent.cell.name = f"cell_{layer}"  # the unrolled form holds all cells, under their own names
            recurrent.build((None, None, shapes[f"rnn_{layer}/kernel"][0]))

    # -- weights by name

    def _variables(self) -> dict[str, Any]:
        found = {f"embedding_{f}": embedding.embeddings for f, embedding in enumerate(self.embeddings)}
        for layer, recurrent in enumerate(self.recurrent):
            for variable in recurrent.cell.trainable_variables:
                found[f"rnn_{layer}/{variable.name}"] = variable
        for f, parts in enumerate(zip(self.hidden, self.logits, strict=True)):
            for part, dense in zip(("hidden", "logits"), parts, strict=True):
                found[f"head_{f}/{part}/kernel"], found[f"head_{f}/{part}/bias"] = dense.kernel, dense.bias
        return found

    def named_weights(self) -> dict[str, npt.NDArray[np.float32]]:
        """Every weight by a name that does not depend on the wiring."""
        return {name: ops.convert_to_numpy(variable) for name, variable in self._variables().items()}

    def set_weights(self, weights: Mapping[str, npt.NDArray[np.float32]]) -> None:
        """Take weights as `named_weights` gives them.

        Raises:
            ShapeError: names or shapes are not this network's.
        """
        for name, variable in self._variables().items():
            found = weights[name].shape if name in weights else "none"
            if found != tuple(variable.shape):
                raise ShapeError(f"weight {name}: expected shape {tuple(variable.shape)}. Received: {found}")
            variable.assign(weights[name])

    # -- the two parts of a step

    def initial_states(self, like: Array) -> list[list[Array]]:
        """Zeros, `(B, H)` each, for a batch as long as `like` `int32[B]`."""
        column = ops.zeros_like(ops.cast(like, "float32"))[:, None]
        return [
            [column + np.zeros((1, size), np.float32) for size in _state_sizes(recurrent.cell)]
            for recurrent in self.recurrent
        ]

    def advance(self, standing: Array, features: Array, states: Any) -> tuple[Array, Any]:
        """Fields of the step before `(B, F)`, features `(B, D)`, states -> hidden `(B, H)`, states."""
        x, after = self._inputs(standing, features), []
        for recurrent, dropout, state in zip(self.recurrent, self.dropouts, states, strict=True):
            x, state_after = recurrent.cell(x, list(state))
            after.append(list(state_after))
            x = dropout(x)
        return x, after

    def choose(self, field: int, hidden: Array, standing: Array, features: Array, keys: Array) -> Array:
        """Logits `(..., V_f)` of a field, given hidden `(..., H)`, the fields before it and the keys of its views."""
        x = ops.concatenate([hidden, *self._embedded(standing, field), features], axis=-1)
        found = self.logits[field](self.head_dropouts[field](self.hidden[field](x)))
        logits = found[..., : self.language.sizes[field]]
        if self._views[field]:
            found = ops.concatenate([found, ops.zeros_like(found[..., :1])], axis=-1)
        for n, (table, groups) in enumerate(self._views[field]):
            named = ops.take_along_axis(found, ops.take(table, keys[..., n], axis=0), axis=-1)
            logits = logits + _spread(named, groups)
        return logits

    def _inputs(self, standing: Array, features: Array) -> Array:
        return ops.concatenate([*self._embedded(standing, len(self.embeddings)), features], axis=-1)

    def _embedded(self, standing: Array, fields: int) -> list[Array]:
        return [self.embeddings[f](standing[..., f]) for f in range(fields)]

    # -- the forms

    def _teacher(self, length: int | None) -> dict[str, keras.KerasTensor]:
        """Inputs of the training forms: the step before, this step, the features of each field."""
        fields = len(self.language.sizes)
        return {
            "previous": keras.Input((length, fields), dtype="int32", name="previous"),
            "current": keras.Input((length, fields), dtype="int32", name="current"),
            "features": keras.Input((length, fields, self.language.width), name="features"),
            **self._keys(length),
        }

    def _keys(self, *shape: int | None) -> dict[str, keras.KerasTensor]:
        """Inputs for the keys of each field's views, `keys_f`."""
        views = enumerate(self.language.views)
        return {f"keys_{f}": keras.Input((*shape, len(own)), dtype="int32", name=f"keys_{f}") for f, own in views}

    def scanned(self) -> keras.Model:
        """Teacher forcing in one loop: `(B, T, F)`, `(B, T, F)`, `(B, T, F, D)`, keys -> per field `(B, T, V_f)`."""
        inputs = self._teacher(None)
        x = self._inputs(inputs["previous"], inputs["features"][:, :, 0])
        for recurrent, dropout in zip(self.recurrent, self.dropouts, strict=True):
            x = dropout(recurrent(x))
        outputs = [
            self.choose(f, x, inputs["current"], inputs["features"][:, :, f], inputs[f"keys_{f}"])
            for f in range(len(self.language.sizes))
        ]
        return keras.Model(inputs, outputs, name="scanned")

    def unrolled(self, Tx: int) -> keras.Model:
        """Teacher forcing wired over Tx steps; same inputs and outputs as `scanned`, T = Tx."""
        inputs = self._teacher(Tx)
        states = self.initial_states(inputs["previous"][:, 0, 0])
        logits: list[list[Array]] = [[] for _ in self.language.sizes]
        for t in range(Tx):
            features = inputs["features"][:, t]
            hidden, states = self.advance(inputs["previous"][:, t], features[:, 0], states)
            for f, steps in enumerate(logits):
                steps.append(self.choose(f, hidden, inputs["current"][:, t], features[:, f], inputs[f"keys_{f}"][:, t]))
        return keras.Model(inputs, [ops.stack(steps, axis=1) for steps in logits], name="unrolled")

    def stepping(self) -> keras.Model:
        """One step.

        In: `previous`, `current` `(B, F)`, `features` `(B, F, D)`, keys, `states`; out: `logits` per field, `states`.
        """
        fields = len(self.language.sizes)
        inputs: dict[str, Any] = {
            "previous": keras.Input((fields,), dtype="int32", name="previous"),
            "current": keras.Input((fields,), dtype="int32", name="current"),
            "features": keras.Input((fields, self.language.width), name="features"),
            **self._keys(),
            "states": [
                [keras.Input((size,), name=f"state_{layer}_{n}") for n, size in enumerate(_state_sizes(recurrent.cell))]
                for layer, recurrent in enumerate(self.recurrent)
            ],
        }
        hidden, states = self.advance(inputs["previous"], inputs["features"][:, 0], inputs["states"])
        logits = [
            self.choose(f, hidden, inputs["current"], inputs["features"][:, f], inputs[f"keys_{f}"])
            for f in range(fields)
        ]
        return keras.Model(inputs, {"logits": logits, "states": states}, name="stepping")

    def inference(self, Ty: int) -> keras.Model:
        """One to many over Ty steps.

        In: a request's tables, `noise` `(B, Ty, sum V)`, `given` `(B, Ty, F)`; out: indices `(B, Ty, F)`.
        """
        inputs = self._asking(Ty)
        asked, noise, given = sampling.Request(**inputs["request"]), inputs["noise"], inputs["given"]
        carry = sampling.begin(ops, self.language, self, given[:, 0, 0], asked)
        steps = []
        for t in range(Ty):
            carry = sampling.step(ops, self.language, self, asked, carry, noise[:, t], given[:, t])
            steps.append(carry.standing[:, : given.shape[-1]])
        return keras.Model(inputs, ops.stack(steps, axis=1), name="inference")

    def _asking(self, length: int) -> dict[str, Any]:
        sizes = self.language.sizes

        def tables(kind: str, dtype: str, *shapes: tuple[int | None, ...]) -> tuple[keras.KerasTensor, ...]:
            return tuple(
                keras.Input(batch_shape=shape, dtype=dtype, name=f"{kind}_{f}") for f, shape in enumerate(shapes)
            )

        return {
            "request": {
                "rows": keras.Input(batch_shape=(None, None), dtype="int32", name="rows"),
                "kind": keras.Input(batch_shape=(None,), dtype="int32", name="kind"),
                "extent": keras.Input(batch_shape=(3,), dtype="int32", name="extent"),
                "options": keras.Input(batch_shape=(3,), name="options"),
                "allowed": tables("allowed", "bool", *((None, size) for size in sizes)),
                "following": tables("following", "int32", *((None, size) for size in sizes)),
                "finishable": tables("finishable", "bool", *((None,) for _ in sizes)),
            },
            "noise": keras.Input((length, sum(sizes)), name="noise"),
            "given": keras.Input((length, len(sizes)), dtype="int32", name="given"),
        }

    def compiled_walk(self) -> sampling.Walk:
        """A block of steps as one compiled loop; see `sampling.Walk`."""
        loop = _WalkModel(self)

        def walk(
            asked: sampling.Request, carry: sampling.Carry | None, noise: Any, given: Any
        ) -> tuple[sampling.Carry, Any]:
            given = np.array(given)
            if carry is None:
                carry = sampling.begin(ops, self.language, self, given[:, 0, 0], asked)
            inputs = {"request": asked._asdict(), "carry": carry._asdict(), "noise": noise, "given": given}
            after, steps = loop.predict_on_batch(inputs)
            return sampling.Carry(**after), steps

        return walk


class _WalkModel(keras.Model):
    """The compiled loop around `sampling.step`."""

    def __init__(self, network: SharedNetwork) -> None:
        super().__init__(name="walk")
        self._network = network
        # Keras tracks the variables of layers it finds among the attributes.
        self._used = [*network.embeddings, *network.recurrent, *network.hidden, *network.logits]

    def call(self, inputs: dict[str, Any]) -> tuple[dict[str, Any], Array]:
        network, asked = self._network, sampling.Request(**inputs["request"])
        noise, given = (ops.swapaxes(inputs[name], 0, 1) for name in ("noise", "given"))  # steps first
        length, fields = ops.shape(noise)[0], len(network.language.sizes)

        def body(t: Array, carry: Any, steps: Array) -> tuple[Any, ...]:
            noise_now, given_now = ops.take(noise, t, axis=0), ops.take(given, t, axis=0)
            after = sampling.step(ops, network.language, network, asked, sampling.Carry(*carry), noise_now, given_now)
            return t + 1, tuple(after), ops.slice_update(steps, (t, 0, 0), after.standing[None, :, :fields])

        start = (ops.zeros((), "int32"), tuple(sampling.Carry(**inputs["carry"])), ops.zeros_like(given))
        _, carry, steps = ops.while_loop(lambda t, *_: t < length, body, start)
        return sampling.Carry(*carry)._asdict(), ops.swapaxes(steps, 0, 1)


def _spread(named: Array, groups: Any) -> Array:
    """`named[..., groups]` for constant groups; as a product, whose gradient is another one."""
    if np.array_equal(groups, np.arange(named.shape[-1])):
        return named
    return ops.matmul(named, np.eye(named.shape[-1], dtype=np.float32)[:, groups])


def _state_sizes(cell: Any) -> list[int]:
    sizes = cell.state_size
    return list(sizes) if isinstance(sizes, (list, tuple)) else [sizes]
