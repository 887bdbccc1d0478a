"""/v1/files: files that were sent, and the documents of all collections, in OpenAI's form."""

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, File, Form, Query, Response, UploadFile

from api.errors import RequestError, responses
from api.library import Library
from api.openai_objects import (
    PURPOSES,
    Json,
    all_documents,
    document_id_of,
    document_object,
    file_id,
    no_file,
    page_of,
    upload_object,
)
from api.pending_files import Uploads
from api.stored_files import holders_of, original_file
from embeddings import read

_CONTENT: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file as it came.", "content": {"application/octet-stream": {}}}
}


def file_routes(library: Library, uploads: Uploads) -> APIRouter:
    router = APIRouter(prefix="/v1/files", tags=["files"], responses=responses(400, 401, 404, 413, 415, 503))

    @router.post("", operation_id="create_file", summary="Send a file", response_model=None)
    def create_file(
        file: Annotated[UploadFile, File()], purpose: Annotated[str, Form()] = "assistants"
    ) -> Json:
        """It is read at once, so that a format that cannot be read is refused here, and searched once it is in a
        vector store."""
        if purpose not in PURPOSES:
            message = f"The purpose “{purpose[:80]}” is not known; there is {', '.join(PURPOSES)}."
            raise RequestError(400, message, code="invalid_input", param="purpose")
        data, filename = file.file.read(), file.filename or "document.txt"
        document = read(data, filename=filename)
        return upload_object(uploads.put(document.id, data, filename=filename, purpose=purpose))

    @router.get("", operation_id="list_files", summary="List files", response_model=None)
    def list_files(
        purpose: str | None = None,
        limit: Annotated[int, Query(ge=1, le=10_000)] = 100,
        after: str | None = None,
    ) -> Json:
        objects = {upload.id: upload_object(upload) for upload in uploads.all()}
        for name in library.names():
            for document in all_documents(library.collection(name)):
                objects.setdefault(document.id, document_object(document))
        chosen = [one for one in objects.values() if purpose in (None, one["purpose"])]
        return page_of(chosen, limit=limit, after=after)

    @router.get("/{given}", operation_id="get_file", summary="One file", response_model=None)
    def get_file(given: str) -> Json:
        document_id = document_id_of(given)
        upload = uploads.find(document_id)
        if upload is not None:
            return upload_object(upload)
        holders = holders_of(library, document_id)
        if not holders:
            raise no_file(given)
        return document_object(holders[0].document(document_id))

    @router.delete("/{given}", operation_id="delete_file", summary="Delete a file", response_model=None)
    def delete_file(given: str) -> Json:
        """From every vector store too."""
        document_id = document_id_of(given)
        holders = holders_of(library, document_id)
        if not holders and uploads.find(document_id) is None:
            raise no_file(given)
        for collection in holders:
            collection.remove([document_id])
        uploads.discard(document_id)
        return {"id": file_id(document_id), "object": "file", "deleted": True}

    @router.get(
        "/{given}/content",
        operation_id="get_file_content",
        summary="The bytes of a file",
        response_class=Response,
        responses=_CONTENT,
    )
    def get_content(given: str) -> Response:
        document_id = document_id_of(given)
        data, filename = original_file(library, uploads, document_id)
        headers = {
            "content-disposition": f"attachment; filename*=UTF-8''{quote(filename, safe='', errors='replace')}",
            "x-content-type-options": "nosniff",
        }
        return Response(data, media_type="application/octet-stream", headers=headers)

    return router
