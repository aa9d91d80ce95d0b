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
from musicgen.music.metrics import perplexities
from musicgen.music.score import Score
from musicgen.music.wishes import Wishes
from musicgen.neural import sampling
from musicgen.neural.options import TrainingOptions
from musicgen.neural.scoring import nats
from musicgen.neural.windows import Corpus
from musicgen.studio import card
from musicgen.studio.artifact import Artifact
from musicgen.studio.clip import Clip, Receipt
from musicgen.studio.corpus import Piece, Reading, Source, read_source
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
    """A network that learns from music and writes new music.

    Args:
        encoding: how music becomes steps; "jazz" is one line over chord changes.
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
        """How music becomes steps."""
        return ENCODINGS[self.recipe.encoding]

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
        checkpoint: str | os.PathLike[str] | None = None,
        resume: bool = False,
        report: Callable[[Progress], None] | None = None,
    ) -> Lesson:
        """Learn from a folder, files or Scores; a loaded composer goes on from its weights.

        Args:
            valid: pieces to judge by; without them a tenth of `source` is held out, by piece.
            checkpoint: a file written after every epoch.
            resume: go on from the checkpoint.
            report: called after every batch; without it a progress bar is shown.

        Raises:
            FileError: nothing in a source can be used.
        """
        read, held = self._readings(source, valid)
        start_keras()
        from musicgen.neural import training
        from musicgen.neural.networks.shared import SharedNetwork

        options = self.recipe.training
        network = SharedNetwork(self.encoding, self.recipe.network, options.seed)
        if self.artifact is not None:
            network.set_weights(self.artifact.weights)
        corpora = (
            Corpus(self.encoding, [(piece.indices, piece.context.timeline) for piece in part.pieces])
            for part in (read, held)
        )
        shown = training_bar(options) if report is None else nullcontext(report)
        path = None if checkpoint is None else Path(checkpoint)
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        with shown as tell:
            journal = training.fit(network, *corpora, options=options, checkpoint=path, resume=resume, report=tell)
        words = card.written(self.recipe, read, held, journal)
        self.artifact = Artifact(self.recipe, network.named_weights(), tuple(journal.history), words)
        return Lesson(read, held, journal)

    def _readings(self, source: Source, valid: Source | None) -> tuple[Reading, Reading]:
        """What to learn from and what to judge by, split by piece."""
        read = read_source(source, self.encoding)
        if valid is not None:
            return read, read_source(valid, self.encoding)
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
        backend: str = "auto",
        temperature: float | None = None,
        top_p: float | None = None,
        top_k: int | None = None,
        **wishes: Any,
    ) -> list[Clip]:
        """Write clips.

        Args:
            n: how many.
            seed: the same seed, model and options give the same clips.
            first: number of the first clip; clip k of a seed is the same whatever n is.
            primer: a file or Score whose line the clips begin with; the chart follows it.
            backend: "numpy", "compiled", or "auto" for the one that is done sooner.
            temperature, top_p, top_k: see `SamplingOptions`; the recipe has the defaults.
            **wishes: `chords`, `bars`, `key`, `pitch_range`, `tempo_bpm`, `metre`; see `Wishes`.

        Raises:
            OptionError: an option is out of range.
            RequestError: the wishes contradict each other.
        """
        for name, value, least in (("n", n, 1), ("seed", seed, 0), ("first", first, 0)):
            if not isinstance(value, (int, np.integer)) or not least <= value < SEEDS:
                raise OptionError(f"{name}: expected a whole number from {least}, below 2**64. Received: {value}")
        options = self.recipe.with_settings(temperature=temperature, top_p=top_p, top_k=top_k).sampling
        asked = _wishes(wishes)
        start = None if primer is None else self._primer(primer)
        request = Receipt(
            model=self.trained.hash,
            name=self.name,
            seed=seed,
            clip=first,
            first=first,
            clips=n,
            backend=_backend(backend, n),
            primer_steps=0 if start is None else len(start.indices),
            wishes=asked,
            sampling=options,
            version=__version__,
        )
        return self._clips(request, start)

    def _primer(self, primer: str | os.PathLike[str] | Score) -> Piece:
        return read_source(primer, self.encoding).pieces[0]

    def _clips(self, receipt: Receipt, primer: Piece | None) -> list[Clip]:
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
        return [
            Clip(encoding.decode(encoding.vocabulary.values(row), context), replace(receipt, clip=number), context.end)
            for number, row in zip(numbers, steps, strict=True)
        ]

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
        return replace(made, receipt=receipt)

    def _primer_again(self, score: Score, receipt: Receipt) -> Piece:
        """The primer, from the beginning of a clip."""
        clip = self._primer(score)
        context = replace(clip.context, end=receipt.primer_end)
        return replace(clip, indices=clip.indices[: receipt.primer_steps], context=context)

    # -- judging

    def evaluate(self, source: Source, *, per_note: str | os.PathLike[str] | None = None) -> dict[str, float]:
        """How likely the network finds pieces: nats per note and each field's perplexity.

        Every piece is read whole, with the state carried from its start; every note but each
        piece's first counts.

        Args:
            per_note: a CSV file to write: file, track, tick (in the file's ticks), pitch, ln p of each field.

        Returns:
            `files`, `notes` (those that count), `notes_moved` (to fit the grid), `nats_per_note`,
            and one perplexity per field.

        Raises:
            FileError: nothing in the source can be used.
            InputError: there is no note to judge.
        """
        read = read_source(source, self.encoding)
        with counting_bar("judging", len(read.pieces)) as tick:
            scored = [tick(self._scored(piece)) for piece in read.pieces]
        every = np.concatenate(scored)
        if not len(every):
            raise InputError("expected pieces of two notes or more. Received: none")
        if per_note is not None:
            self._write_notes(Path(per_note), read.pieces, scored)
        counts = {"files": len(read.pieces), "notes": len(every), "notes_moved": len(read.moved)}
        return {**counts, **perplexities(every, [field.name for field in self.encoding.vocabulary.fields])}

    def _scored(self, piece: Piece) -> npt.NDArray[np.float64]:
        """Nats of every note but the first, `(notes - 1, F)`."""
        found = nats(self.trained.player, piece.indices, piece.context.timeline)
        return self.encoding.scored(piece.indices, found)[1:]

    def _write_notes(self, path: Path, pieces: Sequence[Piece], scored: Sequence[npt.NDArray[np.float64]]) -> None:
        names = [f"ln_p_{field.name}" for field in self.encoding.vocabulary.fields]
        beside = path.with_name(f".{path.name}.part")
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["file", "track", "tick", "pitch", *names])
            for piece, rows in zip(pieces, scored, strict=True):
                source = piece.context.source
                for note, row in zip(source.notes[1:], rows, strict=True):
                    writer.writerow(
                        [piece.name, source.name, note["start"], note["pitch"], *(f"{-x:.6f}" for x in row)]
                    )
        os.replace(beside, path)


def _shareable(path: str | os.PathLike[str]) -> str:
    """A model's path as a receipt may hold it: clips travel, so where a home folder is stays here."""
    return Path(path).name if Path(path).is_absolute() else Path(path).as_posix()


def _wishes(wishes: dict[str, Any]) -> Wishes:
    known = Wishes.__dataclass_fields__
    if unknown := set(wishes) - set(known):
        raise OptionError(f"expected wishes among {', '.join(known)}. Received: {', '.join(sorted(unknown))}")
    given: dict[str, Any] = {name: str(value) if isinstance(value, Chart) else value for name, value in wishes.items()}
    return Wishes(**{name: value for name, value in given.items() if value is not None})


def _backend(backend: str, n: int) -> str:
    """The backend to use."""
    if backend not in BACKENDS:
        raise OptionError(f"backend: expected one of {', '.join(BACKENDS)}. Received: {backend}")
    if backend != "auto":
        return backend
    return "numpy" if n <= FEW_CLIPS else "compiled"
