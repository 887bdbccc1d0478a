"""Where files and vector stores are: the bytes among those that were sent, or in a collection."""

from api.errors import RequestError
from api.library import Library
from api.openai_objects import file_id, no_file
from api.pending_files import Uploads
from embeddings import Collection


def original_file(library: Library, uploads: Uploads, document_id: str) -> tuple[bytes, str]:
    """The bytes and the name of a file, wherever it is. Raises: RequestError."""
    filename = file_name(library, uploads, document_id)
    if uploads.find(document_id) is not None:
        return uploads.original(document_id), filename
    return holders_of(library, document_id)[0].original(document_id), filename


def file_name(library: Library, uploads: Uploads, document_id: str) -> str:
    """Raises: RequestError."""
    upload = uploads.find(document_id)
    if upload is not None:
        return upload.filename
    holders = holders_of(library, document_id)
    if not holders:
        raise no_file(file_id(document_id))
    return holders[0].document(document_id).filename


def find_store(library: Library, store_id: str) -> Collection:
    """Raises: RequestError."""
    names = library.names()
    if store_id not in names:
        message = f"There is no vector store “{store_id[:80]}”; there is {', '.join(f'“{name}”' for name in names)}."
        raise RequestError(404, message, code="vector_store_not_found", param="vector_store_id")
    return library.collection(store_id)


def holders_of(library: Library, document_id: str) -> list[Collection]:
    collections = [library.collection(name) for name in library.names()]
    return [collection for collection in collections if collection.holds(document_id)]
