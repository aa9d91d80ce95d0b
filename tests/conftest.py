"""What all tests share: how hypothesis searches, where the corpora are, a copy of the project to play in."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).parents[1]

# TensorFlow's notes on the machine's instruction set are no news in a test's output.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

# Shared machines stall, so no example has a deadline. CI tries the same examples each time; at home they vary.
settings.register_profile("home", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("home"), derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "home")


@pytest.fixture(scope="session")
def corpora() -> Path:
    """The folder of the development corpora (wjazzd, nottingham, ...); without one the test is skipped."""
    folder = os.environ.get("MUSICGEN_CORPORA")
    if not folder:
        pytest.skip("MUSICGEN_CORPORA is not set to the folder of the development corpora")
    if not Path(folder).is_dir():
        pytest.fail(f"MUSICGEN_CORPORA names no folder. Received: {folder}")
    return Path(folder)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the project's README, data, models and notebooks, for code that writes where it stands."""
    copy = tmp_path / "musicgen"
    copy.mkdir()
    for name in ("data", "models", "notebooks"):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("my-*", "__pycache__", ".ipynb_*"))
    if (ROOT / "README.md").exists():
        shutil.copy(ROOT / "README.md", copy)
    return copy
