"""A source read into steps: which documents are used, which are refused and why.

A document is a Score, or a line of a text file; the encoding says which.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from musicgen.errors import FileError, MusicgenError, at
from musicgen.music import files
from musicgen.music.encodings import Context, Encoding
from musicgen.music.score import Score
from musicgen.studio.progress import counting_bar
from musicgen.studio.workers import Failure, map_files

log = logging.getLogger("musicgen")

Source = str | os.PathLike[str] | Score | Iterable["str | os.PathLike[str] | Score"]
MANY = 32  # files: more are read by processes of their own, which a bad file cannot take down with it
TOLD = 5  # remarks of a kind that are logged
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


class Line(NamedTuple):
    """A line of a text file; `str` of it says where it stands."""

    path: Path
    number: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.number}"


@dataclass(frozen=True)
class Remark:
    """What is to be said of a document: why it cannot be used, or what was repaired."""

    name: str
    words: str


@dataclass(frozen=True)
class Reading:
    """What a source gave: pieces, those that were repaired to be read, and what is refused."""

    pieces: Sequence[Piece]
    refused: Sequence[Remark]
    repaired: Sequence[Remark] = ()

    @property
    def events(self) -> int:
        """Notes, frames or characters in all pieces."""
        return sum(piece.events for piece in self.pieces)

    @property
    def moved(self) -> npt.NDArray[np.float64]:
        """How far each note that is off the grid moved, in quarter notes."""
        distances = np.concatenate([np.zeros(0), *(piece.context.moved_quarters for piece in self.pieces)])
        return distances[distances > 0]


def read_source(source: Source, encoding: Encoding) -> Reading:
    """Read and encode a folder, files or Scores; good documents are used, bad ones listed and logged as warnings.

    Raises:
        FileError: there is no such folder or file, or nothing in it can be used.
    """
    pieces: list[Piece] = []
    refused: list[Remark] = []
    repaired: list[Remark] = []
    for name, read in _read(documents(source, type(encoding))):
        if isinstance(read, Failure):
            refused.append(Remark(name, read.reason.removeprefix(f"{name}: ")))
            continue
        try:
            values, context = encoding.encode(read.score if isinstance(read, files.Piece) else read)
            indices = encoding.vocabulary.indices(values)
            pieces.append(Piece(name, indices, context, int(encoding.counted(indices)[:, -1].sum())))
        except MusicgenError as error:
            refused.append(Remark(name, str(error).removeprefix(f"{name}: ")))
        else:
            repaired += [Remark(name, words) for words in (read.remarks if isinstance(read, files.Piece) else ())]
    if not pieces:
        raise FileError(_nothing_usable(refused))
    _tell("repaired", repaired)
    _tell("not used", refused)
    return Reading(pieces, refused, repaired)


def _tell(what: str, remarks: Sequence[Remark]) -> None:
    for remark in remarks[:TOLD]:
        log.warning("%s: %s: %s", what, remark.name, remark.words)
    if len(remarks) > TOLD:
        log.warning("%s: and %d more; musicgen inspect lists all", what, len(remarks) - TOLD)


def documents(source: Source, kind: type[Encoding]) -> list[Any]:
    """The documents of a source for an encoding: Scores, places of pieces in files, or lines of text.

    Raises:
        FileError: there is no such folder or file, a text cannot be read, or there is nothing.
    """
    sources = [source] if isinstance(source, (str, os.PathLike, Score)) else source
    found = list(_lines(sources) if kind.document is str else _scores(sources))
    if not found:
        raise FileError(f"expected {kind.pieces} to learn from. Received: nothing")
    return found


def _scores(sources: Iterable[str | os.PathLike[str] | Score]) -> Iterator[Score | files.Place]:
    for one in sources:
        if isinstance(one, Score):
            yield one
        else:
            yield from files.places(one)


def _read(found: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    """Each document's name, and what was read or why not; many files are read by processes of their own."""
    places = [one for one in found if isinstance(one, files.Place)]
    with counting_bar("reading", len(found)) as tick:
        many = len(places) > MANY
        read = map_files(files.Place.read, places, prepare=files.loader(places)) if many else map(_read_here, places)
        for number, one in enumerate(found, 1):
            if isinstance(one, Score):
                yield f"score {number}", one
            else:
                yield str(one), next(read) if isinstance(one, files.Place) else one.text
            tick(None)


def _read_here(place: files.Place) -> files.Piece | Failure:
    try:
        return place.read()
    except MusicgenError as error:
        return Failure(str(error))


def _lines(sources: Iterable[str | os.PathLike[str] | Score]) -> Iterator[Line]:
    """Every line that is not blank, of text files and of the text files in folders."""
    for one in sources:
        if isinstance(one, Score):
            raise FileError("expected text files. Received: a Score")
        for path in find_texts(Path(one)):
            for number, line in enumerate(read_text(path).splitlines(), 1):
                if line.strip():
                    yield Line(path, number, line)


def find_texts(path: Path) -> list[Path]:
    """The text files that a path names: a file, or all below a folder.

    Raises:
        FileError: there is no such file or folder, or no text in it.
    """
    if not path.exists():
        raise FileError(f"{path}: expected a file or a folder. Received: a name that does not exist")
    found = sorted(path.rglob(f"*{TEXT}")) if path.is_dir() else [path]
    if not found:
        raise FileError(f"{path}: expected files ending in {TEXT}. Received: a folder without any")
    return found


def read_text(path: Path) -> str:
    """A text in UTF-8.

    Raises:
        FileError: it is none, or cannot be opened.
    """
    with at(path):
        try:
            return path.read_text("utf-8-sig")
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise FileError(f"expected a text in UTF-8. Received: {reason}") from error


def _nothing_usable(refused: Sequence[Remark]) -> str:
    if len(refused) == 1:
        return f"{refused[0].name}: {refused[0].words}"
    first = "; ".join(f"{refusal.name}: {refusal.words}" for refusal in refused[:3])
    return f"expected at least one file that can be used. Received: {len(refused)} that cannot, such as {first}"
