"""The events encoding: nasty documents there and back, rules that narrow, wishes, memory."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicgen.errors import InputError, OptionError
from musicgen.music import files, instruments
from musicgen.music.constraints import plan
from musicgen.music.encodings import EventEncoding
from musicgen.music.encodings.events import memory
from musicgen.music.encodings.events.features import DENSITY, PLAYERS, STRETCH
from musicgen.music.encodings.events.grid import MOST
from musicgen.music.encodings.events.wishes import EventWishes
from musicgen.music.score import CONTROLLER, KEY, METRE, NOTE, TEMPO, Score, Track, table
from musicgen.neural import sampling
from musicgen.neural.options import NetworkOptions
from musicgen.neural.player import Player, expected_shapes
from musicgen.neural.windows import Corpus
from tests.contracts import check_encoding, check_grammar, check_request

EVENTS = EventEncoding()


def track(*notes: tuple[int, ...], program: int = 0, channel: int = 0, **more: Any) -> Track:
    """A track from (start, duration, pitch) or (start, duration, pitch, velocity)."""
    rows = table(NOTE, [(*note, 80)[:4] for note in notes])
    return Track("", channel, program, rows, **more)


def piece(*tracks: Track, resolution: int = 24, **context: Any) -> Score:
    return Score(resolution, tracks, **context)


def nasty_scores() -> list[Score]:
    """What real files do."""
    return [
        piece(track((0, 24, 60))),
        piece(track((0, 8, 60), (8, 8, 61), (16, 8, 62))),  # triplets
        piece(track((0, 24, 64), (0, 24, 60), (0, 12, 60), (0, 24, 60, 20))),  # three times the same note
        piece(track((0, 96, 60), (12, 5, 60), (14, 200, 60)), track((0, 50, 60), program=40)),  # struck while sounding
        piece(track(*((0, 9, pitch, max(pitch, 1)) for pitch in range(128)))),  # more than a tick can hold
        piece(track((250, 1, 0), (346, 1, 127), (346 + 96 * 3, 2, 64))),  # long waits, a wait of exactly 96
        piece(track((7, 3, 60, 1), (1001, 50000, 62, 127), (1001, 0, 63)), resolution=480),
        piece(track((0, 24, 36), (0, 24, 42), channel=9), track((0, 24, 36), program=33, channel=1)),
        piece(*(track((k, 30, 60 + k % 3), program=k) for k in range(40))),  # more instruments than channels
        piece(track((0, 24, 60)), metres=table(METRE, [(0, 5, 8), (60, 3, 4)]), keys=table(KEY, [(0, -3, True)])),
        piece(track((24, 24, 60)), metres=table(METRE, [(0, 1, 4), (24, 4, 4)])),  # a pickup bar
        piece(track((0, 24, 60)), tempos=table(TEMPO, [(0, 500000), (24, 250000), (2**40, 400000)])),
    ]


def test_decoding_undoes_encoding():
    check_encoding(EVENTS, nasty_scores())
    check_request(EVENTS)


notes = st.tuples(st.integers(0, 1500), st.integers(0, 500), st.integers(0, 127), st.integers(1, 127))
tracks = st.builds(
    lambda rows, program, channel: track(*rows, program=program, channel=channel),
    st.lists(notes, min_size=1, max_size=30),
    st.sampled_from([0, 1, 32, 127]),
    st.sampled_from([0, 3, 9]),
)


@given(st.lists(tracks, min_size=1, max_size=4), st.sampled_from([24, 96, 100, 480, 960]))
def test_decoding_undoes_encoding_of_any_piece(parts, resolution):
    check_encoding(EVENTS, [piece(*parts, resolution=resolution)])


@pytest.mark.parametrize("end", [1, 24, 97, 768])
def test_the_grammar_can_be_finished(end):
    check_grammar(EVENTS, end)


def test_every_file_comes_back(corpora):
    for folder in ("jsb_chorales", "wjazzd", "nottingham"):
        for path in files.find(corpora / folder)[::97]:
            check_encoding(EVENTS, [files.read(path)])


def test_steps_ascend_and_waits_are_rest_steps():
    drums = track((12, 6, 36, 100), channel=9)
    score = piece(drums, track((12, 24, 64), (12, 24, 60), (112, 400, 62), program=40))
    values, _ = EVENTS.encode(score)
    notes = [
        [12, 40, 60, 24, 82],
        [0, 40, 64, 24, 82],
        [0, 128, 36, 6, 102],
        [96, 129, 128, 0, 0],
        [4, 40, 62, 384, 82],
    ]
    assert values.tolist() == notes


def test_of_too_many_notes_the_loudest_stay():
    loud = [(0, 24, pitch, 100) for pitch in range(40, 40 + MOST)]
    _, context = EVENTS.encode(piece(track(*loud, (0, 24, 30, 50), (0, 96, 90, 50), (24, 1, 30, 50))))
    assert context.dropped == 2
    assert context.source.notes["pitch"].tolist() == [*range(40, 40 + MOST), 30]


def test_a_note_that_is_struck_again_ends_there():
    held = EVENTS.quantize(piece(track((0, 96, 60), (50, 24, 60), (51, 24, 61))))
    assert held.tracks[0].notes["duration"].tolist() == [48, 24, 24]


def test_the_pedal_of_the_channel_lengthens_notes():
    moves = table(CONTROLLER, [(0, 64, 127), (10, 7, 0), (48, 64, 0), (90, 64, 64)])
    pedal = Track("pedal", 0, controllers=moves)
    held = EVENTS.quantize(piece(pedal, track((0, 12, 60), (24, 96, 62), (60, 12, 64), (84, 12, 65))))
    assert held.tracks[0].notes["duration"].tolist() == [48, 96, 12, 36]  # the last until the piece ends
    assert EVENTS.quantize(piece(pedal, track((0, 12, 36), channel=9))).tracks[0].notes["duration"].tolist() == [12]


def test_an_instrument_is_a_track_and_sixteen_share_channels():
    score = piece(*(track((k, 30, 60), program=k) for k in range(16)), track((0, 1, 40), program=7, channel=9))
    held = EVENTS.quantize(score).tracks
    assert [t.channel for t in held] == [*range(9), *range(10, 16), 0, 9]
    assert (held[6].name, held[6].program, held[-1].name) == ("harpsichord", 6, "drums")


def test_a_file_keeps_what_is_held(tmp_path):
    for score in nasty_scores():
        held = EVENTS.quantize(score)
        files.write(held, tmp_path / "held.mid")
        assert EVENTS.quantize(files.read(tmp_path / "held.mid")) == held


@pytest.mark.parametrize(
    ("score", "received"),
    [(Score(24), "none"), (piece(track((2**31, 1, 60)), resolution=1), "one of 2147483649")],
)
def test_what_cannot_be_encoded_is_told(score, received):
    with pytest.raises(InputError, match=f"Received: {received}"):
        EVENTS.encode(score)


def test_notes_off_the_grid_are_counted_in_the_files_own_ticks():
    values, context = EVENTS.encode(piece(track((7, 20, 60), (40, 20, 62), (90, 20, 64)), resolution=480))
    assert context.moved.tolist() == [7, 0, 10]
    assert list(EVENTS.places(values, context)) == [("acoustic grand piano", 40, 62), ("acoustic grand piano", 90, 64)]


def test_a_wait_counts_as_one_class():
    steps = np.array([[12, 0, 60, 6, 9], [96, 129, 128, 0, 0], [96, 129, 128, 0, 0], [4, 0, 62, 24, 9]])
    nats = np.arange(20).reshape(4, 5)
    assert EVENTS.scored(steps, nats).tolist() == [[5, 16, 17, 18, 19]]


def test_every_combination_of_wishes_is_learned_from():
    notes = [(24 * k, 24, 60) for k in range(4 * 32)]  # one a quarter, four stretches and a bit
    _, context = EVENTS.encode(piece(track(*notes, program=40)))
    told = {tuple(row) for row in context.timeline[:, [PLAYERS, DENSITY]].tolist()}
    assert told == {(0, 0), (0, 2), (1 << 5, 0), (1 << 5, 2)}
    assert context.timeline[:, 0].tolist() == [0, STRETCH, 2 * STRETCH, 3 * STRETCH]


# What stands.


def standing_after(*steps: tuple[int, ...]) -> np.ndarray:
    """What stands after some steps from the first tick on, `(F + memory,)`."""
    indices = EVENTS.vocabulary.indices(steps)
    clock, standing = 0, EVENTS.blank
    for step in indices:
        clock += int(EVENTS.ticks[0][step[0]])
        standing = EVENTS.remembered(np, np.int32(clock), np.concatenate([step, standing[5:]]))
    return standing


def heard(standing: np.ndarray) -> list[tuple[int, int, int]]:
    """Voice, start and end of what is remembered."""
    known = memory.notes(standing)
    return sorted(row for row in zip(*(part.tolist() for part in known), strict=True) if row[2])


def test_a_long_note_is_remembered_while_short_ones_pass():
    short = [(6, 0, 60 + k % 12, 3, 82) for k in range(40)]
    standing = standing_after((0, 40, 48, 384, 82), *short, (96, 129, 128, 0, 0), (0, 0, 50, 24, 82))
    assert len(heard(standing)) == memory.SLOTS
    assert heard(standing)[-1] == (40 * 128 + 48, 0, 384)
    assert standing[[memory.CLOCK, memory.PLAYER, memory.STRUCK]].tolist() == [336, 0, 1]


@given(st.lists(tracks, min_size=1, max_size=3), st.integers(-12, 12))
def test_memory_of_transposed_music_is_transposed_memory(parts, semitones):
    values, context = EVENTS.encode(piece(*parts))
    indices = EVENTS.vocabulary.indices(values)
    up = int(np.clip(semitones, *EVENTS.compass(indices)))
    one, other = (Corpus(EVENTS, [(steps, context.timeline)]) for steps in (indices, EVENTS.transposed(indices, up)))
    whole = [np.concatenate([corpus.steps.astype(np.int32), corpus.memory], axis=-1) for corpus in (one, other)]
    assert np.array_equal(EVENTS.transposed(whole[0], up), whole[1])
    assert np.array_equal(EVENTS.transposed(whole[1], -up), whole[0])


def test_notes_of_a_tick_ascend_and_do_not_strike_what_sounds():
    standing = standing_after((0, 5, 60, 48, 82), (0, 5, 64, 6, 82))
    onset_zero = np.concatenate([[0], standing[1:]])
    players = EVENTS.narrowed(np, 1, onset_zero)
    assert np.flatnonzero(players)[0] == 5
    pitches = EVENTS.narrowed(np, 2, onset_zero)
    assert np.flatnonzero(pitches)[0] == 65
    later = np.concatenate([[12], standing[1:]])
    assert EVENTS.narrowed(np, 1, later).all()
    assert np.flatnonzero(~EVENTS.narrowed(np, 2, later)).tolist() == [60]  # 64 has ended


def test_a_full_tick_takes_no_more():
    standing = standing_after(*((0, 0, 40 + k, 6, 82) for k in range(MOST)))
    assert np.flatnonzero(~EVENTS.narrowed(np, 0, standing)).tolist() == [0]
    assert EVENTS.narrowed(np, 0, standing_after((0, 0, 40, 6, 82))).all()


def test_a_compiled_loop_sees_the_same():
    from keras import ops

    values, context = EVENTS.encode(piece(*nasty_scores()[7].tracks, *nasty_scores()[8].tracks))
    steps = EVENTS.vocabulary.indices(values)
    memories = Corpus(EVENTS, [(steps, context.timeline)]).memory
    standing = np.concatenate([np.concatenate([steps, memories], axis=-1), EVENTS.blank[None]]).astype(np.int32)
    rows, clock = np.repeat(context.timeline[:1], len(standing), axis=0), np.arange(len(standing), dtype=np.int32)
    for field in range(5):
        keys = ops.convert_to_numpy(EVENTS.keys(ops, field, rows, clock, standing))
        assert np.array_equal(keys, EVENTS.keys(np, field, rows, clock, standing))
        allowed = EVENTS.narrowed(ops, field, standing)
        assert allowed is None or np.array_equal(allowed, EVENTS.narrowed(np, field, standing))
    assert np.array_equal(EVENTS.features(ops, rows, clock, standing), EVENTS.features(np, rows, clock, standing))
    after = EVENTS.remembered(ops, clock[:-1], standing[:-1])
    assert np.array_equal(after, EVENTS.remembered(np, clock[:-1], standing[:-1]))
    assert ops.convert_to_numpy(after).dtype == np.int32


# What is asked for.


def random_player(slope: float) -> Player:
    """A player with random weights that crowds notes on one tick, high up or, with a `slope` below 0, far down."""
    options, rng = NetworkOptions(units=4, embedding=4, head=8), np.random.default_rng(5)
    shapes = expected_shapes(EVENTS, options)
    weights = {name: rng.normal(0, 0.2, shape).astype(np.float32) for name, shape in shapes.items()}
    weights["head_0/logits/bias"][0] += 8  # onset 0
    weights["head_2/logits/bias"][:128] += slope * np.arange(128, dtype=np.float32)
    return Player(EVENTS, options, weights)


def drawn(wishes: EventWishes, primer: Score | None = None, slope: float = 0.1) -> list[tuple[np.ndarray, Score, int]]:
    """Some clips: values of the steps, score, end."""
    values, before = (None, None) if primer is None else EVENTS.encode(primer)
    context = EVENTS.asked(wishes, before)
    planned = plan(EVENTS.rules(wishes, context), EVENTS.ticks)
    asked = sampling.request(context.timeline, planned, sampling.SamplingOptions())
    given = None if values is None else EVENTS.vocabulary.indices(values)
    steps = sampling.sample(random_player(slope).walk, EVENTS, asked, clips=range(3), seed=3, primer=given)
    clips = [EVENTS.vocabulary.values(clip) for clip in steps]
    return [(clip, EVENTS.decode(clip, context), context.end) for clip in clips]


WISHES = [
    EventWishes(bars=3, metre="3/4"),
    EventWishes(bars=2, instruments="piano, bass, drums", density=4),
    EventWishes(bars=4, instruments="drums"),
    EventWishes(bars=1, instruments="0", metre="1/32"),
]


@pytest.mark.parametrize("primer", [None, nasty_scores()[4], nasty_scores()[8]])
@pytest.mark.parametrize("wishes", WISHES)
def test_a_drawn_piece_is_its_own_encoding(wishes, primer):
    for values, score, end in drawn(wishes, primer):
        again, context = EVENTS.encode(score)
        notes = values[np.cumsum(values[:, 0]) < end]
        assert np.array_equal(again, notes[: len(again)])  # ascending, few on a tick, nothing struck while it sounds
        assert (notes[len(again) :, 0] == 96).all()  # but rests behind the last note
        assert primer is not None or context.end <= end
        given = [] if primer is None else EVENTS.encode(primer)[0]
        new = notes[len(given) :]
        assert np.isin(new[:, 1], [*(wishes.numbers or range(129)), 129]).all()
        assert np.array_equal(notes[: len(given)], given) or primer is None


def test_crowded_ticks_are_drawn_full():
    _, score, _ = drawn(EventWishes(bars=2, instruments="drums"), slope=-0.5)[0]
    assert np.unique(score.tracks[0].notes["start"], return_counts=True)[1].max() == MOST


def test_instruments_are_known_by_name_family_and_number():
    assert len(set(instruments.NAMES)) == 129
    assert instruments.instruments("Drums, tenor sax,  33,") == (33, 66, 128)
    assert instruments.instruments("strings") == tuple(range(40, 48))
    assert instruments.instruments("") == ()
    with pytest.raises(OptionError, match=r"Received: trombome\. Did you mean trombone"):
        instruments.instruments("piano, trombome")


@pytest.mark.parametrize(
    ("wishes", "words"),
    [
        ({"bars": 0}, "bars: expected a whole number from 1"),
        ({"density": 0}, "density: expected 0.01 to 100 notes in a quarter"),
        ({"density": "much"}, "density: expected a number"),
        ({"instruments": "129"}, "numbers from 0 to 128"),
        ({"instruments": 3}, "instruments: expected words"),
        ({"metre": "4"}, "metre: expected"),
        ({"tempo_bpm": 5000.0}, "tempo: expected"),
    ],
)
def test_what_cannot_be_asked_for_is_told(wishes, words):
    with pytest.raises(OptionError, match=words):
        EventWishes(**wishes)
