"""What speaks for a track's being the melody: marks for its name and for what it plays.

A track's marks are those of its name (`NAMES`), plus its `Traits`, weighed. They say nothing by themselves;
the track with the most is the likeliest (`melody` chooses).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from musicgen.music.score import Score, Table, Track

JUDGED = 2000  # notes of a track that are listened to
JUDGED_IN_ALL = 30_000  # notes of all tracks, about
SPREAD = 32  # notes nearer than this part of a quarter begin together
PARTS = 32  # of a piece, for presence
LENGTHS = 12  # to a quarter: lengths nearer than this are one

# Marks for words in a name; accents and upper case do not matter, `*` is any letters.
NAMES: tuple[tuple[float, str], ...] = (
    (
        8.0,
        "melod* solo lead vocal* vokal* vox voc voice voices voz voix voce gesang singstimme zang sang sing* canto"
        " cantus cantante cantor chant* sopran* superius treble descant discant diskant theme thema tema tune air head"
        " мелод* соло вокал* голос* μελωδ* *メロディ* *旋律* *歌* *ボーカル* *独奏* *主音* *멜로디* *보컬* *선율*",
    ),
    (
        2.0,
        "sax* altosax tenorsax trumpet* trompet* tromba tromb* posaun* cornet* clarin* klarin* flute flutes flaut*"
        " flot* oboe* hautb* violin violine violino violins violon geige fiddle viool whistle piccolo recorder blockfl*"
        " harmonica mundharmonika primo",
    ),
    (2.0, "right rh droite rechte derecha destra upper"),
    (
        -6.0,
        "chord* akkord akkorde akkorden accord accords accordi acorde acordes comp comping rhythm* ritm* rythm* pad"
        " pads bass basso bassi bas kontrabass contrabass contrabasso contrabbasso basse bajo baixo contrebasse drum*"
        " schlagz* bater* percus* perkus* begleit* accomp* acomp* backing harmony harmonies harmonie harmonia left lh"
        " gauche linke izquierda sinistra lower arp arps arpegg* click metronom* бас аккорд* удар* аккомп*"
        " *和音* *コード* *ベース* *伴奏* *ドラム* *低音* *베이스* *반주* *코드* *드럼*",
    ),
)


def _plain(text: str) -> str:
    """Lower case, without accents."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


_PATTERNS = tuple(
    (mark, re.compile(rf"\b(?:{'|'.join(_plain(words).replace('*', '[^ ]*').split())})\b")) for mark, words in NAMES
)


def name_marks(name: str) -> float:
    """What a track's name says for (above 0) or against (below 0) its being the melody."""
    words = " ".join(re.findall(r"[^\W\d_]+", _plain(name)))
    return sum(mark for mark, pattern in _PATTERNS if pattern.search(words))


@dataclass(frozen=True)
class Traits:
    """What a track plays, each from 0 to 1.

    Attributes:
        single: share of its notes that are in its top line.
        high: how near its mean pitch is to C5, where melodies lie; 0 from three octaves off.
        higher: 1 for the highest of the tracks, 0 for the lowest.
        present: share of the piece in which it begins notes.
        stepwise: share of its moves that are of a major third or less.
        hammered: share of its notes that repeat the one before.
        varied: share of its notes that last otherwise than most do: a bass walks, an arpeggio runs, a pad holds.
    """

    single: float
    high: float
    higher: float
    present: float
    stepwise: float
    hammered: float
    varied: float


# By hand, near a logistic fit to half of four corpora and of bands made up around their lines.
WEIGHTS = Traits(single=3, high=3, higher=2, present=2, stepwise=3, hammered=-1, varied=3)


def weighed(traits: Traits) -> float:
    """The marks for what a track plays."""
    return sum(weight * trait for weight, trait in zip(vars(WEIGHTS).values(), vars(traits).values(), strict=True))


def traits(tracks: Sequence[Track], score: Score) -> list[Traits]:
    """The traits of each of a score's tracks; all have notes."""
    end = max(score.end, 1)
    judged = max(min(JUDGED, JUDGED_IN_ALL // max(len(tracks), 1)), 16)
    heard = [track.notes[:judged] for track in tracks]
    lines = [notes[top(notes, score.resolution)] for notes in heard]
    means = np.array([line["pitch"].mean() for line in lines])
    ranks = (means[:, None] > means).sum(axis=1) / max(len(tracks) - 1, 1)
    return [
        Traits(
            single=len(line) / len(notes),
            high=max(1 - abs(float(mean) - 72) / 36, 0.0),
            higher=float(rank),
            present=len(np.unique(track.notes["start"] * PARTS // end)) / PARTS,
            stepwise=_share(_moves(line) <= 4, _moves(line) > 0),
            hammered=_share(_moves(line) == 0),
            varied=_variety(np.diff(line["start"]) * LENGTHS // score.resolution),
        )
        for track, notes, line, mean, rank in zip(tracks, heard, lines, means, ranks, strict=True)
    ]


def _moves(line: Table) -> npt.NDArray[np.int64]:
    """Semitones from note to note."""
    return np.abs(np.diff(line["pitch"].astype(int)))


def _share(found: npt.NDArray[np.bool_], among: npt.NDArray[np.bool_] | None = None) -> float:
    found = found if among is None else found[among]
    return float(found.mean()) if len(found) else 0.0


def _variety(lengths: npt.NDArray[np.int64]) -> float:
    """The share of lengths that are not the most frequent one."""
    return 1 - float(np.unique(lengths, return_counts=True)[1].max()) / len(lengths) if len(lengths) else 0.0


def top(notes: Table, resolution: int) -> npt.NDArray[np.intp]:
    """The top line: the places of notes that are the highest when they begin and for at least half their time."""
    together = np.cumsum(np.diff(notes["start"], prepend=notes["start"][:1]) * SPREAD > resolution)
    order = np.lexsort([notes["duration"], notes["pitch"], together])
    highest = order[np.append(np.diff(together[order]) > 0, True)[: len(order)]]
    ends: dict[int, int] = {}  # of the line's notes that sound, by pitch
    kept = []
    for place, (start, duration, pitch, _) in zip(highest.tolist(), notes[highest].tolist(), strict=True):
        ends = {other: end for other, end in ends.items() if end > start}
        if not any(other > pitch and 2 * (end - start) >= duration for other, end in ends.items()):
            kept.append(place)
            ends[pitch] = max(ends.get(pitch, 0), start + duration)
    return np.sort(np.array(kept, np.intp))
