"""The collections that a process serves, by name: each a folder of the data folder. Knows no HTTP."""

import json
import logging
import os
import re
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any

from api.settings import Settings
from embeddings import (
    Collection,
    CollectionExists,
    CollectionNotFound,
    Embedder,
    InvalidName,
    Reranking,
    StorageUnavailable,
    Unavailable,
    WenyuanError,
    has_collection,
    load_embedder,
    load_reranker,
    open_collection,
    read_model,
)

DEFAULT_COLLECTION = "default"
_log = logging.getLogger(__name__)
_NAME = re.compile(r"[A-Za-z0-9\u3007\u3400-\u4dbf\u4e00-\u9fff_-]{1,64}")
_DELETED = ".deleted-"


class Loading(Unavailable):
    code = "loading"


class Library:
    """Empty until `put` or `open`, so that a server can listen, and say so, while its collections are opened.

    Safe to use from many threads. Collections of one model share its embedder.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self._settings = settings or Settings()
        self._collections: dict[str, Collection] = {}
        self._embedders: dict[str, Embedder] = {}
        self._reranking: Reranking | None = None
        self._failed: dict[str, WenyuanError] = {}
        self._is_loading = True
        self._changing = RLock()

    def open(self, prepare: Callable[[Collection], None] = lambda _: None) -> None:
        """Open the default collection, `prepare` it, and open every other of the data folder.

        Nothing is answered before `prepare` has returned. Another than the default one that cannot be opened stops none; asked for, it says why.

        Raises: ModelUnavailable, StorageUnavailable, EmbedderMismatch: of the default collection.
        """
        folder = self._settings.data_dir
        for leftover in folder.glob(f"{_DELETED}*"):
            shutil.rmtree(leftover, ignore_errors=True)
        found = [path.name for path in folder.iterdir() if has_collection(path)] if folder.is_dir() else []
        default = self._open(DEFAULT_COLLECTION)
        try:
            prepare(default)
        except BaseException:
            default.close()
            raise
        self.put(default)
        for name in sorted({*filter(_NAME.fullmatch, found)} - {DEFAULT_COLLECTION}):
            try:
                self.put(self._open(name))
            except WenyuanError as error:
                _log.warning("the collection %s cannot be opened: %s", name, error)
                self._failed[name] = error

    def put(self, collection: Collection) -> None:
        """Serve `collection` under its name; from here on it is closed with the library."""
        with self._changing:
            self._collections = {**self._collections, collection.name: collection}
            self._is_loading = False

    def names(self) -> list[str]:
        """Raises: Loading."""
        self._check_loaded()
        return sorted(self._collections)

    def collection(self, name: str = DEFAULT_COLLECTION) -> Collection:
        """Raises: Loading, CollectionNotFound."""
        self._check_loaded()
        found = self._collections.get(name)
        if found is None and name in self._failed:
            raise self._failed[name]
        if found is None:
            names = ", ".join(f"“{known}”" for known in sorted(self._collections)) or "none"
            raise CollectionNotFound(f"There is no collection “{name[:80]}”; there is {names}.")
        return found

    def create(
        self, name: str, *, model: str | None = None, settings: Mapping[str, Any] | None = None
    ) -> Collection:
        """A new, empty collection, durable when it returns. `settings` are kept with it.

        Raises: InvalidName, CollectionExists, ModelUnavailable, StorageUnavailable, Loading
        """
        self._check_loaded()
        check_name(name)
        with self._changing:
            if name in self._collections or has_collection(self._settings.data_dir / name):
                raise CollectionExists(f"There is a collection “{name}” already; choose another name.")
            collection = self._open(name, model)
            try:
                collection.describe(json.dumps(dict(settings or {}), ensure_ascii=False))
                _sync_folder(self._settings.data_dir / name)
                _sync_folder(self._settings.data_dir)
            except BaseException:
                collection.close()
                raise
            self.put(collection)
        return collection

    @contextmanager
    def describing(self, collection: Collection) -> Iterator[dict[str, Any]]:
        """The settings kept with `collection`, to be changed; kept, durably, when the block ends."""
        with self._changing:
            settings = json.loads(collection.facts().settings)
            yield settings
            collection.describe(json.dumps(settings, ensure_ascii=False))

    def delete(self, name: str) -> None:
        """Durable when it returns. Raises: Loading, CollectionNotFound, StorageUnavailable."""
        with self._changing:
            collection = self.collection(name)
            collection.close()
            self._collections = {key: kept for key, kept in self._collections.items() if key != name}
            discard_folder(self._settings.data_dir, name)

    def embedder(self, model: str) -> Embedder:
        """Raises: ModelUnavailable."""
        with self._changing:
            return _shared(self._embedders, model)

    def reranking(self) -> Reranking | None:
        """What the settings say; loaded the first time. Raises: ModelUnavailable."""
        with self._changing:
            self._reranking = self._reranking or load_reranking(self._settings)
            return self._reranking

    def close(self) -> None:
        """May be called twice."""
        with self._changing:
            collections, self._collections = self._collections, {}
            self._is_loading = True
        for collection in collections.values():
            collection.close()

    def _open(self, name: str, model: str | None = None) -> Collection:
        return open_named(
            self._settings, name, model=model, embedders=self._embedders, reranking=self.reranking()
        )

    def _check_loaded(self) -> None:
        if self._is_loading:
            raise Loading("The documents are still being loaded; try again in a moment.")


def is_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None


def check_name(name: str) -> None:
    """Raises: InvalidName."""
    if not is_name(name):
        raise InvalidName(
            f"“{name[:80]}” cannot name a collection: use 1 to 64 letters, digits, Han characters, “-” and “_”."
        )


def open_default(
    settings: Settings, *, read_only: bool = False, reranking: Reranking | None = None
) -> Collection:
    """The default collection of the data folder. Raises: as `open_named`."""
    return open_named(settings, DEFAULT_COLLECTION, read_only=read_only, reranking=reranking)


def load_reranking(settings: Settings) -> Reranking | None:
    """The re-ranker of the settings, if there is one. Raises: ModelUnavailable."""
    if settings.reranker is None:
        return None
    return Reranking(load_reranker(settings.reranker), settings.rerank_hits)


def open_named(
    settings: Settings,
    name: str,
    *,
    model: str | None = None,
    read_only: bool = False,
    as_made: bool = False,
    embedders: dict[str, Embedder] | None = None,
    reranking: Reranking | None = None,
) -> Collection:
    """A collection of the data folder; to write, it is made if there is none.

    Its embedder is the one that it was made with; a new one takes `model`, else the model of the settings. A
    model that was asked for and is another is refused, unless it is opened `as_made`.

    Raises: InvalidName, ModelUnavailable, StorageUnavailable, EmbedderMismatch
    """
    check_name(name)
    folder = settings.data_dir / name
    if not as_made and model is None and name == DEFAULT_COLLECTION and "model" in settings.model_fields_set:
        model = settings.model
    named = model or read_model(folder) or settings.model
    embedder = _shared({} if embedders is None else embedders, named)
    return open_collection(folder, name, embedder, model=named, read_only=read_only, reranking=reranking)


def discard_folder(data_dir: Path, name: str) -> None:
    """Remove a collection's folder: out of the way in one step first, so that a crash leaves none half there.

    Raises: StorageUnavailable.
    """
    aside = data_dir / f"{_DELETED}{uuid.uuid4().hex}"
    try:
        os.rename(data_dir / name, aside)
        _sync_folder(data_dir)
    except OSError as error:
        raise StorageUnavailable(
            f"The folder of “{name}” cannot be removed: {error.strerror}. Check its permissions."
        ) from error
    shutil.rmtree(aside, ignore_errors=True)


def collection_names(data_dir: Path) -> list[str]:
    """The collections that a data folder holds."""
    if not data_dir.is_dir():
        return []
    return sorted(
        path.name for path in data_dir.iterdir() if _NAME.fullmatch(path.name) and has_collection(path)
    )


def _shared(embedders: dict[str, Embedder], model: str) -> Embedder:
    if model not in embedders:
        embedders[model] = load_embedder(model)
    return embedders[model]


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
