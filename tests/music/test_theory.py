"""Chord symbols: every spelling we know of, the canonical one back, the scale to play, and what is no chord."""

from __future__ import annotations

from pathlib import Path

import pytest
import symusic
from hypothesis import given
from hypothesis import strategies as st

from musicgen.errors import ChordError
from musicgen.music.qualities import QUALITIES, semitones, spelling, tones
from musicgen.music.scales import FLATS, SCALES, SHARPS
from musicgen.music.theory import CHORD_SCALES, NO_CHORD, Chord, chord, chord_or_none, chords_from_markers

# Degrees -> what people write after the root for them: lead sheets, iReal Pro, Band-in-a-Box, the Weimar Jazz
# Database (accidentals after the number), Harte's syntax (a colon after the root).
SPELLINGS = {
    "1 3 5": "'' M maj Maj ma major :maj",
    "1 b3 5": "m - min mi MIN minor :min",
    "1 b3 b5": "dim o ° mb5 m(b5) m-5 dim5 diminished",
    "1 3 #5": "+ aug #5 (#5) +5 augmented",
    "1 3 b5": "(b5) -5 5b maj-5",
    "1 5": "5 no3 (no3) (no3rd) omit3",
    "1 4 5": "sus sus4 4 suspended",
    "1 2 5": "sus2 2",
    "1 3 5 9": "add9 (add9) add2 /9 (9)",
    "1 b3 5 9": "madd9 m(add9) -add9 m/9 m(9) madd2",
    "1 3 4 5": "add4 add11 (add11) (11) susadd3",
    "1 b3 5 b6": "mb6 -b6 m(b6) mb13",
    "1 b3 #5": "m#5 -#5 m+ maug m+5",
    "1 3 5 6": "6 M6 maj6 add6 (6)",
    "1 b3 5 6": "m6 -6 min6 mi6 m(6)",
    "1 3 5 6 9": "69 6/9 6(9) 6add9 M69 maj6/9 (6,9)",
    "1 b3 5 6 9": "m69 -69 m6/9 m6add9 min6/9",
    "1 3 #11 5 6 9": "69#11 6911# 6/9#11",
    "1 3 5 b7": "7 dom7 7th",
    "1 3 5 7": "maj7 M7 Maj7 MAJ7 MA7 Ma7 ma7 j7 J7 j ^7 ^ ∆7 ∆ Δ7 Δ △7 △ 7M :maj7 major7 (maj7)",
    "1 b3 5 b7": "m7 -7 min7 mi7 MI7 Mi7 MIN7 :min7 minor7 m(7)",
    "1 b3 5 7": "mMaj7 m(maj7) mM7 -j7 -^7 -Δ7 -∆ min/maj7 m/M7 -maj7 mmaj7 minmaj7 m+7 m(+7) m#7 m7M",
    "1 b3 b5 b7": "m7b5 -7b5 m7-5 m7(b5) -7(b5) min7b5 mi7b5 ø ø7 Ø h h7 halfdim half-diminished :hdim7",
    "1 b3 b5 bb7": "dim7 o7 °7 diminished7 :dim7",
    "1 b3 b5 7": "dimMaj7 dim(maj7) °M7 o^7 dimmaj7",
    "1 3 #5 b7": "7#5 +7 7+ aug7 7+5 7(#5) 7aug 7(+5)",
    "1 3 #5 7": "maj7#5 +j7 +M7 augmaj7 ^7#5 M7+5 maj7(#5) maj7+ +maj7",
    "1 3 b5 b7": "7b5 7-5 7(b5) 7(-5)",
    "1 3 b5 7": "maj7b5 M7-5 ^7b5",
    "1 3 b5 7 9": "maj9b5",
    "1 4 5 b7": "7sus4 7sus sus7 7(sus4) m7sus4 sus4(b7) 7suspended4",
    "1 2 5 b7": "7sus2 9no3",
    "1 4 5 7": "maj7sus4 ^7sus M7sus4",
    "1 4 5 b7 9": "9sus4 9sus sus9 sus79 11 9(sus4) 7sus(9)",
    "1 4 5 b7 9 13": "13sus4 13sus sus13 sus7913 9sus(13)",
    "1 4 5 b7 b9": "7sus4b9 7b9sus 7susb9 susb9 sus(b9) 7sus4(b9) 11b9",
    "1 4 5 b7 b9 13": "13susb9 13b9sus 13sus4(b9)",
    "1 4 5 b7 b13": "7susb13 7b13sus",
    "1 3 4 5 b7": "7susadd3 7add11 7(11) 7add4",
    "1 3 4 5 b7 9": "7911 9add11",
    "1 3 5 b7 9": "9 79 7(9) 7/9 7add9",
    "1 3 5 b7 9 13": "13 7913 9(13) 9/13 7(9,13) 13th",
    "1 3 5 b7 13": "7add13 7/6 7(13) 7/13 7add6",
    "1 3 5 7 9": "maj9 M9 ^9 ∆9 j79 maj7(9) ma9 maj7/9 7M(9)",
    "1 3 4 5 7 9": "maj11 M11",
    "1 3 5 7 9 13": "maj13 ^13 M13 j7913",
    "1 b3 5 b7 9": "m9 -9 -79 min9 mi9 m7(9) m7/9",
    "1 b3 4 5 b7": "m7add11 m7(11) m7/11 -7add4",
    "1 b3 4 5 b7 9": "m11 -11 -7911 min11",
    "1 b3 5 b7 9 13": "m13 -13 -7913",
    "1 b3 5 7 9": "mMaj9 mM9 -^9 m9(maj7) m(maj9)",
    "1 b3 5 7 9 13": "-j7913",
    "1 b3 #11 5 7 9": "-j7911#",
    "1 b3 b5 b7 9": "m9b5 h9 ø9",
    "1 b3 4 b5 b7 9": "h11 m11b5",
    "1 b3 #5 b7": "m7#5 -7#5",
    "1 b3 5 b7 b9": "m7b9 -79b",
    "1 3 5 b7 b9": "7b9 7(b9) 7-9 79b 7(-9) 7b2",
    "1 3 5 b7 #9": "7#9 7(#9) 7+9 79# 7(+9)",
    "1 3 #11 5 b7": "7#11 7(#11) 7+11 711# 7#4 7(+11)",
    "1 3 5 b7 b13": "7b13 7(b13) 7-13 7b6",
    "1 3 5 b7 b9 #9": "7b9#9",
    "1 3 5 b7 b9 b13": "7b9b13 79b13b 7(b9,b13) 7b13b9 7(b9b13)",
    "1 3 5 b7 #9 b13": "7#9b13",
    "1 3 #11 5 b7 b9": "7b9#11 7(b9,#11) 7(b9, #11) 7#11b9",
    "1 3 #11 5 b7 #9": "7#9#11 79#11#",
    "1 3 5 b7 b9 13": "13b9 79b13 7b9(13) 13(b9) 7(b9,13)",
    "1 3 5 b7 #9 13": "13#9 79#13",
    "1 3 5 b7 9 b13": "9b13 7913b",
    "1 3 #11 5 b7 9": "9#11 7911# 9+11 9(#11)",
    "1 3 #11 5 b7 9 13": "13#11 13(#11)",
    "1 3 #11 5 7": "maj7#11 ^7#11 M7#11 maj7+11 maj7(#11) j711#",
    "1 3 #11 5 7 9": "maj9#11 ^9#11 j7911#",
    "1 3 #11 5 7 9 13": "maj13#11",
    "1 3 5 7 #9": "j79# maj7#9",
    "1 3 #11 5": "(#11) add#11",
    "1 3 b5 b7 b9": "7b5b9 7b9b5 7-9-5 7(b5,b9)",
    "1 3 #5 b7 b9": "7#5b9 7b9#5 +79b 7+5-9 +7b9 7(#5b9)",
    "1 3 #5 b7 #9": "7#5#9 7#9#5 +79# 7+5+9 +7#9 7(#9,#5) aug7#9",
    "1 3 b5 b7 #9": "7b5#9 7#9b5",
    "1 3 #5 b7 9": "9#5 9+ +9 +79 aug9",
    "1 3 b5 b7 9": "9b5 9-5",
    "1 3 #5 b7 9 13": "13#5 13+",
    "1 3 b5 b7 b9 13": "13b5b9",
    "1 3 b5 #5 b7 b9 #9": "7alt alt 7altered 7alt. 7b9#9b5#5 (alt)",
    "1 3 b7": "7no5 7(no5) 7omit5",
    "1 5 b7": "7no3 7omit3",
}


