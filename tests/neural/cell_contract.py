"""The contract of every recurrent layer: one function, `check_cell`, that all siblings pass on every Keras backend.

A sibling says how to make its layer and how to compute the same in numpy; the rest is asked of all alike.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from musicgen.neural import reference as ref
from musicgen.neural.cells import cells_of, make_layer, put_weights, weights_of

B, T, D, H = 2, 5, 3, 4
BACKEND = keras.backend.backend()
HAS_FLOAT64 = BACKEND == "tensorflow"  # jax has it switched off; on torch Keras 3.15 multiplies float64 in float32


class Sibling(NamedTuple):
    """One kind of recurrent layer. `states` is how many each cell has, `reference` its sequence function."""

    cell: str
    states: int
    reference: Callable[..., Any]
    backward: Callable[..., Any]
    options: tuple[tuple[str, Any], ...] = ()
    depth: int = 1
    bidirectional: bool = False

    def layer(self, **more: Any) -> Any:
        """The layer under test, not yet built: all hidden states, and the last states."""
        keras.utils.set_random_seed(1)
        options = {**dict(self.options), **more}
        return make_layer(self.cell, H, self.depth, self.bidirectional, return_state=True, **options)

    def in_numpy(self, x: Any, weights: list[Any]) -> tuple[Any, list[Any]]:
        """Hidden states `(B, T, H)` or `(B, T, 2H)`, and the last states in Keras's order."""
        if self.bidirectional:
            forth, last_forth = self._one_way(x, weights[: self.depth])
            back, last_back = self._one_way(x[:, ::-1], weights[self.depth :])
            return np.concatenate([forth, back[:, ::-1]], axis=2), last_forth + last_back
        return self._one_way(x, weights)

    def _one_way(self, x: Any, weights: list[Any]) -> tuple[Any, list[Any]]:
        last = []
        for cell in weights:
            zeros = [np.zeros((len(x), H), x.dtype)] * self.states
            *states, _ = self.reference(x, *zeros, cell)
            last += [s[:, -1] for s in states]
            x = states[0]
        return x, last


def check_cell(sibling: Sibling, folder: Path) -> None:
    """All that a recurrent layer owes."""
    _check_parity(sibling, "float32", 1e-5)
    if HAS_FLOAT64:
        _check_parity(sibling, "float64", 1e-12)
    _check_states_continue(sibling)
    _check_masking(sibling)
    _check_config(sibling)
    _check_save_and_load(sibling, folder)
    _check_training(sibling)
    _check_mixed_precision(sibling)
    _check_dropout(sibling)


