"""A recurrent network drawn as the feedforward network it is when unrolled in time.

Every arrow of the recurrent network takes one step. An arrow from a to b therefore becomes an arrow from a
at time t to b at time t + 1, for every t, and all these copies share one weight.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from musicgen.errors import OptionError

Edge = tuple[str, str]  # from, to: in the recurrent network
Place = tuple[str, int]  # unit, time: in the unrolled network


class UnrolledGraph(NamedTuple):
    """Units in the order of first mention, the number of times, and the arrows between places."""

    units: tuple[str, ...]
    T: int
    edges: frozenset[tuple[Place, Place]]


def unrolled_graph(edges: Iterable[Edge], T: int) -> UnrolledGraph:
    """The recurrent network with these arrows, each of one step's delay, unrolled over T times 0 .. T - 1.

    Two recurrent networks are the same if they unroll to equal graphs; so a quiz that asks "which network
    equals this one unrolled" is answered with `==` on `edges`.

    Args:
        edges: pairs (from, to), for example `[("x1", "h1"), ("h1", "h1"), ("h1", "y")]`.
        T: at least 2, else no arrow fits in.

    Raises:
        OptionError: T is less than 2.
    """
    edges = list(edges)
    _check_times(T)
    units = tuple(dict.fromkeys(unit for edge in edges for unit in edge))
    return UnrolledGraph(units, T, frozenset(((a, t), (b, t + 1)) for a, b in edges for t in range(T - 1)))


def rolled_graph(arrows: Iterable[tuple[Place, Place]], T: int) -> frozenset[Edge]:
    """The recurrent network that unrolls to these arrows over T times; the inverse of `unrolled_graph`.

    Raises:
        OptionError: no recurrent network with one step's delay on every arrow does; names a missing or
            impossible arrow.
    """
    _check_times(T)
    arrows = frozenset(arrows)
    for (a, t), (b, u) in arrows:
        if u != t + 1 or not 0 <= t < T - 1:
            raise OptionError(
                f"arrows: expected each from a time to the next within {T}. Received: {a} at {t} -> {b} at {u}."
            )
    edges = frozenset((a, b) for (a, _), (b, _) in arrows)
    missing = unrolled_graph(sorted(edges), T).edges - arrows
    if missing:
        (a, t), (b, u) = min(missing)
        raise OptionError(f"arrows: expected the same at every time. Received: no {a} at {t} -> {b} at {u}.")
    return edges


def draw_unrolled_graph(graph: UnrolledGraph, axes: Any = None) -> Any:
    """The picture: time from left to right, one row per unit, the first unit lowest. Returns the matplotlib axes."""
    import matplotlib.pyplot as plt

    if axes is None:
        axes = plt.figure(figsize=(1.6 * graph.T, 0.9 * len(graph.units) + 0.6)).add_subplot()
    row = {unit: n for n, unit in enumerate(graph.units)}
    for (a, t), (b, u) in sorted(graph.edges):
        ends = {"xy": (u, row[b]), "xytext": (t, row[a])}
        axes.annotate("", **ends, arrowprops={"arrowstyle": "->", "shrinkA": 14, "shrinkB": 14, "color": "tab:blue"})
    for unit, n in row.items():
        for t in range(graph.T):
            axes.text(t, n, unit, ha="center", va="center", bbox={"boxstyle": "circle", "fc": "white", "ec": "black"})
    axes.set(xlim=(-0.5, graph.T - 0.5), ylim=(-0.6, len(row) - 0.4), yticks=[], xticks=range(graph.T), xlabel="time")
    return axes


def _check_times(T: int) -> None:
    if T < 2:
        raise OptionError(f"T: expected 2 times or more. Received: {T!r}.")
