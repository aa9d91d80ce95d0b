"""The doors: what is found, what is refused and in which words, and that files appear whole."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from musicgen.errors import FileError, InputError, OptionError
from musicgen.music import files
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
    "cut between tracks": (midi(NOTES + END, count=2), r"2 tracks\. Received: .* breaks off at byte 34, in track 2"),
    "cut in a track": (midi(NOTES + END, NOTES + END)[:-5], r"breaks off at byte 49, in track 2"),
    "cut in an event": (midi(NOTES[:-1]), r"track 1: byte 6: expected 2 more\. Received: the end of the track"),
    "frames": (midi(NOTES, division=0xE728), r"ticks to a quarter note\. Received: SMPTE time"),
    "no resolution": (midi(NOTES, division=0), r"ticks to a quarter note\. Received: 0"),
    "type 2": (midi(NOTES, kind=2), r"type 0 or 1\. Received: type 2"),
    "a message of none": (midi(NOTES + b"\x00\xf4\x00\x00"), r"byte 10: expected a MIDI message\. Received: f4 00 00"),
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
    for name, received in (("", "a folder"), ("none.mid", "No such file"), ("a\0b.mid", "null"), ("tune.xyz", ".xyz")):
        with pytest.raises(FileError, match=rf"Received: .*{received}"):
            files.read(f"{tmp_path}/{name}")


def test_what_cannot_be_written_is_refused(tmp_path: Path):
    (tmp_path / "folder.mid").mkdir()
    with pytest.raises(OptionError, match=r"ending in \.mid or \.midi\. Received: \.mp3"):
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
    with pytest.raises(FileError, match=r"expected files ending in \.mid or \.midi\. Received: a folder without any"):
        files.find(tmp_path)
    with pytest.raises(FileError, match=r"Received: an empty list"):
        files.find([])


def test_the_door_is_light():
    heavy = {"symusic", "mido", "music21", "keras", "tensorflow", "matplotlib"}
    program = f"import musicgen.music.files, sys; sys.exit(bool({heavy} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
