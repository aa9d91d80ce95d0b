"""The order in which written bars are played: repeats, endings, da capo, dal segno, coda, fine.

Choices where writers differ: a repeat that closes without opening goes back to the end of the repeat before it, or
to the start. After a jump (da capo, dal segno) repeats are not taken again, of endings the last is played, and each
jump is made once. Marks that lead nowhere (a segno that is not there) are passed over, so there is always an order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from musicgen.errors import FileError

SEGNO, CODA, FINE, TO_CODA, DA_CAPO, DAL_SEGNO = "segno", "coda", "fine", "to coda", "da capo", "dal segno"
_MOST_TIMES, _MOST_PLAYED = 16, 100_000


@dataclass
class Marks:
    """What is written at one bar.

    Attributes:
        opens: whether a repeat begins here.
        closes: how often the repeat that ends here is played; 0 if none ends.
        endings: the passes in which this bar is played, from 1; empty: in all.
        jumps: of `SEGNO`, `CODA` (where one jumps to), `FINE`, `TO_CODA`, `DA_CAPO`, `DAL_SEGNO` (at the bar's end).
    """

    opens: bool = False
    closes: int = 0
    endings: tuple[int, ...] = ()
    jumps: set[str] = field(default_factory=set)


def played(marks: Sequence[Marks]) -> list[int]:
    """The numbers of the bars, from 0, in the order in which they sound.

    Raises:
        FileError: there would be more than a hundred thousand.
    """
    walk = _Walk(marks)
    while walk.place < len(marks):
        walk.step()
    return walk.order


class _Walk:
    """Somebody who plays from the page."""

    def __init__(self, marks: Sequence[Marks]) -> None:
        self.marks = marks
        self.order: list[int] = []
        self.place = self.start = 0
        self.turn = 1
        self.jumped: set[int] = set()

    def step(self) -> None:
        """Play a bar, or pass over one of another ending, and go on."""
        bar = self.marks[self.place]
        if bar.opens and self.place != self.start:
            self._begin(self.place)
        if bar.endings and not self._is_now(bar):
            self._onward()
            return
        self.order.append(self.place)
        if len(self.order) > _MOST_PLAYED:
            raise FileError(f"expected at most {_MOST_PLAYED} bars with their repeats. Received: more")
        if bar.closes and not self.jumped and self.turn < self._times(bar):
            self.turn += 1
            self.place = self.start
        else:
            self._leave(bar)

    def _leave(self, bar: Marks) -> None:
        """Jump if the bar says so, else go on."""
        target = None
        if self.jumped and FINE in bar.jumps:
            target = len(self.marks)
        elif self.jumped and TO_CODA in bar.jumps:
            target = self._found(CODA)
        elif self.place not in self.jumped and DA_CAPO in bar.jumps:
            target = 0
        elif self.place not in self.jumped and DAL_SEGNO in bar.jumps:
            target = self._found(SEGNO)
        if target is None:
            if bar.closes and not bar.endings:
                self._begin(self.place + 1)
            self._onward()
        else:
            self.jumped.add(self.place)
            self.place = target
            self._begin(target)

    def _onward(self) -> None:
        """The next bar; behind a group of endings everything begins anew."""
        was_ending = bool(self.marks[self.place].endings)
        self.place += 1
        if was_ending and self.place < len(self.marks) and not self.marks[self.place].endings:
            self._begin(self.place)

    def _begin(self, place: int) -> None:
        self.start, self.turn = place, 1

    def _is_now(self, bar: Marks) -> bool:
        return (self._last_turn() if self.jumped else self.turn) in bar.endings

    def _times(self, bar: Marks) -> int:
        """How often the repeat that closes here is played."""
        if not bar.endings:
            return min(bar.closes, _MOST_TIMES)
        last = self._last_turn()
        return min(last if last > max(bar.endings) or last not in (1, bar.closes - 1) else last + 1, _MOST_TIMES)

    def _last_turn(self) -> int:
        """The highest number of the endings around or after this place."""
        first = last = self.place
        while first > 0 and self.marks[first - 1].endings:
            first -= 1
        while last + 1 < len(self.marks) and self.marks[last + 1].endings and not self.marks[last + 1].opens:
            last += 1
        return max(turn for bar in self.marks[first : last + 1] for turn in bar.endings)

    def _found(self, mark: str) -> int | None:
        return next((number for number, bar in enumerate(self.marks) if mark in bar.jumps), None)
