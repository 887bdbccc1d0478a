"""Work that outlives a request and a process: a table of jobs, with what they work on until it is done."""

import secrets
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

from embeddings.errors import JobNotFound, StorageUnavailable
from embeddings.local.rows import encode_text, refusals

_NAME = "jobs.sqlite3"
_MAX_KEPT = 1_000
_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    collection TEXT NOT NULL,
    parameters TEXT NOT NULL,
    status TEXT NOT NULL,
    done INTEGER NOT NULL DEFAULT 0,
    total INTEGER NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL,
    finished_at TEXT,
    error TEXT,
    report TEXT NOT NULL DEFAULT '{}'
);
CREATE INDEX IF NOT EXISTS jobs_by_status ON jobs (status, number);
CREATE TABLE IF NOT EXISTS inputs (
    job INTEGER NOT NULL REFERENCES jobs ON DELETE CASCADE,
    filename TEXT NOT NULL,
    content BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS inputs_by_job ON inputs (job);
"""
_COLUMNS = "id, kind, collection, parameters, status, done, total, created_at, finished_at, error, report"


@dataclass(frozen=True, slots=True)
class StoredJob:
    """`status` is queued, running, done, failed or cancelled; `parameters` and `report` are JSON; times are ISO 8601, UTC."""

    id: str
    kind: str
    collection: str
    parameters: str
    status: str
    done: int
    total: int
    created_at: str
    finished_at: str | None
    error: str | None
    report: str


class JobStore:
    """The jobs of a data folder. Everything is durable when it returns; safe to use from many threads."""

    def __init__(self, folder: Path) -> None:
        """Raises: StorageUnavailable."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageUnavailable("the data folder cannot be written: check its permissions") from error
        self._lock = Lock()
        with refusals():
            self._connection = sqlite3.connect(
                folder / _NAME, isolation_level=None, check_same_thread=False, timeout=5.0
            )
            self._connection.executescript(
                f"PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; {_SCHEMA}"
            )

    def create(
        self, kind: str, collection: str, parameters: str, inputs: Iterable[tuple[str, bytes]]
    ) -> StoredJob:
        job_id = secrets.token_hex(12)
        with self._lock, refusals():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                cursor = self._connection.execute(
                    "INSERT INTO jobs (id, kind, collection, parameters, status, created_at)"
                    " VALUES (?, ?, ?, ?, 'queued', ?)",
                    (job_id, kind, collection, parameters, _now()),
                )
                for filename, content in inputs:
                    self._connection.execute(
                        "INSERT INTO inputs VALUES (?, CAST(? AS TEXT), ?)",
                        (cursor.lastrowid, encode_text(filename), content),
                    )
                self._connection.execute(
                    "DELETE FROM jobs WHERE finished_at IS NOT NULL AND number <= ?",
                    ((cursor.lastrowid or 0) - _MAX_KEPT,),
                )
                self._connection.execute("COMMIT")
            except BaseException:
                self._connection.rollback()
                raise
        return self.job(job_id)

    def job(self, job_id: str) -> StoredJob:
        """Raises: JobNotFound."""
        rows = self._fetch(f"SELECT {_COLUMNS} FROM jobs WHERE id = CAST(? AS TEXT)", encode_text(job_id))
        if not rows:
            raise JobNotFound(f"there is no job {job_id[:80]!r}")
        return StoredJob(*rows[0])

    def jobs(self, *, offset: int, limit: int) -> tuple[list[StoredJob], int]:
        """A page of jobs, the latest first, and how many there are."""
        rows = self._fetch(
            f"SELECT {_COLUMNS} FROM jobs ORDER BY number DESC LIMIT ? OFFSET ?", limit, offset
        )
        ((total,),) = self._fetch("SELECT count(*) FROM jobs")
        return [StoredJob(*row) for row in rows], total

    def next(self) -> StoredJob | None:
        """The first job that is not finished."""
        rows = self._fetch(
            f"SELECT {_COLUMNS} FROM jobs WHERE status IN ('queued', 'running') ORDER BY number LIMIT 1"
        )
        return StoredJob(*rows[0]) if rows else None

    def input_count(self, job_id: str) -> int:
        ((count,),) = self._fetch(
            "SELECT count(*) FROM inputs JOIN jobs ON number = job WHERE id = ?", job_id
        )
        return int(count)

    def input(self, job_id: str, position: int) -> tuple[str, bytes]:
        """Name and bytes of one of the files that a job works on. Raises: JobNotFound: they are let go."""
        rows = self._fetch(
            "SELECT filename, content FROM inputs JOIN jobs ON number = job WHERE id = ?"
            " ORDER BY inputs.rowid LIMIT 1 OFFSET ?",
            job_id,
            position,
        )
        if not rows:
            raise JobNotFound(f"the job {job_id} was ended meanwhile")
        filename, content = rows[0]
        return filename, content

    def advance(self, job_id: str, *, done: int, total: int, report: str) -> None:
        """Note how far it came. One that is finished meanwhile stays finished."""
        self._fetch(
            "UPDATE jobs SET done = ?, total = ?, report = ?,"
            " status = iif(finished_at IS NULL, 'running', status) WHERE id = ?",
            done,
            total,
            report,
            job_id,
        )

    def finish(self, job_id: str, *, status: str, error: str | None = None) -> None:
        """What it worked on is let go. One that is finished stays as it is."""
        self._fetch(
            "UPDATE jobs SET status = ?, error = ?, finished_at = ? WHERE id = ? AND finished_at IS NULL",
            status,
            error,
            _now(),
            job_id,
        )
        self._fetch("DELETE FROM inputs WHERE job = (SELECT number FROM jobs WHERE id = ?)", job_id)

    def counts(self) -> dict[str, int]:
        return dict(self._fetch("SELECT status, count(*) FROM jobs GROUP BY status"))

    def close(self) -> None:
        """May be called twice."""
        with self._lock:
            self._connection.close()

    def _fetch(self, sql: str, *parameters: object) -> list[Any]:
        with self._lock, refusals():
            return self._connection.execute(sql, parameters).fetchall()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
