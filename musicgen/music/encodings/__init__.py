"""Encodings: a document as sequences of values, and back."""

from musicgen.music.encodings.encoding import Context, Encoding
from musicgen.music.encodings.jazz import JazzEncoding

ENCODINGS: dict[str, Encoding] = {encoding.name: encoding for encoding in (JazzEncoding(),)}

__all__ = ["ENCODINGS", "Context", "Encoding", "JazzEncoding"]
