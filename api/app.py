"""The HTTP service, put together."""

from fastapi import FastAPI

from api import __version__
from api.documents import document_routes
from api.errors import install_handlers
from api.health import health_routes
from api.library import Library
from api.middleware import BodyLimit, RequestId
from api.search import search_routes
from api.settings import Settings

_DESCRIPTION = "Sourced answers from official documents. A quote is always `text[start:end]` of a document."


def create_app(settings: Settings, library: Library) -> FastAPI:
    """The app answers 503 until `library` holds a collection; opening and closing it is the caller's."""
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
    for router in (search_routes(library), document_routes(library), health_routes(library)):
        app.include_router(router)
    app.add_middleware(BodyLimit, max_bytes=settings.max_body_bytes)
    # Added last, so outermost: what the others refuse has its id too.
    app.add_middleware(RequestId)
    return app
