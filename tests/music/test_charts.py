"""Charts: where each chord falls, what is played in which order, and the text that gives it all back."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicgen.errors import ChordError, FileError, InputError, OptionError
from musicgen.music.charts import Chart, beats, chart, read_chart
from musicgen.music.scales import FLATS, key
from musicgen.music.theory import chord

SYMBOLS = ["Dm7", "G7alt", "C(b9)", "NC", "F#m7b5/E", "Ebmaj9#11"]


def played(source: str, **options) -> str:
    """The bars as text, one cell a bar."""
    found = chart(source, **options)
    return " | ".join(" ".join(str(symbol) for _, symbol in bar) for bar in found.bars)


def places(bar: str, metre: tuple[int, int]) -> list[float]:
    return [float(place) for place, _ in chart(bar, metre).bars[0]]


@pytest.mark.parametrize(
    ("metre", "bar", "expected"),
    [
        ((4, 4), "C", [0]),
        ((4, 4), "C D", [0, 2]),
        ((4, 4), "C D E", [0, 2, 3]),
        ((4, 4), "C D E F", [0, 1, 2, 3]),
        ((4, 4), "C . . D", [0, 3]),
        ((4, 4), "C / / D", [0, 3]),
        ((4, 4), "C D E F G", [0, 1, 2, 3, 3.5]),
        ((4, 4), "C D . E F . . .", [0, 0.5, 1.5, 2]),
        ((3, 4), "C D", [0, 2]),
        ((5, 4), "C D", [0, 3]),
        ((6, 8), "C D", [0, 1.5]),
        ((6, 8), "C . D E . .", [0, 1, 1.5]),
        ((12, 8), "C D E", [0, 3, 4.5]),
        ((2, 2), "C D", [0, 2]),
        ((7, 8), "C D", [0, 2]),
    ],
)
def test_chords_share_the_beats(metre: tuple[int, int], bar: str, expected: list[float]):
    assert places(bar, metre) == expected
    assert chart(bar, metre).quarters_per_bar == Fraction(4 * metre[0], metre[1])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Dm7 G7 | Cmaj7 | %", "Dm7 G7 | Cmaj7 | Cmaj7"),
        ("| Dm7 | G7 |\n\n| C | | F |]", "Dm7 | G7 | C | F"),
        ("# a comment\nDm7, G7 || N.C.", "Dm7 G7 | NC"),
        ("𝄆 C\u2003| F 𝄇", "C | F | C | F"),
        ("||: C | F | [1. G :|| [2. C ||", "C | F | G | C | F | C"),
        ("C F | % | . G", "C F | C F | F G"),
        ("Am /G /F# | C7(b9, 13)", "Am Am/G Am/F# | C13b9"),
        ("|: C | F :|", "C | F | C | F"),
        ("C | F :|x3 G", "C | F | C | F | C | F | G"),
        ("C |: F :|: G :| A", "C | F | F | G | G | A"),
        ("|: C |1. D :|2. E | F", "C | D | C | E | F"),
        ("|: C |1. D :|2. E :| F", "C | D | C | E | F"),
        ("|: C |1,2. D :|3. E |", "C | D | C | D | C | E"),
        ("|: C |1. D :| E", "C | D | C | E"),
        ("|: C |1. D | E :|2. F\n[B] G :|", "C | D | E | C | F | G | G"),
        ("[A] C | D\n[B] E\nform: AABA", "C | D | C | D | E | C | D"),
        ("G7\n[A] C :|\n[Solo] E\nForm: A Solo A", "G7 | C | C | E | C | C"),
        ("[A] C\n[B] E\n(BA)", "E | C"),
        ("[A1] C\n[A2] E\nform: A1A2A1", "C | E | C"),
        ("[A] C | D [B] E form: AABA", "C | D | C | D | E | C | D"),  # all in one line
        ("[A] C [B] E, form AABA", "C | C | E | C"),
        ("form AABA\n[A]: C\n[B]: E", "C | C | E | C"),
        ("A: C\nB: E\nAABA", "C | C | E | C"),
        ("[A] C\n[B] E\nform: aa ba", "C | C | E | C"),
        ("[Intro] C\n[A] E\nform: Intro A A", "C | E | E"),
        ("|: C |1 D :|2 E ||", "C | D | C | E"),
        ("|: C |[1] D :|[2] E ||", "C | D | C | E"),
        ("|: C :| 3x", "C | C | C"),
        ("C | x | 𝄎 | F", "C | C | C | F"),
        ("C7 (b9) | Ab7#9(Abo7) | F (Dm7)", "C7b9 | Ab7#9 | F"),  # what is in brackets goes with the chord
        ("\ufefftempo: 90\nstyle: Bossa Nova\nC\r\nF", "C | F"),
    ],
)
def test_what_is_played(text: str, expected: str):
    assert played(text) == expected


def test_the_header_and_the_sections():
    found = chart("title: Our blues\nkey: Bb\nmetre: 3/4\n[A] Bb7 :|\n[Solo] Eb7")
    assert (found.title, found.key, found.metre) == ("Our blues", key("Bb major"), (3, 4))
    assert found.sections == ((0, "A"), (1, "A"), (2, "Solo"))


BARS = st.lists(st.lists(st.sampled_from([*SYMBOLS, "."]), min_size=1, max_size=9), min_size=1, max_size=9)
METRES = st.sampled_from([(4, 4), (3, 4), (5, 4), (6, 8), (7, 8), (12, 8), (2, 2)])
SECTIONS = st.dictionaries(st.integers(0, 8), st.sampled_from(["A", "B", "Solo"]))


@given(BARS, METRES, SECTIONS, st.sampled_from(FLATS), st.integers(1, 20), st.integers(-6, 6))
def test_a_chart_prints_itself(bars, metre, sections, tonic, length, up):
    cells = [f"{f'[{sections[index]}]' if index in sections else ''} {' '.join(bar)}" for index, bar in enumerate(bars)]
    found = chart(f"title: Test\nkey: {tonic}\nC {'|'.join(cells)}", metre)
    assert chart(str(found)) == found
    assert chart(str(found.stretched(length))) == found.stretched(length)
    assert chart(str(found.transpose(up))) == found.transpose(up)
    assert found.transpose(up).transpose(-up) == found


MARKS = """
    C Dm7 G7(b9) | |: :| x3 [A] [B] 1. 2 % . / /E ( ) (b9) form: AABA 3/4 key: # ] [ x NC : 7 irealb:// = T44 Z
