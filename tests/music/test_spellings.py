"""The spellings of the programs and books that lead sheets come from: each program's whole list, what it means."""

from __future__ import annotations

import re

import pytest

from musicgen.music.qualities import semitones
from musicgen.music.theory import NO_CHORD, SAME, chord

THE_ISSUE = (
    "C Cm C- Cmin Cmaj7 CM7 Cj7 C^7 C∆ C6 C69 C7 C9 C11 C13 C7b9 C7#9#5 C7alt Csus C9sus4 Cdim Co7 C°7 Cø Cm7b5"
    " C-7b5 C+ Caug C7#5 CmMaj7 C-j7 Cadd9 C5 C/E Ebj7/G NC N.C. %"
)

# iReal Pro's list of qualities (its half-diminished is h in a link), each with its degrees.
IREAL = {
    "": "1 3 5",
    "5": "1 5",
    "2": "1 2 5",
    "add9": "1 3 5 9",
    "+": "1 3 #5",
    "o": "1 b3 b5",
    "h": "1 b3 b5 b7",
    "sus": "1 4 5",
    "^": "1 3 5 7",
    "-": "1 b3 5",
    "^7": "1 3 5 7",
    "-7": "1 b3 5 b7",
    "7": "1 3 5 b7",
    "7sus": "1 4 5 b7",
    "h7": "1 b3 b5 b7",
    "ø7": "1 b3 b5 b7",
    "o7": "1 b3 b5 bb7",
    "^9": "1 3 5 7 9",
    "^13": "1 3 5 7 9 13",
    "6": "1 3 5 6",
    "69": "1 3 5 6 9",
    "^7#11": "1 3 5 7 #11",
    "^9#11": "1 3 5 7 9 #11",
    "^7#5": "1 3 #5 7",
    "-6": "1 b3 5 6",
    "-69": "1 b3 5 6 9",
    "-^7": "1 b3 5 7",
    "-^9": "1 b3 5 7 9",
    "-9": "1 b3 5 b7 9",
    "-11": "1 b3 5 b7 9 11",
    "-7b5": "1 b3 b5 b7",
    "h9": "1 b3 b5 b7 9",
    "-b6": "1 b3 5 b6",
    "-#5": "1 b3 #5",
    "9": "1 3 5 b7 9",
    "7b9": "1 3 5 b7 b9",
    "7#9": "1 3 5 b7 #9",
    "7#11": "1 3 5 b7 #11",
    "7b5": "1 3 b5 b7",
    "7#5": "1 3 #5 b7",
    "9#11": "1 3 5 b7 9 #11",
    "9b5": "1 3 b5 b7 9",
    "9#5": "1 3 #5 b7 9",
    "7b13": "1 3 5 b7 b13",
    "7#9#5": "1 3 #5 b7 #9",
    "7#9b5": "1 3 b5 b7 #9",
    "7#9#11": "1 3 5 b7 #9 #11",
    "7b9#11": "1 3 5 b7 b9 #11",
    "7b9b5": "1 3 b5 b7 b9",
    "7b9#5": "1 3 #5 b7 b9",
    "7b9#9": "1 3 5 b7 b9 #9",
    "7b9b13": "1 3 5 b7 b9 b13",
    "7alt": "1 3 b5 #5 b7 b9 #9",
    "13": "1 3 5 b7 9 13",
    "13#11": "1 3 5 b7 9 #11 13",
    "13b9": "1 3 5 b7 b9 13",
    "13#9": "1 3 5 b7 #9 13",
    "7b9sus": "1 4 5 b7 b9",
    "7susadd3": "1 3 4 5 b7",
    "7add3sus": "1 3 4 5 b7",
    "9sus": "1 4 5 b7 9",
    "13sus": "1 4 5 b7 9 13",
    "7b13sus": "1 4 5 b7 b13",
    "11": "1 4 5 b7 9",
}