def built(layer: Any, dtype: str = "float32", seed: int = 2) -> tuple[Any, Any]:
    """The layer with random weights, biases too, and random inputs."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(B, T, D)).astype(dtype)
    layer(x)
    for cell in cells_of(layer):
        old = weights_of(cell)
        put_weights(cell, type(old)(*(random.normal(scale=0.5, size=a.shape).astype(a.dtype) for a in old)))
    return layer, x


def run(layer: Any, x: Any, **options: Any) -> tuple[Any, list[Any]]:
    """Hidden states and last states, as numpy arrays."""
    hs, *states = layer(x, **options)
    return to_numpy(hs), [to_numpy(s) for s in keras.tree.flatten(states)]


def to_numpy(tensor: Any) -> Any:
    """A tensor as a numpy array; bfloat16, which numpy lacks, as float32."""
    lacking = keras.backend.standardize_dtype(tensor.dtype) == "bfloat16"
    return ops.convert_to_numpy(ops.cast(tensor, "float32") if lacking else tensor)


def parity_error(sibling: Sibling, dtype: str) -> float:
    """The largest difference between the Keras layer and the numpy reference on the same weights."""
    layer, x = built(sibling.layer(dtype=dtype), dtype)
    hs, states = run(layer, x)
    expected_hs, expected_states = sibling.in_numpy(x, [weights_of(c) for c in cells_of(layer)])
    assert hs.shape == (B, T, H * (1 + sibling.bidirectional))
    assert [s.shape for s in states] == [(B, H)] * sibling.states * sibling.depth * (1 + sibling.bidirectional)
    pairs = zip([hs, *states], [expected_hs, *expected_states], strict=True)
    assert hs.dtype == expected_hs.dtype == np.dtype(dtype)
    return max(float(np.abs(a - b).max()) for a, b in pairs)


def _check_parity(sibling: Sibling, dtype: str, tolerance: float) -> None:
    assert parity_error(sibling, dtype) <= tolerance


def _check_states_continue(sibling: Sibling) -> None:
    if sibling.bidirectional:
        return  # it needs the whole sequence
    layer, x = built(sibling.layer())
    whole, _ = run(layer, x)
    first, *states = layer(x[:, :2])
    rest, _ = run(layer, x[:, 2:], initial_state=states)
    np.testing.assert_allclose(np.concatenate([to_numpy(first), rest], axis=1), whole, atol=1e-6)


def _check_masking(sibling: Sibling) -> None:
    layer, x = built(sibling.layer())
    mask = np.ones((B, T), bool)
    mask[0, 3:] = False  # the first row is three steps long
    _, padded = run(layer, x, mask=mask)
    _, short = run(layer, x[:, :3])
    _, whole = run(layer, x)
    for state, of_short, of_whole in zip(padded, short, whole, strict=True):
        np.testing.assert_allclose(state[0], of_short[0], atol=1e-6)
        np.testing.assert_allclose(state[1], of_whole[1], atol=1e-6)


def _check_config(sibling: Sibling) -> None:
    layer, x = built(sibling.layer())
    twin, _ = built(type(layer).from_config(layer.get_config()))
    np.testing.assert_allclose(run(twin, x)[0], run(layer, x)[0], atol=1e-6)


def _check_save_and_load(sibling: Sibling, folder: Path) -> None:
    layer, x = built(sibling.layer())
    inputs = keras.Input((None, D))
    path = folder / "layer.keras"
    keras.Model(inputs, layer(inputs)[0]).save(path)
    loaded = keras.models.load_model(path, safe_mode=True)
    np.testing.assert_allclose(to_numpy(loaded(x)), run(layer, x)[0], atol=1e-6)


def _check_training(sibling: Sibling) -> None:
    layer, x = built(sibling.layer())
    inputs = keras.Input((T, D))
    model = keras.Model(inputs, layer(inputs)[0])
    model.compile("sgd", "mse", run_eagerly=BACKEND != "jax", jit_compile=False)
    before = [w.copy() for w in layer.get_weights()]
    target = np.zeros((B, T, H * (1 + sibling.bidirectional)), np.float32)
    losses = [float(model.train_on_batch(x, target)) for _ in range(3)]
    assert losses[-1] < losses[0]
    assert all(np.any(a != b) for a, b in zip(before, layer.get_weights(), strict=True))


def _check_mixed_precision(sibling: Sibling) -> None:
    layer, x = built(sibling.layer(dtype="mixed_bfloat16"))
    exact, _ = built(sibling.layer())
    output = layer(x)[0]
    assert keras.backend.standardize_dtype(output.dtype) == "bfloat16"
    assert {v.dtype for v in layer.trainable_variables} == {"float32"}
    np.testing.assert_allclose(to_numpy(output), run(exact, x)[0], atol=0.05)


def _check_dropout(sibling: Sibling) -> None:
    plain, x = built(sibling.layer())
    dropping, _ = built(sibling.layer(dropout=0.5, recurrent_dropout=0.5, seed=3))
    np.testing.assert_allclose(run(dropping, x, training=False)[0], run(plain, x)[0], atol=1e-6)
    assert np.abs(run(dropping, x, training=True)[0] - run(plain, x)[0]).max() > 1e-3


def keras_gradients(sibling: Sibling, layer: Any, x: Any, states: list[Any], upstream: list[Any]) -> list[Any]:
    """What the backend's own differentiation says: gradients of x, the states, each weight of the one cell."""
    if BACKEND == "tensorflow":
        return _tensorflow_gradients(layer, x, states, upstream)
    return (
        _jax_gradients(layer, x, states, upstream) if BACKEND == "jax" else _torch_gradients(layer, x, states, upstream)
    )


