"""Likeness: the same notes, nearly the same line, and neither."""

from __future__ import annotations

import numpy as np
import pytest

from musicgen.music.likeness import alike, fingerprint, sketch, twins
from musicgen.music.score import NOTE, Score, Table, Track, table


def tune(seed: int, notes: int = 200) -> Table:
    chance = np.random.default_rng(seed)
    starts, pitches = np.cumsum(chance.choice([6, 12, 24], notes)), chance.integers(55, 80, notes)
    return table(NOTE, [(start, 6, pitch, 80) for start, pitch in zip(starts, pitches, strict=True)])


def moved(notes: Table, up: int = 0, times: int = 1, later: int = 0) -> Table:
    changed = notes.copy()
    changed["pitch"] += up
    changed["start"] = (changed["start"] + later) * times
    changed["duration"] *= times
    return table(NOTE, changed)


def test_a_line_is_known_at_any_pitch_place_and_resolution():
    one = sketch(tune(1), 24)
    for other in (moved(tune(1), up=7), moved(tune(1), later=96)):
        assert alike(one, sketch(other, 24)) == 1
    assert alike(one, sketch(moved(tune(1), times=20), 480)) == 1
    assert alike(one, sketch(tune(2), 24)) == 0


@pytest.mark.parametrize(("changed", "least", "most"), [(2, 0.8, 0.95), (6, 0.45, 0.8), (60, 0.0, 0.2)])
def test_each_changed_note_takes_a_little(changed: int, least: float, most: float):
    notes = tune(3).copy()
    notes["pitch"][np.linspace(10, 190, changed).astype(int)] += 1
    assert least < alike(sketch(tune(3), 24), sketch(table(NOTE, notes), 24)) <= most + 0.05


def test_twins_are_the_earlier_and_the_likest():
    few = tune(5, notes=8)
    lines = [tune(1), tune(2), few, moved(tune(1), up=3), tune(3), moved(tune(2), later=7), few, table(NOTE)]
    found = twins([sketch(line, 24) for line in lines])
    assert [None if twin is None else twin.place for twin in found] == [None, None, None, 0, None, 1, None, None]


def test_many_copies_are_all_known():
    assert [twin and twin.share for twin in twins([sketch(tune(1), 24)] * 60)] == [None] + [1.0] * 59


def test_a_fingerprint_is_of_the_notes_alone():
    low, high = (Track(name, notes=tune(n)) for n, name in ((1, "a"), (2, "b")))
    same = Score(480, tuple(Track("x", 3, 7, moved(track.notes, times=20)) for track in (high, low)))
    assert fingerprint(Score(24, (low, high))) == fingerprint(same)
    others = [
        Score(24, (low,)),
        Score(24, (low, Track(channel=9, notes=high.notes))),
        Score(24),
        Score(48, (low, high)),
    ]
    assert len({fingerprint(score) for score in (same, *others)}) == 5
