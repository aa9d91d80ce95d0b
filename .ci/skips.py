"""Print every skipped test with its reason; fail on one that is not on the list of allowed skips.

Usage: python .ci/skips.py ALLOWED REPORT...
ALLOWED has lines `test :: reason` in which `*` stands for anything; each REPORT is pytest's JUnit XML.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree


class Skip(NamedTuple):
    """A skipped test and why; in the list of allowed ones `*` stands for anything."""

    test: str
    reason: str

    def fits(self, allowed: Skip) -> bool:
        """Whether one line of the list allows this skip."""
        return all(re.fullmatch(_regex(pattern), text, re.DOTALL) for pattern, text in zip(allowed, self, strict=True))


def _regex(pattern: str) -> str:
    return ".*".join(map(re.escape, pattern.split("*")))


def read_allowed(path: Path) -> list[Skip]:
    """The lines of the list, without comments and empty ones."""
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [Skip(*line.split(" :: ", 1)) for line in lines if line and not line.startswith("#")]


def read_skips(report: Path) -> Iterator[Skip]:
    """The skipped tests of one JUnit report; expected failures count as skipped."""
    for case in ElementTree.parse(report).iter("testcase"):
        test = "::".join(filter(None, (case.get("classname"), case.get("name"))))
        for skipped in case.iter("skipped"):
            yield Skip(test, _reason(skipped))


def _reason(skipped: ElementTree.Element) -> str:
    """A module skipped as a whole has its reason in the text, `(file, line, 'Skipped: why')`."""
    message, text = skipped.get("message", ""), skipped.text or ""
    whole = re.search(r"Skipped: (.*?)['\"]?\)?\s*$", text, re.DOTALL)
    return whole[1] if whole and message == "collection skipped" else message


def main(allowed_path: str, *reports: str) -> int:
    """Print the skips of all reports; 1 if one is not allowed, else 0."""
    allowed = read_allowed(Path(allowed_path))
    skips = [skip for report in reports for skip in read_skips(Path(report))]
    unexpected = [skip for skip in skips if not any(skip.fits(line) for line in allowed)]
    _show(f"{len(skips)} skipped", skips)
    if unexpected:
        _show(f"{len(unexpected)} of them not on the list {allowed_path}", unexpected)
    return 1 if unexpected else 0


def _show(heading: str, skips: Iterable[Skip]) -> None:
    print(f"{heading}:" if skips else f"{heading}.")
    for skip in skips:
        print(f"  {skip.test} :: {skip.reason}")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
