"""Files and folders into a collection, on real files, a real embedder and real storage."""

import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from embeddings import (
    AddReport,
    Collection,
    Embedder,
    InvalidInput,
    add_paths,
    follow_paths,
    load_embedder,
    mirror_paths,
    open_collection,
)

NOTICE = "关于加强{0}安全管理的通知\n\n一、{0}单位要落实安全生产主体责任。\n二、各部门要开展{0}安全检查。\n"


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return load_embedder()


@pytest.fixture
def collection(tmp_path: Path, embedder: Embedder) -> Iterator[Collection]:
    with closing(open_collection(tmp_path / "collection", "default", embedder)) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "documents"
    write(made / "b.txt", "燃气")
    write(made / "a.txt", "消防")
    write(made / "inner" / "c.md", "校车")
    return made


def write(path: Path, topic: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(NOTICE.format(topic), encoding="utf-8")
    return path


def filenames(collection: Collection) -> list[str]:
    return [document.filename for document in collection.list_documents(limit=100)[0]]


def test_a_folder_is_added_in_the_order_of_its_names_and_only_names_are_kept(
    collection: Collection, folder: Path
) -> None:
    report = add_paths(collection, [folder])

    assert [file.path.name for file in report.added] == ["a.txt", "b.txt", "c.md"]
    assert filenames(collection) == ["a.txt", "b.txt", "c.md"]


def test_adding_again_changes_nothing(collection: Collection, folder: Path) -> None:
    first = add_paths(collection, [folder])
    again = add_paths(collection, [folder])

    assert again.added == ()
    assert again.unchanged == first.added


def test_only_what_is_new_is_added(collection: Collection, folder: Path) -> None:
    add_paths(collection, [folder])
    new = write(folder / "d.txt", "电梯")

    report = add_paths(collection, [folder])

    assert [file.path for file in report.added] == [new]
    assert len(report.unchanged) == 3


def test_the_same_bytes_under_two_names_are_one_document(collection: Collection, tmp_path: Path) -> None:
    first, second = write(tmp_path / "1.txt", "燃气"), write(tmp_path / "2.txt", "燃气")

    report = add_paths(collection, [first, second])

    assert [file.path for file in report.added] == [first]
    assert [file.path for file in report.unchanged] == [second]
    assert report.added[0].document_id == report.unchanged[0].document_id


def test_a_file_named_twice_is_added_once(collection: Collection, folder: Path) -> None:
    report = add_paths(collection, [folder, folder / "a.txt", folder])

    assert len(report.added) == 3
    assert report.unchanged == ()


def test_hidden_files_and_files_that_no_reader_knows_are_left_out_of_folders(
    collection: Collection, folder: Path
) -> None:
    write(folder / ".hidden.txt", "电梯")
    write(folder / ".git" / "e.txt", "锅炉")
    (folder / "f.jsonl").write_text("{}", encoding="utf-8")

    report = add_paths(collection, [folder])

    assert len(report.added) == 3
    assert report.refused == ()


def test_a_named_file_that_no_reader_knows_is_refused_by_name(collection: Collection, tmp_path: Path) -> None:
    table = tmp_path / "台账.xlsx"
    table.write_bytes(b"PK\x03\x04")

    (refused,) = add_paths(collection, [table]).refused

    assert refused.path == table
    assert "台账.xlsx" in refused.reason


def test_a_refused_file_stops_no_other(collection: Collection, folder: Path) -> None:
    (folder / "aa.txt").write_bytes(b"\xff\xfe\xff" * 9)
    (folder / "ab.txt").write_bytes(b"")

    report = add_paths(collection, [folder])

    assert [file.path.name for file in report.refused] == ["aa.txt", "ab.txt"]
    assert len(report.added) == 3


def test_a_path_that_does_not_exist_is_named_and_nothing_is_added(
    collection: Collection, folder: Path
) -> None:
    with pytest.raises(InvalidInput, match="absent"):
        add_paths(collection, [folder, folder / "absent"])

    assert filenames(collection) == []


def test_links_that_go_round_in_a_circle_end(collection: Collection, folder: Path) -> None:
    (folder / "inner" / "round").symlink_to(folder, target_is_directory=True)
    (folder / "broken.txt").symlink_to(folder / "nowhere.txt")

    assert len(add_paths(collection, [folder]).added) == 3


def test_a_linked_folder_is_read(collection: Collection, folder: Path, tmp_path: Path) -> None:
    write(tmp_path / "elsewhere" / "z.txt", "电梯")
    (folder / "linked").symlink_to(tmp_path / "elsewhere", target_is_directory=True)

    assert [file.path.name for file in add_paths(collection, [folder]).added][-1] == "z.txt"


def test_the_files_of_an_archive_are_added_and_refused_each_by_its_name(
    collection: Collection, tmp_path: Path
) -> None:
    with zipfile.ZipFile(tmp_path / "通知.zip", "w") as archive:
        archive.writestr("2021/锅炉.txt", NOTICE.format("锅炉"))
        archive.writestr("2021/图.png", b"\x89PNG\r\n\x1a\n")

    report = add_paths(collection, [tmp_path])
    again = add_paths(collection, [tmp_path])

    assert [file.path for file in report.added] == [tmp_path / "通知.zip" / "2021" / "锅炉.txt"]
    assert [file.path.name for file in report.refused] == ["图.png"]
    assert filenames(collection) == ["锅炉.txt"]
    assert len(again.unchanged) == 1


def test_progress_is_told_for_every_file(collection: Collection, folder: Path) -> None:
    told: list[tuple[int, int]] = []

    add_paths(collection, [folder], on_progress=lambda done, total: told.append((done, total)))

    assert told == [(1, 3), (2, 3), (3, 3)]


def test_a_mirror_removes_what_it_brought_and_is_gone(collection: Collection, folder: Path) -> None:
    mirror_paths(collection, [folder], origin="serve")
    (folder / "a.txt").unlink()
    write(folder / "b.txt", "锅炉")

    report = mirror_paths(collection, [folder], origin="serve")

    assert report.removed == 2
    assert filenames(collection) == ["c.md", "b.txt"]
    assert collection.search("锅炉安全检查")[0].source.filename == "b.txt"


def test_a_mirror_leaves_what_came_otherwise(collection: Collection, folder: Path, tmp_path: Path) -> None:
    own = write(tmp_path / "own.txt", "电梯")
    add_paths(collection, [own, folder / "a.txt"])
    mirror_paths(collection, [folder], origin="serve")

    report = mirror_paths(collection, [folder / "b.txt"], origin="serve")

    assert report.removed == 1
    assert filenames(collection) == ["own.txt", "a.txt", "b.txt"]


def test_what_a_mirror_brought_and_was_then_added_stays(collection: Collection, folder: Path) -> None:
    mirror_paths(collection, [folder], origin="serve")
    add_paths(collection, [folder / "a.txt"])

    mirror_paths(collection, [folder / "b.txt"], origin="serve")

    assert filenames(collection) == ["a.txt", "b.txt"]


def test_a_followed_folder_is_read_again_where_it_changed(collection: Collection, tmp_path: Path) -> None:
    watched = tmp_path / "watched"
    watched.mkdir()
    (watched / "甲.txt").write_text("关于粮食收购的通知\n", encoding="utf-8")
    (watched / "乙.txt").write_text("关于燃气检查的通知\n", encoding="utf-8")
    reports: list[AddReport] = []
    looks = 0

    def is_over() -> bool:
        nonlocal looks
        looks += 1
        if looks == 1:
            (watched / "甲.txt").write_text("关于粮食储备的通知\n", encoding="utf-8")
            (watched / "丙.txt").write_text("关于供热检修的通知\n", encoding="utf-8")
        return looks > 4

    follow_paths(collection, [watched], every_s=0.01, on_report=reports.append, is_over=is_over)

    first, second = reports
    assert (len(first.added), len(second.added)) == (2, 2)
    titles = {document.title for document in collection.list_documents()[0]}
    assert titles == {"关于粮食储备的通知", "关于燃气检查的通知", "关于供热检修的通知"}
