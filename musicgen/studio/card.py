"""The model card: what an artifact learned from, how well, and what to expect of it."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import TYPE_CHECKING

from musicgen.music.encodings import Encoding
from musicgen.studio.corpus import Reading
from musicgen.studio.recipe import Recipe

if TYPE_CHECKING:
    from musicgen.neural.training import Journal


def written(recipe: Recipe, encoding: Encoding, train: Reading, valid: Reading, journal: Journal) -> str:
    """The card of a training run, as Markdown."""
    network, training = recipe.network, recipe.training
    rows = [
        ("encoding", recipe.encoding),
        ("network", f"{network.layers} x {network.cell} of {network.units}, dropout {network.dropout:g}"),
        ("learned from", _words(train, encoding)),
        ("judged by", _words(valid, encoding) + ("" if train is not valid else ", the same: nothing was held out")),
        ("validation loss", f"{journal.best:.3f} nats per {encoding.unit}, in windows of {training.Tx} steps"),
        ("training", f"{journal.epoch} epochs, {journal.seconds / 60:.1f} minutes on {platform.machine()}"),
        ("seed", str(training.seed)),
    ]
    table = "\n".join(f"| {name} | {value} |" for name, value in rows)
    advice = "It writes in the style of what it learned from; the licence of that is for you to check."
    return f"# Model card\n\n| what | value |\n|---|---|\n{table}\n\n{advice}\n"


def _words(reading: Reading, encoding: Encoding) -> str:
    folders = sorted({Path(piece.name).parent.name or "scores" for piece in reading.pieces})
    return f"{len(reading.pieces)} {encoding.pieces}, {reading.events:,} {encoding.unit}s ({', '.join(folders)})"
