"""/v1/vector_stores/{id}/file_batches: many files into a collection, as a job."""

import json
from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from api.background import Jobs
from api.errors import RequestError, blaming, responses
from api.library import Library
from api.openai_objects import Json, document_id_of, page_of, seconds, store_file_object
from api.pending_files import Uploads
from api.stored_files import file_name, find_store, original_file
from embeddings import Collection, DocumentNotFound, JobNotFound, StoredJob, check_attributes

_PREFIX = "vsfb_"
_MAX_FILES = 2_000
_STATUS = {"queued": "in_progress", "running": "in_progress", "done": "completed"}

_Limit = Annotated[int, Query(ge=1, le=100)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="ignore")


class BatchFile(_Body):
    file_id: str
    attributes: dict[str, Any] | None = None


class FileBatchRequest(_Body):
    """Either `file_ids`, with `attributes` for all of them, or `files`, with their own."""

    file_ids: list[str] | None = Field(default=None, max_length=_MAX_FILES)
    files: list[BatchFile] | None = Field(default=None, max_length=_MAX_FILES)
    attributes: dict[str, Any] | None = None

    def all_files(self) -> list[BatchFile]:
        if self.files is not None:
            return self.files
        return [BatchFile(file_id=given, attributes=self.attributes) for given in self.file_ids or []]


def file_batch_routes(library: Library, uploads: Uploads, jobs: Jobs) -> APIRouter:
    router = APIRouter(
        prefix="/v1/vector_stores/{store_id}/file_batches",
        tags=["vector stores"],
        responses=responses(400, 401, 404, 503),
    )

    @router.post(
        "", operation_id="create_file_batch", summary="Put many files into a collection", response_model=None
    )
    def create_batch(store_id: str, body: FileBatchRequest) -> Json:
        """A job is begun; it goes on after a restart."""
        collection = find_store(library, store_id)
        if (body.file_ids is None) == (body.files is None):
            message = "Give either “file_ids” or “files”."
            raise RequestError(400, message, code="invalid_input", param="file_ids")
        files = [_described(library, uploads, file) for file in body.all_files()]
        if not files:
            raise RequestError(400, "There is no file in the batch.", code="invalid_input", param="file_ids")
        inputs = (original_file(library, uploads, file["id"]) for file in files)
        job = jobs.begin_adding(
            collection.name, ((filename, data) for data, filename in inputs), sent_files=files
        )
        return _batch_object(job)

    @router.get("/{batch_id}", operation_id="get_file_batch", summary="One batch", response_model=None)
    def get_batch(store_id: str, batch_id: str) -> Json:
        return _batch_object(_job(library, jobs, store_id, batch_id))

    @router.post(
        "/{batch_id}/cancel", operation_id="cancel_file_batch", summary="Stop a batch", response_model=None
    )
    def cancel_batch(store_id: str, batch_id: str) -> Json:
        """What is in the collection by then stays."""
        job = _job(library, jobs, store_id, batch_id)
        return _batch_object(jobs.cancel(job.id))

    @router.get(
        "/{batch_id}/files",
        operation_id="list_file_batch_files",
        summary="The files of a batch",
        response_model=None,
    )
    def list_batch_files(
        store_id: str, batch_id: str, limit: _Limit = 20, after: str | None = None, filter: str | None = None
    ) -> Json:
        job = _job(library, jobs, store_id, batch_id)
        objects = _file_objects(job, library.collection(store_id))
        chosen = [one for one in objects if filter in (None, one["status"])]
        return page_of(chosen, limit=limit, after=after)

    return router


def _described(library: Library, uploads: Uploads, file: BatchFile) -> Json:
    document_id = document_id_of(file.file_id)
    described: Json = {"id": document_id, "filename": file_name(library, uploads, document_id)}
    if file.attributes is not None:
        with blaming("attributes"):
            described["attributes"] = check_attributes(file.attributes)
    return described


def _job(library: Library, jobs: Jobs, store_id: str, batch_id: str) -> StoredJob:
    find_store(library, store_id)
    try:
        job = jobs.job(batch_id.removeprefix(_PREFIX))
    except JobNotFound as error:
        raise _no_batch(batch_id) from error
    if job.collection != store_id or not batch_id.startswith(_PREFIX) or not _files(job):
        raise _no_batch(batch_id)
    return job


def _no_batch(batch_id: str) -> RequestError:
    message = f"There is no batch “{batch_id[:80]}” of this vector store."
    return RequestError(404, message, code="file_batch_not_found", param="batch_id")


def _files(job: StoredJob) -> list[Json]:
    files: list[Json] = json.loads(job.parameters).get("files", [])
    return files


def _batch_object(job: StoredJob) -> Json:
    report, total = json.loads(job.report), len(_files(job))
    completed = report.get("added", 0) + report.get("unchanged", 0)
    failed = report.get("refused", 0)
    left = total - completed - failed
    status = _STATUS.get(job.status, job.status)
    return {
        "id": f"{_PREFIX}{job.id}",
        "object": "vector_store.files_batch",
        "created_at": seconds(job.created_at),
        "vector_store_id": job.collection,
        "status": status,
        "file_counts": {
            "in_progress": left if status == "in_progress" else 0,
            "completed": completed,
            "failed": failed + (left if status == "failed" else 0),
            "cancelled": left if status == "cancelled" else 0,
            "total": total,
        },
    }


def _file_objects(job: StoredJob, collection: Collection) -> Iterator[Json]:
    """Files that were taken out of the collection since are left out."""
    reasons = {one["filename"]: one["reason"] for one in json.loads(job.report).get("refusals", [])}
    status = _STATUS.get(job.status, job.status)
    for position, file in enumerate(_files(job)):
        try:
            yield store_file_object(collection.document(file["id"]), collection.name)
        except DocumentNotFound:
            if file["filename"] in reasons:
                error = {"code": "invalid_file", "message": reasons[file["filename"]]}
                yield _unfinished(file, job, status="failed", error=error)
            elif position >= job.done:
                yield _unfinished(file, job, status=status, error=None)


def _unfinished(file: Json, job: StoredJob, *, status: str, error: Json | None) -> Json:
    return {
        "id": f"file-{file['id']}",
        "object": "vector_store.file",
        "usage_bytes": 0,
        "created_at": seconds(job.created_at),
        "vector_store_id": job.collection,
        "status": status,
        "last_error": error,
        "attributes": file.get("attributes", {}),
    }
