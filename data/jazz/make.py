"""Makes the MIDI files and the README of this folder from the tunes in abc/.

    python data/jazz/make.py            writes them
    python data/jazz/make.py --check    says which of them differ from their sources, and writes nothing

The grid is as written: eighths lie straight, since swing is playing. So it is in the solos we compare
with: of the quarters in which two notes begin, the first on the beat, the second begins on the half in
63 % at 80 to 160 quarters a minute and in 84 % above 280; on the last triplet in 23 and 11 %, on the last
sixteenth in 14 and 5 %. Running eighths are written even; long and short, about a quarter of the pairs,
stand mostly where a figure begins, after a rest or a long note: `c>d`, which `%%MIDI ratio 2 1` makes 2:1.
Notes sound as long as they are written; a short one has a dot or a rest.

Velocities are those players give, measured on the same solos (a line through their loudness ranks,
45 to 115, that explains a quarter of the variance): see `ACCENTS`.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

from check import ALLOWED  # noqa: E402
from measure import BANDS  # noqa: E402
from measures import MEASURES, STRETCH  # noqa: E402
from notation import Note, Tune, read  # noqa: E402

from musicgen.errors import FileError, MusicgenError, at  # noqa: E402
from musicgen.music.formats import midi  # noqa: E402
from musicgen.music.score import KEY, METRE, NOTE, TEMPO, Score, Text, Track, table  # noqa: E402
from musicgen.music.theory import chord  # noqa: E402

RESOLUTION = 480
TENOR_SAX = 66
LOUDNESS, PER_SEMITONE, SOFTEST, LOUDEST = 81, 1.1, 45, 115
ACCENTS = {"peak": 2, "valley": -6, "phrase begins": 4, "phrase ends": -9, "on the beat": 2, "on the half": 1}
BREATH = Fraction(3, 2)  # quarters between two onsets that part phrases


def score(tune: Tune) -> Score:
    """The tune as MIDI holds it: tempo, metre, key, chord symbols, and one track with the line."""
    for symbol in tune.chords:
        with at(f"quarter {float(symbol.start):g}"):
            chord(symbol.text)
    header = tune.header
    notes = [
        (_ticks(note.start), _ticks(note.duration), note.pitch, velocity)
        for note, velocity in zip(tune.notes, velocities(tune.notes), strict=True)
    ]
    words = (header["T"], f"{header['C']}: {header['S']}", header["N"])
    return Score(
        resolution=RESOLUTION,
        tracks=(Track(_voice(header["S"]), program=TENOR_SAX, notes=table(NOTE, notes)),),
        tempos=table(TEMPO, [(0, round(60e6 / tune.tempo_bpm))]),
        metres=table(METRE, [(0, *tune.metre)]),
        keys=table(KEY, [(0, tune.sharps, tune.minor)]),
        markers=tuple(Text(_ticks(symbol.start), symbol.text) for symbol in tune.chords),
        texts=tuple(Text(0, text) for text in words),
    )


def velocities(notes: tuple[Note, ...]) -> list[int]:
    """Louder on the beat, higher, at a phrase's begin; softer in a valley and at a phrase's end."""
    pitches = [note.pitch for note in notes]
    mean = sum(pitches) / len(pitches)
    waits = [after.start - note.start for note, after in pairwise(notes)]
    begins = [True, *(wait >= BREATH for wait in waits)]
    ends = [*begins[1:], True]
    before, after = [pitches[0], *pitches], [*pitches[1:], pitches[-1]]
    found = []
    for i, note in enumerate(notes):
        marks = {
            "peak": before[i] < note.pitch >= after[i],
            "valley": before[i] > note.pitch <= after[i],
            "phrase begins": begins[i],
            "phrase ends": ends[i],
            "on the beat": note.start % 1 == 0,
            "on the half": note.start % 1 == Fraction(1, 2),
        }
        accents = sum(ACCENTS[name] for name, holds in marks.items() if holds)
        loudness = round(LOUDNESS + PER_SEMITONE * (note.pitch - mean) + accents)
        found.append(min(max(loudness, SOFTEST), LOUDEST))
    return found


def _ticks(quarters: Fraction) -> int:
    ticks = quarters * RESOLUTION
    if ticks.denominator != 1:
        raise FileError(f"expected lengths that {RESOLUTION} ticks a quarter can place. Received: {quarters} quarters")
    return int(ticks)


def _voice(source: str) -> str:
    return "solo" if source.startswith("our solo") else "melody"


README = """# Jazz lines

