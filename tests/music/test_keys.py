"""Keys: what music21 says, without its cost."""

from __future__ import annotations

import numpy as np
import pytest
from music21 import note, stream

from musicgen.music.keys import likely_key, pitch_class_ticks
from musicgen.music.score import NOTE, Track, table


@pytest.mark.parametrize("seed", range(12))
def test_the_key_is_the_one_music21_finds(seed: int):
    ticks = np.random.default_rng(seed).dirichlet(np.full(12, 0.5)) * 100
    piece = stream.Stream([note.Note(60 + pc, quarterLength=float(length)) for pc, length in enumerate(ticks)])
    found = piece.analyze("key")
    ours, mode = likely_key(ticks).split()
    assert mode == found.mode
    assert note.Note(ours.replace("b", "-")).pitch.pitchClass == found.tonic.pitchClass


def test_drums_have_no_key():
    scale = Track(notes=table(NOTE, [(0, 9, 60 + pitch, 80) for pitch in (0, 2, 3, 5, 7, 8, 11, 12, 12)]))
    drums = Track(channel=9, notes=table(NOTE, [(0, 900, 42, 80)]))
    ticks = pitch_class_ticks([scale, drums])
    assert ticks.tolist() == [27, 0, 9, 9, 0, 9, 0, 9, 9, 0, 0, 9]
    assert likely_key(ticks) == "C minor"
    assert likely_key(pitch_class_ticks([drums])) == ""
