"""The command line: the journey, Ctrl-C, and one sentence for each bad input."""

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import musicgen as mg
from musicgen.errors import FileError
from musicgen.music.score import NOTE, Score, Text, Track, table
from musicgen.studio.artifact import Artifact
from musicgen.studio.cli import main
from musicgen.studio.clip import Receipt
from tests.conftest import ROOT
from tests.studio.conftest import BAD, TUNES

RUN = "import sys; from musicgen.studio.cli import main; sys.exit(main())"
TINY = ("--units", "24", "--Tx", "32", "--batch", "8", "--seed", "3")
CHORDS = "Dm7 | G7 | Cmaj7 | %"


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """An empty folder to stand in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def tree(folder: Path) -> dict[str, bytes | None]:
    """All that is below a folder, with each file's content."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def status_of(*words) -> int:
    """Run a command as a fresh process does, where nobody has set up logging before."""
    handlers, logging.root.handlers = logging.root.handlers, []
    try:
        return main([str(word) for word in words])
    finally:
        logging.root.handlers = handlers


def says(capsys, *words) -> str:
    """What a command that succeeds says."""
    capsys.readouterr()
    assert status_of(*words) == 0
    return capsys.readouterr().out


def refuses(capsys, folder: Path, *words) -> str:
    """The one sentence with which a command is refused; nothing is written."""
    before = tree(folder)
    capsys.readouterr()
    status = status_of(*words)
    out, err = capsys.readouterr()
    assert status != 0
    assert err.startswith("musicgen: ")
    assert err.splitlines(keepends=True) == [err], "one sentence"
    assert err.endswith("\n")
    assert tree(folder) == before, f"something was written; it said {out}"
    return err


# -- the journey


def test_the_journey_with_one_good_file_and_one_bad(home, tunes, capsys):
    music = home / "music"
    music.mkdir()
    shutil.copy(tunes / "doorbell.mid", music)
    shutil.copy(tunes / BAD, music)

    assert status_of("train", "music", *TINY, "--epochs", 1) == 0
    told, err = capsys.readouterr()
    assert (told + err).count(BAD) == 1, "each bad file is listed once"
    assert "expected a MIDI file" in told + err
    model = home / "models" / "music"  # the default, printed
    assert str(model.relative_to(home)) in told
    assert "jazz" in told
    assert sorted(path.name for path in model.parent.iterdir()) == ["music"]
    artifact = Artifact.load(model)
    assert len(artifact.history) == 1

    assert artifact.hash in says(capsys, "inspect", model)
    assert json.loads(says(capsys, "inspect", model, "--json"))["hash"] == artifact.hash

    told = says(capsys, "generate", "models/music", "--chords", CHORDS, "--bars", 8, "-n", 2, "--seed", 7, "--picture")
    clips = sorted((home / "clips").iterdir())
    assert [path.suffix for path in clips] == [".mid", ".png"] * 2
    assert all(str(path.relative_to(home)) in told for path in clips)
    assert "numpy" in told
    score = mg.read(clips[2])
    receipt = Receipt.of(score)
    assert (receipt.model, receipt.seed, receipt.clip, receipt.backend) == (artifact.hash, 7, 1, "numpy")
    assert [text for _, text in score.markers] == ["Dm7", "G7", "Cmaj7"] * 2
    assert clips[0].read_bytes() != clips[2].read_bytes()

    says(capsys, "reproduce", clips[2], "--out", "again.mid")
    assert (home / "again.mid").read_bytes() == clips[2].read_bytes()

    assert status_of("evaluate", "models/music", "music", "--json", "--per-note", "notes.csv") == 0
    out, err = capsys.readouterr()
    measured = json.loads(out)
    assert list(measured) == [
        "files",
        "notes",
        "notes_moved",
        "nats_per_note",
        "onset_perplexity",
        "pitch_perplexity",
        "duration_perplexity",
    ]
    assert measured["files"] == 1
    assert measured["notes"] == len((home / "notes.csv").read_text().splitlines()) - 1
    assert BAD in err, "bad files are listed, and not among the JSON"
    assert f"{measured['nats_per_note']:.3f}" in says(capsys, "evaluate", "models/music", "music")


