"""Encodings: a document as sequences of values, and back."""

from musicgen.music.encodings.encoding import Context, Encoding
from musicgen.music.encodings.events import EventEncoding
from musicgen.music.encodings.jazz import JazzEncoding
from musicgen.music.encodings.text import CharacterEncoding, WordEncoding

ENCODINGS: dict[str, type[Encoding]] = {
    encoding.name: encoding for encoding in (JazzEncoding, EventEncoding, CharacterEncoding, WordEncoding)
}

__all__ = ["ENCODINGS", "CharacterEncoding", "Context", "Encoding", "EventEncoding", "JazzEncoding", "WordEncoding"]
