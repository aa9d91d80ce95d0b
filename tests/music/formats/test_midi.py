"""MIDI there and back, and the two ways in held to one Score."""

from __future__ import annotations

import importlib.util
import io
from contextlib import suppress
from operator import itemgetter
from pathlib import Path

import mido
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from musicgen.errors import FileError
from musicgen.music import files
from musicgen.music.formats import chunks as midi_chunks
from musicgen.music.formats import fastmidi, midi
from musicgen.music.score import BEND, CONTROLLER, KEY, METRE, NOTE, TEMPO, Score, Text, Track, table

ROOT = Path(__file__).parents[3]

tick_of = itemgetter(0)
ticks = some.integers(0, 2000) | some.integers(0, 2**28 - 1)
bytes7 = some.integers(0, 127)
words = some.text(some.characters(exclude_categories=["Cs"]), min_size=1) | some.sampled_from(["G7", "夜", "é" * 80])
texts = some.lists(some.builds(Text, ticks, words), max_size=4).map(lambda found: tuple(sorted(found, key=tick_of)))


def tables(dtype, *columns):
    return some.lists(some.tuples(ticks, *columns), max_size=30).map(lambda rows: table(dtype, rows))


@some.composite
def melodies(draw) -> np.ndarray:
    """Notes of a few pitches, none inside another of its pitch: sorted starts, sorted ends."""
    rows = []
    for pitch in (35, 60, 127):
        starts = sorted(draw(some.lists(some.integers(0, 40), max_size=8)))
        ends = sorted(start + draw(some.integers(0, 12)) for start in starts)
        rows += [(s * 60, (e - s) * 60, pitch, draw(some.integers(1, 127))) for s, e in zip(starts, ends, strict=True)]
    return table(NOTE, rows)


tracks = some.builds(
    Track,
    some.just("") | words,
    some.integers(0, 15),
    bytes7,
    melodies(),
    tables(CONTROLLER, bytes7, bytes7),
    tables(BEND, some.integers(-8192, 8191)),
    some.just(()) | texts,
).filter(lambda track: len(track.notes) or len(track.controllers) or len(track.bends) or track.lyrics)
scores = some.builds(
    Score,
    some.integers(1, 32767),
    some.lists(tracks, max_size=3).map(tuple),
    tables(TEMPO, some.integers(1, 2**24 - 1)),
    tables(METRE, some.integers(1, 255), some.sampled_from([1, 2, 4, 8, 16, 128])),
    tables(KEY, some.integers(-7, 7), some.booleans()),
    texts,
    some.just(()) | texts,
)


@given(scores)
def test_a_score_survives_midi(score: Score):
    data = midi.write(score)
    assert midi.read(*split(data)) == score
    assert midi.write(score) == data
    assert fastmidi.read(*split(data)) in (None, score)


@given(scores)
def test_another_program_reads_what_we_write(score: Score):
    song, *parts = mido.MidiFile(file=io.BytesIO(midi.write(score)), charset="utf-8").tracks
    assert [word.text for word in song if word.type == "marker"] == [text for _, text in score.markers]
    assert [event.tempo for event in song if event.type == "set_tempo"] == score.tempos["microseconds"].tolist()
    for part, track in zip(parts, score.tracks, strict=True):
        assert part.name == track.name
        ons = [(message.note, message.velocity) for message in part if message.type == "note_on"]
        assert sorted(ons) == sorted(track.notes[["pitch", "velocity"]].tolist())
        assert sum(message.time for message in part) >= max(track.notes["start"] + track.notes["duration"], default=0)


# Any events at all, in any order, on a few pitches and mostly one channel: what other programs write.

deltas = some.sampled_from([b"\x00", b"\x00", b"\x60", b"\x81\x00", b"\x90\x00", b"\x81\x90\x00"])
channel = some.shared(some.sampled_from([0, 9, 15]), key="channel")


def message(family: int, *data):
    return some.builds(lambda channel, *data: bytes([family << 4 | channel, *data]), channel, *data)


pitches = some.integers(60, 62)
voices = (
    message(0x9, pitches, some.integers(0, 127)),
    message(0x8, pitches, bytes7),
    message(0xB, bytes7, bytes7),
    message(0xC, some.sampled_from([0, 5])),
    message(0xE, bytes7, bytes7),
    message(0xA, bytes7, bytes7),
    message(0xD, bytes7),
)
bodies = some.sampled_from(
    [b"", b"A", b"\xe9", "é".encode(), b"\x07\xa1\x20", b"\x03\x02\x18\x08", b"\xfd\x01", bytes(3), bytes(4)]
)
metas = some.builds(
    lambda kind, body: bytes([0xFF, kind, len(body)]) + body,
    some.sampled_from([0, 1, 2, 3, 4, 5, 6, 6, 7, 8, 0x20, 0x2F, 0x51, 0x51, 0x58, 0x58, 0x59, 0x59, 0x7F]),
    bodies,
)
notes = some.lists(some.one_of(*voices[:2]), max_size=40)
others = some.sampled_from([b"\x92\x3c\x40", b"\xb2\x07\x40", b"\xf0\x02\x01\xf7", b"\x3c\x40"])
wild = notes | some.lists(some.one_of(*voices, *voices, metas, others), max_size=40)
chunks = some.builds(
    lambda delta, events, end: b"".join(delta + event for event in events) + end,
    deltas,
    wild,
    some.sampled_from([b"", b"\x00\xff\x2f\x00"]),
)


