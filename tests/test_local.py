"""What LocalStorage keeps beyond the contract: one writer, readers beside it, what a crash leaves."""

import json
import os
import sqlite3
import subprocess
import sys
import textwrap
import zlib
from pathlib import Path

import numpy as np
import pytest
from make_collections import ANSWERS, answers, contents_of, make_collection, open_local, reopened, run_and_die
from test_storage import EAST, NORTH, UP, WEST, document_of, nearest_texts, new

from embeddings.errors import EmbedderMismatch, StorageUnavailable
from embeddings.filters import Condition
from embeddings.local import LocalStorage
from embeddings.local.lexical import LexicalIndex
from embeddings.local.vectors import VectorIndex
from embeddings.storage import NewDocument, SegmentEntry


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_collection(tmp_path / "collection")


def test_a_removed_document_leaves_no_row_behind(folder: Path) -> None:
    storage = open_local(folder)
    storage.remove(list(storage.document_ids()))
    storage.close()
    connection = sqlite3.connect(folder / "wenyuan.sqlite3")
    tables = ["documents", "contents", "terms", "passages", "segments", "vectors"]
    assert [connection.execute(f"SELECT count(*) FROM {table}").fetchone() for table in tables] == [(0,)] * 6
    connection.close()


@pytest.mark.parametrize(
    "point",
    [
        "LexicalIndex._write",
        "LexicalIndex.verified",
        "VectorIndex.caught_up",
        "LocalStorage._replace",
        "LocalStorage._close",
    ],
)
def test_a_crash_after_the_commit_loses_nothing(folder: Path, point: str) -> None:
    run_and_die(folder, f"{point} = die\nstorage.add([new('南风', WEST)])\nstorage.close()")
    generation, near, matching, _ = reopened(folder)
    assert generation == 4
    assert near == matching == ["东风", "北边", "北风", "南风", "西边"]


def test_attributes_that_were_said_survive_a_crash(folder: Path) -> None:
    said = "storage.set_attributes({document_of('北边').id: {'year': 2021}})\ndie()"
    run_and_die(folder, said)
    storage = open_local(folder)
    assert storage.document(document_of("北边").id).attributes == {"year": 2021}
    storage.close()


def test_a_crash_before_the_commit_leaves_all_as_it_was(folder: Path) -> None:
    script = "from embeddings.local.database import Database\nDatabase._count_segments = die\n"
    run_and_die(folder, script + "storage.remove([document_of('北边').id])")
    assert reopened(folder) == ANSWERS


@pytest.mark.parametrize(
    ("owner", "method"),
    [(LexicalIndex, "caught_up"), (VectorIndex, "caught_up"), (LexicalIndex, "_write")],
)
def test_a_cache_that_fails_once_is_made_again_and_the_write_stands(
    folder: Path, monkeypatch: pytest.MonkeyPatch, owner: type, method: str
) -> None:
    works, failures = getattr(owner, method), iter([ValueError("broken")])

    def fail_once(*arguments: object) -> object:
        for failure in failures:
            raise failure
        return works(*arguments)

    storage = open_local(folder)
    storage.add([new("东边", EAST)])
    monkeypatch.setattr(owner, method, fail_once)
    storage.add([new("南风", WEST)])
    _, near, matching, _ = answers(storage)
    assert near == matching == ["东边", "东风", "北边", "北风", "南风", "西边"]
    storage.close()
    assert reopened(folder)[1:3] == (near, matching)