# Band-in-a-Box: the dominants and suspended dominants of its list, all of them made by one rule.
BAND_IN_A_BOX = """
    7 9 13 7b13 7#11 13#11 7#11b13 9b13 9#11 9#11b13 7b9 13b9 7b9b13 7b9#11 13b9#11 7b9#11b13 7#9 13#9 7#9b13
    13#9#11 7#9#11b13 7b5 13b5 7b5b13 9b5 9b5b13 7b5b9 13b5b9 7b5b9b13 7b5#9 13b5#9 7b5#9b13 7#5 13#5 7#5#11
    13#5#11 9#5 9#5#11 7#5b9 13#5b9 7#5b9#11 13#5b9#11 7#5#9 13#5#9#11 7#5#9#11 7sus 9sus 13sus 7susb13 7sus#11
    13sus#11 7sus#11b13 9susb13 9sus#11 9sus#11b13 7susb9 13susb9 7susb9b13 7susb9#11 13susb9#11 7susb9#11b13
    7sus#9 13sus#9 7sus#9b13 13sus#9#11 7sus#9#11b13 7susb5 13susb5 7susb5b13 9susb5 9susb5b13 7susb5b9 13susb5b9
    7susb5b9b13 7susb5#9 13susb5#9 7susb5#9b13 7sus#5 13sus#5 7sus#5#11 13sus#5#11 9sus#5 9sus#5#11 7sus#5b9
    13sus#5b9 7sus#5b9#11 13sus#5b9#11 7sus#5#9 13sus#5#9#11 7sus#5#9#11
"""

# Degrees -> how else they are written: books, sheets from Brazil, fonts, the values of MusicXML's `kind`, words.
ELSEWHERE = {
    "1 3 5": "dominant Major",
    "1 5": "power",
    "1 2 5": "suspended-second",
    "1 4 5": "suspended-fourth sus. (SUS) sus_4",
    "1 #4 5": "sus#4",
    "1 b2 5": "susb2",
    "1 2 4 5": "sus24 sus42 sus2/4 sus4/2 sus2sus4 sus4add9 sus2add4",
    "1 3 b5": "5- (5-)",
    "1 3 #5": "5+ (5+) aug.",
    "1 b3 5 6": "minor-sixth mi6",
    "1 b3 5": "min. MI",
    "1 b3 5 6 9": "MI6/9",
    "1 b3 b5": "dim. m5-",
    "1 3 5 6": "major-sixth",
    "1 3 5 b7": "dominant-seventh _7 ⁷ 7th mixolydian",
    "1 3 5 7": "major-seventh t7 t maj.7 _Maj._7 maj⁷ ▲7 MA7 major_seventh ionian",
    "1 b3 5 b7": "minor-seventh mi.7 min.7 MI7 ᵐ⁷ minor_7 —7 dorian",
    "1 b3 5 7": "MI(MA7) major-minor Minor_Major_7 min-maj7 mΔ7 m/maj7",
    "1 3 #5 b7": "augmented-seventh 7/5+ 5+/7 7(5+)",
    "1 3 #5 7": "+(maj7) MA7(#5) aug-maj7",
    "1 3 b5 b7": "7/5- 5-/7 7(5-)",
    "1 b3 b5 b7": "half-diminished 0 07 % %7 φ7 ∅ MI7(b5) m5-/7 m7/5- locrian",
    "1 b3 b5 bb7": "diminished-seventh °7",
    "1 b3 b5 bb7 7": "°7(MA7) o7(maj7)",
    "1 b3 b5 bb7 9 11": "o11 dim11",
    "1 b3 b5 b7 b9": "ø7(b9) m7b5b9",
    "1 3 5 b7 9": "dominant-ninth 7(9)",
    "1 3 5 7 9": "major-ninth 7M(9) MA9",
    "1 b3 5 b7 9": "minor-ninth m7/9",
    "1 4 5 b7": "7/4 4/7 7(4)",
    "1 4 5 b7 9": "7/4(9) 7(4/9) 4(7/9) 9/4 dominant-11th 11sus",
    "1 4 5 b7 b9": "phrygian phryg 7sus4(b9)",
    "1 3 5 7 #11": "lydian lyd",
    "1 3 5 b7 13": "6/7 67 7/6",
    "1 b3 5 b7 6": "m6/7 m7/6",
    "1 3 5 b7 9 13": "dominant-13th 7(9/13)",
    "1 b3 5 b7 9 11": "minor-11th MI11",
    "1 3 5 b7 b9": "7/9- 7(9-) 7flat9",
    "1 3 5 b7 #9": "7/9+ 7(9+) 7b10 7-10 7♯⁹",
    "1 3 5 b7 #11": "7/11+",
    "1 3 5 b7 b13": "7/13-",
    "1 3 5 b7 b9 13": "7(9-,13)",
    "1 3 5 b7 b9 b13": "7(b9/b13) 7(b9)(b13)",
    "1 3 b5 #5 b7 b9 #9": "7(ALT) 7ALT ALT. alt7",
    "1 3 5 6 9": "6⁄9 ⁶⁄₉ 6(add9)",
}


