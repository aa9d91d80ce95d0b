"""Several forms, one set of weights: the third law, for every cell."""

import keras
import numpy as np
import pytest

from musicgen.errors import ArtifactError, ShapeError
from musicgen.neural import sampling
from musicgen.neural.networks.shared import SharedNetwork
from musicgen.neural.options import CELLS, NetworkOptions
from musicgen.neural.player import Player
from musicgen.neural.sampling import SamplingOptions
from musicgen.neural.windows import Corpus
from tests.neural.languages import TIMELINE, TOY, toy_pieces, toy_plan

LENGTH = 6


def network_of(cell: str = "lstm", layers: int = 2, seed: int = 3) -> SharedNetwork:
    options = NetworkOptions(cell=cell, layers=layers, units=12, head=10, embedding=5, dropout=0.0)
    network = SharedNetwork(TOY, options, seed)
    rng = np.random.default_rng(seed)  # biases and peepholes start at zero, where a mistake would not show
    weights = network.named_weights()
    network.set_weights({name: rng.normal(0, 0.4, weight.shape).astype("f") for name, weight in weights.items()})
    return network


def batch():
    return Corpus(TOY, toy_pieces(6)).batch(np.array([[p, 0] for p in range(6)]), LENGTH)


def same(one, other):
    """The third law's tolerance."""
    scale = max(1.0, float(np.abs(other).max()))
    return float(np.abs(one - other).max()) <= 1e-5 * scale


@pytest.mark.parametrize("cell", CELLS)
def test_unrolled_scanned_stepping_and_player_agree(cell):
    network, inputs = network_of(cell), batch().inputs
    scanned = network.scanned().predict_on_batch(inputs)
    unrolled = network.unrolled(LENGTH).predict_on_batch(inputs)
    played = Player(TOY, network.options, network.named_weights()).scan(**inputs)
    stepped = stepped_through(network, inputs)
    for f in range(2):
        for other in (unrolled[f], played[f], stepped[f]):
            assert same(other, scanned[f])


def stepped_through(network, inputs):
    step, states = network.stepping(), network.initial_states(inputs["previous"][:, 0, 0])
    logits = [[], []]
    for t in range(LENGTH):
        now = {name: keras.ops.convert_to_tensor(value[:, t]) for name, value in inputs.items()}
        found = step(now | {"states": states})
        states = found["states"]
        for f in range(2):
            logits[f].append(keras.ops.convert_to_numpy(found["logits"][f]))
    return [np.stack(rows, axis=1) for rows in logits]


@pytest.mark.parametrize(
    "cell", ["lstm", *(pytest.param(cell, marks=pytest.mark.slow) for cell in CELLS if cell != "lstm")]
)
def test_all_ways_to_sample_draw_the_same(cell):
    network = network_of(cell)
    player = Player(TOY, network.options, network.named_weights())
    asked = sampling.request(TIMELINE, toy_plan(40, last=5), SamplingOptions(0.9, 0.95, 4))
    drawn = [
        sampling.sample(walk, TOY, asked, clips=range(5), seed=2) for walk in (player.walk, network.compiled_walk())
    ]
    assert np.array_equal(*drawn)
    noise = np.stack([sampling.gumbel(2, clip, 0, TOY.sizes)[:3] for clip in range(5)])
    given = np.full((5, 3, 2), sampling.FREE, np.int32)
    unrolled = network.inference(3).predict_on_batch({"request": asked._asdict(), "noise": noise, "given": given})
    assert np.array_equal(unrolled, drawn[0][:, :3])


def test_forms_of_stock_cells_load_elsewhere_in_safe_mode(tmp_path):
    network = network_of("lstm")
    for form in (network.scanned(), network.unrolled(LENGTH), network.inference(3)):
        form.save(tmp_path / "form.keras")
        again = keras.models.load_model(tmp_path / "form.keras", safe_mode=True)
        assert [w.shape for w in again.get_weights()] == [w.shape for w in form.get_weights()]


def test_a_seed_gives_one_network_whatever_the_form():
    one, other = network_of(seed=5), network_of(seed=5)
    one.unrolled(4)
    assert all(np.array_equal(a, other.named_weights()[name]) for name, a in one.named_weights().items())


def test_weights_that_do_not_fit_are_named():
    network, weights = network_of(), network_of().named_weights()
    weights["rnn_0/kernel"] = weights["rnn_0/kernel"][1:]
    with pytest.raises(ShapeError, match=r"weight rnn_0/kernel: expected shape"):
        network.set_weights(weights)
    with pytest.raises(ArtifactError, match=r"weight rnn_0/kernel: expected shape"):
        Player(TOY, network.options, weights)
