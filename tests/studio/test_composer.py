"""The journey: files to network to clips, what evaluation counts, and requests of every kind."""

import contextlib
import csv
import json
import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import musicgen as mg
from musicgen.errors import ArtifactError, ChordError, FileError, InputError, NumericalError, OptionError, RequestError
from musicgen.music.score import KEY, METRE, NOTE, TEMPO, Score, Text, Track, table
from musicgen.music.theory import key, pitch_range
from musicgen.neural import sampling
from musicgen.neural.networks.shared import SharedNetwork
from musicgen.studio.artifact import Artifact
from musicgen.studio.clip import Receipt
from musicgen.studio.composer import Composer
from musicgen.studio.recipe import Recipe
from tests.conftest import ROOT
from tests.studio.conftest import BAD, TINY, TUNES

BACKENDS = ("numpy", "compiled")
JAZZ = ROOT / "data" / "jazz"
CHORDS = "Dm7 | G7 Db7 | Cmaj7 | %"


def notes_of(clip) -> list[tuple[int, ...]]:
    """The line: start, duration, pitch, velocity."""
    (track,) = clip.score.tracks
    return track.notes.tolist()


def line(*notes: tuple[int, int, int], resolution: int = 24, **context: object) -> Score:
    """A score of one track from (start, duration, pitch)."""
    rows = table(NOTE, [(start, duration, pitch, 80) for start, duration, pitch in notes])
    return Score(resolution, (Track("solo", notes=rows),), **context)


# -- learning


def test_good_files_are_used_and_the_bad_one_is_listed(lesson, tunes):
    used = [Path(piece.name).stem for piece in (*lesson.train.pieces, *lesson.valid.pieces)]
    assert sorted(used) == sorted(TUNES)
    (refusal,) = lesson.train.refused
    assert Path(refusal.name).name == BAD
    assert refusal.words.startswith("expected a MIDI file")
    assert lesson.valid.pieces
    assert lesson.journal.epoch == TINY["epochs"]


def test_fine_tuning_starts_from_the_weights_and_one_file_is_enough(model, tmp_path):
    composer = Composer.load(model)
    before = composer.trained.weights
    composer.recipe = composer.recipe.with_settings(learning_rate=1e-9, epochs=1)
    lesson = composer.fit(JAZZ / "doorbell.mid", report=lambda progress: None)
    after = composer.trained.weights
    assert len(lesson.train.pieces) == len(lesson.valid.pieces) == 1
    assert all(np.allclose(before[name], after[name], atol=1e-5) for name in before)
    fresh = SharedNetwork(composer.encoding, composer.recipe.network, TINY["seed"]).named_weights()
    assert not all(np.allclose(fresh[name], after[name], atol=1e-5) for name in fresh)
    assert Artifact.load(composer.save(tmp_path / "tuned")).recipe.training.learning_rate == 1e-9


def test_nothing_to_learn_from_is_one_sentence(tmp_path):
    composer = Composer(**TINY)
    drums = Track("drums", channel=9, notes=table(NOTE, [(0, 1, 36, 90)]))
    for source in (tmp_path, tmp_path / "none", [], Score(24), Score(24, (drums,))):
        with pytest.raises(InputError, match=r"\A.*expected .* Received: .*\Z"):
            composer.fit(source)
    with pytest.raises(ArtifactError, match="untrained"):
        composer.generate()


# -- writing


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_seed_is_a_clip_whatever_stands_beside_it(composer, backend):
    def drawn(n, **options):
        clips = composer.generate(n, chords=CHORDS, bars=8, temperature=1.0, backend=backend, **options)
        return [notes_of(clip) for clip in clips]

    four = drawn(4, seed=5)
    assert four == drawn(4, seed=5)
    assert four[:2] == drawn(2, seed=5)
    assert four[2:3] == drawn(1, seed=5, first=2)
    assert len({tuple(notes) for notes in (*four, *drawn(4, seed=6))}) == 8


