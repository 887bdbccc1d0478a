"""GET|POST /collections, GET|DELETE /collections/{name}, POST /collections/{name}/reindex."""

from fastapi import APIRouter, Response

from api.background import Jobs
from api.errors import blaming, responses
from api.library import Library
from api.rendering import collection_reply, job_reply, to_json
from api.schemas import (
    CollectionReply,
    CollectionRequest,
    CollectionsReply,
    DeletedReply,
    JobReply,
    ReindexRequest,
)


def collection_routes(library: Library, jobs: Jobs) -> APIRouter:
    router = APIRouter(prefix="/collections", tags=["collections"], responses=responses(400, 404, 503))

    @router.get(
        "", operation_id="list_collections", summary="List the collections", response_model=CollectionsReply
    )
    def list_collections() -> Response:
        reply = [collection_reply(name, library.collection(name).facts()) for name in library.names()]
        return _json({"collections": reply})

    @router.post(
        "",
        operation_id="create_collection",
        summary="Create a collection",
        status_code=201,
        response_model=CollectionReply,
        responses=responses(409, 413, 415),
    )
    def create_collection(request: CollectionRequest) -> Response:
        """Empty, with its own model and settings."""
        with blaming("name"):
            collection = library.create(request.name, model=request.model, settings=request.settings)
        return _json(collection_reply(collection.name, collection.facts()), 201)

    @router.get(
        "/{name}",
        operation_id="get_collection",
        summary="One collection: its model, its settings and how much is in it",
        response_model=CollectionReply,
    )
    def get_collection(name: str) -> Response:
        return _json(collection_reply(name, library.collection(name).facts()))

    @router.delete(
        "/{name}",
        operation_id="delete_collection",
        summary="Delete a collection with all that is in it",
        response_model=DeletedReply,
    )
    def delete_collection(name: str) -> Response:
        library.delete(name)
        return _json({"id": name, "deleted": True})

    @router.post(
        "/{name}/reindex",
        operation_id="reindex_collection",
        summary="Make the vectors again with another model",
        status_code=202,
        response_model=JobReply,
        responses=responses(413, 415),
    )
    def reindex_collection(name: str, request: ReindexRequest) -> Response:
        """As a job. What is there answers until all vectors are made."""
        library.collection(name)
        return _json(job_reply(jobs.begin_reindexing(name, request.model)), 202)

    return router


def _json(reply: object, status: int = 200) -> Response:
    return Response(to_json(reply), status, media_type="application/json")
