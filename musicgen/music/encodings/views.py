"""Views: what onsets, pitches and durations are called relative to what stands.

Musicians name pitches by interval and by degree of the chord, times by beat; a network that adds
up such names learns each of them once, for all pitches and all places.
"""

from __future__ import annotations

import numpy as np

from musicgen.music.encodings.encoding import Steps, View

NEAR = 6  # ticks: how far from legato is told apart
WIDEST = 24  # semitones: the widest interval that has a name of its own


def by_place(cycle: int, longest: int) -> View:
    """Ticks 0 to `longest` by the place in a cycle of ticks they lead to; the key is the place now."""
    ticks = np.arange(longest + 1)
    table = (np.arange(cycle)[:, None] + np.arange(cycle)) % cycle
    groups = np.where((ticks == 0) | (ticks == longest), cycle, ticks % cycle)  # none and a rest lead nowhere
    return _view(cycle, _with_no_name(table, cycle), groups)


def by_gap(longest: int) -> View:
    """Onsets by how far they are from the end of the note before; the key is its duration."""
    gap = np.arange(longest + 1) - np.arange(longest + 2)[:, None]
    names = 2 * NEAR + 3
    table = np.clip(gap, -NEAR - 1, NEAR + 1) + NEAR + 1
    table[:, longest] = table[0] = table[longest + 1] = names  # a rest; no note before
    return _view(names, table, np.arange(longest + 1))


def by_interval(rest: int) -> View:
    """Pitches 0 to `rest` by their interval to the pitch before, which is the key."""
    interval = np.arange(rest + 1) - np.arange(rest + 2)[:, None]
    names = 2 * WIDEST + 3
    table = np.clip(interval, -WIDEST - 1, WIDEST + 1) + WIDEST + 1
    table[:, rest] = table[rest] = table[rest + 1] = names  # a rest; no pitch before
    return _view(names, table, np.arange(rest + 1))


def by_degree(rest: int) -> View:
    """Pitches 0 to `rest` by their degree over a root, the key; 12 is no root."""
    table = (np.arange(12) - np.arange(13)[:, None]) % 12
    table[12] = 12
    return _view(12, _with_no_name(table, 12), np.append(np.arange(rest) % 12, 12))


def _with_no_name(table: Steps, names: int) -> Steps:
    """A group more, that has no name whatever the key."""
    return np.concatenate([table, np.full((len(table), 1), names)], axis=1)


def _view(names: int, table: Steps, groups: Steps) -> View:
    return View(names, table.astype(np.int32), groups.astype(np.int32))
