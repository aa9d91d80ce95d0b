"""Artifacts: folder and zip, every way to break one, and saving whole or not at all."""

import hashlib
import io
import json
import os
import pickle
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load, save

from musicgen.errors import ArtifactError, MusicgenError, NumericalError
from musicgen.music.vocabulary import Field, Vocabulary
from musicgen.neural.networks.shared import SharedNetwork
from musicgen.studio.artifact import FILES, Artifact
from musicgen.studio.composer import Composer
from musicgen.studio.recipe import Recipe


def contents(place: Path) -> dict[str, bytes]:
    """Every file below a folder, or the one file."""
    found = sorted(place.rglob("*")) if place.is_dir() else [place]
    return {str(path.relative_to(place)): path.read_bytes() for path in found if path.is_file()}


def untrained(**settings) -> Artifact:
    """An artifact of a network that has learned nothing."""
    recipe = Recipe().with_settings(**{"units": 8, "head": 8, "embedding": 4, **settings})
    network = SharedNetwork(Composer(recipe.encoding).encoding, recipe.network, seed=1)
    return Artifact(recipe, network.language, network.named_weights(), ({"epoch": 1, "loss": 9.5},), "# A card\n")


@pytest.fixture
def broken(model: Path, tmp_path: Path) -> Path:
    """A copy to break."""
    return shutil.copytree(model, tmp_path / "model")


def refused(path: Path, says: str) -> None:
    """Loading is refused with one sentence that names the place."""
    with pytest.raises(ArtifactError, match=rf"\A.*{path.name}.*{says}.*\Z") as raised:
        Artifact.load(path)
    assert "Received: " in str(raised.value)


def signed_again(model: Path, name: str, content: bytes) -> None:
    """Another content, and a checksum that fits it."""
    (model / name).write_bytes(content)
    golden = json.loads((model / "golden.json").read_text())
    golden["sha256"][name] = hashlib.sha256(content).hexdigest()
    (model / "golden.json").write_text(json.dumps(golden))


# -- there and back


@pytest.mark.parametrize("name", ["again", "again.zip"])
def test_what_is_saved_is_what_is_loaded(model, tmp_path, name):
    one = Artifact.load(model)
    path = one.save(tmp_path / name)
    other = Artifact.load(path)
    assert path.is_file() == name.endswith(".zip")
    assert (other.recipe, other.card, other.hash) == (one.recipe, one.card, one.hash)
    assert other.weights.keys() == one.weights.keys()
    assert all(np.array_equal(other.weights[key], weight) for key, weight in one.weights.items())
    assert contents(other.save(tmp_path / "third")) == contents(model)


def test_the_history_comes_back_as_numbers(tmp_path):
    rows = ({"epoch": 1, "loss": 9.5, "valid_loss": 1 / 3}, {"epoch": 2, "loss": 1e-7, "valid_loss": 8.0})
    artifact = replace(untrained(), history=rows)
    assert [dict(row) for row in Artifact.load(artifact.save(tmp_path / "model")).history] == list(rows)


def test_a_zip_is_the_same_files_and_the_same_bytes_each_time(model, tmp_path):
    artifact = Artifact.load(model)
    one, other = (artifact.save(tmp_path / name) for name in ("one.zip", "other.zip"))
    assert one.read_bytes() == other.read_bytes()
    with zipfile.ZipFile(one) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == contents(model)


# -- what is no artifact


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_refused(broken, tmp_path, name):
    (broken / name).unlink()
    refused(broken, rf"no .*{name}")
    shutil.make_archive(str(tmp_path / "zipped"), "zip", broken)
    refused(tmp_path / "zipped.zip", rf"no .*{name}")


