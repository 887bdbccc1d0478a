"""Jobs: what takes too long for a request, one after another on a thread of their own. Knows no HTTP.

A job that a stop or a crash interrupts goes on at the next start: adding the same file twice is adding it once.
"""

import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from threading import Event, Lock, Thread
from typing import Any

from api.library import Library, Loading
from embeddings import (
    Collection,
    Document,
    InvalidInput,
    JobStore,
    StoredJob,
    WenyuanError,
    is_archive,
    read,
    read_archive,
)

_log = logging.getLogger(__name__)

_ADD, _REINDEX = "add", "reindex"
_BATCH_FILES = 64
_BATCH_BYTES = 4 << 20
_MAX_REFUSALS_SHOWN = 500


class _Stopped(Exception):
    pass


class Jobs:
    """The jobs of a data folder. Its table is made with the first job."""

    def __init__(self, library: Library, data_dir: Path) -> None:
        self._library = library
        self._data_dir = data_dir
        self._opening = Lock()
        self._kept: JobStore | None = None
        self._thread: Thread | None = None
        self._stopping = Event()
        self._waking = Event()

    def begin_adding(
        self,
        collection: str,
        inputs: Iterable[tuple[str, bytes]],
        *,
        sent_files: Sequence[Mapping[str, Any]] = (),
    ) -> StoredJob:
        """A job that adds files, and those in archives, to a collection. Durable when it returns.

        `sent_files` are kept with it; the `attributes` of a file among them become those of the document with
        its `id`.
        """
        return self._begin(_ADD, collection, {"files": sent_files} if sent_files else {}, inputs)

    def begin_reindexing(self, collection: str, model: str) -> StoredJob:
        """A job that makes a collection's vectors again with another model. Durable when it returns."""
        return self._begin(_REINDEX, collection, {"model": model}, ())

    def cancel(self, job_id: str) -> StoredJob:
        """Stop it, unless it is finished; what is being added is still added. Raises: JobNotFound."""
        # What it works on is let go, and without that it ends.
        self._store().finish(job_id, status="cancelled")
        return self.job(job_id)

    def job(self, job_id: str) -> StoredJob:
        """Raises: JobNotFound."""
        return self._store().job(job_id)

    def jobs(self, *, offset: int, limit: int) -> tuple[list[StoredJob], int]:
        """A page of jobs, the latest first, and how many there are."""
        return self._store().jobs(offset=offset, limit=limit)

    def counts(self) -> dict[str, int]:
        """How many there are of each status; nothing where there never was one."""
        return self._store().counts() if self._kept else {}

    def start(self) -> None:
        """Go on with what an earlier process left."""
        if (self._data_dir / "jobs.sqlite3").exists():
            self._store()
            self._wake()

    def close(self) -> None:
        """Stops at the end of the batch. May be called twice."""
        self._stopping.set()
        self._waking.set()
        if self._thread is not None:
            self._thread.join()
        if self._kept is not None:
            self._kept.close()

    def _begin(
        self, kind: str, collection: str, parameters: dict[str, Any], inputs: Iterable[tuple[str, bytes]]
    ) -> StoredJob:
        job = self._store().create(kind, collection, json.dumps(parameters, ensure_ascii=False), inputs)
        self._wake()
        return job

    def _store(self) -> JobStore:
        with self._opening:
            if self._kept is None:
                self._kept = JobStore(self._data_dir)
            return self._kept

    def _wake(self) -> None:
        with self._opening:
            if self._thread is None and not self._stopping.is_set():
                self._thread = Thread(target=self._work, name="jobs", daemon=True)
                self._thread.start()
        self._waking.set()

    def _work(self) -> None:
        while not self._stopping.is_set():
            self._waking.clear()
            try:
                job = self._store().next()
                if job is not None:
                    self._run(job)
                    continue
            except (_Stopped, Loading):
                return
            except WenyuanError as error:
                # The table itself cannot be used now: the job waits.
                _log.warning("jobs wait: %s", error)
            self._waking.wait()

    def _run(self, job: StoredJob) -> None:
        try:
            collection = self._library.collection(job.collection)
            if job.kind == _ADD:
                self._add(job, collection)
            else:
                self._reindex(job, collection)
        except (_Stopped, Loading):
            raise
        except WenyuanError as error:
            if self._stopping.is_set():
                raise _Stopped from error
            self._store().finish(job.id, status="failed", error=str(error))
        except Exception:
            _log.exception("job %s failed", job.id)
            message = "Something went wrong here; the log has more."
            self._store().finish(job.id, status="failed", error=message)
        else:
            self._store().finish(job.id, status="done")

    def _reindex(self, job: StoredJob, collection: Collection) -> None:
        model = json.loads(job.parameters)["model"]

        def note(done: int, total: int) -> None:
            self._advance(job, done=done, total=total, report={})

        collection.reindex(self._library.embedder(model), model=model, on_progress=note)

    def _add(self, job: StoredJob, collection: Collection) -> None:
        report: dict[str, Any] = {"added": 0, "unchanged": 0, "refused": 0, "refusals": []}
        report |= json.loads(job.report)
        batch: list[Document] = []
        done, batch_bytes = 0, 0
        for filename, content in self._files(job):
            done += 1
            if done <= job.done:
                continue
            try:
                if isinstance(content, InvalidInput):
                    raise content
                batch.append(read(content, filename=filename))
                batch_bytes += len(content)
            except InvalidInput as error:
                report["refused"] += 1
                if len(report["refusals"]) < _MAX_REFUSALS_SHOWN:
                    report["refusals"].append({"filename": filename, "reason": str(error)})
            if len(batch) >= _BATCH_FILES or batch_bytes >= _BATCH_BYTES:
                self._keep(job, collection, batch, report, done)
                batch, batch_bytes = [], 0
        self._keep(job, collection, batch, report, done)

    def _keep(
        self, job: StoredJob, collection: Collection, batch: list[Document], report: dict[str, Any], done: int
    ) -> None:
        added = len(collection.add(batch)) if batch else 0
        report["added"] += added
        report["unchanged"] += len(batch) - added
        # Somebody may have removed one meanwhile.
        held = collection.attributes([document.id for document in batch])
        files = json.loads(job.parameters).get("files", [])
        collection.set_attributes(
            {file["id"]: file["attributes"] for file in files if "attributes" in file and file["id"] in held}
        )
        self._advance(job, done=done, total=max(done, job.total), report=report)

    def _files(self, job: StoredJob) -> Iterator[tuple[str, bytes | InvalidInput]]:
        """What the job works on, archives unpacked; always in the same order."""
        for position in range(self._store().input_count(job.id)):
            filename, data = self._store().input(job.id, position)
            if not is_archive(filename):
                yield filename, data
                continue
            try:
                for file in read_archive(data, filename=filename):
                    yield PurePosixPath(file.name).name, file.content
            except InvalidInput as error:
                yield filename, error

    def _advance(self, job: StoredJob, *, done: int, total: int, report: dict[str, Any]) -> None:
        encoded = json.dumps(report, ensure_ascii=False)
        self._store().advance(job.id, done=done, total=total, report=encoded)
        if self._stopping.is_set():
            raise _Stopped
