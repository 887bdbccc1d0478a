"""GET /documents and what is under it."""

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Response

from api.errors import responses
from api.filtering import read_filters_json
from api.library import DEFAULT_COLLECTION, Library
from api.rendering import document_reply, documents_reply, to_json
from api.schemas import DeletedReply, DocumentDetailReply, DocumentsReply, PageRequest

_TEXT: dict[int | str, dict[str, Any]] = {
    200: {"description": "The stored text, byte for byte.", "content": {"text/plain": {}}}
}
_ORIGINAL: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file as it came.", "content": {"application/octet-stream": {}}}
}
_SAFE = {"x-content-type-options": "nosniff"}

CollectionName = Annotated[str, Query(description="The collection that the document is in.")]


def document_routes(library: Library) -> APIRouter:
    router = APIRouter(prefix="/documents", tags=["documents"], responses=responses(400, 404, 503))

    @router.get(
        "", operation_id="list_documents", summary="List the documents", response_model=DocumentsReply
    )
    def list_documents(page: Annotated[PageRequest, Query()]) -> Response:
        """In the order they came, or the newest first; those that the filters leave."""
        filters = read_filters_json(page.filters)
        documents, total = library.collection(page.collection).list_documents(
            offset=page.offset, limit=page.limit, filter=filters, newest_first=page.sort == "date"
        )
        reply = documents_reply(documents, total=total, offset=page.offset, limit=page.limit)
        return Response(to_json(reply), media_type="application/json")

    @router.get(
        "/{document_id}",
        operation_id="get_document",
        summary="One document: metadata, outline, marks and passages",
        response_model=DocumentDetailReply,
    )
    def get_document(document_id: str, collection: CollectionName = DEFAULT_COLLECTION) -> Response:
        """All spans are code points of its text."""
        held = library.collection(collection)
        reply = document_reply(
            held.document(document_id), held.passages(document_id), held.near_duplicates(document_id)
        )
        return Response(to_json(reply), media_type="application/json")

    @router.delete(
        "/{document_id}",
        operation_id="delete_document",
        summary="Remove a document",
        response_model=DeletedReply,
    )
    def delete_document(document_id: str, collection: CollectionName = DEFAULT_COLLECTION) -> Response:
        """Once this is answered nothing of it is found any more."""
        library.collection(collection).remove([document_id])
        return Response(to_json({"id": document_id, "deleted": True}), media_type="application/json")

    @router.get(
        "/{document_id}/text",
        operation_id="get_document_text",
        summary="The stored text, which all spans are of",
        response_class=Response,
        responses=_TEXT,
    )
    def get_text(document_id: str, collection: CollectionName = DEFAULT_COLLECTION) -> Response:
        text = library.collection(collection).document(document_id).text
        return Response(text.encode(), media_type="text/plain; charset=utf-8", headers=_SAFE)

    @router.get(
        "/{document_id}/original",
        operation_id="get_document_original",
        summary="The original file",
        response_class=Response,
        responses=_ORIGINAL,
    )
    def get_original(document_id: str, collection: CollectionName = DEFAULT_COLLECTION) -> Response:
        """As a download: a file that somebody brought is never run as a page of this service."""
        held = library.collection(collection)
        filename = quote(held.document(document_id).filename, safe="", errors="replace")
        headers = {"content-disposition": f"attachment; filename*=UTF-8''{filename}", **_SAFE}
        original = held.original(document_id)
        return Response(original, media_type="application/octet-stream", headers=headers)

    return router
