"""Inspecting: hostile files cost one line each, likeness is told, the line can be chosen."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path

import pytest

from musicgen.errors import FileError
from musicgen.music import files
from musicgen.music.score import METRE, NOTE, TEMPO, Score, Text, Track, table
from musicgen.studio.cli import main
from musicgen.studio.estimate import estimated
from musicgen.studio.findings import Question, look
from musicgen.studio.inspector import Inspection, inspect
from musicgen.studio.tables import aligned, shown
from tests.music.test_files import END, midi

NOTES = b"\x00\x90\x3c\x40\x60\x80\x3c\x40"
FAR = b"\xff\xff\xff\x7f\xb0\x07\x40" * 8  # 2**31 ticks in which nothing sounds
SCALE = [(24 * n, 24, 60 + pitch, 80) for n, pitch in enumerate((0, 2, 4, 5, 7, 9, 11, 12, 11, 9, 7, 5, 4, 2, 0, 7))]


def sparse(path: Path, head: bytes, size: int) -> None:
    """A file of so many bytes that begins so and holds zeros."""
    path.write_bytes(head)
    os.truncate(path, size)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Inspection:
    folder = tmp_path_factory.mktemp("hostile")
    at_once = b"\x00\x90\x3c\x40" * 10_000 + b"\x60\x80\x3c\x40" + b"\x00\x80\x3c\x40" * 9_999
    songs = {
        "gap.mid": midi(NOTES + FAR + NOTES + END),
        "gap of quarters.mid": midi(NOTES + FAR + NOTES + END, division=1),
        "at once.mid": midi(at_once + END),
        "thousand.mid": midi(*[b"\x00\xff\x03\x04%04d" % n + NOTES + END for n in range(1000)]),
        "new\nline \x1b[31m\udcff.mid": midi(NOTES + END),
        "page.mid": b"<!DOCTYPE html>",
        "good.mid": midi(NOTES + END),
    }
    for name, data in songs.items():
        (folder / name).write_bytes(data)
    size = 50_000_000
    long_text = b"\x00\xff\x01" + bytes(
        [size - 1000 >> shift & 127 | 128 for shift in (21, 14, 7)] + [size - 1000 & 127]
    )
    head = midi(NOTES + long_text)
    sparse(folder / "text.mid", head[:18] + (size - 22).to_bytes(4, "big") + head[22:], size)
    sparse(folder / "zeros.mid", b"", size)
    with zipfile.ZipFile(folder / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("good.mid", midi(NOTES + END))
        bomb.writestr("large.mid", bytes(100_000_000))
        bomb.writestr("ratio.mid", bytes(60_000_000))
    (folder / "torn.zip").write_bytes((folder / "bomb.zip").read_bytes()[:-30])
    return inspect(folder)


def named(inspection: Inspection) -> dict[str, str]:
    return {os.path.basename(found.path): found.verdict for found in inspection.files}


def test_hostile_files_cost_one_line_each(hostile: Inspection):
    verdicts = named(hostile)
    assert len(verdicts) == len(hostile.files) - 1 == 12
    del verdicts["thousand.mid"]  # a busy machine may not read it in time
    assert {name for name, verdict in verdicts.items() if verdict == "refused"} == {
        "gap.mid",
        "gap of quarters.mid",
        "page.mid",
        "zeros.mid",
        "large.mid",
        "ratio.mid",
        "torn.zip",
    }
    assert all(found.reason for found in hostile.files if not found.usable)
    assert len(hostile.to_text().splitlines()) == len(hostile.files) + 5


def test_no_name_moves_the_cursor(hostile: Inspection):
    text = hostile.to_text()
    assert r"new\nline \x1b[31m\udcff.mid" in text
    assert all(letter.isprintable() or letter == "\n" for letter in text)
    assert text.encode()


def test_json_says_the_same(hostile: Inspection):
    told = json.loads(json.dumps(hostile.to_dict()))
    assert told["totals"]["files"] == len(told["files"]) == told["totals"]["used"] + told["totals"]["refused"]
    by_name = {os.path.basename(found["path"]): found for found in told["files"]}
    assert by_name["page.mid"]["reason"].startswith("expected a MIDI file")
    thousand = look(Question(files.Place(Path(by_name["thousand.mid"]["path"])))).finding
    assert (thousand.tracks, thousand.notes) == (1000, 1)
    assert by_name["at once.mid"]["remarks"] == ["plays chords: the top line is taken"]
    assert "expected rests of at most 1000 whole notes" in by_name["gap.mid"]["reason"]
    assert told["estimate"]["steps"] == told["totals"]["steps"] == sum(found["steps"] for found in told["files"])


def write(path: Path, *tracks: Track, **context: object) -> None:
    files.write(Score(24, tracks, **context), path)


def test_what_a_file_holds(tmp_path: Path):
    metres, tempos = table(METRE, [(0, 3, 4), (144, 4, 4)]), table(TEMPO, [(0, 600_000)])
    line, low = (
        Track("Melodie", notes=table(NOTE, SCALE)),
        Track("", 1, notes=table(NOTE, [(0, 24, 36, 80), (384, 1, 36, 80)])),
    )
    write(tmp_path / "a.mid", low, line, metres=metres, tempos=tempos, markers=(Text(0, "C"), Text(96, "G7")))
    (found,) = inspect(tmp_path).files
    assert (found.verdict, found.kind, found.tracks, found.metre, found.tempo) == ("used", "MIDI", 2, "3/4 4/4", 100)
    assert (found.key, found.notes, found.steps, found.moved) == ("C major", 16, 16, 0)
    assert (found.bars, found.melody, found.melody_track) == (2 + 3, "Melodie", 2)
    assert (found.chords, found.chords_from) == (2, "markers")


def test_likeness_is_told(tmp_path: Path):
    line = Track("one", notes=table(NOTE, SCALE))
    higher = Track("two", notes=table(NOTE, [(start, length, pitch + 5, 80) for start, length, pitch, _ in SCALE]))
    for name, track in (("a", line), ("b", Track("other name", 3, 5, line.notes)), ("c", higher)):
        write(tmp_path / f"{name}.mid", track)
    first, same, near = inspect(tmp_path).files
    assert not first.duplicate_of + first.near_duplicate_of + same.near_duplicate_of + near.duplicate_of
    assert same.duplicate_of == near.near_duplicate_of == first.path
    assert near.likeness == 1
    found = inspect(tmp_path)
    assert [(one["path"], one["same"]) for one in found.duplicates] == [(same.path, True), (near.path, False)]
    assert "1 duplicates and 1 near duplicates" in found.to_text()


def test_the_line_can_be_chosen_for_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    low = Track("Bass", 1, notes=table(NOTE, [(0, 24, 40, 80), (24, 24, 43, 80)]))
    write(tmp_path / "a.mid", Track("Melody", notes=table(NOTE, SCALE)), low)
    write(tmp_path / "b.mid", Track("Melody", notes=table(NOTE, SCALE)))
    both = inspect(tmp_path)
    assert [found.notes for found in both.files] == [16, 16]
    chosen, without = inspect(tmp_path, line="bas?").files
    assert (chosen.melody, chosen.melody_track, chosen.notes) == ("Bass", 2, 2)
    assert without.reason == 'expected a pitched track whose number or name is "bas?". Received: 1 Melody'
    assert main(["inspect", str(tmp_path), "--line", "3"]) == 1
    assert "Received: 1 Melody, 2 Bass" in capsys.readouterr().out


def test_texts_are_counted_by_their_encoding(tmp_path: Path):
    texts = {"a.txt": "anna\n\nbo\n", "b.txt": "anna\nbo", "empty.txt": "\n", "latin.txt": "no\udce9l"}
    for name, text in texts.items():
        (tmp_path / name).write_bytes(text.encode("utf-8", "surrogateescape"))
    found = inspect(tmp_path, "characters")
    first, same, empty, latin = found.files
    assert (first.kind, first.notes, first.steps, same.duplicate_of) == ("text", 8, 8, first.path)
    assert "expected lines of text" in empty.reason
    assert "expected a text in UTF-8" in latin.reason
    assert "2 used with 16 characters or words, 2 refused" in found.to_text()
    with pytest.raises(FileError, match="nowhere"):
        inspect(tmp_path / "nowhere", "words")


def test_nothing_there_is_an_error(tmp_path: Path):
    with pytest.raises(FileError, match="nowhere"):
        inspect(tmp_path / "nowhere")


def test_an_estimate_grows_with_the_music():
    small, large = estimated(10_000), estimated(10_000_000)
    assert small.seconds < large.seconds / 100
    assert small.megabytes < large.megabytes
    assert "seconds for 10 epochs" in str(small)
    assert "hours for 10 epochs" in str(large)


def test_a_table_holds_any_cell():
    assert shown("a\tb\x1b\udc80é\u202e 旋") == r"a\tb\x1b\udc80é\u202e 旋"
    assert aligned([("a", "b"), ("x" * 99, "y" * 99)]) == f"{'a':28}  b\n{'x' * 27}…  {'y' * 99}"


def test_what_is_passed_over_is_told(tmp_path: Path):
    write(tmp_path / "tune.mid", Track("Melodie", notes=table(NOTE, SCALE)))
    (tmp_path / "tune.abc").write_text("X:1\nK:C\nCDEF|\n")
    (tmp_path / "song.mp3").write_bytes(b"ID3")
    os.mkfifo(tmp_path / "pipe.mid")
    found = inspect(tmp_path)
    assert [os.path.basename(path) for path in found.passed_over] == ["pipe.mid", "song.mp3", "tune.abc"]
    assert "3 other files passed over: " in found.to_text()
    (pipe,) = inspect(tmp_path / "pipe.mid").files
    assert pipe.reason == "expected a file that can be read. Received: a pipe or a device"
