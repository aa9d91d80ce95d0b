"""Music files: the doors through which a Score comes in and goes out.

`find` lists files, `read` makes a Score of one, `write` makes a file of a Score. The suffix chooses
the format, by the table `FORMATS`; what the bytes of a format mean is said in its own module (`midi`, and
`fastmidi` for speed). This one knows paths, folders and what can go wrong with them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from musicgen.errors import FileError, OptionError, at
from musicgen.music import fastmidi, midi
from musicgen.music.score import Score

Source = str | os.PathLike[str]


class Format(NamedTuple):
    """The bytes of one kind of file, read and written."""

    read: Callable[[bytes], Score]
    write: Callable[[Score], bytes]


def _read_midi(data: bytes) -> Score:
    """The quick way where it loses nothing, else byte by byte."""
    resolution, chunks = midi.split(data)
    score = fastmidi.read(resolution, chunks)
    return midi.read(resolution, chunks) if score is None else score


_MIDI = Format(_read_midi, midi.write)
FORMATS = {".mid": _MIDI, ".midi": _MIDI}  # by suffix, in lower case


def find(source: Source | Iterable[Source]) -> list[Path]:
    """The music files that `source` names: one file, a folder with all below it, or a list of these.

    A folder gives its files sorted, those whose suffix is in `FORMATS` (upper or lower case), but
    nothing whose name begins with a dot. No file comes twice.

    Raises:
        FileError: there is no such file or folder, or a folder or list holds no music files.
    """
    if isinstance(source, (str, os.PathLike)):
        return _find_one(Path(source))
    paths = list(dict.fromkeys(path for one in source for path in _find_one(Path(one))))
    if not paths:
        raise FileError("expected at least one file or folder. Received: an empty list")
    return paths


def _find_one(path: Path) -> list[Path]:
    if not path.exists():
        raise FileError(f"{path}: expected a file or a folder. Received: a name that does not exist")
    if not path.is_dir():
        return [path]
    below = [found for found in path.rglob("*") if found.suffix.lower() in FORMATS and found.is_file()]
    shown = [found for found in below if not any(part.startswith(".") for part in found.relative_to(path).parts)]
    if not shown:
        raise FileError(f"{path}: expected files ending in {_suffixes()}. Received: a folder without any")
    return sorted(shown)


def read(path: Source) -> Score:
    """The music in a file; times in ticks, as many to a quarter note as the file says.

    MIDI of type 0 or 1; see `midi` for what is kept and how it is told apart.

    Raises:
        FileError: the file cannot be opened, is of another kind, is cut off or damaged; says where.
    """
    path = Path(path)
    with at(path):
        data = _bytes_of(path)
        kind = FORMATS.get(path.suffix.lower())
        if kind is None:
            raise FileError(f"expected a file ending in {_suffixes()}. Received: {path.suffix or 'no suffix'}")
        return kind.read(data)


def write(score: Score, path: Source) -> None:
    """Write `score` to `path` in the format its suffix names; the same score gives the same bytes.

    Missing folders are made. The file appears whole or not at all.

    Raises:
        OptionError: the suffix is not one we know.
        InputError: the score holds what the format cannot, such as a velocity of 0.
        FileError: the file cannot be written.
    """
    path = Path(path)
    with at(path):
        kind = FORMATS.get(path.suffix.lower())
        if kind is None:
            raise OptionError(f"expected a name ending in {_suffixes()}. Received: {path.suffix or 'no suffix'}")
        write_whole(path, kind.write(score))


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:
        received = "a folder" if isinstance(error, IsADirectoryError) else _reason(error)
        raise FileError(f"expected a file that can be read. Received: {received}") from error


def write_whole(path: Path, data: bytes) -> None:
    """Write beside, then rename: a reader never meets half a file.

    Raises:
        FileError: the file cannot be written.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(data)
        os.replace(part, path)
    except (OSError, ValueError) as error:
        with suppress(OSError, ValueError):
            part.unlink()
        raise FileError(f"expected a place that can be written to. Received: {_reason(error)}") from error


def _reason(error: OSError | ValueError) -> str:
    """What the system says; a ValueError is a null character in the name."""
    return getattr(error, "strerror", None) or str(error)


def _suffixes() -> str:
    return " or ".join(FORMATS)
