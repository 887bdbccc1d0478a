"""zip archives: every file with its name, and none that does harm."""

import io
import struct
import zipfile

import pytest
from make_docx import make_docx, make_zip, paragraph

from embeddings.errors import EmptyText, InvalidInput, TooLarge, UnreadableDocument, UnsupportedFormat
from embeddings.readers import package, read, read_archive


def names(data: bytes) -> list[str]:
    return [file.name for file in read_archive(data, filename="包.zip")]


def zip_of_raw_names(*raw: bytes) -> bytes:
    """A zip whose names are these bytes without the flag of UTF-8, as archivers on Chinese Windows write them."""
    stand_ins = {f"{index:0{len(name)}d}"[: len(name)]: name for index, name in enumerate(raw)}
    data = make_zip(dict.fromkeys(stand_ins, b"text"))
    for stand_in, name in stand_ins.items():
        data = data.replace(stand_in.encode(), name)
    return data


def test_names_in_gbk_and_in_utf_8_come_back() -> None:
    data = zip_of_raw_names("政策/燃气通知.txt".encode("gbk"), "消防通知.txt".encode())
    assert names(data) == ["政策/燃气通知.txt", "消防通知.txt"]
    assert names(make_zip({"安全通知.txt": b""})) == ["安全通知.txt"]


def test_a_name_kept_in_utf_8_beside_the_old_one_is_taken() -> None:
    info = zipfile.ZipInfo("old.txt")
    name = "燃气.txt".encode()
    info.extra = struct.pack("<HHBI", 0x7075, 5 + len(name), 1, 0) + name
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(info, b"")
    assert names(buffer.getvalue()) == ["燃气.txt"]


def test_no_name_leads_out_of_a_folder() -> None:
    data = make_zip(
        {"../../etc/passwd": b"", "/root/a.txt": b"", "C:\\x\\b.txt": b"", "a\n|b.txt": b"", "../..": b""}
    )
    assert names(data) == ["etc/passwd", "root/a.txt", "C_/x/b.txt", "a__b.txt", "_"]


def test_documents_inside_are_read_and_litter_is_left_out() -> None:
    inner = make_zip({"内.txt": "内文。".encode()})
    data = make_zip(
        {
            "a/公文.docx": make_docx(paragraph("正文。")),
            "b.zip": inner,
            "__MACOSX/._a": b"x",
            ".DS_Store": b"x",
            "~$公文.docx": b"x",
        }
    )
    files = list(read_archive(data, filename="包.zip"))
    assert [file.name for file in files] == ["a/公文.docx", "b.zip/内.txt"]
    assert [read(file.data(), filename=file.name).text for file in files] == ["正文。\n", "内文。"]


def test_two_files_of_one_name_are_two_files() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive, pytest.warns(UserWarning):
        archive.writestr("a.txt", b"1")
        archive.writestr("a.txt", b"2")
    files = read_archive(buffer.getvalue(), filename="包.zip")
    assert [(file.name, file.data()) for file in files] == [("a.txt", b"1"), ("a (2).txt", b"2")]


def test_an_encrypted_file_is_refused_by_name_and_stops_no_other() -> None:
    data = bytearray(make_zip({"密.txt": b"secret", "明.txt": b"plain"}))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1
    locked, plain = read_archive(bytes(data), filename="包.zip")
    with pytest.raises(UnreadableDocument, match=r"“密\.txt” in “包\.zip” is encrypted"):
        locked.data()
    assert plain.data() == b"plain"


def test_a_bomb_is_refused_and_stops_no_other() -> None:
    bomb, plain = read_archive(make_zip({"弹.txt": b"\x00" * (65 << 20), "文.txt": b"ok"}), filename="包.zip")
    with pytest.raises(TooLarge, match=r"“弹\.txt”"):
        bomb.data()
    assert plain.data() == b"ok"


def test_a_bomb_called_docx_is_refused() -> None:
    data = make_zip({"[Content_Types].xml": b"<T/>", "word/document.xml": b" " * (60 << 20)})
    with pytest.raises(TooLarge, match=r"“弹\.docx”"):
        read(data, filename="弹.docx")


def test_archives_in_archives_end_somewhere() -> None:
    data = make_zip({"文.txt": b"x"})
    for _ in range(4):
        data = make_zip({"内.zip": data})
    (refused,) = read_archive(data, filename="包.zip")
    with pytest.raises(TooLarge, match="3 archives deep"):
        refused.data()


def test_too_many_files_are_refused_before_they_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "MAX_MEMBERS", 5)
    with pytest.raises(TooLarge, match="more than 5 files"):
        names(make_zip({f"{index}.txt": b"" for index in range(6)}))


def test_what_is_no_archive_is_refused() -> None:
    with pytest.raises(UnsupportedFormat, match="is a document"):
        names(make_docx(paragraph("正文。")))
    with pytest.raises(UnreadableDocument):
        names(b"no archive")
    with pytest.raises(UnsupportedFormat, match="is a zip archive"):
        read(make_zip({"a.txt": b"x"}), filename="a.zip")


@pytest.mark.parametrize("cut", [20, 80, -5])
def test_a_truncated_archive_is_refused(cut: int) -> None:
    with pytest.raises(InvalidInput, match=r"“包\.zip”"):
        names(make_zip({"a.txt": b"x" * 100})[:cut])


def test_an_empty_file_is_refused() -> None:
    with pytest.raises(EmptyText, match=r"“空\.docx” is empty"):
        read(b"", filename="空.docx")
