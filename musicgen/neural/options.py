"""The settings of a network and of its training, checked; no tensors yet."""

from __future__ import annotations

from dataclasses import dataclass, fields

from musicgen.errors import OptionError
from musicgen.settings import check_kinds

CELLS = ("lstm", "gru", "simple_rnn", "peephole_lstm")
FORMS = ("scanned", "unrolled")


@dataclass(frozen=True)
class NetworkOptions:
    """What a network is made of.

    Attributes:
        cell: one of `CELLS`.
        units: per recurrent layer, H.
        layers: recurrent layers, stacked.
        embedding: numbers per field value.
        head: units of the hidden layer in front of each field's logits.
        dropout: share of activations dropped in training, before and after each recurrent layer's
            output and in the heads.
    """

    cell: str = "lstm"
    units: int = 256
    layers: int = 1
    embedding: int = 48
    head: int = 128
    dropout: float = 0.3

    def __post_init__(self) -> None:
        check_kinds(self)
        if self.cell not in CELLS:
            raise OptionError(f"cell: expected one of {', '.join(CELLS)}. Received: {self.cell}")
        for field in fields(self)[1:5]:
            value = getattr(self, field.name)
            if value < 1:
                raise OptionError(f"{field.name}: expected a whole number from 1. Received: {value}")
        if not 0 <= self.dropout < 1:
            raise OptionError(f"dropout: expected a number from 0, below 1. Received: {self.dropout}")


@dataclass(frozen=True)
class TrainingOptions:
    """How to train.

    Attributes:
        form: "scanned" (fast) or "unrolled" (the same, wired over Tx steps).
        Tx: steps per window.
        batch: windows per batch.
        learning_rate: of Adam, at the start.
        epochs: at most.
        minutes: at most; None is no limit.
        patience: epochs without a better validation loss before the learning rate is halved.
        clip_norm: largest norm of the whole gradient.
        transpose: semitones up and down, at random for each window.
        seed: of weights, windows, transposition and dropout.
    """

    form: str = "scanned"
    Tx: int = 96
    batch: int = 32
    learning_rate: float = 2e-3
    epochs: int = 300
    minutes: float | None = None
    patience: int = 4
    clip_norm: float = 1.0
    transpose: tuple[int, int] = (-5, 6)
    seed: int = 0

    def __post_init__(self) -> None:
        check_kinds(self)
        if self.form not in FORMS:
            raise OptionError(f"form: expected one of {', '.join(FORMS)}. Received: {self.form}")
        for name in ("Tx", "batch", "epochs", "patience"):
            if getattr(self, name) < 1:
                raise OptionError(f"{name}: expected a whole number from 1. Received: {getattr(self, name)}")
        for name in ("learning_rate", "minutes", "clip_norm"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise OptionError(f"{name}: expected a number above 0. Received: {value}")
        if self.seed < 0:
            raise OptionError(f"seed: expected a whole number from 0. Received: {self.seed}")
