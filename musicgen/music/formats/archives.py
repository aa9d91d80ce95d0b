"""Zip files: a folder of music in one file (`.zip`), or one compressed MusicXML (`.mxl`).

Zip bombs are met with limits: of entries, of bytes that one entry unpacks to, and of how many times larger it gets.
The sizes that the archive tells are checked first, and those that come out are checked as they come.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from musicgen.errors import FileError

MOST_ENTRIES = 100_000
MOST_BYTES = 64 * 2**20  # of one entry, unpacked
MOST_RATIO = 200  # how many times larger an entry may get, beyond the first MiB
_FREE = 2**20


def names(archive: Path | bytes) -> list[str]:
    """The entries of a zip file that are files and not hidden, sorted.

    Raises:
        FileError: it is no zip file, is damaged, or has too many entries.
    """
    with _opened(archive) as opened:
        shown = [entry.filename for entry in opened.infolist() if not entry.is_dir()]
    return sorted(name for name in dict.fromkeys(shown) if not re.search(r"(^|/)(\.|__MACOSX/)", name))


def extract(archive: Path | bytes, name: str) -> bytes:
    """The bytes of an entry.

    Raises:
        FileError: there is none, it is damaged, encrypted or unpacks to too much.
    """
    with _opened(archive) as opened:
        try:
            entry = opened.getinfo(name)
        except KeyError as error:
            raise FileError(f"expected an entry of the archive. Received: {name}") from error
        _check_size(entry.file_size, entry.compress_size)
        with opened.open(entry) as source:
            data = source.read(MOST_BYTES + 1)
        _check_size(len(data), entry.compress_size)
        return data


def musicxml_inside(data: bytes) -> bytes:
    """The MusicXML in a compressed file: the one its container names first, else the first .xml or .musicxml.

    Raises:
        FileError: it is no such file.
    """
    found = names(data)
    named: list[str] = []
    if "META-INF/container.xml" in found:
        text = extract(data, "META-INF/container.xml").decode("utf-8", "replace")
        named = re.findall(r"<rootfile\b[^>]*\bfull-path\s*=\s*[\"']([^\"']+)[\"']", text)
    usual = [name for name in found if name.lower().endswith((".xml", ".musicxml")) and not name.startswith("META-INF")]
    inside = [name for name in named if name in found] or usual
    if not inside:
        raise FileError("expected a compressed MusicXML file. Received: a zip file without MusicXML")
    return extract(data, inside[0])


def compressed_musicxml(data: bytes) -> bytes:
    """MusicXML as a compressed file; the same data give the same bytes."""
    container = (
        b'<?xml version="1.0" encoding="UTF-8"?>\n<container><rootfiles><rootfile full-path="score.musicxml"'
        b' media-type="application/vnd.recordare.musicxml+xml"/></rootfiles></container>\n'
    )
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (("META-INF/container.xml", container), ("score.musicxml", data)):
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED, 9)
    return target.getvalue()


def _check_size(size: int, packed: int) -> None:
    if size > MOST_BYTES:
        raise FileError(
            f"expected an entry of at most {MOST_BYTES // 2**20} MiB. Received: {size // 2**20} MiB or more"
        )
    if size > _FREE and size > MOST_RATIO * max(packed, 1):
        raise FileError(f"expected an entry that unpacks to at most {MOST_RATIO} times its size. Received: a zip bomb")


@lru_cache(maxsize=1)
def _kept(archive: Path, modified: int, size: int) -> zipfile.ZipFile:
    """A zip file with its table of contents, which takes long to read where thousands of entries are read in turn."""
    return zipfile.ZipFile(archive)


@contextmanager
def _opened(archive: Path | bytes) -> Iterator[zipfile.ZipFile]:
    """The archive, with whatever zipfile raises as an error of ours."""
    try:
        if isinstance(archive, bytes):
            opened = zipfile.ZipFile(io.BytesIO(archive))
        else:
            stamp = archive.stat()
            opened = _kept(archive, stamp.st_mtime_ns, stamp.st_size)
        if len(opened.infolist()) > MOST_ENTRIES:
            raise FileError(f"expected at most {MOST_ENTRIES} entries. Received: {len(opened.infolist())}")
        yield opened
    except FileError:
        raise
    except FileNotFoundError as error:
        raise FileError("expected a file that can be read. Received: No such file or directory") from error
    except RuntimeError as error:  # encrypted, or a method that this Python lacks
        raise FileError(f"expected a zip file without a password. Received: {error}") from error
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
        raise FileError(f"expected a zip file that can be unpacked. Received: {error}") from error
