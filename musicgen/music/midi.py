"""MIDI files: bytes to a Score and back.

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

There are two ways in. symusic parses at the speed of C, but it forgets channels and texts, moves lyrics
to channel 16, drops controllers that no note follows, misreads damaged files, does not always keep the
order of two markers at one tick, and wraps times at 2**31 ticks. So a grammar of bytes, `_grammar`,
first says what a chunk consists of. Where symusic loses nothing it may read (`_read_fast`); anything
else is walked byte by byte (`_read_exact`), ten times slower but with the place of every fault. One
test holds both to the same Score. (mido writes, but does not read: it loses the delta time of unknown
meta events, refuses a file for one odd key signature, and takes sixteen times as long as the walk.)
"""

from __future__ import annotations

import io
import re
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from musicgen.errors import FileError, InputError, at
from musicgen.music.score import BEND, CONTROLLER, KEY, METRE, NOTE, TEMPO, Score, Table, Text, Track, table


class _Meta(NamedTuple):
    """A meta event that stands as one row of a Score's table."""

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
_WORDS = {0x01: "texts", 0x02: "texts", 0x07: "texts", 0x06: "markers"}  # text, copyright, cue point, marker
_TEXT, _NAME, _LYRIC, _MARKER, _END = 0x01, 0x03, 0x05, 0x06, 0x2F

_TICKS, _SEVEN_BITS = range(2**62), range(128)
_ALLOWED: dict[Any, tuple[Sequence[int], ...]] = {  # what MIDI can hold, column by column
    NOTE: (_TICKS, _TICKS, _SEVEN_BITS, range(1, 128)),
    CONTROLLER: (_TICKS, _SEVEN_BITS, _SEVEN_BITS),
    BEND: (_TICKS, range(-8192, 8192)),
    TEMPO: (_TICKS, range(1, 2**24)),
    METRE: (_TICKS, range(1, 256), [1 << n for n in range(8)]),
    KEY: (_TICKS, range(-7, 8), (0, 1)),
}


def read(data: bytes) -> Score:
    """The Score in the bytes of a MIDI file of type 0 or 1, times in ticks.

    Raises:
        FileError: the bytes are no MIDI file, one of type 2 or in SMPTE time, or are cut off or damaged.
    """
    resolution, chunks = _open(data)
    score = _read_fast(resolution, chunks)
    return _read_exact(resolution, chunks) if score is None else score


def _open(data: bytes) -> tuple[int, list[bytes]]:
    """Ticks to a quarter note, and the events of each track."""
    if data[:4] != b"MThd":
        received = repr(data[:12]) if data else "an empty file"
        raise FileError(f"expected a MIDI file, which begins with MThd. Received: {received}")
    if len(data) < 14:
        raise FileError(f"expected a header of 14 bytes. Received: a file that breaks off at byte {len(data)}")
    size, kind, count, resolution = (int.from_bytes(data[a:b], "big") for a, b in ((4, 8), (8, 10), (10, 12), (12, 14)))
    if kind > 1:
        raise FileError(f"expected MIDI of type 0 or 1. Received: type {kind}")
    if not 0 < resolution < 0x8000:
        received = "SMPTE time (frames of a second)" if resolution else "0"
        raise FileError(f"expected 1 to 32767 ticks to a quarter note. Received: {received}")
    if count == 0:
        raise FileError("expected at least one track. Received: none")
    return resolution, list(_chunks(data, 8 + size, count))


def _chunks(data: bytes, start: int, count: int) -> Iterator[bytes]:
    """The first `count` tracks from byte `start` on; chunks of other kinds are passed over."""
    found = 0
    while found < count:
        body = start + 8
        end = body + int.from_bytes(data[start + 4 : body], "big")
        if max(body, end) > len(data):
            place = f"breaks off at byte {len(data)}, in track {found + 1}"
            raise FileError(f"expected {count} tracks. Received: a file that {place}")
        if data[start : start + 4] == b"MTrk":
            found += 1
            yield data[body:end]
        start = end


