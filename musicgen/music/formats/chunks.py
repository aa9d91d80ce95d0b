"""A MIDI file taken apart: header, time division, chunks; what stands in a chunk is told in `midi`.

- A file of type 2 holds sequences that have nothing to do with each other: each chunk is a piece.
- Time in SMPTE frames is time in seconds: such a file gets quarter notes of half a second (of a whole one
  where half a second is not whole ticks). Its own tempos have no say, so they are left out.
- A file that breaks off is read up to there, and says so in its remarks.
- RIFF (RMID, `.rmi`) around a MIDI file is taken off.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from musicgen.errors import FileError


@dataclass(frozen=True)
class Contents:
    """A MIDI file taken apart.

    Attributes:
        kind: 0, 1 or 2; the chunks of type 2 are pieces of their own.
        resolution: ticks to a quarter note.
        tempo: microseconds to a quarter note where the header says it (SMPTE time), else 0.
        chunks: the events of each track, undecoded.
        remarks: what is missing from the file.
    """

    kind: int
    resolution: int
    tempo: int
    chunks: list[bytes]
    remarks: tuple[str, ...] = ()


def contents(data: bytes) -> Contents:
    """The parts of a MIDI file, as many as are there.

    Raises:
        FileError: `data` is no MIDI file, of an unknown type, without ticks or without a track.
    """
    data = _unwrapped(data)
    if data[:4] != b"MThd":
        received = repr(data[:12]) if data else "an empty file"
        raise FileError(f"expected a MIDI file, which begins with MThd. Received: {received}")
    if len(data) < 14:
        raise FileError(f"expected a header of 14 bytes. Received: a file that breaks off at byte {len(data)}")
    size, kind, count, division = (int.from_bytes(data[a:b], "big") for a, b in ((4, 8), (8, 10), (10, 12), (12, 14)))
    if kind > 2:
        raise FileError(f"expected MIDI of type 0, 1 or 2. Received: type {kind}")
    resolution, tempo = _timing(division)
    remarks: list[str] = []
    chunks = list(_chunks(data, 8 + size, count, remarks))
    if not chunks:
        raise FileError(f"expected at least one track. Received: {'; '.join(remarks) or 'none'}")
    return Contents(kind, resolution, tempo, chunks, tuple(remarks))


def _unwrapped(data: bytes) -> bytes:
    """The MIDI file inside a RIFF file of form RMID, or the data as they are."""
    if data[:4] != b"RIFF" or data[8:12] != b"RMID":
        return data
    start = 12
    while start + 8 <= len(data):
        size = int.from_bytes(data[start + 4 : start + 8], "little")
        if data[start : start + 4] == b"data":
            return data[start + 8 : start + 8 + size]
        start += 8 + size + size % 2
    raise FileError("expected MIDI data in a RIFF file. Received: none")


_FRAMES = {24: (24, 1000), 25: (25, 1000), 29: (30, 1001), 30: (30, 1000)}  # frames in how many milliseconds


def _timing(division: int) -> tuple[int, int]:
    """Ticks to a quarter note and, for SMPTE time, the microseconds of a quarter note, else 0."""
    if not division & 0x8000:
        if division == 0:
            raise FileError("expected 1 to 32767 ticks to a quarter note. Received: 0")
        return division, 0
    frames, ticks = 256 - (division >> 8), division & 255
    if frames not in _FRAMES or not ticks:
        raise FileError(f"expected 24, 25, 29 or 30 frames a second, of 1 to 255 ticks. Received: {frames} of {ticks}")
    count, milliseconds = _FRAMES[frames]
    halves = 1 if count * ticks % 2 else 2  # quarters in that time
    return count * ticks // halves, milliseconds * 1000 // halves


def _chunks(data: bytes, start: int, count: int, remarks: list[str]) -> Iterator[bytes]:
    """The first `count` tracks from byte `start` on, as far as the data go; chunks of other kinds are passed over."""
    found = 0
    while found < count:
        body = start + 8
        end = body + int.from_bytes(data[start + 4 : body], "big")
        is_track = data[start : start + 4] == b"MTrk"
        if max(body, end) > len(data):
            remarks.append(f"expected {count} tracks but the file breaks off at byte {len(data)}, in track {found + 1}")
            if is_track and body < len(data):
                yield data[body:]
            return
        if is_track:
            found += 1
            yield data[body:end]
        start = end
