"""Which encoding a text file is in, decided over all of it."""

import codecs

import pytest

from embeddings.errors import EmptyText, UnreadableDocument
from embeddings.readers.text import decode

SENTENCE = "燃气领域，要落实好今天视频会的精神，强化源头治理。\r\n"


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", b""),
        ("utf-8", codecs.BOM_UTF8),
        ("gb18030", b""),
        ("gbk", b""),
        ("gb2312", b""),
        ("utf-16-le", codecs.BOM_UTF16_LE),
        ("utf-16-be", codecs.BOM_UTF16_BE),
        ("utf-16-le", b""),
        ("utf-16-be", b""),
    ],
)
def test_a_text_comes_back_equal_from_every_encoding(encoding: str, mark: bytes) -> None:
    text = SENTENCE * 3
    assert decode(mark + text.encode(encoding), filename="a.txt")[0] == text


def test_a_character_outside_gb2312_after_the_first_kilobyte_survives() -> None:
    text = SENTENCE * 100 + "朱镕基同志出席会议。"
    assert decode(text.encode("gbk"), filename="a.txt") == (text, "gb18030")


def test_a_four_byte_character_of_gb18030_survives() -> None:
    text = SENTENCE + "㐀𠀀"
    assert decode(text.encode("gb18030"), filename="a.txt")[0] == text


def test_gbk_bytes_that_happen_to_be_utf_8_are_read_as_gbk() -> None:
    assert decode("联通".encode("gbk"), filename="a.txt") == ("联通", "gb18030")


def test_traditional_text_in_utf_16_without_a_mark_is_read() -> None:
    text = "燃氣領域的要求與處罰，應當遵守。"
    assert decode(text.encode("utf-16-le"), filename="a.txt") == (text, "utf-16-le")


@pytest.mark.parametrize("position", [300, 3001, 6000])
def test_damaged_utf_8_is_refused_by_name_with_the_byte(position: int) -> None:
    data = (SENTENCE * 100).encode()
    damaged = data[:position] + b"\xff" + data[position:]
    with pytest.raises(UnreadableDocument, match=r"“讲话\.txt”") as caught:
        decode(damaged, filename="讲话.txt")
    offset = int(str(caught.value).split("byte ")[1].split(".")[0])
    assert position - 3 <= offset <= position


def test_damaged_gbk_is_refused_with_the_byte() -> None:
    data = (SENTENCE * 3).encode("gbk")
    with pytest.raises(UnreadableDocument, match=f"GB18030 it fails at byte {len(data)}"):
        decode(data + b"\xff\xff" + data, filename="a.txt")


def test_bytes_after_a_mark_that_do_not_fit_it_are_refused() -> None:
    with pytest.raises(UnreadableDocument, match="UTF-8 it fails at byte 3"):
        decode(codecs.BOM_UTF8 + b"\xd6\xec", filename="a.txt")


@pytest.mark.parametrize("data", [b"", b" \r\n\t", "\u3000\n".encode()])
def test_a_file_without_text_is_refused(data: bytes) -> None:
    with pytest.raises(EmptyText, match=r"“a\.txt”"):
        decode(data, filename="a.txt")


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(UnreadableDocument):
        decode(bytes(range(256)) * 4, filename="a.txt")
