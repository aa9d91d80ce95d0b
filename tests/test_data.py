"""data/jazz: the MIDI files say what their sources say, and every line lies where real solos lie."""

from __future__ import annotations

import sys
from fractions import Fraction as F
from pathlib import Path

import numpy as np
import pytest

from musicgen.errors import FileError, InputError, MusicgenError
from musicgen.music.files import read
from musicgen.music.score import NOTE, Score, Text, Track, table

JAZZ = Path(__file__).resolve().parents[1] / "data" / "jazz"
sys.path.insert(0, str(JAZZ))

import check  # noqa: E402
import make  # noqa: E402
import measure  # noqa: E402
import measures  # noqa: E402
import notation  # noqa: E402

TUNES = make.tunes()
HEAD = "X:1\nT:A Test\nC:ours\nS:our test\nM:4/4\nL:1/8\nQ:1/4=120\nN:CC0 1.0\n"


def parse(music: str, key: str = "C", head: str = HEAD) -> notation.Tune:
    return notation.parse(f"{head}K:{key}\n{music}\n")


def heard(music: str, key: str = "C") -> list[tuple[F, F, int]]:
    """Start, duration and pitch of every note."""
    return [tuple(note) for note in parse(music, key).notes]


# The folder


@pytest.mark.parametrize("name", TUNES)
def test_the_midi_says_what_its_source_says(name):
    assert read(JAZZ / f"{name}.mid") == make.score(TUNES[name])


def test_the_page_and_the_files_belong_to_the_sources():
    assert (JAZZ / "README.md").read_text(encoding="utf-8") == make.readme(TUNES)
    assert {path.stem for path in JAZZ.glob("*.mid")} == set(TUNES)


def test_there_are_forty_lines_and_four_thousand_notes():
    assert len(TUNES) >= 40
    assert sum(len(tune.notes) for tune in TUNES.values()) >= 4000


@pytest.mark.parametrize("name", TUNES)
def test_every_line_says_what_it_is_and_whose(name):
    header, scored = TUNES[name].header, make.score(TUNES[name])
    is_ours = header["C"] == "ours"
    assert is_ours == header["S"].startswith("our ")
    assert header["N"] == "CC0 1.0" if is_ours else "public domain" in header["N"]
    assert header["N"] in [text for _, text in scored.texts]
    assert scored.markers


@pytest.mark.parametrize("name", TUNES)
def test_every_line_lies_where_real_solos_lie(name):
    row, _, outside = check.report(JAZZ / f"{name}.mid", check.load())
    assert outside <= check.ALLOWED, row


@pytest.mark.parametrize("name", TUNES)
def test_a_line_is_one_voice(name):
    notes = make.score(TUNES[name]).tracks[0].notes
    assert (notes["start"][1:] >= (notes["start"] + notes["duration"])[:-1]).all()


# The check


def scale(tmp_path: Path) -> Path:
    """A file with a scale up and down in eighths over one chord: what we do not want."""
    pitches = [*range(60, 73), *range(71, 60, -1)] * 8
    notes = [(240 * i, 240, pitch, 80) for i, pitch in enumerate(pitches)]
    path = tmp_path / "scale.mid"
    path.write_bytes(make.midi.write(Score(480, (Track("solo", notes=table(NOTE, notes)),), markers=(Text(0, "C7"),))))
    return path


def test_scales_up_and_down_do_not_pass(tmp_path, capsys):
    assert check.main([str(scale(tmp_path))]) == 1
    out = capsys.readouterr().out
    assert "FAILS" in out
    assert "turns 0.0" in out
    assert "rests 0.00" in out


def test_measure_counts_what_it_says():
    piece = measures.Line(
        start=np.array([0, 0.5, 1, 3, 3 + 1 / 3]),
        duration=np.array([0.5, 0.5, 0.5, 1 / 3, 2 / 3]),
        pitch=np.array([60, 62, 69, 69, 60]),
        chords=(frozenset({0, 4, 7}),) * 4 + (frozenset(),),
    )
    found = measures.measure(piece)
    assert found["mean interval"] == (2 + 7 + 0 + 9) / 4
    assert (found["steps"], found["leaps"], found["same note"]) == (1 / 4, 2 / 4, 1 / 4)
    assert found["turns"] == 1 / 2
    assert (found["on the beat"], found["on the half"], found["elsewhere"]) == (3 / 5, 1 / 5, 1 / 5)
    assert found["rests"] == pytest.approx(1.5 / 4)
    assert found["phrase notes"] == 5 / 2
    assert found["range"] == 9
    assert found["chord tones"] == 1 / 4


def test_what_was_played_twice_is_heard_again():
    once = np.array([60, 62, 65, 64, 67, 60, 71])
    starts = np.arange(14) / 2
    twice = measures.Line(starts, np.full(14, 0.5), np.tile(once, 2), (frozenset(),) * 14)
    assert measures.measure(twice)["figures again"] == pytest.approx(3 / 10)


def test_a_line_too_short_to_judge_is_named(tmp_path):
    path = tmp_path / "short.mid"
    path.write_bytes(make.midi.write(Score(480, (Track(notes=table(NOTE, [(0, 480, 60, 80)])),))))
    with pytest.raises(InputError, match=r"short\.mid: expected a line of more than 4 notes. Received: 1"):
        check.report(path, check.load())


