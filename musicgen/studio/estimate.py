"""What training would take, before it starts: about how much memory and time.

Measured with the default network (one LSTM of 256 units) on two cores of a server of 2026; read as an order of
magnitude. Time goes with the steps, and hardly with anything else.
"""

from __future__ import annotations

from dataclasses import dataclass

EPOCHS = 10
STEPS_PER_SECOND = 5_000  # in training; 3,100 to 4,800 while others used the machine, more on a quiet one
STARTING = 15.0  # seconds: loading TensorFlow, compiling, judging the first time
MEGABYTES = 870  # TensorFlow, the network, its gradients and a batch
BYTES_PER_STEP = 200  # 17,000 steps took 874 MB at most, 125,000 steps 896 MB


@dataclass(frozen=True)
class Estimate:
    """About what a training run takes.

    Attributes:
        steps: of all pieces.
        epochs: passes over them.
        seconds, megabytes: in all.
        assuming: for which machine and network.
    """

    steps: int
    epochs: int = EPOCHS
    seconds: int = 0
    megabytes: int = 0
    assuming: str = "the default network on two cores"

    def __str__(self) -> str:
        return (
            f"training: about {_told(self.seconds)} for {self.epochs} epochs and {_rounded(self.megabytes / 1000)} GB"
            f" of memory, with {self.assuming}"
        )


def estimated(steps: int) -> Estimate:
    """What training on so many steps takes."""
    seconds = STARTING + EPOCHS * steps / STEPS_PER_SECOND
    return Estimate(steps, EPOCHS, round(seconds), round(MEGABYTES + steps * BYTES_PER_STEP / 1e6))


def _told(seconds: float) -> str:
    for unit, size in (("hours", 3600), ("minutes", 60)):
        if seconds >= 1.5 * size:
            return f"{_rounded(seconds / size)} {unit}"
    return f"{_rounded(seconds)} seconds"


def _rounded(number: float) -> str:
    """Two digits, which is more than is known."""
    return f"{float(f'{number:.2g}'):g}"