@pytest.mark.parametrize("degrees", SPELLINGS)
def test_every_spelling_sounds_the_same(degrees: str):
    wanted = {semitones(degree) for degree in degrees.split()}
    read = {quality: tones(quality.strip("'")) for quality in SPELLINGS[degrees].replace(", ", ",").split()}
    assert {quality: found for quality, found in read.items() if found != wanted} == {}


@pytest.mark.parametrize("name", QUALITIES)
def test_the_table_reads_as_it_says(name: str):
    assert tones(name) == {semitones(degree) for degree in QUALITIES[name].split()}
    assert str(chord(f"Eb{name}")) == f"Eb{name}"


@pytest.mark.parametrize(
    ("text", "pitch_classes", "bass"),
    [
        ("Dm7", (2, 5, 9, 0), 2),
        ("Ebj7/G", (3, 7, 10, 2), 7),
        ("F♯ø", (6, 9, 0, 4), 6),
        ("B♭7♭9", (10, 11, 2, 5, 8), 10),
        ("C♯7♯9", (1, 4, 5, 8, 11), 1),
        ("Dm/C#", (2, 5, 9), 1),
        ("C6/9/E", (0, 2, 4, 7, 9), 4),
        ("Bb / C", (10, 2, 5), 0),
        ("Fb-7", (4, 7, 11, 2), 4),
        ("Bbb7", (9, 1, 4, 7), 9),
        ("C maj 7", (0, 4, 7, 11), 0),
        ("C b9", (0, 1, 4, 7), 0),
        ("Cb9", (11, 1, 3, 6, 9), 11),
        ("Cb5", (0, 4, 6), 0),
        ("Bb5", (10, 5), 10),
        ("Bb(b5)", (10, 2, 4), 10),
    ],
)
def test_root_tones_and_bass(text: str, pitch_classes: tuple[int, ...], bass: int):
    found = chord(text)
    assert (found.root, found.pitch_classes, found.bass) == (pitch_classes[0], pitch_classes, bass)
    assert found.mask == sum(1 << pitch_class for pitch_class in pitch_classes)


