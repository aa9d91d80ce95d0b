"""Where chords come from: symbols in the file, whatever carries them; else the accompaniment, by ear."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicgen.music import files
from musicgen.music.accompaniment import TEMPLATES, viterbi
from musicgen.music.harmony import Harmony, harmony
from musicgen.music.score import KEY, METRE, NOTE, Score, Text, Track, table
from musicgen.music.theory import Chord, chord, chords_from_markers

TICKS = 480


def words(text: str) -> tuple[Text, ...]:
    """A word on each quarter."""
    return tuple(Text(tick * TICKS, word) for tick, word in enumerate(text.split()))


def track(*notes: tuple[int, int, int], **properties) -> Track:
    """Notes as start and duration in quarters, and pitch."""
    rows = [(round(start * TICKS), round(duration * TICKS), pitch, 80) for start, duration, pitch in notes]
    return Track(notes=table(NOTE, rows), **properties)


def block(start: float, duration: float, symbol: str) -> list[tuple[float, float, int]]:
    """A chord in close position over its root."""
    found = chord(symbol)
    return [(start, duration, 48 + found.root + interval) for interval in found.intervals]


def symbols(found: Harmony) -> str:
    return " ".join(f"{tick / TICKS:g}:{symbol}" for tick, symbol in found.chords)


@pytest.mark.parametrize("carrier", ["markers", "texts", "lyrics"])
def test_written_chords_are_taken_as_they_stand(carrier: str):
    column = words("Dm7 G7 C C % A7(b9) Dm G")
    score = Score(tracks=(Track(lyrics=words("la la")), Track(lyrics=column)))
    score = score if carrier == "lyrics" else replace(score, tracks=(), **{carrier: column})
    found = harmony(score)
    assert found.origin == carrier
    assert symbols(found) == "0:Dm7 1:G7 2:C 3:C 5:A7b9 6:Dm 7:G"


@pytest.mark.parametrize(
    "text",
    [
        "A Am I Go Do be a fool",
        "Ah Ah Do Go A Eh",  # all of them read as chords
        "A B C A B A",
        "Em Em Em Em",
        "G lo ri a D7 C7",
        "",
    ],
)
def test_sung_words_and_sections_are_no_chords(text: str):
    assert harmony(Score(texts=words(text), tracks=(Track(lyrics=words(text)),))) == Harmony((), "none")


def test_a_heading_is_no_word_of_the_column():
    heading = (Text(0, "A song"), Text(0, "(c) nobody"), Text(0, "G"), Text(960, "D7"), Text(1920, "Em"))
    assert symbols(harmony(Score(texts=heading))) == "0:G 2:D7 4:Em"


def test_markers_come_first_then_texts_then_lyrics():
    lyrics = Track(lyrics=words("F7 Bb7"))
    score = Score(markers=words("Dm7 G7"), texts=words("Cm7 F7"), tracks=(lyrics,))
    assert symbols(harmony(score)) == "0:Dm7 1:G7"
    assert symbols(harmony(replace(score, markers=words("Intro A B")))) == "0:Cm7 1:F7"
    assert symbols(harmony(replace(score, markers=(), texts=()))) == "0:F7 1:Bb7"


def test_one_chord_at_a_tick_and_in_the_order_of_time():
    markers = (Text(960, "F7"), Text(0, "C7"), Text(960, "Bb7"))
    assert symbols(harmony(Score(markers=markers))) == "0:C7 2:Bb7"


@pytest.mark.parametrize("quality", TEMPLATES)
@pytest.mark.parametrize("root", range(0, 12, 5))
def test_every_template_is_heard(quality: str, root: int):
    wanted = Chord(root, chord(f"C{quality}").intervals, root)
    notes = [*block(0, 4, str(wanted)), *block(4, 4, str(wanted.transpose(2)))]
    found = harmony(Score(tracks=(track(*notes),)))
    assert found == Harmony(((0, wanted), (4 * TICKS, wanted.transpose(2))), "inferred")


def test_the_bass_tells_a_sixth_from_a_seventh():
    upper = [(0, 4, pitch) for pitch in (60, 64, 67, 69)]
    assert symbols(harmony(Score(tracks=(track((0, 4, 36), *upper),)))) == "0:C6"
    assert symbols(harmony(Score(tracks=(track((0, 4, 33), *upper),)))) == "0:Am7"


def test_bass_and_chord_in_turn_are_one_chord():
    bars = [[(0, 1, 36), (2, 1, 43)], [(4, 1, 43), (6, 1, 38)]]
    chords = [(beat, 0.5, pitch) for beat in (1, 3) for pitch in (52, 55, 60)]
    chords += [(beat, 0.5, pitch) for beat in (5, 7) for pitch in (53, 55, 59)]
    score = Score(tracks=(track(*bars[0], *bars[1], name="Bass"), track(*chords)))
    assert symbols(harmony(score)) == "0:C 4:G7"


def test_the_line_is_no_accompaniment():
    line = track(*[(beat, 1, 73) for beat in range(8)])
    score = Score(tracks=(line, track(*block(0, 8, "C"))))
    assert symbols(harmony(score, line)) == "0:C"
    assert harmony(Score(tracks=(line,)), line).origin == harmony(Score(tracks=(line,))).origin == "none"


def test_drums_have_no_chords():
    assert harmony(Score(tracks=(track(*block(0, 4, "C"), channel=9),))) == Harmony()


def test_roots_are_spelled_as_the_key_has_them():
    score = Score(tracks=(track(*block(0, 4, "F#m"), *block(4, 4, "C#7")),))
    assert symbols(harmony(replace(score, keys=table(KEY, [(0, 3, True)])))) == "0:F#m 4:C#7"
    assert symbols(harmony(replace(score, keys=table(KEY, [(0, -5, False)])))) == "0:Gbm 4:Db7"
    assert symbols(harmony(Score(tracks=(track(*block(0, 4, "A"), *block(4, 4, "C#7")),)))) == "0:A 4:C#7"
    assert symbols(harmony(Score(tracks=(track(*block(0, 4, "Ab"), *block(4, 4, "Db7")),)))) == "0:Ab 4:Db7"


def test_bars_are_counted_through_changes_of_metre():
    metres = table(METRE, [(0, 3, 4), (3 * TICKS, 6, 8), (6 * TICKS, 4, 4), (6 * TICKS, 2, 4)])
    notes = [*block(0, 3, "C"), *block(3, 3, "F"), *block(6, 2, "G7"), *block(8, 2, "C")]
    assert symbols(harmony(Score(metres=metres, tracks=(track(*notes),)))) == "0:C 3:F 6:G7 8:C"


@pytest.mark.parametrize(
    "rows",
    [
        [(0, 2**31, pitch, 80) for pitch in range(128)] * 80,  # 10,240 long notes at one tick
        [(gap, 1, pitch, 80) for gap in (0, 2**31, 2**40) for pitch in (48, 52, 55)],
        [(0, 0, 60, 80), (0, 0, 64, 80), (0, 0, 67, 80)],
    ],
)
@pytest.mark.parametrize("metre", [(4, 4), (7, 32), (0, 4), (255, 0)])
def test_no_score_is_too_strange(rows: list[tuple[int, ...]], metre: tuple[int, int]):
    score = Score(resolution=1, metres=table(METRE, [(5, *metre)]), tracks=(Track(notes=table(NOTE, rows)),))
    found = harmony(score)
    assert found.origin == "inferred"
    assert found.chords[0][0] == 0


NOTES = st.tuples(st.integers(0, 9000), st.integers(0, 4000), st.integers(0, 127), st.just(80))


@given(st.lists(NOTES, max_size=40), st.integers(1, 1000))
def test_heard_chords_ascend_and_differ(rows: list[tuple[int, ...]], resolution: int):
    found = harmony(Score(resolution=resolution, tracks=(Track(notes=table(NOTE, rows)), Track())))
    assert all(before < after and one != other for (before, one), (after, other) in pairwise(found.chords))
    assert (found.origin == "none") == (not found.chords)


def test_viterbi_finds_what_trying_all_paths_finds():
    generator = np.random.default_rng(0)
    evidence, entering = generator.normal(size=(5, 3)), generator.normal(-1, 1, size=(5, 3))

    def worth(path):
        changes = sum(entering[time, path[time]] for time in range(5) if time == 0 or path[time] != path[time - 1])
        return evidence[range(5), path].sum() + changes

    paths = list(np.ndindex(3, 3, 3, 3, 3))
    assert tuple(viterbi(evidence, entering)) == max(paths, key=worth)


def test_the_chords_of_the_weimar_jazz_database_are_heard(corpora: Path):
    same = total = 0
    for file in sorted((corpora / "wjazzd" / "train").glob("*.mid"))[::25]:
        score = files.read(file)
        solo = next(track for track in score.tracks if track.name == "solo")
        assert harmony(score, solo) == Harmony(tuple(dict(chords_from_markers(score.markers)).items()), "markers")
        found = dict(harmony(replace(score, markers=()), solo).chords)
        written = [(tick, symbol) for tick, symbol in harmony(score).chords if symbol.root is not None]
        same += sum(_before(found, tick + 1) == symbol.root for tick, symbol in written)
        total += len(written)
    assert total > 500
    assert same > 0.97 * total


def _before(found: dict[int, Chord], tick: int) -> int | None:
    """The root that sounds just before a tick."""
    return next((symbol.root for at, symbol in reversed(found.items()) if at < tick), None)
