"""Pictures: bars and systems where a musician counts them, colours that mean something, the same bytes each time."""

from __future__ import annotations

from pathlib import Path

import pytest

from musicgen.errors import FileError, OptionError
from musicgen.music import pictures
from musicgen.music.score import METRE, NOTE, Score, Text, Track, table

LINE = Track("solo", notes=table(NOTE, [(0, 480, 60, 40), (480, 240, 64, 80), (1920, 960, 67, 110)]))
PIANO = Track("piano", channel=1, notes=table(NOTE, [(0, 1920, 48, 60)]))
DRUMS = Track("drums", channel=9, notes=table(NOTE, [(0, 60, 36, 100)]))
TUNE = Score(480, (LINE, PIANO, DRUMS), markers=(Text(0, "Intro"), Text(0, "Dm7"), Text(1920, "Bb7b5")))


def metres(*rows: tuple[int, int, int]) -> Score:
    return Score(480, metres=table(METRE, rows))


def numbers_and_starts(score: Score, end: int) -> list[tuple[int, int]]:
    return [(bar.number, bar.start) for bar in pictures.bars_of(score, end)]


@pytest.mark.parametrize(
    ("score", "end", "expected"),
    [
        (Score(480), 0, [(1, 0)]),
        (Score(480), 1920, [(1, 0)]),
        (Score(480), 1921, [(1, 0), (2, 1920)]),
        (metres((0, 3, 4)), 2880, [(1, 0), (2, 1440)]),
        (metres((0, 1, 4), (480, 4, 4)), 2400, [(0, 0), (1, 480)]),  # a pickup
        (metres((0, 4, 4), (2000, 3, 4)), 2001, [(1, 0), (2, 1920), (3, 2000)]),  # a change cuts the bar before it
        (metres((480, 5, 8)), 481, [(0, 0), (1, 480)]),
    ],
)
def test_bars_are_counted_as_musicians_do(score: Score, end: int, expected: list[tuple[int, int]]):
    assert numbers_and_starts(score, end) == expected


def test_beats_follow_the_metre():
    (bar,) = pictures.bars_of(metres((0, 6, 8)), 1)
    assert list(bar.beats) == [0, 240, 480, 720, 960, 1200]


@pytest.mark.parametrize(
    ("count", "sizes"),
    [(1, [1]), (8, [8]), (10, [4, 4, 2]), (12, [4, 4, 4]), (16, [8, 8]), (20, [8, 8, 4]), (200, [16] * 12 + [8])],
)
def test_bars_are_cut_into_systems(count: int, sizes: list[int]):
    bars = pictures.bars_of(Score(480), count * 1920)
    systems = pictures.systems_of(bars)
    assert [bar for system in systems for bar in system] == bars
    assert [len(system) for system in systems] == sizes


def test_a_pickup_stands_before_a_full_system():
    bars = pictures.bars_of(metres((0, 1, 4), (480, 4, 4)), 480 + 16 * 1920)
    assert [len(system) for system in pictures.systems_of(bars)] == [9, 8]


def test_markers_are_chords_or_sections():
    assert pictures.chord_symbols(TUNE) == [Text(0, "Dm7"), Text(1920, "Bb7b5")]
    assert pictures.section_names(TUNE) == [Text(0, "Intro")]


@pytest.mark.parametrize(
    ("symbol", "printed"), [("Bb7b5", "B♭7♭5"), ("F#m7/C#", "F♯m7/C♯"), ("C7b9#11/Gb", "C7♭9♯11/G♭"), ("NC", "N.C.")]
)
def test_chords_are_typeset(symbol: str, printed: str):
    assert pictures.typeset(symbol) == printed


def words(figure) -> set[str]:
    return {text.get_text() for axes in figure.axes for text in axes.texts} | {text.get_text() for text in figure.texts}


def test_a_picture_tells_title_chords_sections_bars_and_octaves():
    figure = pictures.piano_roll(TUNE, title="A tune", end=3 * 1920)
    assert {"A tune", "♩ = 120    4/4", "Dm7", "B♭7♭5", "Intro", "1", "2", "3", "C4"} <= words(figure)


def test_chords_can_be_given():
    shown = words(pictures.piano_roll(TUNE, chords=[Text(0, "Am7")]))
    assert "Am7" in shown
    assert "Dm7" not in shown


def test_words_are_never_taken_for_formulas():
    figure = pictures.piano_roll(Score(480, markers=(Text(0, "$\\bad{$ Coda"),)), title="$1 \\frac{ song$" * 9)
    assert pictures.picture_bytes(figure, ".png")


def notes_drawn(figure) -> list[tuple[int, list[tuple[float, ...]]]]:
    """Per collection of notes in the first system: how many, and their colours."""
    from matplotlib.collections import PathCollection

    found = [drawn for drawn in figure.axes[0].collections if isinstance(drawn, PathCollection)]
    return [(len(drawn.get_paths()), [tuple(colour) for colour in drawn.get_facecolor()]) for drawn in found]


def test_notes_are_in_layers_without_drums():
    assert [count for count, _ in notes_drawn(pictures.piano_roll(TUNE, primer_end=480))] == [1, 1, 2]


def test_louder_notes_are_darker():
    _, _, (count, colours) = notes_drawn(pictures.piano_roll(TUNE))
    brightness = [sum(colour[:3]) for colour in colours]
    assert count == 3
    assert brightness == sorted(brightness, reverse=True)
    assert len(set(brightness)) == 3


def test_the_line_can_be_chosen():
    _, _, (count, _) = notes_drawn(pictures.piano_roll(TUNE, line=PIANO))
    assert count == 1


def test_a_note_over_the_edge_is_drawn_in_both_systems():
    score = Score(480, (Track(notes=table(NOTE, [(7 * 1920, 2 * 1920, 60, 80)])),))
    figure = pictures.piano_roll(score, end=16 * 1920)
    first, second = (axes.collections[-1].get_paths()[0].get_extents() for axes in figure.axes)
    assert (first.x0, first.x1, second.x0, second.x1) == (7 * 1920, 8 * 1920, 8 * 1920, 9 * 1920)


@pytest.mark.parametrize("suffix", pictures.FORMATS)
@pytest.mark.parametrize("score", [TUNE, Score(), Score(480, (DRUMS,)), Score(30, (LINE,))])
def test_the_same_score_gives_the_same_bytes(score: Score, suffix: str):
    one, other = (pictures.picture_bytes(pictures.piano_roll(score, title="again"), suffix) for _ in range(2))
    assert one == other
    assert one.startswith({".png": b"\x89PNG", ".svg": b"<?xml"}[suffix])


def test_a_users_own_settings_change_nothing():
    import matplotlib

    plain = pictures.picture_bytes(pictures.piano_roll(TUNE), ".svg")
    with matplotlib.rc_context({"font.family": "monospace", "lines.dash_capstyle": "round", "svg.fonttype": "none"}):
        assert pictures.picture_bytes(pictures.piano_roll(TUNE), ".svg") == plain


def test_a_picture_is_saved_whole_or_not_at_all(tmp_path: Path):
    figure = pictures.piano_roll(TUNE)
    assert pictures.save_picture(figure, tmp_path / "tune.svg").read_bytes() == pictures.picture_bytes(figure, ".svg")
    with pytest.raises(OptionError, match=r"ends in \.png or \.svg\. Received: \.gif"):
        pictures.save_picture(figure, tmp_path / "tune.gif")
    with pytest.raises(FileError, match="nowhere"):
        pictures.save_picture(figure, tmp_path / "nowhere" / "tune.png")
    assert [path.name for path in tmp_path.iterdir()] == ["tune.svg"]
