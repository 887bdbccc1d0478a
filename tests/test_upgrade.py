"""Collections of older formats are upgraded when they are opened; newer ones are refused."""

import sqlite3
from pathlib import Path

import pytest
from make_collections import ANSWERS, make_collection, open_local, reopened
from test_storage import EAST, NORTH, WEST, document_of, new

from embeddings.errors import StorageUnavailable
from embeddings.filters import Condition
from embeddings.local import read_model
from embeddings.local.schema import SCHEMA_VERSION


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_collection(tmp_path / "collection")


def test_a_collection_of_the_first_format_is_upgraded(tmp_path: Path) -> None:
    folder = tmp_path / "old"
    storage = open_local(folder)
    storage.add([new("关于防汛的通知\n各区人民政府：\n要做好防汛工作。", EAST, NORTH, WEST)])
    storage.close()
    connection = sqlite3.connect(folder / "wenyuan.sqlite3")
    connection.executescript(
        "DROP TABLE facts; DROP TABLE sketches; DROP TABLE sketch_keys; DROP TABLE reindexing;"
        "DROP TABLE attributes; ALTER TABLE documents DROP COLUMN attributes;"
        "DROP INDEX documents_by_title; DROP INDEX passages_by_digest; ALTER TABLE passages DROP COLUMN digest;"
        "ALTER TABLE collection DROP COLUMN vector_stamp; ALTER TABLE collection DROP COLUMN model;"
        "ALTER TABLE collection DROP COLUMN settings; PRAGMA user_version = 1;"
    )
    connection.close()
    with pytest.raises(StorageUnavailable, match="older"):
        open_local(folder, read_only=True)

    storage = open_local(folder)

    (document,), total = storage.list_documents(offset=0, limit=5, filter=Condition("kind", "in", ("通知",)))
    assert total == 1
    assert document.metadata.recipient is not None
    with storage.snapshot() as snapshot:
        assert len({segment.digest for segment in snapshot.segments([1, 2, 3])}) == 3
        assert len(snapshot.nearest(EAST, 5)) == 3
    storage.close()


def test_a_collection_of_the_second_format_is_upgraded(folder: Path) -> None:
    connection = sqlite3.connect(folder / "wenyuan.sqlite3")
    connection.executescript(
        "DROP INDEX documents_by_title;"
        "DROP TABLE attributes; ALTER TABLE documents DROP COLUMN attributes; PRAGMA user_version = 2;"
        "UPDATE collection SET model = 'a model';"
    )
    connection.close()

    assert read_model(folder) == "a model"
    assert reopened(folder) == ANSWERS
    storage = open_local(folder)
    storage.set_attributes({document_of("北边").id: {"year": 2021}})
    storage.close()
    assert open_local(folder, read_only=True).attribute_names() == {"year"}


def test_a_collection_of_the_third_format_is_upgraded(folder: Path) -> None:
    connection = sqlite3.connect(folder / "wenyuan.sqlite3")
    connection.executescript("DROP INDEX documents_by_title; PRAGMA user_version = 3;")
    connection.close()

    assert reopened(folder) == ANSWERS
    with sqlite3.connect(folder / "wenyuan.sqlite3") as connection:
        assert connection.execute("PRAGMA index_info(documents_by_title)").fetchall()
    connection.close()


def test_an_upgrade_that_fails_leaves_all_as_it_was(folder: Path) -> None:
    database = folder / "wenyuan.sqlite3"
    connection = sqlite3.connect(database)
    connection.executescript("ALTER TABLE documents DROP COLUMN attributes; PRAGMA user_version = 2;")
    with pytest.raises(sqlite3.OperationalError, match="attributes already exists"):
        open_local(folder)

    columns = [row[1] for row in connection.execute("PRAGMA table_info(documents)")]
    assert "attributes" not in columns
    assert connection.execute("PRAGMA user_version").fetchone() == (2,)
    connection.close()


def test_a_database_of_a_newer_version_is_refused(folder: Path) -> None:
    connection = sqlite3.connect(folder / "wenyuan.sqlite3")
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    with pytest.raises(StorageUnavailable, match="upgrade wenyuan"):
        open_local(folder)
