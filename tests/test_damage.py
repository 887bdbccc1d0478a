"""Caches may be lost, damaged or of another time, and no answer changes; a damaged truth is refused with a remedy."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from make_collections import ANSWERS, answers, contents_of, make_collection, open_local, reopened, run_and_die
from test_storage import COMPASS, EAST, NORTH, WEST, document_of, matching_texts, nearest_texts, new

from embeddings.errors import StorageUnavailable
from embeddings.local.lexical import LexicalIndex

Damage = Callable[[Path], None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_collection(tmp_path / "collection")


@pytest.fixture
def remakes(folder: Path, caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:  # noqa: ARG001
    """Holds a record for each cache made again: the answers alone would not tell."""
    caplog.set_level("INFO", "embeddings.local.storage")
    return caplog


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


@pytest.mark.parametrize("damage", [overwrite, cut_in_half])
def test_a_damaged_database_is_refused_with_a_remedy(folder: Path, damage: Damage) -> None:
    damage(folder / "wenyuan.sqlite3")
    for read_only in (False, True):
        with pytest.raises(StorageUnavailable, match="backup"):
            answers(open_local(folder, read_only=read_only))


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
