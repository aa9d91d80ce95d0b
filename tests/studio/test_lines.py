"""Models of text: lines learned, judged and written by the same doors as music."""

import csv
import shutil
from pathlib import Path

import pytest

from musicgen.errors import ArtifactError, FileError, OptionError
from musicgen.studio.cli import main
from musicgen.studio.composer import Composer

NAMES = ["anna", "hannah", "joanna", "susanna", "ann", "nina", "ninon", "ana"] * 3
TINY = {"units": 16, "head": 16, "embedding": 8, "epochs": 3, "seed": 3}


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two text files, with blank lines and a byte-order mark."""
    folder = tmp_path_factory.mktemp("names")
    (folder / "one.txt").write_text("\n".join(NAMES[:12]) + "\n\n  \n", "utf-8-sig")
    (folder / "two.txt").write_bytes("\r\n".join(NAMES[12:]).encode())
    (folder / "README.md").write_text("not lines to learn from")
    return folder


@pytest.fixture(scope="module")
def model(names: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    composer = Composer("characters", **TINY)
    lesson = composer.fit(names, report=lambda progress: None)
    assert len(lesson.train.pieces) + len(lesson.valid.pieces) == len(NAMES)
    return composer.save(tmp_path_factory.mktemp("models") / "names")


def test_the_vocabulary_is_learned_and_travels_with_the_weights(model):
    composer = Composer.load(model)
    assert composer.encoding.vocabulary.fields[0].values == ("\n", "\ufffd", "n", "a", "h", "i", "o", "s", "j", "u")


def test_lines_are_drawn_alike_by_both_backends_however_many(model):
    composer = Composer.load(model)
    lines = [str(line) for line in composer.generate(6, seed=5)]
    assert [str(line) for line in composer.generate(2, seed=5, first=4)] == lines[4:]
    assert [str(line) for line in composer.generate(6, seed=5, backend="compiled")] == lines
    assert len(set(lines)) > 1
    assert set("".join(lines)) <= set("anihosuj")
    assert all(len(str(line)) <= 3 and str(line)[:2] == "su" for line in composer.generate(4, prefix="su", length=3))


def test_lines_are_judged_with_their_ends(model, names, tmp_path):
    (tmp_path / "two.txt").write_text("anna\nXavier\n")
    found = Composer.load(model).evaluate(tmp_path / "two.txt", per_note=tmp_path / "rows.csv")
    assert list(found) == ["lines", "characters", "nats_per_character"]
    assert (found["lines"], found["characters"]) == (2, 5 + 7)
    with (tmp_path / "rows.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["character"] for row in rows[:6]] == ["a", "n", "n", "a", "\n", "\ufffd"]
    assert rows[5]["file"] == f"{tmp_path / 'two.txt'}:2"
    mean = -sum(float(row["ln_p_character"]) for row in rows) / len(rows)
    assert found["nats_per_character"] == pytest.approx(mean, abs=1e-5)


def test_the_command_writes_lines_to_the_screen_or_into_one_file(model, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["generate", str(model), "-n", "3", "--seed", "5"]) == 0
    said = capsys.readouterr().out
    assert said.splitlines() == [str(line) for line in Composer.load(model).generate(3, seed=5)]
    assert main(["generate", str(model), "-n", "3", "--seed", "5", "--out", "out/names.txt"]) == 0
    assert Path("out/names.txt").read_text() == said


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--chords", "C"], "expected wishes for characters among prefix, length. Received: chords"),
        (["--picture"], "--picture: expected a model of music. Received: one of text"),
        (["--out", "folder"], "--out: expected a file ending in .txt. Received: folder"),
        (["--prefix", "X"], "prefix: expected characters of the vocabulary. Received: 'X'"),
        (["--primer", "some.mid"], "primer: expected none"),
    ],
)
def test_what_a_model_of_text_cannot_do_is_told(model, words, expected, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["generate", str(model), *words]) == 1
    assert expected in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_words_are_told_apart_up_to_the_vocabulary_s_size(tmp_path):
    (tmp_path / "talk.txt").write_text("to be or not to be, that is it\n" * 4)
    composer = Composer("words", vocabulary_size=3, **TINY)
    composer.fit(tmp_path / "talk.txt", report=lambda progress: None)
    assert composer.encoding.vocabulary.fields[0].values == ("<EOS>", "<UNK>", "be", "to", ",")
    assert set(composer.evaluate(tmp_path / "talk.txt")) == {"lines", "words", "nats_per_word"}
    assert "<UNK>" not in " ".join(str(line) for line in composer.generate(5, seed=1))


def test_a_text_that_cannot_be_read_is_told(tmp_path):
    (tmp_path / "latin.txt").write_bytes("Zoë".encode("latin-1"))
    (tmp_path / "empty.txt").write_text("\n\n")
    for name, expected in (("latin.txt", "expected a text in UTF-8"), ("empty.txt", "expected lines to learn from")):
        with pytest.raises(FileError, match=expected):
            Composer("characters").fit(tmp_path / name)
    (tmp_path / "folder").mkdir()
    with pytest.raises(FileError, match=r"expected files ending in \.txt"):
        Composer("characters").fit(tmp_path / "folder")


def test_a_vocabulary_that_was_altered_is_an_error_and_not_bad_spelling(model, tmp_path):
    copy = Path(shutil.copytree(model, tmp_path / "copy"))
    text = (copy / "vocabulary.json").read_text().replace('"i"', '"I"').replace('"n"', '"i"')
    (copy / "vocabulary.json").write_text(text)
    with pytest.raises(ArtifactError, match="expected the file that was saved"):
        Composer.load(copy)


def test_the_size_of_a_vocabulary_is_a_number_from_one():
    with pytest.raises(OptionError, match="vocabulary-size: expected a whole number from 1"):
        Composer("words", vocabulary_size=0)
