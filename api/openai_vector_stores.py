"""/v1/vector_stores: the collections, in OpenAI's form."""

import secrets
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from api.errors import RequestError, blaming, responses
from api.filters import Condition, attributes_of, read_openai_filter, search_where
from api.library import Library
from api.openai_objects import (
    Json,
    all_documents,
    document_id_of,
    file_id,
    no_file,
    page_of,
    store_file_object,
    store_object,
)
from api.pending_files import Uploads
from api.rendering import to_json
from api.stored_files import original_file
from embeddings import Collection, DocumentNotFound, Hit, StoredDocument, read

_Limit = Annotated[int, Query(ge=1, le=100)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="ignore")


class VectorStoreRequest(_Body):
    name: str | None = None
    file_ids: list[str] = Field(default_factory=list)


class VectorStoreFileRequest(_Body):
    file_id: str
    attributes: dict[str, Any] | None = None


class RankingOptions(_Body):
    score_threshold: float | None = Field(default=None, ge=0, le=1, allow_inf_nan=False)


class VectorStoreSearchRequest(_Body):
    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "query": "燃气领域要求",
                "max_num_results": 5,
                "filters": {"type": "gte", "key": "date", "value": "2021-01-01"},
            }
        }
    )

    query: str | list[str]
    max_num_results: int = Field(default=10, ge=1, le=50)
    filters: dict[str, Any] | None = None
    ranking_options: RankingOptions | None = None
    rewrite_query: bool | None = None

    @property
    def queries(self) -> list[str]:
        return [self.query] if isinstance(self.query, str) else self.query


def vector_store_routes(library: Library, uploads: Uploads) -> APIRouter:
    router = APIRouter(
        prefix="/v1/vector_stores", tags=["vector stores"], responses=responses(400, 401, 404, 409, 503)
    )

    @router.post("", operation_id="create_vector_store", summary="Make a collection", response_model=None)
    def create_store(body: VectorStoreRequest) -> Json:
        """Its name is its id, and the model that the chat asks."""
        collection = library.create(body.name or f"vs_{secrets.token_hex(12)}")
        for given in body.file_ids:
            _attach(library, uploads, collection, given)
        return store_object(collection)

    @router.get("", operation_id="list_vector_stores", summary="List the collections", response_model=None)
    def list_stores(limit: _Limit = 20, after: str | None = None) -> Json:
        stores = [store_object(library.collection(name)) for name in library.names()]
        return page_of(stores, limit=limit, after=after)

    @router.get("/{store_id}", operation_id="get_vector_store", summary="One collection", response_model=None)
    def get_store(store_id: str) -> Json:
        return store_object(_store(library, store_id))

    @router.delete(
        "/{store_id}", operation_id="delete_vector_store", summary="Delete a collection", response_model=None
    )
    def delete_store(store_id: str) -> Json:
        _store(library, store_id)
        library.delete(store_id)
        return {"id": store_id, "object": "vector_store.deleted", "deleted": True}

    @router.post(
        "/{store_id}/search",
        operation_id="search_vector_store",
        summary="Find passages of a collection, in OpenAI's form",
        response_model=None,
    )
    async def search_store(store_id: str, body: VectorStoreSearchRequest) -> Response:
        """Filters compare the fields of `attributes`."""
        collection = _store(library, store_id)
        if not body.queries:
            raise RequestError(400, "“query” is empty.", code="empty_text", param="query")
        with blaming("filters"):
            condition = read_openai_filter(body.filters) if body.filters else None
        with blaming("query"):
            hits = await run_in_threadpool(_search, collection, body, condition)
        page = {
            "object": "vector_store.search_results.page",
            "search_query": body.queries,
            "data": [_result(hit) for hit in hits],
            "has_more": False,
            "next_page": None,
        }
        return Response(to_json(page), media_type="application/json")

    _add_file_routes(router, library, uploads)
    return router


def _add_file_routes(router: APIRouter, library: Library, uploads: Uploads) -> None:
    @router.post(
        "/{store_id}/files",
        operation_id="create_vector_store_file",
        summary="Put a file into a collection",
        response_model=None,
    )
    def create_store_file(store_id: str, body: VectorStoreFileRequest) -> Json:
        """It is searched once this returns."""
        collection = _store(library, store_id)
        if body.attributes:
            message = "Attributes are read from the documents themselves; leave “attributes” out."
            raise RequestError(400, message, code="attributes_unsupported", param="attributes")
        return store_file_object(_attach(library, uploads, collection, body.file_id), store_id)

    @router.get(
        "/{store_id}/files",
        operation_id="list_vector_store_files",
        summary="The files of a collection",
        response_model=None,
    )
    def list_store_files(store_id: str, limit: _Limit = 20, after: str | None = None) -> Json:
        documents = all_documents(_store(library, store_id))
        objects = [store_file_object(document, store_id) for document in documents]
        return page_of(objects, limit=limit, after=after)

    @router.get(
        "/{store_id}/files/{given}",
        operation_id="get_vector_store_file",
        summary="One file of a collection",
        response_model=None,
    )
    def get_store_file(store_id: str, given: str) -> Json:
        return store_file_object(_document(_store(library, store_id), given), store_id)

    @router.delete(
        "/{store_id}/files/{given}",
        operation_id="delete_vector_store_file",
        summary="Take a file out of a collection",
        response_model=None,
    )
    def delete_store_file(store_id: str, given: str) -> Json:
        collection = _store(library, store_id)
        collection.remove([_document(collection, given).id])
        return {"id": given, "object": "vector_store.file.deleted", "deleted": True}


def _store(library: Library, store_id: str) -> Collection:
    names = library.names()
    if store_id not in names:
        message = f"There is no vector store “{store_id[:80]}”; there is {', '.join(f'“{name}”' for name in names)}."
        raise RequestError(404, message, code="vector_store_not_found", param="vector_store_id")
    return library.collection(store_id)


def _document(collection: Collection, given: str) -> StoredDocument:
    try:
        return collection.document(document_id_of(given))
    except DocumentNotFound as error:
        raise no_file(given) from error


def _attach(library: Library, uploads: Uploads, collection: Collection, given: str) -> StoredDocument:
    document_id = document_id_of(given)
    data, filename = original_file(library, uploads, document_id)
    document = read(data, filename=filename)
    collection.add([document])
    return collection.document(document.id)


def _search(collection: Collection, body: VectorStoreSearchRequest, condition: Condition | None) -> list[Hit]:
    """The best of all queries, each passage once."""
    options = body.ranking_options or RankingOptions()
    best: dict[tuple[str, int], Hit] = {}
    for query in body.queries:
        hits = search_where(
            collection,
            query,
            top_k=body.max_num_results,
            min_score=options.score_threshold or None,
            condition=condition,
        )
        for hit in hits:
            place = (hit.source.document_id, hit.passage_span.start)
            if place not in best or best[place].score < hit.score:
                best[place] = hit
    return sorted(best.values(), key=lambda hit: -hit.score)[: body.max_num_results]


def _result(hit: Hit) -> Json:
    start, end = hit.quote_span
    attributes = {**attributes_of(hit.source), "quote_start": start, "quote_end": end}
    return {
        "file_id": file_id(hit.source.document_id),
        "filename": hit.source.filename,
        "score": round(float(hit.score), 4),
        "attributes": attributes,
        "content": [{"type": "text", "text": hit.passage}],
    }
