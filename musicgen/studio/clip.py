"""A clip: a generated piece that saves, shows and explains itself; a line, where the model writes text.

Its receipt says which weights, seed and wishes made it; a MIDI file carries it as a text event, so
that `musicgen reproduce clip.mid` makes the same file again.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from musicgen.errors import FileError, OptionError
from musicgen.music import files, pictures
from musicgen.music.encodings import ENCODINGS, JazzEncoding
from musicgen.music.score import Score, Text
from musicgen.neural.sampling import SamplingOptions
from musicgen.settings import check_kinds

PREFIX = "musicgen receipt "
DRAWN_BY = ("numpy", "compiled")
PICTURES = (".png", ".svg")


@dataclass(frozen=True)
class Receipt:
    """What it takes to make a clip again.

    Attributes:
        model: hash of the weights.
        name: the model's name or path as it was given.
        seed: of the noise.
        clip: number of this clip.
        first, clips: those drawn with it: `clips` of them, from number `first`.
        backend: "numpy" or "compiled".
        encoding: of the model, which knows what can be wished for.
        primer_steps: so many steps at the beginning were given, not drawn.
        primer_end: tick at which the given bars end.
        wishes, sampling: what was asked for.
        version: of this program.
    """

    model: str
    name: str
    seed: int
    clip: int
    first: int
    clips: int
    backend: str
    encoding: str = JazzEncoding.name
    primer_steps: int = 0
    primer_end: int = 0
    wishes: Any = field(default_factory=JazzEncoding.wishes)
    sampling: SamplingOptions = field(default_factory=SamplingOptions)
    version: str = ""

    def __post_init__(self) -> None:
        check_kinds(self)
        if not (0 <= self.seed < 2**64 and 0 <= self.first <= self.clip < self.first + self.clips):
            raise OptionError(
                "receipt: expected a seed, and a clip among those drawn with it. Received: "
                f"seed {self.seed}, clip {self.clip} of {self.clips} from {self.first}"
            )
        if self.backend not in DRAWN_BY:
            raise OptionError(f"receipt: expected backend {' or '.join(DRAWN_BY)}. Received: {self.backend}")
        if self.primer_steps < 0 or self.primer_end < 0:
            raise OptionError(f"receipt: expected a primer. Received: {self.primer_steps} steps to {self.primer_end}")

    def to_text(self) -> str:
        """As the text event of a MIDI file."""
        return PREFIX + json.dumps(asdict(self), ensure_ascii=True)

    @classmethod
    def of(cls, score: Score) -> Receipt:
        """The receipt that a score carries.

        Raises:
            FileError: it carries none, or one that cannot be read.
        """
        found = [text.text for text in score.texts if text.text.startswith(PREFIX)]
        if not found:
            raise FileError("expected a clip with a receipt. Received: a file without one")
        try:
            fields: dict[str, Any] = json.loads(found[0].removeprefix(PREFIX))
            kind = ENCODINGS[fields["encoding"]].wishes
            wishes, options = kind(**fields.pop("wishes")), SamplingOptions(**fields.pop("sampling"))
            return cls(**fields, wishes=wishes, sampling=options)
        except (ValueError, TypeError, KeyError) as error:
            raise FileError(f"expected a receipt of this version. Received: {error}") from error


@dataclass(frozen=True, eq=False, repr=False)
class Clip:
    """A generated piece.

    Attributes:
        score: the music, chord symbols as markers.
        receipt: how it was made.
        end: where its last bar ends, ticks.
    """

    score: Score
    receipt: Receipt
    end: int

    def __repr__(self) -> str:
        notes = sum(len(track.notes) for track in self.score.tracks)
        return f"Clip({notes} notes, seed {self.receipt.seed}, clip {self.receipt.clip + 1})"

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the clip as `.mid`, or its piano roll as `.png` or `.svg`.

        Raises:
            OptionError: another suffix.
        """
        target = Path(path)
        if target.suffix.lower() in PICTURES:
            return pictures.save_picture(self.picture(), target)
        if target.suffix.lower() not in files.FORMATS:
            known = ", ".join((*files.FORMATS, *PICTURES))
            raise OptionError(
                f"{target}: expected a name ending in one of {known}. Received: {target.suffix or 'none'}"
            )
        files.write(self.with_receipt(), target)
        return target

    def with_receipt(self) -> Score:
        """The score with the receipt as its last text, where the last bar ends: so the file is as long as the clip."""
        return replace(self.score, texts=(*self.score.texts, Text(self.end, self.receipt.to_text())))

    def picture(self) -> Any:
        """The piano roll as a matplotlib figure."""
        receipt = self.receipt
        title = f"{Path(receipt.name).name or 'clip'}, seed {receipt.seed}, clip {receipt.clip + 1}"
        return pictures.piano_roll(self.score, title=title, primer_end=receipt.primer_end, end=self.end)

    def _repr_svg_(self) -> str:
        """How a notebook shows it."""
        return pictures.picture_bytes(self.picture(), ".svg").decode()


@dataclass(frozen=True, eq=False)
class Line:
    """A generated line of text.

    Attributes:
        text: the line.
        receipt: how it was made.
    """

    text: str
    receipt: Receipt

    def __str__(self) -> str:
        return self.text
