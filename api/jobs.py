"""GET /jobs and GET /jobs/{id}."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from api.background import Jobs
from api.errors import responses
from api.library import Library
from api.rendering import job_reply, to_json
from api.schemas import JobReply, JobsReply


class JobsRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    limit: int = Field(default=50, ge=1, le=100)
    offset: int = Field(default=0, ge=0, le=1_000_000_000)


def job_routes(library: Library, jobs: Jobs) -> APIRouter:
    router = APIRouter(prefix="/jobs", tags=["jobs"], responses=responses(400, 404, 503))

    @router.get("", operation_id="list_jobs", summary="List the jobs", response_model=JobsReply)
    def list_jobs(page: Annotated[JobsRequest, Query()]) -> Response:
        """The latest first."""
        library.names()
        listed, total = jobs.jobs(offset=page.offset, limit=page.limit)
        reply = {"total": total, "jobs": [job_reply(job) for job in listed]}
        return Response(to_json(reply), media_type="application/json")

    @router.get(
        "/{job_id}",
        operation_id="get_job",
        summary="One job: how far it is, and what became of the files",
        response_model=JobReply,
    )
    def get_job(job_id: str) -> Response:
        library.names()
        return Response(to_json(job_reply(jobs.job(job_id))), media_type="application/json")

    return router
