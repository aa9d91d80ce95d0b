"""The composer: the whole journey, files to network to clips, in one file."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from musicgen.errors import ArtifactError, InputError, OptionError
from musicgen.music.charts import Chart
from musicgen.music.constraints import plan
from musicgen.music.encodings import ENCODINGS, Encoding
from musicgen.music.score import Score
from musicgen.neural import sampling
from musicgen.neural.options import TrainingOptions
from musicgen.neural.scoring import nats
from musicgen.neural.windows import Corpus
from musicgen.studio import card
from musicgen.studio.artifact import Artifact
from musicgen.studio.clip import Clip, Line, Receipt
from musicgen.studio.corpus import Piece, Reading, Source, documents, read_source
from musicgen.studio.progress import counting_bar, start_keras, training_bar
from musicgen.studio.recipe import Recipe
from musicgen.version import __version__

if TYPE_CHECKING:
    from musicgen.neural.training import Journal, Progress

HELD_OUT = 0.1  # share of pieces kept for validation
FEW_CLIPS = 16  # up to so many, the numpy player is done before a compiled loop has started
SEEDS = 2**64
BACKENDS = ("auto", "numpy", "compiled")


@dataclass(frozen=True)
class Lesson:
    """What a training run was given and how it went."""

    train: Reading
    valid: Reading
    journal: Journal


class Composer:
    """A network that learns from music, or lines of text, and writes new ones.

    Args:
        encoding: how a document becomes steps: one of `ENCODINGS`; "jazz" is one line over chord changes.
        **settings: any setting of the network, of training or of sampling, such as `units=64`.

    Raises:
        OptionError: a setting is unknown or out of range.
    """

    def __init__(self, encoding: str = "jazz", **settings: Any) -> None:
        self.recipe = Recipe(encoding).with_settings(**settings)
        self.artifact: Artifact | None = None
        self.name = ""
        self._walk: tuple[Artifact, sampling.Walk] | None = None

    def __repr__(self) -> str:
        state = "untrained" if self.artifact is None else f"trained, {self.artifact.hash}"
        return f"Composer({self.recipe.encoding!r}, {state})"

    @property
    def encoding(self) -> Encoding:
        """How documents become steps."""
        return ENCODINGS[self.recipe.encoding]() if self.artifact is None else self.artifact.encoding

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Composer:
        """A composer from a saved artifact.

        Raises:
            ArtifactError: the artifact is none, incomplete or altered.
        """
        composer = cls()
        composer.artifact = Artifact.load(path)
        recipe = composer.artifact.recipe
        unbounded = replace(recipe.training, minutes=None, epochs=TrainingOptions.epochs)
        composer.recipe, composer.name = replace(recipe, training=unbounded), _shareable(path)
        return composer

    def save(self, path: str | os.PathLike[str], *, replace: bool = False) -> Path:
        """Write the artifact as a folder, or as one file where the path ends in `.zip`.

        Raises:
            ArtifactError: nothing is trained yet, or the path exists and `replace` is not set.
        """
        saved = self.trained.save(path, replace=replace)
        self.name = _shareable(path)
        return saved

    @property
    def trained(self) -> Artifact:
        """The trained network.

        Raises:
            ArtifactError: there is none yet.
        """
        if self.artifact is None:
            raise ArtifactError("expected a trained composer: call fit or load first. Received: an untrained one")
        return self.artifact

    # -- learning

    def fit(
        self,
        source: Source,
        *,
        valid: Source | None = None,
        line: str = "",
        checkpoint: str | os.PathLike[str] | None = None,
        resume: bool = False,
        report: Callable[[Progress], None] | None = None,
    ) -> Lesson:
        """Learn from a folder, files or Scores; a loaded composer goes on from its weights.

        Args:
            valid: pieces to judge by; without them a tenth of `source` is held out, by piece.
            line: number, name or name pattern (`"*sax*"`) of the tracks to learn; "" finds each file's line.
            checkpoint: a file written after every epoch.
            resume: go on from the checkpoint.
            report: called after every batch; without it a progress bar is shown.

        Raises:
            FileError: nothing in a source can be used.
        """
        encoding = self._learned_encoding(source)
        read, held = self._readings(source, valid, encoding.choosing(line))
        start_keras()
        from musicgen.neural import training
        from musicgen.neural.networks.shared import SharedNetwork

        options = self.recipe.training
        network = SharedNetwork(encoding, self.recipe.network, options.seed)
        if self.artifact is not None:
            network.set_weights(self.artifact.weights)
        corpora = (
            Corpus(encoding, [(piece.indices, piece.context.timeline) for piece in part.pieces])
            for part in (read, held)
        )
        shown = training_bar(encoding.unit) if report is None else nullcontext(report)
        path = None if checkpoint is None else Path(checkpoint)
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        with shown as tell:
            journal = training.fit(network, *corpora, options=options, checkpoint=path, resume=resume, report=tell)
        words = card.written(self.recipe, encoding, read, held, journal)
        self.artifact = Artifact(self.recipe, encoding, network.named_weights(), tuple(journal.history), words)
        return Lesson(read, held, journal)

    def _learned_encoding(self, source: Source) -> Encoding:
        """The encoding of the model, or a new one; of text with the vocabulary of the source."""
        kind = ENCODINGS[self.recipe.encoding]
        if self.artifact is not None or kind.document is not str:
            return self.encoding
        return kind.learned((one.text for one in documents(source, kind)), self.recipe.vocabulary_size)

    def _readings(self, source: Source, valid: Source | None, encoding: Encoding) -> tuple[Reading, Reading]:
        """What to learn from and what to judge by, split by piece."""
        read = read_source(source, encoding)
        if valid is not None:
            return read, read_source(valid, encoding)
        if len(read.pieces) == 1:
            return read, read  # one piece: nothing to hold out
        order = np.random.default_rng([self.recipe.training.seed, len(read.pieces)]).permutation(len(read.pieces))
        held = set(order[: max(1, round(HELD_OUT * len(read.pieces)))].tolist())
        parts: list[list[Piece]] = [[], []]
        for number, piece in enumerate(read.pieces):
            parts[number in held].append(piece)
        return replace(read, pieces=parts[0]), Reading(parts[1], ())

    # -- writing

    def generate(
        self,
        n: int = 1,
        *,
        seed: int = 0,
        first: int = 0,
        primer: str | os.PathLike[str] | Score | None = None,
        primer_line: str = "",
        backend: str = "auto",
        temperature: float | None = None,
        top_p: float | None = None,
        top_k: int | None = None,
        **wishes: Any,
    ) -> list[Any]:
        """Write clips: a `Clip` each, or a `Line` where the model writes text.

        Args:
            n: how many.
            seed: the same seed, model and options give the same clips.
            first: number of the first clip; clip k of a seed is the same whatever n is.
            primer: a file or Score whose line the clips begin with; the chart follows it.
            primer_line: number, name or name pattern of the primer's track; "" finds the line.
            backend: "numpy", "compiled", or "auto" for the one that is done sooner.
            temperature, top_p, top_k: see `SamplingOptions`; the recipe has the defaults.
            **wishes: what the model's encoding can be asked for, for jazz `chords`, `bars`, `key`,
                `pitch_range`, `tempo_bpm`, `metre`; see its `wishes`.

        Raises:
            OptionError: an option is out of range.
            RequestError: the wishes contradict each other.
        """
        for name, value, least in (("n", n, 1), ("seed", seed, 0), ("first", first, 0)):
            if not isinstance(value, (int, np.integer)) or not least <= value < SEEDS:
                raise OptionError(f"{name}: expected a whole number from {least}, below 2**64. Received: {value}")
        options = self.recipe.with_settings(temperature=temperature, top_p=top_p, top_k=top_k).sampling
        asked = self._wishes(wishes)
        start = None if primer is None else self._primer(primer, primer_line)
        request = Receipt(
            model=self.trained.hash,
            name=self.name,
            seed=seed,
            clip=first,
            first=first,
            clips=n,
            backend=_backend(backend, n),
            encoding=self.encoding.name,
            primer_steps=0 if start is None else len(start.indices),
            wishes=asked,
            sampling=options,
            version=__version__,
        )
        return self._clips(request, start)

    def _primer(self, primer: str | os.PathLike[str] | Score, line: str = "") -> Piece:
        if self.encoding.document is str:
            raise OptionError("primer: expected none, but a prefix: the model writes lines of text. Received: one")
        pieces = read_source(primer, self.encoding.choosing(line)).pieces
        if len(pieces) > 1:
            names = ", ".join(piece.name for piece in pieces[:3])
            raise OptionError(f"primer: expected one piece. Received: {len(pieces)}, such as {names}")
        return pieces[0]

    def _wishes(self, wishes: dict[str, Any]) -> Any:
        kind = self.encoding.wishes
        given = {name: str(value) if isinstance(value, Chart) else value for name, value in wishes.items()}
        given = {name: value for name, value in given.items() if value is not None}
        if unknown := sorted(set(given) - set(kind.__dataclass_fields__)):
            expected = f"wishes for {self.encoding.name} among {', '.join(kind.__dataclass_fields__)}"
            raise OptionError(f"expected {expected}. Received: {', '.join(unknown)}")
        return kind(**given)

    def _clips(self, receipt: Receipt, primer: Piece | None) -> list[Any]:
        """All clips of a receipt, drawn together."""
        encoding, before = self.encoding, None if primer is None else primer.context
        context = encoding.asked(receipt.wishes, before)
        planned = plan(encoding.rules(receipt.wishes, context), encoding.ticks)
        asked = sampling.request(context.timeline, planned, receipt.sampling)
        given = None if primer is None else primer.indices
        numbers = range(receipt.first, receipt.first + receipt.clips)
        steps = self._drawn(asked, numbers, receipt, given)
        if before is not None:
            receipt = replace(receipt, primer_end=encoding.whole_bars(before))
        made = [encoding.decode(encoding.vocabulary.values(row), context) for row in steps]
        receipts = [replace(receipt, clip=number) for number in numbers]
        if encoding.document is str:
            return [Line(*parts) for parts in zip(made, receipts, strict=True)]
        return [Clip(*parts, context.end) for parts in zip(made, receipts, strict=True)]

    def _drawn(
        self, asked: sampling.Request, clips: range, receipt: Receipt, primer: npt.NDArray[np.int32] | None
    ) -> Sequence[npt.NDArray[np.int32]]:
        """Indices `(T, F)` of each clip; the player draws them one by one, so that none depends on its neighbours."""

        def draw(walk: sampling.Walk, numbers: range) -> npt.NDArray[np.int32]:
            return sampling.sample(walk, self.encoding, asked, clips=numbers, seed=receipt.seed, primer=primer)

        if receipt.backend == "numpy":
            return [draw(self.trained.player.walk, range(k, k + 1))[0] for k in clips]
        return list(draw(self._compiled_walk(), clips))

    def _compiled_walk(self) -> sampling.Walk:
        """The Keras network as one compiled loop, made once."""
        start_keras()
        from musicgen.neural.networks.shared import SharedNetwork

        if self._walk is None or self._walk[0] is not self.trained:
            network = SharedNetwork(self.encoding, self.recipe.network)
            network.set_weights(self.trained.weights)
            self._walk = (self.trained, network.compiled_walk())
        return self._walk[1]

    def reproduce(self, score: Score) -> Clip:
        """Make a clip again from a score that carries its receipt.

        Raises:
            FileError: the score carries no receipt.
            ArtifactError: it was made by other weights than these.
        """
        receipt = Receipt.of(score)
        if receipt.model != self.trained.hash:
            raise ArtifactError(f"expected the model {receipt.model} that made it. Received: {self.trained.hash}")
        primer = self._primer_again(score, receipt) if receipt.primer_steps else None
        alone = receipt.backend == "numpy"  # the player draws each clip by itself, the compiled loop all together
        again = replace(receipt, first=receipt.clip, clips=1) if alone else receipt
        made = self._clips(again, primer)[receipt.clip - again.first]
        return Clip(made.score, receipt, made.end)

    def _primer_again(self, score: Score, receipt: Receipt) -> Piece:
        """The primer, from the beginning of a clip."""
        clip = self._primer(score)
        context = replace(clip.context, end=receipt.primer_end)
        return replace(clip, indices=clip.indices[: receipt.primer_steps], context=context)

    # -- judging

    def evaluate(
        self, source: Source, *, line: str = "", per_note: str | os.PathLike[str] | None = None
    ) -> dict[str, float]:
        """How likely the network finds pieces, such as nats per note and each field's perplexity.

        Every piece is read whole, with the state carried from its start.

        Args:
            line: number, name or name pattern of the tracks to judge; "" finds each file's line.
            per_note: a CSV file to write, a row for each event: where it stands (of a jazz note file,
                track, tick in the file's ticks, pitch) and ln p of each field; of a chorale a row for each
                voice of each step.

        Returns:
            `files`, `notes` (those that count: in jazz all but each piece's first), `notes_moved` (to
            fit the grid), `nats_per_note` and one perplexity per field; of text `lines`,
            `characters` and `nats_per_character`, or the same of words.

        Raises:
            FileError: nothing in the source can be used.
            InputError: there is no note to judge.
        """
        read = read_source(source, self.encoding.choosing(line))
        with counting_bar("judging", len(read.pieces)) as tick:
            scored = [tick(self._scored(piece)) for piece in read.pieces]
        every = np.concatenate(scored)
        if not len(every):
            raise InputError(f"expected pieces of two {self.encoding.unit}s or more. Received: none")
        if per_note is not None:
            self._write_notes(Path(per_note), read.pieces, scored)
        encoding = self.encoding
        counts = {encoding.pieces: len(read.pieces), f"{encoding.unit}s": len(every)}
        moved = {"notes_moved": len(read.moved)} if encoding.document is Score else {}
        return {**counts, **moved, **encoding.measured(every)}

    def _scored(self, piece: Piece) -> npt.NDArray[np.float64]:
        """Nats of every event that counts, `(N, F)`."""
        return self.encoding.scored(piece.indices, nats(self.trained.player, piece.indices, piece.context.timeline))

    def _write_notes(self, path: Path, pieces: Sequence[Piece], scored: Sequence[npt.NDArray[np.float64]]) -> None:
        encoding = self.encoding
        beside = path.with_name(f".{path.name}.part")
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["file", *encoding.columns, *encoding.parts])
            for piece, rows in zip(pieces, scored, strict=True):
                places = encoding.places(encoding.vocabulary.values(piece.indices), piece.context)
                for place, row in zip(places, rows, strict=True):
                    writer.writerow([piece.name, *place, *(f"{-x:.6f}" for x in row)])
        os.replace(beside, path)


def _shareable(path: str | os.PathLike[str]) -> str:
    """A model's path as a receipt may hold it: clips travel, so where a home folder is stays here."""
    return Path(path).name if Path(path).is_absolute() else Path(path).as_posix()


def _backend(backend: str, n: int) -> str:
    """The backend to use."""
    if backend not in BACKENDS:
        raise OptionError(f"backend: expected one of {', '.join(BACKENDS)}. Received: {backend}")
    if backend != "auto":
        return backend
    return "numpy" if n <= FEW_CLIPS else "compiled"