"""


@given(st.lists(st.sampled_from([*MARKS.split(), " ", "\n"]), max_size=14).map("".join))
def test_any_text_is_a_chart_or_an_error_of_one_line(text: str):
    try:
        found = chart(text)
    except InputError as error:
        assert "Received: " in str(error)
        assert len(str(error).splitlines()) == 1
    else:
        assert chart(str(found)) == found


def test_what_is_long_is_answered_at_once():
    for text in (f"C{' ' * 100_000}D", f"C{'/E' * 20_000}", "form " * 20_000, "C7" + "+-" * 20_000, "(" * 100_000):
        try:
            chart(text)
        except InputError as error:
            assert len(str(error)) < 250


def test_thirds_of_a_beat_print_as_well():
    bar = ((Fraction(0), chord("C")), (Fraction(4, 3), chord("G7")))
    assert chart(str(Chart((bar,)))).bars == (bar,)


def test_a_metre_may_stand_before_the_first_bar():
    assert chart("3/4 C F | G") == chart("metre: 3/4\nC F | G")


def test_stretched_repeats_or_cuts():
    found = chart("[A] C | D\n[B] E")
    assert str(found.stretched(5)) == "[A]\n| C | D |\n[B]\n| E |\n[A]\n| C | D |"
    assert found.stretched(2).bars == found.bars[:2]
    assert len(found.stretched(300).bars) == 300
    with pytest.raises(OptionError, match=r"at least 1 bar\. Received: 0"):
        found.stretched(0)


def test_changes_merge_equal_neighbours():
    found = chart("Dm7 G7 | Cmaj7 | % | C^7 . F7 | Gb7/F#", (3, 4)).changes(12)
    assert [(tick, str(symbol)) for tick, symbol in found] == [
        (0, "Dm7"),
        (24, "G7"),
        (36, "Cmaj7"),
        (132, "F7"),
        (144, "Gb7"),
    ]
    with pytest.raises(OptionError, match="1 tick"):
        chart("C").changes(0)


def test_a_chart_can_be_in_a_file(tmp_path: Path):
    path = tmp_path / "tune.txt"
    path.write_text("title: Été\nDm7 | G7", encoding="utf-8")
    assert chart(path) == chart(str(path)) == read_chart(path) == chart(chart(path))
    assert chart(path).title == "Été"
    path.write_text("Dm7 | Gm77")
    with pytest.raises(ChordError, match=r"tune\.txt: chart, bar 2: expected a chord .* Did you mean Gm7"):
        chart(path)
    with pytest.raises(FileError, match=r"missing\.txt: expected a text file"):
        chart(str(tmp_path / "missing.txt"))


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("C | F\nG Gm77", ChordError, r'^chart, bar 3: expected a chord .* "Gm77"\. Did you mean Gm7\?$'),
        ("", ChordError, "chart: expected at least one bar"),
        ("# nothing but words", ChordError, "chart: expected at least one bar"),
        ("%", ChordError, 'chart, bar 1: expected a chord before "%"'),
        (". C", ChordError, r'chart, bar 1: expected a chord before "\."'),
        (":| C", ChordError, r"chart: expected a bar before :\|"),
        ("C ]", ChordError, r'chart: expected chords, bar lines and sections. Received: "\]"'),
        ("[A] [B] C", ChordError, 'chart: expected bars in section "A"'),
        ("C7 #11", ChordError, 'chart, bar 1: .* Received: "#11"'),
        ("[A] C\nform: ABA", ChordError, 'chart, form: expected sections A. Received: "B"'),
        ("C\nform: AA", ChordError, r"chart, form: expected sections marked in the chart, such as \[A\]"),
        ("[A] C\n[A] D\nform: AA", ChordError, 'chart, form: expected each section once. Received: "A" twice'),
        ("metre: 4/5\nC", OptionError, "chart: expected a metre such as 4/4 or 6/8. Received: 4/5"),
        ("metre: waltz\nC", OptionError, 'chart: expected a metre such as 4/4 or 6/8. Received: "waltz"'),
        ("key: H\nC", OptionError, "chart: expected a key"),
    ],
)
def test_what_is_no_chart(text: str, error: type[Exception], message: str):
    with pytest.raises(error, match=message):
        chart(text)


def test_a_chart_made_by_hand_is_checked():
    with pytest.raises(ChordError, match="bar 1: expected chords at rising places from 0"):
        Chart((((Fraction(1), chord("C")),),))
    with pytest.raises(ChordError, match="bar 1: expected chords at rising places from 0"):
        Chart((((Fraction(0), chord("C")), (Fraction(4), chord("F"))),))
    with pytest.raises(OptionError, match="metre"):
        chart("C", (0, 4))


def test_beats_of_compound_metres_are_dotted():
    assert [beats(metre) for metre in ((4, 4), (6, 8), (12, 8), (3, 8), (6, 4))] == [
        (4, 1),
        (2, Fraction(3, 2)),
        (4, Fraction(3, 2)),
        (3, Fraction(1, 2)),
        (6, 1),
    ]