def test_a_changed_byte_of_the_weights_is_refused(broken):
    content = bytearray((broken / "weights.safetensors").read_bytes())
    content[len(content) // 2] ^= 1
    (broken / "weights.safetensors").write_bytes(content)
    refused(broken, r"weights\.safetensors: expected the file that was saved")


def test_a_changed_weight_is_refused_though_its_checksum_was_changed_too(broken):
    weights = load((broken / "weights.safetensors").read_bytes())
    weights["head_1/logits/bias"][60] += 0.5
    signed_again(broken, "weights.safetensors", save(weights))
    refused(broken, "golden")


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("kind", ["permuted", "of another encoding"])
def test_a_wrong_vocabulary_is_refused(broken, kind, signed):
    vocabulary = Vocabulary.from_json((broken / "vocabulary.json").read_text())
    onset, pitch, duration = vocabulary.fields
    swapped = (*pitch.values[:60], pitch.values[61], pitch.values[60], *pitch.values[62:])
    wrong = {
        "permuted": replace(vocabulary, fields=(onset, replace(pitch, values=swapped), duration)),
        "of another encoding": Vocabulary("text", (Field("character", tuple("abc")),)),
    }[kind]
    if signed:
        signed_again(broken, "vocabulary.json", wrong.to_json().encode())
    else:
        (broken / "vocabulary.json").write_text(wrong.to_json())
    refused(broken, r"vocabulary\.json: expected")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("units = 24", "units = 25", "expected shape"),
        ("layers = 1", "layers = 2", "expected shape"),
        ('cell = "lstm"', 'cell = "gru"', "expected shape"),
        ('cell = "lstm"', 'cell = "simple_rnn"', "expected shape"),
        ('cell = "lstm"', 'cell = "peephole_lstm"', "expected shape"),
        ("head = 24", "head = 12", "expected shape"),
        ('encoding = "jazz"', 'encoding = "morse"', "encoding"),
        ("units = 24", 'units = "24"', "units"),
    ],
)
def test_a_changed_recipe_is_refused(broken, old, new, says):
    text = (broken / "recipe.toml").read_text()
    assert old in text
    (broken / "recipe.toml").write_text(text.replace(old, new))
    refused(broken, says)


@pytest.mark.parametrize(
    ("made", "claimed"), [({"layers": 2}, {"layers": 1}), ({"cell": "peephole_lstm"}, {"cell": "lstm"})]
)
def test_a_recipe_that_leaves_weights_out_is_refused(tmp_path, made, claimed):
    artifact = untrained(**made)
    path = artifact.save(tmp_path / "model")
    (path / "recipe.toml").write_text(artifact.recipe.with_settings(**claimed).to_toml())
    refused(path, "expected")


@pytest.mark.parametrize("golden", [{"format_version": 2}, {"format_version": 2, "sha256": []}, {"format_version": 0}])
def test_another_format_is_named(broken, golden):
    (broken / "golden.json").write_text(json.dumps(golden))
    refused(broken, f"format 1. Received: format {golden['format_version']}")


@pytest.mark.parametrize(
    "changes",
    [
        {"sha256": {}},
        {"sha256": []},
        {"sha256": {"README.md": "0" * 64}},
        {"indices": []},
        {"indices": [1, 2, 3]},
        {"indices": [[10**6, 0, 0]], "nats": [[0, 0, 0]]},
        {"indices": [[-500, 0, 0]], "nats": [[0, 0, 0]]},
        {"indices": [[0.5, "a", None]]},
        {"nats": []},
        {"nats": [[1.0]]},
        {"nats": [["nan"]]},
    ],
    ids=str,
)
def test_a_golden_file_of_nonsense_is_refused(broken, changes):
    golden = json.loads((broken / "golden.json").read_text()) | changes
    (broken / "golden.json").write_text(json.dumps(golden))
    refused(broken, "")


@pytest.mark.parametrize("text", ["", "[]", "3", "null", '"format_version"', "{", "\x00"])
def test_a_golden_file_of_another_kind_is_refused(broken, text):
    (broken / "golden.json").write_text(text)
    refused(broken, r"golden\.json")


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("content", [b"\xff\xfe\x00\x80", b"nonsense"], ids=["bytes", "words"])
def test_a_file_of_nonsense_never_breaks_the_loader(broken, name, content):
    if name in ("weights.safetensors", "vocabulary.json"):
        signed_again(broken, name, content)
    else:
        (broken / name).write_bytes(content)
    try:
        Artifact.load(broken)  # words are a card, and may be a history
    except ArtifactError as error:
        assert "\n" not in str(error)
    else:
        assert name in ("card.md", "history.csv")


def text_file(place):
    place.write_text("Dm7 | G7 | Cmaj7 | %")


def empty_folder(place):
    place.mkdir()


def zip_of_something_else(place):
    with zipfile.ZipFile(place, "w") as archive:
        archive.writestr("tune.mid", b"MThd")


@pytest.mark.parametrize(
    ("name", "make", "says"),
    [
        ("none", lambda place: None, "no such"),
        ("text.txt", text_file, "another kind of file"),
        ("text.zip", text_file, "another kind of file"),
        ("empty", empty_folder, r"Received: no.*"),
        ("other.zip", zip_of_something_else, r"Received: no.*"),
    ],
)
def test_what_is_no_artifact_is_refused(tmp_path, name, make, says):
    make(tmp_path / name)
    refused(tmp_path / name, says)


