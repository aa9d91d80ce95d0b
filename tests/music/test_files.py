"""The doors: what is found, what is refused and in which words, and that files appear whole."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from musicgen.errors import FileError, InputError, OptionError
from musicgen.music import files
from musicgen.music.formats import archives, corpora
from musicgen.music.score import NOTE, Score, Text, Track, table

TUNE = Score(480, (Track("solo", 0, 66, table(NOTE, [(0, 480, 60, 90), (480, 240, 64, 80)])),), markers=(Text(0, "C"),))

NOTES = b"\x00\x90\x3c\x40\x60\x80\x3c\x40"
END = b"\x00\xff\x2f\x00"


def midi(*chunks: bytes, kind: int = 1, division: int = 480, count: int | None = None) -> bytes:
    """A MIDI file of chunks of events."""
    header = [(6, 4), (kind, 2), (len(chunks) if count is None else count, 2), (division, 2)]
    bodies = [b"MTrk" + len(chunk).to_bytes(4, "big") + chunk for chunk in chunks]
    return b"MThd" + b"".join(value.to_bytes(size, "big") for value, size in header) + b"".join(bodies)


def test_a_score_comes_back_from_its_file(tmp_path: Path):
    path = tmp_path / "new" / "folder" / "tune.MID"
    files.write(TUNE, path)
    first = path.read_bytes()
    files.write(TUNE, path)
    assert files.read(path) == TUNE
    assert path.read_bytes() == first
    assert os.listdir(path.parent) == ["tune.MID"]


BAD_FILES = {
    "a web page": (b"<!DOCTYPE html><html>", r"begins with MThd\. Received: b'<!DOCTYPE ht'"),
    "nothing": (b"", r"begins with MThd\. Received: an empty file"),
    "half a header": (midi(NOTES)[:10], r"14 bytes\. Received: a file that breaks off at byte 10"),
    "only a header": (midi(), r"at least one track\. Received: none"),
    "cut in an event": (midi(NOTES[:-1]), r"track 1: byte 6: expected 2 more\. Received: the end of the track"),
    "frames": (midi(NOTES, division=0xE628), r"24, 25, 29 or 30 frames a second, .* Received: 26 of 40"),
    "cut before a note": (
        midi(b"\x00\xff\x03\x01A" + NOTES)[:27],
        r"expected notes\. Received: none, and .* at byte 27",
    ),
    "cut before a track": (midi(NOTES)[:20], r"at least one track\. Received: .* breaks off at byte 20, in track 1"),
    "a RIFF file of sound": (b"RIFF\x04\0\0\0WAVEfmt ", r"begins with MThd\. Received: b'RIFF"),
    "a RIFF file of nothing": (b"RIFF\x04\0\0\0RMID", r"MIDI data in a RIFF file\. Received: none"),
    "no resolution": (midi(NOTES, division=0), r"ticks to a quarter note\. Received: 0"),
    "type 3": (midi(NOTES, kind=3), r"type 0, 1 or 2\. Received: type 3"),
    "a message of none": (midi(b"\x00\xf4\x00\x00"), r"byte 2: expected a MIDI message\. Received: f4 00 00"),
    "data without a status": (midi(b"\x00\x3c\x40"), r"byte 1: expected a MIDI message\. Received: 00 3c 40"),
    "a pitch of 188": (midi(b"\x00\x90\xbc\x40"), r"expected a MIDI message\. Received: 90 bc 40"),
    "a long number": (midi(b"\xff\xff\xff\xff\x7f\x90\x3c\x40"), r"at most four bytes"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_refused_in_one_sentence(name: str, tmp_path: Path):
    data, sentence = BAD_FILES[name]
    path = tmp_path / "bad.mid"
    path.write_bytes(data)
    with pytest.raises(FileError, match=rf"bad\.mid: .*{sentence}"):
        files.read(path)


def test_what_is_no_file_is_refused(tmp_path: Path):
    (tmp_path / "tune.xyz").write_bytes(midi(NOTES))
    (tmp_path / "text.zip").write_bytes(b"PK")
    for name, received in (
        ("", "a folder"),
        ("none.mid", "No such file"),
        ("a\0b.mid", "null"),
        ("tune.xyz", ".xyz"),
        ("text.zip", "File is not a zip file"),
    ):
        with pytest.raises(FileError, match=rf"Received: .*{received}"):
            files.read(f"{tmp_path}/{name}")


def test_what_cannot_be_written_is_refused(tmp_path: Path):
    (tmp_path / "folder.mid").mkdir()
    with pytest.raises(OptionError, match=r"ending in \.mid, \.midi, \.musicxml or \.mxl\. Received: \.mp3"):
        files.write(TUNE, tmp_path / "tune.mp3")
    with pytest.raises(FileError, match=r"folder\.mid: expected a place that can be written to\. Received: .*irectory"):
        files.write(TUNE, tmp_path / "folder.mid")
    assert os.listdir(tmp_path) == ["folder.mid"]


@pytest.mark.parametrize(
    ("score", "sentence"),
    [
        (Score(0), "resolution from 1 to 32767. Received: 0"),
        (Score(tracks=(Track(channel=16),)), "track 1: expected channel from 0 to 15. Received: 16"),
        (Score(tracks=(Track(program=-1),)), "track 1: expected program from 0 to 127. Received: -1"),
        (Score(tracks=(Track(notes=table(NOTE, [(0, 9, 60, 0)])),)), "expected velocity from 1 to 127. Received: 0"),
        (Score(tracks=(Track(notes=table(NOTE, [(-5, 9, 60, 9)])),)), "expected start from 0 to .* Received: -5"),
        (Score(markers=(Text(2**28, "far"),)), "expected ticks between events, .* Received: 268435456"),
    ],
)
def test_what_midi_cannot_hold_is_refused(score: Score, sentence: str, tmp_path: Path):
    with pytest.raises(InputError, match=rf"tune\.mid: .*{sentence}"):
        files.write(score, tmp_path / "tune.mid")


@pytest.mark.parametrize(
    ("data", "notes", "remark"),
    [
        (midi(NOTES + END, NOTES + END)[:-4], 2, "expected 2 tracks but the file breaks off at byte 50, in track 2"),
        (midi(NOTES + END, count=2), 1, "expected 2 tracks but the file breaks off at byte 34, in track 2"),
        (midi(NOTES + NOTES[:-1], NOTES), 2, "track 1: byte 14: .*; kept what was before it, 1 notes up to tick 96"),
        (midi(NOTES + b"\x00\xf4\x00\x00"), 1, "track 1: byte 10: expected a MIDI message"),
    ],
)
def test_a_damaged_file_is_read_as_far_as_it_goes(data: bytes, notes: int, remark: str, tmp_path: Path, caplog):
    path = tmp_path / "damaged.mid"
    path.write_bytes(data)
    piece = files.read_piece(path)
    assert sum(len(track.notes) for track in piece.score.tracks) == notes
    assert any(re.search(remark, said) for said in piece.remarks)
    assert files.read(path) == piece.score
    assert "damaged.mid: " in caplog.text


@pytest.mark.parametrize(
    ("division", "resolution", "microseconds"),
    [(0xE728, 500, 500_000), (0xE701, 25, 1_000_000), (0xE364, 1500, 500_500)],  # 25 and 29.97 frames a second
)
def test_frames_are_seconds(division: int, resolution: int, microseconds: int, tmp_path: Path):
    path = tmp_path / "frames.mid"
    path.write_bytes(midi(b"\x00\xff\x51\x03\x07\xa1\x21" + NOTES, division=division))
    score = files.read(path)
    assert (score.resolution, score.tempos.tolist()) == (resolution, [(0, microseconds)])


def test_a_wrapped_file_is_unwrapped(tmp_path: Path):
    plain = midi(NOTES + END)
    path = tmp_path / "wrapped.rmi"
    path.write_bytes(b"RIFF" + bytes(4) + b"RMIDodd \x01\0\0\0x\0data" + len(plain).to_bytes(4, "little") + plain)
    assert files.read(path).end == 96


def test_several_pieces_of_a_file_go_by_number(tmp_path: Path):
    path = tmp_path / "set.mid"
    path.write_bytes(midi(NOTES, NOTES + NOTES, kind=2))
    assert [str(place) for place in files.places(path)] == [f"{path}#1", f"{path}#2"]
    assert files.read(f"{path}#2").end == 192
    assert files.find([f"{path}#2"]) == [Path(f"{path}#2")]
    with pytest.raises(
        FileError, match=r"set\.mid: expected one piece\. Received: 2 pieces; choose one, .*set\.mid#1'"
    ):
        files.read(path)
    with pytest.raises(FileError, match=r"set\.mid#3: expected one of .*set\.mid#1, .*set\.mid#2\. Received: another"):
        files.read(f"{path}#3")


def test_a_zip_is_a_folder(tmp_path: Path):
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("inner/a.mid", midi(NOTES))
        archive.writestr("inner/tunes.abc", "X:1\nT:One\nK:C\nCDE|\nX:2\nT:Two\nK:C\nEDC|\n")
        archive.writestr("__MACOSX/inner/._a.mid", b"")
        archive.writestr("readme.txt", b"")
    names = [f"{path}/inner/a.mid", f"{path}/inner/tunes.abc#1 One", f"{path}/inner/tunes.abc#2 Two"]
    assert [str(place) for place in files.places(tmp_path)] == names
    assert [files.read_piece(name).name for name in names] == names
    with pytest.raises(FileError, match=r"expected one of .* Received: another name"):
        files.read(f"{path}/inner/b.mid")


def test_a_zip_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.mid", bytes(8 * 2**20))
    with pytest.raises(FileError, match=r"bomb\.zip/a\.mid: expected an entry that unpacks to at most 200 times"):
        files.read(path)
    monkeypatch.setattr(archives, "MOST_BYTES", 2**20)
    with pytest.raises(FileError, match=r"expected an entry of at most 1 MiB\. Received: 8 MiB or more"):
        files.read(path)
    monkeypatch.setattr(archives, "MOST_ENTRIES", 0)
    assert [str(place) for place in files.places(path)] == [str(path)]


def test_a_collection_goes_by_name():
    assert list(corpora.works("corpus:bach/bwv66.6")) == ["corpus:bach/bwv66.6"]
    assert len(corpora.works("corpus:ryansMammoth")) > 1000
    assert next(iter(files.places("corpus:essenFolksong"))).number == 1
    assert files.read("corpus:bwv66.6").keys.tolist() == [(0, 3, True)]
    with pytest.raises(FileError, match=r"such as ryansMammoth.* Received: ryanMammoth"):
        files.find("corpus:ryanMammoth")


def test_notation_beside_its_midi_file_is_no_second_piece(tmp_path: Path):
    for name in ("a.mid", "abc/a.abc", "abc/b.abc", "c/b.mid"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert files.find(tmp_path) == [tmp_path / name for name in ("a.mid", "abc/b.abc", "c/b.mid")]


def test_find_lists_what_is_there(tmp_path: Path):
    for name in ("b.mid", "a/c.MIDI", "a/readme.txt", "._b.mid", ".git/d.mid", "e.mid/f.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = [tmp_path / "a/c.MIDI", tmp_path / "b.mid"]
    assert files.find(tmp_path) == found
    assert files.find(str(found[1])) == [found[1]]
    assert files.find([found[1], tmp_path]) == found[::-1]


def test_find_says_when_nothing_is_there(tmp_path: Path):
    with pytest.raises(FileError, match=r"nowhere: expected a file or a folder"):
        files.find(tmp_path / "nowhere")
    with pytest.raises(FileError, match=r"files ending in \.mid, .* or \.zip\. Received: a folder without any"):
        files.find(tmp_path)
    with pytest.raises(FileError, match=r"Received: an empty list"):
        files.find([])


def test_the_door_is_light():
    heavy = {"symusic", "mido", "music21", "keras", "tensorflow", "matplotlib"}
    program = f"import musicgen.music.files, sys; sys.exit(bool({heavy} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