# The fast way: symusic, where a grammar says that it loses nothing.


@cache
def _grammar() -> re.Pattern[bytes]:
    """One event that symusic reads truly, or a run of notes or controllers on one channel.

    Delta times stay below 2**21 ticks, words are ASCII, no word is longer than 127 bytes; there are
    no texts, lyrics or system exclusives. The group is the event's first byte.
    """
    delta, two = rb"[\x80-\xff]{0,2}[\x00-\x7f]", rb"[\x00-\x7f]{2}"
    runs = [
        rb"%b%b(?:%b%b?%b)*+" % (status, two, delta, status, two)
        for channel in range(16)
        for status in (rb"[\x8%x\x9%x\xa%x]" % (channel, channel, channel), rb"[\xb%x\xe%x]" % (channel, channel))
    ]
    others = [
        rb"[\xc0-\xdf][\x00-\x7f]",
        rb"\xff[\x03\x06]" + _sized(rb"[\x00-\x7f]"),
        rb"\xff\x51\x03(?!\x00\x00\x00)...",
        rb"\xff\x58\x04[\x01-\xff][\x00-\x07]..",
        rb"\xff\x59\x02[\x00-\x07\xf9-\xff][\x00\x01]",
        rb"\xff[\x00\x04\x08-\x2e\x30-\x50\x52-\x57\x5a-\x7f]" + _sized(rb"."),
        rb"\xff\x2f\x00\Z",
    ]
    return re.compile(rb"(?s)%b(?=(.))(?:%b)" % (delta, b"|".join(runs + others)))


def _sized(kind: bytes) -> bytes:
    """A length below 128, and as many bytes of a kind."""
    return b"(?:" + b"|".join(rb"\x%02x%b{%d}" % (size, kind, size) for size in range(128)) + b")"


def _voices(chunk: bytes) -> list[int] | None:
    """The first status of every run on a channel, or None if the grammar does not cover the chunk."""
    statuses, start, match = [], 0, _grammar().match
    while start < len(chunk):
        event = match(chunk, start)
        if event is None:
            return None
        statuses.append(event[1][0])
        start = event.end()
    return [status for status in statuses if status < 0xF0]


def _is_plain(voices: list[int]) -> bool:
    """Whether one channel has all, no program follows the first note, and no controllers stand alone."""
    families = [status >> 4 for status in voices]
    first = next((n for n, family in enumerate(families) if family <= 0xA), None)
    if first is None:
        return 0xB not in families and 0xE not in families
    return len({status & 15 for status in voices}) == 1 and 0xC not in families[first:]


def _may_wrap(chunk: bytes) -> bool:
    """Whether times could reach 2**31 ticks: deltas of 2**14 or more show as two high bytes in a row."""
    return (len(re.findall(rb"[\x80-\xff]{2}", chunk)) << 21) + (len(chunk) << 13) >= 2**31


def _read_fast(resolution: int, chunks: Sequence[bytes]) -> Score | None:
    """The Score by way of symusic, each chunk on its own; None if that would lose something."""
    import symusic

    tracks, songs = [], []
    for chunk in chunks:
        voices = _voices(chunk)
        if voices is None or not _is_plain(voices) or _may_wrap(chunk):
            return None
        song = symusic.Score.from_midi(_file(resolution, chunk))
        if len(song.tracks) != any(status < 0xB0 for status in voices) or _has_ties(song):
            return None
        tracks += [_from_symusic(track, voices[0] & 15) for track in song.tracks]
        songs.append(song)
    return Score(
        resolution,
        _kept(tracks),
        _joined(TEMPO, [song.tempos for song in songs]),
        _joined(METRE, [song.time_signatures for song in songs]),
        _joined(KEY, [song.key_signatures for song in songs]),
        _in_time(Text(word.time, word.text) for song in songs for word in song.markers),
    )


