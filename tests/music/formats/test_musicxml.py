"""MusicXML: scores there and back, measures that add up, and what other programs write."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections import Counter
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from musicgen.errors import FileError
from musicgen.music import files
from musicgen.music.formats import engraving, musicxml
from musicgen.music.formats.keyspelling import estimated_key, spelled
from musicgen.music.formats.kinds import Degree, intervals, kind_of
from musicgen.music.formats.unfolding import Marks, played
from musicgen.music.score import KEY, METRE, NOTE, TEMPO, Score, Text, Track, table
from musicgen.music.theory import chords_from_markers

# Scores that notation can hold: 24 ticks to a quarter note, whole bars, at most four voices.

METRES = [(4, 4), (3, 4), (6, 8), (5, 4), (7, 8), (2, 2)]
CHORDS = ["Am7", "Bb7b9", "F#m7b5/C", "Amaj", "C6", "Ebmaj7#11", "NC", "G7sus4"]


@some.composite
def scores(draw) -> Score:
    metre = draw(some.sampled_from(METRES))
    bar = 96 * metre[0] // metre[1]
    pickup = draw(some.sampled_from([0, 24])) if bar > 24 else 0
    unit = max(4, metre[1])  # a pickup is counted as the metre is
    rows = [(0, unit // 4, unit), (24, *metre)] if pickup else [(0, *metre)]
    tracks = []
    for number in range(draw(some.integers(1, 2))):
        cuts = sorted(draw(some.sets(some.integers(0, 2 * bar), min_size=2, max_size=12)))
        notes = []
        for start, end in pairwise(cuts):
            chord = draw(some.sets(some.integers(30, 90), max_size=3))
            notes += [(start, end - start, pitch, draw(some.integers(1, 127))) for pitch in chord]
        notes.append((cuts[0], draw(some.integers(1, 60)), 100, 64))  # a voice of its own
        tracks.append(Track(f"part {number}", draw(some.sampled_from([0, 9])), 5, table(NOTE, notes)))
    markers = [Text(draw(some.integers(0, 2)) * 24, draw(some.sampled_from(CHORDS)))]
    return Score(
        24,
        tuple(tracks),
        table(TEMPO, [(0, draw(some.integers(200_000, 2_000_000)))]),
        table(METRE, rows),
        table(KEY, [(0, draw(some.integers(-7, 7)), draw(some.booleans()))]),
        (*markers, Text(48, "[A]")),
        (Text(0, "Swing"), Text(60, "x" * 200)),
    )


def heard(score: Score) -> list[list[tuple[Fraction, Fraction, int, int]]]:
    unit = score.resolution
    return [[(Fraction(s, unit), Fraction(d, unit), p, v) for s, d, p, v in t.notes.tolist()] for t in score.tracks]


def said(words: tuple[Text, ...], unit: int) -> list[tuple[Fraction, str]]:
    return sorted((Fraction(tick, unit), text) for tick, text in words)


@settings(max_examples=60)
@given(scores())
def test_a_score_survives_musicxml(score: Score):
    remarks: list[str] = []
    data = engraving.write(score, remarks)
    assert engraving.write(score, []) == data
    back = musicxml.read(data, 0, [])
    assert not remarks
    assert heard(back) == heard(score)
    assert [(t.name, t.channel, t.program) for t in back.tracks] == [
        (t.name, t.channel, t.program) for t in score.tracks
    ]
    assert back.tempos.tolist() == score.tempos.tolist()
    assert [row[1:] for row in back.metres.tolist()] == [row[1:] for row in score.metres.tolist()]
    assert back.keys.tolist() == score.keys.tolist()
    assert said(back.markers, back.resolution) == said(score.markers, 24)
    assert said(back.texts, back.resolution) == said(score.texts, 24)
    check_sums(data)


def check_sums(data: bytes) -> None:
    """Every voice fills its measure, every tuplet that opens closes, every tie has two ends."""
    root = ElementTree.fromstring(data)
    for part in root.findall("part"):
        ties: Counter[str] = Counter()
        lengths = []
        for measure in part.findall("measure"):
            sums: Counter[str] = Counter()
            for note in measure.findall("note"):
                if note.find("chord") is None:
                    sums[note.findtext("voice")] += int(note.findtext("duration"))
                ties.update(tie.get("type") for tie in note.findall("tie"))
                ties.update(f"tuplet {one.get('type')}" for one in note.iter("tuplet"))
            assert len(set(sums.values())) == 1
            lengths += set(sums.values())
        assert ties["start"] == ties["stop"]
        assert ties["tuplet start"] == ties["tuplet stop"]


def test_played_music_is_put_on_a_grid_and_says_so(tmp_path: Path):
    random = np.random.default_rng(0)
    starts = np.cumsum(random.integers(150, 400, 200))
    rows = [(int(s), int(random.integers(10, 900)), int(random.integers(40, 90)), 80) for s in starts]
    score = Score(480, (Track(notes=table(NOTE, rows)),))
    remarks = files.write(score, tmp_path / "played.mxl")
    assert any("moved to the nearest written time" in remark for remark in remarks)
    (before,), (after,) = heard(score), heard(files.read(tmp_path / "played.mxl"))
    assert len(after) == 200
    assert max(abs(a[0] - b[0]) for a, b in zip(before, after, strict=True)) <= Fraction(1, 8)
    check_sums(engraving.write(score, []))


def test_a_fifth_voice_ends_the_oldest_note():
    rows = [(24 * n, 240, 60 + n, 80) for n in range(6)]
    remarks: list[str] = []
    back = musicxml.read(engraving.write(Score(24, (Track(notes=table(NOTE, rows)),)), remarks), 0, [])
    assert remarks == ["2 notes shortened, as more than four voices would overlap"]
    assert [round(4 * row[1]) for row in heard(back)[0]] == [16, 16, 40, 40, 40, 40]


def test_swing_stands_above_the_first_bar(tmp_path: Path):
    score = Score(24, (Track(notes=table(NOTE, [(0, 24, 60, 80)])),))
    files.write(score, tmp_path / "a.musicxml", swing=True)
    assert files.read(tmp_path / "a.musicxml").texts == (Text(0, "Swing"),)


@given(some.sets(some.integers(1, 11)).map(lambda tones: tuple(sorted({0, *tones}))))
def test_a_kind_with_degrees_is_its_chord(tones: tuple[int, ...]):
    kind, degrees = kind_of(tones)
    assert intervals(kind, degrees) == tones


def test_degrees_change_a_kind():
    assert intervals("dominant", [Degree(5, -1, "alter"), Degree(9, 1, "add")]) == (0, 3, 4, 6, 10)
    assert intervals("minor-seventh", [Degree(3, 0, "subtract")]) == (0, 7, 10)


@pytest.mark.parametrize(
    ("pitch", "key", "name"),
    [
        (61, (0, False), "C1"),
        (63, (0, False), "E-1"),
        (68, (0, True), "G1"),
        (70, (-5, False), "B-1"),
        (70, (6, False), "A1"),
    ],
)
def test_pitches_are_spelled_by_key(pitch: int, key: tuple[int, bool], name: str):
    step, alter, octave = spelled(pitch, *key)
    assert f"{step}{alter}" == name
    assert octave == 4


@pytest.mark.parametrize(("tonic", "third", "key"), [(60, 4, (0, False)), (62, 3, (-1, True)), (64, 4, (4, False))])
def test_a_key_is_estimated(tonic: int, third: int, key: tuple[int, bool]):
    steps = (0, 2, third, 5, 7, 8 + third % 2 + (third == 4), 10 + (third == 4), 12, 7, third, 0)
    notes = [(24 * n, 24, tonic + step, 80) for n, step in enumerate(steps)]
    assert estimated_key(Score(24, (Track(notes=table(NOTE, notes)),))) == key


# What other programs write.


def document(*measures: str, about: str = "") -> bytes:
    bars = "".join(f'<measure number="{n}">{measure}</measure>' for n, measure in enumerate(measures, 1))
    part = f'<part-list><score-part id="P1"><part-name>P</part-name>{about}</score-part></part-list>'
    return f'<score-partwise>{part}<part id="P1">{bars}</part></score-partwise>'.encode()


def note(step: str, more: str = "", before: str = "", octave: int = 4) -> str:
    pitch = f"<pitch><step>{step}</step><octave>{octave}</octave></pitch>"
    return f"<note>{before}{pitch}<duration>4</duration>{more}</note>"


DIVISIONS = "<attributes><divisions>4</divisions><time><beats>2</beats><beat-type>4</beat-type></time></attributes>"
REPEAT = '<barline location="right"><repeat direction="backward"/></barline>'


def ending(number: int, kind: str) -> str:
    return f'<barline><ending number="{number}" type="{kind}"/></barline>'


@pytest.mark.parametrize(
    ("measures", "pitches"),
    [
        ([DIVISIONS + note("C") + note("D"), note("E") + note("F") + REPEAT], [60, 62, 64, 65] * 2),
        (
            [
                DIVISIONS + note("C") + note("C"),
                ending(1, "start") + note("D") + note("D") + REPEAT + ending(1, "stop"),
                ending(2, "start") + note("E") + note("E") + ending(2, "stop"),
            ],
            [60, 60, 62, 62, 60, 60, 64, 64],
        ),
        ([DIVISIONS + note("C", '<tie type="start"/>') + note("C", '<tie type="stop"/>')], [60]),
        ([DIVISIONS + note("C", before="<grace/>") + note("D") + note("F", before="<chord/>")], [62, 65]),
        ([DIVISIONS + "<attributes><transpose><chromatic>-2</chromatic></transpose></attributes>" + note("D")], [60]),
    ],
)
def test_what_sounds(measures: list[str], pitches: list[int]):
    score = musicxml.read(document(*measures), 0, [])
    assert [pitch for _, _, pitch, _ in heard(score)[0]] == pitches


def test_chords_and_sections_are_told_apart():
    harmony = "<harmony><root><root-step>A</root-step></root><kind>major</kind></harmony>"
    root, bass = "<root><root-step>D</root-step></root>", "<bass><bass-step>G</bass-step></bass>"
    slash = f"<harmony>{root}<kind>minor-seventh</kind>{bass}<offset>2</offset></harmony>"
    rehearsal = "<direction><direction-type><rehearsal>A</rehearsal></direction-type></direction>"
    score = musicxml.read(document(DIVISIONS + rehearsal + harmony + note("C") + slash + note("D")), 0, [])
    assert [(tick, str(chord)) for tick, chord in chords_from_markers(score.markers)] == [(0, "A"), (720, "Dm7/G")]
    assert "[A]" in [text for _, text in score.markers]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "expected MusicXML. Received: an empty file"),
        (b"<html></html>", "score-partwise outside. Received: html"),
        (b"<score-partwise><part>", "expected MusicXML. Received:"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><score-partwise/>', "without entities"),
        (document(DIVISIONS), "expected notes. Received: none"),
        (document(DIVISIONS + note("H")), "part 1: measure 1: expected a step from A to G. Received: 'H'"),
        (document(DIVISIONS + note("C").replace(">4<", ">1e999999999<")), "duration as a number of an ordinary size"),
    ],
)
def test_what_is_no_music_is_refused(data: bytes, sentence: str):
    with pytest.raises(FileError, match=sentence):
        musicxml.read(data, 0, [])


@pytest.mark.parametrize(
    ("marks", "order"),
    [
        ([Marks(), Marks(closes=2), Marks()], [0, 1, 0, 1, 2]),
        ([Marks(opens=True, closes=3), Marks()], [0, 0, 0, 1]),
        ([Marks(), Marks(endings=(1, 2), closes=2), Marks(endings=(3,))], [0, 1, 0, 1, 0, 2]),
        ([Marks(), Marks(jumps={"fine"}), Marks(closes=2), Marks(jumps={"da capo"})], [0, 1, 2, 0, 1, 2, 3, 0, 1]),
        (
            [
                Marks(),
                Marks(jumps={"segno"}),
                Marks(jumps={"to coda"}),
                Marks(jumps={"dal segno"}),
                Marks(jumps={"coda"}),
            ],
            [0, 1, 2, 3, 1, 2, 4],
        ),
        ([Marks(jumps={"dal segno"}), Marks()], [0, 1]),
    ],
)
def test_bars_are_played_in_order(marks: list[Marks], order: list[int]):
    assert played(marks) == order


# music21 is the judge of what MusicXML and Humdrum mean.


@pytest.mark.parametrize("name", ["bach/bwv66.6", "leadSheet/fosterBrownHair", "palestrina/Agnus_00"])
def test_music21_hears_the_same(name: str):
    from music21 import converter

    place = next(files.places(f"corpus:{name}"))
    stream = converter.parse(str(place.path), forceSource=True, storePickle=False).expandRepeats()
    parts = [part.stripTies().flatten().notes for part in stream.parts]
    theirs = Counter(
        (Fraction(note.offset), Fraction(note.quarterLength), pitch.midi)
        for notes in parts
        for note in notes
        if not note.duration.isGrace and "ChordSymbol" not in note.classes
        for pitch in note.pitches
    )
    score = place.read().score
    assert Counter(one[:3] for track in heard(score) for one in track) == theirs
