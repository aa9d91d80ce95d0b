"""Measures how real solos look, for `check.py`.

    python data/jazz/measure.py FOLDER-OF-SOLOS

writes `bands.json`: for each measure the 5th and 95th percentile over all stretches of the solos, and
how many of the stretches and of the whole solos lie outside in 0, 1, 2, ... of the bands. Numbers only:
nothing of the solos themselves.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

import numpy as np  # noqa: E402
from measures import MEASURES, STRETCH, line, measure, profile, stretches  # noqa: E402

from musicgen.music.files import find, read  # noqa: E402

BANDS = HERE / "bands.json"


def outside(values: dict[str, float], bands: dict[str, list[float]]) -> list[str]:
    """The measures whose value lies outside its band."""
    return [name for name in MEASURES if not bands[name][0] <= values[name] <= bands[name][1]]


def bands(source: str) -> dict[str, object]:
    """What `bands.json` holds, from the solos in the folder `source`."""
    solos = [line(read(path)) for path in find(source)]
    rows = [measure(stretch) for solo in solos for stretch in stretches(solo)]
    found = {name: _band([row[name] for row in rows]) for name in MEASURES}
    return {
        "source": "Weimar Jazz Database, Jazzomat Research Project, the development set's training part",
        "solos": len(solos),
        "notes_a_stretch": STRETCH,
        "stretches": len(rows),
        "stretches_outside": _histogram(len(outside(row, found)) for row in rows),
        "solos_outside": _histogram(len(outside(profile(solo), found)) for solo in solos),
        "bands": found,
    }


def _band(values: list[float]) -> list[float]:
    return [round(float(edge), 4) for edge in np.percentile(values, [5, 95])]


def _histogram(counts: Iterable[int]) -> list[int]:
    """How many are 0, 1, 2, ..."""
    return np.bincount(list(counts)).tolist()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python data/jazz/measure.py FOLDER")
    BANDS.write_text(json.dumps(bands(sys.argv[1]), indent=1) + "\n", encoding="utf-8")
    print(f"wrote {BANDS}")
