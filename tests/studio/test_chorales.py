"""Chorales through the whole house: harmonised, reproduced, judged; numpy and Keras see the same."""

import csv

import numpy as np
import pytest
from keras import ops

from musicgen.music import files
from musicgen.music.encodings import ChoraleEncoding
from musicgen.music.score import NOTE, Score, Track, table
from musicgen.neural.player import expected_shapes
from musicgen.neural.windows import Corpus
from musicgen.studio.artifact import Artifact
from musicgen.studio.composer import Composer

LINES = ((72, 74, 76, 72, 72, 74, 76, 71), (67, 67, 67, 69), (64, 59, 60, 64), (48, 43, 48, 45))
TUNE = "72 - - - 74 - - - 76 - - - r - - -"


def chorale() -> Score:
    """Four voices in quarters; the soprano has half of them."""
    lines = [table(NOTE, [(48 * t // len(line) * 4, 96, pitch, 80) for t, pitch in enumerate(line)]) for line in LINES]
    return Score(24, tuple(Track(name, n, notes=lines[n]) for n, name in enumerate("SATB")))


@pytest.fixture(scope="module")
def composer() -> Composer:
    """One with weights that nothing taught."""
    made = Composer("chorales", units=4, embedding=2, head=4)
    rng, shapes = np.random.default_rng(5), expected_shapes(made.encoding, made.recipe.network)
    weights = {name: rng.normal(0, 0.3, shape).astype(np.float32) for name, shape in shapes.items()}
    made.artifact = Artifact(made.recipe, made.encoding, weights, (), "")
    return made


def test_numpy_and_keras_see_and_remember_the_same():
    encoding = ChoraleEncoding()
    values, context = encoding.encode(chorale())
    indices = encoding.vocabulary.indices(values)
    memory = Corpus(encoding, [(indices, context.timeline)]).memory
    standing = np.concatenate([indices, memory], axis=-1)
    clock, rows = np.arange(len(indices), dtype=np.int32), np.repeat(context.timeline[:1], len(indices), axis=0)
    on_tensors = [ops.convert_to_tensor(part) for part in (rows, clock, standing)]
    assert np.array_equal(encoding.remembered(ops, *on_tensors[1:]), encoding.remembered(np, clock, standing))
    assert np.array_equal(encoding.features(ops, *on_tensors), encoding.features(np, rows, clock, standing))
    for field in range(4):
        keys = encoding.keys(ops, field, *on_tensors)
        assert np.array_equal(keys, encoding.keys(np, field, rows, clock, standing))


def test_a_tune_is_harmonised_alike_by_both_backends_and_again_from_its_receipt(composer, tmp_path):
    played, compiled = (composer.generate(2, soprano=TUNE, seed=4, backend=name) for name in ("numpy", "compiled"))
    assert [clip.score for clip in played] == [clip.score for clip in compiled]
    assert [note.tolist()[2] for note in played[0].score.tracks[0].notes] == [72, 74, 76]
    played[1].save(tmp_path / "harmonised.mid")
    assert composer.reproduce(files.read(tmp_path / "harmonised.mid")).score == played[1].score


def test_a_primer_goes_on_under_a_tune(composer):
    (clip,) = composer.generate(primer=chorale(), bass="48 - - -", bars=1)
    values, context = composer.encoding.encode(chorale())
    start = composer.encoding.whole_bars(context)
    assert clip.end == start + 16
    assert [note["pitch"] for note in clip.score.tracks[3].notes if note["start"] == start] == [48]
    assert np.array_equal(composer.encoding.encode(clip.score)[0][: len(values)], values)


def test_judging_has_a_row_for_each_voice_of_each_step(composer, tmp_path):
    figures = composer.evaluate([chorale()], per_note=tmp_path / "rows.csv")
    with (tmp_path / "rows.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4 * figures["steps"]
    assert rows[4].keys() == {"file", "voice", "tick", "value", "ln_p"}
    assert -np.mean([float(row["ln_p"]) for row in rows]) == pytest.approx(figures["nats_per_voice_step"], abs=1e-5)
