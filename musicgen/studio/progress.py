"""How long work shows itself: a bar in a terminal, a line now and then elsewhere."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from musicgen.neural.training import Progress

Item = TypeVar("Item")
SETTLED = 2  # epochs after which the time left is worth telling
QUIET_SECONDS = 10.0  # between two lines where there is no terminal


def start_keras() -> None:
    """Load Keras and its backend without what they say to developers while they start."""
    if "keras" in sys.modules:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    standard_error, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)  # these messages come from below Python
        from keras import ops

        ops.zeros(1)
    finally:
        os.dup2(standard_error, 2)
        os.close(standard_error)
        os.close(nowhere)


@contextmanager
def training_bar(unit: str) -> Iterator[Callable[[Progress], None]]:
    """A function to report training with; its bar is on standard error. `unit` is what a step is called."""
    if not sys.stderr.isatty():
        yield _lines(unit)
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = [BarColumn(bar_width=16), TextColumn("{task.description}")]
    with Bar(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("starting", total=1.0)
        began = time.monotonic()

        def report(progress: Progress) -> None:
            gone = time.monotonic() - began
            share = gone / max(gone + progress.seconds_left, 1e-9)
            bar.update(task, completed=share, description=described(progress, unit))

        yield report


def described(progress: Progress, unit: str) -> str:
    """Where training stands, as words: losses in nats per `unit`."""
    judged = "" if progress.valid_loss != progress.valid_loss else f", validation {progress.valid_loss:.3f}"
    minutes, seconds = divmod(round(progress.seconds_left), 60)
    left = "" if progress.epoch <= SETTLED else f", {minutes}:{seconds:02} left at most"
    return f"epoch {progress.epoch}: loss {progress.loss:.3f}{judged}, {progress.steps_per_second:,.0f} {unit}s/s{left}"


@contextmanager
def counting_bar(doing: str, total: int) -> Iterator[Callable[[Item], Item]]:
    """A function that passes each of `total` results on and counts it, with a bar in a terminal."""
    if not sys.stderr.isatty():
        yield lambda item: item
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(doing, total=total)

        def tick(item: Item) -> Item:
            bar.advance(task)
            return item

        yield tick


def _lines(unit: str) -> Callable[[Progress], None]:
    last = -QUIET_SECONDS

    def report(progress: Progress) -> None:
        nonlocal last
        if progress.batch == progress.batches and time.monotonic() - last >= QUIET_SECONDS:
            last = time.monotonic()
            print(described(progress, unit), file=sys.stderr, flush=True)

    return report
