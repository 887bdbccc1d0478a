"""Parsing in child processes, so that a crash, a hang or a hunger for memory of a parser costs one document.

A few workers are kept and used again, one document at a time each. A worker has limits on memory and processor
time that the system enforces, no environment, and ends when its socket closes: with this process, however that
ends. What comes back is JSON; nothing that a hostile file could make of it runs here.

The workers are the one thing of this library that is global, because `read` is a function.
"""

import atexit
import contextlib
import json
import os
import resource
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from embeddings.errors import (
    EmptyText,
    InvalidInput,
    TooLarge,
    Unavailable,
    UnreadableDocument,
    UnsupportedFormat,
)
from embeddings.readers.extract import Extract
from embeddings.readers.kinds import Kind
from embeddings.types import Mark, Span

TIME_LIMIT_S = 60
MEMORY_LIMIT_BYTES = 2 << 30
_MAX_WORKERS = max(2, min(8, os.cpu_count() or 2))
# Parsers leak a little.
_DOCUMENTS_A_WORKER = 500
_IDLE_S = 300
_LENGTH_BYTES = 8
_PARSERS = {
    Kind.HTML: "html",
    Kind.MHTML: "html",
    Kind.DOCX: "docx",
    Kind.PDF: "pdf",
    Kind.OFD: "ofd",
}
_REFUSALS = {error.code: error for error in (UnsupportedFormat, UnreadableDocument, EmptyText, TooLarge)}
# The worker needs the readers, not the indexes and models that importing the library brings.
_BOOT = """
import sys, types
sys.path[:] = sys.argv[2:]
library = types.ModuleType("embeddings")
library.__path__ = [sys.argv[1]]
sys.modules["embeddings"] = library
from embeddings.readers.isolation import serve
serve()
"""


def extract_in_child(kind: Kind, data: bytes, *, filename: str) -> Extract:
    """What the parser of `kind` takes out of a file.

    Raises:
        UnsupportedFormat, UnreadableDocument, EmptyText, TooLarge: the parser refused the file, broke on it, or
            went over `TIME_LIMIT_S` or `MEMORY_LIMIT_BYTES`.
    """
    reply = _POOL.ask({"kind": kind, "filename": filename}, data)
    if "refusal" in reply:
        raise _REFUSALS[reply["refusal"]](reply["message"])
    marks = tuple(Mark(Span(start, end), reason) for start, end, reason in reply["marks"])
    return Extract(reply["text"], reply["encoding"], marks, tuple(reply["page_starts"]), reply["is_web_page"])


def close_workers() -> None:
    """End the idle workers. Later calls start new ones."""
    _POOL.close()


class _Died(Exception):
    """A worker ended without an answer."""


