"""POST …/chat/completions and GET …/models: OpenAI's chat, and Open WebUI's variant of it."""

import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from api.answering import Answer, Piece
from api.asking import MAX_ANSWER_TOKENS, Asked, ask
from api.chat_reply import DONE, Chunks, Json, Written, as_event, citations_of, completion, source_of, usage
from api.chat_request import ChatRequest, chore_reply
from api.dialects import error_body
from api.disconnect import unless_gone
from api.errors import RequestError, blaming, responses
from api.library import Library
from api.links import Links, links_for
from api.llm import LanguageModel
from api.rendering import to_json
from api.settings import Settings

_log = logging.getLogger(__name__)
_HEADERS = {"cache-control": "no-cache", "x-accel-buffering": "no"}


@dataclass(frozen=True, slots=True)
class _Reply:
    """One request on its way to an answer. `annotated` tells OpenAI's form from Open WebUI's."""

    request: ChatRequest
    asked: Asked
    links: Links
    annotated: bool

    @property
    def prompt(self) -> str:
        return "\n".join(message.text for message in self.request.messages)

    @property
    def wants_usage(self) -> bool:
        return self.request.stream_options is not None and self.request.stream_options.include_usage


def chat_routes(
    library: Library,
    settings: Settings,
    model: LanguageModel | None,
    *,
    prefix: str,
    for_open_webui: bool = False,
) -> APIRouter:
    router = APIRouter(prefix=prefix, tags=["chat"], responses=responses(400, 401, 404, 413, 503))
    suffix = "_for_open_webui" if for_open_webui else ""

    @router.post(
        "/chat/completions",
        operation_id=f"create_chat_completion{suffix}",
        summary="Answer a chat with sources, in OpenAI's form",
        response_model=None,
    )
    async def complete_chat(body: ChatRequest, request: Request) -> Response:
        """The last user message is the question; `model` is the collection that is asked."""
        asked = await unless_gone(request, _ask(library, body, model))
        reply = _Reply(body, asked, links_for(request, settings, body.model), not for_open_webui)
        if body.stream:
            return StreamingResponse(_stream(reply), media_type="text/event-stream", headers=_HEADERS)
        written = await unless_gone(request, _write(reply))
        answer = completion(body.model, written, reply.prompt, annotated=reply.annotated)
        return Response(to_json(answer), media_type="application/json")

    @router.get("/models", operation_id=f"list_models{suffix}", summary="The collections, as models")
    def list_models() -> Json:
        return {"object": "list", "data": [_model(name) for name in library.names()]}

    @router.get("/models/{model}", operation_id=f"get_model{suffix}", summary="One collection, as a model")
    def get_model(model: str) -> Json:
        _check_model(library, model)
        return _model(model)

    return router


async def _ask(library: Library, body: ChatRequest, model: LanguageModel | None) -> Asked:
    """The question searched for: whatever can fail with a status has failed before a stream starts."""
    _check_model(library, body.model)
    chore = chore_reply(body.messages)
    if chore is not None:
        return Asked("", (), Answer((Piece(chore),), ()), (), None)
    questions = body.questions
    if not questions:
        message = "No message of the role “user” has text; the last one is the question."
        raise RequestError(400, message, code="no_question", param="messages")
    wanted = body.max_completion_tokens or body.max_tokens or MAX_ANSWER_TOKENS
    # Some clients say -1 for “as many as you like”.
    limit = min(wanted, MAX_ANSWER_TOKENS) if wanted > 0 else MAX_ANSWER_TOKENS
    with blaming("messages"):
        collection = library.collection(body.model)
        return await ask(collection, questions[-1], questions[:-1], model=model, max_tokens=limit)


def _check_model(library: Library, model: str) -> None:
    names = library.names()
    if model not in names:
        known = ", ".join(f"“{name}”" for name in names)
        message = f"There is no model “{model[:80]}”; a model is a collection, and there is {known}."
        raise RequestError(404, message, code="model_not_found", param="model")


def _model(name: str) -> Json:
    return {"id": name, "object": "model", "created": 0, "owned_by": "wenyuan", "name": name}


async def _pieces(reply: _Reply, written: Written) -> AsyncGenerator[Piece, None]:
    """The answer, then the list of its sources; `written` follows."""
    async with aclosing(reply.asked.pieces()) as pieces:
        async for piece in pieces:
            written.add(piece)
            yield piece
    if reply.annotated:
        listed = written.source_list()
        for piece in listed:
            written.add(piece)
            yield piece


async def _write(reply: _Reply) -> Written:
    written = Written(reply.asked.cited, reply.links)
    async for _ in _pieces(reply, written):
        pass
    return written


async def _stream(reply: _Reply) -> AsyncIterator[bytes]:
    chunks = Chunks(reply.request.model)
    written = Written(reply.asked.cited, reply.links)
    yield chunks.role()
    if not reply.annotated:
        for hit in reply.asked.cited:
            yield chunks.source(source_of(hit, reply.links))
    try:
        extra = citations_of(reply.asked.cited, reply.links)
        async with aclosing(_pieces(reply, written)) as pieces:
            async for piece in pieces:
                if piece.text:
                    yield chunks.content(piece.text, extra)
                    extra = {}
    except Exception:
        _log.exception("an answer broke off")
        message = "The answer broke off. Ask again."
        yield as_event(error_body("", 500, message, code="internal_error", param=None))
        yield DONE
        return
    annotations = written.annotations() if reply.annotated else []
    yield chunks.finish({"annotations": annotations} if annotations else {})
    if reply.wants_usage:
        yield chunks.usage(usage(reply.prompt, written.text))
    yield DONE
