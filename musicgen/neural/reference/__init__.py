"""The recurrent cells in numpy, forward and backward: equations only.

This is the specification that every other form of a cell in this project is held to. It is
not the fast way to train (that is Keras), and it knows no music, no files and no masks.

Conventions
    Batch first: inputs `x` are `(B, T, D)`, hidden states `hs` are `(B, T, H)`; a step takes one
    `(B, D)` and the state `(B, H)`. Weights have Keras's shapes and Keras's order of gates: LSTM
    i, f, c, o; GRU z, r, h. Arrays stay float32 or float64 as they are given.
    Every cell comes as four functions: `NAME_step`, `NAME_step_backward` (one time step) and
    `NAME`, `NAME_backward` (a whole sequence). A forward function returns its results and a cache;
    the backward function takes the upstream gradients and that cache. `dhs` is the gradient of
    every hidden state, from outside; what flows back through time is added inside.

The course's letters beside ours
    The course writes columns, one example per column; we write rows. Its a, also written
    c in the GRU, is our h; its layer l, time t, example i and unit j stand around the letter:
    a^{[l]<t>(i)}_j is `hs[i, t, j]` of layer l (all counted from 0 here, from 1 there).

        ours            course                    Hinton      what it does
        i (LSTM)        Gamma_u, also Gamma_i     write       how much of the candidate goes in
        f               Gamma_f                   keep        how much of the old cell stays
        o               Gamma_o                   read        how much of the cell is shown
        g               c~                                    the candidate, Keras's `c` block
        c               c                                     the cell state
        r               Gamma_r                               how much the candidate sees of h
        1 - z           Gamma_u (GRU)                         Keras's z keeps, the course's u lets in

    One matrix per gate: W_a = [W_aa | W_ax] acts on the stacked column [a; x]. With 100 units and
    a one-hot input of 10,000 words, W_aa is 100 x 100, W_ax 100 x 10,000 and W_a 100 x 10,100.
    Ours are the transposed halves: `recurrent_kernel = W_aa.T`, `kernel = W_ax.T`; see
    `weights_from_course` and `weights_to_course`.

Sources stand with each cell. Back-propagation through time: Werbos 1990.
"""

from musicgen.neural.reference.activations import ACTIVATIONS, sigmoid
from musicgen.neural.reference.clipping import clip_by_norm, clip_by_value, global_norm
from musicgen.neural.reference.gru_cell import (
    gru,
    gru_backward,
    gru_step,
    gru_step_backward,
    simplified_gru,
    simplified_gru_backward,
    simplified_gru_step,
    simplified_gru_step_backward,
)
from musicgen.neural.reference.lstm_cell import lstm, lstm_backward, lstm_step, lstm_step_backward
from musicgen.neural.reference.outputs import (
    binary_cross_entropy,
    binary_cross_entropy_backward,
    cross_entropy,
    cross_entropy_backward,
    dense,
    dense_backward,
    softmax,
    softmax_backward,
    softmax_cross_entropy,
    softmax_cross_entropy_backward,
)
from musicgen.neural.reference.peephole_lstm_cell import (
    peephole_lstm,
    peephole_lstm_backward,
    peephole_lstm_step,
    peephole_lstm_step_backward,
)
from musicgen.neural.reference.simple_rnn_cell import (
    simple_rnn,
    simple_rnn_backward,
    simple_rnn_step,
    simple_rnn_step_backward,
)
from musicgen.neural.reference.weights import PeepholeWeights, Weights, weights_from_course, weights_to_course

__all__ = [
    "ACTIVATIONS",
    "PeepholeWeights",
    "Weights",
    "binary_cross_entropy",
    "binary_cross_entropy_backward",
    "clip_by_norm",
    "clip_by_value",
    "cross_entropy",
    "cross_entropy_backward",
    "dense",
    "dense_backward",
    "global_norm",
    "gru",
    "gru_backward",
    "gru_step",
    "gru_step_backward",
    "lstm",
    "lstm_backward",
    "lstm_step",
    "lstm_step_backward",
    "peephole_lstm",
    "peephole_lstm_backward",
    "peephole_lstm_step",
    "peephole_lstm_step_backward",
    "sigmoid",
    "simple_rnn",
    "simple_rnn_backward",
    "simple_rnn_step",
    "simple_rnn_step_backward",
    "simplified_gru",
    "simplified_gru_backward",
    "simplified_gru_step",
    "simplified_gru_step_backward",
    "softmax",
    "softmax_backward",
    "softmax_cross_entropy",
    "softmax_cross_entropy_backward",
    "weights_from_course",
    "weights_to_course",
]
