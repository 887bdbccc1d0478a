"""The collections that a process serves, by name. Knows no HTTP."""

from api.settings import Settings
from embeddings import Collection, CollectionNotFound, Unavailable, load_embedder, open_collection

DEFAULT_COLLECTION = "default"


class Loading(Unavailable):
    code = "loading"


class Library:
    """Empty until `put`, so that a server can listen, and say so, while its collections are opened."""

    def __init__(self) -> None:
        self._collections: dict[str, Collection] = {}

    def put(self, collection: Collection) -> None:
        """Serve `collection` under its name; from here on it is closed with the library."""
        self._collections = {**self._collections, collection.name: collection}

    def collection(self, name: str = DEFAULT_COLLECTION) -> Collection:
        """Raises: Loading, CollectionNotFound."""
        if not self._collections:
            raise Loading("The documents are still being loaded; try again in a moment.")
        if name not in self._collections:
            names = ", ".join(f"“{known}”" for known in self._collections)
            raise CollectionNotFound(f"There is no collection “{name[:80]}”; there is {names}.")
        return self._collections[name]

    def close(self) -> None:
        """May be called twice."""
        collections, self._collections = self._collections, {}
        for collection in collections.values():
            collection.close()


def open_default(settings: Settings, *, read_only: bool = False) -> Collection:
    """The default collection of the data folder.

    Raises:
        ModelUnavailable, StorageUnavailable, EmbedderMismatch
    """
    embedder = load_embedder(settings.model)
    return open_collection(
        settings.data_dir / DEFAULT_COLLECTION, DEFAULT_COLLECTION, embedder, read_only=read_only
    )
