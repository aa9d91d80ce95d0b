"""MIDI's events: chunks of bytes to a Score, and a Score to a file. How a file is cut into chunks is in `chunks`.

What a Score holds survives MIDI -> Score -> MIDI -> Score. The rules:

- Each chunk of the file becomes one Track for every channel and program in it, in that order; a note
  belongs to the program that held when it began. All of them bear the chunk's last track name.
- A note-off ends the oldest note still sounding on its channel and pitch. So notes of one pitch may
  overlap, but where one lies inside another they come back as two that overlap. A note that begins
  and ends at one tick has duration 0. A note without an end is left out, an end without a note too.
- Controllers and bends before a channel's first note belong to the Track of that note. Lyrics belong
  to their chunk's first Track. A Track that would hold nothing is left out.
- Text, copyright and cue points become `texts`. Words are UTF-8, or Latin-1 where they are not valid
  UTF-8; empty ones are left out. They are written as UTF-8.
- System exclusive, aftertouch and other meta events are passed over, and so are tempos, metres and
  keys that are outside MIDI's range.
- A damaged chunk is read up to the event that is none, where remarks are wanted; the chunks after it are
  read as ever. Without any note before the damage the file is refused.

Not by mido: mido 1.3.3 loses the delta time of meta events that it does not know, refuses a whole file
for one odd key signature, cannot say where a file breaks, and takes three times as long. `fastmidi`
reads the many files that need none of this care.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np

from musicgen.errors import FileError, InputError, at
from musicgen.music.score import BEND, CONTROLLER, KEY, METRE, NOTE, TEMPO, Score, Table, Text, Track, table


class _Meta(NamedTuple):
    """A meta event that stands as one row in a table of the Score."""

    kind: int
    size: int  # bytes needed
    dtype: np.dtype[Any]
    decode: Callable[[bytes], tuple[int, ...]]
    encode: Callable[..., bytes]


_METAS = {
    "tempos": _Meta(0x51, 3, TEMPO, lambda data: (int.from_bytes(data[:3], "big"),), lambda us: us.to_bytes(3, "big")),
    "metres": _Meta(
        0x58, 2, METRE, lambda data: (data[0], 1 << data[1]), lambda n, d: bytes([n, d.bit_length() - 1, 24, 8])
    ),
    "keys": _Meta(
        0x59, 2, KEY, lambda data: ((data[0] ^ 128) - 128, data[1]), lambda sharps, minor: bytes([sharps & 255, minor])
    ),
}
_TABLES = {meta.kind: name for name, meta in _METAS.items()}
_TEXT, _NAME, _LYRIC, _MARKER, _END = 0x01, 0x03, 0x05, 0x06, 0x2F
_WORDS = {_TEXT: "texts", 0x02: "texts", 0x07: "texts", _MARKER: "markers"}  # 2: copyright, 7: cue point

_TICKS, _SEVEN_BITS = range(2**62), range(128)
_ALLOWED: dict[Any, tuple[Sequence[int], ...]] = {  # what MIDI can hold, column by column
    NOTE: (_TICKS, _TICKS, _SEVEN_BITS, range(1, 128)),
    CONTROLLER: (_TICKS, _SEVEN_BITS, _SEVEN_BITS),
    BEND: (_TICKS, range(-8192, 8192)),
    TEMPO: (_TICKS, range(1, 2**24)),
    METRE: (_TICKS, range(1, 256), [1 << n for n in range(8)]),
    KEY: (_TICKS, range(-7, 8), (0, 1)),
}


# In: chunks, their events, and who plays them.


def read(resolution: int, chunks: Sequence[bytes], remarks: list[str] | None = None) -> Score:
    """The Score in chunks of events, `resolution` ticks to a quarter note.

    Args:
        remarks: where to say what was left out of a damaged chunk; None: damage is an error.

    Raises:
        FileError: a chunk is damaged and `remarks` is None, or no note stands before the damage; says the
            track and, counted from its start, the byte.
    """
    tracks: list[Track] = []
    song: dict[str, list[Any]] = {name: [] for name in (*_METAS, "markers", "texts")}
    damage: list[FileError] = []
    for number, chunk in enumerate(chunks, 1):
        band = _Band()
        try:
            with at(f"track {number}"):
                _hear_chunk(chunk, band, song)
        except FileError as error:
            if remarks is None:
                raise
            damage.append(error)
            remarks.append(f"{error}; kept what was before it, {band.notes} notes up to tick {band.tick}")
        tracks += band.tracks()
    if damage and not any(len(track.notes) for track in tracks):
        raise damage[0]
    columns = {name: table(meta.dtype, song[name]) for name, meta in _METAS.items()}
    words = [_in_time(song[name]) for name in ("markers", "texts")]
    return Score(resolution, tuple(tracks), columns["tempos"], columns["metres"], columns["keys"], *words)


def _hear_chunk(chunk: bytes, band: _Band, song: dict[str, list[Any]]) -> None:
    """A chunk's messages go to the band; what belongs to the whole piece goes into `song`."""
    for tick, status, data in _events(chunk):
        band.tick = tick
        kind = status - _META_STATUS
        if kind < 0:
            band.hear(tick, status, data)
        elif kind in _TABLES:
            song[_TABLES[kind]] += _row(_METAS[_TABLES[kind]], tick, data)
        elif kind == _NAME:
            band.name = _decoded(data)
        elif kind == _LYRIC and data:
            band.lyrics.append(Text(tick, _decoded(data)))
        elif kind in _WORDS and data:
            song[_WORDS[kind]].append(Text(tick, _decoded(data)))


