"""What LocalStorage keeps beyond the contract: one truth, caches that may be lost, one writer."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from test_storage import COMPASS, EAST, NORTH, UP, WEST, document_of, matching_texts, nearest_texts, new

from embeddings.errors import EmbedderMismatch, StorageUnavailable
from embeddings.filters import Condition
from embeddings.local import LocalStorage, read_model
from embeddings.local.lexical import LexicalIndex
from embeddings.local.schema import SCHEMA_VERSION
from embeddings.local.vectors import VectorIndex
from embeddings.storage import NewDocument, SegmentEntry, Storage

Damage = Callable[[Path], None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A collection closed in good order: three segments came, one document went, one more came."""
    folder = tmp_path / "collection"
    storage = open_local(folder)
    storage.add([new(*COMPASS), new("上风", UP)])
    storage.remove([document_of("上风").id])
    storage.add([new("北边", NORTH)])
    storage.close()
    return folder


def open_local(folder: Path, *, read_only: bool = False) -> LocalStorage:
    return LocalStorage(folder, embedder_id="compass", dim=3, read_only=read_only)


@pytest.fixture
def remakes(folder: Path, caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:  # noqa: ARG001
    """Holds a record for each cache made again: the answers alone would not tell."""
    caplog.set_level("INFO", "embeddings.local.storage")
    return caplog


def answers(storage: Storage) -> tuple[int, list[str], list[str], list[int]]:
    with storage.snapshot() as snapshot:
        return (
            snapshot.generation,
            sorted(nearest_texts(snapshot, EAST)),
            sorted(matching_texts(snapshot, ["风", "边", "上"])),
            snapshot.frequencies(["北", "西"]),
        )


ANSWERS = (3, ["东风", "北边", "北风", "西边"], ["东风", "北边", "北风", "西边"], [2, 1])


def reopened(folder: Path) -> tuple[int, list[str], list[str], list[int]]:
    storage = open_local(folder)
    try:
        return answers(storage)
    finally:
        storage.close()


def delete(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def cut_in_half(path: Path) -> None:
    for file in files_of(path):
        os.truncate(file, file.stat().st_size // 2)


def empty(path: Path) -> None:
    for file in files_of(path):
        os.truncate(file, 0)


def overwrite(path: Path) -> None:
    for file in files_of(path):
        file.write_bytes(b"garbage " * 100)


def flip_bits(path: Path) -> None:
    for file in files_of(path):
        content = file.read_bytes()
        third = len(content) // 3
        flipped = bytes(byte ^ 0x10 for byte in content[third : 2 * third])
        file.write_bytes(content[:third] + flipped + content[2 * third :])


def files_of(path: Path) -> list[Path]:
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    return [file for file in files if file.suffix != ".lock" and file.stat().st_size > 0]


@pytest.mark.parametrize("damage", [delete, cut_in_half, empty, overwrite, flip_bits])
@pytest.mark.parametrize("cache", ["lexical", "vectors.faiss"])
def test_a_damaged_cache_changes_no_answer(
    folder: Path, cache: str, damage: Damage, remakes: pytest.LogCaptureFixture
) -> None:
    damage(folder / cache)
    assert reopened(folder) == ANSWERS
    # A lexical index that is not there at all is simply a new one that catches up.
    assert len(remakes.records) == (0 if (cache, damage) == ("lexical", delete) else 1)
    remakes.clear()
    assert reopened(folder) == ANSWERS
    assert not remakes.records


@pytest.mark.parametrize("damage", [delete, flip_bits])
@pytest.mark.parametrize("cache", ["lexical", "vectors.faiss"])
def test_a_damaged_cache_changes_no_answer_when_only_reading(
    folder: Path, cache: str, damage: Damage
) -> None:
    damage(folder / cache)
    before = contents_of(folder)
    storage = open_local(folder, read_only=True)
    assert answers(storage) == ANSWERS
    storage.close()
    assert contents_of(folder) == before


def contents_of(folder: Path) -> dict[str, bytes]:
    sides = ("-shm", "-wal")
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file() and not file.name.endswith(sides)
    }


@pytest.mark.parametrize("name", [".idx", ".term", ".fast", ".fieldnorm"])
def test_one_damaged_file_of_the_lexical_index_is_noticed(folder: Path, name: str) -> None:
    for file in (folder / "lexical").glob("*" + name):
        flip_bits(file)
    assert reopened(folder) == ANSWERS


def test_a_wrong_vector_in_a_file_that_is_whole_is_noticed(
    folder: Path, remakes: pytest.LogCaptureFixture
) -> None:
    kept = (folder / "vectors.faiss").read_bytes()
    east, west = EAST.astype("<f2").tobytes(), WEST.astype("<f2").tobytes()
    assert east in kept
    (folder / "vectors.faiss").write_bytes(kept.replace(east, west))
    assert reopened(folder) == ANSWERS
    assert len(remakes.records) == 1


def test_sound_caches_are_used_as_they_are(
    folder: Path, monkeypatch: pytest.MonkeyPatch, remakes: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("written")

    monkeypatch.setattr(LexicalIndex, "_write", fail)
    assert reopened(folder) == ANSWERS
    assert not remakes.records


def test_adding_and_removing_makes_no_cache_again(folder: Path, remakes: pytest.LogCaptureFixture) -> None:
    storage = open_local(folder)
    storage.add([new("东边", EAST), new("南风", WEST)])
    storage.remove([document_of("北边").id, document_of("南风").id])
    storage.remove([document_of(COMPASS[0]).id])
    assert answers(storage)[1:3] == (["东边"], ["东边"])
    storage.close()
    assert not remakes.records


def test_a_removed_document_leaves_no_row_behind(folder: Path) -> None:
    storage = open_local(folder)
    storage.remove(list(storage.document_ids()))
    storage.close()
    connection = sqlite3.connect(folder / "wenyuan.sqlite3")
    tables = ["documents", "contents", "terms", "passages", "segments", "vectors"]
    assert [connection.execute(f"SELECT count(*) FROM {table}").fetchone() for table in tables] == [(0,)] * 6
    connection.close()


@pytest.mark.parametrize("cache", ["lexical", "vectors.faiss"])
def test_an_older_cache_catches_up(
    folder: Path, tmp_path: Path, cache: str, remakes: pytest.LogCaptureFixture
) -> None:
    older = tmp_path / "older"
    copy(folder / cache, older)
    storage = open_local(folder)
    storage.remove([document_of("北边").id])
    storage.add([new("北边\n西边", NORTH, WEST)])
    expected = answers(storage)
    storage.close()
    delete(folder / cache)
    copy(older, folder / cache)
    assert reopened(folder) == expected
    assert not remakes.records


def copy(source: Path, target: Path) -> None:
    shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)


def test_caches_newer_than_the_truth_are_made_again(folder: Path, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    copy(folder / "wenyuan.sqlite3", backup)
    storage = open_local(folder)
    storage.remove([document_of("北边").id])
    storage.add([new("东边", EAST)])
    storage.close()
    copy(backup, folder / "wenyuan.sqlite3")
    assert reopened(folder) == ANSWERS


def test_a_backup_put_back_and_written_to_answers_for_itself(folder: Path, tmp_path: Path) -> None:
    """The generation is then the same as the lost one's, and the caches must not be taken for its own."""
    backup = tmp_path / "backup"
    copy(folder / "wenyuan.sqlite3", backup)
    storage = open_local(folder)
    storage.add([new("东边", EAST)])
    storage.close()
    copy(backup, folder / "wenyuan.sqlite3")
    run_and_die(folder, "storage.add([new('南风', WEST)]); os._exit(9)")
    storage = open_local(folder)
    with storage.snapshot() as snapshot:
        assert snapshot.generation == 4
        assert sorted(nearest_texts(snapshot, WEST, k=2)) == ["南风", "西边"]
        assert matching_texts(snapshot, ["南"]) == ["南风"]
    storage.close()


@pytest.mark.parametrize("others", [["甲\n乙\n丙\n丁"], ["甲", "乙", "丙\n丁"]], ids=["older", "as old"])
@pytest.mark.parametrize("cache", ["lexical", "vectors.faiss"])
def test_the_cache_of_another_collection_is_not_used(
    folder: Path, tmp_path: Path, cache: str, others: list[str]
) -> None:
    other = open_local(tmp_path / "other")
    for text in others:
        other.add([new(text, *[EAST] * len(text.split("\n")))])
    other.close()
    delete(folder / cache)
    copy(tmp_path / "other" / cache, folder / cache)
    assert reopened(folder) == ANSWERS


def run_and_die(folder: Path, script: str) -> None:
    """Run `script` on an open `storage` in a process that ends without closing anything."""
    preamble = f"""
        import os, sys
        sys.path[:0] = {[str(Path(__file__).parent), str(Path(__file__).parent.parent)]!r}
        from pathlib import Path
        from test_local import *
        storage = open_local(Path({str(folder)!r}))
        def die(*_, **__):
            os._exit(9)
    """
    code = textwrap.dedent(preamble) + script
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 9


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


@pytest.mark.parametrize("broken", ["LexicalIndex.caught_up", "VectorIndex.caught_up", "LexicalIndex._write"])
def test_a_cache_that_fails_once_is_made_again_and_the_write_stands(
    folder: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    owner, method = (getattr(sys.modules[__name__], broken.split(".")[0]), broken.split(".")[1])
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


@pytest.mark.parametrize("damage", [overwrite, cut_in_half])
def test_a_damaged_database_is_refused_with_a_remedy(folder: Path, damage: Damage) -> None:
    damage(folder / "wenyuan.sqlite3")
    for read_only in (False, True):
        with pytest.raises(StorageUnavailable, match="backup"):
            answers(open_local(folder, read_only=read_only))


def test_a_database_of_a_newer_version_is_refused(folder: Path) -> None:
    connection = sqlite3.connect(folder / "wenyuan.sqlite3")
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    with pytest.raises(StorageUnavailable, match="upgrade wenyuan"):
        open_local(folder)


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


def test_a_collection_of_the_first_format_is_upgraded(tmp_path: Path) -> None:
    folder = tmp_path / "old"
    storage = open_local(folder)
    storage.add([new("关于防汛的通知\n各区人民政府：\n要做好防汛工作。", EAST, NORTH, WEST)])
    storage.close()
    connection = sqlite3.connect(folder / "wenyuan.sqlite3")
    connection.executescript(
        "DROP TABLE facts; DROP TABLE sketches; DROP TABLE sketch_keys; DROP TABLE reindexing;"
        "DROP TABLE attributes; ALTER TABLE documents DROP COLUMN attributes;"
        "DROP INDEX passages_by_digest; ALTER TABLE passages DROP COLUMN digest;"
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


def test_a_damaged_page_is_said_and_the_rest_still_answers(tmp_path: Path) -> None:
    folder = tmp_path / "damaged"
    storage = open_local(folder)
    for n in range(40):
        storage.add([new(f"第{n}号通知\n{'字' * 3000}{n}", EAST, NORTH)])
    storage._database._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # type: ignore[union-attr]
    ids = [document.id for document in storage.list_documents(offset=0, limit=100)[0]]
    storage.close()
    path = folder / "wenyuan.sqlite3"
    data = bytearray(path.read_bytes())
    place = data.rfind("字".encode() * 500)
    data[place - place % 8192 : place - place % 8192 + 8192] = b"\x55" * 8192
    path.write_bytes(data)

    storage = open_local(folder)
    outcomes = set()
    for document_id in ids:
        try:
            outcomes.add("whole" if "通知" in storage.document(document_id).text else "wrong")
        except (StorageUnavailable, UnicodeDecodeError):
            outcomes.add("said")
    assert "whole" in outcomes
    storage.close()