def test_no_seed_is_too_large_to_be_told_from_the_next(composer):
    seeds = (2**32, 2**53, 2**63 - 1, 2**63, 2**63 + 1, 2**64 - 2, 2**64 - 1)
    drawn = [composer.generate(seed=seed, bars=8)[0] for seed in seeds]
    assert len({tuple(notes_of(clip)) for clip in drawn}) == len(seeds)


def test_many_clips_are_the_same_clips(composer):
    many, few = (composer.generate(n, seed=8, bars=2) for n in (20, 2))
    assert (many[0].receipt.backend, few[0].receipt.backend) == ("compiled", "numpy")
    assert [notes_of(clip) for clip in many[:2]] == [notes_of(clip) for clip in few]


@pytest.mark.parametrize(
    ("chords", "expected"),
    [
        (CHORDS, [(0, "Dm7"), (96, "G7"), (144, "Db7"), (192, "Cmaj7"), (384, "Dm7"), (480, "G7"), (528, "Db7")]),
        ("C | F", [(0, "C"), (96, "F"), (192, "C"), (288, "F"), (384, "C"), (480, "F")]),
    ],
)
def test_the_chords_stand_as_markers(composer, tmp_path, chords, expected):
    (clip,) = composer.generate(chords=chords, bars=6)
    score = mg.read(clip.save(tmp_path / "clip.mid"))
    found = [(tick * 24 // score.resolution, mg.chord(text)) for tick, text in score.markers]
    assert found == [(tick, mg.chord(text)) for tick, text in expected]
    assert clip.end * score.resolution == 6 * 96 * 24


def test_the_network_hears_the_chords(composer):
    charts = ("C | F", "D | G", "Dm7 | G7", "NC", "Db | Gb")
    drawn = [composer.generate(chords=chords, bars=8, seed=1, temperature=1.0)[0] for chords in charts]
    assert len({tuple(notes_of(clip)) for clip in drawn}) == len(charts)


@pytest.mark.parametrize(
    ("request_", "error", "says"),
    [
        ({"n": 0}, OptionError, "n"),
        ({"n": -1}, OptionError, "n"),
        ({"seed": -1}, OptionError, "seed"),
        ({"seed": 2**64}, OptionError, "seed"),
        ({"first": -1}, OptionError, "first"),
        ({"bars": 0}, OptionError, "bars"),
        ({"bars": -4}, OptionError, "bars"),
        ({"bars": 2.5}, OptionError, "bars"),
        ({"bars": "two"}, OptionError, "bars"),
        ({"key": "H minor"}, OptionError, "H minor"),
        ({"key": "C swing"}, OptionError, "C swing"),
        ({"pitch_range": "C6-C3"}, OptionError, "C6-C3"),
        ({"pitch_range": "60-200"}, OptionError, "200"),
        ({"pitch_range": "low"}, OptionError, "low"),
        ({"metre": "4/3"}, OptionError, "4/3"),
        ({"metre": "waltz"}, OptionError, "waltz"),
        ({"tempo_bpm": 0}, OptionError, "tempo"),
        ({"tempo_bpm": float("nan")}, OptionError, "tempo"),
        ({"temperature": -1}, OptionError, "temperature"),
        ({"temperature": "hot"}, OptionError, "temperature"),
        ({"top_p": 0}, OptionError, "top.p"),
        ({"top_k": -1}, OptionError, "top.k"),
        ({"backend": "gpu"}, OptionError, "backend"),
        ({"colour": "blue"}, OptionError, "colour"),
        ({"chords": "Dm7 | Gm77"}, ChordError, "bar 2.*Gm77"),
        ({"chords": ""}, ChordError, "chord"),
        ({"primer": "none.mid"}, FileError, r"none\.mid"),
        ({"key": "C major", "pitch_range": "C#4-C#4"}, RequestError, "C#4-C#4"),
    ],
    ids=str,
)
def test_a_request_that_is_none_is_one_sentence(composer, request_, error, says):
    with pytest.raises(error, match=rf"\A.*{says}.*\Z") as raised:
        composer.generate(**request_)
    assert "Received: " in str(raised.value)


# -- primers, receipts, making it again


@pytest.fixture(scope="session")
def twin(model) -> Composer:
    """The same artifact, loaded again."""
    return Composer.load(model)


def nasty_primer() -> Score:
    """A solo among chords: off the grid, long waits and notes, chords of two, changes of metre and tempo, words."""
    starts = (907, 1210, 1390, 1390, 2000, 6003, 6240)
    lengths = (300, 5000, 100, 33, 2, 480, 480)
    solo = table(NOTE, zip(starts, lengths, (60, 72, 64, 67, 1, 127, 70), [100] * 7, strict=True))
    chords = table(NOTE, [(0, 480, pitch, 70) for pitch in (48, 52, 55)])
    return Score(
        480,
        (Track("piano", notes=chords), Track("Solo", 2, 60, solo, lyrics=(Text(907, "la"),))),
        tempos=table(TEMPO, [(0, 400_000), (3000, 500_001), (9000, 300_000)]),
        metres=table(METRE, [(0, 3, 4), (4320, 5, 8), (48_000, 2, 4)]),
        keys=table(KEY, [(0, -3, True)]),
        markers=(Text(0, "Intro"), Text(0, "Cm7"), Text(1440, "F7"), Text(4320, "Bb"), Text(99_000, "Ebmaj7")),
        texts=(Text(0, "somebody"),),
    )


PRIMERS = {
    "none": None,
    "a tune": JAZZ / "harbour_waltz.mid",
    "nasty": nasty_primer(),
    "letters": line((0, 24, 60), (30, 20, 62), markers=(Text(0, "C"), Text(96, "F"), Text(120, "G7"))),
}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("primer", PRIMERS)
def test_a_clip_is_made_again_from_its_file(composer, twin, model, tmp_path, primer, backend):
    wishes = {"chords": "C | F", "bars": 3, "metre": "5/8", "key": "F blues", "pitch_range": "C2-C6", "tempo_bpm": 91.7}
    clips = composer.generate(2, seed=11, first=1, primer=PRIMERS[primer], backend=backend, top_k=40, **wishes)
    path = clips[1].save(tmp_path / "clip.mid")
    score = mg.read(path)
    receipt = Receipt.of(score)
    assert receipt == clips[1].receipt
    assert (receipt.seed, receipt.clip, receipt.backend) == (11, 2, backend)
    assert receipt.model == Artifact.load(model).hash
    again = (twin if backend == "numpy" else composer).reproduce(score)  # compiled once is enough
    assert notes_of(again) == notes_of(clips[1])
    assert again.save(tmp_path / "again.mid").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("primer", [name for name in PRIMERS if name != "none"])
def test_a_clip_begins_with_its_primer(composer, primer, backend):
    source = PRIMERS[primer]
    given = source if isinstance(source, Score) else mg.read(source)
    (track,) = composer.encoding.quantize(given).tracks
    expected = [note[:3] for note in track.notes.tolist()]
    (clip,) = composer.generate(primer=source, bars=4, metre="3/4", key="C major", backend=backend)
    assert [note[:3] for note in notes_of(clip)[: len(expected)]] == expected
    later = notes_of(clip)[len(expected) :]
    end_of_primer = clip.end - 4 * 72
    assert end_of_primer >= max(start + duration for start, duration, _ in expected)
    assert all(pitch % 12 in key("C major").pitch_classes for _, _, pitch, _ in later)
    assert all(start >= expected[-1][0] and start + duration <= clip.end for start, duration, _, _ in later)


def test_a_clip_of_another_model_is_not_made_again(composer, tmp_path):
    score = mg.read(composer.generate()[0].save(tmp_path / "clip.mid"))
    other = untrained()
    with pytest.raises(ArtifactError, match=r"\A.*expected .*that made it. Received: .*\Z"):
        other.reproduce(score)
    with pytest.raises(FileError, match="receipt"):
        composer.reproduce(mg.read(JAZZ / "doorbell.mid"))
    for text in ("musicgen receipt {}", "musicgen receipt [1]", "musicgen receipt", 'musicgen receipt {"wishes": 3}'):
        with pytest.raises(FileError, match=r"\A.*receipt.* Received: .*\Z"):
            composer.reproduce(replace(score, texts=(Text(0, text),)))


@pytest.mark.parametrize(
    "change",
    [
        {"seed": "x"},
        {"seed": -5},
        {"clip": 99},
        {"clip": -1},
        {"first": 7},
        {"clips": 0},
        {"clips": "many"},
        {"backend": "gpu"},
        {"primer_steps": "a"},
        {"primer_steps": 1, "primer_end": -96},
        {"wishes": {"bars": "x"}},
        {"wishes": {"colour": "blue"}},
        {"sampling": {"temperature": -1}},
    ],
    ids=str,
)
def test_a_receipt_that_was_tampered_with_is_one_sentence(composer, change):
    (clip,) = composer.generate(seed=1, bars=1)
    fields = json.loads(clip.receipt.to_text().removeprefix("musicgen receipt "))
    for backend in BACKENDS:
        text = "musicgen receipt " + json.dumps({**fields, "backend": backend, **change})
        with pytest.raises(InputError, match=r"\A.*expected .* Received: .*\Z"):
            composer.reproduce(replace(clip.score, texts=(Text(0, text),)))


# -- judging


def rows_of(composer, source, folder: Path) -> tuple[dict[str, float], list[dict[str, str]]]:
    """The measures, and the rows of the file that goes with them."""
    path = folder / "notes.csv"
    measured = composer.evaluate(source, per_note=path)
    with path.open(newline="") as file:
        return measured, list(csv.DictReader(file))


def nats_of(row: dict[str, str]) -> float:
    return -sum(float(value) for name, value in row.items() if name.startswith("ln_p_"))


def test_the_rows_add_up_to_the_measures(composer, tunes, tmp_path):
    measured, rows = rows_of(composer, tunes, tmp_path)
    assert list(measured) == ["files", "notes", "notes_moved", "nats_per_note"] + [
        f"{field}_perplexity" for field in ("onset", "pitch", "duration")
    ]
    assert list(rows[0]) == ["file", "track", "tick", "pitch", "ln_p_onset", "ln_p_pitch", "ln_p_duration"]
    lines = {}
    for name in TUNES:  # our own tunes: the line is the track with the fewest notes on one tick
        tracks = [t for t in mg.read(tunes / f"{name}.mid").tracks if len(t.notes) and not t.is_drum]
        lines[name] = max(tracks, key=lambda t: len(np.unique(t.notes["start"])) / len(t.notes))
    expected = [
        (name, track.name, str(note["start"]), str(note["pitch"]))
        for name, track in sorted(lines.items())
        for note in track.notes[1:]
    ]
    assert [(Path(row["file"]).stem, row["track"], row["tick"], row["pitch"]) for row in rows] == expected
    assert (measured["files"], measured["notes"]) == (len(TUNES), len(rows))
    assert sum(map(nats_of, rows)) == pytest.approx(measured["nats_per_note"] * measured["notes"], abs=2e-6 * len(rows))
    for field in ("onset", "pitch", "duration"):
        mean = -math.fsum(float(row[f"ln_p_{field}"]) for row in rows) / len(rows)
        assert measured[f"{field}_perplexity"] == pytest.approx(math.exp(mean), rel=1e-5)


def test_the_order_of_files_is_the_order_of_rows_and_nothing_else(composer, tunes, tmp_path):
    paths = [tunes / f"{name}.mid" for name in TUNES[:3]]
    one, forth = rows_of(composer, paths, tmp_path)
    other, back = rows_of(composer, paths[::-1], tmp_path)
    assert [row["file"] for row in forth] == sorted(row["file"] for row in forth)
    assert [row["file"] for row in back] == sorted((row["file"] for row in back), reverse=True)
    assert sorted(map(str, forth)) == sorted(map(str, back))
    assert one == pytest.approx(other)


def changed_after(score: Score, tick: int, rng: np.random.Generator) -> Score:
    """Other notes, metres, tempos and keys after that tick, or none at all; chords stay: they are given."""
    later = [(int(tick + wait), *rest) for wait, *rest in rng.integers((30, 1, 0), (9000, 400, 128), (20, 3)).tolist()]
    tracks = []
    for track in score.tracks:
        kept = track.notes[track.notes["start"] <= tick].tolist()
        added = [(*note, 90) for note in later] if rng.integers(2) else []
        tracks.append(replace(track, notes=table(NOTE, [*kept, *added])))
    tempos = [*score.tempos[score.tempos["tick"] <= tick].tolist(), (tick + 30, 123_456)]
    metres = [*score.metres[score.metres["tick"] <= tick].tolist(), (tick + 30, 7, 8)]
    return replace(score, tracks=tuple(tracks), tempos=table(TEMPO, tempos), metres=table(METRE, metres))


def test_what_comes_after_a_note_does_not_change_the_rows_before(composer, tmp_path):
    whole = mg.read(JAZZ / "third_rail.mid")
    score = whole.with_tracks(composer.encoding.encode(whole)[1].source)
    _, rows = rows_of(composer, score, tmp_path)
    rng = np.random.default_rng(4)
    assert len(rows) > 140, "a tune longer than one block of the player"
    for n in (0, 1, 5, 126, 127, 128, len(rows) - 2):
        _, others = rows_of(composer, changed_after(score, int(rows[n]["tick"]), rng), tmp_path)
        assert others[: n + 1] == rows[: n + 1]


def test_chords_after_the_next_change_do_not_change_the_rows_before(composer, tmp_path):
    notes = [(12 * k, 12, 60 + k % 7) for k in range(40)]
    one, other = (
        rows_of(composer, line(*notes, markers=(Text(0, "Dm7"), Text(96, "G7"), Text(192, later))), tmp_path)[1]
        for later in ("Cmaj7", "Ebm7b5")
    )
    assert one[:7] == other[:7]
    assert one[7:] != other[7:]


def test_of_a_long_wait_only_the_first_rest_step_counts(composer, tmp_path):
    def onset(wait):
        _, rows = rows_of(composer, line((0, 12, 60), (24, 12, 62), (24 + wait, 12, 64)), tmp_path)
        return rows[1]["ln_p_onset"]

    assert onset(96) == onset(97) == onset(96 * 2 + 5) == onset(96 * 9)
    assert len({onset(wait) for wait in (95, 96, 12)}) == 3


def test_notes_to_judge_are_all_but_the_first_of_each_piece(composer, tmp_path):
    two, one = line((7, 24, 60), (500, 480, 62), resolution=480), line((0, 24, 60))
    measured, rows = rows_of(composer, [two, one, two], tmp_path)
    assert (measured["files"], measured["notes"], measured["notes_moved"]) == (3, 2, 2)
    assert [row["tick"] for row in rows] == ["500", "500"]
    with pytest.raises(InputError, match=r"two notes"):
        composer.evaluate([one, one])


# -- requests of every kind, of a network that knows nothing and of one that screams


def untrained(louder: float = 1.0) -> Composer:
    """A composer that has learned nothing, its weights `louder` times as large."""
    composer = Composer(units=8, head=8, embedding=4)
    network = SharedNetwork(composer.encoding, composer.recipe.network, seed=2)
    weights = {name: np.asarray(weight * louder, np.float32) for name, weight in network.named_weights().items()}
    composer.artifact = Artifact(composer.recipe, composer.encoding, weights)
    return composer


@pytest.fixture(scope="session")
def quiet_and_loud() -> Sequence[Composer]:
    """Made once, so that each compiles its loop once."""
    return untrained(), untrained(1000)


SYMBOLS = ("C", "F", "Dm7", "G7alt", "F#m7b5/A", "Ebmaj7#11", "NC", "B7(b9,#11)", "Bb13sus4", "%", "C7 F7 .", "A-7 D7")
REQUESTS = st.fixed_dictionaries(
    {
        "bars": st.integers(1, 4),
        "metre": st.sampled_from(["4/4", "3/4", "6/8", "5/8"]),
        "chords": st.lists(st.sampled_from(SYMBOLS), max_size=5).map(lambda bars: " | ".join(["Dm7", *bars])),
        "key": st.sampled_from(["", "", "C major", "F# minor", "Bb blues", "E whole tone"]),
        "pitch_range": st.just("")
        | st.tuples(st.integers(0, 127), st.integers(0, 127)).map(lambda ends: f"{min(ends)}-{max(ends)}")
        | st.integers(0, 127).map(lambda low: f"{low}-{min(low + 1, 127)}"),
        "temperature": st.floats(1e-2, 2) | st.just(0.0),
        "top_p": st.floats(0, 1, exclude_min=True) | st.just(1.0),
        "top_k": st.integers(0, 3) | st.integers(0, 200),
        "seed": st.integers(0, 2**64 - 1),
        "tempo_bpm": st.floats(20, 400),
    }
)


def wanted(request) -> set[int]:
    """The pitches that range and key leave."""
    low, high = pitch_range(request["pitch_range"] or "0-127")
    classes = key(request["key"] or "C chromatic").pitch_classes
    return {pitch for pitch in range(low, high + 1) if pitch % 12 in classes}


def heard(notes) -> list[tuple[int, ...]]:
    """Ons and offs, which is all that MIDI knows: of one pitch struck twice it cannot say which ends first."""
    return sorted([(start, 1, pitch) for start, _, pitch, _ in notes] + [(s + d, 0, pitch) for s, d, pitch, _ in notes])


def check_request(composer: Composer, request, backend: str, file: Path) -> None:
    """A clip that keeps all that is asked for, or a refusal where nothing can."""
    pitches = wanted(request)
    if not pitches:
        with pytest.raises(RequestError, match=r"\A.*expected .* Received: .*\Z"):
            composer.generate(backend=backend, **request)
        return
    (clip,) = composer.generate(backend=backend, **request)
    beats, unit = map(int, request["metre"].split("/"))
    assert clip.end == request["bars"] * Fraction(4 * beats, unit) * clip.score.resolution
    for start, duration, pitch, _ in notes_of(clip):
        assert 0 <= start < start + duration <= clip.end
        assert pitch in pitches
    assert clip.score.metres.tolist() == [(0, beats, unit)]
    if notes_of(clip):
        assert composer.encoding.decode(*composer.encoding.encode(clip.score)) == clip.score
        assert heard(notes_of(SimpleNamespace(score=mg.read(clip.save(file))))) == heard(notes_of(clip))


@pytest.mark.parametrize("network", [0, 1], ids=["quiet", "loud"])
@pytest.mark.parametrize("examples", [10, pytest.param(500, marks=pytest.mark.slow)])
def test_every_clip_keeps_what_was_asked_for(quiet_and_loud, tmp_path_factory, network, examples):
    file = tmp_path_factory.mktemp("clips") / "clip.mid"

    @settings(max_examples=examples)
    @given(REQUESTS)
    def holds(request):
        for backend in BACKENDS:
            check_request(quiet_and_loud[network], request, backend, file)

    holds()


@pytest.mark.parametrize("temperature", [5e-324, 1e-45, 1e-42, 1e-38, 1e-30, 1e-25, 1e-20, 1e-10, 1e-6])
def test_a_temperature_near_nothing_is_kept_or_refused(quiet_and_loud, temperature, tmp_path):
    request = {"bars": 2, "metre": "4/4", "chords": "Dm7", "key": "C major", "pitch_range": "60-72", "seed": 1}
    for composer in quiet_and_loud:
        for backend in BACKENDS:
            with contextlib.suppress(OptionError):
                check_request(composer, {**request, "temperature": temperature}, backend, tmp_path / "clip.mid")


@pytest.mark.parametrize(("sick", "backend"), [(np.nan, "numpy"), (np.inf, "numpy"), (np.nan, "compiled")])
def test_weights_that_are_no_numbers_are_a_sentence(sick, backend):
    composer = untrained()
    weights = {name: np.full_like(weight, sick) for name, weight in composer.trained.weights.items()}
    composer.artifact = Artifact(composer.recipe, composer.encoding, weights)
    for ask in (lambda: composer.generate(bars=1, backend=backend), lambda: composer.evaluate(JAZZ / "doorbell.mid")):
        with (
            np.errstate(all="ignore"),
            pytest.raises(NumericalError, match=r"\A.*expected finite numbers.* Received: NaN or infinity.*\Z"),
        ):
            ask()


# -- numpy and TensorFlow


def drawn(composer: Composer, monkeypatch, backend: str, seed: int, n: int, first: int = 0):
    """Clips of four bars, and for each the indices as they were drawn."""
    steps, sample = [], sampling.sample

    def watched(*arguments, **options):
        steps.extend(sample(*arguments, **options))
        return steps[-len(options["clips"]) :]

    with monkeypatch.context() as patch:
        patch.setattr(sampling, "sample", watched)
        clips = composer.generate(n, seed=seed, first=first, bars=4, backend=backend)
    return clips, [indices.reshape(-1) for indices in steps]


def margins(composer: Composer, monkeypatch, seed: int, clip: int) -> tuple[np.ndarray, np.ndarray]:
    """A clip walked again by the player: each index drawn, and how far its score was above the next."""
    margin, draw = [], sampling.draw

    def watched(xp, logits, allowed, options, noise):
        possible = np.flatnonzero(allowed[0])
        scaled = logits[0, possible].astype(float) / options[0]
        chances = np.exp(scaled - scaled.max()) / np.exp(scaled - scaled.max()).sum()
        likeliest = np.argsort(-scaled, kind="stable")
        kept = likeliest[np.cumsum(chances[likeliest]) - chances[likeliest] < options[1]]  # top-p; there is no top-k
        *_, second, best = np.sort(np.append(-np.inf, scaled[kept] + noise[0, possible[kept]]))
        margin.append(best - second)
        return draw(xp, logits, allowed, options, noise)

    with monkeypatch.context() as patch:
        patch.setattr(sampling, "draw", watched)
        _, (indices,) = drawn(composer, monkeypatch, "numpy", seed, 1, clip)
    return indices, np.array(margin)


@pytest.mark.slow
def test_numpy_and_tensorflow_draw_the_same_clips(monkeypatch):
    composer = Composer(units=64, head=64, embedding=16, epochs=25, Tx=64, batch=8, learning_rate=5e-3, seed=1)
    composer.fit(JAZZ, report=lambda progress: None)
    different = []
    for seed in range(20):
        ours, theirs = (drawn(composer, monkeypatch, backend, seed, 50) for backend in BACKENDS)
        equal = [notes_of(one) == notes_of(other) for one, other in zip(ours[0], theirs[0], strict=True)]
        different += [(seed, clip, theirs[1][clip]) for clip in range(50) if not equal[clip]]
    print(f"\n{1000 - len(different)} of 1000 clips are equal")
    assert len(different) <= 5

    indices, margin = margins(composer, monkeypatch, 19, 49)
    assert np.array_equal(indices, ours[1][49]), "the walk again is the same walk"
    assert len(margin) == len(indices)
    for seed, clip, steps in different:
        indices, margin = margins(composer, monkeypatch, seed, clip)
        first = int(np.argmax(indices[: len(steps)] != steps[: len(indices)]))
        print(f"seed {seed}, clip {clip}: draw {first}, margin {margin[first]:.1e}")
        assert 0 <= margin[first] < 1e-4


def test_a_loaded_composer_knows_its_recipe(composer):
    asked = Recipe().with_settings(**TINY)
    assert composer.trained.recipe == asked
    assert (composer.recipe.network, composer.recipe.sampling) == (asked.network, asked.sampling)
