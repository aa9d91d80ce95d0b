"""Tables of text for a terminal. Names come from strangers' files: what would move the cursor is written out."""

from __future__ import annotations

from collections.abc import Sequence

LONGEST = 28  # letters of a cell


def shown(text: str) -> str:
    r"""`text` on one line: what cannot be printed stands as Python would write it, a line break as \n."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def cut(text: str) -> str:
    """`text`, if need be without its end."""
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Rows as lines; all columns but the last have one width each, and long cells there are cut."""
    rows = [[*(cut(shown(cell)) for cell in row[:-1]), shown(row[-1])] for row in rows]
    widths = [max(map(len, column)) for column in list(zip(*rows, strict=True))[:-1]]
    return "\n".join("  ".join([*(c.ljust(w) for c, w in zip(row, widths, strict=False)), row[-1]]) for row in rows)
