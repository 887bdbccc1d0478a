"""The bytes of a file decide what it is; where they say nothing its name does, or it is refused."""

import pytest
from make_docx import make_zip

from embeddings.errors import InvalidInput, UnreadableDocument, UnsupportedFormat
from embeddings.readers import is_archive, is_readable, read


@pytest.mark.parametrize(
    "name",
    ["a.TXT", "a.md", "a.html", "a.docx", "a.pdf", "a.ofd", "a.doc", "a.wps", "a.rtf", "a.odt", "无名"],
)
def test_there_is_a_reader_for_these_names(name: str) -> None:
    assert is_readable(name)


def test_an_archive_is_no_document() -> None:
    assert is_archive("a.ZIP")
    assert not is_readable("a.zip")
    assert not is_readable("a.xlsx")


@pytest.mark.parametrize("name", ["文.doc", "文.docx", "文.pdf", "文.ofd", "文.rtf"])
def test_plain_text_called_otherwise_is_refused_with_the_remedy(name: str) -> None:
    with pytest.raises(UnreadableDocument, match=rf"“{name}” is not what its name says.*call it \.txt"):
        read("燃气安全。".encode(), filename=name)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"\x89PNG\r\n\x1a\n", "an image"),
        (b"Rar!\x1a\x07\x00", "a RAR archive"),
        (b"\x1f\x8b\x08", "a gzip archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "Workbook\0".encode("utf-16-le"), r"a spreadsheet \(xls\)"),
        (make_zip({"mimetype": b"application/vnd.oasis.opendocument.spreadsheet"}), "no text document"),
    ],
)
def test_what_no_reader_knows_is_refused_by_what_it_is(data: bytes, what: str) -> None:
    with pytest.raises(UnsupportedFormat, match=rf"“文\.txt” is {what}"):
        read(data, filename="文.txt")


def test_a_zip_without_a_document_called_docx_is_refused() -> None:
    with pytest.raises(UnreadableDocument, match="without the parts of a document"):
        read(make_zip({"a.txt": b"x"}), filename="a.docx")


@pytest.mark.parametrize(
    "data", [b"PK\x03\x04", b"%PDF-", b"{\\rtf", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"<html>", b"<"]
)
@pytest.mark.parametrize("name", ["a.docx", "a.pdf", "a.html", "a.txt"])
def test_a_bare_signature_is_refused_or_read_and_never_breaks(data: bytes, name: str) -> None:
    try:
        assert read(data, filename=name).text.strip() == data.decode()
    except InvalidInput as refusal:
        assert f"“{name}”" in str(refusal)
