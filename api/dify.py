"""POST /dify/retrieval: Dify's external knowledge."""

from collections.abc import Mapping
from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from api.dify_conditions import read_conditions
from api.errors import blaming
from api.fields import fields_of
from api.library import Library
from api.links import Links, links_for
from api.rendering import to_json
from api.settings import Settings
from embeddings import MAX_TOP_K, Attribute, Collection, Filter, Hit


class RetrievalSetting(BaseModel):
    model_config = ConfigDict(extra="ignore")

    top_k: int = Field(default=5, ge=1)
    score_threshold: float | None = Field(default=None, ge=0, le=1, allow_inf_nan=False)


class MetadataCondition(BaseModel):
    """Some versions of Dify say `logic` for `logical_operator`."""

    model_config = ConfigDict(extra="ignore")

    logical_operator: Literal["and", "or"] | None = None
    logic: Literal["and", "or"] | None = None
    conditions: list[dict[str, Any]] | None = None


class DifyError(BaseModel):
    error_code: int = Field(description="1001 no or malformed key, 1002 wrong key, 2001 no such collection.")
    error_msg: str


class DifyRequest(BaseModel):
    model_config = ConfigDict(
        extra="ignore",
        json_schema_extra={
            "example": {
                "knowledge_id": "default",
                "query": "燃气领域要求",
                "retrieval_setting": {"top_k": 5, "score_threshold": 0.0},
            }
        },
    )

    knowledge_id: str = Field(description="A collection.")
    query: str
    retrieval_setting: RetrievalSetting = Field(default_factory=RetrievalSetting)
    metadata_condition: MetadataCondition | None = None


def dify_routes(library: Library, settings: Settings) -> APIRouter:
    errors: dict[int | str, dict[str, Any]] = {"default": {"model": DifyError, "description": "Any error."}}
    router = APIRouter(prefix="/dify", tags=["dify"], responses=errors)

    @router.post(
        "/retrieval",
        operation_id="dify_retrieval",
        summary="Find passages, in Dify's form",
        response_model=None,
    )
    async def retrieve(body: DifyRequest, request: Request) -> Response:
        """No hit is no error: `records` is empty. Dify sends a threshold of 0 where it has none."""
        collection = library.collection(body.knowledge_id)
        links = links_for(request, settings, collection.name)
        records = await run_in_threadpool(_records, collection, body, links)
        return Response(to_json({"records": records}), media_type="application/json")

    return router


def _records(collection: Collection, body: DifyRequest, links: Links) -> list[dict[str, Any]]:
    with blaming("metadata_condition"):
        filter = _filter(collection, body.metadata_condition)
    with blaming("query"):
        hits = collection.search(
            body.query,
            top_k=min(body.retrieval_setting.top_k, MAX_TOP_K),
            min_score=body.retrieval_setting.score_threshold or None,
            filter=filter,
        )
    attributes = collection.attributes([hit.source.document_id for hit in hits])
    return [_record(hit, attributes.get(hit.source.document_id, {}), links) for hit in hits]


def _filter(collection: Collection, given: MetadataCondition | None) -> Filter | None:
    if given is None or not given.conditions:
        return None
    is_any_enough = (given.logical_operator or given.logic) == "or"
    return read_conditions(given.conditions, collection.attribute_names(), is_any_enough=is_any_enough)


def _record(hit: Hit, attributes: Mapping[str, Attribute], links: Links) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        **fields_of(hit.source, attributes),
        "path": hit.source.filename,
        "url": links.to_quote(hit),
        "quote": hit.quote,
        "outline": list(hit.source.outline),
    }
    score = round(float(hit.score), 4)
    return {"content": hit.passage, "score": score, "title": hit.source.title, "metadata": metadata}
