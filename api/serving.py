"""The life of a server: listen, open the collection meanwhile, answer, stop."""

import signal
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path

import uvicorn

from api.app import create_app
from api.auth import check_exposure
from api.background import Jobs
from api.library import Library
from api.settings import Settings
from embeddings import AddReport, Collection, Unavailable, mirror_paths

_ORIGIN = "serve"
_GRACE_S = 5
# With a slip of typing, so that what corrects them is read too.
_WARM_UP = "安全生产工作要求消仿"

OnProgress = Callable[[int, int], None]
OnReady = Callable[[str, int, AddReport | None], None]
"""Called with the address, the number of documents and what became of the files, once questions are
answered."""


class AddressUnavailable(Unavailable):
    code = "address_unavailable"


class _Stopped(Exception):
    pass


def serve(settings: Settings, paths: Sequence[Path], *, on_progress: OnProgress, on_ready: OnReady) -> None:
    """Answer questions until the process is told to stop.

    The documents under `paths` replace what was served before; without any, what is there is served.

    Raises:
        AddressUnavailable: the port is taken, or the host is none of this machine's.
        InvalidInput: others could reach it and no key is set.
        InvalidInput, StorageUnavailable, ModelUnavailable, EmbedderMismatch: as opening and adding do.
    """
    check_exposure(settings.host, settings.api_keys)
    listener = listen(settings.host, settings.port)
    library = Library(settings)
    jobs = Jobs(library, settings.data_dir)
    server = _make_server(settings, library, jobs)

    def heed_stop(done: int, total: int) -> None:
        if server.should_exit:
            raise _Stopped
        on_progress(done, total)

    def open_library() -> None:
        report = None

        def prepare(collection: Collection) -> None:
            nonlocal report
            if paths:
                report = mirror_paths(collection, paths, origin=_ORIGIN, on_progress=heed_stop)
            # What is loaded on first use is loaded now, not at the expense of whoever asks first.
            collection.search(_WARM_UP)

        library.open(prepare)
        _, total = library.collection().list_documents(limit=1)
        jobs.start()
        on_ready(_address(listener, settings.host), total, report)

    def stop_if_failed(opening: Future[None]) -> None:
        if opening.exception() is not None:
            server.should_exit = True

    with listener, closing(library), closing(jobs), ThreadPoolExecutor(max_workers=1) as opener:
        opening = opener.submit(open_library)
        opening.add_done_callback(stop_if_failed)
        server.run(sockets=[listener])
        _reraise(opening)


def _reraise(opening: Future[None]) -> None:
    with suppress(_Stopped):
        opening.result()


def _make_server(settings: Settings, library: Library, jobs: Jobs) -> uvicorn.Server:
    config = uvicorn.Config(
        create_app(settings, library, jobs),
        log_config=None,
        log_level="warning",
        access_log=False,
        lifespan="on",
        server_header=False,
        timeout_graceful_shutdown=_GRACE_S,
    )
    server = uvicorn.Server(config)
    # uvicorn raises a signal again after it has stopped; that must not end the process with an error.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, server.handle_exit)
    return server


def listen(host: str, port: int) -> socket.socket:
    """Raises: AddressUnavailable."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family)
        # asyncio sets this only on sockets made with a protocol number; without it the second chunk of a stream
        # waits 40 ms for the client's acknowledgement of the first.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except OSError as error:
        raise AddressUnavailable(
            f"Cannot listen on {host}:{port}: {error.strerror}. Choose another port with --port or"
            " WENYUAN_PORT, or stop what has this one."
        ) from error


def _address(listener: socket.socket, host: str) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{listener.getsockname()[1]}"
