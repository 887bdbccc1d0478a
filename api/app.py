"""The HTTP service, put together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route

from api import __version__
from api.adding import adding_routes
from api.auth import RequireKey
from api.background import Jobs
from api.chat import chat_routes
from api.collections import collection_routes
from api.dify import dify_routes
from api.documents import document_routes
from api.errors import install_handlers
from api.health import health_routes
from api.jobs import job_routes
from api.library import Library
from api.llm import LanguageModel, language_model
from api.mcp_server import McpEndpoint, make_mcp_server
from api.metrics import Measure, Metrics, metrics_routes
from api.middleware import BodyLimit, RequestId
from api.openai_embeddings import embedding_routes
from api.openai_file_batches import file_batch_routes
from api.openai_files import file_routes
from api.openai_rerank import rerank_routes
from api.openai_vector_stores import vector_store_routes
from api.openwebui import open_webui_routes
from api.pending_files import Uploads
from api.search import search_routes
from api.settings import Settings
from api.similar import similar_routes
from api.source_view import source_view_routes
from api.verifying import verify_routes

_DESCRIPTION = "Sourced answers from official documents. A quote is always `text[start:end]` of a document."


def create_app(
    settings: Settings, library: Library, jobs: Jobs | None = None, *, model: LanguageModel | None = None
) -> FastAPI:
    """The app answers 503 until `library` holds a collection; opening and closing it and `jobs` is the
    caller's.

    `model` replaces the language model that the settings name.
    """
    jobs = jobs or Jobs(library, settings.data_dir)
    metrics = Metrics()
    mcp = McpEndpoint(make_mcp_server(library, settings), settings)

    @asynccontextmanager
    async def running(_: FastAPI) -> AsyncIterator[None]:
        async with mcp.running():
            yield

    app = FastAPI(
        title="wenyuan",
        version=__version__,
        description=_DESCRIPTION,
        # Their pages load scripts from elsewhere; /openapi.json has it all.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=running,
    )
    install_handlers(app)
    _include_routes(app, settings, library, jobs, model or language_model(settings))
    for router in (
        similar_routes(library),
        adding_routes(library, jobs),
        verify_routes(library),
        collection_routes(library, jobs),
        job_routes(library, jobs),
        metrics_routes(library, jobs, metrics),
    ):
        app.include_router(router)
    # Both, as a mounted app would answer 404 to one of them.
    app.router.routes.extend(Route(path, mcp, include_in_schema=False) for path in ("/mcp", "/mcp/"))
    app.add_middleware(
        BodyLimit, max_bytes=settings.max_body_bytes, max_upload_bytes=settings.max_upload_bytes
    )
    if settings.api_keys:
        app.add_middleware(RequireKey, keys=settings.api_keys)
    app.add_middleware(Measure, metrics=metrics)
    if origins := [origin.strip() for origin in settings.cors_origins.split(",") if origin.strip()]:
        # Outside of the key: a browser asks for leave without it.
        app.add_middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=["x-request-id"],
        )
    # Added last, so outermost: what the others refuse has its id too.
    app.add_middleware(RequestId)
    return app


def _include_routes(
    app: FastAPI, settings: Settings, library: Library, jobs: Jobs, model: LanguageModel | None
) -> None:
    uploads = Uploads(settings.data_dir / ".uploads")
    routers = (
        search_routes(library, model),
        # Before the documents: whoever asks for a page gets one.
        source_view_routes(library),
        document_routes(library),
        chat_routes(library, settings, model, prefix="/v1"),
        chat_routes(library, settings, model, prefix="/openwebui/v1", for_open_webui=True),
        embedding_routes(library, settings),
        file_routes(library, uploads),
        vector_store_routes(library, uploads),
        file_batch_routes(library, uploads, jobs),
        rerank_routes(library, settings),
        dify_routes(library, settings),
        open_webui_routes(library, settings),
        health_routes(library),
    )
    for router in routers:
        app.include_router(router)