@pytest.mark.parametrize("text", ["NC", "N.C.", "n.c.", "N.C", "n", "No Chord"])
def test_no_chord(text: str):
    assert chord(text) == NO_CHORD
    assert (str(NO_CHORD), NO_CHORD.mask, NO_CHORD.scale, NO_CHORD.transpose(3)) == ("NC", 0, (*range(12),), NO_CHORD)


@pytest.mark.parametrize("text", ["F#m7/E", "Ebmaj7", "Cb7", "C(#11)", "Gb13sus4b9", "Caug/G#", "C7b9b13"])
def test_a_chord_keeps_its_spelling(text: str):
    assert str(chord(text)) == text


def test_equality_is_by_sound():
    assert chord("C#7(#9)") == chord("Db7+9") != chord("C#7")
    assert len({chord("C#7"), chord("Db7"), chord("Db7/F")}) == 2


def test_all_sets_of_tones_have_a_spelling_that_reads_back():
    for mask in range(1, 1 << 12, 2):
        intervals = tuple(interval for interval in range(12) if mask >> interval & 1)
        assert tones(spelling(intervals)) == {*intervals}


INTERVALS = st.sets(st.integers(1, 11)).map(lambda tones: (0, *sorted(tones)))
NAMES = st.sampled_from(sorted({*FLATS, *SHARPS, "Cb", "Fb", "E#", "B#"}))


@given(NAMES, INTERVALS, NAMES, st.integers(-12, 12))
def test_printing_and_reading_are_inverse(root: str, intervals: tuple[int, ...], bass: str, up: int):
    found = Chord(chord(root).root, intervals, chord(bass).root, root, bass)
    assert chord(str(found)) == found
    assert str(chord(str(found))) == str(found)
    moved = found.transpose(up)
    assert chord(str(moved)) == moved
    assert moved.transpose(-up) == found
    assert {*found.pitch_classes} <= {*found.scale}


