"""Music files: the doors through which a Score comes in and goes out.

`places` lists the pieces that a source holds, `read` makes a Score of one, `write` makes a file of a Score. A file
may hold several pieces (tunes in ABC, sequences in MIDI of type 2, a zip), which go by names such as
`tunes.abc#3 The Kesh` and `set.zip/inner/a.mid`; such a name, with or without the title, also chooses one. The suffix
tells the format, by the table in `formats`. `corpus:NAME` is a collection of music21, see `corpora`.

What had to be repaired or was left out comes with the piece, in `Piece.remarks`.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from errno import ENODEV
from functools import lru_cache
from pathlib import Path, PurePosixPath

from musicgen.errors import FileError, MusicgenError, OptionError, at
from musicgen.music.formats import READABLE, WRITABLE, Format, archives, corpora, humdrum
from musicgen.music.score import Score, Text

log = logging.getLogger("musicgen")

Source = str | os.PathLike[str]
FORMATS = WRITABLE  # by suffix, in lower case
ZIP = ".zip"
_MIDI_KINDS = [READABLE[suffix] for suffix in (".mid", ".kar")]


@dataclass(frozen=True)
class Piece:
    """A piece of music and what was done to read it.

    Attributes:
        name: where it stands, as `Place` has it.
        remarks: what was repaired or left out, a sentence each; empty for a whole and plain file.
    """

    name: str
    score: Score
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Place:
    """Where one piece stands; `str` of it is its name, unique among those of one source.

    Attributes:
        path: the file on disk.
        member: the entry, if that is a zip file.
        number: from 1, among several pieces of one file; 0: it is the only one.
        title: as the file gives it.
        shown: how the file is called, if not by its path.
    """

    path: Path
    member: str = ""
    number: int = 0
    title: str = ""
    shown: str = ""

    def __str__(self) -> str:
        inner = f"/{self.member}" if self.member else ""
        tune = f"#{self.number} {self.title}".rstrip() if self.number else ""
        return f"{self.shown or self.path}{inner}{tune}"

    @property
    def stem(self) -> str:
        """A short name that can be a file's: "003 The Kesh", "a"."""
        name = PurePosixPath(self.member).stem if self.member else self.path.stem
        plain = re.sub(r"[^\w .'()+-]", "-", f"{self.number:03} {self.title}".strip()) if self.number else name
        return plain[:80]

    def read(self) -> Piece:
        """The piece.

        Raises:
            FileError: it cannot be read; says where and why.
        """
        with at(self):
            remarks: list[str] = []
            if self.path.suffix.lower() == ZIP and not self.member:
                archives.names(self.path)  # a damaged one says so
            kind = _format(self.member or self.path.name)
            data = _data(self.path, self.member, self.number > 0)
            score = kind.read(data, max(self.number, 1) - 1, remarks)
            return Piece(str(self), score, tuple(remarks))


# Finding.


def find(source: Source | Iterable[Source]) -> list[Path]:
    """The music files that `source` names: one file, a folder with all below it, or a list of these.

    A folder gives its files sorted, those whose suffix is in `READABLE` or `.zip` (upper or lower case), but
    nothing whose name begins with a dot, and no notation beside a MIDI file of its name. No file comes twice.

    Raises:
        FileError: there is no such file or folder, or a folder or list holds no music files.
    """
    if isinstance(source, (str, os.PathLike)):
        return _find_one(source)
    paths = list(dict.fromkeys(path for one in source for path in _find_one(one)))
    if not paths:
        raise FileError("expected at least one file or folder. Received: an empty list")
    return paths


def _find_one(source: Source) -> list[Path]:
    if _is_corpus(source):
        return list(corpora.works(str(source)).values())
    path = Path(source)
    if not _exists(path):
        chosen(path)
        return [path]
    if not path.is_dir():
        return [path]
    below = [found for found in path.rglob("*") if found.suffix.lower() in (*READABLE, ZIP) and found.is_file()]
    shown = [found for found in below if not any(part.startswith(".") for part in found.relative_to(path).parts)]
    if not shown:
        raise FileError(f"{path}: expected files ending in {_suffixes()}. Received: a folder without any")
    return sorted(_without_twins(shown))


