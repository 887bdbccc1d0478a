"""GET /healthz and GET /readyz."""

from fastapi import APIRouter

from api.errors import responses
from api.library import Library
from api.schemas import StatusReply


def health_routes(library: Library) -> APIRouter:
    router = APIRouter(tags=["health"])

    @router.get(
        "/healthz", operation_id="healthz", summary="Whether the process lives", response_model=StatusReply
    )
    async def healthz() -> StatusReply:
        return StatusReply(status="ok")

    @router.get(
        "/readyz",
        operation_id="readyz",
        summary="Whether questions are answered",
        response_model=StatusReply,
        responses=responses(503),
    )
    async def readyz() -> StatusReply:
        library.collection()
        return StatusReply(status="ready")

    return router
