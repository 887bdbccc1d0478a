"""POST /v1/embeddings: the vectors that the service itself searches with, in OpenAI's form."""

import base64
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from api.errors import RequestError, responses
from api.library import Library
from api.rendering import to_json
from api.settings import Settings
from api.wording import count_tokens

_MAX_INPUTS = 2_048


class EmbeddingRequest(BaseModel):
    """`input_type` “query” is for models that take questions in another way than texts."""

    model_config = ConfigDict(
        extra="ignore", json_schema_extra={"example": {"model": "builtin", "input": ["燃气安全检查"]}}
    )

    model: str
    input: str | list[Any]
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: int | None = Field(default=None, ge=1)
    input_type: Literal["query", "document"] | None = None


def embedding_routes(library: Library, settings: Settings) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["embeddings"], responses=responses(400, 401, 404, 503))
    label = Path(settings.model).name

    def encode(body: EmbeddingRequest, texts: list[str]) -> npt.NDArray[np.float32]:
        encoder = library.embedder(settings.model)
        vectors = (
            encoder.encode_queries(texts) if body.input_type == "query" else encoder.encode_passages(texts)
        )
        return _cut(vectors, body.dimensions)

    @router.post(
        "/embeddings", operation_id="create_embedding", summary="Texts to vectors", response_model=None
    )
    async def create_embedding(body: EmbeddingRequest) -> Response:
        """`model` is the service's embedder (“builtin”, or the name of its folder), or any collection."""
        known = [label, *library.names()]
        if body.model not in known:
            message = f"There is no embedding model “{body.model[:80]}”; there is “{label}”."
            raise RequestError(404, message, code="model_not_found", param="model")
        texts = _read_texts(body.input)
        vectors = await run_in_threadpool(encode, body, texts)
        tokens = sum(count_tokens(text) for text in texts)
        data = [
            {"object": "embedding", "index": index, "embedding": _encoded(vector, body.encoding_format)}
            for index, vector in enumerate(vectors)
        ]
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        reply = {"object": "list", "data": data, "model": body.model, "usage": usage}
        return Response(to_json(reply), media_type="application/json")

    return router


def _read_texts(value: str | list[Any]) -> list[str]:
    texts = [value] if isinstance(value, str) else value
    if any(isinstance(text, int | list) for text in texts):
        message = (
            "Token ids are of another model's vocabulary; send texts. "
            "In LangChain set check_embedding_ctx_length=False on OpenAIEmbeddings."
        )
        raise RequestError(400, message, code="token_ids_unsupported", param="input")
    if not texts or not all(isinstance(text, str) for text in texts):
        raise RequestError(400, "“input” is a text or a list of texts.", code="invalid_input", param="input")
    if len(texts) > _MAX_INPUTS:
        message = (
            f"“input” holds {len(texts):,} texts; at most {_MAX_INPUTS:,} are read. Send several requests."
        )
        raise RequestError(400, message, code="too_many_inputs", param="input")
    if not all(texts):
        raise RequestError(400, "“input” holds an empty text.", code="empty_text", param="input")
    return texts


def _cut(vectors: npt.NDArray[np.float32], dimensions: int | None) -> npt.NDArray[np.float32]:
    """The first `dimensions` of `vectors`, of unit length again."""
    if dimensions is None or dimensions == vectors.shape[1]:
        return vectors
    if dimensions > vectors.shape[1]:
        message = f"“dimensions” is {dimensions}; this model's vectors have {vectors.shape[1]}."
        raise RequestError(400, message, code="too_many_dimensions", param="dimensions")
    short = vectors[:, :dimensions]
    lengths = np.linalg.norm(short, axis=1, keepdims=True)
    cut: npt.NDArray[np.float32] = np.divide(short, lengths, out=np.zeros_like(short), where=lengths > 0)
    return cut


def _encoded(vector: npt.NDArray[np.float32], encoding: str) -> list[float] | str:
    if encoding == "base64":
        return base64.b64encode(vector.astype("<f4").tobytes()).decode("ascii")
    return [float(value) for value in vector]
