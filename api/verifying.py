"""GET /verify: whether a quote still stands where a source says."""

import hashlib
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from api.errors import responses
from api.library import DEFAULT_COLLECTION, Library
from api.rendering import Json, document_url, to_json
from api.schemas import VerifyReply
from embeddings import Collection

_MAX_POSITION = 1_000_000_000


class VerifyRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    document_id: str
    start: int = Field(ge=0, le=_MAX_POSITION)
    end: int = Field(ge=0, le=_MAX_POSITION)
    sha256: str = Field(pattern="^[0-9a-fA-F]{64}$", description="Of the original, as the source gave it.")
    quote: str | None = Field(default=None, description="What should stand there.")
    collection: str = DEFAULT_COLLECTION


def verify_routes(library: Library) -> APIRouter:
    router = APIRouter(tags=["documents"], responses=responses(400, 404, 503))

    @router.get(
        "/verify", operation_id="verify", summary="Whether a quote still holds", response_model=VerifyReply
    )
    def verify(asked: Annotated[VerifyRequest, Query()]) -> Response:
        """The stored original is hashed anew. `reason` says what does not hold: `other_version`, `damaged`,
        `outside` the text, or `other_text`."""
        reply = _verify(library.collection(asked.collection), asked)
        return Response(to_json(reply), media_type="application/json")

    return router


def _verify(collection: Collection, asked: VerifyRequest) -> Json:
    document = collection.document(asked.document_id)
    stored = hashlib.sha256(collection.original(asked.document_id)).hexdigest()
    inside = asked.start < asked.end <= len(document.text)
    quote = document.text[asked.start : asked.end] if inside else None
    reasons = {
        "damaged": stored != document.sha256,
        "other_version": asked.sha256.lower() != document.sha256,
        "outside": not inside,
        "other_text": asked.quote is not None and asked.quote != quote,
    }
    reason = next((reason for reason, holds in reasons.items() if holds), None)
    return {
        "valid": reason is None,
        "reason": reason,
        "document_id": document.id,
        "start": asked.start,
        "end": asked.end,
        "sha256": stored,
        "quote": quote,
        "title": document.title,
        "url": f"{document_url(document.id, collection.name)}#c={asked.start}-{asked.end}",
    }
