"""Training: teacher forcing, best weights kept, a checkpoint after every epoch.

The loss is in nats per step: the sum over fields of the cross-entropy, over the notes of a batch.
Everything random comes from (seed, epoch), so a run that is cut and resumed goes the way of one
that was not. The learning rate is halved when the validation loss has not improved for `patience`
epochs, and training ends when the third halving brought nothing.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import keras
import numpy as np
from keras import ops
from safetensors import safe_open
from safetensors.numpy import save

from musicgen.errors import ArtifactError, NumericalError
from musicgen.neural.networks.shared import SharedNetwork
from musicgen.neural.options import TrainingOptions
from musicgen.neural.windows import Batch, Corpus

HALVINGS = 3
Weights = dict[str, Any]
Item = TypeVar("Item")


@dataclass(frozen=True)
class Progress:
    """Where training stands: losses in nats per step, speed in steps per second."""

    epoch: int
    epochs: int
    batch: int
    batches: int
    loss: float
    valid_loss: float
    steps_per_second: float
    seconds_left: float


@dataclass
class Journal:
    """What training knows beside the weights; it travels with a checkpoint."""

    epoch: int = 0  # epochs done
    best: float = float("inf")
    waited: int = 0
    halvings: int = 0
    seconds: float = 0.0
    interrupted: bool = False
    history: list[dict[str, float]] = field(default_factory=list)


def fit(
    network: SharedNetwork,
    train: Corpus,
    valid: Corpus,
    *,
    options: TrainingOptions,
    checkpoint: Path | None = None,
    resume: bool = False,
    report: Callable[[Progress], None] = lambda progress: None,
) -> Journal:
    """Train a network; it holds the best weights afterwards. Ctrl-C ends training early.

    Args:
        train, valid: pieces to learn from, and pieces to judge by.
        checkpoint: a file written after every epoch.
        resume: go on from `checkpoint`.
        report: called after every batch.

    Returns:
        The journal, with one row of history per epoch.

    Raises:
        NumericalError: the loss is no longer a number.
        ArtifactError: the checkpoint is missing or another network's.
    """
    run = _Run(network, train, valid, options, report)
    if resume and checkpoint is not None:
        run.load(checkpoint)
    try:
        if not run.journal.epoch:
            run.journal.best = run.validate()  # fine-tuning shall not end worse than it began
        while run.goes_on():
            run.epoch()
            if checkpoint is not None:
                run.save(checkpoint)
    except KeyboardInterrupt:
        run.journal.interrupted = True
    run.journal.seconds = run.seconds()
    network.set_weights(run.best_weights)
    return run.journal


class _Run:
    """One training run."""

    def __init__(
        self,
        network: SharedNetwork,
        train: Corpus,
        valid: Corpus,
        options: TrainingOptions,
        report: Callable[[Progress], None],
    ) -> None:
        self.network, self.train, self.valid, self.options, self.report = network, train, valid, options, report
        self.Tx = int(min(options.Tx, max([1, *train.lengths, *valid.lengths])))
        self.model = network.scanned() if options.form == "scanned" else network.unrolled(self.Tx)
        adam = keras.optimizers.Adam(options.learning_rate, global_clipnorm=options.clip_norm)
        losses = [
            keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="sum") for _ in self.model.outputs
        ]
        self.model.compile(adam, losses)
        adam.build(self.model.trainable_variables)
        self.journal, self.best_weights = Journal(), network.named_weights()
        self.began = time.monotonic()

    # -- the loop

    def goes_on(self) -> bool:
        """Whether another epoch is due."""
        return (
            self.journal.epoch < self.options.epochs and self.journal.halvings <= HALVINGS and self._minutes_left() > 0
        )

    def epoch(self) -> None:
        """One pass over the training windows, then the validation windows."""
        started, steps, total = time.monotonic(), 0, 0.0
        rng = np.random.default_rng([self.options.seed, self.journal.epoch])
        count = -(-len(self.train.tiles(self.Tx)) // self.options.batch)
        for number, batch in enumerate(_ahead(self._batches(rng)), 1):
            loss = self._loss(self.model.train_on_batch, batch)
            steps, total = steps + batch.counted, total + loss * batch.counted
            self._tell(number, count, total / max(steps, 1), steps / (time.monotonic() - started))
            if self._minutes_left() <= 0:
                break
        self._judge(total / max(steps, 1), started, steps)

    def _batches(self, rng: np.random.Generator) -> Iterator[Batch]:
        options = self.options
        return self.train.batches(self.Tx, options.batch, rng=rng, semitones=options.transpose)

    def _loss(self, pass_over: Callable[..., Any], batch: Batch) -> float:
        """Nats per note of a batch, by training or testing on it."""
        self.model.reset_metrics()
        losses = pass_over(batch.inputs, batch.targets, batch.weights)
        return float(losses[0] if isinstance(losses, (list, tuple)) else losses)

    def validate(self) -> float:
        """Nats per note of the validation pieces, in windows of Tx steps."""
        found = [
            (self._loss(self.model.test_on_batch, batch), batch.counted)
            for batch in self.valid.batches(self.Tx, self.options.batch)
        ]
        return sum(loss * steps for loss, steps in found) / max(sum(steps for _, steps in found), 1)

    def _judge(self, loss: float, started: float, steps: int) -> None:
        """Validate, keep what is best, slow down or stop when nothing gets better."""
        journal, speed = self.journal, steps / (time.monotonic() - started)
        valid_loss = self.validate()
        if not np.isfinite(loss + valid_loss):
            raise NumericalError(f"epoch {journal.epoch + 1}: expected a finite loss. Received: {loss}, {valid_loss}")
        rate = float(ops.convert_to_numpy(self.model.optimizer.learning_rate))
        journal.epoch += 1
        row = {"loss": loss, "valid_loss": valid_loss, "learning_rate": rate, "steps_per_second": speed}
        journal.history.append({"epoch": journal.epoch, **row, "seconds": self.seconds()})
        if valid_loss < journal.best:
            journal.best, journal.waited, self.best_weights = valid_loss, 0, self.network.named_weights()
            return
        journal.waited += 1
        if journal.waited >= self.options.patience:
            journal.waited, journal.halvings = 0, journal.halvings + 1
            self.model.optimizer.learning_rate = rate / 2

    # -- time

    def seconds(self) -> float:
        """How long this run has taken, the sessions before a resume included."""
        return self.journal.seconds + time.monotonic() - self.began

    def _minutes_left(self) -> float:
        return float("inf") if self.options.minutes is None else self.options.minutes - self.seconds() / 60

    def _tell(self, number: int, count: int, loss: float, speed: float) -> None:
        history, options = self.journal.history, self.options
        done = self.journal.epoch + number / count
        left = min(self.seconds() / max(done, 1e-9) * (options.epochs - done), self._minutes_left() * 60)
        valid_loss = history[-1]["valid_loss"] if history else float("nan")
        self.report(
            Progress(self.journal.epoch + 1, options.epochs, number, count, loss, valid_loss, speed, max(left, 0.0))
        )

    # -- checkpoints

    def _variables(self) -> dict[str, Any]:
        """What the weights' names do not cover: the optimizer's state and the dropout's seeds."""
        states = {"optimizer": self.model.optimizer.variables, "seed": self.model.non_trainable_variables}
        return {f"{kind}/{n}": variable for kind, found in states.items() for n, variable in enumerate(found)}

    def save(self, path: Path) -> None:
        """Write the checkpoint, whole or not at all."""
        arrays = {name: ops.convert_to_numpy(variable) for name, variable in self._variables().items()}
        arrays |= {f"now/{name}": weight for name, weight in self.network.named_weights().items()}
        arrays |= {f"best/{name}": weight for name, weight in self.best_weights.items()}
        journal = json.dumps(vars(replace(self.journal, seconds=self.seconds())))
        beside = path.with_name(f".{path.name}.part")
        beside.write_bytes(
            save({name: np.array(array, order="C") for name, array in arrays.items()}, {"journal": journal})
        )
        os.replace(beside, path)

    def load(self, path: Path) -> None:
        """Go on from a checkpoint.

        Raises:
            ArtifactError: there is none, or it is another network's.
        """
        try:
            with safe_open(path, "numpy") as file:
                arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
                self.journal = Journal(**json.loads(file.metadata()["journal"]))
            for name, variable in self._variables().items():
                variable.assign(arrays[name])
            self.network.set_weights(_part(arrays, "now/"))
            self.best_weights = _part(arrays, "best/")
        except FileNotFoundError:
            raise ArtifactError(f"{path}: expected a checkpoint to resume from. Received: no such file") from None
        except Exception as error:
            raise ArtifactError(f"{path}: expected a checkpoint of this network. Received: {error}") from error
        self.journal.interrupted = False


def _part(arrays: Weights, prefix: str) -> Weights:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def _ahead(items: Iterable[Item]) -> Iterator[Item]:
    """The same items, each made while the one before is in use."""
    iterator, end = iter(items), object()
    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(next, iterator, end)
        while (item := following.result()) is not end:
            following = pool.submit(next, iterator, end)
            yield item  # type: ignore[misc]