def test_inspecting_a_folder_says_what_would_be_used_and_what_not(tunes, capsys):
    found = json.loads(says(capsys, "inspect", tunes, "--json"))
    verdicts = {Path(one["path"]).name: one for one in found["files"]}
    assert sorted(verdicts) == sorted([BAD, *(f"{name}.mid" for name in TUNES)])
    assert [name for name, one in verdicts.items() if one["verdict"] == "refused"] == [BAD]
    assert "MIDI" in verdicts[BAD]["reason"]
    assert found["totals"]["used"] == len(TUNES)
    text = says(capsys, "inspect", tunes)
    assert BAD in text
    assert verdicts[BAD]["reason"] in text


# -- Ctrl-C


def start(*words: object, folder: Path, program: str = RUN) -> subprocess.Popen[str]:
    """The command in a process of its own, its output caught, Ctrl-C not ignored as it is where we run unattended."""
    program = f"import signal; signal.signal(signal.SIGINT, signal.default_int_handler); {program}"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TF_CPP")}
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, words)],
        cwd=folder,
        env=environment | {"PYTHONUNBUFFERED": "1", "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_ctrl_c_keeps_the_best_and_resume_goes_on(tmp_path, tunes, monkeypatch, capsys, request):
    words = ("train", tunes, "--out", "model", *TINY, "--learning-rate", "1e-5")
    running = start(*words, "--epochs", 100_000, folder=tmp_path)
    request.addfinalizer(running.kill)
    while not list(tmp_path.iterdir()) and running.poll() is None:  # a checkpoint comes with every epoch
        time.sleep(0.1)
    time.sleep(1)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert running.returncode in (0, 130), err
    assert "topped" in out
    assert "best" in out
    assert BAD in out + err
    for bar in ("\x1b", "\r", "━", "█"):  # neither is a terminal
        assert bar not in out + err
    unexpected = [line for line in err.splitlines() if not line.startswith(("musicgen: ", "epoch "))]
    assert unexpected == []
    done = len(Artifact.load(tmp_path / "model").history)
    assert done >= 1

    monkeypatch.chdir(tmp_path)
    says(capsys, *words, "--epochs", done + 1, "--resume")
    history = Artifact.load(tmp_path / "model").history
    assert [int(row["epoch"]) for row in history] == list(range(1, done + 2))
    shown = [path.name for path in tmp_path.iterdir() if not path.name.startswith(".")]
    assert shown == ["model"], "the checkpoint has done its duty"


# -- bad input


def html(place):
    place.write_text("<!DOCTYPE html>\n<html><body>\nNot found\n</body></html>\n")


def cut(place):
    whole = (ROOT / "data" / "jazz" / "doorbell.mid").read_bytes()
    place.write_bytes(whole[:40])  # before the first note; a file cut later is read as far as it goes


def no_notes(place):
    mg.write(Score(480, (Track("solo", lyrics=(Text(0, "la"),)),)), place)


def only_drums(place):
    drums = Track("drums", channel=9, notes=table(NOTE, [(0, 240, 36, 90), (480, 240, 38, 90)]))
    mg.write(Score(480, (drums,)), place)


def folder_without_midi(place):
    place.mkdir()
    (place / "notes.txt").write_text("Dm7 | G7")


BAD_SOURCES = {
    "none": lambda place: None,
    "without": folder_without_midi,
    "html.mid": html,
    "cut.mid": cut,
    "silent.mid": no_notes,
    "drums.mid": only_drums,
    "empty.mid": lambda place: place.touch(),
    "text.txt": html,
}


@pytest.mark.parametrize("command", ["train", "evaluate", "primer", "reproduce"])
@pytest.mark.parametrize("name", BAD_SOURCES)
def test_a_source_that_is_none(home, model, capsys, name, command):
    BAD_SOURCES[name](home / name)
    words = {
        "train": ("train", name, *TINY, "--epochs", 1, "--out", "models/mine"),
        "evaluate": ("evaluate", model, name, "--per-note", "notes/notes.csv"),
        "primer": ("generate", model, "--primer", name, "--out", "made"),
        "reproduce": ("reproduce", name, "--model", model),
    }[command]
    assert name in refuses(capsys, home, *words)


@pytest.mark.parametrize("name", ["none", "without", "text.txt"])
def test_inspecting_what_is_none(home, capsys, name):
    BAD_SOURCES[name](home / name)
    if name == "text.txt":  # a file that is there can be looked at
        assert status_of("inspect", name) != 0
        assert "refused" in capsys.readouterr().out
    else:
        assert name in refuses(capsys, home, "inspect", name)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--chords", "Dm7 | Gm77 | C"), "Gm77"),
        (("--chords", "none.txt"), "none.txt"),
        (("--chords", ""), "chord"),
        (("--bars", -4), "-4"),
        (("--bars", 0), "0"),
        (("-n", 0), "0"),
        (("-n", -1), "-1"),
        (("--seed", -1), "-1"),
        (("--seed", 2**70), str(2**70)),
        (("--key", "H minor"), "H minor"),
        (("--range", "C6-C3"), "C6-C3"),
        (("--range", "loud"), "loud"),
        (("--range", "C#4-C#4", "--key", "C"), "C#4-C#4"),
        (("--metre", "4/3"), "4/3"),
        (("--tempo", 0), "0"),
        (("--tempo", "nan"), "nan"),
        (("--temperature", -1), "-1"),
        (("--temperature", "nan"), "nan"),
        (("--top-p", 7), "7"),
        (("-n", 2, "--out", "one.mid"), "one.mid"),
    ],
    ids=str,
)
def test_a_wish_that_is_none(home, model, capsys, words, expected):
    assert expected in refuses(capsys, home, "generate", model, *words)


