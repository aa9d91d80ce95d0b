"""Inspecting: what is in a file, a folder or a model, what would be used, and why not."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from threading import Thread
from typing import Any

from musicgen.music import files
from musicgen.music.encodings import ENCODINGS
from musicgen.music.keys import likely_key
from musicgen.music.likeness import twins
from musicgen.music.theory import key_weights
from musicgen.studio.artifact import Artifact
from musicgen.studio.corpus import find_texts
from musicgen.studio.estimate import Estimate, estimated
from musicgen.studio.findings import TEXT, Finding, Look, Question, look, refused
from musicgen.studio.progress import counting_bar
from musicgen.studio.tables import aligned, shown
from musicgen.studio.textfindings import look_at_text
from musicgen.studio.workers import Failure, map_files

COLUMNS = ("notes", "moved", "bars", "metre", "tempo", "key", "chords", "tracks", "kind", "melody")
NAMED = 5  # files passed over that are named
ZIP_TAIL = 1 << 16  # bytes, in which a model's six names stand


@dataclass(frozen=True)
class Inspection:
    """What a file or folder holds, and what training on it would take.

    Attributes:
        files: what was found of each.
        passed_over: other files of the folder, which nothing looks into.
    """

    files: Sequence[Finding]
    passed_over: Sequence[str] = ()

    @property
    def used(self) -> list[Finding]:
        """The files that training would use."""
        return [found for found in self.files if found.usable]

    @property
    def usable(self) -> bool:
        """Whether there is anything to learn from."""
        return bool(self.used)

    @property
    def estimate(self) -> Estimate:
        """What training on them would take."""
        return estimated(sum(found.steps for found in self.used))

    @property
    def totals(self) -> dict[str, int]:
        """How many files of each kind, and what the used ones hold."""
        verdicts = [found.verdict for found in self.files]
        return {
            "files": len(self.files),
            **{verdict: verdicts.count(verdict) for verdict in ("used", "repaired", "refused")},
            **{name: sum(getattr(found, name) for found in self.used) for name in ("notes", "steps", "bars")},
            "without_chords": sum(found.chords_from == "none" for found in self.used if found.kind != TEXT),
            "duplicates": sum(bool(found.duplicate_of) for found in self.files),
            "near_duplicates": sum(bool(found.near_duplicate_of) for found in self.files),
        }

    @property
    def duplicates(self) -> list[dict[str, Any]]:
        """Each file that is like an earlier one, and how like: 1 is the same."""
        return [
            {
                "path": found.path,
                "of": found.duplicate_of or found.near_duplicate_of,
                "same": bool(found.duplicate_of),
                "likeness": 1.0 if found.duplicate_of else found.likeness,
            }
            for found in self.files
            if found.duplicate_of or found.near_duplicate_of
        ]

    def to_dict(self) -> dict[str, Any]:
        """For a program."""
        return {
            "files": [asdict(found) for found in self.files],
            "passed_over": list(self.passed_over),
            "totals": self.totals,
            "duplicates": self.duplicates,
            "estimate": asdict(self.estimate),
        }

    def to_text(self) -> str:
        """For a person."""
        table = aligned([("verdict", *COLUMNS, "file"), *map(_row, self.files)])
        told = {name: f"{count:,}" for name, count in self.totals.items()}
        repaired = f" and {told['repaired']} repaired" if self.totals["repaired"] else ""
        what = "characters or words" if any(found.kind == TEXT for found in self.used) else "notes"
        lines = [table, f"{told['used']} used{repaired} with {told['notes']} {what}, {told['refused']} refused"]
        if self.passed_over:
            names = ", ".join(map(shown, self.passed_over[:NAMED])) + (", ..." if len(self.passed_over) > NAMED else "")
            lines.append(f"{len(self.passed_over)} other files passed over: {names}")
        if self.totals["without_chords"]:
            lines.append(f"{told['without_chords']} without chords: nothing is learned about chords from them")
        if self.duplicates:
            lines.append(
                f"{told['duplicates']} duplicates and {told['near_duplicates']} near duplicates of earlier files"
            )
        return "\n".join([*lines, *([str(self.estimate)] if self.usable else [])])


def _row(found: Finding) -> tuple[str, ...]:
    """A line of the table; behind the file's name stands what else there is to say."""
    words = [found.reason, *found.remarks]
    if found.duplicate_of:
        words.append(f"the same as {found.duplicate_of}")
    if found.near_duplicate_of:
        words.append(f"nearly the same as {found.near_duplicate_of} ({found.likeness:.0%})")
    said = "; ".join(filter(None, words))
    told = _told(found)
    numbers = [_cell(found, name) if name in told else "" for name in COLUMNS]
    return found.verdict, *numbers, f"{found.path}: {said}" if said else found.path