def test_caches_that_cannot_be_made_at_all_are_said_and_the_write_stands(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    storage = open_local(folder)
    with monkeypatch.context() as patched:
        patched.setattr(VectorIndex, "caught_up", fail)
        with pytest.raises(StorageUnavailable, match="memory"):
            storage.add([new("南风", WEST)])
        with pytest.raises(StorageUnavailable, match="closed"):
            answers(storage)
    assert reopened(folder)[1] == ["东风", "北边", "北风", "南风", "西边"]


def test_many_changes_are_folded_and_saved_and_still_found(tmp_path: Path) -> None:
    storage = open_local(tmp_path)
    storage.add([many(1500, EAST, "东"), many(1500, NORTH, "北")])
    assert (tmp_path / "vectors.faiss").exists()
    storage.add([new("上风", UP)])
    storage.remove([document_of(_lines("东", 1500)).id])
    for _ in range(2):
        with storage.snapshot() as snapshot:
            assert snapshot.segment_count() == 1501
            assert nearest_texts(snapshot, UP, k=1) == ["上风"]
            assert {text[0] for text in nearest_texts(snapshot, EAST, k=2000)} == {"北", "上"}
            assert len(snapshot.nearest(EAST, 2000)) == len(snapshot.matching(["北", "上"], 2000)) == 1501
        storage.close()
        storage = open_local(tmp_path)
    storage.close()


def parts(folder: Path) -> int:
    return len(json.loads((folder / "lexical" / "meta.json").read_bytes())["segments"])


def test_a_lexical_index_of_many_parts_is_one_after_closing_and_finds_the_same(folder: Path) -> None:
    storage = open_local(folder)
    for text in ["东山", "南山", "西山", "上山"]:
        storage.add([new(text, UP)])
    storage.remove([document_of("西山").id])
    assert parts(folder) > 4
    before = answers(storage)
    storage.close()
    assert parts(folder) == 1
    assert reopened(folder) == before


def test_a_crash_while_the_lexical_index_is_made_one_loses_nothing(folder: Path) -> None:
    adds = "for text in '东山 南山 西山 上山'.split(): storage.add([new(text, WEST)])\n"
    die = "from embeddings.local.rows import Rows\nRows.terms_since = die\nstorage.close()"
    run_and_die(folder, adds + die)
    assert parts(folder) > 4
    generation, near, matching, _ = reopened(folder)
    assert generation == ANSWERS[0] + 4
    assert near == sorted(["上山", "东山", "东风", "北边", "北风", "南山", "西山", "西边"])
    assert matching == ["上山", "东风", "北边", "北风", "西边"]


@pytest.mark.parametrize(
    "failure", [ValueError("no room"), StorageUnavailable("the disk fails to read"), zlib.error("damaged")]
)
def test_a_lexical_index_that_cannot_be_made_one_serves_as_it_is(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, failure: Exception
) -> None:
    def fail(*_: object) -> None:
        raise failure

    storage = open_local(folder)
    for text in ["东山", "南山", "西山", "上山"]:
        storage.add([new(text, UP)])
    before = answers(storage)
    with monkeypatch.context() as patched:
        patched.setattr(LexicalIndex, "_write", fail)
        storage.close()
    assert "as it is" in caplog.text
    assert reopened(folder) == before


def many(count: int, vector: np.ndarray, character: str) -> NewDocument:
    document = document_of(_lines(character, count))
    return NewDocument(document, [SegmentEntry(character)] * count, np.stack([vector] * count))


def _lines(character: str, count: int) -> str:
    return "\n".join(f"{character}{i}" for i in range(count))


def test_another_embedder_is_refused_with_both_names_and_the_remedy(folder: Path) -> None:
    for embedder_id, dim in (("sextant", 3), ("compass", 4)):
        for read_only in (False, True):
            with pytest.raises(EmbedderMismatch, match=r"compass \(3 .*wenyuan reindex") as raised:
                LocalStorage(folder, embedder_id=embedder_id, dim=dim, read_only=read_only)
            assert f"{embedder_id} ({dim} " in str(raised.value)
    assert reopened(folder) == ANSWERS


def test_a_second_writer_is_refused_until_the_first_closes(folder: Path) -> None:
    first = open_local(folder)
    with pytest.raises(StorageUnavailable, match="another process") as raised:
        open_local(folder)
    assert str(folder) not in str(raised.value)
    first.close()
    assert reopened(folder) == ANSWERS


def test_a_reader_beside_a_writer_stays_at_the_generation_it_found(folder: Path) -> None:
    writer = open_local(folder)
    reader = open_local(folder, read_only=True)
    writer.add([new("东边", EAST)])
    assert answers(reader) == ANSWERS
    later = open_local(folder, read_only=True)
    assert answers(later) == answers(writer) != ANSWERS
    for storage in (reader, later, writer):
        storage.close()


def test_a_reader_sees_what_a_crashed_writer_committed(folder: Path) -> None:
    run_and_die(folder, "LexicalIndex._write = die\nstorage.add([new('南风', WEST)])")
    reader = open_local(folder, read_only=True)
    assert answers(reader)[1] == ["东风", "北边", "北风", "南风", "西边"]
    reader.close()


def test_a_reader_writes_nothing(folder: Path) -> None:
    before = contents_of(folder)
    reader = open_local(folder, read_only=True)
    assert answers(reader) == ANSWERS
    with pytest.raises(StorageUnavailable, match="read only"):
        reader.add([new("东边", EAST)])
    with pytest.raises(StorageUnavailable, match="read only"):
        reader.remove([document_of("北边").id])
    reader.close()
    reader.close()
    assert contents_of(folder) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="the administrator may write everywhere")
