"""The jazz encoding: nasty documents there and back, features and grammar."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicgen.errors import InputError
from musicgen.music import files
from musicgen.music.encodings import JazzEncoding
from musicgen.music.encodings import timeline as columns
from musicgen.music.melody import melody
from musicgen.music.score import METRE, NOTE, TEMPO, Score, Text, Track, table
from musicgen.music.theory import chords_from_markers
from tests.contracts import check_encoding, check_grammar, check_request

JAZZ = JazzEncoding()


def line(*notes: tuple[int, int, int], resolution: int = 24, **context: object) -> Score:
    """A score of one track from (start, duration, pitch)."""
    rows = table(NOTE, [(start, duration, pitch, 80) for start, duration, pitch in notes])
    return Score(resolution, (Track("solo", notes=rows),), **context)


def nasty_scores() -> list[Score]:
    """What real files do."""
    return [
        line((0, 24, 60)),
        line((0, 96, 60), (12, 96, 62), (12, 5, 64)),  # overlaps, two notes on one tick
        line((0, 8, 60), (8, 8, 61), (16, 8, 62)),  # triplets
        line((250, 1, 0), (346, 1, 127), (346 + 96 * 3, 2, 64)),  # long waits, a wait of exactly 96
        line((7, 3, 60), (1001, 5000, 62), resolution=480),  # off the grid, longer than the longest
        line((0, 24, 60), metres=table(METRE, [(0, 5, 8), (60, 3, 4)])),
        line((24, 24, 60), metres=table(METRE, [(0, 1, 4), (24, 4, 4)])),  # a pickup bar
        line((0, 24, 60), tempos=table(TEMPO, [(0, 500000), (24, 250000)])),
        line((0, 24, 60), markers=(Text(0, "Dm7"), Text(48, "G7alt"), Text(96, "NC"), Text(120, "Intro"))),
    ]


def test_decoding_undoes_encoding():
    check_encoding(JAZZ, nasty_scores())
    check_request(JAZZ)


@given(
    st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 200), st.integers(0, 127)), min_size=1, max_size=30),
    st.sampled_from([24, 96, 100, 480, 960]),
)
def test_decoding_undoes_encoding_of_any_line(notes, resolution):
    check_encoding(JAZZ, [line(*notes, resolution=resolution)])


def test_every_solo_comes_back(corpora):
    for path in files.find(corpora / "wjazzd")[::12]:
        check_encoding(JAZZ, [files.read(path)])


def test_chords_are_heard_where_none_are_written():
    tune = table(NOTE, [(0, 480, 76, 80), (480, 480, 79, 80), (960, 960, 74, 80)])
    triads = [(0, 960, pitch, 60) for pitch in (48, 52, 55)] + [(960, 960, pitch, 60) for pitch in (43, 47, 50)]
    score = Score(480, (Track("flute", notes=tune), Track("piano", notes=table(NOTE, triads))))
    _, context = JAZZ.encode(score)
    assert context.chords_from == "inferred"
    assert [str(chord) for _, chord in chords_from_markers(context.frame.markers)] == ["C", "G"]
    _, alone = JAZZ.encode(score.with_tracks(score.tracks[0]))
    assert alone.chords_from == "none"
    check_encoding(JAZZ, [score])


def test_the_line_can_be_chosen():
    names = ("alto sax", "tenor sax", "drums")
    tracks = [
        Track(name, channel=9 * (name == "drums"), notes=line((0, 24, 60 + n)).tracks[0].notes)
        for n, name in enumerate(names)
    ]
    for choice, pitch in (("2", 61), ("alto sax", 60), ("*TENOR*", 61)):
        values, context = JAZZ.choosing(choice).encode(Score(24, tuple(tracks)))
        assert values[0, 1] == pitch
        assert context.source.name in names
    with pytest.raises(InputError, match=r"1 alto sax, 2 tenor sax, 3 drums \(drums\)"):
        JAZZ.choosing("trumpet").encode(Score(24, tuple(tracks)))


def test_a_silence_no_piece_has_is_refused():
    with pytest.raises(InputError, match="expected rests of at most 1000 whole notes"):
        JAZZ.encode(line((0, 24, 60), (2**31, 24, 60)))


def test_steps_are_onset_pitch_duration_and_waits_are_rest_steps():
    values, _ = JAZZ.encode(line((12, 6, 60), (12 + 100, 24, 62)))
    assert values.tolist() == [[12, 60, 6], [96, 128, 0], [4, 62, 24]]


def test_a_wait_counts_as_one_class():
    steps = np.array([[12, 60, 6], [96, 128, 0], [96, 128, 0], [4, 62, 24], [12, 60, 6]])
    nats = np.arange(15).reshape(5, 3)
    assert JAZZ.scored(steps, nats).tolist() == [[3, 10, 11], [12, 13, 14]]  # all but the piece's first note


def test_notes_off_the_grid_are_counted_in_the_files_own_ticks():
    _, context = JAZZ.encode(line((7, 20, 60), (40, 20, 62), resolution=480))
    assert context.moved.tolist() == [7, 0]


def test_the_timeline_knows_bars_and_chords():
    score = line((0, 24, 60), metres=table(METRE, [(0, 3, 4)]), markers=(Text(0, "Dm7"), Text(72, "G7")))
    _, context = JAZZ.encode(score)
    now, then = context.timeline
    assert (now[columns.BAR_TICKS], now[columns.ROOT], now[columns.NEXT_ROOT], now[columns.NEXT_TICK]) == (72, 2, 7, 72)
    assert then[columns.CHORD] == sum(1 << pc for pc in (7, 11, 2, 5))


def test_the_line_is_the_track_that_is_named_so():
    chords = Track("chords", notes=table(NOTE, [(0, 96, pitch, 60) for pitch in (60, 64, 67)]))
    solo = Track("Solo", notes=table(NOTE, [(0, 24, 50, 60)]))
    assert melody(Score(24, (chords, solo))) == solo
    high = Track("", notes=table(NOTE, [(24 * k, 24, 70, 60) for k in range(8)]))
    assert melody(Score(24, (chords, high))) == high


@pytest.mark.parametrize(
    ("score", "received"),
    [
        (Score(24), "no notes"),
        (Score(24, (Track("solo", channel=9, notes=table(NOTE, [(0, 1, 36, 90)])),)), "only drums"),
    ],
)
def test_without_a_line_there_is_nothing_to_encode(score, received):
    with pytest.raises(InputError, match=f"expected a line of notes. Received: {received}"):
        JAZZ.encode(score)


@pytest.mark.parametrize("end", [1, 24, 97, 768])
def test_the_grammar_can_be_finished(end):
    check_grammar(JAZZ, end)
