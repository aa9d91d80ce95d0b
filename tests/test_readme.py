"""The README's code runs: its python and bash blocks, top to bottom, in a copy of the project.

All python blocks share one namespace, as a reader's session would. A block below the comment `<!-- not run -->`
is left out (it takes long, or makes the environment).
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

README = Path(__file__).parents[1] / "README.md"
NOT_RUN = "<!-- not run -->"
FENCE = re.compile(r"^```(\w+)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """One fenced block: its language, its code, the line at which the code starts."""

    language: str
    code: str
    line: int


def blocks(text: str) -> Iterator[Block]:
    """The blocks of a page that are to be run."""
    for fence in FENCE.finditer(text):
        before = text[: fence.start()].rstrip()
        if fence[1] in ("python", "bash") and not before.endswith(NOT_RUN):
            yield Block(fence[1], fence[2], text[: fence.start(2)].count("\n") + 1)


def run_bash(block: Block) -> None:
    """Run with this environment's commands first on the path."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", block.code], env=os.environ | {"PATH": path}, check=False)
    assert done.returncode == 0, f"README.md, line {block.line}: exit status {done.returncode} of\n{block.code}"


def run_python(block: Block, namespace: dict[str, object]) -> None:
    """Run so that a traceback names the README's own lines."""
    exec(compile("\n" * (block.line - 1) + block.code, README, "exec"), namespace)


def test_blocks_are_found_with_their_lines():
    page = f"# Page\n```python\na = 1\n```\n{NOT_RUN}\n```bash\nmake\n```\n```text\nno\n```\n```bash\nls\n```\n"
    assert list(blocks(page)) == [Block("python", "a = 1\n", 3), Block("bash", "ls\n", 13)]


def test_the_readme_runs(checkout: Path, monkeypatch: pytest.MonkeyPatch):
    namespace: dict[str, object] = {"__name__": "readme"}
    monkeypatch.chdir(checkout)
    for block in blocks(README.read_text(encoding="utf-8")) if README.exists() else ():
        if block.language == "bash":
            run_bash(block)
        else:
            run_python(block, namespace)
