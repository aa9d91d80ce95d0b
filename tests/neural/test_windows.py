"""Windows: every step once, inputs that are targets one step before, clocks and weights."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from musicgen.neural.windows import Corpus
from tests.neural.languages import TIMELINE, TOY, toy_pieces


@given(st.integers(1, 50), st.integers(1, 8))
def test_tiles_hold_every_step_once(length, count):
    pieces = toy_pieces(count, seed=length)
    seen = [[] for _ in pieces]
    corpus = Corpus(TOY, pieces)
    windows = corpus.tiles(length)
    for (piece, _), row in zip(windows, range(len(windows)), strict=True):
        batch = corpus.batch(windows[row : row + 1], length)
        real = batch.weights[0][0] > 0
        seen[piece].append(np.stack([target[0][real] for target in batch.targets], axis=-1))
    for (steps, _), rows in zip(pieces, seen, strict=True):
        assert np.array_equal(np.concatenate(rows), steps)


def test_inputs_are_the_step_before_and_the_first_has_none():
    steps, _ = toy_pieces(1)[0]
    batch = Corpus(TOY, [(steps, TIMELINE)]).batch(np.array([[0, 0], [0, 2]]), 3)
    assert batch.inputs["previous"][0].tolist() == [[5, 7], *steps[:2].tolist()]
    assert batch.inputs["previous"][1].tolist() == steps[1:4].tolist()
    assert batch.inputs["current"][1].tolist() == steps[2:5].tolist()


def test_weights_sum_to_one_per_field_and_padding_has_none():
    pieces = toy_pieces(3)
    batch = Corpus(TOY, pieces).batch(np.array([[0, 0], [1, 0], [2, 0]]), 64)
    assert all(np.isclose(weights.sum(), 1) for weights in batch.weights)
    assert batch.counted == sum(len(steps) for steps, _ in pieces)


def test_features_are_at_the_clock_and_the_fields_as_they_stand():
    steps = np.array([[4, 1], [4, 2], [4, 3]])
    batch = Corpus(TOY, [(steps, TIMELINE)]).batch(np.array([[0, 1]]), 2)
    # clock 4, row 0, letter before 1, remembered 1; then after a wait of 4: clock 8
    assert batch.inputs["features"][0, 0].argmax(-1).tolist() == [(4 + 0 + 1 + 2) % 3, (8 + 0 + 1 + 2) % 3]
    # at clock 12 the second row of the timeline holds
    assert batch.inputs["features"][0, 1].argmax(-1).tolist() == [(8 + 0 + 2 + 4) % 3, (12 + 1 + 2 + 4) % 3]


def test_memory_is_carried_from_each_piece_s_start():
    pieces = [(np.array([[2, 1], [1, 2], [1, 3], [2, 4]]), TIMELINE), (np.array([[1, 5], [1, 6]]), TIMELINE)]
    corpus = Corpus(TOY, pieces)  # the letter of a step that ends at an even clock is remembered
    assert corpus.memory[:, 0].tolist() == [7, 1, 1, 3, 7, 7]


def test_no_piece_is_transposed_out_of_its_compass():
    corpus = Corpus(TOY, toy_pieces(2))
    corpus.compass = np.array([[-1, 2], [0, 0]])
    moved = corpus._transpositions(np.repeat([0, 1], 50), np.random.default_rng(0), (-5, 6))
    assert set(moved[:50].tolist()) == {-1, 0, 1, 2}
    assert set(moved[50:].tolist()) == {0}


def test_shuffled_windows_stay_inside_their_piece():
    corpus = Corpus(TOY, toy_pieces(9))
    windows = corpus.shuffled(8, np.random.default_rng(0))
    assert len(windows) == len(corpus.tiles(8))
    assert (windows[:, 1] >= 0).all()
    assert (windows[:, 1] <= np.maximum(corpus.lengths[windows[:, 0]] - 8, 0)).all()
