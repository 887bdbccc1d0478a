"""GET /metrics, in Prometheus's text format 0.0.4."""

import time
from collections import Counter
from collections.abc import Iterator
from threading import Lock

from fastapi import APIRouter, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import __version__
from api.background import Jobs
from api.library import Library, Loading
from embeddings import StorageUnavailable

_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_STATUSES = ("queued", "running", "done", "failed")


class Metrics:
    """Counts of what was asked since the process began."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._buckets: Counter[tuple[str, float]] = Counter()
        self._sums: Counter[str] = Counter()

    def count(self, method: str, route: str, status: int, took_s: float) -> None:
        with self._lock:
            self._requests[method, route, status] += 1
            self._sums[route] += took_s  # type: ignore[assignment]
            for bound in _BUCKETS_S:
                if took_s <= bound:
                    self._buckets[route, bound] += 1

    def lines(self) -> Iterator[str]:
        with self._lock:
            requests, buckets, sums = Counter(self._requests), Counter(self._buckets), Counter(self._sums)
        yield from _head("wenyuan_requests_total", "counter", "Requests answered.")
        for (method, route, status), count in sorted(requests.items()):
            labels = _labels(method=method, route=route, status=str(status))
            yield f"wenyuan_requests_total{labels} {count}"
        yield from _head("wenyuan_request_seconds", "histogram", "Seconds until a request was answered.")
        for route in sorted(sums):
            total = sum(count for (_, asked, _), count in requests.items() if asked == route)
            for bound in _BUCKETS_S:
                labels = _labels(route=route, le=f"{bound:g}")
                yield f"wenyuan_request_seconds_bucket{labels} {buckets[route, bound]}"
            yield f"wenyuan_request_seconds_bucket{_labels(route=route, le='+Inf')} {total}"
            yield f"wenyuan_request_seconds_sum{_labels(route=route)} {sums[route]:.6f}"
            yield f"wenyuan_request_seconds_count{_labels(route=route)} {total}"


class Measure:
    """Counts every request in `metrics`, by the route as it is described."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500
        began = time.perf_counter()

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_and_note)
        finally:
            # Of an address that there is not nothing is kept: anyone could make up as many as they like.
            route = getattr(scope.get("route"), "path", "other")
            method = scope["method"] if route != "other" else "other"
            self._metrics.count(method, route, status, time.perf_counter() - began)


def metrics_routes(library: Library, jobs: Jobs, metrics: Metrics) -> APIRouter:
    router = APIRouter(tags=["health"])

    @router.get(
        "/metrics",
        operation_id="metrics",
        summary="Figures for Prometheus",
        response_class=Response,
        responses={200: {"description": "Text format 0.0.4.", "content": {"text/plain": {}}}},
    )
    def show_metrics() -> Response:
        lines = [*_facts(library), *_jobs(jobs), *metrics.lines()]
        return Response("\n".join(lines) + "\n", media_type="text/plain; version=0.0.4; charset=utf-8")

    return router


def _facts(library: Library) -> Iterator[str]:
    yield from _head("wenyuan_info", "gauge", "The version that runs.")
    yield f"wenyuan_info{_labels(version=__version__)} 1"
    held = {}
    try:
        for name in library.names():
            held[name] = library.collection(name).facts()
    except (Loading, StorageUnavailable):
        pass
    yield from _head("wenyuan_ready", "gauge", "Whether questions are answered.")
    yield f"wenyuan_ready {int(bool(held))}"
    for counted in ("documents", "passages", "segments", "generation"):
        yield from _head(f"wenyuan_{counted}", "gauge", f"The {counted} of a collection.")
        for name, facts in held.items():
            yield f"wenyuan_{counted}{_labels(collection=name)} {getattr(facts, counted)}"


def _jobs(jobs: Jobs) -> Iterator[str]:
    counts = jobs.counts()
    yield from _head("wenyuan_jobs", "gauge", "Jobs by what became of them.")
    for status in _STATUSES:
        yield f"wenyuan_jobs{_labels(status=status)} {counts.get(status, 0)}"


def _head(name: str, kind: str, meaning: str) -> Iterator[str]:
    yield f"# HELP {name} {meaning}"
    yield f"# TYPE {name} {kind}"


def _labels(**labels: str) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
