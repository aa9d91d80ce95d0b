"""Which line: found by name and by ear, chosen, and its top line taken where a track plays chords."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicgen.errors import InputError
from musicgen.music import files
from musicgen.music.melody import melody, number
from musicgen.music.score import NOTE, Score, Track, table
from musicgen.music.traits import name_marks, top

TUNE = [(0, 60), (24, 62), (36, 64), (48, 67), (72, 65), (84, 64), (96, 62), (144, 60), (168, 64), (180, 67), (192, 72)]


def track(name: str, notes: Sequence[tuple[int, int, int]], **more: int) -> Track:
    return Track(name, notes=table(NOTE, [(*note, 80) for note in notes]), **more)


def a_tune(name: str = "", up: int = 12) -> Track:
    return track(name, [(start, 12, pitch + up) for start, pitch in TUNE])


def chords(name: str = "") -> Track:
    return track(name, [(start, 48, pitch) for start in range(0, 240, 48) for pitch in (60, 64, 67, 71)])


def bass(name: str = "") -> Track:
    return track(name, [(start, 24, 36 + start // 24 % 5) for start in range(0, 240, 24)])


def pad(name: str = "") -> Track:
    return track(name, [(start, 96, 76 + start // 96) for start in range(0, 240, 96)])


def drums(name: str = "") -> Track:
    return track(name, [(start, 6, 42) for start in range(0, 240, 6)], channel=9)


BAND = Score(24, (drums("kit"), chords(), bass(), a_tune(), pad()))


@pytest.mark.parametrize("order", [(0, 1, 2, 3, 4), (4, 3, 2, 1, 0), (2, 3, 0, 4, 1)])
def test_among_nameless_tracks_the_tune_is_heard(order):
    assert melody(BAND.with_tracks(*(BAND.tracks[n] for n in order))) == a_tune()


@pytest.mark.parametrize("name", ["Melodie", "MELODÍA", "Lead Vocals", "voz", "Solo 1", "主旋律", "멜로디", "Мелодия"])
def test_a_name_outweighs_the_ear(name):
    low = replace(bass(), name=name)
    assert melody(BAND.with_tracks(*BAND.tracks, low)) == low


@pytest.mark.parametrize(
    "name", ["Chords", "Bass", "Akkorde", "Drum pad", "左 伴奏", "Left hand", "Begleitung", "Basse"]
)
def test_some_names_speak_against_it(name):
    assert name_marks(name) < 0
    assert name_marks("Alto Sax") > 0 == name_marks("Accordion") == name_marks("Bassoon") == name_marks("Track 3")


def test_chosen_by_number_name_and_pattern():
    score = BAND.with_tracks(a_tune("2"), bass("Tenor Sax [low]"), pad("Alto Sax"), drums("sax drums"))
    assert melody(score, "2") == score.tracks[1], "a number before a name"
    assert melody(score, "tenor sax [low]") == score.tracks[1], "a name before a pattern"
    assert melody(score, "alto*") == melody(score, " ALTO SAX ") == score.tracks[2]
    assert melody(score, "*sax*") in score.tracks[1:3]
    assert [number(score, melody(score, one)) for one in "123"] == [1, 2, 3]


@pytest.mark.parametrize("choice", ["0", "6", "1", "*flute*", "kit", "tune", "[", "-1"])
def test_a_choice_that_is_none_lists_the_tracks(choice):
    named = BAND.with_tracks(*BAND.tracks[:3], a_tune("A tune"), pad())
    with pytest.raises(InputError) as refused:
        melody(named, choice)
    expected = "1 kit (drums), 2 without a name, 3 without a name, 4 A tune, 5 without a name"
    assert str(refused.value) == (f'expected a pitched track whose number or name is "{choice}". Received: {expected}')


def test_of_a_thousand_tracks_an_error_names_a_few():
    with pytest.raises(InputError, match=r"20 t19 and 980 more$"):
        melody(Score(24, tuple(a_tune(f"t{n}") for n in range(1000))), "none")


def test_of_two_hands_in_one_track_the_top_line_is_taken():
    hands = [tuple(row)[:3] for part in (chords(), a_tune()) for row in part.notes.tolist()]
    both = track("Piano \0", hands)
    line = melody(Score(24, (both,)))
    assert line.name == "Piano, top line"
    assert line.notes.tolist() == a_tune().notes.tolist()
    assert melody(Score(24, (line,))) == line, "what was written from it is read as it is"
    assert number(Score(24, (drums(), both)), line) == 2


def test_a_grace_or_an_overlap_makes_no_chord():
    legato = track("", [(24 * n, 30, 60 + 5 * n % 12) for n in range(20)])
    assert melody(Score(24, (legato,))) == legato
    with_one_chord = track("", [*[(n, d, p) for n, d, p, _ in legato.notes.tolist()], (48, 24, 48)])
    assert melody(Score(24, (with_one_chord,))) == with_one_chord


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 100), st.integers(0, 127)), max_size=40))
def test_a_top_line_has_a_top_line_that_is_itself(notes):
    played = track("", notes).notes
    line = played[top(played, 24)]
    assert len(np.unique(line["start"])) == len(line)
    assert bool(len(line)) == bool(notes)
    assert line[top(line, 24)].tolist() == line.tolist()
    if notes:
        assert played["pitch"].max() in line["pitch"]


@pytest.mark.parametrize(
    ("corpus", "place", "share"), [("wjazzd", "solo", 1.0), ("nottingham", 0, 1.0), ("jsb_chorales", 0, 0.94)]
)
def test_with_names_hidden_the_line_of_a_corpus_is_heard(corpora: Path, corpus: str, place: str | int, share: float):
    heard = []
    for path in files.find(corpora / corpus)[::8]:
        score = files.read(path)
        if len(score.tracks) > 1:
            names = [one.name for one in score.tracks]
            hidden = score.with_tracks(*(replace(one, name="", program=0) for one in score.tracks))
            heard.append(number(hidden, melody(hidden)) == 1 + (names.index(place) if place in names else 0))
    assert np.mean(heard) >= share