def loader(found: Iterable[Place]) -> Callable[[], object] | None:
    """What loads the library that reads some of these places, if one is needed: it takes longer than most files."""
    names = (place.member or place.path.name for place in found)
    return humdrum.load if any(name.lower().endswith(".krn") for name in names) else None


def passed_over(source: Source) -> list[Path]:
    """What is in a folder and not among the files that `find` gives: other kinds, and notation beside its MIDI file."""
    folder = Path(source)
    if _is_corpus(source) or not folder.is_dir():
        return []
    found = set(_find_one(source))
    rest = [path for path in sorted(folder.rglob("*")) if path not in found and not path.is_dir()]
    return [path for path in rest if not any(part.startswith(".") for part in path.relative_to(folder).parts)]


def _without_twins(paths: list[Path]) -> list[Path]:
    """The files without those in notation of which there is a MIDI file of the same name in the folder, above or below.

    So the sources of a collection beside its MIDI files are not learned as further pieces.
    """
    midi: dict[str, list[Path]] = {}
    for path in paths:
        if path.suffix.lower() in (".mid", ".midi"):
            midi.setdefault(path.stem, []).append(path.parent)

    def has_twin(path: Path) -> bool:
        homes = midi.get(path.stem, ())
        return any(home == path.parent or home in path.parents or path.parent in home.parents for home in homes)

    return [path for path in paths if READABLE.get(path.suffix.lower()) in _MIDI_KINDS or not has_twin(path)]


def places(source: Source | Iterable[Source]) -> Iterator[Place]:
    """The pieces that `source` names, one after the other; files are opened only to list what they hold.

    A file that cannot be listed is one place, and reading that tells why.

    Raises:
        FileError: as `find`.
    """
    sources = [source] if isinstance(source, (str, os.PathLike)) else source
    seen: set[Place] = set()
    for one in sources:
        for place in _places_of(one):
            if place not in seen:
                seen.add(place)
                yield place


def _places_of(source: Source) -> Iterator[Place]:
    if _is_corpus(source):
        for shown, path in corpora.works(str(source)).items():
            yield from _inside(Place(path, shown=shown))
    elif not _exists(Path(source)):
        yield chosen(source)
    else:
        for path in _find_one(source):
            yield from _inside(Place(path))


def _inside(whole: Place) -> Iterator[Place]:
    """The pieces in a file; the file itself where it holds one or cannot be listed."""
    if not whole.path.is_file():  # a pipe or a device: it might never end
        yield whole
        return
    if whole.path.suffix.lower() != ZIP:
        yield from _tunes(whole)
        return
    try:
        names = archives.names(whole.path)
    except FileError:
        names = []
    inside = [replace(whole, member=name) for name in names if PurePosixPath(name).suffix.lower() in READABLE]
    if not inside:
        yield whole
    for place in inside:
        yield from _tunes(place)


def _tunes(whole: Place) -> Iterator[Place]:
    kind = READABLE.get(PurePosixPath(whole.member or whole.path.name).suffix.lower())
    titles = [""]
    if kind and kind.titles:
        with suppress(MusicgenError):
            titles = kind.titles(_bytes_of(whole.path, whole.member))
    if len(titles) < 2:
        yield whole
        return
    for number, title in enumerate(titles, 1):
        yield replace(whole, number=number, title=title)


def chosen(name: Source) -> Place:
    """The piece that a name chooses: "tunes.abc#3", "set.zip/inner/a.mid", "set.zip/tunes.abc#3 The Kesh".

    Raises:
        FileError: there is no such file, entry or number.
    """
    base, _, number = str(name).partition("#") if "#" in str(name) else (str(name), "", "")
    path = Path(base)
    archive = next((above for above in (path, *path.parents) if above.suffix.lower() == ZIP and above.is_file()), None)
    if archive is None and not path.is_file():
        raise FileError(f"{name}: expected a file or a folder. Received: a name that does not exist")
    listed = list(_inside(Place(archive or path)))
    member = path.relative_to(archive).as_posix() if archive and archive != path else ""
    wanted = int(found[0]) if (found := re.match(r"\d{1,7}", number)) else 0
    here = [place for place in listed if place.member == member] if member else listed
    fitting = [place for place in here if wanted == (place.number or 1)] if number else here
    if len(fitting) == 1:
        return fitting[0]
    raise FileError(
        f"{name}: expected one of {_some(listed)}. Received: {'several pieces' if len(fitting) > 1 else 'another name'}"
    )


