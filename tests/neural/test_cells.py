"""The cells in Keras: the contract of all, the backend's gradients beside ours, and every backend installed."""

import importlib.util
import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from musicgen.errors import OptionError, ShapeError
from musicgen.neural.cells import CELLS, PeepholeLSTMCell, cells_of, make_cell, make_layer, put_weights, weights_of
from musicgen.neural.lessons.gradient_check import random_peephole_weights, random_weights
from tests.neural.cell_contract import BACKEND, HAS_FLOAT64, SIBLINGS, check_cell, gradient_parity_error

SINGLE = [name for name, sibling in SIBLINGS.items() if sibling.depth == 1 and not sibling.bidirectional]


LARGE = pytest.param("bidirectional stacked peephole_lstm", marks=pytest.mark.slow)


@pytest.mark.parametrize("name", [LARGE if name == LARGE.values[0] else name for name in SIBLINGS])
def test_every_cell_keeps_the_contract(name, tmp_path):
    check_cell(SIBLINGS[name], tmp_path)


@pytest.mark.parametrize("name", SINGLE)
def test_the_backends_gradients_equal_ours(name):
    assert gradient_parity_error(SIBLINGS[name], "float32") < 1e-5
    if HAS_FLOAT64:
        assert gradient_parity_error(SIBLINGS[name], "float64") < 1e-12


@pytest.mark.slow
@pytest.mark.parametrize("other", ["jax", "torch"])
def test_the_cells_on_another_backend(other, request):
    if other == BACKEND:
        pytest.skip(f"this is the run on {other}")
    if not importlib.util.find_spec(other):
        pytest.skip(f"{other} is not installed")
    command = [sys.executable, "-m", "pytest", __file__, "-q", "-k", "contract or gradients"]
    done = subprocess.run(
        command, cwd=request.config.rootpath, env={**os.environ, "KERAS_BACKEND": other}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.mark.parametrize("name", CELLS)
def test_weights_go_in_and_come_out(name):
    gates, rows = {"simple_rnn": (1, None), "gru": (3, 2)}.get(name, (4, None))
    weights = random_peephole_weights(3, 5) if name == "peephole_lstm" else random_weights(3, 5, gates, bias_rows=rows)
    cell = make_cell(name, 5, dtype="float64" if HAS_FLOAT64 else "float32")
    put_weights(cell, weights)
    out = weights_of(cell)
    assert type(out) is type(weights)
    for ours, theirs in zip(weights, out, strict=True):
        np.testing.assert_allclose(theirs, ours, rtol=1e-7)


def test_a_cell_without_bias_gives_zeros_and_takes_nothing_else():
    cell = make_cell("gru", 5, use_bias=False)
    weights = random_weights(3, 5, 3, bias_rows=2)
    put_weights(cell, weights._replace(bias=np.zeros((2, 15))))
    assert weights_of(cell).bias.tolist() == np.zeros((2, 15)).tolist()
    with pytest.raises(OptionError, match=r"bias: expected zeros, because the cell has none"):
        put_weights(cell, weights)
    with pytest.raises(ShapeError, match=r"kernel: expected \(3, 15\). Received: \(3, 10\)"):
        put_weights(cell, random_weights(3, 5, 2))


def test_a_peephole_lstm_starts_as_an_lstm():
    [cell], x = cells_of(layer := make_layer("peephole_lstm", 4)), np.ones((2, 5, 3), np.float32)
    layer.build(x.shape)
    *shared, peepholes = weights_of(cell)
    assert not peepholes.any()
    twin = make_layer("lstm", 4)
    twin.build(x.shape)
    twin.set_weights(shared)
    np.testing.assert_allclose(*(keras.ops.convert_to_numpy(y(x)) for y in (layer, twin)), atol=1e-6)


def test_stock_cells_are_saved_as_stock_layers():
    for name, kind in CELLS.items():
        layer = make_layer(name, 4)
        assert type(layer) is (kind.layer or keras.layers.RNN)
        assert (keras.saving.get_registered_name(type(cells_of(layer)[0])) == "musicgen>PeepholeLSTMCell") == (
            kind.cell is PeepholeLSTMCell
        )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "elman"}, r"cell: expected one of simple_rnn, gru, lstm, peephole_lstm. Received: 'elman'"),
        ({"units": 0}, r"units: expected a positive integer. Received: 0"),
        ({"dropout": 1.0}, r"dropout: expected at least 0 and less than 1. Received: 1.0"),
        ({"depth": 0}, r"depth: expected 1 or more. Received: 0"),
    ],
    ids=lambda value: "".join(value) if isinstance(value, dict) else "message",
)
def test_settings_out_of_range_are_named(options, message):
    with pytest.raises(OptionError, match=message):
        make_layer(**{"name": "lstm", "units": 4, **options})
