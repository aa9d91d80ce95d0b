"""What one text file holds, for the encodings whose documents are lines; see `findings`."""

from __future__ import annotations

from hashlib import blake2b
from os import PathLike, fspath
from pathlib import Path

import numpy as np

from musicgen.errors import FileError, at
from musicgen.music.encodings import ENCODINGS
from musicgen.studio.findings import TEXT, Finding, Look, Question

SUFFIX = ".txt"
MOST = 100_000  # values of a vocabulary that is made only to count


def find_texts(source: str | PathLike[str]) -> list[Path]:
    """The text files that `source` names: a file, or all below a folder.

    Raises:
        FileError: there is no such file or folder, or no text in it.
    """
    path = Path(source)
    if not path.exists():
        raise FileError(f"{path}: expected a file or a folder. Received: a name that does not exist")
    found = sorted(path.rglob(f"*{SUFFIX}")) if path.is_dir() else [path]
    if not found:
        raise FileError(f"{path}: expected files ending in {SUFFIX}. Received: a folder without any")
    return found


def look_at_text(question: Question) -> list[Look]:
    """What is in a text file, read line by line.

    Raises:
        FileError: it is no text in UTF-8, or an empty one.
    """
    path = fspath(question.path)
    lines = _lines(path)
    encoding = ENCODINGS[question.encoding].learned(lines, MOST)
    steps = [encoding.vocabulary.indices(encoding.encode(line)[0]) for line in lines]
    events = sum(int(encoding.counted(indices)[:, -1].sum()) for indices in steps)
    finding = Finding(path, "used", kind=TEXT, notes=events, steps=sum(map(len, steps)))
    digest = blake2b("\n".join(lines).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return [Look(finding, digest, np.zeros(0, np.uint64), np.zeros(12))]


def _lines(path: str) -> list[str]:
    """The lines that are not blank."""
    with at(path):
        try:
            text = Path(path).read_text("utf-8-sig")
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise FileError(f"expected a text in UTF-8. Received: {reason}") from error
        lines = [line for line in text.splitlines() if line.strip()]
        if not lines:
            raise FileError("expected lines of text. Received: none")
        return lines