def test_a_damaged_zip_is_refused(model, tmp_path):
    path = Artifact.load(model).save(tmp_path / "model.zip")
    whole = path.read_bytes()
    for place in range(0, len(whole), len(whole) // 40):
        damaged = bytearray(whole)
        damaged[place] ^= 0xFF
        path.write_bytes(damaged)
        try:
            Artifact.load(path)  # some bytes, such as a date's, mean nothing to us
        except ArtifactError as error:
            assert "\n" not in str(error)
    path.write_bytes(whole[: len(whole) // 2])
    refused(path, "expected a trained model")


# -- only data


class Bomb:
    """Unpickled, it leaves a trace."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self):
        return os.mkdir, (str(self.trace),)


def test_no_code_runs_from_a_model(broken, tmp_path):
    bomb, trace = pickle.dumps(Bomb(tmp_path / "trace")), tmp_path / "trace"
    (broken / "__init__.py").write_text(f"import os; os.mkdir({str(trace)!r})")
    (broken / "weights.pkl").write_bytes(bomb)
    Artifact.load(broken)
    array = io.BytesIO()
    np.save(array, np.array([Bomb(trace)], object), allow_pickle=True)
    for content in (bomb, array.getvalue()):
        signed_again(broken, "weights.safetensors", content)
        refused(broken, r"weights\.safetensors")
    assert not trace.exists()
    pickle.loads(bomb)
    assert trace.exists(), "the bomb is a dud"


# -- whole or not at all


@pytest.mark.parametrize("name", ["model", "model.zip"])
def test_what_stands_there_is_not_replaced_unasked(model, tmp_path, name):
    artifact, target = Artifact.load(model), tmp_path / name
    target.mkdir() if name == "model" else target.write_text("mine")
    if name == "model":
        (target / "diary.txt").write_text("mine")
    before = contents(tmp_path)
    with pytest.raises(ArtifactError, match=r"expected a new .* Received: .*exists"):
        artifact.save(target)
    assert contents(tmp_path) == before


def test_replacing_replaces_a_model_and_nothing_else(model, tmp_path):
    artifact = Artifact.load(model)
    old = untrained().save(tmp_path / "model")
    artifact.save(old, replace=True)
    assert contents(old) == contents(model)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    (tmp_path / "music").mkdir()
    (tmp_path / "music" / "tune.mid").write_bytes(b"MThd")
    with pytest.raises(ArtifactError, match="music"):
        artifact.save(tmp_path / "music", replace=True)
    assert contents(tmp_path / "music") == {"tune.mid": b"MThd"}


class Failing:
    """A function that fails the n-th time."""

    def __init__(self, works, n: int) -> None:
        self.works, self.left = works, n

    def __call__(self, *arguments, **options):
        self.left -= 1
        if self.left == 0:
            raise OSError(28, "No space left on device")
        return self.works(*arguments, **options)


@pytest.mark.parametrize("replacing", [False, True], ids=["new", "replacing"])
@pytest.mark.parametrize("name", ["model", "model.zip"])
@pytest.mark.parametrize(
    ("owner", "function", "n"),
    [
        (Path, "write_bytes", 1),
        (Path, "write_bytes", 4),
        (zipfile.ZipFile, "writestr", 3),
        (os, "replace", 1),
        (os, "replace", 2),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_a_save_that_fails_leaves_all_as_it_was(tmp_path, monkeypatch, replacing, name, owner, function, n):
    new, target = untrained(), tmp_path / name
    if replacing:
        replace(new, card="# The old one\n").save(target)
    before = contents(tmp_path)
    failing = Failing(getattr(owner, function), n)
    with monkeypatch.context() as patch:
        patch.setattr(owner, function, lambda *a, **o: failing(*a, **o))
        try:
            new.save(target, replace=replacing)
        except (OSError, MusicgenError):
            assert contents(tmp_path) == before
            assert [path.name for path in tmp_path.iterdir()] == ([name] if replacing else [])
        else:
            assert failing.left > 0, "it failed and nobody heard of it"


def test_weights_that_are_no_numbers_are_not_saved(tmp_path):
    artifact = untrained()
    sick = replace(artifact, weights={name: weight * np.nan for name, weight in artifact.weights.items()})
    with pytest.raises((NumericalError, ArtifactError), match=r"\A.*expected .* Received: .*NaN.*\Z"):
        sick.save(tmp_path / "model")
    assert list(tmp_path.iterdir()) == []
