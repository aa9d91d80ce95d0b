"""A source read into steps: which documents are used, which are refused and why.

A document is a Score, or a line of a text file; the encoding says which.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from musicgen.errors import FileError, MusicgenError, at
from musicgen.music import files
from musicgen.music.encodings import Context, Encoding
from musicgen.music.encodings.encoding import Document
from musicgen.music.score import Score

log = logging.getLogger("musicgen")

Source = str | os.PathLike[str] | Score | Iterable["str | os.PathLike[str] | Score"]
Named = tuple[str, Callable[[], Document]]  # a document's name, and what reads it
TEXT = ".txt"  # the files of a folder that are read line by line


@dataclass(frozen=True, eq=False)
class Piece:
    """One document as a network takes it.

    Attributes:
        name: file name, of a line with its number; a number for a Score.
        indices: `int32[T, F]`.
        context: what is given.
        events: notes, frames or characters in it.
    """

    name: str
    indices: npt.NDArray[np.int32]
    context: Context
    events: int


@dataclass(frozen=True)
class Refusal:
    """A file that cannot be used."""

    name: str
    reason: str


@dataclass(frozen=True)
class Reading:
    """What a source gave."""

    pieces: Sequence[Piece]
    refused: Sequence[Refusal]

    @property
    def events(self) -> int:
        """Notes, frames or characters in all pieces."""
        return sum(piece.events for piece in self.pieces)

    @property
    def moved(self) -> npt.NDArray[np.float64]:
        """How far each note that is off the grid moved, in quarter notes."""
        distances = np.concatenate([np.zeros(0), *(piece.context.moved_quarters for piece in self.pieces)])
        return distances[distances > 0]


def read_source(
    source: Source, encoding: Encoding, report: Callable[[int, int], None] = lambda done, of: None
) -> Reading:
    """Read and encode a folder, files or Scores; good documents are used, bad ones listed and logged as warnings.

    Args:
        report: called with how many are done, of how many.

    Raises:
        FileError: there is no such folder or file, or nothing in it can be used.
    """
    found = documents(source, type(encoding))
    pieces: list[Piece] = []
    refused: list[Refusal] = []
    for number, (name, read) in enumerate(found):
        try:
            values, context = encoding.encode(read())
            indices = encoding.vocabulary.indices(values)
            pieces.append(Piece(name, indices, context, int(encoding.counted(indices)[:, -1].sum())))
        except MusicgenError as error:
            refused.append(Refusal(name, str(error).removeprefix(f"{name}: ")))
        report(number + 1, len(found))
    if not pieces:
        raise FileError(_nothing_usable(refused))
    for refusal in refused:
        log.warning("not used: %s: %s", refusal.name, refusal.reason)
    return Reading(pieces, refused)


def documents(source: Source, kind: type[Encoding]) -> list[Named]:
    """The documents of a source for an encoding: the name of each, and a function that reads it.

    Raises:
        FileError: there is no such folder or file, a text cannot be read, or there is nothing.
    """
    sources = [source] if isinstance(source, (str, os.PathLike, Score)) else source
    found: list[Named] = [*(_lines(sources) if kind.document is str else _scores(sources))]
    if not found:
        raise FileError(f"expected {kind.pieces} to learn from. Received: nothing")
    return found


def _scores(sources: Iterable[str | os.PathLike[str] | Score]) -> Iterator[Named]:
    for number, one in enumerate(sources, 1):
        if isinstance(one, Score):
            yield f"score {number}", lambda score=one: score  # type: ignore[misc]
        else:
            yield from ((str(path), partial(files.read, path)) for path in files.find(one))


def _lines(sources: Iterable[str | os.PathLike[str] | Score]) -> Iterator[Named]:
    """Every line that is not blank, of text files and of the text files in folders."""
    for one in sources:
        if isinstance(one, Score):
            raise FileError("expected text files. Received: a Score")
        for path in _texts(Path(one)):
            for number, line in enumerate(_text(path).splitlines(), 1):
                if line.strip():
                    yield f"{path}:{number}", partial(str, line)


def _texts(path: Path) -> list[Path]:
    found = sorted(path.rglob(f"*{TEXT}")) if path.is_dir() else [path]
    if not found:
        raise FileError(f"{path}: expected files ending in {TEXT}. Received: a folder without any")
    return found


def _text(path: Path) -> str:
    with at(path):
        try:
            return path.read_text("utf-8-sig")
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise FileError(f"expected a text in UTF-8. Received: {reason}") from error


def _nothing_usable(refused: Sequence[Refusal]) -> str:
    if len(refused) == 1:
        return f"{refused[0].name}: {refused[0].reason}"
    first = "; ".join(f"{refusal.name}: {refusal.reason}" for refusal in refused[:3])
    return f"expected at least one file that can be used. Received: {len(refused)} that cannot, such as {first}"