{lines} lines with chord symbols, {notes:,} notes, made for this project: {public} tunes that are in the public
domain, as jazz is played on them, most with a chorus of our own after the tune, and {ours} heads and solos of our own.
Nothing here is taken from a recording, a transcription or another collection.

- `abc/*.abc` are the sources, one tune each, to read and to change. `python data/jazz/make.py` makes the MIDI files
  and this page from them; a bar that does not add up is an error.
- `*.mid`: the first track holds tempo, metre, key and the chord symbols as markers, the second the line, named
  `solo`, or `melody` where it begins with a head; 480 ticks a quarter. Eighths are straight in the grid and triplets
  are written out: swing is playing. `make.py` says why, with the numbers.
- `make data-check` compares each line with real solos: `measures.py` says what is measured, `bands.json` holds the
  5 to 95 % bands, from {solos} solos of the Weimar Jazz Database in stretches of {stretch} notes (numbers only, made by
  `measure.py`). A line may lie outside in two of the {measures} measures. So do {solos_pass:.0%} of those solos.

Licence: what is ours is dedicated to the public domain (CC0 1.0,
<https://creativecommons.org/publicdomain/zero/1.0/>): all notes of the lines marked "ours", and the solo choruses,
embellishments and chord symbols of the others. The melodies of the others are in the public domain: traditional, or
published in the year given by a composer who died in 1955 or before.

| line | what it is | by | key | a minute | bars | notes |
|---|---|---|---|---|---|---|
{rows}
"""


def readme(tunes: dict[str, Tune]) -> str:
    """The page about the folder; `tunes` by file name."""
    measured = json.loads(BANDS.read_text(encoding="utf-8"))
    ours = sum(tune.header["C"] == "ours" for tune in tunes.values())
    return README.format(
        lines=len(tunes),
        notes=sum(len(tune.notes) for tune in tunes.values()),
        ours=ours,
        public=len(tunes) - ours,
        solos=measured["solos"],
        stretch=STRETCH,
        measures=len(MEASURES),
        solos_pass=sum(measured["solos_outside"][: ALLOWED + 1]) / measured["solos"],
        rows="\n".join(_row(name, tune) for name, tune in tunes.items()),
    )


def _row(name: str, tune: Tune) -> str:
    header = tune.header
    title = f"[{header['T']}](abc/{name}.abc)"
    cells = (title, header["S"], header["C"], header["K"], tune.tempo_bpm, tune.bars, len(tune.notes))
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def tunes() -> dict[str, Tune]:
    """Every tune of abc/, by file name without suffix."""
    found = {path.stem: read(path) for path in sorted((HERE / "abc").glob("*.abc"))}
    for letter in "XT":
        (value, count), *_ = Counter(tune.header[letter] for tune in found.values()).most_common(1)
        if count > 1:
            raise FileError(f"expected every tune to have its own {letter}:. Received: {value} in {count} files")
    return found


def files() -> dict[Path, bytes]:
    """What this folder should hold beside the sources and the programs."""
    found = tunes()
    made = {HERE / "README.md": readme(found).encode("utf-8")}
    for name, tune in found.items():
        with at(f"{name}.abc"):
            made[HERE / f"{name}.mid"] = midi.write(score(tune))
    return made


def main(check: bool) -> int:
    """Write the files, or say which are not as they should be; the exit status."""
    made = files()
    changed = [path for path, data in made.items() if not path.is_file() or path.read_bytes() != data]
    stray = [path for path in HERE.glob("*.mid") if path not in made]
    for path in changed:
        if not check:
            path.write_bytes(made[path])
        print(f"{path.name}: {'differs from its source' if check else 'written'}")
    for path in stray:
        print(f"{path.name}: has no source in abc/")
    return int(bool(stray or (check and changed)))


if __name__ == "__main__":
    if sys.argv[1:] not in ([], ["--check"]):
        sys.exit("usage: python data/jazz/make.py [--check]")
    try:
        sys.exit(main(check=bool(sys.argv[1:])))
    except MusicgenError as error:
        sys.exit(str(error))
