"""Learn from music files and write new ones with recurrent networks.

Symbolic music (MIDI), not audio. The names below are all there is to the public side; each is
loaded on first use, so importing this package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from musicgen.version import __version__

if TYPE_CHECKING:
    from musicgen.music.charts import Chart, chart
    from musicgen.music.files import read, write
    from musicgen.music.score import Score, Text, Track
    from musicgen.music.theory import Chord, chord
    from musicgen.studio.clip import Clip, Line
    from musicgen.studio.composer import Composer

_HOMES = {
    "Chart": "musicgen.music.charts",
    "Chord": "musicgen.music.theory",
    "Clip": "musicgen.studio.clip",
    "Composer": "musicgen.studio.composer",
    "Line": "musicgen.studio.clip",
    "MusicgenError": "musicgen.errors",
    "Score": "musicgen.music.score",
    "Text": "musicgen.music.score",
    "Track": "musicgen.music.score",
    "chart": "musicgen.music.charts",
    "chord": "musicgen.music.theory",
    "read": "musicgen.music.files",
    "write": "musicgen.music.files",
}

__all__ = [
    "Chart",
    "Chord",
    "Clip",
    "Composer",
    "Line",
    "MusicgenError",
    "Score",
    "Text",
    "Track",
    "__version__",
    "chart",
    "chord",
    "read",
    "write",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'musicgen' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
