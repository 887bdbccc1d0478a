"""What OpenAI's files and vector stores look like, and their pages. Knows no HTTP."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from api.errors import RequestError
from api.pending_files import Upload
from api.vector_stores import store_facts
from embeddings import Collection, StoredDocument

Json = dict[str, Any]
T = TypeVar("T")

PURPOSES = (
    "assistants",
    "assistants_output",
    "batch",
    "batch_output",
    "fine-tune",
    "fine-tune-results",
    "vision",
    "user_data",
)
_FILE_PREFIX = "file-"
_FILE_ID = re.compile(rf"{_FILE_PREFIX}([0-9a-f]{{8,64}})")
_SCAN = 100


def file_id(document_id: str) -> str:
    return f"{_FILE_PREFIX}{document_id}"


def document_id_of(given: str) -> str:
    """Raises: RequestError where it cannot be the id of a file."""
    found = _FILE_ID.fullmatch(given)
    if found is None:
        raise no_file(given)
    return found[1]


def no_file(given: str) -> RequestError:
    message = f"There is no file “{given[:80]}”; GET /v1/files lists what there is."
    return RequestError(404, message, code="file_not_found", param="file_id")


def upload_object(upload: Upload) -> Json:
    return _file(upload.id, upload.byte_length, upload.created_at, upload.filename, upload.purpose)


def document_object(document: StoredDocument) -> Json:
    return _file(
        document.id, document.byte_length, seconds(document.added_at), document.filename, "assistants"
    )


def _file(document_id: str, byte_length: int, created_at: int, filename: str, purpose: str) -> Json:
    return {
        "id": file_id(document_id),
        "object": "file",
        "bytes": byte_length,
        "created_at": created_at,
        "filename": filename,
        "purpose": purpose,
        "status": "processed",
        "expires_at": None,
    }


def store_object(collection: Collection) -> Json:
    held, store = collection.facts(), store_facts(collection)
    total = held.documents
    return {
        "id": collection.name,
        "object": "vector_store",
        "created_at": store.created_at,
        "name": store.name,
        "usage_bytes": held.byte_length,
        "file_counts": {"in_progress": 0, "completed": total, "failed": 0, "cancelled": 0, "total": total},
        "status": "completed",
        "expires_after": None,
        "expires_at": None,
        "last_active_at": None,
        "metadata": store.metadata,
    }


def store_file_object(document: StoredDocument, store_id: str) -> Json:
    return {
        "id": file_id(document.id),
        "object": "vector_store.file",
        "usage_bytes": document.byte_length,
        "created_at": seconds(document.added_at),
        "vector_store_id": store_id,
        "status": "completed",
        "last_error": None,
        "attributes": document.attributes,
    }


def all_documents(collection: Collection) -> list[StoredDocument]:
    documents: list[StoredDocument] = []
    while True:
        page, total = collection.list_documents(offset=len(documents), limit=_SCAN)
        documents += page
        if not page or len(documents) >= total:
            return documents


def page_of(objects: Sequence[Json], *, limit: int, after: str | None) -> Json:
    """OpenAI's cursor page: `limit` of `objects`, those that follow the one with the id `after`."""
    start = 0
    if after is not None:
        ids = [one["id"] for one in objects]
        if after not in ids:
            raise RequestError(
                400, f"There is nothing “{after[:80]}” to go on after.", code="invalid_input", param="after"
            )
        start = ids.index(after) + 1
    page = list(objects[start : start + limit])
    return {
        "object": "list",
        "data": page,
        "first_id": page[0]["id"] if page else None,
        "last_id": page[-1]["id"] if page else None,
        "has_more": start + limit < len(objects),
    }


def seconds(iso: str) -> int:
    moment = datetime.fromisoformat(iso)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
