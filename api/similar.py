"""POST /similar: the draft check; GET /documents/{id}/similar, /similar/map, /similar/phrases: inside the library."""

import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from api.errors import RequestError, blaming, responses
from api.library import DEFAULT_COLLECTION, Library
from api.rendering import to_json
from api.reports import report_html, report_markdown, report_reply
from api.schemas import SetPhrasesReply, SharedTextReply, SimilarReply, SimilarRequest
from embeddings import DraftReport, read

Format = Annotated[
    Literal["json", "markdown", "html"], Query(alias="format", description="How the report is written.")
]
# A draft has at most 100,000 characters; the rest of its file is pictures and markup.
_MAX_FILE_BYTES = 16 << 20
_MAX_FORM_BYTES = _MAX_FILE_BYTES + (1 << 20)
_MIN_DOCUMENTS = 4
CollectionName = Annotated[str, Query(description="The collection that is asked.")]
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": SimilarRequest.model_json_schema()},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "collection": {"type": "string"},
                        "top_k": {"type": "integer"},
                        "exclude_documents": {"type": "array", "items": {"type": "string"}},
                        "phrases": {"type": "array", "items": {"type": "string"}},
                    },
                }
            },
        },
    }
}


def similar_routes(library: Library) -> APIRouter:
    router = APIRouter(tags=["similar"], responses=responses(400, 404, 413, 415, 503))

    @router.post(
        "/similar",
        operation_id="check_draft",
        summary="Where a draft was said before",
        response_model=SimilarReply,
        openapi_extra=_BODY,
    )
    async def similar(request: Request, form: Format = "json") -> Response:
        """The draft as JSON, or a file of any format that is read. Spans of the draft are of the text as it was
        sent; of a file, of the text that was read from it."""
        asked = await _read_request(request)
        collection = library.collection(asked.collection)
        with blaming("draft"):
            report = await run_in_threadpool(
                collection.similar,
                asked.draft,
                top_k=asked.top_k,
                exclude_documents=asked.exclude_documents,
                phrases=asked.phrases,
            )
        return _written(report, form)

    @router.get(
        "/documents/{document_id}/similar",
        operation_id="similar_to_document",
        summary="What other documents say the same",
        response_model=SimilarReply,
    )
    def similar_to(
        document_id: str, form: Format = "json", collection: CollectionName = DEFAULT_COLLECTION
    ) -> Response:
        return _written(library.collection(collection).similar_to(document_id), form)

    @router.get(
        "/similar/map",
        operation_id="map_shared_text",
        summary="Which documents share text",
        response_model=SharedTextReply,
    )
    def map_shared_text(
        limit: Annotated[int, Query(ge=1, le=1000)] = 100, collection: CollectionName = DEFAULT_COLLECTION
    ) -> Response:
        """The pairs that share most, first; how much is an estimate."""
        pairs = library.collection(collection).shared_text(limit=limit)
        rows = [{"one": p.one, "other": p.other, "characters": p.characters} for p in pairs]
        return Response(to_json({"pairs": rows}), media_type="application/json")

    @router.get(
        "/similar/phrases",
        operation_id="list_set_phrases",
        summary="The set phrases that the documents show",
        response_model=SetPhrasesReply,
    )
    def list_set_phrases(
        min_documents: Annotated[
            int, Query(ge=2, description="In so many unrelated documents or more.")
        ] = _MIN_DOCUMENTS,
        limit: Annotated[int, Query(ge=1, le=10_000)] = 100,
        collection: CollectionName = DEFAULT_COLLECTION,
    ) -> Response:
        """Those in most unrelated documents first, as letters alone. More of them can be given with a draft."""
        found = library.collection(collection).set_phrases(min_documents=min_documents, limit=limit)
        rows = [{"phrase": one.letters, "documents": one.documents} for one in found]
        return Response(to_json({"phrases": rows}), media_type="application/json")

    return router


async def _read_request(request: Request) -> SimilarRequest:
    kind = request.headers.get("content-type", "")
    if kind.startswith("multipart/form-data"):
        return _validated(await _read_form(request))
    if "json" not in kind:
        message = "Send the draft as JSON or as a file in multipart/form-data."
        raise RequestError(415, message, code="unsupported_media_type")
    try:
        return _validated(json.loads(await request.body()))
    except (ValueError, RecursionError) as error:
        raise RequestError(400, "The body is not JSON.", code="invalid_json") from error


async def _read_form(request: Request) -> dict[str, Any]:
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > _MAX_FORM_BYTES:
        raise _too_large()
    async with request.form(max_files=1, max_fields=200) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise RequestError(400, "“file” is missing.", code="invalid_input", param="file")
        # What is longer than a megabyte lies on disk until here.
        if (file.size or 0) > _MAX_FILE_BYTES:
            raise _too_large()
        data = await file.read()
        fields: dict[str, Any] = {name: form[name] for name in form if name != "file"}
        for name in ("exclude_documents", "phrases"):
            if name in fields:
                fields[name] = form.getlist(name)
    if str(fields.get("top_k", "")).isdecimal():
        fields["top_k"] = int(fields["top_k"])
    document = await run_in_threadpool(read, data, filename=file.filename or "draft.txt")
    return {**fields, "draft": document.text}


def _too_large() -> RequestError:
    message = f"The file is over {_MAX_FILE_BYTES:,} bytes. Send the draft's text, or the file without its pictures."
    return RequestError(413, message, code="too_large", param="file")


def _validated(fields: object) -> SimilarRequest:
    try:
        return SimilarRequest.model_validate(fields)
    except ValidationError as error:
        errors = [{**one, "loc": ("body", *one["loc"])} for one in error.errors()]
        raise RequestValidationError(errors) from error


def _written(report: DraftReport, form: str) -> Response:
    if form == "markdown":
        return Response(_bytes(report_markdown(report)), media_type="text/markdown; charset=utf-8")
    if form == "html":
        return Response(
            _bytes(report_html(report)),
            media_type="text/html; charset=utf-8",
            headers={"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox"},
        )
    return Response(to_json(report_reply(report)), media_type="application/json")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")
