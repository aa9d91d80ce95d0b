"""Every notebook runs, top to bottom: small in `make test`, at its full size in `make test-all`.

A notebook reads its size, `small` or `full`, from the environment variable MUSICGEN_NOTEBOOK_SIZE; without one it
takes what suits a reader.
"""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted(path.name for path in (Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("size", ["small", pytest.param("full", marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_runs(name: str, size: str, checkout: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MUSICGEN_NOTEBOOK_SIZE", size)
    folder = checkout / "notebooks"
    notebook = nbformat.read(folder / name, as_version=4)
    NotebookClient(notebook, timeout=1200, kernel_name="python3", resources={"metadata": {"path": folder}}).execute()