def test_a_folder_that_cannot_be_written_can_still_be_read(folder: Path) -> None:
    folder.chmod(0o555)
    try:
        with pytest.raises(StorageUnavailable, match="cannot be written"):
            (folder / "wenyuan.lock").chmod(0o444)
            open_local(folder)
        reader = open_local(folder, read_only=True)
        assert answers(reader) == ANSWERS
        reader.close()
    finally:
        folder.chmod(0o755)


def test_nothing_to_read_says_to_add_documents_first(tmp_path: Path) -> None:
    for missing in (tmp_path, tmp_path / "missing"):
        with pytest.raises(StorageUnavailable, match="add documents first"):
            open_local(missing, read_only=True)
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_place_of_the_folder_is_refused_without_naming_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageUnavailable, match="cannot be written") as raised:
        open_local(tmp_path / "file")
    assert str(tmp_path) not in str(raised.value)


def test_a_full_disk_is_said_and_nothing_is_half_added(folder: Path) -> None:
    storage = open_local(folder)
    assert storage._database is not None
    connection = storage._database._connection
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StorageUnavailable, match="full"):
        storage.add([new("南风", WEST), many(2000, WEST, "南")])
    assert answers(storage) == ANSWERS
    connection.execute("PRAGMA max_page_count = 1000000")
    storage.add([new("南风", WEST)])
    assert answers(storage)[0] == 4
    storage.close()


def test_a_closed_storage_says_so(folder: Path) -> None:
    storage = open_local(folder)
    storage.close()
    with pytest.raises(StorageUnavailable, match="closed"):
        answers(storage)
    with pytest.raises(StorageUnavailable, match="closed"):
        storage.add([new("南风", WEST)])


def test_the_log_of_the_database_stays_short(tmp_path: Path) -> None:
    storage = open_local(tmp_path)
    sizes = []
    for i in range(12):
        storage.add([new(f"东{i}", EAST, original=os.urandom(3_000_000))])
        sizes.append((tmp_path / "wenyuan.sqlite3-wal").stat().st_size)
    assert max(sizes) < 20_000_000
    storage.close()


def test_opening_imports_and_reads_quickly_enough(folder: Path) -> None:
    code = """
        import sys, time
        started = time.perf_counter()
        sys.path[:0] = json.loads(sys.argv[1])
        from embeddings.local import LocalStorage, read_model
        LocalStorage(Path(sys.argv[2]), embedder_id="compass", dim=3)
        print(time.perf_counter() - started)
    """
    code = "import json\nfrom pathlib import Path\n" + textwrap.dedent(code)
    paths = json.dumps([str(Path(__file__).parent.parent)])
    run = subprocess.run(
        [sys.executable, "-c", code, paths, str(folder)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert float(run.stdout) < 3


def test_many_vectors_are_kept_in_lists_and_still_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("embeddings.local.inverted._MAX_EXACT", 300)
    monkeypatch.setattr("embeddings.local.vectors._MIN_RECENT", 50)
    random = np.random.default_rng(1)
    vectors = random.normal(size=(1500, 3)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    storage = open_local(tmp_path / "many")
    for start in range(0, 1500, 100):
        rows = vectors[start : start + 100]
        storage.add([new("\n".join(f"第{start + n}条" for n in range(100)), *rows)])
    storage.close()
    storage = open_local(tmp_path / "many")
    (first, *_), _ = storage.list_documents(offset=0, limit=1)
    storage.remove([first.id])

    with storage.snapshot() as snapshot:
        asked = vectors[:100]
        found = [vectors[snapshot.nearest(vector, 1)[0].segment_id - 1] @ vector for vector in asked]
        exact = (asked @ vectors[100:].T).max(axis=1)
        # Eight bits a dimension are coarse in three dimensions.
        assert np.array(found) == pytest.approx(exact, abs=0.02)
        gone = {one.segment_id for vector in vectors[:100] for one in snapshot.nearest(vector, 5)}
        assert min(gone) > 100
        (last,) = storage.list_documents(offset=13, limit=1)[0]
        scope = snapshot.select(Condition("document_id", "in", (last.id,)))
        assert {one.segment_id for one in snapshot.nearest(vectors[0], 200, scope)} == set(range(1401, 1501))
    storage.close()
