"""What can go wrong, as one tree.

    MusicgenError
    ├── InputError          something a person gave us cannot be used
    │   ├── FileError       a file or folder: missing, damaged, empty, of another kind
    │   ├── ChordError      a chord symbol or a chart
    │   ├── OptionError     a setting out of its range, or two that contradict each other
    │   ├── RequestError    a wish that no clip can fulfil
    │   └── ShapeError      an array whose shape does not fit
    ├── ArtifactError       a trained model that is incomplete, altered or of another format
    ├── NumericalError      a network gave numbers that are none (NaN, infinity)
    └── MissingExtra        an optional library is not installed

Each message is one sentence: what was expected, then `Received: ...`, with the place in front
(file, track, bar). Inner code raises short; the public door adds the context with `at`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class MusicgenError(Exception):
    """The root of every error this package raises on purpose."""


class InputError(MusicgenError, ValueError):
    """Something a person gave us cannot be used."""


class FileError(InputError):
    """A file or folder is missing, damaged, empty or of another kind."""


class ChordError(InputError):
    """A chord symbol or a chart cannot be read."""


class OptionError(InputError):
    """A setting is out of its range, or two contradict each other."""


class RequestError(InputError):
    """No clip can fulfil what is asked for."""


class ShapeError(InputError):
    """An array's shape does not fit."""


class ArtifactError(MusicgenError):
    """A trained model is incomplete, altered or of another format."""


class NumericalError(MusicgenError, ArithmeticError):
    """A network gave numbers that are none."""


class MissingExtra(MusicgenError, ImportError):
    """An optional library is not installed."""


@contextmanager
def at(place: object) -> Iterator[None]:
    """Put `place` in front of the message of any error of ours raised inside."""
    try:
        yield
    except MusicgenError as error:
        raise type(error)(f"{place}: {error}") from error
