"""The text encodings, `characters` and `words`: one line, one character or word a step.

A line ends with a value of its own, so a network learns where lines end and a drawn one has an end.
The values are learned from a corpus: the most frequent ones, in order of frequency, so that the
vocabulary is a list a person can read; all others are one value, unknown. Unknown is read, judged
and never written.

Held: characters as they are; words and punctuation marks, with one space between any two.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from musicgen.errors import InputError, OptionError, RequestError
from musicgen.music.constraints import Automaton
from musicgen.music.encodings.encoding import Array, Context, Encoding, Nats
from musicgen.music.vocabulary import Field, Vocabulary
from musicgen.settings import check_kinds

END, UNKNOWN = range(2)  # indices of the end of a line, and of what is not in the vocabulary
FAR = 2**30  # ticks: the end of a line moves the clock past any end
PLACES = 16  # of the line that are told apart
LONGEST_LINE = 10_000  # steps that can be asked for
_PLACES = np.eye(PLACES, dtype=np.float32)
_TIMELINE = np.zeros((1, 1), np.int32)
_WORD = re.compile(r"<UNK>|<EOS>|\w+(?:['’-]\w+)*|[^\w\s]")


@dataclass(frozen=True)
class TextWishes:
    """What a line shall be.

    Attributes:
        prefix: what it begins with.
        length: characters or words at most.
    """

    prefix: str = ""
    length: int = 200

    def __post_init__(self) -> None:
        check_kinds(self)
        if not 1 <= self.length <= LONGEST_LINE:
            raise OptionError(f"length: expected a whole number from 1 to {LONGEST_LINE}. Received: {self.length}")


class TextEncoding(Encoding):
    """A line as a sequence of symbols and an end.

    Args:
        symbols: all values but the end and the unknown one, in index order.
    """

    document: ClassVar[type] = str
    pieces: ClassVar[str] = "lines"
    wishes: ClassVar[type[TextWishes]] = TextWishes
    width: ClassVar[int] = PLACES
    end: ClassVar[str]
    unknown: ClassVar[str]
    glue: ClassVar[str]  # between two symbols of a line

    def __init__(self, symbols: Sequence[str] = ()) -> None:
        field = Field(self.unit, (self.end, self.unknown, *symbols), f"{self.end!r} ends a line")
        self.vocabulary = Vocabulary(self.name, (field,))

    @classmethod
    def learned(cls, documents: Iterable[Any], most: int) -> Self:
        """The encoding whose symbols are the `most` frequent of the corpus, the most frequent first."""
        counts = Counter(symbol for line in documents for symbol in cls.symbols(line))
        del counts[cls.end], counts[cls.unknown]
        ranked = sorted(counts, key=lambda symbol: (-counts[symbol], symbol))
        return cls(ranked[:most])

    @classmethod
    def of(cls, vocabulary: Vocabulary) -> Self:
        """The encoding with a vocabulary that was saved.

        Raises:
            InputError: it is another encoding's.
        """
        encoding = cls([str(value) for field in vocabulary.fields[:1] for value in field.values[2:]])
        if vocabulary != encoding.vocabulary:
            raise InputError(f"expected a vocabulary of the encoding {cls.name}. Received: another")
        return encoding

    @staticmethod
    @abstractmethod
    def symbols(line: str) -> list[str]:
        """A line as its symbols."""

    @cached_property
    def ticks(self) -> tuple[npt.NDArray[np.int32], ...]:
        """A symbol is one tick, the end is far away."""
        return (np.where(np.arange(self.sizes[0]) == END, FAR, 1).astype(np.int32),)

    # -- a line as steps, and back

    def quantize(self, document: str) -> str:
        """The line with what is not in the vocabulary named so."""
        return self.glue.join(self._known(self.symbols(document)))

    def encode(self, document: str) -> tuple[npt.NDArray[Any], Context]:
        """The line's symbols and its end, `(T, 1)`."""
        values = [*self._known(self.symbols(document)), self.end]
        return np.array(values, object)[:, None], Context(_TIMELINE, len(values))

    def decode(self, values: npt.NDArray[Any], context: Context) -> str:
        """The line up to its end."""
        line = values[: context.end, 0].tolist()
        return self.glue.join(line[: line.index(self.end)] if self.end in line else line)

    def _known(self, symbols: list[str]) -> list[str]:
        known = self._symbols
        return [symbol if symbol in known else self.unknown for symbol in symbols]

    @cached_property
    def _symbols(self) -> frozenset[Any]:
        return frozenset(self.vocabulary.fields[0].values[UNKNOWN + 1 :])

    # -- what a network sees and may do

    def features(self, xp: Any, rows: Array, clock: Array, standing: Array) -> Array:
        """How far into the line this is."""
        return xp.take(_PLACES, xp.clip(clock, 0, PLACES - 1), axis=0)

    def grammar(self, end: int) -> Automaton:
        """Anything known, but the last step ends the line."""
        return self._rules(end, [])

    def _rules(self, end: int, prefix: Sequence[int]) -> Automaton:
        """The grammar, and what a line begins with, as indices."""
        size, first = self.sizes[0], len(prefix)
        allowed = np.zeros((first + 2, size), bool)  # a class for each place of the prefix, one for the rest, the last
        allowed[np.arange(first), list(prefix)] = True
        allowed[first] = np.arange(size) != UNKNOWN
        allowed[first + 1, END] = True
        kind = np.minimum(np.arange(end + 1), first)
        kind[end - 1 :] = first + 1
        return Automaton((allowed[None],), (np.zeros((1, size), np.int32),), kind.astype(np.int32))

    def measured(self, scored: Nats) -> dict[str, float]:
        """How many characters or words, ends counted, and the nats of one."""
        return {f"{self.unit}s": len(scored), f"nats_per_{self.unit}": float(scored.mean())}

    def places(self, values: npt.NDArray[Any], context: Context) -> Iterator[tuple[str]]:
        """The symbol itself."""
        return ((str(value),) for value in values[:, 0])

    # -- what a person asks for

    trial = TextWishes(length=20)

    def asked(self, wishes: TextWishes, primer: Any = None) -> Context:
        """A line of as many steps as are wished for, and its end."""
        return Context(_TIMELINE, wishes.length + 1)

    def rules(self, wishes: TextWishes, context: Context) -> Automaton:
        """The grammar, and the prefix.

        Raises:
            RequestError: the prefix holds what the vocabulary does not, or is too long.
        """
        prefix = self.symbols(wishes.prefix)
        for symbol in prefix:
            if symbol not in self._symbols:
                raise RequestError(f"prefix: expected {self.unit}s of the vocabulary. Received: {symbol!r}")
        if len(prefix) >= context.end:
            raise RequestError(f"prefix: expected at most {context.end - 1} {self.unit}s. Received: {len(prefix)}")
        return self._rules(context.end, self.vocabulary.indices(np.array(prefix, object))[:, 0].tolist())


class CharacterEncoding(TextEncoding):
    """A line, one character a step."""

    name: ClassVar[str] = "characters"
    unit: ClassVar[str] = "character"
    columns: ClassVar[tuple[str, ...]] = ("character",)
    end: ClassVar[str] = "\n"
    unknown: ClassVar[str] = "\N{REPLACEMENT CHARACTER}"
    glue: ClassVar[str] = ""

    @staticmethod
    def symbols(line: str) -> list[str]:
        """Its characters."""
        return list(line)


class WordEncoding(TextEncoding):
    """A line, one word or punctuation mark a step."""

    name: ClassVar[str] = "words"
    unit: ClassVar[str] = "word"
    columns: ClassVar[tuple[str, ...]] = ("word",)
    end: ClassVar[str] = "<EOS>"
    unknown: ClassVar[str] = "<UNK>"
    glue: ClassVar[str] = " "

    @staticmethod
    def symbols(line: str) -> list[str]:
        """Its words and punctuation marks."""
        return _WORD.findall(line)
