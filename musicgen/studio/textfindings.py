"""What one text file holds, for the encodings whose documents are lines; see `findings`."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path

import numpy as np

from musicgen.errors import FileError
from musicgen.music.encodings import ENCODINGS
from musicgen.studio.corpus import read_text
from musicgen.studio.findings import TEXT, Finding, Look, Question

MOST = 100_000  # values of a vocabulary that is made only to count


def look_at_text(question: Question) -> Look:
    """What is in a text file, read line by line.

    Raises:
        FileError: it is no text in UTF-8, or an empty one.
    """
    path = str(question.place)
    lines = _lines(path)
    encoding = ENCODINGS[question.encoding].learned(lines, MOST)
    steps = [encoding.vocabulary.indices(encoding.encode(line)[0]) for line in lines]
    events = sum(int(encoding.counted(indices)[:, -1].sum()) for indices in steps)
    finding = Finding(path, "used", kind=TEXT, notes=events, steps=sum(map(len, steps)))
    digest = blake2b("\n".join(lines).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return Look(finding, digest, np.zeros(0, np.uint64), np.zeros(12))


def _lines(path: str) -> list[str]:
    """The lines that are not blank."""
    lines = [line for line in read_text(Path(path)).splitlines() if line.strip()]
    if not lines:
        raise FileError(f"{path}: expected lines of text. Received: none")
    return lines
