"""What stands around the bars of a written chart: title, key, metre, form, comments; and the bars without them.

Nothing here knows a chord or a bar. The lines are told in `charts`; beside them are taken, as people
write them too: a metre before the first bar (`3/4 C | G7`), the form at the end of a line
(`[B] E7 | A7, form AABA`), a section as a word with a colon (`A: C | F`), and a space between a chord
and what is in brackets after it (`C7 (b9)`). Lines with a tempo, a style or a composer are passed over.
"""

from __future__ import annotations

import re

_NAMED = re.compile(
    r"(title|key|metre|meter|time|form|tempo|bpm|style|feel|groove|composer|by|artist|author|arranger|copyright)"
    r"\s*:\s*(.*)",
    re.IGNORECASE,
)
_BRACKETED_FORM = re.compile(r"\((\w[\w' ,-]*)\)")
_LETTERS = re.compile(r"(?=.*([A-H]).*\1)[A-H]{3,}")  # AABA, ABAC: no chord, and one comes again
_FORM = re.compile(r"(?:^|[\s,;(|\]])form\s*[:=]?\s*(\w[\w' ,-]*)\)?$", re.IGNORECASE)
_METRE = re.compile(r"(\d+/\d+)(?:\s+|$)")
_SECTION = re.compile(r"^(\w[\w' ]{0,20}):(?=\s)")
_APART = re.compile(r"(?<=[\w#+^)∆Δø°-])[ \t]+(?=\()")  # between a chord and a bracket


def header(text: str) -> tuple[dict[str, str], str]:
    """The lines that name something, as a dict with small names, and the bars: one line as one line."""
    fields: dict[str, str] = {}
    body: list[str] = []
    for line in (line.strip() for line in text.removeprefix("\ufeff").replace("𝄎", "%").splitlines()):
        named, form = _NAMED.fullmatch(line), _BRACKETED_FORM.fullmatch(line)
        if named:
            name = named[1].lower()
            fields["metre" if name in ("meter", "time") else name] = named[2]
        elif form or _LETTERS.fullmatch(line):
            fields["form"] = form[1] if form else line
        elif not line.startswith("#"):
            body.append(_bars(line, fields, first=not any(body)))
    return fields, "\n".join(body)


def _bars(line: str, fields: dict[str, str], first: bool) -> str:
    """A line of bars, without a metre before the `first` one or a form at its end, which go into `fields`."""
    form = _FORM.search(line)
    if form:
        fields["form"] = form[1]
        line = line[: form.start() + 1].rstrip(" \t,;(") if form.start() else ""
    metre = _METRE.match(line) if first else None
    if metre:
        fields.setdefault("metre", metre[1])
        line = line[metre.end() :]
    return _APART.sub("", _SECTION.sub(r"[\1]", line, count=1))
