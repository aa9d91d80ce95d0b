"""Artifacts: a trained network with everything needed to use it, that proves itself.

An artifact is a folder, or one zip of the same files, and only data: no code runs from it.

    recipe.toml           every setting
    vocabulary.json       which values the indices stand for
    weights.safetensors   the network's weights by name
    golden.json           format version, checksums, a sequence and its nats, re-run on load
    history.csv           one row per epoch
    card.md               what it learned from, how well, what it is bad at

On load the checksums, the vocabulary, every weight's shape and the golden sequence's likelihood
(by the numpy player) must all agree, so a wrong vocabulary is an error and not bad music.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load as load_weights
from safetensors.numpy import save as save_weights

from musicgen.errors import ArtifactError, at
from musicgen.music.constraints import plan
from musicgen.music.encodings import ENCODINGS, Encoding
from musicgen.music.vocabulary import Vocabulary
from musicgen.neural import sampling
from musicgen.neural.player import Player
from musicgen.neural.scoring import nats
from musicgen.studio.recipe import Recipe

FORMAT_VERSION = 1
FILES = ("recipe.toml", "vocabulary.json", "weights.safetensors", "golden.json", "history.csv", "card.md")
SUMMED = ("weights.safetensors", "vocabulary.json")  # whose checksums stand in golden.json
TOLERANCE = 1e-3  # nats: more than float rounding between machines, less than any real change

Weights = dict[str, npt.NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class Artifact:
    """A trained network in memory.

    Attributes:
        recipe: all settings.
        encoding: how documents become steps, with its vocabulary.
        weights: arrays by name.
        history: one row per epoch.
        card: the model card's text.
    """

    recipe: Recipe
    encoding: Encoding
    weights: Weights
    history: Sequence[Mapping[str, float]] = field(default=())
    card: str = ""

    @cached_property
    def player(self) -> Player:
        """The network's step in numpy."""
        return Player(self.encoding, self.recipe.network, self.weights)

    @cached_property
    def hash(self) -> str:
        """Names these weights: the first 16 hexadecimal digits of their SHA-256."""
        return _sha256(save_weights(self.weights))[:16]

    # -- saving

    def save(self, path: str | os.PathLike[str], *, replace: bool = False) -> Path:
        """Write a folder, or one zip where the path ends in `.zip`; whole or not at all.

        Raises:
            ArtifactError: the path exists and `replace` is not set, or something that is no model is there.
        """
        target = Path(path)
        if target.exists() and not replace:
            raise ArtifactError(f"{target}: expected a new folder or file. Received: one that exists")
        check_replaceable(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
        try:
            _write(self._files(), scratch / "new", target.suffix == ".zip")
            if target.exists():
                os.replace(target, scratch / "old")
            try:
                os.replace(scratch / "new", target)
            except BaseException:
                if (scratch / "old").exists():
                    os.replace(scratch / "old", target)
                raise
        finally:
            shutil.rmtree(scratch)
        return target

    def _files(self) -> dict[str, bytes]:
        weights, vocabulary = save_weights(self.weights), self.encoding.vocabulary.to_json().encode()
        golden = {
            "format_version": FORMAT_VERSION,
            "sha256": dict(zip(SUMMED, map(_sha256, (weights, vocabulary)), strict=True)),
            **self._golden(),
        }
        contents = (
            self.recipe.to_toml().encode(),
            vocabulary,
            weights,
            (json.dumps(golden) + "\n").encode(),
            _csv(self.history).encode(),
            self.card.encode(),
        )
        return dict(zip(FILES, contents, strict=True))

    def _golden(self) -> dict[str, Any]:
        """A short sequence drawn from the network, and what the network says of it."""
        wishes = self.encoding.trial
        context = self.encoding.asked(wishes)
        planned = plan(self.encoding.rules(wishes, context), self.encoding.ticks)
        asked = sampling.request(context.timeline, planned, sampling.SamplingOptions())
        steps = sampling.sample(self.player.walk, self.encoding, asked, clips=range(1), seed=0)[0]
        return {"indices": steps.tolist(), "nats": nats(self.player, steps, context.timeline).round(6).tolist()}

    # -- loading

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Artifact:
        """Read an artifact and let it prove itself.

        Raises:
            ArtifactError: it is none, is incomplete, was altered, or is of another format.
        """
        with at(path):
            artifact, golden = _parsed(_read(Path(path)))
            with _reading("golden.json"):
                artifact._prove(golden)
        return artifact

    def _prove(self, golden: Mapping[str, Any]) -> None:
        steps, expected = np.array(golden["indices"]), np.array(golden["nats"], float)
        if steps.shape != expected.shape or steps.shape[1:] != (len(self.encoding.sizes),) or not steps.size:
            raise ArtifactError(
                f"golden.json: expected steps and their nats. Received: {steps.shape}, {expected.shape}"
            )
        if (steps < 0).any() or (steps >= np.array(self.encoding.sizes)).any():
            raise ArtifactError("golden.json: expected indices of the vocabulary. Received: others")
        found = nats(self.player, steps.astype(np.int32), self.encoding.asked(self.encoding.trial).timeline)
        difference = float(np.abs(found - expected).max())
        if not difference <= TOLERANCE:
            raise ArtifactError(
                f"expected the nats of golden.json to within {TOLERANCE}. Received: a difference of {difference:g}"
            )


def check_replaceable(path: Path) -> None:
    """Refuse to write a model over anything but a model.

    Raises:
        ArtifactError: something else is there.
    """
    if path.exists():
        with at(path):
            _read(path)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _csv(rows: Sequence[Mapping[str, float]]) -> str:
    if not rows:
        return ""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _write(files: Mapping[str, bytes], path: Path, zipped: bool) -> None:
    if zipped:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                archive.writestr(zipfile.ZipInfo(name), content)
        return
    path.mkdir()
    for name, content in files.items():
        (path / name).write_bytes(content)


def _read(path: Path) -> dict[str, bytes]:
    """The files of a folder or zip, none missing."""
    if not path.exists():
        raise ArtifactError("expected a trained model. Received: no such folder or file")
    if path.is_dir():
        files = {name: (path / name).read_bytes() for name in FILES if (path / name).is_file()}
    elif zipfile.is_zipfile(path):
        with _reading("the zip"), zipfile.ZipFile(path) as archive:
            files = {name: archive.read(name) for name in FILES if name in archive.namelist()}
    else:
        raise ArtifactError("expected a trained model, a folder or a zip. Received: another kind of file")
    if not files:
        raise ArtifactError(f"expected a trained model with {', '.join(FILES)}. Received: none of these")
    if missing := [name for name in FILES if name not in files]:
        raise ArtifactError(f"expected a trained model with {', '.join(FILES)}. Received: no {', '.join(missing)}")
    return files


def _parsed(files: Mapping[str, bytes]) -> tuple[Artifact, dict[str, Any]]:
    """The artifact, not yet proved; the golden file, of our format, with checksums that hold."""
    with _reading("golden.json"):
        golden = json.loads(files["golden.json"])
        version = golden["format_version"]
        if version != FORMAT_VERSION:
            raise ArtifactError(f"expected a model of format {FORMAT_VERSION}. Received: format {version}")
        sums = {name: str(golden["sha256"][name]) for name in SUMMED}
    for name, expected in sums.items():
        if (received := _sha256(files[name])) != expected:
            raise ArtifactError(
                f"{name}: expected the file that was saved, SHA-256 {expected[:12]}. Received: {received[:12]}"
            )
    with _reading("history.csv"):
        rows = csv.DictReader(io.StringIO(files["history.csv"].decode()))
        history = tuple({name: _number(value) for name, value in row.items()} for row in rows)
    with _reading("recipe.toml"):
        recipe = Recipe.from_toml(files["recipe.toml"].decode())
    with _reading("weights.safetensors"):
        weights = load_weights(files["weights.safetensors"])
    with _reading("vocabulary.json"):
        encoding = ENCODINGS[recipe.encoding].of(Vocabulary.from_json(files["vocabulary.json"].decode()))
    with _reading("card.md"):
        return Artifact(recipe, encoding, weights, history, files["card.md"].decode()), golden


@contextmanager
def _reading(name: str) -> Iterator[None]:
    """Whatever a damaged file leads its reader to raise, as one sentence with the file's name."""
    try:
        yield
    except ArtifactError:
        raise
    except Exception as error:
        raise ArtifactError(f"{name}: expected a file as it was saved. Received: {error}") from error


def _number(text: str) -> float:
    return int(text) if text.isdigit() else float(text)
