"""Converting: every piece of a source into a file of another format."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from musicgen.errors import FileError, MusicgenError, OptionError
from musicgen.music import files
from musicgen.music.files import Place

MIDI, NOTATION = ".mid", ".musicxml"


@dataclass(frozen=True)
class Converted:
    """One piece: what became of it.

    Attributes:
        name: where it stood.
        path: the file that was written; None if it could not be read or written.
        remarks: what was repaired, changed or left out; the reason if there is no file.
    """

    name: str
    path: Path | None
    remarks: tuple[str, ...] = ()


def convert(
    source: files.Source, out: files.Source, *, to: str = "", swing: bool = False, force: bool = False
) -> Iterator[Converted]:
    """Write the pieces of `source` to `out`, one after the other.

    Args:
        source: a file, a folder, `tunes.abc#3`, `corpus:NAME`.
        out: a file for one piece, or a folder; its suffix is the format.
        to: the suffix in a folder; "": notation for MIDI files, MIDI for all others.
        swing: say "Swing" above the first bar.
        force: replace files.

    Raises:
        FileError: there is no such source, or its only piece cannot be read.
        OptionError: `out` does not fit, or is there already.
    """
    target = Path(out)
    to = f".{to.lstrip('.')}" if to else ""
    if to and to not in files.FORMATS:
        raise OptionError(f"--to: expected one of {', '.join(files.FORMATS)}. Received: {to}")
    found = list(files.places(source))
    if not found:
        raise FileError(f"{source}: expected music. Received: none")
    targets = _targets(source, found, target, to)
    for path in targets:
        if path.exists() and not force:
            raise OptionError(f"{path}: expected a new name. Received: one that exists; use --force or another name")
    if len(found) == 1:
        yield _converted(found[0], targets[0], swing)
        return
    for place, path in zip(found, targets, strict=True):
        try:
            yield _converted(place, path, swing)
        except MusicgenError as error:
            yield Converted(str(place), None, (str(error).removeprefix(f"{place}: "),))


def _converted(place: Place, path: Path, swing: bool) -> Converted:
    piece = place.read()
    says_swing = any("swing" in text.text.lower() for text in piece.score.texts)
    lost = files.write(piece.score, path, swing=swing and not says_swing)
    return Converted(piece.name, path, (*piece.remarks, *lost))


def _targets(source: files.Source, found: Sequence[Place], out: Path, to: str) -> list[Path]:
    """The file for each piece, no two the same."""
    if out.suffix.lower() in files.FORMATS and not out.is_dir():
        if len(found) > 1:
            choose = f"or one piece, such as {str(found[0]).split(' ')[0]}"
            raise OptionError(
                f"{out}: expected a folder for the {len(found)} pieces of {source}, {choose}. Received: a file"
            )
        return [out]
    if out.suffix and not out.is_dir() and len(found) == 1:
        raise OptionError(
            f"{out}: expected a folder, or a name ending in {', '.join(files.FORMATS)}. Received: {out.suffix}"
        )
    names: dict[str, int] = {}
    targets = []
    for place in found:
        name = f"{place.stem}{to or _usual(place)}"
        names[name.lower()] = names.get(name.lower(), 0) + 1
        again = names[name.lower()]
        targets.append(out / (name if again == 1 else f"{place.stem}-{again}{to or _usual(place)}"))
    return targets


def _usual(place: Place) -> str:
    suffix = Path(place.member or place.path.name).suffix.lower()
    return NOTATION if suffix in (".mid", ".midi", ".kar", ".rmi") else MIDI