def _some(listed: list[Place]) -> str:
    more = f" and {len(listed) - 3} more" if len(listed) > 3 else ""
    return ", ".join(map(str, listed[:3])) + more


def _is_corpus(source: Source) -> bool:
    return isinstance(source, str) and source.startswith(corpora.PREFIX)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


# Reading and writing.


def read(path: Source) -> Score:
    """The one piece in a file; times in ticks, as many to a quarter note as the file says.

    What was repaired is logged; `read_piece` gives it as a value.

    Raises:
        FileError: the file cannot be opened, is of another kind, damaged beyond repair (says where), or holds
            several pieces (says how to choose one).
    """
    piece = read_piece(path)
    for remark in piece.remarks:
        log.warning("%s: %s", piece.name, remark)
    return piece.score


def read_piece(path: Source) -> Piece:
    """The one piece in a file, with its name and remarks.

    Raises:
        FileError: as `read`.
    """
    if _exists(Path(path)) and Path(path).is_dir():
        raise FileError(f"{path}: expected a file. Received: a folder")
    listed = list(places(path)) if _is_corpus(path) else [Place(Path(path))]
    if not _is_corpus(path) and _exists(Path(path)):
        listed = list(_inside(listed[0]))
    elif "#" in str(path) or ZIP in str(path).lower():
        listed = [chosen(path)]
    if len(listed) > 1:
        received = f"{len(listed)} pieces; choose one, such as {str(listed[0]).split(' ')[0]!r}"
        raise FileError(f"{path}: expected one piece. Received: {received}")
    return listed[0].read()


def write(score: Score, path: Source, *, swing: bool = False) -> tuple[str, ...]:
    """Write `score` to `path` in the format its suffix names; the same score gives the same bytes.

    Missing folders are made. The file appears whole or not at all.

    Args:
        swing: add "Swing" to the words of the score; in notation it stands above the first bar.

    Returns:
        What the format cannot hold and was changed or left out, a sentence each.

    Raises:
        OptionError: the suffix is not one we know.
        InputError: the score holds what the format cannot, such as a velocity of 0.
        FileError: the file cannot be written.
    """
    path = Path(path)
    with at(path):
        kind = WRITABLE.get(path.suffix.lower())
        if kind is None or kind.write is None:
            raise OptionError(f"expected a name ending in {_list(WRITABLE)}. Received: {path.suffix or 'no suffix'}")
        words = (Text(0, "Swing"), *score.texts) if swing else score.texts
        remarks: list[str] = []
        write_whole(path, kind.write(replace(score, texts=words), remarks))
        return tuple(remarks)


def _format(name: str) -> Format:
    suffix = PurePosixPath(name).suffix
    kind = READABLE.get(suffix.lower())
    if kind is None:
        received = "a zip file without any" if suffix.lower() == ZIP else suffix or "no suffix"
        raise FileError(f"expected a file ending in {_suffixes()}. Received: {received}")
    return kind


def _data(path: Path, member: str, keep: bool) -> bytes:
    """The bytes of a file or an entry; kept for the next call where more pieces of it will be read."""
    if not keep:
        return _bytes_of(path, member)
    try:
        stamp = path.stat()
        return _kept_bytes(path, member, stamp.st_mtime_ns, stamp.st_size)
    except (OSError, ValueError):
        return _bytes_of(path, member)


@lru_cache(maxsize=1)
def _kept_bytes(path: Path, member: str, modified: int, size: int) -> bytes:
    return _bytes_of(path, member)


def _bytes_of(path: Path, member: str) -> bytes:
    if member:
        return archives.extract(path, member)
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            raise OSError(ENODEV, "a pipe or a device")
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
    return _list((*READABLE, ZIP))


def _list(suffixes: Iterable[str]) -> str:
    *others, last = suffixes
    return f"{', '.join(others)} or {last}"
