"""A source read into steps: which files are used, which are refused and why."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from musicgen.errors import FileError, MusicgenError
from musicgen.music import files
from musicgen.music.encodings import Context, Encoding
from musicgen.music.files import Place
from musicgen.music.score import Score

log = logging.getLogger("musicgen")

Source = str | os.PathLike[str] | Score | Iterable["str | os.PathLike[str] | Score"]


@dataclass(frozen=True, eq=False)
class Piece:
    """One document as a network takes it.

    Attributes:
        name: file name, or a number for a Score.
        indices: `int32[T, F]`.
        context: what is given.
    """

    name: str
    indices: npt.NDArray[np.int32]
    context: Context

    @property
    def notes(self) -> int:
        """Events in it."""
        return len(self.context.source.notes)


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
    def notes(self) -> int:
        """Events in all pieces."""
        return sum(piece.notes for piece in self.pieces)

    @property
    def moved(self) -> npt.NDArray[np.float64]:
        """How far each note that is off the grid moved, in quarter notes."""
        found = [piece.context.moved / piece.context.resolution for piece in self.pieces]
        distances = np.concatenate([np.zeros(0), *found])
        return distances[distances > 0]


def read_source(
    source: Source, encoding: Encoding, report: Callable[[int, int], None] = lambda done, of: None
) -> Reading:
    """Read and encode a folder, files or Scores; good ones are used, bad ones listed and logged as warnings.

    Args:
        report: called with how many are done, of how many.

    Raises:
        FileError: there is no such folder or file, or nothing in it can be used.
    """
    documents = _documents(source)
    pieces: list[Piece] = []
    refused: list[Refusal] = []
    for number, (name, document) in enumerate(documents):
        try:
            score = document if isinstance(document, Score) else _read(document)
            values, context = encoding.encode(score)
            pieces.append(Piece(name, encoding.vocabulary.indices(values), context))
        except MusicgenError as error:
            refused.append(Refusal(name, str(error).removeprefix(f"{document}: ")))
        report(number + 1, len(documents))
    if not pieces:
        raise FileError(_nothing_usable(refused))
    for refusal in refused:
        log.warning("not used: %s: %s", refusal.name, refusal.reason)
    return Reading(pieces, refused)


def _read(place: Place) -> Score:
    """The piece at a place; what was repaired goes to the log, and `inspect` shows it."""
    piece = place.read()
    for remark in piece.remarks:
        log.info("%s: %s", piece.name, remark)
    return piece.score


def _documents(source: Source) -> list[tuple[str, Place | Score]]:
    if isinstance(source, (str, os.PathLike, Score)):
        source = [source]
    found: list[tuple[str, Place | Score]] = []
    for one in source:
        if isinstance(one, Score):
            found.append((f"score {len(found) + 1}", one))
        else:
            found.extend((str(place), place) for place in files.places(one))
    if not found:
        raise FileError("expected music to learn from. Received: nothing")
    return found


def _nothing_usable(refused: Sequence[Refusal]) -> str:
    if len(refused) == 1:
        return f"{refused[0].name}: {refused[0].reason}"
    first = "; ".join(f"{refusal.name}: {refusal.reason}" for refusal in refused[:3])
    return f"expected at least one file that can be used. Received: {len(refused)} that cannot, such as {first}"