def _row(meta: _Meta, tick: int, data: bytes) -> list[tuple[int, ...]]:
    """The event's row, or none where it is too short or says what cannot be."""
    if len(data) < meta.size:
        return []
    row = (tick, *meta.decode(data))
    return [row] if all(value in allowed for value, allowed in zip(row, _ALLOWED[meta.dtype], strict=True)) else []


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _in_time(words: Iterable[Text]) -> tuple[Text, ...]:
    """By tick, those of one tick as they came."""
    return tuple(sorted(words, key=itemgetter(0)))


_META_STATUS = 0xFF00


def _events(chunk: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Each event's tick, its status (`_META_STATUS` + kind for a meta event) and its data."""
    source, tick, running = _Source(chunk), 0, 0
    while source.place < len(chunk):
        tick += source.number()
        status = source.take(1)[0]
        if status == 0xFF:
            kind, data = source.take(1)[0], source.take(source.number())
            if kind == _END:
                return
            yield tick, _META_STATUS + kind, data
        elif status in (0xF0, 0xF7):
            source.take(source.number())
        elif status >= 0x80:
            running = status
            yield tick, running, source.message(running)
        else:  # a message without a status has that of the one before
            source.place -= 1
            yield tick, running, source.message(running)


class _Source:
    """The bytes of a chunk, taken from the front."""

    def __init__(self, data: bytes) -> None:
        self.data, self.place = data, 0

    def take(self, count: int) -> bytes:
        piece = self.data[self.place : self.place + count]
        if len(piece) < count:
            raise FileError(f"byte {self.place}: expected {count} more. Received: the end of the track")
        self.place += count
        return piece

    def number(self) -> int:
        """Seven bits to a byte, the high ones first; the last byte is below 128."""
        value = 0
        for _ in range(4):
            byte = self.take(1)[0]
            value = value << 7 | byte & 127
            if byte < 128:
                return value
        raise FileError(f"byte {self.place}: expected a number of at most four bytes. Received: a longer one")

    def message(self, status: int) -> bytes:
        """The data bytes that follow the status of a message on a channel."""
        data = self.take(1 if 0xC0 <= status < 0xE0 else 2)
        if not 0x80 <= status < 0xF0 or max(data) > 127:
            received = (bytes([status]) + data).hex(" ")
            raise FileError(f"byte {self.place - len(data)}: expected a MIDI message. Received: {received}")
        return data


@dataclass
class _Part:
    """What one Track will hold; a note is `[start, duration, pitch, velocity]`, duration -1 while it sounds."""

    notes: list[list[int]] = field(default_factory=list)
    controllers: list[tuple[int, ...]] = field(default_factory=list)
    bends: list[tuple[int, ...]] = field(default_factory=list)


class _Band:
    """The parts that one chunk's messages play: one for each channel and program."""

    def __init__(self) -> None:
        self.name = ""
        self.tick = 0
        self.lyrics: list[Text] = []
        self.programs = [0] * 16
        self.last_channel = 0
        self.parts: dict[tuple[int, int], _Part] = {}
        self.waiting: dict[int, _Part] = {}  # by channel: controllers before its first note
        self.sounding: defaultdict[tuple[int, int], deque[list[int]]] = defaultdict(deque)

    def hear(self, tick: int, status: int, data: bytes) -> None:
        """One message on a channel."""
        family, channel = status >> 4, status & 15
        if family == 0x9 and data[1]:
            note = [tick, -1, *data]
            self._play(channel).notes.append(note)
            self.sounding[channel, data[0]].append(note)
        elif family in (0x8, 0x9) and self.sounding[channel, data[0]]:
            ended = self.sounding[channel, data[0]].popleft()
            ended[1] = tick - ended[0]
        elif family == 0xB:
            self._part(channel).controllers.append((tick, *data))
        elif family == 0xC:
            self.programs[channel], self.last_channel = data[0], channel
        elif family == 0xE:
            self._part(channel).bends.append((tick, (data[0] | data[1] << 7) - 8192))

    def _part(self, channel: int) -> _Part:
        """What now plays on a channel, or waits for its first note."""
        part = self.parts.get((channel, self.programs[channel]))
        return part or self.waiting.setdefault(channel, _Part())

    def _play(self, channel: int) -> _Part:
        """What now plays on a channel, with all that waited for it."""
        part = self.parts.setdefault((channel, self.programs[channel]), _Part())
        if channel in self.waiting:
            waiting = self.waiting.pop(channel)
            part.controllers += waiting.controllers
            part.bends += waiting.bends
        return part

    @property
    def notes(self) -> int:
        """How many notes have been heard to their end."""
        return sum(note[1] >= 0 for part in self.parts.values() for note in part.notes)

    def tracks(self) -> tuple[Track, ...]:
        """The finished Tracks by channel and program, the first with the lyrics."""
        for channel in list(self.waiting):
            self._play(channel)
        playing = _kept(self._track(*key) for key in sorted(self.parts))
        first, *others = playing or (Track(self.name, self.last_channel, self.programs[self.last_channel]),)
        return _kept([replace(first, lyrics=_in_time(self.lyrics)), *others])

    def _track(self, channel: int, program: int) -> Track:
        part = self.parts[channel, program]
        notes = [tuple(note) for note in part.notes if note[1] >= 0]
        columns = table(NOTE, notes), table(CONTROLLER, part.controllers), table(BEND, part.bends)
        return Track(self.name, channel, program, *columns)


def _kept(tracks: Iterable[Track]) -> tuple[Track, ...]:
    """Those that hold anything."""
    return tuple(t for t in tracks if len(t.notes) or len(t.controllers) or len(t.bends) or t.lyrics)


# Out.

_Event = tuple[int, int, bytes]  # tick, order within the tick, bytes


def write(score: Score) -> bytes:
    """`score` as a MIDI file of type 1; the same Score gives the same bytes.

    First a chunk of tempos, metres, keys, markers and texts, then one for each Track. At one tick stand
    words and settings, note-offs, program, controllers and bends, notes without length, note-ons.

    Raises:
        InputError: the score holds what MIDI cannot; says the track, the column and the value.
    """
    resolution = _checked(score.resolution, range(1, 0x8000), "resolution")
    chunks = [_chunk(_song_events(score))]
    for number, track in enumerate(score.tracks, 1):
        with at(f"track {number}"):
            chunks.append(_chunk(_track_events(track)))
    header = (6, 4), (1, 2), (len(chunks), 2), (resolution, 2)
    return b"MThd" + b"".join(value.to_bytes(size, "big") for value, size in header) + b"".join(chunks)


def _chunk(events: Iterable[_Event]) -> bytes:
    """Events in order, each after the ticks since the one before."""
    body, now = bytearray(), 0
    for tick, _, event in sorted(events, key=itemgetter(0, 1)):
        body += _number(tick - now) + event
        now = tick
    body += b"\x00" + _meta(_END, b"")
    return b"MTrk" + len(body).to_bytes(4, "big") + body


def _number(value: int) -> bytes:
    """The inverse of `_Source.number`."""
    _checked(value, range(2**28), "ticks between events, or a length,")
    places = [value & 127]
    while value := value >> 7:
        places.append(value & 127 | 128)
    return bytes(places[::-1])


def _song_events(score: Score) -> Iterator[_Event]:
    for name, meta in _METAS.items():
        for tick, *values in _rows(getattr(score, name)):
            yield tick, 0, _meta(meta.kind, meta.encode(*values))
    yield from _words(_MARKER, score.markers)
    yield from _words(_TEXT, score.texts)


def _track_events(track: Track) -> Iterator[_Event]:
    channel = _checked(track.channel, range(16), "channel")
    if track.name:
        yield from _words(_NAME, [Text(0, track.name)])
    yield from _words(_LYRIC, track.lyrics)
    yield 0, 2, bytes([0xC0 | channel, _checked(track.program, _SEVEN_BITS, "program")])
    for tick, number, value in _rows(track.controllers):
        yield tick, 2, bytes([0xB0 | channel, number, value])
    for tick, bend in _rows(track.bends):
        yield tick, 2, bytes([0xE0 | channel, bend + 8192 & 127, bend + 8192 >> 7])
    for start, duration, pitch, velocity in _rows(track.notes):
        on, off = (4, 1) if duration else (3, 3)
        yield start, on, bytes([0x90 | channel, pitch, velocity])
        yield start + duration, off, bytes([0x80 | channel, pitch, 0])


def _words(kind: int, words: Iterable[Text]) -> Iterator[_Event]:
    for tick, text in words:
        yield _checked(tick, _TICKS, "tick"), 0, _meta(kind, text.encode("utf-8", "replace"))


def _meta(kind: int, data: bytes) -> bytes:
    return bytes([0xFF, kind]) + _number(len(data)) + data


def _rows(rows: Table) -> list[Any]:
    """Rows as tuples of Python numbers, each within what MIDI can hold."""
    for name, allowed in zip(rows.dtype.names or (), _ALLOWED[rows.dtype], strict=True):
        for value in np.unique(rows[name]).tolist():
            _checked(value, allowed, name)
    return rows.tolist()


def _checked(value: int, allowed: Sequence[int], name: str) -> int:
    if value not in allowed:
        wanted = f"from {allowed[0]} to {allowed[-1]}" if isinstance(allowed, range) else f"one of {list(allowed)}"
        raise InputError(f"expected {name} {wanted}. Received: {value}")
    return value
