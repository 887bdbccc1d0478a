"""/v1/vector_stores: the collections, in OpenAI's form."""

from collections.abc import Mapping
from itertools import islice
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from api.errors import RequestError, blaming, responses
from api.fields import fields_of
from api.library import Library
from api.openai_filters import read_openai_filter
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
from api.stored_files import file_name, find_store, original_file
from api.vector_stores import change_store, check_metadata, new_store
from embeddings import (
    MAX_ATTRIBUTES,
    Attribute,
    Collection,
    DocumentNotFound,
    Filter,
    Hit,
    Span,
    StoredDocument,
    check_attributes,
    read,
)

_Limit = Annotated[int, Query(ge=1, le=100)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="ignore")


class VectorStoreRequest(_Body):
    name: str | None = None
    file_ids: list[str] = Field(default_factory=list)
    metadata: dict[str, Any] | None = None


class VectorStoreChange(_Body):
    name: str | None = None
    metadata: dict[str, Any] | None = None


class VectorStoreFileRequest(_Body):
    file_id: str
    attributes: dict[str, Any] | None = None


class VectorStoreFileChange(_Body):
    attributes: dict[str, Any] | None


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
        """Its id, which is the model that the chat asks, is its name where that can name a collection."""
        with blaming("metadata"):
            metadata = check_metadata(body.metadata or {})
        for given in body.file_ids:
            file_name(library, uploads, document_id_of(given))
        with blaming("name"):
            collection = new_store(library, body.name, metadata)
        for given in body.file_ids:
            _attach(library, uploads, collection, given)
        return store_object(collection)

    @router.get("", operation_id="list_vector_stores", summary="List the collections", response_model=None)
    def list_stores(limit: _Limit = 20, after: str | None = None) -> Json:
        stores = [store_object(library.collection(name)) for name in library.names()]
        return page_of(stores, limit=limit, after=after)

    @router.get("/{store_id}", operation_id="get_vector_store", summary="One collection", response_model=None)
    def get_store(store_id: str) -> Json:
        return store_object(find_store(library, store_id))

    @router.post(
        "/{store_id}", operation_id="modify_vector_store", summary="Change a collection", response_model=None
    )
    def modify_store(store_id: str, body: VectorStoreChange) -> Json:
        """Its name to be shown, and its metadata; its id stays."""
        collection = find_store(library, store_id)
        with blaming("metadata"):
            metadata = None if body.metadata is None else check_metadata(body.metadata)
        with blaming("name"):
            change_store(library, collection, name=body.name, metadata=metadata)
        return store_object(collection)

    @router.delete(
        "/{store_id}", operation_id="delete_vector_store", summary="Delete a collection", response_model=None
    )
    def delete_store(store_id: str) -> Json:
        find_store(library, store_id)
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
        collection = find_store(library, store_id)
        if not body.queries:
            raise RequestError(400, "“query” is empty.", code="empty_text", param="query")
        results = await run_in_threadpool(_results, collection, body)
        page = {
            "object": "vector_store.search_results.page",
            "search_query": body.queries,
            "data": results,
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
        collection = find_store(library, store_id)
        with blaming("attributes"):
            attributes = None if body.attributes is None else check_attributes(body.attributes)
        return store_file_object(_attach(library, uploads, collection, body.file_id, attributes), store_id)

    @router.get(
        "/{store_id}/files",
        operation_id="list_vector_store_files",
        summary="The files of a collection",
        response_model=None,
    )
    def list_store_files(
        store_id: str, limit: _Limit = 20, after: str | None = None, filter: str | None = None
    ) -> Json:
        documents = all_documents(find_store(library, store_id))
        objects = [store_file_object(document, store_id) for document in documents]
        chosen = [one for one in objects if filter in (None, one["status"])]
        return page_of(chosen, limit=limit, after=after)

    @router.get(
        "/{store_id}/files/{given}",
        operation_id="get_vector_store_file",
        summary="One file of a collection",
        response_model=None,
    )
    def get_store_file(store_id: str, given: str) -> Json:
        return store_file_object(_document(find_store(library, store_id), given), store_id)

    @router.post(
        "/{store_id}/files/{given}",
        operation_id="update_vector_store_file",
        summary="Say something else of a file",
        response_model=None,
    )
    def update_store_file(store_id: str, given: str, body: VectorStoreFileChange) -> Json:
        """Its attributes take the place of those it had."""
        collection = find_store(library, store_id)
        document = _document(collection, given)
        with blaming("attributes"):
            collection.set_attributes({document.id: body.attributes or {}})
        return store_file_object(_document(collection, given), store_id)

    @router.get(
        "/{store_id}/files/{given}/content",
        operation_id="get_vector_store_file_content",
        summary="The text of a file of a collection",
        response_model=None,
    )
    def get_store_file_content(store_id: str, given: str) -> Json:
        document = _document(find_store(library, store_id), given)
        return {
            "object": "vector_store.file_content.page",
            "data": [{"type": "text", "text": document.text}],
            "has_more": False,
            "next_page": None,
        }

    @router.delete(
        "/{store_id}/files/{given}",
        operation_id="delete_vector_store_file",
        summary="Take a file out of a collection",
        response_model=None,
    )
    def delete_store_file(store_id: str, given: str) -> Json:
        collection = find_store(library, store_id)
        collection.remove([_document(collection, given).id])
        return {"id": given, "object": "vector_store.file.deleted", "deleted": True}


def _document(collection: Collection, given: str) -> StoredDocument:
    try:
        return collection.document(document_id_of(given))
    except DocumentNotFound as error:
        raise no_file(given) from error


def _attach(
    library: Library,
    uploads: Uploads,
    collection: Collection,
    given: str,
    attributes: Mapping[str, Attribute] | None = None,
) -> StoredDocument:
    document_id = document_id_of(given)
    data, filename = original_file(library, uploads, document_id)
    document = read(data, filename=filename)
    collection.add([document])
    if attributes is not None:
        collection.set_attributes({document.id: attributes})
    return collection.document(document.id)


def _results(collection: Collection, body: VectorStoreSearchRequest) -> list[Json]:
    with blaming("filters"):
        filter = read_openai_filter(body.filters, collection.attribute_names()) if body.filters else None
    with blaming("query"):
        hits = _search(collection, body, filter)
    attributes = collection.attributes([hit.source.document_id for hit in hits])
    return [_result(hit, attributes.get(hit.source.document_id, {})) for hit in hits]


def _search(collection: Collection, body: VectorStoreSearchRequest, filter: Filter | None) -> list[Hit]:
    """The best of all queries, each passage once."""
    min_score = (body.ranking_options or RankingOptions()).score_threshold or None
    best: dict[tuple[str, Span], Hit] = {}
    for query in body.queries:
        hits = collection.search(query, top_k=body.max_num_results, min_score=min_score, filter=filter)
        for hit in hits:
            place = (hit.source.document_id, hit.passage_span)
            if place not in best or best[place].score < hit.score:
                best[place] = hit
    return sorted(best.values(), key=lambda hit: -hit.score)[: body.max_num_results]


def _result(hit: Hit, attributes: Mapping[str, Attribute]) -> Json:
    start, end = hit.quote_span
    told = {**attributes, "quote_start": start, "quote_end": end, **fields_of(hit.source, attributes)}
    return {
        "file_id": file_id(hit.source.document_id),
        "filename": hit.source.filename,
        "score": round(float(hit.score), 4),
        "attributes": dict(islice(told.items(), MAX_ATTRIBUTES)),
        "content": [{"type": "text", "text": hit.passage}],
    }
