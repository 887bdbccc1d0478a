"""GET /documents and what is under it."""

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Response

from api.errors import responses
from api.library import Library
from api.rendering import document_reply, documents_reply, to_json
from api.schemas import DocumentDetailReply, DocumentsReply, PageRequest

_TEXT: dict[int | str, dict[str, Any]] = {
    200: {"description": "The stored text, byte for byte.", "content": {"text/plain": {}}}
}
_ORIGINAL: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file as it came.", "content": {"application/octet-stream": {}}}
}


def document_routes(library: Library) -> APIRouter:
    router = APIRouter(prefix="/documents", tags=["documents"], responses=responses(400, 404, 503))

    @router.get(
        "", operation_id="list_documents", summary="List the documents", response_model=DocumentsReply
    )
    def list_documents(page: Annotated[PageRequest, Query()]) -> Response:
        """In the order they came."""
        documents, total = library.collection().list_documents(offset=page.offset, limit=page.limit)
        reply = documents_reply(documents, total=total, offset=page.offset, limit=page.limit)
        return Response(to_json(reply), media_type="application/json")

    @router.get(
        "/{document_id}",
        operation_id="get_document",
        summary="One document: metadata, outline, marks and passages",
        response_model=DocumentDetailReply,
    )
    def get_document(document_id: str) -> Response:
        """All spans are code points of its text."""
        collection = library.collection()
        reply = document_reply(collection.document(document_id), collection.passages(document_id))
        return Response(to_json(reply), media_type="application/json")

    @router.get(
        "/{document_id}/text",
        operation_id="get_document_text",
        summary="The stored text, which all spans are of",
        response_class=Response,
        responses=_TEXT,
    )
    def get_text(document_id: str) -> Response:
        text = library.collection().document(document_id).text
        return Response(
            text.encode(),
            media_type="text/plain; charset=utf-8",
            headers={"x-content-type-options": "nosniff"},
        )

    @router.get(
        "/{document_id}/original",
        operation_id="get_document_original",
        summary="The original file",
        response_class=Response,
        responses=_ORIGINAL,
    )
    def get_original(document_id: str) -> Response:
        """As a download: a file that somebody brought is never run as a page of this service."""
        collection = library.collection()
        filename = quote(collection.document(document_id).filename, safe="", errors="replace")
        headers = {
            "content-disposition": f"attachment; filename*=UTF-8''{filename}",
            "x-content-type-options": "nosniff",
        }
        original = collection.original(document_id)
        return Response(original, media_type="application/octet-stream", headers=headers)

    return router