def _told(found: Finding) -> Sequence[str]:
    """The columns in which there is something to say."""
    if not found.usable:
        return ("kind",)
    return ("notes", "kind") if found.kind == TEXT else COLUMNS


def _cell(found: Finding, name: str) -> str:
    if name == "chords":
        return {"none": "none", "inferred": "inferred"}.get(found.chords_from, str(found.chords))
    if name == "melody":
        return f"{found.melody_track} {found.melody}"
    return str(getattr(found, name))


def inspect(source: str | os.PathLike[str], encoding: str = "jazz", line: str = "") -> Inspection:
    """Look at a file, or at all below a folder.

    Args:
        encoding: how the music would be learned.
        line: which track is the line: a number, a name or a pattern; "" finds it (see `melody`).

    Raises:
        FileError: there is nothing to look at.
    """
    reads_text = ENCODINGS[encoding].document is str
    found = [files.Place(path) for path in find_texts(Path(source))] if reads_text else files.places(source)
    questions = [Question(place, encoding, line) for place in found]
    Thread(target=key_weights, daemon=True).start()  # loads music21 while the workers read
    with counting_bar("looking", len(questions)) as tick:
        function, prepare = (look_at_text, None) if reads_text else (look, files.loader(q.place for q in questions))
        answers = [tick(answer) for answer in map_files(function, questions, prepare=prepare)]
    findings = _compared([_told_of(*pair) for pair in zip(questions, answers, strict=True)])
    return Inspection(findings, [] if reads_text else [str(path) for path in files.passed_over(source)])


def _told_of(question: Question, answer: Look | Failure) -> Look | Finding:
    return refused(question, answer.reason) if isinstance(answer, Failure) else answer


def _compared(looks: Sequence[Look | Finding]) -> list[Finding]:
    """The findings, with keys and with the earlier files that they are like."""
    good = [one for one in looks if isinstance(one, Look)]
    first: dict[str, str] = {}
    known = {}
    for one, twin in zip(good, twins([one.sketch for one in good]), strict=True):
        found = replace(one.finding, key=likely_key(one.pitch_classes))
        same = first.setdefault(one.fingerprint, found.path)
        if same != found.path:
            found = replace(found, duplicate_of=same)
        elif twin is not None:
            near = good[twin.place].finding.path
            found = replace(found, near_duplicate_of=near, likeness=round(twin.share, 2))
        known[id(one)] = found
    return [known[id(one)] if isinstance(one, Look) else one for one in looks]


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


def looks_trained(path: Path) -> bool:
    """Whether a path is rather a model than music: a folder with a recipe, or a zip with one.

    Only a zip's end is read, where its table of contents is: a zip that is to be feared is left to the workers.
    """
    if path.suffix.lower() != ".zip" or path.is_dir():
        return (path / "recipe.toml").exists()
    try:
        with path.open("rb") as stream:
            stream.seek(max(path.stat().st_size - ZIP_TAIL, 0))
            tail = stream.read()
    except OSError:
        return True  # as a model it is refused in a sentence
    return b"recipe.toml" in tail