def _file(resolution: int, chunk: bytes) -> bytes:
    """A whole MIDI file of one chunk."""
    header = b"MThd\x00\x00\x00\x06\x00\x00\x00\x01" + resolution.to_bytes(2, "big")
    return header + b"MTrk" + len(chunk).to_bytes(4, "big") + chunk


def _has_ties(song: Any) -> bool:
    """Whether two events of one list share a tick: symusic's sort is not stable."""
    lists = [events.numpy()["time"] for events in (song.tempos, song.time_signatures, song.key_signatures)]
    lists.append(np.array([word.time for word in song.markers]))
    return any((ticks[1:] == ticks[:-1]).any() for ticks in lists)


def _from_symusic(track: Any, channel: int) -> Track:
    events = (NOTE, track.notes), (CONTROLLER, track.controls), (BEND, track.pitch_bends)
    return Track(track.name, channel, track.program, *(_joined(dtype, [rows]) for dtype, rows in events))


def _joined(dtype: np.dtype[Any], lists: Sequence[Any]) -> Table:
    """Lists of symusic events as one table; its columns stand in our order."""
    rows = np.empty(sum(map(len, lists)), dtype)
    columns = [events.numpy().values() for events in lists]
    for name, parts in zip(dtype.names or (), zip(*columns, strict=True), strict=True):
        np.concatenate(parts, out=rows[name], casting="unsafe")
    return table(dtype, rows)


def _in_time(words: Iterable[Text]) -> tuple[Text, ...]:
    """Words by tick, those of one tick as they came."""
    return tuple(sorted(words, key=lambda word: word.tick))


def _kept(tracks: Iterable[Track]) -> tuple[Track, ...]:
    """The tracks that hold anything."""
    return tuple(t for t in tracks if len(t.notes) or len(t.controllers) or len(t.bends) or t.lyrics)


# The exact way: byte by byte.


class _Bytes:
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
        """Seven bits to a byte, high bits first; the last byte is below 128."""
        value = 0
        for _ in range(4):
            byte = self.take(1)[0]
            value = value << 7 | byte & 127
            if byte < 128:
                return value
        raise FileError(f"byte {self.place}: expected a number of at most four bytes. Received: a longer one")

    def message(self, status: int) -> bytes:
        """The data bytes that follow a status."""
        data = self.take(1 if 0xC0 <= status < 0xE0 else 2)
        if not 0x80 <= status < 0xF0 or max(data) > 127:
            received = bytes([status]) + data
            raise FileError(f"byte {self.place}: expected a MIDI message. Received: {received.hex(' ')}")
        return data


