"""POST /openwebui/search: Open WebUI's external web search. Its variant of the chat is in chat.py."""

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from api.errors import blaming, responses
from api.library import Library
from api.links import links_for, place_of
from api.rendering import to_json
from api.settings import Settings
from embeddings import MAX_TOP_K


class WebSearchRequest(BaseModel):
    model_config = ConfigDict(
        extra="ignore", json_schema_extra={"example": {"query": "燃气领域要求", "count": 3}}
    )

    query: str
    count: int = Field(default=5, ge=1)


def open_webui_routes(library: Library, settings: Settings) -> APIRouter:
    router = APIRouter(prefix="/openwebui", tags=["open webui"], responses=responses(400, 401, 503))

    @router.post(
        "/search",
        operation_id="open_webui_search",
        summary="Find passages, in the form of Open WebUI's web search",
        response_model=None,
    )
    async def search(body: WebSearchRequest, request: Request) -> Response:
        """Every collection is searched; scores are comparable."""
        results: list[tuple[float, dict[str, Any]]] = []
        top_k = min(body.count, MAX_TOP_K)
        for name in library.names():
            with blaming("query"):
                hits = await run_in_threadpool(library.collection(name).search, body.query, top_k=top_k)
            links = links_for(request, settings, name)
            for hit in hits:
                result = {"link": links.to_quote(hit), "title": place_of(hit.source), "snippet": hit.passage}
                results.append((hit.score, result))
        results.sort(key=lambda scored: -scored[0])
        return Response(to_json([result for _, result in results[:top_k]]), media_type="application/json")

    return router
