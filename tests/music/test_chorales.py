"""The chorales encoding: four voices found, there and back, features, given voices."""

from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musicgen.errors import InputError, OptionError
from musicgen.music import files
from musicgen.music.constraints import plan
from musicgen.music.encodings import ChoraleEncoding, quartet
from musicgen.music.encodings.timeline import BAR_START, BAR_TICKS
from musicgen.music.score import KEY, METRE, NOTE, TEMPO, Score, Track, table
from musicgen.music.tunes import ChoraleWishes
from musicgen.music.voices import VOICES, choir
from musicgen.neural import sampling
from tests.contracts import check_encoding, check_grammar, check_request, untaught_player

CHORALES = ChoraleEncoding()
Notes = list[tuple[int, int, int]]  # start, duration, pitch


def track(notes: Notes, name: str = "", channel: int = 0) -> Track:
    return Track(name, channel, notes=table(NOTE, [(*note, 80) for note in notes]))


def chord(start: int, duration: int, *pitches: int) -> Notes:
    return [(start, duration, pitch) for pitch in pitches]


def score(*voices: Notes, resolution: int = 4, names: tuple[str, ...] = VOICES, **context: object) -> Score:
    """A score of a track for each voice."""
    tracks = (track(notes, name, n) for n, (notes, name) in enumerate(zip(voices, names, strict=True)))
    return Score(resolution, tuple(tracks), **context)


def by_voice(columns: object) -> list[object]:
    """What has an entry for each field, soprano to bass."""
    return [columns[quartet.ORDER.index(voice)] for voice in VOICES]


def pitches(indices: object) -> list[object]:
    """Indices of fields as values, soprano to bass."""
    return by_voice([quartet.VALUES[index] for index in indices])


def values(*voices: Notes, **more: object) -> list[list[object]]:
    """Frames of each voice."""
    return by_voice(CHORALES.encode(score(*voices, **more))[0].T.tolist())


def nasty_scores() -> list[Score]:
    """What real files do."""
    long = [(0, 16, 72)]
    return [
        score([(0, 1, 72)], [], [], []),  # one note, three voices that rest throughout
        score(long, [(4, 4, 65)], [(8, 2, 60), (10, 2, 60)], [(15, 1, 48)]),  # waits, a repeated note
        score([(0, 8, 72), (4, 8, 74)], long, [(0, 2, 60), (3, 9, 60)], [(2, 30, 48)]),  # overlaps, rests inside
        score([(0, 40, 72), (40, 40, 74), (80, 40, 76)], [(0, 480, 60)], [], [(7, 1, 50)], resolution=120),  # triplets
        score(long, long, long, long, metres=table(METRE, [(0, 5, 8), (10, 3, 4)])),
        score(long, long, long, long, metres=table(METRE, [(0, 1, 4), (4, 4, 4)])),  # a pickup bar
        score(long, long, long, long, metres=table(METRE, [(0, 3, 32)])),  # bars that the grid cannot hold
        score(
            long, long, long, long, tempos=table(TEMPO, [(0, 500000), (5, 250000)]), keys=table(KEY, [(0, -3, True)])
        ),
        score([(0, 4, 108)], [(0, 4, 21)], [(0, 4, 21)], [(0, 4, 108)]),  # the ends of the range, crossed
    ]


def test_decoding_undoes_encoding():
    check_encoding(CHORALES, nasty_scores())
    check_request(CHORALES)


note = st.tuples(st.integers(0, 300), st.integers(1, 60), st.integers(21, 96))


@settings(max_examples=40)
@given(st.lists(st.lists(note, min_size=1, max_size=12, unique_by=lambda n: n[0]), min_size=4, max_size=4))
def test_decoding_undoes_encoding_of_any_four_lines(lines):
    check_encoding(CHORALES, [score([(0, 24, 60)], *lines[1:], resolution=24)])


@pytest.mark.parametrize("end", [1, 2, 64])
def test_the_grammar_can_be_finished(end):
    check_grammar(CHORALES, end)


def test_every_chorale_comes_back(corpora):
    for path in files.find(corpora / "jsb_chorales" / "valid")[::12]:
        check_encoding(CHORALES, [files.read(path)])


