"""Compares each line of this folder with real solos; `make data-check`.

    python data/jazz/check.py [FILE-OR-FOLDER...]

A line passes if no more than two of its measures (see `measures.py`) lie outside the 5 to 95 % bands
of `bands.json`. Ends with status 1 if a line does not pass.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

from measure import BANDS, outside  # noqa: E402
from measures import ASKED, MEASURES, line, profile  # noqa: E402

from musicgen.errors import MusicgenError, at  # noqa: E402
from musicgen.music.files import find, read  # noqa: E402

ALLOWED = 2
Bands = dict[str, list[float]]


def load() -> Bands:
    """The bands, by measure."""
    found: Bands = json.loads(BANDS.read_text(encoding="utf-8"))["bands"]
    return found


def report(path: Path, bands: Bands) -> tuple[str, int, int]:
    """A row of the table, how many notes the line has and how many measures lie outside."""
    with at(path.name):
        found = line(read(path))
        values = profile(found)
    out = outside(values, bands)
    marks = ["-" if set(names) & set(out) else "ok" for names in ASKED.values()]
    why = "; ".join(f"{name} {values[name]:.2f}, expected {bands[name][0]:.2f} to {bands[name][1]:.2f}" for name in out)
    cells = "".join(f"{mark:^{len(name) + 2}}" for name, mark in zip(ASKED, marks, strict=True))
    verdict = "FAILS" if len(out) > ALLOWED else "passes"
    return f"{path.stem:<24}{len(found.pitch):>6} {cells}{verdict:<8}{why}".rstrip(), len(found.pitch), len(out)


def main(sources: list[str]) -> int:
    """Print the table; the exit status."""
    bands = load()
    print(f"{'line':<24}{'notes':>6} {''.join(f' {name} ' for name in ASKED)}")
    rows = [report(path, bands) for path in find(sources or [str(HERE)])]
    for row, _, _ in rows:
        print(row)
    counts = [out for _, _, out in rows]
    spread = ", ".join(f"{counts.count(n)} outside in {n}" for n in range(max(counts) + 1))
    print(f"{len(rows)} lines, {sum(notes for _, notes, _ in rows):,} notes; of {len(MEASURES)} measures: {spread}.")
    return int(any(out > ALLOWED for out in counts))


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except MusicgenError as error:
        sys.exit(str(error))
