"""Processes that read files, so that a bad file costs one line and not the run.

A reader may take for ever, eat all memory, or fall over in code that is not Python. So each file is read by a
process of its own kind: started once, given one item after the other, ended where it takes too long or too much,
and started again for the next. What a process cannot give comes back as a `Failure`, a value like any other.

Not multiprocessing: that runs the caller's main module once more in each process, so a script without
`if __name__ == "__main__"` would start itself again.
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from queue import SimpleQueue
from typing import IO, Any, Generic, TypeVar

from musicgen.errors import MusicgenError

Item = TypeVar("Item")
Result = TypeVar("Result")

SECONDS = 2.0  # for an item
MEGABYTES = 500  # for a process, all in all
IN_TIME = 0.65  # of the seconds are for reading; the rest is for starting, and for saying so
STARTING = 60.0  # seconds for a process to load what it needs, on a machine that is busy

_PROGRAM = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from musicgen.studio.workers import serve; serve()"
_ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
_DONE, _REFUSED, _SPENT = "done", "refused", "spent"


@dataclass(frozen=True)
class Failure:
    """Why there is no result, as a sentence: what was expected, what was received."""

    reason: str


def map_files(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    seconds: float = SECONDS,
    megabytes: int = MEGABYTES,
    processes: int | None = None,
    prepare: Callable[[], object] | None = None,
    report: Callable[[int, int], None] = lambda done, of: None,
) -> Iterator[Result | Failure]:
    """`function` of each item, in order, each worked out in a process that is ended if it goes too far.

    Args:
        function: of a module's own level, so that another process finds it by name. What its module imports is
            loaded before the first clock starts. An error of ours that it raises becomes a `Failure`.
        items, and the results: what pickle can carry.
        seconds: for each item.
        megabytes: for a process; held where the system can (Linux).
        processes: how many at once; one for each core if not given.
        prepare: called once in each process before the first clock starts, for what takes long to load.
        report: called with how many are done, of how many.
    """
    count = max(1, min(processes or _cores(), len(items)))
    workers = [_Worker(function, seconds, megabytes, prepare) for _ in range(count)]
    idle: SimpleQueue[_Worker[Item, Result]] = SimpleQueue()
    for worker in workers:
        idle.put(worker)

    def work(item: Item) -> Result | Failure:
        worker = idle.get()
        try:
            return worker.result(item)
        finally:
            idle.put(worker)

    threads = ThreadPoolExecutor(count)
    try:
        for done, result in enumerate(threads.map(work, items), 1):
            report(done, len(items))
            yield result
    finally:
        threads.shutdown(wait=False, cancel_futures=True)
        for worker in workers:
            worker.stop()  # whoever waits for its answer gets none
        threads.shutdown()
        for worker in workers:
            worker.end()


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Worker(Generic[Item, Result]):
    """A process as those who ask see it; it is started when it is needed."""

    def __init__(
        self,
        function: Callable[[Item], Result],
        seconds: float,
        megabytes: int,
        prepare: Callable[[], object] | None = None,
    ) -> None:
        self.task = (function, seconds, megabytes, prepare)
        self.seconds, self.megabytes = seconds, megabytes
        self.process: subprocess.Popen[bytes] | None = None
        self.lock, self.stopped, self.late = threading.Lock(), False, threading.Event()

    def result(self, item: Item) -> Result | Failure:
        """What the process makes of an item, or why it makes nothing."""
        if self.process is None and self._exchange(self.task, STARTING) is None:
            self.end()
            return Failure("expected a process to read the file. Received: one that does not start")
        answer = self._exchange(item, IN_TIME * self.seconds)
        if answer is None:
            return Failure(self.end())
        state, value = answer
        if state == _SPENT:
            self.end()
            return Failure(f"expected a file that is read within {self.megabytes} MB. Received: one that needs more")
        return Failure(value) if state == _REFUSED else value

    def stop(self) -> None:
        """End the process; no other is started."""
        with self.lock:
            self.stopped = True
            if self.process is not None:
                self.process.kill()

    def end(self) -> str:
        """End the process and clear up behind it, so that the next item gets a fresh one; the sentence why."""
        with self.lock:
            process, self.process = self.process, None
        if process is None:
            return "expected a file to be read. Received: a stop"
        process.kill()
        process.wait()
        for stream in filter(None, (process.stdin, process.stdout)):
            with suppress(OSError):
                stream.close()
        if self.late.is_set():
            return f"expected a file that is read within {self.seconds:g} seconds. Received: one that takes longer"
        return f"expected a file that can be read. Received: one at which its reader fell over ({_cause(process)})"

    def _exchange(self, message: object, seconds: float) -> Any:
        """The answer to a message; None if the process has ended or takes longer."""
        process = self._running()
        if process is None or process.stdin is None or process.stdout is None:
            return None
        self.late.clear()
        clock = threading.Timer(seconds, self._expire, [process])
        clock.daemon = True
        try:
            send(process.stdin, message)
            clock.start()  # pickling a large message is not the reader's time
            return receive(process.stdout)
        except (OSError, EOFError):
            return None
        finally:
            clock.cancel()

    def _expire(self, process: subprocess.Popen[bytes]) -> None:
        self.late.set()
        process.kill()

    def _running(self) -> subprocess.Popen[bytes] | None:
        with self.lock:
            if self.process is None and not self.stopped:
                self.process = subprocess.Popen(
                    [sys.executable, "-c", _PROGRAM, json.dumps(sys.path)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    env=os.environ | _ONE_THREAD,
                )
            return self.process


def _cause(process: subprocess.Popen[bytes]) -> str:
    code = process.returncode
    with suppress(ValueError):
        return signal.Signals(-code).name if code < 0 else f"exit status {code}"
    return f"signal {-code}"


# -- the other side of the pipe


def serve() -> None:
    """Answer one message after the other, the first of which says what to do; ends when nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever asks decides when to stop
    questions, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a reader prints is no answer
    with suppress(EOFError, BrokenPipeError):
        function, seconds, megabytes, prepare = receive(questions)
        _limit_memory(megabytes)
        if prepare is not None:
            prepare()
        send(answers, (_DONE, None))
        while True:
            item = receive(questions)
            with _alarm(seconds):
                reply = _answer(function, item)
            _write(answers, reply)