def test_what_is_held_is_told_from_what_is_repeated():
    soprano, alto, tenor, bass = values([(0, 2, 72), (2, 2, 72)], [(1, 3, 65)], [(0, 2, 60)], [(0, 4, 48)])
    assert soprano == [72, "hold", 72, "hold"]
    assert alto == ["rest", 65, "hold", "hold"]
    assert tenor == [60, "hold", "rest", "hold"]
    assert bass == [48, "hold", "hold", "hold"]


# -- which voices


def found(*tracks: Track) -> list[list[int]]:
    """The pitches of each voice, soprano to bass."""
    return [line["pitch"].tolist() for line in choir(Score(4, tracks), 4).lines]


def test_voices_are_found_by_their_names_in_any_order_among_other_tracks():
    names = ("B.", "Tenor (choir)", "Flute", "ALTO", "Sopran")
    tracks = [track([(0, 4, pitch)], name) for name, pitch in zip(names, (70, 71, 90, 72, 73), strict=True)]
    assert found(*tracks, track([(0, 4, 36)], "Bass", channel=9)) == [[73], [72], [71], [70]]


def test_four_tracks_without_such_names_are_voices_from_the_highest_down():
    tracks = (track([(0, 4, pitch)], name) for name, pitch in (("vc", 48), ("v1", 72), ("va", 60), ("v2", 67)))
    assert found(*tracks) == [[72], [67], [60], [48]]


def test_two_staves_hold_two_voices_each():
    upper = track([*chord(0, 4, 72, 67), (4, 8, 74), *chord(4, 4, 65), (8, 4, 64)])
    lower = track([*chord(0, 4, 60, 48), *chord(4, 8, 60, 50)])
    assert found(lower, upper) == [[72, 74], [67, 65, 64], [60, 60], [48, 50]]


def test_one_track_of_chords_is_split_from_the_top_and_a_single_note_goes_to_the_nearest_voice():
    chords = track([*chord(0, 4, 72, 67, 60, 48), (4, 4, 66), *chord(8, 4, 71, 67, 59, 47)])
    assert found(chords) == [[72, 71], [67, 66, 67], [60, 59], [48, 47]]


@pytest.mark.parametrize(
    ("tracks", "received"),
    [
        ([], "no notes"),
        ([track([(0, 1, 36)], channel=9)], "only drums"),
        ([track([(0, 4, 60)])] * 3, "3 tracks"),
        ([track([(0, 4, 60)])], "at most 1 notes at once"),
        ([track(chord(8, 4, 60, 62, 64, 65, 67))], "5 notes at once, 2 quarters from the start"),
        ([track(chord(0, 4, 60, 64))] * 4, "chords"),
        ([track([(0, 4, 110)])] + [track([(0, 4, 60)])] * 3, "110"),
        ([track([(0, 4, 60), (2**31, 4, 60)])] * 4, f"{2**31 + 4}"),
        ([track([(0, 1, 60)], name) for name in VOICES], "no notes long enough"),
    ],
)
def test_what_is_no_choir_is_told(tracks, received):
    resolution = 480 if received.startswith("no notes long") else 4
    with pytest.raises(InputError, match=received):
        CHORALES.encode(Score(resolution, tuple(tracks)))


def test_notes_off_the_grid_are_counted_and_so_are_those_too_short_for_it():
    notes = [(0, 120, 72), (130, 110, 74), (250, 20, 76)]  # on the grid, 10 ticks late, dropped
    _, context = CHORALES.encode(score(notes, [], [], [], resolution=480))
    assert context.moved.tolist() == [0, 10, 20]


# -- what a network sees


def test_what_is_remembered_is_what_sounded():
    indices = CHORALES.vocabulary.indices(CHORALES.encode(nasty_scores()[1])[0])
    standing = CHORALES.blank
    for step in indices[:11]:
        standing = CHORALES.remembered(np, np.array(0), np.concatenate([step, standing[4:]]))
    assert pitches(standing[quartet.SOUNDING]) == [72, "rest", 60, "rest"]
    assert by_voice(standing[quartet.AGES].tolist()) == [10, 2, 0, 10]  # frames since each began
    assert pitches(quartet.before(standing, 7)) == [72, 65, "rest", "rest"]