def read(quality: str) -> set[int]:
    return {*chord(f"C{quality}").intervals}


def degrees(text: str) -> set[int]:
    return {semitones(degree) for degree in text.split()}


@pytest.mark.parametrize("text", THE_ISSUE.split())
def test_the_spellings_of_the_issue(text: str):
    found = chord(text)
    assert chord(str(found)) == found
    assert (found.root is None) == (text in ("NC", "N.C.", "%"))


def test_every_quality_of_ireal_pro():
    assert {quality: read(quality) for quality in IREAL} == {quality: degrees(text) for quality, text in IREAL.items()}


@pytest.mark.parametrize("quality", BAND_IN_A_BOX.split())
def test_the_dominants_of_band_in_a_box(quality: str):
    number = re.match(r"\d+", quality)[0]
    wanted = {"1", "3", "5", "b7"} | {"7": set(), "9": {"9"}, "13": {"9", "13"}}[number]
    wanted = wanted - {"3"} | {"4"} if "sus" in quality else wanted
    for change in re.findall(r"[b#]\d+", quality.removeprefix(number)):
        wanted = wanted - {change[1:]} | {change}
    assert read(quality) == {semitones(degree) for degree in wanted}


@pytest.mark.parametrize("tones", ELSEWHERE)
def test_spellings_from_elsewhere(tones: str):
    found = {quality: read(quality.replace("_", " ")) for quality in ELSEWHERE[tones].split()}
    assert {quality: read for quality, read in found.items() if read != degrees(tones)} == {}


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("C/e", "C/E"),
        ("Gm/bb", "Gm/Bb"),
        ("A/c#", "A/C#"),
        ("C7/b", "C7/B"),
        ("D\\F#", "D/F#"),
        ("ConG", "C/G"),
        ("C/Bbb", "C/A"),
        ("Fxm7", "Gm7"),
        ("B𝄫7", "A7"),
        ("B flat minor 7", "Bbm7"),
        ("F sharp 7 flat 9", "F#7b9"),
        ('"Gm"', "Gm"),
        ("(Dm7)", "Dm7"),
        ("[Am7]", "Am7"),
        ("C^7(A-7)", "Cmaj7"),  # an alternate chord, as iReal Pro has them
        ("Ab7#9 (Abo7)", "Ab7#9"),
        ("D^7/A(C#7(b9))", "Dmaj7/A"),
        ("B-:7", "Bb7"),  # Humdrum
        ("Eb:min7/b3", "Ebm7/Gb"),  # Harte
        ("F#:maj/3", "F#/A#"),
        ("C:9", "C9"),
        ("N", "NC"),
        ("tacet", "NC"),
        ("N/C", "NC"),
        ("C*7add4*", "C7add11"),
        ("𝄎", "%"),
    ],
)
def test_roots_and_basses_from_elsewhere(text: str, canonical: str):
    assert str(chord(text)) == canonical


def test_a_repeat_sign_sounds_nothing_by_itself():
    assert chord("%") == SAME == NO_CHORD
    assert (str(SAME), str(NO_CHORD), SAME.pitch_classes) == ("%", "NC", ())


@pytest.mark.parametrize("text", ["C7-", "Ebm7-", "C/E/G", "A/c+", "C7(H)", "Coda", "D.C.", "D.S.", "Chorus"])
def test_what_no_program_writes(text: str):
    with pytest.raises(ValueError, match="expected a chord"):
        chord(text)