def _answer(function: Callable[[Any], Any], item: object) -> bytes:
    """How it went, and the result or the reason why there is none."""
    try:
        return pickle.dumps((_DONE, function(item)), pickle.HIGHEST_PROTOCOL)
    except MusicgenError as error:
        reply = (_REFUSED, str(error))
    except MemoryError:
        reply = (_SPENT, "")
    except Exception as error:  # a fault of ours; it still costs no more than this file
        reply = (_REFUSED, f"expected a file that can be read. Received: {type(error).__name__}: {error}")
    return pickle.dumps(reply)


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """The system ends this process where it takes longer, even if nobody is left to ask for that."""
    if not hasattr(signal, "setitimer"):
        yield
        return
    signal.setitimer(signal.ITIMER_REAL, seconds)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)


def _limit_memory(megabytes: int) -> None:
    """Let this process have so much memory and no more, where the system knows how."""
    if sys.platform != "linux":
        return
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = megabytes << 20
    resource.setrlimit(resource.RLIMIT_AS, (wanted if hard < 0 else min(wanted, hard), hard))


def send(stream: IO[bytes], message: object) -> None:
    """Write a message behind its length, 8 bytes."""
    _write(stream, pickle.dumps(message, pickle.HIGHEST_PROTOCOL))


def _write(stream: IO[bytes], data: bytes) -> None:
    stream.write(len(data).to_bytes(8, "big"))
    stream.write(data)
    stream.flush()


def receive(stream: IO[bytes]) -> Any:
    """Read what `send` wrote.

    Raises:
        EOFError: the other side has gone.
    """
    size = stream.read(8)
    data = stream.read(int.from_bytes(size, "big")) if len(size) == 8 else b""
    if not data:
        raise EOFError
    return pickle.loads(data)