def test_a_zip_that_is_none_is_a_line_of_the_table(home, capsys):
    (home / "text.zip").write_text("neither a model nor music")
    assert status_of("inspect", "text.zip") == 1
    assert "text.zip: expected a zip file that can be unpacked" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        (command, kind)
        for command in ("generate", "evaluate", "train --from", "inspect")
        for kind in ("none", "text.zip", "folder", "broken")
        if (command, kind) != ("inspect", "text.zip")
    ],
)
def test_a_model_that_is_none(home, model, tunes, capsys, kind, command):
    if kind == "text.zip":
        (home / kind).write_text("not a model")
    elif kind == "folder":
        (home / kind).mkdir()
    elif kind == "broken":
        shutil.copytree(model, home / kind)
        (home / kind / "vocabulary.json").unlink()
    words = {
        "generate": ("generate", kind),
        "evaluate": ("evaluate", kind, tunes),
        "train --from": ("train", tunes, "--from", kind, "--out", "models/mine"),
        "inspect": ("inspect", kind),
    }[command]
    assert kind in refuses(capsys, home, *words)


@pytest.mark.parametrize(
    "words",
    [
        ("--units", 0),
        ("--dropout", 1.5),
        ("--epochs", 0),
        ("--minutes", 0),
        ("--learning-rate", "nan"),
        ("--Tx", -1),
        ("--resume",),
        ("--valid", "none"),
    ],
    ids=str,
)
def test_training_settings_that_are_none(home, tunes, capsys, words):
    refuses(capsys, home, "train", tunes / "doorbell.mid", "--out", "models/mine", *words)


