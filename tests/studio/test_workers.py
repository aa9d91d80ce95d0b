"""Processes that read files: each item's fate is its own, and none outlives the reading."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from musicgen.errors import FileError
from musicgen.studio.workers import Failure, map_files
from tests.conftest import ROOT


def play(item: str) -> str:
    """What files do to their reader."""
    if item == "refuse":
        raise FileError("expected a tune. Received: a refusal")
    if item == "hang":
        time.sleep(600)
    elif item == "spin":
        sum(range(10**12))  # deaf to all signals but one
    elif item == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif item == "exit":
        os._exit(3)
    elif item == "eat":
        return str(len(bytearray(600 << 20)))
    elif item == "fault":
        raise KeyError("what")
    elif item == "print":
        os.write(1, b"no answer")
        print("no answer", flush=True)
    elif item == "process":
        return str(os.getpid())
    return item.upper()


PIPES = {"capture_output": True, "text": True, "check": False}
SAID = {
    "a": "A",
    "refuse": Failure("expected a tune. Received: a refusal"),
    "hang": Failure("expected a file that is read within 3 seconds. Received: one that takes longer"),
    "b": "B",
    "spin": Failure("expected a file that is read within 3 seconds. Received: one that takes longer"),
    "crash": Failure("expected a file that can be read. Received: one at which its reader fell over (SIGSEGV)"),
    "exit": Failure("expected a file that can be read. Received: one at which its reader fell over (exit status 3)"),
    "eat": Failure("expected a file that is read within 500 MB. Received: one that needs more")
    if sys.platform == "linux"  # elsewhere memory is not limited
    else str(600 << 20),
    "fault": Failure("expected a file that can be read. Received: KeyError: 'what'"),
    "print": "PRINT",
    "c": "C",
}


def test_each_item_has_its_own_fate():
    done: list[tuple[int, int]] = []
    results = list(map_files(play, list(SAID), seconds=3, processes=2, report=lambda *place: done.append(place)))
    assert dict(zip(SAID, results, strict=True)) == SAID
    assert done == [(n, len(SAID)) for n in range(1, len(SAID) + 1)]


def test_a_process_reads_many_and_none_is_left():
    reading = map_files(play, ["process"] * 3 + ["hang"] * 9, seconds=600, processes=1)
    first, second = next(reading), next(reading)
    assert first == second != str(os.getpid())
    reading.close()
    with pytest.raises(ProcessLookupError):
        os.kill(int(str(first)), 0)


def test_nothing_to_read_is_nothing():
    assert list(map_files(play, [])) == []


def test_a_process_that_does_not_start_is_said(monkeypatch):
    monkeypatch.setattr("musicgen.studio.workers._PROGRAM", "raise SystemExit(1)")
    sentence = Failure("expected a process to read the file. Received: one that does not start")
    assert list(map_files(play, ["a", "b"], processes=1)) == [sentence] * 2


def test_a_script_needs_no_guard(tmp_path: Path):
    script = tmp_path / "script.py"
    script.write_text(
        "from musicgen.studio.inspector import inspect\n"
        f"print(inspect({str(ROOT / 'data' / 'jazz' / 'third_rail.mid')!r}).totals['used'])\n"
    )
    done = subprocess.run([sys.executable, script], cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, **PIPES)
    assert (done.stdout, done.stderr) == ("1\n", "")
