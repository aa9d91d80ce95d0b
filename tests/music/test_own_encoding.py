"""The encoding that the guide writes is one like ours, and learns and writes like ours."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from musicgen.music.encodings import ENCODINGS
from musicgen.music.score import NOTE, Score, Track, table
from musicgen.studio.composer import Composer
from tests.contracts import check_encoding, check_grammar, check_request

GUIDE = Path(__file__).parents[2] / "docs" / "guide.md"


@pytest.fixture
def drums() -> Any:
    """The guide's encoding, registered for one test."""
    page = GUIDE.read_text(encoding="utf-8")
    code = re.search(r"## Your own encoding.*?```python\n(.*?)```", page, re.DOTALL)
    assert code is not None
    assert sum(bool(line.strip()) for line in code[1].splitlines()) <= 40
    namespace: dict[str, Any] = {"__name__": "guide"}
    exec(compile(code[1], GUIDE, "exec", dont_inherit=True), namespace)
    yield namespace["DrumEncoding"]()
    del ENCODINGS["drums"]


def kit(*hits: tuple[int, int]) -> Score:
    """A score of drums from (tick, pitch), 480 ticks a quarter."""
    return Score(480, (Track("kit", 9, notes=table(NOTE, [(tick, 10, pitch, 90) for tick, pitch in hits])),))


def test_it_keeps_the_contract(drums):
    check_encoding(drums, [kit((0, 36), (0, 42), (470, 38), (9600, 36)), kit((0, 50)), Score()])
    check_request(drums)
    check_grammar(drums, 16)


def test_it_learns_judges_and_writes(drums, tmp_path):
    rock = kit(*((240 * n, 42) for n in range(32)), *((960 * n, 36 + n % 2 * 2) for n in range(8)))
    composer = Composer("drums", units=16, head=16, embedding=4, epochs=2, seed=1)
    composer.fit([rock] * 4, report=lambda progress: None)
    again = Composer.load(composer.save(tmp_path / "drums"))
    assert again.evaluate(rock)["steps"] == 64
    (clip,) = again.generate(bars=2, seed=3)
    assert clip.end == 32
    assert set(clip.score.tracks[0].notes["pitch"]) <= {36, 38, 42}
