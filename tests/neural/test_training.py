"""Training: forms, seeds, resuming, stopping."""

import importlib.util
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from musicgen.errors import ArtifactError, NumericalError, OptionError
from musicgen.neural import training
from musicgen.neural.networks.shared import SharedNetwork
from musicgen.neural.options import NetworkOptions, TrainingOptions
from musicgen.neural.windows import Corpus
from tests.neural.languages import TOY, toy_pieces

SMALL = NetworkOptions(units=8, embedding=4, head=8, dropout=0.2)
SHORT = TrainingOptions(Tx=8, batch=4, epochs=2, seed=4)
TRAIN, VALID = Corpus(TOY, toy_pieces(8, 1)), Corpus(TOY, toy_pieces(2, 2))


def trained(options=SHORT, network_options=SMALL, **more):
    network = SharedNetwork(TOY, network_options, options.seed)
    journal = training.fit(network, TRAIN, VALID, options=options, **more)
    return network.named_weights(), journal


def difference(one, other):
    """Largest difference, relative to each weight's size."""
    return max(float(np.abs(one[name] - other[name]).max() / max(np.abs(one[name]).max(), 1e-9)) for name in one)


def test_the_unrolled_and_the_scanned_form_learn_the_same():
    one, still = replace(SHORT, epochs=1, Tx=5), replace(SMALL, dropout=0.0)
    scanned, _ = trained(one, still)
    unrolled, _ = trained(replace(one, form="unrolled"), still)
    start = SharedNetwork(TOY, still, one.seed).named_weights()
    assert difference(start, scanned) > 1e-3
    assert difference(scanned, unrolled) < 1e-5


def test_the_same_seed_gives_the_same_weights_and_another_others():
    assert difference(trained()[0], trained()[0]) == 0
    assert difference(trained()[0], trained(replace(SHORT, seed=5))[0]) > 1e-3


def test_a_run_that_was_cut_goes_on_as_if_it_had_not_been(tmp_path):
    whole, journal = trained(replace(SHORT, epochs=3))
    trained(replace(SHORT, epochs=1), checkpoint=tmp_path / "checkpoint")
    resumed, again = trained(replace(SHORT, epochs=3), checkpoint=tmp_path / "checkpoint", resume=True)
    assert difference(whole, resumed) == 0
    assert [row["loss"] for row in journal.history] == [row["loss"] for row in again.history]


def test_ctrl_c_keeps_the_best():
    seen = []

    def stop(progress):
        seen.append(progress)
        if progress.epoch == 2:
            raise KeyboardInterrupt

    stopped, journal = trained(replace(SHORT, epochs=9), report=stop)
    best, _ = trained(replace(SHORT, epochs=1))
    assert journal.interrupted
    assert journal.epoch == 1
    assert difference(stopped, best) == 0
    assert seen[-1].steps_per_second > 0


def test_training_stops_when_nothing_gets_better():
    options = replace(SHORT, epochs=10_000, patience=1, learning_rate=0.5)
    assert trained(options)[1].epoch < 60


def test_minutes_are_a_limit():
    assert trained(replace(SHORT, epochs=10_000, minutes=0.05))[1].seconds < 30


def test_a_loss_that_is_no_number_is_an_error():
    network = SharedNetwork(TOY, SMALL)
    network.set_weights({name: weight * np.nan for name, weight in network.named_weights().items()})
    with pytest.raises(NumericalError, match="epoch 1: expected a finite loss"):
        training.fit(network, TRAIN, VALID, options=SHORT)


def test_a_checkpoint_of_another_network_is_refused(tmp_path):
    trained(replace(SHORT, epochs=1), checkpoint=tmp_path / "checkpoint")
    with pytest.raises(ArtifactError, match="expected a checkpoint of this network"):
        trained(network_options=replace(SMALL, units=9), checkpoint=tmp_path / "checkpoint", resume=True)
    with pytest.raises(ArtifactError, match="no such file"):
        trained(checkpoint=tmp_path / "none", resume=True)


@pytest.mark.parametrize("bad", [{"Tx": 0}, {"minutes": 0}, {"form": "rolled"}, {"learning_rate": -1}, {"seed": -1}])
def test_settings_out_of_range_are_refused(bad):
    with pytest.raises(OptionError, match="expected"):
        replace(SHORT, **bad)


SMOKE = """
import sys; sys.path.insert(0, ".")
import numpy as np
from tests.neural.test_forms import test_unrolled_scanned_stepping_and_player_agree as forms
from tests.neural.test_forms import test_all_ways_to_sample_draw_the_same as sampling
from tests.neural.test_training import trained
weights, journal = trained()
assert journal.epoch == 2 and all(np.isfinite(weight).all() for weight in weights.values())
forms("lstm"); sampling("lstm")
"""


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_networks_on_another_backend(backend):
    if not importlib.util.find_spec(backend):
        pytest.skip(f"{backend} is not installed")
    environment = os.environ | {"KERAS_BACKEND": backend}
    done = subprocess.run([sys.executable, "-c", SMOKE], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
