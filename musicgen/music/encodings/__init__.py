"""Encodings: a document as sequences of values, and back."""

from musicgen.music.encodings.chorales import ChoraleEncoding
from musicgen.music.encodings.encoding import Context, Encoding
from musicgen.music.encodings.events import EventEncoding
from musicgen.music.encodings.jazz import JazzEncoding
from musicgen.music.encodings.text import CharacterEncoding, WordEncoding

ENCODINGS: dict[str, type[Encoding]] = {
    encoding.name: encoding
    for encoding in (JazzEncoding, EventEncoding, ChoraleEncoding, CharacterEncoding, WordEncoding)
}

__all__ = [
    "ENCODINGS",
    "CharacterEncoding",
    "ChoraleEncoding",
    "Context",
    "Encoding",
    "EventEncoding",
    "JazzEncoding",
    "WordEncoding",
]
