"""The collections that come with music21, by name: `corpus:ryansMammoth`, `corpus:bach/bwv66.6`.

A name is a folder of the collection, a folder and a work, or a work. Nothing is loaded to find them: only the place
where music21 is installed is asked for. Of a work that is there in several formats, one is taken.
"""

from __future__ import annotations

import difflib
import importlib.util
from pathlib import Path

from musicgen.errors import FileError, MissingExtra

PREFIX = "corpus:"
_SUFFIXES = (".mxl", ".musicxml", ".xml", ".krn", ".abc", ".mid")  # the first that is there is taken


def works(name: str) -> dict[str, Path]:
    """The files of a collection or work, by the names they go by, sorted.

    Args:
        name: with or without `corpus:` in front.

    Raises:
        FileError: there is no such collection or work; tells near ones.
        MissingExtra: music21 is not installed.
    """
    name = name.removeprefix(PREFIX).strip("/")
    everything = _everything()
    wanted = name.casefold()
    found = {
        work: path
        for work, path in everything.items()
        if f"{work.casefold()}/".startswith(f"{wanted}/") or wanted in (path.stem.casefold(), path.name.casefold())
    }
    if not found or not wanted:
        raise FileError(f"expected a collection of music21{_near(name, everything)}. Received: {name or 'no name'}")
    return {f"{PREFIX}{work}": path for work, path in found.items()}


def _everything() -> dict[str, Path]:
    """All works by folder and name without suffix."""
    package = importlib.util.find_spec("music21")
    if package is None or not package.submodule_search_locations:
        raise MissingExtra("expected music21 for its collections: pip install music21. Received: none")
    root = Path(package.submodule_search_locations[0]) / "corpus"
    files = [path for path in root.rglob("*") if path.suffix in _SUFFIXES]
    files.sort(key=lambda path: (path.with_suffix("").as_posix(), _SUFFIXES.index(path.suffix)))
    found: dict[str, Path] = {}
    for path in files:
        found.setdefault(path.relative_to(root).as_posix().removesuffix(path.suffix), path)
    return found


def _near(name: str, everything: dict[str, Path]) -> str:
    folders = {work.split("/")[0] for work in everything}
    known = {word.casefold(): word for word in [*everything, *(path.stem for path in everything.values()), *folders]}
    near = difflib.get_close_matches(name.casefold(), known, n=3) or [folder.casefold() for folder in sorted(folders)]
    return " such as " + ", ".join(known[word] for word in near)
