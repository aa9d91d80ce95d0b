"""The laws of the house: two halls and a stage, imports only down the stairs, light on the way in.

`music` knows no tensors, `neural` knows no music, both are joined in `studio` alone (docs/architecture.md). The
imports are read from the source, so those inside functions, under TYPE_CHECKING and by name count as well.
"""

from __future__ import annotations

import ast
import importlib.util
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import musicgen

ROOT = Path(__file__).parents[1]
HEAVY = ("keras", "tensorflow", "music21", "matplotlib")
DRAWERS = {"utils", "util", "helpers", "helper", "common", "misc"}

# The stairs, from the ground up: a module imports only from floors below its own. A new module gets a place here, the
# lowest one above all it imports; `.` is the facade.
HOUSE = (
    "music neural neural.lessons neural.networks studio errors music.headers music.signs version",
    "music.constraints music.formats.archives music.formats.chunks music.formats.corpora music.formats.unfolding"
    " music.instruments music.ireal music.metrics music.qualities music.repeats music.scales music.score"
    " music.vocabulary settings",
    "music.accompaniment music.encodings.encoding music.formats.fastmidi music.formats.keyspelling"
    " music.formats.kinds music.formats.layout music.formats.midi music.likeness music.theory music.traits"
    " music.voices",
    "music.charts music.encodings.events.grid music.encodings.text music.encodings.timeline music.encodings.views"
    " music.formats.sheet music.harmony music.keys music.melody music.pictures",
    "music.encodings.events.memory music.formats.abctunes music.formats.humdrum music.formats.musicxml music.wishes",
    "music.encodings.events.features music.encodings.events.rules music.encodings.events.wishes"
    " music.encodings.jazz music.formats.engraving",
    "music.encodings.events music.formats",
    "music.files",
    "music.tunes",
    "music.encodings.quartet",
    "music.encodings.chorales",
    "music.encodings",
    "neural.language",
    "neural.lessons.unrolled_graph neural.reference.activations neural.reference.clipping"
    " neural.reference.weights neural.windows",
    "neural.cells neural.options neural.reference.gru_cell neural.reference.lstm_cell neural.reference.outputs"
    " neural.reference.peephole_lstm_cell neural.reference.simple_rnn_cell neural.sampling",
    "neural.reference",
    "neural.lessons.characters neural.lessons.gradient_check neural.lessons.lstm_by_hand neural.player",
    "neural.networks.shared neural.scoring",
    "neural.training",
    "studio.estimate studio.tables",
    "studio.workers",
    "studio.progress",
    "studio.converter",
    "studio.clip studio.corpus studio.findings studio.recipe",
    "studio.artifact studio.card studio.textfindings",
    "studio.composer studio.inspector",
    ".",
    "studio.cli",
    "__main__",
)
FLOORS = {f"musicgen.{name}".rstrip("."): floor for floor, names in enumerate(HOUSE) for name in names.split()}


def module_name(path: Path) -> str:
    """`musicgen/music/score.py` is `musicgen.music.score`, a package's `__init__.py` the package."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted((ROOT / "musicgen").rglob("*.py"))}


def imports(module: str) -> Iterator[tuple[str, int]]:
    """What a module imports, with the line: whole dotted names, and names of ours written out as strings."""
    path = MODULES[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            yield from ((f"{origin}.{alias.name}", node.lineno) for alias in node.names)
        elif isinstance(node, ast.Constant) and node.value in MODULES.keys() - {"musicgen"}:
            yield str(node.value), node.lineno


def ours(name: str) -> str:
    """The module of ours that a dotted name lies in: `musicgen.errors.FileError` lies in `musicgen.errors`."""
    while name not in MODULES:
        name = name.rpartition(".")[0]
    return name


def within(name: str, *packages: str) -> bool:
    """Whether a dotted name is one of the packages or lies in one."""
    return any(f"{name}.".startswith(f"{package}.") for package in packages)


def namings(modules: Iterable[str], *forbidden: str) -> list[str]:
    """The places in `modules` that name what they must not know."""
    return [
        f"{MODULES[module].relative_to(ROOT)}:{line} imports {name}"
        for module in modules
        for name, line in imports(module)
        if within(name, *forbidden)
    ]


MUSIC = [module for module in MODULES if within(module, "musicgen.music")]
NEURAL = [module for module in MODULES if within(module, "musicgen.neural")]

# Law 1: what knows music knows no tensors; what knows tensors knows no music; the way in is light.


def test_music_knows_no_tensors():
    assert not namings(MUSIC, "keras", "tensorflow", "musicgen.neural", "musicgen.studio")


def test_neural_knows_no_music():
    assert not namings(NEURAL, "music21", "mido", "symusic", "musicgen.music", "musicgen.studio")


def test_music21_has_two_doors():
    assert not namings(MODULES.keys() - {"musicgen.music.formats.humdrum", "musicgen.music.theory"}, "music21")


def test_the_way_in_loads_nothing_heavy():
    program = f"""
import importlib, sys
for module in {["musicgen", *MUSIC]}:
    importlib.import_module(module)
    loaded = {set(HEAVY)} & sys.modules.keys()
    if loaded:
        sys.exit(f"import {{module}} loads {{sorted(loaded)}}")
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# Law 2: imports only go down the floors, which leaves no room for a cycle.


@pytest.mark.parametrize("module", MODULES)
def test_every_module_has_a_floor(module: str):
    assert module in FLOORS, f"{module} stands on no floor: give it one in HOUSE, in tests/test_laws.py"


def test_every_room_of_the_house_is_there():
    assert not FLOORS.keys() - MODULES.keys()


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_down_the_floors(module: str):
    upward = [
        f"line {line}: {module} (floor {FLOORS.get(module)}) imports {name} (floor {FLOORS.get(ours(name))})"
        for name, line in imports(module)
        if within(name, "musicgen") and not FLOORS.get(ours(name), -1) < FLOORS.get(module, 99)
    ]
    assert not upward


# Law 3, that every form of a network agrees with the equations, is held by tests/neural.


def test_the_facade_is_a_sorted_list():
    assert sorted(musicgen.__all__) == musicgen.__all__
    missing = [name for name in musicgen.__all__ if not hasattr(musicgen, name)]
    assert not missing


def test_no_file_is_a_drawer():
    files = [path for folder in ("musicgen", "tests", "benchmarks") for path in (ROOT / folder).rglob("*.py")]
    assert not [path for path in files if path.stem in DRAWERS]


# What is released: a version that the changelog tells of, with pins that fit the ranges.


def test_the_changelog_names_the_version():
    headings = re.findall(r"^## .*", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings[0].startswith("## Unreleased")
    assert any(musicgen.__version__ in heading.split() for heading in headings[:2])


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-test.txt"])
def test_pins_are_exact_and_fit_the_ranges(file: str):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [line for line in (ROOT / file).read_text(encoding="utf-8").splitlines() if line[:1].isalpha()]
    pins = [Requirement(line) for line in lines]
    assert all(str(pin.specifier).startswith("==") for pin in pins)
    ranges = project["dependencies"] if file == "requirements.txt" else project["optional-dependencies"]["test"]
    for wanted in map(Requirement, ranges):
        versions = [str(pin.specifier).removeprefix("==") for pin in pins if pin.name == wanted.name]
        assert versions, f"{wanted.name} has no pin in {file}"
        assert all(wanted.specifier.contains(version) for version in versions)