def test_what_exists_is_replaced_only_by_force(home, model, tunes, capsys):
    ask = ("generate", model, "-n", 3, "--bars", 1, "--picture")
    says(capsys, *ask)
    first, second, third = sorted((home / "clips").glob("*.mid"))
    before = tree(home)
    assert first.stem in refuses(capsys, home, *ask, "--temperature", 0.5)
    for clip in (first, third):
        clip.unlink()
        clip.with_suffix(".png").unlink()
    assert second.stem in refuses(capsys, home, *ask), "all or none"
    second.unlink()
    assert f"{second.stem}.png" in refuses(capsys, home, *ask), "a picture is a file too"
    says(capsys, *ask, "--force")
    assert tree(home).keys() == before.keys()
    again = ("reproduce", third, "--model", model)
    says(capsys, *again)
    written = third.with_name(f"{third.stem}-again.mid")
    assert written.read_bytes() == third.read_bytes()
    shutil.copytree(model, home / "mine")
    assert "mine" in refuses(capsys, home, "train", tunes, "--out", "mine")


def test_force_does_not_turn_a_folder_of_music_into_a_model(home, tunes, capsys):
    (home / "music").mkdir()
    shutil.copy(tunes / "doorbell.mid", home / "music")
    refuses(capsys, home, "train", "music", *TINY, "--epochs", 1, "--out", "music", "--force")


def test_a_place_that_cannot_be_written_to_is_a_sentence(home, model, tunes, capsys):
    (home / "file").write_text("in the way")
    tune = tunes / "doorbell.mid"
    refuses(capsys, home, "train", tune, *TINY, "--epochs", 1, "--out", "file/model")
    refuses(capsys, home, "generate", model, "--bars", 1, "--out", "file/clips")
    refuses(capsys, home, "evaluate", model, tune, "--per-note", "file/notes.csv")
    clip = says(capsys, "generate", model, "--bars", 1).split()[0]
    refuses(capsys, home, "reproduce", clip, "--out", "file/again.mid")


def test_a_clip_of_another_model_is_refused(home, model, tunes, capsys):
    clip = says(capsys, "generate", model, "--bars", 1).split()[0]
    weights = dict(Artifact.load(model).weights)
    weights["embedding_0"] = weights["embedding_0"] + 1
    known = Artifact.load(model)
    other = Artifact(known.recipe, known.encoding, weights).save(home / "other")
    refuses(capsys, home, "reproduce", clip, "--model", other)
    assert "receipt" in refuses(capsys, home, "reproduce", tunes / "doorbell.mid")


def test_debug_shows_the_traceback(home):
    with pytest.raises(FileError, match="none"):
        main(["inspect", "none", "--debug"])
    running = start("inspect", "none", "--debug", folder=home)
    _, err = running.communicate(timeout=60)
    assert running.returncode != 0
    assert "Traceback" in err
    assert "FileError" in err


# -- what is not loaded, what is not said

NOT_LOADED = """
import sys
from musicgen.studio.cli import main
try:
    status = main()
except SystemExit as stop:
    status = stop.code
heavy = {"tensorflow", "keras", "music21", "matplotlib"} & set(sys.modules)
print("status", status, "heavy", sorted(heavy))
"""


@pytest.mark.parametrize("words", [("--help",), ("generate", "--help"), ("generate", "MODEL", "--bars", "8")])
def test_what_needs_no_tensorflow_does_not_load_it(tmp_path, model, words):
    words = [model if word == "MODEL" else word for word in words]
    out, err = start(*words, folder=tmp_path, program=NOT_LOADED).communicate(timeout=60)
    assert err == ""
    assert out.splitlines()[-1] == "status 0 heavy []"


@pytest.mark.parametrize("command", ["train", "generate", "reproduce", "evaluate", "inspect"])
def test_each_command_explains_itself(capsys, command):
    with pytest.raises(SystemExit, match="0"):
        main([command, "--help"])
    assert f"usage: musicgen {command}" in capsys.readouterr().out


@pytest.mark.slow
def test_the_compiled_loop_is_quiet_too(tmp_path, model):
    running = start("generate", model, "--backend", "compiled", "--bars", 1, folder=tmp_path)
    out, err = running.communicate(timeout=120)
    assert running.returncode == 0, err
    assert err == ""
    assert "compiled" in out
    assert "\x1b" not in out
