"""What somebody sends to be kept: files as multipart, or a text as JSON. One file at a time becomes a document."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import PurePath
from unicodedata import category

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from api.errors import RequestError
from api.schemas import TextRequest
from embeddings import Document, read

MAX_FILES = 1_000
_MAX_NAME_BYTES = 200
_UNNAMED = "未命名.txt"


@dataclass(frozen=True, slots=True)
class SentText:
    title: str | None
    filename: str
    text: str


@dataclass(frozen=True, slots=True)
class Sent:
    """What a request brought. `collection` is the one that the body names, if it does."""

    files: Sequence[UploadFile]
    text: SentText | None
    collection: str | None


@asynccontextmanager
async def sent(request: Request) -> AsyncIterator[Sent]:
    """What `request` brought; the files are there until the block ends.

    Raises: RequestError, RequestValidationError: nothing that can be kept.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        yield await _sent_text(request)
    elif kind == "multipart/form-data":
        try:
            form = await request.form(max_files=MAX_FILES, max_fields=20)
        except HTTPException as error:
            if isinstance(error, RequestError):
                raise
            raise RequestError(
                400, f"The form cannot be read: {error.detail}", code="invalid_form"
            ) from error
        async with request.form():
            files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
            if not files:
                raise RequestError(400, "There is no file in the form.", code="invalid_input", param="files")
            collection = form.get("collection")
            yield Sent(files, None, collection if isinstance(collection, str) else None)
    else:
        message = "Send files as “multipart/form-data”, or a text as “application/json”."
        raise RequestError(415, message, code="unsupported_media_type")


def read_file(upload: UploadFile) -> Document:
    """Raises: InvalidInput: the file is refused, by name."""
    return read(upload.file.read(), filename=safe_name(upload.filename))


def read_text(text: SentText) -> Document:
    """The document whose stored text is exactly `text`. Raises: InvalidInput."""
    original = text.text.encode()
    document = read(original, filename=text.filename)
    if document.text != text.text:
        # A short text can pass for another encoding; a byte order mark, which is no part of it, decides.
        document = read(b"\xef\xbb\xbf" + original, filename=text.filename)
    return document if text.title is None else replace(document, title=text.title)


def safe_name(name: str | None) -> str:
    """The name of a file without folders, control characters and halves of characters, of bounded length."""
    last = (name or "").replace("\\", "/").rpartition("/")[2]
    kept = "".join(c for c in last if category(c) not in ("Cc", "Cf", "Cs", "Co")).strip()
    if kept.strip(". ") == "":
        return _UNNAMED
    path = PurePath(kept)
    suffix = path.suffix if len(path.suffix) <= 10 else ""
    stem = kept.removesuffix(suffix).encode()[: _MAX_NAME_BYTES - len(suffix.encode())]
    return stem.decode(errors="ignore") + suffix


async def _sent_text(request: Request) -> Sent:
    try:
        given = TextRequest.model_validate_json(await request.body())
    except ValidationError as error:
        errors = [{**one, "loc": ("body", *one["loc"])} for one in error.errors(include_url=False)]
        if errors[0]["type"] == "json_invalid":
            raise RequestError(400, "The body is not JSON.", code="invalid_json") from error
        raise RequestValidationError(errors) from error
    filename = safe_name(given.filename or f"{given.title or given.text.strip()[:40].splitlines()[0]}.txt")
    return Sent((), SentText(given.title, filename, given.text), given.collection)
