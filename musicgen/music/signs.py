"""The signs that writers of chord symbols use, brought to the few that `qualities` reads.

This is no grammar: what a quality means is decided in `qualities`. Here "C⁷♯⁹", "CΔ9", "C major seventh"
and "C7/9-" become C7#9, C^9, Cmajor7 and C7/b9. Half-diminished is written ø, h, 0 (MuseScore) and %
(fonts for jazz; the Jazz Harmony Treebank), a major seventh ∆, ^, j and t (MuseScore); in Brazil and
France an accidental follows its number, `7(9-)`, `5+`, and a tenth is a raised ninth, `7(b10)`.
"""

from __future__ import annotations

import re
import unicodedata

_SIGNS = str.maketrans(
    {"♭": "b", "♯": "#", "♮": "", "𝄫": "bb", "𝄪": "##", "−": "-", "‐": "-", "‑": "-", "–": "-", "—": "-"}
    | {"˚": "°", "⁄": "/", "∕": "/", "𝄎": "%", "“": '"', "”": '"'}
)
_QUALITY_SIGNS = str.maketrans(
    {"ø": "h", "Ø": "h", "∅": "h", "⌀": "h", "φ": "h", "Φ": "h", "ɸ": "h", "ϕ": "h", "°": "o", "º": "o"}
    | {"∆": "^", "Δ": "^", "△": "^", "▵": "^", "▲": "^", "⊿": "^", "∇": "^"}
)
_NUMBERS = {"second": "2", "fourth": "4", "power": "5", "fifth": "5", "sixth": "6", "seventh": "7", "ninth": "9"}
_NUMBERS |= {"eleventh": "11", "thirteenth": "13"}
# A chord that is named by its scale is the chord on which that scale is played.
_MODES = {"ion": "maj7", "dor": "m7", "phryg": "7sus4b9", "lyd": "maj7#11", "mixo": "7", "aeol": "m7b6", "loc": "m7b5"}


def plain(text: str) -> str:
    """`text` without outer spaces; its accidentals, dashes, raised and lowered figures in ASCII."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text.translate(_SIGNS)).translate(_SIGNS)
    return text.strip()


def spelled_accidentals(text: str) -> str:
    """`text` with "flat" and "sharp" as b and #: "B flat 7" is Bb7."""
    if "flat" not in text and "sharp" not in text:
        return text
    return re.sub(r"[\s-]*sharp\s*", "#", re.sub(r"[\s-]*flat\s*", "b", text))


def quality_signs(text: str) -> str:
    """A quality without spaces, in the letters, figures and signs of `qualities`; accidentals before their number."""
    return _accidentals_first(_words("".join(text.split()).translate(_QUALITY_SIGNS)))


def _words(text: str) -> str:
    mode = re.fullmatch(r"([a-z]{3,5}?)(?:r?ian|lydian)?", text)
    if mode and mode[1] in _MODES:
        return _MODES[mode[1]]
    text = re.sub(r"(?<=[a-z]{3})-(?=[a-z]|1[13]th)|(?<=[A-Za-z])\.", "", text)  # min-maj7, maj.7
    for word, figure in _NUMBERS.items():
        text = text.replace(word, figure) if word[-2:] in text else text
    return re.sub(r"^([-+m]?)t(?=\d|$)", r"\1^", re.sub(r"^:?[%0]", "h", text))


def _accidentals_first(text: str) -> str:
    text = re.sub(r"[b-]10", "#9", text)
    text = re.sub(r"(?:(?<=[(/,])(9|11|13)|(?<![b#+-])(5))([+-])(?!\d)", _turned, text)
    text = re.sub(r"[+-](?=5)|(?<=[\d(,/])[+-](?=9|11|13)|(?<=[min(-])\+(?=7)", lambda sign: "b#"[sign[0] == "+"], text)
    if re.search(r"7(9|11|13)", text):
        text = re.sub(r"(9|11|13)([b#])", r"\2\1", text)
    return re.sub(r"(5|9|11|13)([b#])(?!\d)", r"\2\1", text)


def _turned(found: re.Match[str]) -> str:
    """ "9-" as "b9"."""
    return ("#" if found[3] == "+" else "b") + (found[1] or found[2])
