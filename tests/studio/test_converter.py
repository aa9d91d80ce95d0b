"""musicgen convert: which files it makes, what it says, what it refuses."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from musicgen.music import files
from musicgen.studio.cli import main

TUNES = "X:1\nT:One/Two\nK:C\n{g}CDEF|\nX:2\nT:Nothing\nK:C\nz4|\nX:3\nK:G\nGABc|\n"


@pytest.fixture
def tunes(tmp_path: Path) -> Path:
    path = tmp_path / "tunes.abc"
    path.write_text(TUNES, encoding="utf-8")
    return path


def test_several_pieces_go_into_a_folder(tunes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    out = tmp_path / "out"
    assert main(["convert", str(tunes), str(out)]) == 0
    assert sorted(path.name for path in out.iterdir()) == ["001 One-Two.mid", "003.mid"]
    said = capsys.readouterr().out
    assert "001 One-Two.mid: 1 grace note left out" in said
    assert f"refused {tunes}#2 Nothing: expected notes. Received: none" in said
    assert main(["convert", str(tunes), str(out)]) == 1
    assert "use --force" in capsys.readouterr().err
    assert main(["convert", str(tunes), str(out), "--force", "--to", "mxl"]) == 0
    assert (out / "003.mxl").exists()


def test_one_piece_goes_into_a_file_and_back(tunes: Path, tmp_path: Path):
    notation, back = tmp_path / "a.musicxml", tmp_path / "a.mid"
    assert main(["convert", f"{tunes}#3", str(notation), "--swing"]) == 0
    assert main(["convert", str(notation), str(back)]) == 0
    one, two = files.read(f"{tunes}#3"), files.read(back)
    assert one.tracks[0].notes.tolist() == two.tracks[0].notes.tolist()
    assert [text for _, text in two.texts] == ["Swing"]


@pytest.mark.parametrize(
    ("source", "out", "more", "sentence"),
    [
        ("tunes.abc", "x.mid", [], "expected a folder for the 3 pieces of .*, or one piece, such as .*tunes.abc#1"),
        ("tunes.abc#3", "x.mp3", [], r"expected a folder, or a name ending in \.mid.* Received: \.mp3"),
        ("tunes.abc#9", "x.mid", [], "tunes.abc#9: expected one of"),
        ("none.abc", "x.mid", [], "none.abc: expected a file or a folder"),
        ("tunes.abc#2", "x.mid", [], "tunes.abc#2 Nothing: expected notes. Received: none"),
        ("tunes.abc", "out", ["--to", "pdf"], r"--to: expected one of \.mid, .* Received: \.pdf"),
    ],
)
def test_what_cannot_be_is_said(
    tunes: Path, capsys: pytest.CaptureFixture[str], source: str, out: str, more: list[str], sentence: str
):
    assert main(["convert", f"{tunes.parent}/{source}", f"{tunes.parent}/{out}", *more]) == 1
    assert re.search(sentence, capsys.readouterr().err)
    assert [path.name for path in tunes.parent.iterdir()] == ["tunes.abc"]