def test_what_came_next_is_recalled_where_the_last_frames_stood_before():
    line = [(t, 1, pitch) for t, pitch in enumerate([72, 74, 76, 77, 72, 74, 71, 72, 74, 76])]
    bass = [(t, 1, pitch) for t, pitch in enumerate([40, 41, 42, 43, 40, 41, 44, 45, 46, 47])]
    indices = CHORALES.vocabulary.indices(CHORALES.encode(score(line, line, line, bass))[0])
    standing, recalled, alike = CHORALES.blank, [], []
    for step in indices:
        standing = CHORALES.remembered(np, np.array(0), np.concatenate([step, standing[4:]]))
        recalled.append([pitches(standing[columns]) for columns in (quartet.BY_ALL, quartet.BY_SOPRANO)])
        alike.append(standing[quartet.LIKENESS].tolist())
    assert alike[:4] == [[0, 0]] * 4
    assert alike[4:] == [[1, 1], [2, 2], [0, 0], [0, 1], [0, 2], [0, 3]]
    assert recalled[5] == [[76, 76, 76, 42]] * 2
    assert recalled[9] == [["hold"] * 4, [77, 77, 77, 43]]  # by all voices nothing, by the soprano what was under it


def test_a_voice_is_chosen_by_its_intervals_to_what_sounds():
    standing = CHORALES.blank
    for step in (["rest", 65, 60, 48], [72, "hold", 60, "hold"]):
        now = CHORALES.vocabulary.indices(np.array([step], object))[0]
        before, standing = standing, CHORALES.remembered(np, np.array(0), np.concatenate([now, standing[4:]]))
    setting = np.concatenate([now, CHORALES.remembered(np, np.array(0), before)[4:]])  # the second frame, all set
    keys = CHORALES.keys(np, 3, np.zeros(9, int), np.array(1), setting)
    assert [quartet.VALUES[key] for key in keys[3:]] == [48, 72, 65, 60]


def test_transposition_moves_pitches_and_memory_and_nothing_else():
    values = CHORALES.encode(nasty_scores()[2])[0]
    indices = CHORALES.vocabulary.indices(values)
    up = CHORALES.transposed(indices, np.array(3))
    assert np.array_equal(CHORALES.transposed(up, np.array(-3)), indices)
    standing, higher = CHORALES.blank, CHORALES.blank
    for step, step_up in zip(indices, up, strict=True):
        standing = CHORALES.remembered(np, np.array(0), np.concatenate([step, standing[4:]]))
        higher = CHORALES.remembered(np, np.array(0), np.concatenate([step_up, higher[4:]]))
    assert np.array_equal(CHORALES.transposed(standing, np.array(3)), higher)
    assert np.array_equal(CHORALES.transposed(CHORALES.blank, np.array(3)), CHORALES.blank)


def test_pieces_are_transposed_as_far_as_the_vocabulary_goes():
    indices = CHORALES.vocabulary.indices(CHORALES.encode(score([(0, 4, 79)], [(0, 4, 60)], [], [(0, 4, 30)]))[0])
    assert CHORALES.compass(indices) == (-9, 29)
    assert quartet.VALUES[CHORALES.transposed(indices, np.array(-9)).max(axis=1)[0]] == 70


def test_a_pickup_ends_at_the_bar_line():
    _, context = CHORALES.encode(nasty_scores()[5])
    assert ((3 - context.timeline[:, BAR_START]) % context.timeline[:, BAR_TICKS]).tolist() == [15, 15]
    assert CHORALES.whole_bars(context) == 20


# -- what is judged


def test_every_voice_of_every_step_counts_once():
    values, context = CHORALES.encode(
        score([(0, 480, 72)], [(0, 480, 65)], [(0, 480, 60)], [(0, 240, 48)], resolution=480)
    )
    indices = CHORALES.vocabulary.indices(values)
    rows = CHORALES.scored(indices, np.full(indices.shape, 0.5))
    measured = CHORALES.measured(rows)
    assert (measured["steps"], measured["nats_per_voice_step"]) == (4, 0.5)
    assert measured["tenor_perplexity"] == pytest.approx(np.exp(0.5))
    assert list(CHORALES.places(values, context))[8:12] == [
        ("soprano", 240, "hold"),
        ("bass", 240, "rest"),
        ("tenor", 240, "hold"),
        ("alto", 240, "hold"),
    ]