def split(data: bytes) -> tuple[int, list[bytes]]:
    found = midi_chunks.contents(data)
    return found.resolution, found.chunks


def agree(resolution: int, events: list[bytes]) -> bool:
    """Whether symusic may read the file; where it may, it must read the same."""
    fast = fastmidi.read(resolution, events)
    assert fast is None or fast == midi.read(resolution, events)
    return fast is not None


@given(some.lists(chunks, max_size=3))
def test_both_ways_in_read_the_same_of_any_events(events: list[bytes]):
    with suppress(FileError):  # data before any status
        agree(480, events)


@pytest.mark.parametrize("share", [8, pytest.param(1, marks=pytest.mark.slow)])
def test_both_ways_in_read_the_same_of_every_corpus(corpora: Path, share: int):
    found = sorted(corpora.rglob("*.mid"))[::share]
    assert all(agree(*split(path.read_bytes())) for path in found)  # so all of them take the fast way


def test_both_ways_in_read_the_same_of_odd_files():
    """Ours, with texts, and music21's test files: several channels in one chunk, odd orders of events."""
    folders = [ROOT / "data", *map(Path, importlib.util.find_spec("music21").submodule_search_locations)]
    found = [path for folder in folders for path in sorted(folder.rglob("*.mid"))]
    plain = [agree(*split(path.read_bytes())) for path in found]
    assert any(plain)
    assert not all(plain)


@given(scores, some.data())
def test_damage_is_met_with_an_error_of_ours(score: Score, data: some.DataObject):
    whole = bytearray(midi.write(score))
    for _ in range(data.draw(some.integers(1, 4))):
        whole[data.draw(some.integers(0, len(whole) - 1))] = data.draw(some.integers(0, 255))
    with suppress(FileError):
        files.FORMATS[".mid"].read(bytes(whole[: data.draw(some.integers(0, len(whole)))]), 0, [])


@pytest.mark.parametrize(
    ("events", "rows"),
    [
        ("90 3c 40 | 90 3c 50 | 80 3c 00 | 80 3c 00", [(0, 20, 60, 64), (10, 20, 60, 80)]),  # the oldest ends first
        ("90 3c 40 | 90 3c 00 | 80 3c 00", [(0, 10, 60, 64)]),  # an end without a note
        ("90 3c 40 | 90 3e 40 | 90 3e 00", [(10, 10, 62, 64)]),  # a note without an end
        ("90 3c 40 | 3c 00", [(0, 10, 60, 64)]),  # running status
        ("90 3c 40 | c0 05 | 90 3e 40 | 80 3c 00 | 80 3e 00", [(0, 30, 60, 64)]),  # the program when it began
        ("90 3c 40 | ff 08 01 41 | 90 3c 00", [(0, 20, 60, 64)]),  # time passes in unknown events too
    ],
)
def test_notes_pair_by_the_rules(events: str, rows: list[tuple[int, ...]]):
    chunk = b"".join(bytes([10 * bool(n)]) + bytes.fromhex(event) for n, event in enumerate(events.split("|")))
    assert midi.read(480, [chunk]).tracks[0].notes.tolist() == rows
    agree(480, [chunk])


def test_times_beyond_31_bits_do_not_wrap():
    chunk = b"\x00\x90\x3c\x40" + 9 * b"\xff\xff\xff\x7f\xb0\x07\x40" + b"\x00\x80\x3c\x00"
    short = b"\x00\x90\x3c\x40" + 1025 * b"\xff\xff\x7f\xb0\x07\x40" + b"\x00\x80\x3c\x00"
    assert midi.read(480, [chunk]).end == 9 * (2**28 - 1)
    assert midi.read(480, [short]).end == 1025 * (2**21 - 1)
    assert not agree(480, [chunk])
    assert not agree(480, [short])


def test_words_that_are_not_utf8_are_latin1():
    chunk = b"\x00\xff\x03\x03Caf\xff".replace(b"f\xff", b"\xe9") + b"\x00\x90\x3c\x40\x60\x80\x3c\x40"
    assert midi.read(480, [chunk]).tracks[0].name == "Caé"
    assert not agree(480, [chunk])
