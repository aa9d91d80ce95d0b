"""What the tests of the stage share: a folder of tunes with a bad file among them, and one tiny trained composer."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from musicgen.studio.composer import Composer, Lesson
from tests.conftest import ROOT

TINY = {"units": 24, "head": 24, "embedding": 8, "epochs": 2, "Tx": 32, "batch": 8, "seed": 3}
TUNES = ("balcony_bossa", "blue_bottle", "doorbell", "harbour_waltz", "night_ferry", "third_rail")
BAD = "not_music.mid"


@pytest.fixture(scope="session")
def tunes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a few of our tunes and a page that only says it is one."""
    folder = tmp_path_factory.mktemp("music") / "tunes"
    folder.mkdir()
    for name in TUNES:
        shutil.copy(ROOT / "data" / "jazz" / f"{name}.mid", folder)
    (folder / BAD).write_text("<!DOCTYPE html><html><body>404</body></html>")
    return folder


@pytest.fixture(scope="session")
def lesson_and_model(tunes: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Lesson, Path]:
    """How training went, and where the artifact is."""
    composer = Composer(**TINY)
    lesson = composer.fit(tunes, report=lambda progress: None)
    return lesson, composer.save(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def lesson(lesson_and_model: tuple[Lesson, Path]) -> Lesson:
    return lesson_and_model[0]


@pytest.fixture(scope="session")
def model(lesson_and_model: tuple[Lesson, Path]) -> Path:
    """The artifact's folder; to be read only."""
    return lesson_and_model[1]


@pytest.fixture(scope="session")
def composer(model: Path) -> Composer:
    """The artifact, loaded; to be read only."""
    return Composer.load(model)