# -- what is asked for


def drawn(wishes: ChoraleWishes, **more: object) -> list[Score]:
    """Three chorales by a network that was taught nothing."""
    context = CHORALES.asked(wishes, **more)
    planned = plan(CHORALES.rules(wishes, context), CHORALES.ticks)
    asked = sampling.request(context.timeline, planned, sampling.SamplingOptions())
    walk = untaught_player(CHORALES).walk
    steps = sampling.sample(walk, CHORALES, asked, clips=range(3), seed=5)
    return [CHORALES.decode(CHORALES.vocabulary.values(row), context) for row in steps]


TUNE = score(
    [(0, 4, 67), (4, 8, 67), (14, 2, 69), (16, 4, 71)], [(0, 16, 60)], [], [], metres=table(METRE, [(0, 3, 4)])
)


def test_a_voice_is_given_by_a_file_or_by_its_tune(tmp_path):
    files.write(TUNE, tmp_path / "tune.mid")
    wishes = ChoraleWishes(soprano=str(tmp_path / "tune.mid"), bass="48 - - -")
    assert wishes.soprano == "67 - - - 67 - - - - - - - r - 69 - 71 - - -"
    assert (wishes.frames, wishes.metre) == (20, "3/4")
    for clip in drawn(wishes):
        assert clip.tracks[0] == CHORALES.quantize(TUNE).tracks[0]
        assert clip.tracks[3].notes[0].tolist()[:3] == (0, 4, 48)
        assert clip.end <= 20
    assert ChoraleWishes(alto=str(tmp_path / "tune.mid")).alto.startswith("60 -")  # its track of that name
    assert ChoraleWishes(**asdict(wishes)) == wishes  # as a receipt has them


def test_a_tune_stands_after_a_primer_and_in_its_bars():
    context = CHORALES.encode(score([(0, 10, 72)], [(0, 10, 65)], [(0, 10, 60)], [(0, 10, 48)]))[1]
    wishes = ChoraleWishes(soprano="67 - r r 69 -", bars=2)
    asked = CHORALES.asked(wishes, context)
    assert asked.end == 16 + 32
    allowed = CHORALES.rules(wishes, asked).allowed[0][0]
    assert [quartet.VALUES[k] for k in allowed[16:22].argmax(axis=1)] == [67, "hold", "rest", "hold", 69, "hold"]
    assert allowed[16:22].sum() == 6
    assert not allowed[22, quartet.HELD]  # its last note ends there
    assert allowed[22, quartet.HELD + 1 :].all()
    assert allowed[23:].all()


def test_a_tune_with_a_pickup_keeps_its_bars():
    wishes = ChoraleWishes(soprano="67 - - - 72 - - - 71 - - - 69 - - - 67 - - -", pickup=4)
    context = CHORALES.asked(wishes)
    assert context.end == 20
    assert context.frame.metres.tolist() == [(0, 4, 16), (4, 4, 4)]


def test_a_given_voice_is_cut_to_the_bars():
    wishes = ChoraleWishes(bass="48 -" + " -" * 40, bars=2)
    assert len(wishes.given["bass"]) == len(wishes.bass.split()) == 32


@pytest.mark.parametrize(
    ("wishes", "words"),
    [
        ({"soprano": "nowhere.mid"}, "soprano: nowhere.mid: expected"),
        ({"alto": "12 -"}, "alto: expected pitches from 21 to 108. Received: 12"),
        ({"alto": "- 60"}, "alto: expected a tune that begins with a pitch or a rest"),
        ({"bars": 0}, "bars: expected a whole number from 1"),
        ({"metre": "3/32"}, "metre: expected bars of whole sixteenths. Received: 3/32"),
        ({"pickup": 16}, "pickup: expected a whole number from 0 to 15"),
        ({"tempo_bpm": 5.0}, "tempo: expected 10 to 500"),
    ],
)
def test_what_cannot_be_asked_for_is_told(wishes, words):
    with pytest.raises(InputError, match=words):
        ChoraleWishes(**wishes)


def test_options_of_another_kind_are_refused():
    with pytest.raises(OptionError, match="soprano: expected words"):
        ChoraleWishes(soprano=67)
