"""The command line: words to calls of the doors, and nothing else."""

from __future__ import annotations

import argparse
import json
import logging
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from musicgen.errors import MusicgenError, OptionError, at
from musicgen.music import files
from musicgen.music.encodings import ENCODINGS
from musicgen.music.voices import VOICES
from musicgen.music.wishes import CHORDS
from musicgen.neural.options import CELLS, FORMS
from musicgen.studio.artifact import check_replaceable
from musicgen.studio.clip import Receipt
from musicgen.studio.composer import BACKENDS, Composer
from musicgen.studio.converter import convert
from musicgen.studio.corpus import TEXT, documents
from musicgen.studio.inspector import inspect, inspect_model, looks_trained
from musicgen.version import __version__

LINE: dict[str, Any] = {
    "default": "",
    "metavar": "TRACK",
    "help": "number, name or pattern ('*sax*') of the track with the melody (default: it is found)",
}
WISHES = tuple(dict.fromkeys(name for kind in ENCODINGS.values() for name in kind.wishes.__dataclass_fields__))
TRAINING = (
    "vocabulary_size",
    "epochs",
    "minutes",
    "seed",
    "form",
    "Tx",
    "batch",
    "learning_rate",
    "units",
    "layers",
    "cell",
    "dropout",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; errors of ours are one sentence on standard error and a status of 1."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(format="musicgen: %(message)s", level=logging.WARNING)
    try:
        return int(options.command(options) or 0)
    except MusicgenError as error:
        if options.debug:
            raise
        print(f"musicgen: {error}", file=sys.stderr)
    except BrokenPipeError:  # the reader of our output has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        if options.debug:
            raise
        print(
            f"musicgen: {error.filename or 'disk'}: expected a place to read or write. Received: {error.strerror}",
            file=sys.stderr,
        )
    except KeyboardInterrupt:
        print("musicgen: stopped", file=sys.stderr)
        return 130
    return 1


# -- commands


def _train(options: argparse.Namespace) -> int:
    out = Path(options.out or Path("models") / Path(options.source[0]).resolve().stem)
    if not out.name:
        raise OptionError(f"--out: expected a name for the model. Received: {options.out}")
    checkpoint = out.with_name(f"{out.name}.checkpoint")
    if options.resume and not checkpoint.exists():
        raise OptionError(f"{checkpoint}: expected a checkpoint to resume from. Received: no such file")
    if out.exists() and not (options.force or options.resume):
        raise OptionError(f"{out}: expected a new name. Received: one that exists; use --force or another --out")
    check_replaceable(out)
    settings = {name: getattr(options, name) for name in TRAINING}
    if options.start_from:
        composer = Composer.load(options.start_from)
        composer.recipe = composer.recipe.with_settings(**_trainable(settings | {"encoding": options.encoding}))
    else:
        composer = Composer(options.encoding or "jazz", **settings)
    documents(options.source, ENCODINGS[composer.recipe.encoding])  # a wrong name is told at once
    print(f"Learning from {' '.join(options.source)} into {out} (encoding {composer.recipe.encoding}).", flush=True)
    lesson = composer.fit(
        options.source, valid=options.valid, line=options.line, checkpoint=checkpoint, resume=options.resume
    )
    journal = lesson.journal
    if not journal.epoch:
        print("Stopped before the first epoch was over; nothing was written.")
        return 130
    composer.save(out, replace=True)
    print(f"{'Stopped. ' if journal.interrupted else ''}Kept the best of {journal.epoch} epochs: ", end="")
    encoding = composer.encoding
    print(f"{journal.best:.3f} nats per {encoding.unit} on {len(lesson.valid.pieces)} held-out {encoding.pieces}.")
    if journal.interrupted or options.minutes is not None:
        print("To go on learning, add --resume to the same command, with more --minutes or without.")
    else:
        checkpoint.unlink(missing_ok=True)
    over = f"--chords '{CHORDS}' " if "chords" in encoding.wishes.__dataclass_fields__ else ""
    advice = "-n 20" if encoding.document is str else f"{over}--bars 8 -n 3 --picture"
    print(f"Saved {out}. Next: musicgen generate {shlex.quote(str(out))} {advice}")
    return 0


def _trainable(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings that may change when training goes on from a model; the network's shape may not."""
    fixed = [n for n in ("encoding", "vocabulary_size", "units", "layers", "cell") if settings[n] is not None]
    if fixed:
        raise OptionError(f"--from: expected no {', '.join(fixed)}: the model has its own. Received: both")
    return settings


def _generate(options: argparse.Namespace) -> None:
    composer = Composer.load(options.model)
    writes_text = composer.encoding.document is str
    places = _places(options) if not writes_text else _text_place(options)
    wishes = {name: getattr(options, name) for name in WISHES}
    clips = composer.generate(
        options.n,
        seed=options.seed,
        primer=options.primer,
        primer_line=options.primer_line,
        backend=options.backend,
        temperature=options.temperature,
        top_p=options.top_p,
        top_k=options.top_k,
        **wishes,
    )
    if writes_text:
        _write_lines([str(line) for line in clips], places)
        return
    for clip, path in zip(clips, places, strict=True):
        written = [clip.save(path)]
        if options.picture:
            written.append(clip.save(path.with_suffix(f".{options.picture}")))
        print("  ".join(map(str, written)), flush=True)
    print(f"Made with seed {options.seed} ({clips[0].receipt.backend}). Other clips: another --seed or", end=" ")
    print("--temperature; pictures: --picture; the same clip again: musicgen reproduce FILE.")


def _text_place(options: argparse.Namespace) -> list[Path]:
    """Where lines go: nowhere but the screen, or into the one file that was named."""
    places = [] if options.out is None else [Path(options.out)]
    if options.picture:
        raise OptionError("--picture: expected a model of music. Received: one of text")
    if places and places[0].suffix != TEXT:
        raise OptionError(f"--out: expected a file ending in {TEXT}. Received: {options.out}")
    _check_new(places, options)
    return places


def _write_lines(lines: list[str], places: list[Path]) -> None:
    if not places:
        print(*lines, sep="\n")
        return
    files.write_whole(places[0], "".join(f"{line}\n" for line in lines).encode())
    print(places[0])


def _places(options: argparse.Namespace) -> list[Path]:
    """Where the clips go: into a folder, or into the one file that was named."""
    out = Path(options.out or "clips")
    if out.suffix.lower() in files.FORMATS:
        if options.n > 1:
            raise OptionError(f"--out: expected a folder for {options.n} clips. Received: {out}")
        paths = [out]
    elif out.suffix and not out.is_dir():
        raise OptionError(f"--out: expected a folder, or a file ending in .mid. Received: {out}")
    else:
        paths = [out / f"{Path(options.model).stem}-seed{options.seed}-{k + 1}.mid" for k in range(max(options.n, 0))]
    pictures = [path.with_suffix(f".{options.picture}") for path in paths if options.picture]
    _check_new([*paths, *pictures], options)
    return paths


def _check_new(paths: list[Path], options: argparse.Namespace) -> None:
    for path in paths:
        if path.exists() and not options.force:
            raise OptionError(f"{path}: expected a new name. Received: one that exists; use --force or another --out")


def _reproduce(options: argparse.Namespace) -> int:
    score = files.read(options.clip)
    with at(options.clip):
        model = options.model or Receipt.of(score).name
    if not Path(model).exists():
        raise OptionError(
            f"{options.clip}: expected its model at {model}; name it with --model. Received: no such path"
        )
    composer = Composer.load(model)
    with at(options.clip):
        clip = composer.reproduce(score)
    path = Path(options.clip)
    out = Path(options.out) if options.out else path.with_name(f"{path.stem}-again{path.suffix}")
    clip.save(out)
    same = out.read_bytes() == path.read_bytes()
    print(f"{out}: {'the same file' if same else 'not the same file: other software drew it'}")
    return 0 if same else 1


def _evaluate(options: argparse.Namespace) -> None:
    measured = Composer.load(options.model).evaluate(options.source, line=options.line, per_note=options.per_note)
    if options.json:
        print(json.dumps(measured))
        return
    for name, value in measured.items():
        print(f"{name:22} {value:,.3f}" if isinstance(value, float) else f"{name:22} {value:,}")


def _convert(options: argparse.Namespace) -> int:
    written = 0
    for one in convert(options.source, options.out, to=options.to or "", swing=options.swing, force=options.force):
        written += one.path is not None
        what = str(one.path) if one.path else f"refused {one.name}"
        print(f"{what}: {'; '.join(one.remarks)}" if one.remarks else what, flush=True)
    return 0 if written else 1


def _inspect(options: argparse.Namespace) -> int:
    path = Path(options.source)
    found = inspect_model(path) if looks_trained(path) else inspect(options.source, options.encoding, options.line)
    print(json.dumps(found.to_dict()) if options.json else found.to_text())
    return 0 if found.usable else 1


# -- words


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "musicgen", description="Learn from music files and write new music (MIDI, not audio).", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"musicgen {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", title="commands")
    _add_train(commands)
    _add_generate(commands)
    _add_others(commands)
    return parser


def _command(commands: Any, name: str, run: Any, about: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=about, description=about, allow_abbrev=False)
    parser.set_defaults(command=run)
    parser.add_argument("--debug", action="store_true", help="show the whole traceback of an error")
    return parser


def _add_train(commands: Any) -> None:
    parser = _command(commands, "train", _train, "learn from music files, or from lines of text")
    add = parser.add_argument
    add("source", nargs="+", metavar="SOURCE", help="folders or files")
    add("--encoding", choices=tuple(ENCODINGS), help="what a step is (default jazz: a note of a line over chords)")
    add("--vocabulary-size", type=int, help="characters or words told apart, the most frequent (default 10000)")
    add("--line", **LINE)
    add("--out", metavar="MODEL", help="where to save it (default: models/ and the name of SOURCE)")
    add("--valid", metavar="SOURCE", help="pieces to judge by (default: a tenth of the pieces is held out)")
    add("--minutes", type=float, help="stop after so many minutes")
    add(
        "--epochs",
        type=int,
        help="stop after so many passes over the music (default 300; it stops when it has learned)",
    )
    add("--from", dest="start_from", metavar="MODEL", help="go on from a trained model (fine-tune)")
    add("--resume", action="store_true", help="go on with a run that was cut, with the same options")
    add("--seed", type=int, help="of everything random (default 0)")
    add("--force", action="store_true", help="replace a model of that name")
    network = parser.add_argument_group("the network")
    network.add_argument("--cell", choices=CELLS, help="kind of recurrent cell (default lstm)")
    network.add_argument("--units", type=int, help="units per layer (default 256)")
    network.add_argument("--layers", type=int, help="recurrent layers (default 1)")
    network.add_argument("--dropout", type=float, help="share of activations dropped in training (default 0.3)")
    network.add_argument(
        "--form", choices=FORMS, help="how training is wired (default scanned; unrolled is the same, slower)"
    )
    network.add_argument("--Tx", type=int, help="steps per training window (default 96)")
    network.add_argument("--batch", type=int, help="windows per batch (default 32)")
    network.add_argument("--learning-rate", type=float, help="at the start (default 0.002)")


def _add_generate(commands: Any) -> None:
    parser = _command(commands, "generate", _generate, "write clips with a trained model")
    add = parser.add_argument
    add("model", metavar="MODEL", help="a trained model, a folder or zip")
    add("-n", type=int, default=1, help="how many clips (default 1)")
    add("--seed", type=int, default=0, help="another number, another clip (default 0)")
    add("--temperature", type=float, help="higher is bolder, lower is safer (the model has its default)")
    add("--top-p", type=float, help="choose among the likeliest values with this much probability")
    add("--top-k", type=int, help="choose among so many likeliest values; 0 is all")
    add("--backend", choices=BACKENDS, default="auto", help="numpy for a few clips, compiled for many (default: auto)")
    add("--picture", nargs="?", const="png", choices=("png", "svg"), help="also draw a piano roll of each clip")
    add("--out", metavar="FOLDER", help="where to write (default clips), or one .mid file; lines: a .txt file")
    add("--force", action="store_true", help="replace clips of the same name")
    _add_wishes(parser)


def _add_wishes(parser: argparse.ArgumentParser) -> None:
    """What a clip can be asked for; which of it a model knows depends on its encoding."""
    add = parser.add_argument_group("wishes for music").add_argument
    add("--bars", type=int, help="how many (default: as many as the chart or the given voices have, or 8)")
    add("--tempo", dest="tempo_bpm", type=float, metavar="BPM", help="quarters a minute")
    add("--metre", help="such as 4/4 (the default), 3/4 or 6/8")
    add("--primer", metavar="FILE", help="begin with the music of this file")
    add("--primer-line", **LINE)
    add = parser.add_argument_group("of jazz").add_argument
    add("--chords", help=f"a chart such as '{CHORDS.replace('%', '%%')}' (the default), or a .txt file with one")
    add("--key", help="only notes of this key or scale, such as 'C minor' or 'F blues'")
    add("--range", dest="pitch_range", metavar="LOW-HIGH", help="only notes from here to there, such as C3-C6")
    add = parser.add_argument_group("of events").add_argument
    add("--instruments", metavar="NAMES", help="only these, such as 'piano, bass, drums'")
    add("--density", type=float, metavar="NOTES", help="about so many notes in a quarter")
    add = parser.add_argument_group("of chorales").add_argument
    for voice in VOICES:
        add(f"--{voice}", metavar="FILE", help=f"a given {voice}; the other voices are written to it")
    add("--pickup", type=int, metavar="N", help="sixteenths before the first bar line (default: the given voice's)")
    add = parser.add_argument_group("of text").add_argument
    add("--prefix", metavar="TEXT", help="what a line begins with")
    add("--length", type=int, help="characters or words of a line at most (default 200)")


def _add_others(commands: Any) -> None:
    parser = _command(commands, "reproduce", _reproduce, "make a clip again from the receipt it carries")
    parser.add_argument("clip", metavar="CLIP", help="a MIDI file that generate wrote")
    parser.add_argument("--model", metavar="MODEL", help="the model that made it (default: the one its receipt names)")
    parser.add_argument("--out", metavar="FILE", help="where to write (default: beside it, with -again in its name)")
    parser = _command(commands, "evaluate", _evaluate, "measure how likely a model finds music it has not seen")
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("source", nargs="+", metavar="SOURCE", help="folders or files")
    parser.add_argument("--line", **LINE)
    parser.add_argument("--per-note", metavar="FILE.csv", help="write ln p of each note's fields")
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser = _command(commands, "inspect", _inspect, "say what is in a file, a folder or a model")
    parser.add_argument("source", metavar="SOURCE", help="a file, a folder or a model")
    parser.add_argument("--encoding", choices=tuple(ENCODINGS), default="jazz", help="to learn by (default jazz)")
    parser.add_argument("--line", **LINE)
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser = _command(commands, "convert", _convert, "turn music files into others: MIDI, MusicXML, ABC, Humdrum, zips")
    parser.add_argument("source", metavar="IN", help="a file, a folder, tunes.abc#3, or corpus:NAME of music21")
    parser.add_argument("out", metavar="OUT", help="a file (.mid, .musicxml, .mxl), or a folder for several pieces")
    parser.add_argument("--to", metavar="SUFFIX", help="the format in a folder (default: .mid, and .musicxml for MIDI)")
    parser.add_argument("--swing", action="store_true", help='write "Swing" above the first bar')
    parser.add_argument("--force", action="store_true", help="replace files of the same name")
