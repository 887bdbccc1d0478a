"""The HTTP service, put together."""

from fastapi import FastAPI

from api import __version__
from api.adding import adding_routes
from api.background import Jobs
from api.collections import collection_routes
from api.documents import document_routes
from api.errors import install_handlers
from api.health import health_routes
from api.jobs import job_routes
from api.library import Library
from api.metrics import Measure, Metrics, metrics_routes
from api.middleware import BodyLimit, RequestId
from api.search import search_routes
from api.settings import Settings
from api.similar import similar_routes
from api.verifying import verify_routes

_DESCRIPTION = "Sourced answers from official documents. A quote is always `text[start:end]` of a document."


def create_app(settings: Settings, library: Library, jobs: Jobs | None = None) -> FastAPI:
    """The app answers 503 until `library` holds a collection; opening and closing it and `jobs` is the
    caller's."""
    jobs = jobs or Jobs(library, settings.data_dir)
    metrics = Metrics()
    app = FastAPI(
        title="wenyuan",
        version=__version__,
        description=_DESCRIPTION,
        # Their pages load scripts from elsewhere; /openapi.json has it all.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    install_handlers(app)
    for router in (
        search_routes(library),
        similar_routes(library),
        adding_routes(library, jobs),
        document_routes(library),
        verify_routes(library),
        collection_routes(library, jobs),
        job_routes(library, jobs),
        health_routes(library),
        metrics_routes(library, jobs, metrics),
    ):
        app.include_router(router)
    app.add_middleware(
        BodyLimit, max_bytes=settings.max_body_bytes, max_upload_bytes=settings.max_upload_bytes
    )
    app.add_middleware(Measure, metrics=metrics)
    # Added last, so outermost: what the others refuse has its id too.
    app.add_middleware(RequestId)
    return app
