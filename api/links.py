"""Links to quotes that work from outside: absolute, and opened without the key where there is one."""

from dataclasses import dataclass
from urllib.parse import quote as percent_encoded
from urllib.parse import urlencode

from starlette.requests import Request

from api.auth import ACCESS_PARAM, sign_document
from api.library import DEFAULT_COLLECTION
from api.settings import Settings
from embeddings import Hit, Source


@dataclass(frozen=True, slots=True)
class Links:
    """Makes links to documents of one collection that begin with `base`."""

    base: str
    collection: str
    key: str | None = None

    def to_quote(self, hit: Hit) -> str:
        start, end = hit.quote_span
        return f"{self.to_document(hit.source.document_id)}#c={start}-{end}"

    def to_document(self, document_id: str) -> str:
        params = {}
        if self.collection != DEFAULT_COLLECTION:
            params["collection"] = self.collection
        if self.key:
            params[ACCESS_PARAM] = sign_document(self.key, document_id)
        query = f"?{urlencode(params)}" if params else ""
        return f"{self.base}/documents/{percent_encoded(document_id, safe='')}{query}"


def links_for(request: Request, settings: Settings, collection: str) -> Links:
    """`public_url` where it is set, else where the request itself went."""
    base = settings.public_url or str(request.base_url)
    return Links(base.rstrip("/"), collection, _first(settings.api_keys))


def links_without_request(settings: Settings, collection: str) -> Links:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    base = settings.public_url or f"http://{host}:{settings.port}"
    return Links(base.rstrip("/"), collection, _first(settings.api_keys))


def place_of(source: Source) -> str:
    """Where a quote stands, for people: title and headings."""
    return " › ".join((source.title, *source.outline))


def _first(keys: tuple[str, ...]) -> str | None:
    return keys[0] if keys else None