@pytest.mark.parametrize(
    ("symbols", "scale"),
    [
        ("C Cmaj7 C6 C69 Cmaj9 Cadd9 C5", "major"),
        ("Cmaj7#11 C(b5) Cmaj7b5", "lydian"),
        ("C7 C9 C13 Csus Csus7 C9sus4 C11", "mixolydian"),
        ("Cm Cm7 Cm9 Cm11 Cm13 Cmadd9", "dorian"),
        ("Cm6 Cm69 CmMaj7", "melodic minor"),
        ("Cmb6 Cm7#5", "minor"),
        ("Cm7b9 C7susb9", "phrygian"),
        ("Cm7b5", "locrian"),
        ("Cm9b5", "locrian #2"),
        ("Cdim Cdim7 CdimMaj7", "diminished"),
        ("Caug C7#5 C9#5", "whole tone"),
        ("C7#11 C9#11 C13#11 C7b5", "lydian dominant"),
        ("C7alt C7#5b9 C7#5#9 C7b5b9 C7#9b13", "altered"),
        ("C7b9 C13b9 C7#9 C7b9#11", "half whole"),
        ("C7b13 C9b13", "mixolydian b6"),
        ("C7b9b13", "phrygian dominant"),
        ("C13susb9", "dorian b2"),
        ("Cmaj7#5", "lydian augmented"),
    ],
)
def test_chord_scales(symbols: str, scale: str):
    assert {symbol: chord(symbol).scale_name for symbol in symbols.split()} == dict.fromkeys(symbols.split(), scale)


def test_a_scale_begins_on_its_root():
    assert chord("Dm7").scale == (2, 4, 5, 7, 9, 11, 0)
    assert {name for name, _ in CHORD_SCALES} <= SCALES.keys()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Gm77", r'^expected a chord such as Dm7, G7 or Cmaj7\. Received: "Gm77"\. Did you mean Gm7\?$'),
        ("dm7", r'Received: "dm7"\. Did you mean Dm7\?$'),
        ("F#mjaj7", r"Did you mean F#maj7\?$"),
        ("Dm7/", r"Did you mean Dm7\?$"),
        ("Hm7", r'Received: "Hm7"\. Did you mean Bm7\?$'),
        ("Gm77/Bb", r"Did you mean Gm7/Bb\?$"),
        ("A/c+", r"Did you mean A/c\?$"),
        ("Dm7G7", r"Did you mean Dm7\?$"),
        ("Chorus", r'Received: "Chorus"$'),
        ("Intro", r'Received: "Intro"$'),
        ("", r'Received: ""$'),
        ("C7b", "Received"),
        ("CBb", "Received"),
        ("Cmdim", "Received"),
        ("C97", "Received"),
        ("Cno9", "Received"),
        ("C/H", r"Did you mean C/B\?$"),
    ],
)
def test_what_is_no_chord(text: str, message: str):
    with pytest.raises(ChordError, match=message):
        chord(text)
    assert chord_or_none(text) is None


@given(st.text(st.sampled_from("ABCDEFGmMajdinsuloth0123456789#b+-^/(), °Δø"), max_size=12))
def test_any_text_is_a_chord_or_an_error(text: str):
    found = chord_or_none(text, letters=True)
    assert found is None or chord(str(found)) == found


@pytest.mark.parametrize(
    ("markers", "chords"),
    [
        ("Dm7 G7 C A7", "Dm7 G7 C A7"),  # a tune's changes
        ("A A B A", ""),  # rehearsal marks
        ("A B C D E F G", ""),
        ("C F G C", "C F G C"),  # a folk song's chords
        ("Verse C F C Chorus G", "C F C G"),
        ("A1 A2 B Intro", ""),
        ("Intro A Dm7 G7 B C7 Solo", "Dm7 G7 C7"),  # both: letters are sections
        ("NC C F G7", "NC C F G7"),
        ("C % F G7 %", "C F G7"),  # the chord before goes on
        ("", ""),
    ],
)
def test_markers_are_judged_together(markers: str, chords: str):
    found = chords_from_markers([*enumerate(markers.split())])
    assert [str(symbol) for _, symbol in found] == chords.split()


@pytest.mark.parametrize("received", [None, 5])
def test_what_is_no_text_is_no_chord(received: object):
    with pytest.raises(ChordError, match=f"Received: {received}"):
        chord(received)  # type: ignore[arg-type]


def test_a_letter_beside_a_chord_is_a_section():
    markers = [(0, "A"), (0, "Dm7"), (480, "G7"), (960, "C"), (1920, "B"), (1920, "Fm7")]
    assert [(tick, str(symbol)) for tick, symbol in chords_from_markers(markers)] == [
        (0, "Dm7"),
        (480, "G7"),
        (960, "C"),
        (1920, "Fm7"),
    ]


def test_all_markers_of_the_weimar_jazz_database_are_chords(corpora: Path):
    files = sorted((corpora / "wjazzd").rglob("*.mid"))
    assert files
    markers = {marker.text for file in files for marker in symusic.Score(file).markers}
    assert len(markers) == 402
    assert sorted(text for text in markers if chord_or_none(text, letters=True) is None) == []
