"""The formats of music files, by suffix: how many pieces the bytes hold, how one is read, how one is written.

This is the one table; paths, folders and archives are the matter of `files`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from musicgen.errors import FileError
from musicgen.music.formats import abctunes, archives, chunks, engraving, fastmidi, humdrum, midi, musicxml
from musicgen.music.score import TEMPO, Score, table

Remarks = list[str]  # what was repaired, changed or left out, a sentence each


class Format(NamedTuple):
    """The bytes of one kind of file.

    Attributes:
        read: the piece of that number, from 0; adds to the remarks.
        write: adds what the format cannot hold to the remarks; None: it is only read.
        titles: one for each piece, without reading them; None: there is always one.
    """

    read: Callable[[bytes, int, Remarks], Score]
    write: Callable[[Score, Remarks], bytes] | None = None
    titles: Callable[[bytes], list[str]] | None = None


def _read_midi(data: bytes, number: int, remarks: Remarks) -> Score:
    """The quick way where it loses nothing, else byte by byte."""
    found = chunks.contents(data)
    remarks += found.remarks
    events = [found.chunks[number]] if found.kind == 2 else found.chunks
    score = fastmidi.read(found.resolution, events)
    score = midi.read(found.resolution, events, remarks) if score is None else score
    if found.remarks and not any(len(track.notes) for track in score.tracks):
        raise FileError(f"expected notes. Received: none, and {found.remarks[0]}")
    return replace(score, tempos=table(TEMPO, [(0, found.tempo)])) if found.tempo else score


def _midi_titles(data: bytes) -> list[str]:
    """One for each sequence of a file of type 2, else one."""
    is_several = data[8:10] == b"\x00\x02" or data[:4] == b"RIFF"
    found = chunks.contents(data) if is_several else None
    return [""] * (len(found.chunks) if found and found.kind == 2 else 1)


def _read_mxl(data: bytes, number: int, remarks: Remarks) -> Score:
    return musicxml.read(archives.musicxml_inside(data), number, remarks)


def _write_midi(score: Score, remarks: Remarks) -> bytes:
    """MIDI holds all that a Score can."""
    return midi.write(score)


def _write_mxl(score: Score, remarks: Remarks) -> bytes:
    return archives.compressed_musicxml(engraving.write(score, remarks))


_MIDI = Format(_read_midi, _write_midi, _midi_titles)
_MUSICXML = Format(musicxml.read, engraving.write)

READABLE: dict[str, Format] = {
    ".mid": _MIDI,
    ".midi": _MIDI,
    ".kar": Format(_read_midi, None, _midi_titles),
    ".rmi": Format(_read_midi, None, _midi_titles),
    ".musicxml": _MUSICXML,
    ".mxl": Format(_read_mxl, _write_mxl),
    ".xml": Format(musicxml.read),
    ".abc": Format(abctunes.read, None, abctunes.titles),
    ".krn": Format(humdrum.read),
}
WRITABLE: dict[str, Format] = {suffix: kind for suffix, kind in READABLE.items() if kind.write}
