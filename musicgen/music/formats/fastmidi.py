"""MIDI read at the speed of C, where that loses nothing.

symusic 0.6.0 parses many times faster than the walk in `midi`, but it forgets channels and texts, moves
lyrics to channel 16, drops controllers that no note follows, mangles words that are not UTF-8, misreads
continued exclusives, does not keep the order of events that share a tick, and wraps times at 2**31.
So a grammar of bytes says first what a chunk consists of. Where symusic loses nothing it may read;
anything else is left to `midi`. One test holds both ways to the same Score.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from operator import itemgetter
from typing import Any

import numpy as np

from musicgen.music.score import BEND, CONTROLLER, KEY, METRE, NOTE, TEMPO, Score, Table, Text, Track, table


def read(resolution: int, chunks: Sequence[bytes]) -> Score | None:
    """The Score in chunks of events, `resolution` ticks to a quarter note; None if symusic would lose something.

    Each chunk is read on its own, as one channel has it all and so nothing but that channel is forgotten.
    """
    import symusic

    tracks, songs = [], []
    for chunk in chunks:
        voices = _voices(chunk)
        if voices is None or not _is_plain(voices) or _may_wrap(chunk):
            return None
        song = symusic.Score.from_midi(_file(resolution, chunk))
        if len(song.tracks) != any(status < 0xB0 for status in voices) or _has_ties(song):
            return None
        tracks += [_track(track, voices[0] & 15) for track in song.tracks]
        songs.append(song)
    return Score(
        resolution,
        tuple(t for t in tracks if len(t.notes) or len(t.controllers) or len(t.bends)),
        _joined(TEMPO, [song.tempos for song in songs]),
        _joined(METRE, [song.time_signatures for song in songs]),
        _joined(KEY, [song.key_signatures for song in songs]),
        tuple(sorted((Text(word.time, word.text) for song in songs for word in song.markers), key=itemgetter(0))),
    )


@cache
def _grammar() -> re.Pattern[bytes]:
    """A run of events that symusic reads truly: notes or controllers of one channel, or meta events.

    Delta times stay below 2**21 ticks, words are ASCII, lengths below 64; there are no texts, lyrics or
    exclusives, and the end is at the end. The group is the first byte of the run's first event.
    """
    delta, two = rb"[\x80-\xff]{0,2}[\x00-\x7f]", rb"[\x00-\x7f]{2}"
    metas = [
        rb"[\x03\x06]" + _sized(rb"[\x00-\x7f]"),
        rb"\x51\x03(?!\x00\x00\x00)...",
        rb"\x58\x04[\x01-\xff][\x00-\x07]..",
        rb"\x59\x02[\x00-\x07\xf9-\xff][\x00\x01]",
        rb"\x2f\x00\Z",
        rb"[\x00\x04\x08-\x2e\x30-\x50\x52-\x57\x5a-\x7f]" + _sized(rb"."),
    ]
    meta = rb"\xff(?:" + b"|".join(metas) + rb")"
    runs = [rb"[\xc0-\xdf][\x00-\x7f]", rb"%b(?:%b%b)*+" % (meta, delta, meta)]
    for c in range(16):
        for status in (rb"[\x8%x\x9%x\xa%x]" % (c, c, c), rb"[\xb%x\xe%x]" % (c, c)):
            runs.append(rb"%b%b(?:%b%b?%b)*+" % (status, two, delta, status, two))
    return re.compile(rb"(?s)%b(?=(.))(?:%b)" % (delta, b"|".join(runs)))


def _sized(kind: bytes) -> bytes:
    """A length, and as many bytes of a kind."""
    return b"(?:" + b"|".join(rb"\x%02x%b{%d}" % (size, kind, size) for size in range(64)) + b")"


def _voices(chunk: bytes) -> list[int] | None:
    """The first status of every run on a channel, or None if the grammar does not cover the chunk."""
    statuses, start, match = [], 0, _grammar().match
    while start < len(chunk):
        run = match(chunk, start)
        if run is None:
            return None
        statuses.append(run[1][0])
        start = run.end()
    return [status for status in statuses if status < 0xF0]


def _is_plain(voices: list[int]) -> bool:
    """Whether one channel has all, no program follows the first note, and no controllers stand alone."""
    families = [status >> 4 for status in voices]
    first = next((n for n, family in enumerate(families) if family <= 0xA), None)
    if first is None:
        return 0xB not in families and 0xE not in families
    return len({status & 15 for status in voices}) == 1 and 0xC not in families[first:]


_HIGH = bytes(byte >> 7 for byte in range(256))


def _may_wrap(chunk: bytes) -> bool:
    """Whether times could reach 2**31 ticks: a delta of 2**14 or more shows as two high bytes in a row."""
    return (chunk.translate(_HIGH).count(b"\x01\x01") << 21) + (len(chunk) << 13) >= 2**31


def _file(resolution: int, chunk: bytes) -> bytes:
    """A whole MIDI file of one chunk."""
    header = b"MThd\x00\x00\x00\x06\x00\x00\x00\x01" + resolution.to_bytes(2, "big")
    return header + b"MTrk" + len(chunk).to_bytes(4, "big") + chunk


def _has_ties(song: Any) -> bool:
    """Whether two events of one list share a tick: symusic's sort is not stable."""
    lists = song.tempos, song.time_signatures, song.key_signatures, song.markers
    return any(len({event.time for event in events}) < len(events) for events in lists if len(events) > 1)


def _track(track: Any, channel: int) -> Track:
    notes, controllers, bends = (
        _joined(dtype, [events])
        for dtype, events in ((NOTE, track.notes), (CONTROLLER, track.controls), (BEND, track.pitch_bends))
    )
    return Track(track.name, channel, track.program, notes, controllers, bends)


def _joined(dtype: np.dtype[Any], lists: Sequence[Any]) -> Table:
    """Lists of symusic's events as one table; its columns stand in our order."""
    columns = [tuple(events.numpy().values()) for events in lists if len(events)]
    rows = np.empty(sum(len(first) for first, *_ in columns), dtype)
    for name, parts in zip(dtype.names or (), zip(*columns, strict=True), strict=False):
        rows[name] = np.concatenate(parts)
    return table(dtype, rows)
