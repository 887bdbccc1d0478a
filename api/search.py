"""POST /search and POST /ask."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from fastapi import APIRouter, Response
from starlette.concurrency import run_in_threadpool

from api.answering import Answer
from api.asking import ask as ask_collection
from api.errors import blaming, responses
from api.filtering import read_filters
from api.library import Library
from api.llm import LanguageModel
from api.rendering import ask_reply, search_reply, search_reply_of_several, to_json
from api.schemas import AskReply, AskRequest, SearchReply, SearchRequest
from embeddings import Collection, Filter, Hit


def search_routes(library: Library, model: LanguageModel | None = None) -> APIRouter:
    router = APIRouter(tags=["search"], responses=responses(400, 404, 413, 415, 503))

    @router.post(
        "/search", operation_id="search", summary="Find the passages that answer", response_model=SearchReply
    )
    async def search(request: SearchRequest) -> Response:
        """Best first. Nothing above the answer threshold is no error: `hits` is empty, `no_answer` true."""
        names = list(dict.fromkeys(request.collections or [request.collection]))
        collections = [library.collection(name) for name in names]
        asked = _Asked(
            request.query,
            tuple(request.history or ()),
            request.top_k,
            request.min_score,
            read_filters(request.filters),
            request.sort == "date",
        )
        started = time.perf_counter()
        with blaming("query"):
            hits = await run_in_threadpool(_search, collections, asked)
        took_ms = (time.perf_counter() - started) * 1000
        if request.collections is not None:
            return _json(search_reply_of_several(request.query, names, hits, took_ms=took_ms))
        return _json(search_reply(request.query, names[0], hits, took_ms=took_ms))

    @router.post("/ask", operation_id="ask", summary="Answer with sources", response_model=AskReply)
    async def ask(request: AskRequest) -> Response:
        """Made of exact quotes, or written by the language model of the settings; each [n] is a citation."""
        collection = library.collection(request.collection)
        with blaming("question"):
            asked = await ask_collection(
                collection,
                request.question,
                request.history or (),
                model=model,
                top_k=request.top_k,
                filter=read_filters(request.filters),
            )
        pieces = tuple([piece async for piece in asked.pieces()])
        last = max((piece.n for piece in pieces if piece.n), default=0)
        return _json(ask_reply(Answer(pieces, asked.cited[:last]), asked.hits))

    return router


@dataclass(frozen=True, slots=True)
class _Asked:
    query: str
    history: tuple[str, ...]
    top_k: int
    min_score: float | None
    filter: Filter | None
    newest_first: bool


def _search(collections: Sequence[Collection], asked: _Asked) -> list[Hit]:
    """The best of all `collections`: scores are calibrated, so they compare."""
    found = [
        hit
        for collection in collections
        for hit in collection.search(
            asked.query,
            top_k=asked.top_k,
            min_score=asked.min_score,
            filter=asked.filter,
            newest_first=asked.newest_first,
            history=asked.history,
        )
    ]
    if len(collections) == 1:
        return found
    found.sort(key=lambda hit: (hit.source.date or "" if asked.newest_first else "", hit.score), reverse=True)
    return [replace(hit, rank=rank) for rank, hit in enumerate(found[: asked.top_k], start=1)]


def _json(reply: object) -> Response:
    return Response(to_json(reply), media_type="application/json")
