"""A recipe: every setting of a run, checked, as frozen dataclasses and as a TOML file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from typing import Any

import tomli_w

from musicgen.errors import OptionError
from musicgen.music.encodings import ENCODINGS
from musicgen.neural.options import NetworkOptions, TrainingOptions
from musicgen.neural.sampling import SamplingOptions
from musicgen.settings import check_kinds

OWN = ("vocabulary_size",)  # settings that belong to no part
SAMPLING = SamplingOptions(temperature=0.95, top_p=0.97)


@dataclass(frozen=True)
class Recipe:
    """All settings of a run.

    Attributes:
        encoding: name of the encoding.
        vocabulary_size: values at most that an encoding learns from a corpus, the most frequent.
        network: what the network is made of.
        training: how it is trained.
        sampling: how clips are drawn unless told otherwise.
    """

    encoding: str = "jazz"
    vocabulary_size: int = 10_000
    network: NetworkOptions = field(default_factory=NetworkOptions)
    training: TrainingOptions = field(default_factory=TrainingOptions)
    sampling: SamplingOptions = SAMPLING

    def __post_init__(self) -> None:
        check_kinds(self)
        if self.vocabulary_size < 1:
            raise OptionError(f"vocabulary-size: expected a whole number from 1. Received: {self.vocabulary_size}")
        if self.encoding not in ENCODINGS:
            raise OptionError(f"encoding: expected one of {', '.join(ENCODINGS)}. Received: {self.encoding}")

    def with_settings(self, **settings: Any) -> Recipe:
        """The same recipe with some settings changed, whichever part they belong to.

        Raises:
            OptionError: no part has such a setting, or its value is out of range.
        """
        left = {name: value for name, value in settings.items() if value is not None}
        changed = replace(self, **{name: left.pop(name) for name in OWN if name in left})
        for part in ("network", "training", "sampling"):
            old = getattr(changed, part)
            own = {f.name: left.pop(f.name) for f in fields(old) if f.name in left}
            changed = replace(changed, **{part: replace(old, **own)})
        if left:
            raise OptionError(f"expected settings among {', '.join(_names())}. Received: {', '.join(left)}")
        return changed

    def to_toml(self) -> str:
        """As a file a person can read and change."""
        return tomli_w.dumps(_without_none(asdict(self)))

    @classmethod
    def from_toml(cls, text: str) -> Recipe:
        """Read what `to_toml` wrote; what is not there has its default.

        Raises:
            OptionError: the text is no TOML, or a setting is unknown or out of range.
        """
        try:
            found = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise OptionError(f"expected a recipe in TOML. Received: {error}") from error
        return _filled(cls, found, "recipe")


def _names() -> list[str]:
    return [*OWN, *(f.name for part in (NetworkOptions, TrainingOptions, SamplingOptions) for f in fields(part))]


def _without_none(tree: Mapping[str, Any]) -> dict[str, Any]:
    return {k: _without_none(v) if isinstance(v, Mapping) else v for k, v in tree.items() if v is not None}


def _filled(kind: type[Any], found: Mapping[str, Any], place: str) -> Any:
    """A dataclass from a table of a TOML file."""
    default = kind()
    known = {f.name for f in fields(kind)}
    if unknown := set(found) - known:
        raise OptionError(
            f"{place}: expected settings among {', '.join(sorted(known))}. Received: {', '.join(unknown)}"
        )
    values = {}
    for name, value in found.items():
        old = getattr(default, name)
        if is_dataclass(old) and isinstance(value, Mapping):
            values[name] = _filled(type(old), value, f"{place}, {name}")
        else:
            values[name] = tuple(value) if isinstance(old, tuple) else value
            expected = (int, float) if isinstance(old, float) or old is None else type(old)
            if is_dataclass(old) or not isinstance(values[name], expected):
                raise OptionError(f"{place}: {name}: expected a value such as {old!r}. Received: {value!r}")
    return kind(**values)
