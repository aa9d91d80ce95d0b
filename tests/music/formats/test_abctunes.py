"""ABC: our own tunes against their MIDI files, and small tunes with the notes they must give."""

from __future__ import annotations

from pathlib import Path

import pytest

from musicgen.errors import FileError
from musicgen.music import files
from musicgen.music.formats import abctunes
from musicgen.music.theory import chords_from_markers

ROOT = Path(__file__).parents[3]


def tune(body: str, head: str = "M:4/4\nL:1/4\nK:C") -> list[tuple[float, float, int]]:
    """Start and duration in quarter notes, and pitch."""
    score = abctunes.read(f"X:1\n{head}\n{body}\n".encode(), 0, [])
    return sorted(
        (start / score.resolution, duration / score.resolution, pitch)
        for track in score.tracks
        for start, duration, pitch, _ in track.notes.tolist()
    )


def pitches(body: str, head: str = "M:4/4\nL:1/4\nK:C") -> list[int]:
    return [pitch for _, _, pitch in tune(body, head)]


@pytest.mark.parametrize("path", sorted((ROOT / "data/jazz/abc").glob("*.abc")), ids=lambda path: path.stem)
def test_our_tunes_are_what_their_midi_files_say(path: Path):
    written, played = files.read(path), files.read(path.parents[1] / f"{path.stem}.mid")

    def heard(score):
        return [
            (start / score.resolution, length / score.resolution, pitch)
            for start, length, pitch, _ in score.tracks[0].notes.tolist()
        ]

    assert [note[::2] for note in heard(written)] == [note[::2] for note in heard(played)]
    chords = [
        [(tick / score.resolution, chord) for tick, chord in chords_from_markers(score.markers)]
        for score in (written, played)
    ]
    assert chords[0] == chords[1]


@pytest.mark.parametrize(
    ("body", "notes"),
    [
        ("C D2 E/ F// G3/2", [(0, 1, 60), (1, 2, 62), (3, 0.5, 64), (3.5, 0.25, 65), (3.75, 1.5, 67)]),
        ("C>D E<F", [(0, 1.5, 60), (1.5, 0.5, 62), (2, 0.5, 64), (2.5, 1.5, 65)]),
        ("(3CDE F", [(0, 2 / 3, 60), (2 / 3, 2 / 3, 62), (4 / 3, 2 / 3, 64), (2, 1, 65)]),
        ("(3:2:2C2D E", [(0, 4 / 3, 60), (4 / 3, 2 / 3, 62), (2, 1, 64)]),
        ("[CE-]2 [EG] z", [(0, 2, 60), (0, 3, 64), (2, 1, 67)]),
        ("C3 D-|D4", [(0, 3, 60), (3, 5, 62)]),
        ("C2 z2 & E4|", [(0, 2, 60), (0, 4, 64)]),
    ],
)
def test_lengths(body: str, notes: list[tuple[float, float, int]]):
    assert tune(body) == [pytest.approx(note, abs=1e-3) for note in notes]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("^F F f | F", [66, 66, 78, 65]),  # to the end of the bar, in all octaves
        ("__B =B c' C,", [69, 71, 84, 48]),
        ('{ga}C !trill!D "^slow"E .F', [60, 62, 64, 65]),
        ("|: C :| D", [60, 60, 62]),
        ("C :: D :| E", [60, 60, 62, 62, 64]),
        ("|: C |1 D :|2 E || F :|", [60, 62, 60, 64, 65, 65]),
        ("C [1 D :[2 E || F", [60, 62, 60, 64, 65]),
        ("|: C [1 D :| [2 E |] F", [60, 62, 60, 64, 65]),
        ("C [K:D] F C | [M:3/4] F", [60, 66, 61, 66]),
    ],
)
def test_pitches_and_repeats(body: str, expected: list[int]):
    assert pitches(body) == expected


@pytest.mark.parametrize(
    ("key", "signature"),
    [
        ("Edor", (2, True)),
        ("C#m", (4, True)),
        ("EM", (1, True)),
        ("Bb", (-2, False)),
        ("G Mixolydian", (0, False)),
        ("D clef=bass", (2, False)),
        ("Fmaj", (-1, False)),
        ("Hp", (2, False)),
        ("none", (0, False)),
    ],
)
def test_keys(key: str, signature: tuple[int, bool]):
    found = abctunes.key_signature(key)
    assert found is not None
    assert found[:2] == signature


def test_a_pickup_shifts_no_bar_line():
    score = abctunes.read(b'X:1\nM:4/4\nL:1/4\nQ:1/2=60\nK:G\n"D"D|"G"GABc|dcB:|\n', 0, [])
    assert score.metres.tolist() == [(0, 1, 4), (480, 4, 4)]
    assert score.tempos.tolist() == [(0, 500_000)]
    assert score.keys.tolist() == [(0, 1, False)]
    assert [str(chord) for _, chord in chords_from_markers(score.markers)] == ["D", "G", "D", "G"]
    assert score.end == 16 * 480


def test_voices_are_tracks_with_words():
    text = b'X:1\nM:2/4\nL:1/4\nV:1 name="High"\nV:2 name="Low"\nK:C\nV:1\nc d|\nw:glo-ry\nV:2\nC2|\n'
    score = abctunes.read(text, 0, [])
    assert [track.name for track in score.tracks] == ["High", "Low"]
    assert [tuple(word) for word in score.tracks[0].lyrics] == [(0, "glo-"), (480, "ry")]


def test_what_is_left_out_is_said():
    remarks: list[str] = []
    abctunes.read(b"X:1\nK:C\n{ab}C\n", 0, remarks)
    assert remarks == ["2 grace notes left out"]


@pytest.mark.parametrize(
    ("text", "sentence"), [(b"", "Received: ''"), (b"hello", "X: and K:"), (b"X:1\nT:a\n", "notes")]
)
def test_what_is_no_tune_is_refused(text: bytes, sentence: str):
    with pytest.raises(FileError, match=sentence):
        abctunes.read(text, 0, [])
