"""Formats of office programs, through LibreOffice where it is installed; without it, what is said instead."""

import subprocess
from pathlib import Path

import pypdfium2
import pytest
from make_docx import abstract, level, make_docx, num, paragraph, table
from test_structure import assert_nothing_is_lost, paths

from embeddings.errors import UnreadableDocument, UnsupportedFormat
from embeddings.readers import office, read
from embeddings.readers.office import find_office

LONG = "各级各部门要认真汲取此次事故教训，按照会议要求举一反三，迅速开展燃气安全大检查，全面排查整治各类风险隐患，坚决防范事故发生。"
COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
WORD = COMPOUND + b"\0" * 1000 + "WordDocument\0".encode("utf-16-le")


def notice() -> bytes:
    lists = abstract(0, level(0, "chineseCounting", "%1、"), level(1, "chineseCounting", "（%2）")) + num(
        1, 0
    )
    body = (
        paragraph("关于加强燃气安全工作的通知")
        + paragraph("总体要求", numbered=(1, 0))
        + paragraph("提高认识。" + LONG, numbered=(1, 1))
        + paragraph("压实责任。" + LONG, numbered=(1, 1))
        + paragraph("重点任务", numbered=(1, 0))
        + table((paragraph("单位"), paragraph("职责")), (paragraph("甲局"), paragraph("检查")))
        + paragraph(LONG) * 50
    )
    return make_docx(body, parts={"numbering": lists})


def convert(data: bytes, suffix: str, folder: Path) -> bytes:
    """What LibreOffice writes, as a user would save it."""
    program = find_office()
    if program is None:
        pytest.skip("needs LibreOffice")
    (folder / "公文.docx").write_bytes(data)
    profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
    command = [
        program,
        "--headless",
        profile,
        "--convert-to",
        suffix,
        "--outdir",
        str(folder / "out"),
        str(folder / "公文.docx"),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return (folder / "out" / f"公文.{suffix}").read_bytes()


@pytest.mark.parametrize("suffix", ["doc", "odt", "docx"])
def test_text_and_outline_come_back_from_what_libreoffice_writes(suffix: str, tmp_path: Path) -> None:
    document = read(convert(notice(), suffix, tmp_path), filename=f"公文.{suffix}")
    assert_nothing_is_lost(document)
    assert document.encoding == suffix
    lines = document.text.splitlines()
    assert lines == read(notice(), filename="公文.docx").text.splitlines()
    assert paths(document)[2] == "一、总体要求 → （二）压实责任"


def test_an_rtf_as_word_writes_it_is_read_with_its_numbers() -> None:
    if find_office() is None:
        pytest.skip("needs LibreOffice")

    def in_gbk(text: str) -> str:
        return "".join(f"\\'{byte:02x}" for byte in text.encode("gbk"))

    source = (
        r"{\rtf1\ansi\ansicpg936\deff0{\fonttbl{\f0\fcharset134 SimSun;}}{\*\listtable{\list\listtemplateid1"
        r"{\listlevel\levelnfc39\leveljc0\levelstartat1\levelfollow2{\leveltext\'02\'00\'a1\'a2;}{\levelnumbers\'01;}}"
        r"\listid1}}{\*\listoverridetable{\listoverride\listid1\listoverridecount0\ls1}}"
        rf"\pard {in_gbk('关于燃气安全的通知')}\par\pard\ls1\ilvl0 {in_gbk('总体要求')}\par {in_gbk('重点任务')}\par}}"
    )
    document = read(source.encode("ascii"), filename="通知.rtf")
    assert document.text.splitlines() == ["关于燃气安全的通知", "一、总体要求", "二、重点任务"]


def test_pages_and_paragraphs_come_back_from_a_pdf_that_libreoffice_writes(tmp_path: Path) -> None:
    data = convert(notice(), "pdf", tmp_path)
    document = read(data, filename="公文.pdf")
    assert_nothing_is_lost(document)
    shown = [passage.span.of(document.text) for passage in document.passages]
    assert shown.count(LONG) == 50
    pages = ["".join(page.get_textpage().get_text_range().split()) for page in pypdfium2.PdfDocument(data)]
    assert {passage.page for passage in document.passages} == set(range(1, len(pages) + 1))
    for passage in document.passages:
        assert passage.page and "".join(passage.span.of(document.text)[:6].split()) in pages[passage.page - 1]


def test_a_doc_that_is_damaged_is_refused(tmp_path: Path) -> None:
    whole = convert(notice(), "doc", tmp_path)
    with pytest.raises(UnreadableDocument, match=r"“断\.doc”"):
        read(whole[:700], filename="断.doc")


def test_without_libreoffice_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(office, "find_office", lambda: None)
    for name, data in (("旧.doc", WORD), ("旧.wps", COMPOUND + b"\0" * 600), ("旧.rtf", b"{\\rtf1 a}")):
        with pytest.raises(UnsupportedFormat, match=rf"“{name}” is a .* LibreOffice: install it, or save"):
            read(data, filename=name)


def test_an_office_file_with_a_password_is_refused() -> None:
    locked = COMPOUND + b"\0" * 1000 + "EncryptedPackage\0".encode("utf-16-le")
    fib = b"\xec\xa5\xc1\x00" + b"\0" * 7 + b"\x01" + b"\0" * 500
    for data in (locked, WORD.ljust(1536, b"\0") + fib):
        with pytest.raises(UnreadableDocument, match="password"):
            read(data, filename="密.docx")


def test_what_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    slow = tmp_path / "soffice"
    slow.write_text("#!/bin/sh\nsleep 600\n", encoding="utf-8")
    slow.chmod(0o755)
    monkeypatch.setattr(office, "find_office", lambda: str(slow))
    monkeypatch.setattr(office, "TIME_LIMIT_S", 0.2)
    with pytest.raises(UnreadableDocument, match=r"“慢\.rtf” takes LibreOffice more than"):
        read(b"{\\rtf1 a}", filename="慢.rtf")
