"""POST /v1/rerank: documents that somebody brings, put in order for a query, in Cohere's and Jina's form."""

import math
import secrets
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from api.errors import RequestError, responses
from api.library import Library
from api.rendering import to_json
from api.settings import Settings
from api.wording import character_pairs, count_tokens
from embeddings import Embedder

_MAX_DOCUMENTS = 1_000
_DENSE_SHARE = 0.4


class RerankDocument(BaseModel):
    model_config = ConfigDict(extra="ignore")

    text: str


class RerankRequest(BaseModel):
    model_config = ConfigDict(
        extra="ignore",
        json_schema_extra={
            "example": {
                "model": "builtin",
                "query": "燃气安全",
                "documents": ["检查燃气管道。", "召开会议。"],
            }
        },
    )

    model: str | None = None
    query: str = Field(min_length=1)
    documents: list[str | RerankDocument] = Field(min_length=1, max_length=_MAX_DOCUMENTS)
    top_n: int | None = Field(default=None, ge=1)
    return_documents: bool | None = None


def rerank_routes(library: Library, settings: Settings) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["rerank"], responses=responses(400, 401, 503))

    @router.post(
        "/rerank", operation_id="rerank", summary="Put documents in order for a query", response_model=None
    )
    async def rerank(body: RerankRequest) -> Response:
        """Best first; one result a document."""
        texts = [text if isinstance(text, str) else text.text for text in body.documents]
        if not character_pairs(body.query):
            message = "The query has no letter, digit or Han character."
            raise RequestError(400, message, code="empty_text", param="query")
        scores = await run_in_threadpool(_score, library, settings.model, body.query, texts)
        order = sorted(range(len(texts)), key=lambda index: -scores[index])[: body.top_n]
        results: list[dict[str, Any]] = [
            {"index": index, "relevance_score": round(scores[index], 6)} for index in order
        ]
        if body.return_documents:
            for result in results:
                result["document"] = {"text": texts[result["index"]]}
        tokens = count_tokens(body.query) + sum(count_tokens(text) for text in texts)
        reply = {
            "id": f"rerank-{secrets.token_hex(12)}",
            "model": body.model or Path(settings.reranker or settings.model).name,
            "results": results,
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
        }
        return Response(to_json(reply), media_type="application/json")

    return router


def _score(library: Library, model: str, query: str, texts: Sequence[str]) -> list[float]:
    """By the re-ranker of the settings; without one, by words and vectors."""
    reranking = library.reranking()
    if reranking is not None:
        return [float(score) for score in reranking.reranker.score(query, texts)]
    return _relevance(library.embedder(model), query, texts)


def _relevance(embedder: Embedder, query: str, texts: Sequence[str]) -> list[float]:
    """0 to 1 each: the share of the query's character pairs, the rarer the heavier, and the cosine."""
    asked = character_pairs(query)
    held = [asked & character_pairs(text) for text in texts]
    standing = Counter(pair for pairs in held for pair in pairs)
    weights = {pair: math.log(1 + (len(texts) + 1) / (standing[pair] + 0.5)) for pair in asked}
    total = sum(weights.values())
    covered = [sum(weights[pair] for pair in pairs) / total for pairs in held]
    cosines = embedder.encode_passages(list(texts)) @ embedder.encode_queries([query])[0]
    dense = np.clip(cosines, 0.0, 1.0)
    return [
        float((1 - _DENSE_SHARE) * share + _DENSE_SHARE * cosine)
        for share, cosine in zip(covered, dense, strict=True)
    ]