def test_bands_come_from_files(tmp_path):
    found = measure.bands(str(scale(tmp_path)))
    assert found["solos"] == 1
    assert found["bands"]["range"] == [12, 12]
    assert sum(found["solos_outside"]) == 1


# The notation


@pytest.mark.parametrize(
    ("music", "notes"),
    [
        ("C2 c2 C,2 c'2 |", [(0, 1, 60), (1, 1, 72), (2, 1, 48), (3, 1, 84)]),
        ("^F2 ^F2 =F2 =F2 | F8 |", [(0, 1, 66), (1, 1, 66), (2, 1, 65), (3, 1, 65), (4, 4, 65)]),
        ("C4- C2 z2 |", [(0, 3, 60)]),
        ("z4 E4- | E4 z4 |", [(2, 4, 64)]),
        ("(3CDE z6 |", [(0, F(1, 3), 60), (F(1, 3), F(1, 3), 62), (F(2, 3), F(1, 3), 64)]),
        ("(3:2:2C2D z6 |", [(0, F(2, 3), 60), (F(2, 3), F(1, 3), 62)]),
        ("C>D C<D z4 |", [(0, F(3, 4), 60), (F(3, 4), F(1, 4), 62), (1, F(1, 4), 60), (F(5, 4), F(3, 4), 62)]),
        ("C3/2D/ z6 |", [(0, F(3, 4), 60), (F(3, 4), F(1, 4), 62)]),
        (".C2 z6 |", [(0, F(1, 2), 60)]),
        ("G2 | C8 |", [(3, 1, 67), (4, 4, 60)]),
        ("|: C4 z4 :| D8 |", [(0, 2, 60), (4, 2, 60), (8, 4, 62)]),
        ("C8 | Z2 | D8 |", [(0, 4, 60), (12, 4, 62)]),
        ("C4 z4 % D8\n| E8 |", [(0, 2, 60), (4, 4, 64)]),
    ],
)  # fmt: skip
def test_notation(music, notes):
    assert heard(music) == notes


def test_the_key_alters_and_accidentals_end_with_the_bar():
    assert [pitch for _, _, pitch in heard("F2 ^F2 B2 _B2 | F4 B4 |", "Bb")] == [65, 66, 70, 70, 65, 70]
    assert [pitch for _, _, pitch in heard("C2 F2 B2 E2 |", "Ddor")] == [60, 65, 71, 64]


def test_broken_rhythm_may_be_two_to_one():
    tune = parse("C>D z6 |", head=HEAD + "%%MIDI ratio 2 1\n")
    assert [note.duration for note in tune.notes] == [F(2, 3), F(1, 3)]


def test_chords_stand_at_their_quarter():
    assert parse('z6 C2 | "Dm7" D4 "G7" D4 |').chords == ((4, "Dm7"), (6, "G7"))


@pytest.mark.parametrize(
    ("music", "message"),
    [
        ("C8 | C6 | C8 |", "bar 2: expected 4 quarters. Received: 3"),
        ("C8 | C8 C |", "bar 2: expected 4 quarters. Received: 9/2"),
        ("C8 | C4 $ |", "bar 2: expected notes, rests, chords in quotes or bar lines. Received: '\\$ |'"),
        ("C8 | C4 C4", "bar 2: expected a bar line at the end"),
        ("^C4 C4 |", "bar 1: expected an accidental: C is altered earlier in the bar. Received: none"),
        ("^C4 c4 |", "bar 1: expected an accidental: C is altered earlier in the bar. Received: none"),
        ("C4- D4 |", "bar 1: expected the tied note 60. Received: 62"),
        ("C4- z4 |", "bar 1: expected a note after the tie. Received: a rest"),
        ("C8- |", "left open"),
        ("C8 :|", "expected |: before :|"),
    ],
)
def test_the_bar_is_named(music, message):
    with pytest.raises(FileError) as caught:
        parse(music)
    assert message.replace("\\", "") in str(caught.value)


def test_the_file_is_named(tmp_path):
    (tmp_path / "odd.abc").write_text(HEAD + "K:C\nC7 |\nC8 | C8 |\n", encoding="utf-8")
    (tmp_path / "bad.abc").write_text(HEAD + "K:C\nC8 | C7 | C8 |\n", encoding="utf-8")
    assert len(notation.read(tmp_path / "odd.abc").notes) == 3  # a pickup
    with pytest.raises(FileError, match=r"bad\.abc: bar 2: expected 4 quarters"):
        notation.read(tmp_path / "bad.abc")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("K:C\nC8 |", "Received: none of X, T"),
        (HEAD + "K:H\nC8 |", "expected a key such as Bb, Dm or Gdor. Received: 'H'"),
        (HEAD.replace("1/4=120", "fast") + "K:C\nC8 |", "expected Q:1/4=120"),
    ],
)
def test_headers_are_checked(text, message):
    with pytest.raises(FileError) as caught:
        notation.parse(text)
    assert message in str(caught.value)


def test_a_chord_no_one_knows_is_an_error():
    with pytest.raises(MusicgenError, match="quarter 4: expected a chord"):
        make.score(parse('C8 | "Gm77" C8 |'))
