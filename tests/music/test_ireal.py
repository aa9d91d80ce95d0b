"""iReal Pro links: songs of our own, scrambled here and read back."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicgen.errors import ChordError
from musicgen.music import ireal
from musicgen.music.charts import chart

BLUES = (
    "{*AT44F7   |Bb7   |F7   |C-7 F7 |Bb7   | x  |N1A-7   |D7b9   }        |N2G-7 C7 |sF7,D7,lG-7,C7,]"
    "*B[Fh7   |Bb7b9#5 (E7)|Eb^9#11   |n   |Ab7sus   |   |W/E  |D-^7 pG7/BZ "
)
BLUES_PLAYED = """
[A]
| F7 | Bb7 | F7 | Cm7 F7 |
| Bb7 | % | Am7 | D7b9 |
[A]
| F7 | Bb7 | F7 | Cm7 F7 |
| Bb7 | % | Gm7 C7 | F7 D7 Gm7 C7 |
[B]
| Fm7b5 | Bb7#5b9 | Ebmaj9#11 | NC |
| Ab7sus4 | % | Ab7sus4/E | DmMaj7 . . G7/B |
"""


def link(music: str, title: str = "Kitchen Blues", key: str = "F") -> str:
    for short, long in ireal.ABBREVIATIONS.items():
        music = music.replace(long, short)
    fields = [title, "Nobody", "", "Medium Swing", key, "", ireal.PREFIX + ireal.unscramble(music), "", "0", "0"]
    return "irealb://" + quote("=".join(fields))


def test_a_song_is_read():
    found = chart(link(BLUES))
    assert str(found) == "title: Kitchen Blues\nkey: F major" + BLUES_PLAYED.rstrip()
    assert ireal.song(link(BLUES)).music == BLUES


def test_the_older_links_are_not_scrambled():
    old = "irealbook://" + quote(f"Kitchen Blues=Nobody=Medium Swing=F=n={BLUES}")
    assert chart(old) == chart(link(BLUES))


def test_a_link_is_found_in_a_page():
    page = f'<html>\n<p>Songs</p>\n<a href="{link(BLUES)}">Kitchen Blues</a></html>'
    assert chart(page) == chart(link(BLUES))


def test_of_several_songs_one_is_chosen():
    several = f"{link('C |Z', 'First')}={quote('===')}{link('D |Z', 'Second').partition('://')[2]}{quote('===My list')}"
    with pytest.raises(ChordError, match=r"1 to 2 after the link as in irealb://...#2. Received: 1 First, 2 Second$"):
        chart(several)
    assert [chart(f"{several}#{number}").title for number in (1, 2)] == ["First", "Second"]
    assert chart(f"{several}#2").bars == chart("D").bars
    with pytest.raises(ChordError, match="its number from 1 to 2"):
        chart(f"{several}#3")
    pasted = "\n".join(link("C |Z", f"Song {number}") for number in range(9))
    with pytest.raises(ChordError, match=r"5 Song 4 and 4 more$"):
        chart(pasted)
    assert chart(f"{pasted}\n#9").title == "Song 8"


def test_the_older_links_hold_several_songs_too():
    old = "irealbook://" + quote("=".join(f"Song {n}=Nobody=Swing=F=n=T44{n} |Z" for n in "CDE"))
    assert chart(f"{old}#2").bars == chart("D").bars
    assert chart("irealbook://Song=Nobody=Swing=F=n=T44C |F#7").bars == chart("C | F#7").bars


@given(st.text(max_size=180))
def test_scrambling_twice_gives_the_music_back(music: str):
    assert ireal.unscramble(ireal.unscramble(music)) == music


def test_a_block_is_mirrored_where_the_apps_do():
    scrambled = ireal.unscramble("".join(map(chr, range(32, 82))) + "  ")
    moved = {index for index, character in enumerate(scrambled[:50]) if ord(character) != 32 + index}
    assert moved == {*range(5), *range(10, 24), *range(26, 40), *range(45, 50)}


@pytest.mark.parametrize(
    ("music", "played"),
    [
        ("T34C   |F G |C D E |Z", "metre: 3/4\n| C | F G | C D E |"),
        ("T34C D |Z", "metre: 3/4\n| C D |"),
        ("T68C  F  |G   Z", "metre: 6/8\n| C F | G |"),
        ("T12C     |FZ", "metre: 12/8\n| C | F |"),
        ("T54C  F |C F  |Z", "metre: 5/4\n| C F | C . F . . |"),
        ("T44Cmaj7 |C6/9/E |Bø7 |Am7 Z", "| Cmaj7 | C69/E | Bm7b5 | Am7 |"),  # not as the app has them
        ("{C |F <3x>}GZ", "| C | F | C | F |\n| C | F | G |"),
        ("[C |D |r|   |E |<D.C. al Coda>F U]", "| C | D | C | D |\n| E | F |"),
        ("[C,D,E,F,G|C*7add4* |C2 |C-11 |C5 |C7susadd3 ]", "| C D E F G | C7add11 | Csus2 | Cm11 |\n| C5 | C7add11 |"),
    ],
)
def test_cells_become_beats(music: str, played: str):
    assert str(chart(link(music, title="", key=""))) == played


@pytest.mark.parametrize("text", ["irealb://", "irealb://Title=Nobody", "irealbook://A=B=C"])
def test_no_song(text: str):
    with pytest.raises(ChordError, match="expected an iReal Pro link with a song"):
        chart(text)


def test_an_unknown_chord_names_its_bar():
    with pytest.raises(ChordError, match="chart, bar 2: expected a chord"):
        chart(link("T44C   |C*foo*   Z"))