@dataclass(slots=True)
class _Worker:
    process: subprocess.Popen[bytes]
    socket: socket.socket
    documents: int = 0

    @classmethod
    def start(cls) -> "_Worker":
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                process = subprocess.Popen(
                    [sys.executable, "-c", _BOOT, str(Path(__file__).parent.parent), *sys.path],
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env={"LANG": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
                    start_new_session=True,
                )
            except OSError as error:
                ours.close()
                raise Unavailable(
                    f"No process to read documents in can be started: {error.strerror}."
                ) from error
        return cls(process, ours)

    def ask(self, request: dict[str, Any], data: bytes) -> dict[str, Any]:
        self.documents += 1
        # More than the worker's limit of processor time: a busy machine is not the document's fault.
        self.socket.settimeout(2 * TIME_LIMIT_S)
        try:
            _send(self.socket, json.dumps(request).encode())
            _send(self.socket, data)
            reply: dict[str, Any] = json.loads(_receive(self.socket))
        except (OSError, EOFError, ValueError) as error:
            raise _Died from error
        return reply

    def end(self) -> None:
        self.socket.close()
        self.process.kill()
        self.process.wait()


class _Pool:
    def __init__(self) -> None:
        self._places = threading.BoundedSemaphore(_MAX_WORKERS)
        self._lock = threading.Lock()
        self._idle: list[_Worker] = []

    def ask(self, request: dict[str, Any], data: bytes) -> dict[str, Any]:
        with self._places:
            while True:
                worker = self._take()
                # It may have ended while idle, or an earlier document may have broken it.
                is_used = worker.documents > 0
                try:
                    reply = worker.ask(request, data)
                except _Died as died:
                    worker.end()
                    if not is_used:
                        raise _over_the_limits(request["filename"], died) from died
                except BaseException:
                    worker.end()
                    raise
                else:
                    self._give_back(worker)
                    return reply

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.end()

    def forget(self) -> None:
        """In a forked child: the workers are the parent's."""
        for worker in self._idle:
            worker.socket.close()
            worker.process.returncode = 0
        self._places = threading.BoundedSemaphore(_MAX_WORKERS)
        self._lock = threading.Lock()
        self._idle = []

    def _take(self) -> _Worker:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return _Worker.start()

    def _give_back(self, worker: _Worker) -> None:
        if worker.documents >= _DOCUMENTS_A_WORKER:
            worker.end()
            return
        with self._lock:
            self._idle.append(worker)


def _over_the_limits(filename: str, died: _Died) -> UnreadableDocument:
    took_too_long = isinstance(died.__cause__, TimeoutError)
    what = (
        "took too long" if took_too_long else "made the parser break or go over its limits of time and memory"
    )
    return UnreadableDocument(
        f"“{filename}” {what}: it is damaged, or far larger inside than a document. Save it anew or split it."
    )


def _send(to: socket.socket, data: bytes) -> None:
    to.sendall(len(data).to_bytes(_LENGTH_BYTES, "big"))
    to.sendall(data)


def _receive(source: socket.socket) -> bytes:
    return _receive_exactly(source, int.from_bytes(_receive_exactly(source, _LENGTH_BYTES), "big"))


def _receive_exactly(source: socket.socket, size: int) -> bytes:
    received = bytearray()
    while len(received) < size:
        block = source.recv(min(1 << 20, size - len(received)))
        if not block:
            raise EOFError
        received += block
    return bytes(received)


def serve() -> None:
    """A worker's life: read a file from standard input, which is a socket, answer, and again."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT_BYTES, MEMORY_LIMIT_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    channel = socket.socket(fileno=0)
    with contextlib.suppress(EOFError, OSError):
        while True:
            channel.settimeout(_IDLE_S)
            request = json.loads(_receive(channel))
            channel.settimeout(None)
            data = _receive(channel)
            _allow_processor_time()
            _send(channel, json.dumps(_answer(Kind(request["kind"]), data, request["filename"])).encode())


def _allow_processor_time() -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    limit = int(used.ru_utime + used.ru_stime) + TIME_LIMIT_S
    resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))


def _answer(kind: Kind, data: bytes, filename: str) -> dict[str, Any]:
    try:
        extract = _parser(kind)(data, filename=filename)
    except InvalidInput as refusal:
        return {"refusal": refusal.code, "message": str(refusal)}
    except MemoryError:
        message = f"“{filename}” needs more than {MEMORY_LIMIT_BYTES:,} bytes of memory to be read. Split it."
        return {"refusal": TooLarge.code, "message": message}
    except Exception as error:
        # Whatever a parser stumbles over is the file's doing; the kind of error helps whoever mends the parser.
        message = (
            f"“{filename}” is damaged: its {kind} cannot be read ({type(error).__name__}). Save it again."
        )
        return {"refusal": UnreadableDocument.code, "message": message}
    return {
        "text": extract.text,
        "encoding": extract.encoding,
        "marks": [[*mark.span, mark.reason] for mark in extract.marks],
        "page_starts": extract.page_starts,
        "is_web_page": extract.is_web_page,
    }


def _parser(kind: Kind) -> Callable[..., Extract]:
    """`extract_…` of the module that reads `kind`: lxml and pypdfium2 are imported in workers only."""
    module = import_module(f"embeddings.readers.{_PARSERS[kind]}")
    parser: Callable[..., Extract] = getattr(module, f"extract_{kind}")
    return parser


_POOL = _Pool()
atexit.register(_POOL.close)
os.register_at_fork(after_in_child=_POOL.forget)
