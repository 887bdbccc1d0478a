"""GET /documents/{id} as a page: the whole document, with the quote that a link names shown.

The text is escaped and nothing else runs: the page's own style and script are named by their hashes.
"""

import base64
import hashlib
import re
from collections.abc import Iterator
from functools import cache
from html import escape
from pathlib import Path
from string import Template

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute
from starlette.datastructures import Headers
from starlette.routing import Match
from starlette.types import Scope

from api.errors import responses
from api.library import Library
from embeddings import Collection, DocumentNotFound, StoredDocument

_WEB = Path(__file__).parent / "web"
_LINE = re.compile(r"\r\n|\r|\n")
# HTML would drop or change these, and every position after them would be wrong.
_CONTROLS = {code: "\ufffd" for code in (*range(0x20), 0x7F, *range(0xD800, 0xE000)) if code != 0x09}


class _PageRoute(APIRoute):
    """A route for those who ask for a page; others find the next one."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] == "http" and not _wants_page(Headers(scope=scope).get("accept", "")):
            return Match.NONE, {}
        return super().matches(scope)


def source_view_routes(library: Library) -> APIRouter:
    router = APIRouter(route_class=_PageRoute, responses=responses(404, 503))

    @router.get("/documents/{document_id}", include_in_schema=False)
    def view_document(request: Request, document_id: str, collection: str | None = None) -> Response:
        names = [collection] if collection else library.names()
        document = find_document([library.collection(name) for name in names], document_id)
        query = f"?{request.url.query}" if request.url.query else ""
        return _respond(document, f"{request.scope['root_path']}/documents/{document.id}/original{query}")

    return router


def find_document(collections: list[Collection], document_id: str) -> StoredDocument:
    """The document in the first of `collections` that has it. Raises: DocumentNotFound."""
    for collection in collections:
        try:
            return collection.document(document_id)
        except DocumentNotFound:
            continue
    raise DocumentNotFound(f"There is no document “{document_id[:80]}”; GET /documents lists what there is.")


def _respond(document: StoredDocument, original: str) -> Response:
    style, script = _asset("source.css"), _asset("source.js")
    page = Template(_asset("source.html")).substitute(
        title=escape(_shown(document.title)),
        facts="".join(_facts(document)),
        original=escape(original),
        lines="\n".join(_lines(document)),
        style=style,
        script=script,
    )
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    headers = {
        "content-security-policy": policy,
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cache-control": "private, no-cache",
        "vary": "accept",
    }
    return HTMLResponse(page, headers=headers)


def _facts(document: StoredDocument) -> Iterator[str]:
    metadata = document.metadata
    fields = {
        "发文字号": metadata.doc_number,
        "发文机关": metadata.issuer,
        "讲话人": metadata.speaker,
        "日期": metadata.date,
    }
    for name, field in fields.items():
        if field is not None:
            yield f"<dt>{name}</dt><dd>{escape(_shown(field.value))}</dd>"
    yield f"<dt>文件</dt><dd>{escape(_shown(document.filename))}</dd>"


def _lines(document: StoredDocument) -> Iterator[str]:
    """One element a line that is not empty; `data-s` is where it begins in the stored text."""
    dimmed = [mark.span for mark in document.marks]
    headings = {heading.span.start for heading in document.outline}
    for start, line in _split_lines(document.text):
        if not line.strip():
            continue
        kind = ""
        if any(span.start <= start and start + len(line) <= span.end for span in dimmed):
            kind = ' class="aside"'
        elif start + len(line) - len(line.lstrip()) in headings and len(line) < 60:
            kind = ' class="heading"'
        yield f'<p data-s="{start}"{kind}>{escape(_shown(line))}</p>'


def _split_lines(text: str) -> Iterator[tuple[int, str]]:
    start = 0
    for end in _LINE.finditer(text):
        yield start, text[start : end.start()]
        start = end.end()
    yield start, text[start:]


def _shown(text: str) -> str:
    return text.translate(_CONTROLS)


def _wants_page(accept: str) -> bool:
    kinds = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    if "text/html" not in kinds:
        return False
    return "application/json" not in kinds or kinds.index("text/html") < kinds.index("application/json")


@cache
def _asset(name: str) -> str:
    return (_WEB / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
