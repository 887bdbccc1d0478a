"""POST /search and POST /ask."""

import time

from fastapi import APIRouter, Response
from starlette.concurrency import run_in_threadpool

from api.answering import answer_with_quotes
from api.errors import RequestError, blaming, responses
from api.library import Library
from api.rendering import ask_reply, search_reply, to_json
from api.schemas import AskReply, AskRequest, SearchReply, SearchRequest
from embeddings import Collection, Hit


def search_routes(library: Library) -> APIRouter:
    router = APIRouter(tags=["search"], responses=responses(400, 404, 413, 415, 503))

    @router.post(
        "/search", operation_id="search", summary="Find the passages that answer", response_model=SearchReply
    )
    async def search(request: SearchRequest) -> Response:
        """Best first. Nothing above the answer threshold is no error: `hits` is empty, `no_answer` true."""
        if request.filters:
            raise RequestError(
                400,
                "Filters are not supported yet; leave “filters” out.",
                code="filters_unsupported",
                param="filters",
            )
        collection = library.collection(request.collection)
        started = time.perf_counter()
        with blaming("query"):
            hits = await _search(collection, request.query, request.top_k, request.min_score)
        took_ms = (time.perf_counter() - started) * 1000
        return _json(search_reply(request.query, collection.name, hits, took_ms=took_ms))

    @router.post("/ask", operation_id="ask", summary="Answer with exact quotes", response_model=AskReply)
    async def ask(request: AskRequest) -> Response:
        """The answer is made of quotes that follow one another, each with the [n] of its citation."""
        collection = library.collection(request.collection)
        with blaming("question"):
            hits = await _search(collection, request.question, request.top_k, None)
        return _json(ask_reply(answer_with_quotes(hits), hits))

    return router


async def _search(collection: Collection, query: str, top_k: int, min_score: float | None) -> list[Hit]:
    return await run_in_threadpool(collection.search, query, top_k=top_k, min_score=min_score)


def _json(reply: object) -> Response:
    return Response(to_json(reply), media_type="application/json")
