"""Instruments: General MIDI's names and families, and what people call them.

An instrument is a number: a program from 0 to 127, or `DRUMS`. Eight programs in a row are a
family (General MIDI Level 1, 1991); a family's name stands for any of its eight.
"""

from __future__ import annotations

from difflib import get_close_matches

from musicgen.errors import OptionError

DRUMS = 128
_FAMILIES = {
    "piano": "acoustic grand piano, bright acoustic piano, electric grand piano, honky-tonk piano, electric piano 1,"
    " electric piano 2, harpsichord, clavinet",
    "chromatic percussion": "celesta, glockenspiel, music box, vibraphone, marimba, xylophone, tubular bells, dulcimer",
    "organ": "drawbar organ, percussive organ, rock organ, church organ, reed organ, accordion, harmonica,"
    " tango accordion",
    "guitar": "nylon guitar, steel guitar, jazz guitar, clean guitar, muted guitar, overdriven guitar,"
    " distortion guitar, guitar harmonics",
    "bass": "acoustic bass, finger bass, pick bass, fretless bass, slap bass 1, slap bass 2, synth bass 1,"
    " synth bass 2",
    "strings": "violin, viola, cello, contrabass, tremolo strings, pizzicato strings, harp, timpani",
    "ensemble": "string ensemble 1, string ensemble 2, synth strings 1, synth strings 2, choir aahs, voice oohs,"
    " synth voice, orchestra hit",
    "brass": "trumpet, trombone, tuba, muted trumpet, french horn, brass section, synth brass 1, synth brass 2",
    "reed": "soprano sax, alto sax, tenor sax, baritone sax, oboe, english horn, bassoon, clarinet",
    "pipe": "piccolo, flute, recorder, pan flute, blown bottle, shakuhachi, whistle, ocarina",
    "synth lead": "square lead, sawtooth lead, calliope lead, chiff lead, charang lead, voice lead, fifths lead,"
    " bass and lead",
    "synth pad": "new age pad, warm pad, polysynth pad, choir pad, bowed pad, metallic pad, halo pad, sweep pad",
    "synth effects": "rain, soundtrack, crystal, atmosphere, brightness, goblins, echoes, sci-fi",
    "ethnic": "sitar, banjo, shamisen, koto, kalimba, bagpipe, fiddle, shanai",
    "percussive": "tinkle bell, agogo, steel drums, woodblock, taiko drum, melodic tom, synth drum, reverse cymbal",
    "sound effects": "guitar fret noise, breath noise, seashore, bird tweet, telephone ring, helicopter, applause,"
    " gunshot",
}
NAMES = (*", ".join(_FAMILIES.values()).split(", "), "drums")  # of each instrument
_GROUPS = {
    **{name: tuple(range(8 * number, 8 * number + 8)) for number, name in enumerate(_FAMILIES)},
    "sax": (64, 65, 66, 67),
    "choir": (52, 53, 54),
    "electric piano": (4, 5),
    "harmonium": (20,),
    "double bass": (32, 43),
    "horn": (60,),
    "percussion": (DRUMS,),
}
_KNOWN = {**{name: (number,) for number, name in enumerate(NAMES)}, **_GROUPS}


def instruments(words: str) -> tuple[int, ...]:
    """`"piano, trumpet, 33, drums"` as the numbers of all that is named, in order; nothing named: none.

    Raises:
        OptionError: a name or number is unknown; gives the nearest known name.
    """
    return tuple(sorted({number for word in words.split(",") if word.strip() for number in _named(word)}))


def _named(word: str) -> tuple[int, ...]:
    """The instruments of one name, or the one of a number."""
    name = " ".join(word.lower().split())
    if name.isdecimal() and int(name) <= DRUMS:
        return (int(name),)
    if name in _KNOWN:
        return _KNOWN[name]
    near = get_close_matches(name, _KNOWN, 1, cutoff=0)
    raise OptionError(
        f"instruments: expected names such as piano, or numbers from 0 to {DRUMS}."
        f" Received: {word.strip()}. Did you mean {near[0]}?"
    )