def _events(chunk: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Each event's tick, its status (0xFF00 + kind for a meta event) and its data."""
    source, tick, running = _Bytes(chunk), 0, 0
    while source.place < len(chunk):
        tick += source.number()
        status = source.take(1)[0]
        if status == 0xFF:
            kind, data = source.take(1)[0], source.take(source.number())
            if kind == _END:
                return
            yield tick, 0xFF00 | kind, data
        elif status in (0xF0, 0xF7):
            source.take(source.number())
        else:
            if status < 0x80:  # the status of the message before holds on
                source.place -= 1
            else:
                running = status
            yield tick, running, source.message(running)


@dataclass
class _Part:
    """What one Track will hold; a note is `[start, duration, pitch, velocity]`, -1 while it sounds."""

    notes: list[list[int]] = field(default_factory=list)
    controllers: list[tuple[int, ...]] = field(default_factory=list)
    bends: list[tuple[int, ...]] = field(default_factory=list)


class _Splitter:
    """Splits the events of one chunk by channel and program."""

    def __init__(self) -> None:
        self.name = ""
        self.lyrics: list[Text] = []
        self.programs = [0] * 16
        self.last_channel = 0
        self.parts: dict[tuple[int, int], _Part] = {}
        self.waiting: dict[int, _Part] = {}  # by channel: controllers before its first note
        self.sounding: defaultdict[tuple[int, int], deque[list[int]]] = defaultdict(deque)

    def take(self, tick: int, status: int, data: bytes) -> None:
        """One message on a channel."""
        family, channel = status >> 4, status & 15
        if family == 0x9 and data[1]:
            note = [tick, -1, *data]
            self._playing(channel).notes.append(note)
            self.sounding[channel, data[0]].append(note)
        elif family in (0x8, 0x9) and self.sounding[channel, data[0]]:
            ended = self.sounding[channel, data[0]].popleft()
            ended[1] = tick - ended[0]
        elif family == 0xB:
            self._current(channel).controllers.append((tick, *data))
        elif family == 0xC:
            self.programs[channel], self.last_channel = data[0], channel
        elif family == 0xE:
            self._current(channel).bends.append((tick, (data[0] | data[1] << 7) - 8192))

    def _current(self, channel: int) -> _Part:
        """The part that now plays on a channel, or what waits for one."""
        part = self.parts.get((channel, self.programs[channel]))
        return part if part is not None else self.waiting.setdefault(channel, _Part())

    def _playing(self, channel: int) -> _Part:
        """The part that now plays on a channel, with all that waited for it."""
        part = self.parts.setdefault((channel, self.programs[channel]), _Part())
        waiting = self.waiting.pop(channel, _Part())
        part.controllers += waiting.controllers
        part.bends += waiting.bends
        return part

    def tracks(self) -> tuple[Track, ...]:
        """The finished Tracks by channel and program, the first with the lyrics."""
        for channel in list(self.waiting):
            self._playing(channel)
        first, *others = _kept(self._track(*key) for key in sorted(self.parts)) or (self._empty(),)
        return _kept([replace(first, lyrics=_in_time(self.lyrics)), *others])

    def _track(self, channel: int, program: int) -> Track:
        part = self.parts[channel, program]
        notes = [tuple(note) for note in part.notes if note[1] >= 0]
        tables = table(NOTE, notes), table(CONTROLLER, part.controllers), table(BEND, part.bends)
        return Track(self.name, channel, program, *tables)

    def _empty(self) -> Track:
        """A Track for lyrics without notes; only a program says the channel."""
        return Track(self.name, self.last_channel, self.programs[self.last_channel])


def _read_exact(resolution: int, chunks: Sequence[bytes]) -> Score:
    """The Score by a walk over every byte."""
    tracks: list[Track] = []
    song: dict[str, list[Any]] = {name: [] for name in (*_METAS, "markers", "texts")}
    for number, chunk in enumerate(chunks, 1):
        with at(f"track {number}"):
            splitter = _Splitter()
            for tick, status, data in _events(chunk):
                if status < 0xFF00:
                    splitter.take(tick, status, data)
                else:
                    _take_meta(tick, status & 0xFF, data, splitter, song)
            tracks += splitter.tracks()
    tables = {name: table(meta.dtype, song[name]) for name, meta in _METAS.items()}
    return Score(resolution, tuple(tracks), markers=_in_time(song["markers"]), texts=_in_time(song["texts"]), **tables)


def _take_meta(tick: int, kind: int, data: bytes, splitter: _Splitter, song: dict[str, list[Any]]) -> None:
    if kind in _TABLES:
        meta = _METAS[_TABLES[kind]]
        row = (tick, *meta.decode(data)) if len(data) >= meta.size else ()
        if row and all(value in allowed for value, allowed in zip(row, _ALLOWED[meta.dtype], strict=True)):
            song[_TABLES[kind]].append(row)
    elif kind == _NAME:
        splitter.name = _decoded(data)
    elif kind == _LYRIC and data:
        splitter.lyrics.append(Text(tick, _decoded(data)))
    elif kind in _WORDS and data:
        song[_WORDS[kind]].append(Text(tick, _decoded(data)))


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


# The way out.

_Event = tuple[int, int, Any]  # tick, order within the tick, mido message


def write(score: Score) -> bytes:
    """`score` as a MIDI file of type 1; the same Score gives the same bytes.

    First a track of tempos, metres, keys, markers and texts, then one for each Track. Within a tick stand
    words and settings, note-offs, program, controllers and bends, notes without length, note-ons.

    Raises:
        InputError: the score holds what MIDI cannot; says which column and where.
    """
    import mido

    if not 0 < score.resolution < 0x8000:
        raise InputError(f"expected 1 to 32767 ticks to a quarter note. Received: {score.resolution}")
    file = mido.MidiFile(type=1, ticks_per_beat=score.resolution)
    file.tracks.append(_chunk(_song_events(score)))
    for number, track in enumerate(score.tracks, 1):
        with at(f"track {number}"):
            file.tracks.append(_chunk(_track_events(track)))
    out = io.BytesIO()
    file.save(file=out)
    return out.getvalue()


def _chunk(events: Iterable[_Event]) -> Any:
    """Events in order, each with the ticks since the one before."""
    import mido

    track, now = mido.MidiTrack(), 0
    for tick, _, message in sorted(events, key=lambda event: event[:2]):
        message.time, now = tick - now, tick
        if not 0 <= message.time < 2**28:
            raise InputError(f"tick {tick}: expected gaps below 2**28 ticks. Received: {message.time}")
        track.append(message)
    return track


def _song_events(score: Score) -> Iterator[_Event]:
    for name, meta in _METAS.items():
        for tick, *values in _rows(getattr(score, name)):
            yield tick, 0, _meta(meta.kind, meta.encode(*values))
    yield from _words(_MARKER, score.markers)
    yield from _words(_TEXT, score.texts)


def _track_events(track: Track) -> Iterator[_Event]:
    from mido import Message

    channel = _checked(track.channel, range(16), "channel")
    program = _checked(track.program, _SEVEN_BITS, "program")
    if track.name:
        yield from _words(_NAME, [Text(0, track.name)])
    yield 0, 2, Message("program_change", channel=channel, program=program)
    for tick, number, value in _rows(track.controllers):
        yield tick, 2, Message("control_change", channel=channel, control=number, value=value)
    for tick, value in _rows(track.bends):
        yield tick, 2, Message("pitchwheel", channel=channel, pitch=value)
    yield from _words(_LYRIC, track.lyrics)
    for start, duration, pitch, velocity in _rows(track.notes):
        on, off = (4, 1) if duration else (3, 3)
        yield start, on, Message("note_on", channel=channel, note=pitch, velocity=velocity)
        yield start + duration, off, Message("note_off", channel=channel, note=pitch, velocity=0)


def _words(kind: int, words: Iterable[Text]) -> Iterator[_Event]:
    for tick, text in words:
        yield _checked(tick, _TICKS, "tick"), 0, _meta(kind, text.encode("utf-8", "replace"))


def _meta(kind: int, data: bytes) -> Any:
    """A meta event by its bytes: mido's own text messages encode by a global setting, unsafe in threads."""
    from mido import UnknownMetaMessage

    return UnknownMetaMessage(kind, data)


def _rows(rows: Table) -> list[Any]:
    """Rows as tuples of Python numbers, each within what MIDI can hold."""
    for name, allowed in zip(rows.dtype.names or (), _ALLOWED[rows.dtype], strict=True):
        for value in np.unique(rows[name]).tolist():
            _checked(value, allowed, name)
    return rows.tolist()


def _checked(value: int, allowed: Sequence[int], name: str) -> int:
    if value not in allowed:
        raise InputError(f"expected {name} {_described(allowed)}. Received: {value}")
    return value


def _described(allowed: Sequence[int]) -> str:
    if allowed is _TICKS:
        return "not below 0"
    return f"from {allowed[0]} to {allowed[-1]}" if isinstance(allowed, range) else f"one of {list(allowed)}"