def _loss(outputs: Any, upstream: list[Any]) -> Any:
    """Sum of dhs * hs, and of dc_last * c_last where there is a cell state."""
    hs, *last = outputs
    results = [hs, *last[1:]]  # the last h is in hs already
    return sum(ops.sum(r * ops.convert_to_tensor(d)) for r, d in zip(results, upstream, strict=True))


def _tensorflow_gradients(layer: Any, x: Any, states: list[Any], upstream: list[Any]) -> list[Any]:
    import tensorflow as tf

    sources = [tf.constant(a) for a in (x, *states)]
    variables = [v.value for v in layer.trainable_variables]
    with tf.GradientTape() as tape:
        tape.watch(sources)
        loss = _loss(layer(sources[0], initial_state=sources[1:]), upstream)
    return [g.numpy() for g in tape.gradient(loss, sources + variables)]


def _jax_gradients(layer: Any, x: Any, states: list[Any], upstream: list[Any]) -> list[Any]:
    import jax

    fixed = [v.value for v in layer.non_trainable_variables]

    def loss(sources: list[Any], variables: list[Any]) -> Any:
        outputs, _ = layer.stateless_call(variables, fixed, sources[0], initial_state=sources[1:])
        return _loss(outputs, upstream)

    gradients = jax.grad(loss, argnums=(0, 1))([x, *states], [v.value for v in layer.trainable_variables])
    return [np.asarray(g) for part in gradients for g in part]


def _torch_gradients(layer: Any, x: Any, states: list[Any], upstream: list[Any]) -> list[Any]:
    import torch

    sources = [torch.tensor(a, requires_grad=True) for a in (x, *states)]
    loss = _loss(layer(sources[0], initial_state=sources[1:]), upstream)
    variables = [v.value for v in layer.trainable_variables]
    return [g.numpy() for g in torch.autograd.grad(loss, sources + variables)]


def gradient_parity_error(sibling: Sibling, dtype: str) -> float:
    """The largest relative difference between the backend's gradients and the reference's backward pass."""
    layer, x = built(sibling.layer(dtype=dtype), dtype)
    random = np.random.default_rng(4)
    states = [random.normal(size=(B, H)).astype(dtype) for _ in range(sibling.states)]
    upstream = [
        random.normal(size=(B, T, H)).astype(dtype),
        *(random.normal(size=(B, H)).astype(dtype),) * (sibling.states - 1),
    ]
    [cell] = cells_of(layer)
    *_, cache = sibling.reference(x, *states, weights_of(cell))
    *dinputs, dweights = sibling.backward(upstream[0], cache, *upstream[1:])
    theirs = keras_gradients(sibling, layer, x, states, upstream)
    return max(
        float(np.linalg.norm(a - b) / np.linalg.norm(a)) for a, b in zip([*dinputs, *dweights], theirs, strict=True)
    )


SIBLINGS = {
    "simple_rnn": Sibling("simple_rnn", 1, ref.simple_rnn, ref.simple_rnn_backward),
    "gru": Sibling("gru", 1, ref.gru, ref.gru_backward),
    "gru reset before": Sibling(
        "gru", 1, lambda *a: ref.gru(*a, reset_after=False), ref.gru_backward, (("reset_after", False),)
    ),
    "lstm": Sibling("lstm", 2, ref.lstm, ref.lstm_backward),
    "peephole_lstm": Sibling("peephole_lstm", 2, ref.peephole_lstm, ref.peephole_lstm_backward),
    "stacked lstm": Sibling("lstm", 2, ref.lstm, ref.lstm_backward, depth=2),
    "bidirectional gru": Sibling("gru", 1, ref.gru, ref.gru_backward, bidirectional=True),
    "bidirectional stacked peephole_lstm": Sibling(
        "peephole_lstm", 2, ref.peephole_lstm, ref.peephole_lstm_backward, depth=2, bidirectional=True
    ),
}
