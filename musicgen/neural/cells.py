"""The recurrent cells in Keras: three that Keras has, and the peephole LSTM, which is ours.

A cell is one time step; the loop over time is Keras's `RNN`. The cells compute what
`musicgen.neural.reference` writes down, on any Keras backend, and `weights_of` and `put_weights` carry the
same arrays between the two. A stock cell is made, and saved, as the stock Keras class. To load a saved
model with a peephole LSTM, import this module first: Keras knows the class only then.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from musicgen.errors import OptionError
from musicgen.neural.reference.weights import PeepholeWeights, Weights, expect


@keras.saving.register_keras_serializable(package="musicgen")
class PeepholeLSTMCell(keras.layers.LSTMCell):
    """An LSTM cell whose gates also see the cell state: the Keras form of `reference.peephole_lstm_step`.

    i, f = sigmoid(x W + h U + b + p * c)     g = tanh(x W + h U + b)     c' = f * c + i * g
    o = sigmoid(x W + h U + b + p * c')       h' = o * tanh(c')

    Args:
        units: H.
        peephole_initializer: of the three vectors p, `(3, H)`, in the order i, f, o. With zeros, the
            default, training starts from a plain LSTM.
        **options: those of `keras.layers.LSTMCell`. Each kind of dropout draws one mask for all gates.

    Call: inputs `(B, D)`, states [h, c], `(B, H)` each; gives h' and [h', c'].

    Gers & Schmidhuber 2000.
    """

    def __init__(self, units: int, peephole_initializer: Any = "zeros", **options: Any) -> None:
        super().__init__(units, **options)
        self.peephole_initializer = keras.initializers.get(peephole_initializer)
        self.dropout_mask_count = None  # one mask; the parent draws one per gate with recurrent dropout

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        self.peepholes = self.add_weight(shape=(3, self.units), name="peepholes", initializer=self.peephole_initializer)

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        h, c = states
        if training and self.dropout > 0:
            inputs = inputs * self.get_dropout_mask(inputs)
        h_in = h * self.get_recurrent_dropout_mask(h) if training and self.recurrent_dropout > 0 else h
        z = ops.matmul(inputs, self.kernel) + ops.matmul(h_in, self.recurrent_kernel)
        if self.bias is not None:
            z = z + self.bias
        z_i, z_f, z_g, z_o = ops.split(z, 4, axis=1)
        i = self.recurrent_activation(z_i + self.peepholes[0] * c)
        f = self.recurrent_activation(z_f + self.peepholes[1] * c)
        c_next = f * c + i * self.activation(z_g)
        o = self.recurrent_activation(z_o + self.peepholes[2] * c_next)
        h_next = o * self.activation(c_next)
        return h_next, [h_next, c_next]

    def get_config(self) -> dict[str, Any]:
        initializer = keras.initializers.serialize(self.peephole_initializer)
        return {**super().get_config(), "peephole_initializer": initializer}


class CellKind(NamedTuple):
    """One kind of cell: its class, the stock layer that loops over it, and its states."""

    cell: type[keras.layers.Layer]
    layer: type[keras.layers.Layer] | None  # None: looped by keras.layers.RNN
    states: tuple[str, ...]  # ("h",) or ("h", "c"), `(B, H)` each, in Keras's order


CELLS = {
    "simple_rnn": CellKind(keras.layers.SimpleRNNCell, keras.layers.SimpleRNN, ("h",)),
    "gru": CellKind(keras.layers.GRUCell, keras.layers.GRU, ("h",)),
    "lstm": CellKind(keras.layers.LSTMCell, keras.layers.LSTM, ("h", "c")),
    "peephole_lstm": CellKind(PeepholeLSTMCell, None, ("h", "c")),
}
"""The cells, by the name that a recipe uses."""


def cell_kind(name: str) -> CellKind:
    """The kind of cell of that name; OptionError lists the known ones."""
    try:
        return CELLS[name]
    except KeyError:
        raise OptionError(f"cell: expected one of {', '.join(CELLS)}. Received: {name!r}.") from None


def make_cell(name: str, units: int, dropout: float = 0.0, recurrent_dropout: float = 0.0, **options: Any) -> Any:
    """A Keras cell: one time step.

    Args:
        name: `simple_rnn`, `gru`, `lstm` or `peephole_lstm`.
        units: H, at least 1.
        dropout: share of the inputs dropped while training, 0 to 1.
        recurrent_dropout: share of the hidden state dropped while training, 0 to 1.
        **options: what that Keras class takes, for example `reset_after=False` for the course's GRU.

    Raises:
        OptionError: a setting out of its range; names it.
    """
    kind = cell_kind(name)
    _check_options(units, dropout, recurrent_dropout)
    return kind.cell(units, dropout=dropout, recurrent_dropout=recurrent_dropout, **options)


def make_layer(
    name: str,
    units: int,
    depth: int = 1,
    bidirectional: bool = False,
    dropout: float = 0.0,
    recurrent_dropout: float = 0.0,
    return_sequences: bool = True,
    return_state: bool = False,
    **options: Any,
) -> Any:
    """A Keras layer that runs cells over time: `(B, T, D)` to `(B, T, H)`, or `(B, T, 2H)` in both directions.

    One stock cell gives its stock layer, with Keras's fast kernels; more than one, or ours, a
    `keras.layers.RNN`. In a stack the hidden state of layer l is the input of layer l + 1, a^{[l+1]<t>}
    from a^{[l]<t>}. A bidirectional layer runs a second one from the end to the beginning and joins both
    hidden states at each time step, so it reads a whole sequence and cannot write one.

    Args:
        name: `simple_rnn`, `gru`, `lstm` or `peephole_lstm`.
        units: H of every cell.
        depth: how many cells are stacked.
        bidirectional: also from the end to the beginning.
        dropout, recurrent_dropout: as in `make_cell`.
        return_sequences: every hidden state, not the last only.
        return_state: the last states too; for depth 1, first h, then c where there is one.
        **options: what the Keras class of the cell takes.

    Raises:
        OptionError: a setting out of its range; names it.
    """
    if depth < 1:
        raise OptionError(f"depth: expected 1 or more. Received: {depth!r}.")
    stock = cell_kind(name).layer
    returns = {"return_sequences": return_sequences, "return_state": return_state}
    settings = {"dropout": dropout, "recurrent_dropout": recurrent_dropout, **options}
    if depth == 1 and stock is not None:
        _check_options(units, dropout, recurrent_dropout)
        layer = stock(units, **settings, **returns)
    else:
        cells = [make_cell(name, units, **settings) for _ in range(depth)]
        cell = cells[0] if depth == 1 else keras.layers.StackedRNNCells(cells, dtype=options.get("dtype"))
        layer = keras.layers.RNN(cell, **returns, dtype=options.get("dtype"))
    return keras.layers.Bidirectional(layer, dtype=options.get("dtype")) if bidirectional else layer


def cells_of(layer: Any) -> list[Any]:
    """The cells in a layer, from the first to the last; of a bidirectional one the forward cells come first."""
    if isinstance(layer, keras.layers.Bidirectional):
        return cells_of(layer.forward_layer) + cells_of(layer.backward_layer)
    if isinstance(layer, keras.layers.StackedRNNCells):
        return list(layer.cells)
    return cells_of(layer.cell) if hasattr(layer, "cell") else [layer]


def weights_of(cell: Any) -> Weights | PeepholeWeights:
    """A built cell's weights as numpy arrays, in the shapes and gate order of `musicgen.neural.reference`.

    A cell without bias gives a bias of zeros. For a layer: `[weights_of(c) for c in cells_of(layer)]`.
    """
    kernel, recurrent_kernel = (ops.convert_to_numpy(v) for v in (cell.kernel, cell.recurrent_kernel))
    bias = np.zeros(_bias_shape(cell), kernel.dtype) if cell.bias is None else ops.convert_to_numpy(cell.bias)
    if isinstance(cell, PeepholeLSTMCell):
        return PeepholeWeights(kernel, recurrent_kernel, bias, ops.convert_to_numpy(cell.peepholes))
    return Weights(kernel, recurrent_kernel, bias)


def put_weights(cell: Any, weights: Weights | PeepholeWeights) -> None:
    """Set a cell's weights; the inverse of `weights_of`. A cell not yet built is built for them.

    Raises:
        ShapeError: an array does not fit the cell; names it.
        OptionError: the cell has no bias, but a bias that is not zero was given.
    """
    if not cell.built:
        cell.build((None, len(weights.kernel)))
    for name, array in weights._asdict().items():
        variable = getattr(cell, name)
        expect(name, array, _bias_shape(cell) if variable is None else tuple(variable.shape))
        if variable is not None:
            variable.assign(array)
        elif np.any(array):
            raise OptionError("bias: expected zeros, because the cell has none. Received: other numbers.")


def _bias_shape(cell: Any) -> tuple[int, ...]:
    width = int(cell.kernel.shape[1])
    return (2, width) if getattr(cell, "reset_after", False) else (width,)


def _check_options(units: int, dropout: float, recurrent_dropout: float) -> None:
    if not (isinstance(units, int) and units > 0):
        raise OptionError(f"units: expected a positive integer. Received: {units!r}.")
    for name, share in (("dropout", dropout), ("recurrent_dropout", recurrent_dropout)):
        if not 0 <= share < 1:
            raise OptionError(f"{name}: expected at least 0 and less than 1. Received: {share!r}.")
