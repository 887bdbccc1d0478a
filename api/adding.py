"""POST /documents and PUT /documents/{id}."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from api.background import Jobs
from api.errors import RequestError, describe_error, responses
from api.library import DEFAULT_COLLECTION, Library
from api.rendering import document_summary, job_reply, near_duplicates_reply, to_json
from api.schemas import JobReply, UploadReply
from api.uploads import Sent, SentText, read_file, read_text, safe_name, sent
from embeddings import Collection, Document, InvalidInput, NotFound

_FORM = {
    "type": "object",
    "properties": {"files": {"type": "array", "items": {"type": "string", "format": "binary"}}},
}
_TEXT = {"$ref": "#/components/schemas/TextRequest"}
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {"schema": _FORM},
            "application/json": {"schema": {"type": "object"}},
        },
    }
}
_ARCHIVES = (".zip",)

Json = dict[str, Any]
CollectionName = Annotated[str | None, Query(description="Where to keep them; “default” if left out.")]
InBackground = Annotated[
    bool | None, Query(description="Work as a job; by itself only where an archive is sent.")
]


def adding_routes(library: Library, jobs: Jobs) -> APIRouter:
    router = APIRouter(prefix="/documents", tags=["documents"], responses=responses(400, 404, 413, 415, 503))

    @router.post(
        "",
        operation_id="add_documents",
        summary="Add documents",
        response_model=UploadReply,
        responses={201: {"model": UploadReply}, 202: {"model": JobReply}},
        openapi_extra=_BODY,
    )
    async def add_documents(
        request: Request, collection: CollectionName = None, background: InBackground = None
    ) -> Response:
        """Files (multipart) or one text (JSON). 201: some are new; 200: all were there already; what is
        answered is durable. A file that is refused stops no other; only where all are is it an error.
        202: a job has been begun, for an archive or because it was asked for."""
        async with sent(request) as body:
            held = library.collection(collection or body.collection or DEFAULT_COLLECTION)
            if background or (background is None and _has_archive(body)):
                job = await run_in_threadpool(_begin_job, jobs, held, body)
                return _json(job_reply(job), 202, location=f"/jobs/{job.id}")
            results = await run_in_threadpool(_add_all, held, body)
        _refuse_if_all_are(results)
        is_new = any(result["status"] == "added" for result in results)
        return _json({"collection": held.name, "results": _shown(results)}, 201 if is_new else 200)

    @router.put(
        "/{document_id}",
        operation_id="replace_document",
        summary="Replace a document",
        response_model=UploadReply,
        openapi_extra=_BODY,
    )
    async def replace_document(
        document_id: str, request: Request, collection: CollectionName = None
    ) -> Response:
        """The old one goes and the new one comes in one step. A document is known by what is in it, so the
        new one has its own id."""
        async with sent(request) as body:
            held = library.collection(collection or body.collection or DEFAULT_COLLECTION)
            if len(body.files) > 1:
                raise RequestError(
                    400, "Send one file to replace a document.", code="invalid_input", param="files"
                )
            result = await run_in_threadpool(_replace, held, document_id, (body.text or body.files[0]))
        _refuse_if_all_are([result])
        return _json({"collection": held.name, "results": _shown([result])}, 200)

    return router


def _add_all(collection: Collection, body: Sent) -> list[Json]:
    parts: list[UploadFile | SentText] = [body.text] if body.text else [*body.files]
    return [_add(collection, part) for part in parts]


def _add(collection: Collection, part: UploadFile | SentText) -> Json:
    document = _read(part)
    if not isinstance(document, Document):
        return document
    is_new = bool(collection.add([document]))
    return _kept(collection, document, part, "added" if is_new else "unchanged")


def _replace(collection: Collection, document_id: str, part: UploadFile | SentText) -> Json:
    collection.document(document_id)
    document = _read(part)
    if not isinstance(document, Document):
        return document
    is_changed = collection.replace(document_id, document)
    return _kept(collection, document, part, "replaced" if is_changed else "unchanged")


def _read(part: UploadFile | SentText) -> Document | Json:
    try:
        return read_text(part) if isinstance(part, SentText) else read_file(part)
    except InvalidInput as error:
        return {"filename": _name(part), "status": "refused", "raised": error}


def _kept(collection: Collection, document: Document, part: UploadFile | SentText, status: str) -> Json:
    result: Json = {"filename": _name(part), "status": status}
    try:
        result["document"] = document_summary(collection.document(document.id))
        result["near_duplicates"] = near_duplicates_reply(collection.near_duplicates(document.id))
    except NotFound:
        # It was kept, and somebody removed it meanwhile.
        result["document"], result["near_duplicates"] = None, []
    return result


def _name(part: UploadFile | SentText) -> str:
    return safe_name(part.filename)


def _has_archive(body: Sent) -> bool:
    return any(safe_name(upload.filename).lower().endswith(_ARCHIVES) for upload in body.files)


def _begin_job(jobs: Jobs, collection: Collection, body: Sent) -> Any:
    if body.text:
        inputs = [(body.text.filename, body.text.text.encode())]
        return jobs.begin_adding(collection.name, inputs)
    return jobs.begin_adding(
        collection.name, ((safe_name(upload.filename), upload.file.read()) for upload in body.files)
    )


def _refuse_if_all_are(results: list[Json]) -> None:
    """Raises: the refusal itself, or one that names them all."""
    refused = [result["raised"] for result in results if result["status"] == "refused"]
    if len(refused) < len(results):
        return
    if len(refused) == 1:
        raise refused[0]
    message = f"All {len(refused)} files are refused. " + " ".join(str(error) for error in refused[:5])
    raise RequestError(400, message, code="all_refused", param="files")


def _shown(results: list[Json]) -> list[Json]:
    return [
        {
            **{key: value for key, value in result.items() if key != "raised"},
            "error": describe_error(result["raised"]),
        }
        if "raised" in result
        else result
        for result in results
    ]


def _json(reply: object, status: int, *, location: str | None = None) -> Response:
    headers = {"location": location} if location else None
    return Response(to_json(reply), status, headers, media_type="application/json")
