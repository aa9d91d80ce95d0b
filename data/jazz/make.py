"""Makes the MIDI files and the README of this folder from the tunes in abc/.

    python data/jazz/make.py

Eighths lie straight on the grid, as they do in the solos we compare with (of the beats with two
notes there, the second falls on the half in 63 % at 80 to 120 quarters a minute and in 84 % above
280): swing is playing. Where a tune wants long-short in the grid it is written (`(3:2:2c2d`).
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

import mido
import notation

RESOLUTION = 480


def midi(tune):
    file = mido.MidiFile(type=1, ticks_per_beat=RESOLUTION)
    first, second = mido.MidiTrack(), mido.MidiTrack()
    file.tracks += [first, second]
    T = lambda q: int(q * RESOLUTION)
    first.append(mido.MetaMessage("track_name", name=tune.header["T"]))
    first.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(tune.tempo_bpm)))
    first.append(mido.MetaMessage("time_signature", numerator=tune.metre[0], denominator=tune.metre[1]))
    names = ["Cb", "Gb", "Db", "Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#"]
    minors = ["Abm", "Ebm", "Bbm", "Fm", "Cm", "Gm", "Dm", "Am", "Em", "Bm", "F#m", "C#m", "G#m", "D#m", "A#m"]
    first.append(mido.MetaMessage("key_signature", key=(minors if tune.minor else names)[tune.sharps + 7]))
    now = 0
    for c in tune.chords:
        first.append(mido.MetaMessage("marker", text=c.text, time=T(c.start) - now))
        now = T(c.start)
    second.append(mido.MetaMessage("track_name", name="solo"))
    events = []
    for n in tune.notes:
        events.append((T(n.start), 1, n.pitch))
        events.append((T(n.start + n.duration), 0, n.pitch))
    now = 0
    for t, on, p in sorted(events):
        second.append(mido.Message("note_on" if on else "note_off", note=p, velocity=80 if on else 0, time=t - now))
        now = t
    return file


if __name__ == "__main__":
    for path in sorted((HERE / "abc").glob("*.abc")):
        tune = notation.read(path)
        midi(tune).save(HERE / f"{path.stem}.mid")
        print(path.stem, tune.bars, len(tune.notes))
