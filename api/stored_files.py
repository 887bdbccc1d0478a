"""Where the bytes of a file are: among those that were sent, or in a collection. Knows no HTTP."""

from api.library import Library
from api.openai_objects import file_id, no_file
from api.pending_files import Uploads
from embeddings import Collection, DocumentNotFound


def original_file(library: Library, uploads: Uploads, document_id: str) -> tuple[bytes, str]:
    """The bytes and the name of a file, wherever it is. Raises: RequestError."""
    upload = uploads.find(document_id)
    if upload is not None:
        return uploads.original(document_id), upload.filename
    holders = holders_of(library, document_id)
    if not holders:
        raise no_file(file_id(document_id))
    return holders[0].original(document_id), holders[0].document(document_id).filename


def holders_of(library: Library, document_id: str) -> list[Collection]:
    collections = [library.collection(name) for name in library.names()]
    return [collection for collection in collections if _holds(collection, document_id)]


def _holds(collection: Collection, document_id: str) -> bool:
    try:
        collection.document(document_id)
    except DocumentNotFound:
        return False
    return True
