"""Inspecting: what is in a file, a folder or a model, what would be used, and why not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from musicgen.errors import MusicgenError
from musicgen.music import files
from musicgen.music.encodings import ENCODINGS
from musicgen.music.score import Score
from musicgen.studio.artifact import Artifact

COLUMNS = ("verdict", "notes", "moved", "chords", "bars", "metre", "tempo", "line", "file")


@dataclass(frozen=True)
class Finding:
    """What one file holds, and whether training would use it.

    Attributes:
        verdict: "used" or "refused"; `reason` says why.
        bars: of its first metre, up to the last note's end.
        tempo: quarters a minute at the start.
        line: name of the track that holds the line.
        moved: notes that are not on the grid.
    """

    path: str
    verdict: str
    reason: str = ""
    tracks: int = 0
    notes: int = 0
    chords: int = 0
    bars: int = 0
    metre: str = ""
    tempo: int = 0
    line: str = ""
    moved: int = 0


@dataclass(frozen=True)
class Inspection:
    """What a file or folder holds."""

    files: Sequence[Finding]

    @property
    def usable(self) -> bool:
        """Whether there is anything to learn from."""
        return any(found.verdict == "used" for found in self.files)

    def to_dict(self) -> dict[str, Any]:
        """For a program."""
        used = [found for found in self.files if found.verdict == "used"]
        totals = {"used": len(used), "refused": len(self.files) - len(used), "notes": sum(f.notes for f in used)}
        return {"files": [asdict(found) for found in self.files], "totals": totals}

    def to_text(self) -> str:
        """For a person."""
        rows = [COLUMNS, *(_row(found) for found in self.files)]
        widths = [max(len(row[n]) for row in rows) for n in range(len(COLUMNS) - 1)]
        lines = ["  ".join((*(c.ljust(w) for c, w in zip(row, widths, strict=False)), row[-1])) for row in rows]
        totals = self.to_dict()["totals"]
        return "\n".join([*lines, f"{totals['used']} used with {totals['notes']:,} notes, {totals['refused']} refused"])


def inspect(path: Path) -> Inspection:
    """Look at a file, or at all below a folder.

    Raises:
        FileError: there is nothing to look at.
    """
    return Inspection([_finding(one) for one in files.find(path)])


def _finding(path: Path) -> Finding:
    try:
        score = files.read(path)
        _, context = ENCODINGS["jazz"]().encode(score)
    except MusicgenError as error:
        return Finding(str(path), "refused", str(error).removeprefix(f"{path}: "))
    metre = "/".join(map(str, score.metres[0].tolist()[1:])) if len(score.metres) else "4/4"
    return Finding(
        str(path),
        "used",
        tracks=len(score.tracks),
        notes=len(context.source.notes),
        chords=len(context.frame.markers),
        bars=-(-context.end // int(context.timeline[0, 2])),
        metre=metre,
        tempo=round(score.tempo_bpm),
        line=_line_name(score, context.source.name),
        moved=int((context.moved > 0).sum()),
    )


def _line_name(score: Score, name: str) -> str:
    return name or f"track {1 + next((n for n, track in enumerate(score.tracks) if track.name == name), 0)}"


def _row(found: Finding) -> tuple[str, ...]:
    if found.verdict == "refused":
        return ("refused", *[""] * (len(COLUMNS) - 2), f"{found.path}: {found.reason}")
    numbers = (found.notes, found.moved, found.chords, found.bars, found.metre, found.tempo, found.line)
    return ("used", *map(str, numbers), found.path)


@dataclass(frozen=True)
class ModelInspection:
    """What a model is."""

    artifact: Artifact
    path: Path
    usable: bool = True

    def to_dict(self) -> dict[str, Any]:
        """For a program."""
        artifact = self.artifact
        return {
            "model": str(self.path),
            "hash": artifact.hash,
            "weights": sum(weight.size for weight in artifact.weights.values()),
            "recipe": asdict(artifact.recipe),
            "epochs": len(artifact.history),
            "fields": {field.name: len(field) for field in artifact.encoding.vocabulary.fields},
        }

    def to_text(self) -> str:
        """For a person."""
        facts = self.to_dict()
        fields = ", ".join(f"{name} ({size} values)" for name, size in facts["fields"].items())
        return (
            f"{self.path}: {facts['weights']:,} weights, hash {facts['hash']}\nfields: {fields}\n\n{self.artifact.card}"
        )


def inspect_model(path: Path) -> ModelInspection:
    """Look at a trained model, which proves itself on the way.

    Raises:
        ArtifactError: it is none, incomplete or altered.
    """
    return ModelInspection(Artifact.load(path), path)
