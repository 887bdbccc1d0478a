"""OFD: the text of each page in the order it is seen."""

import pytest
from make_ofd import Printed, body, make_ofd, text_object
from test_structure import assert_nothing_is_lost

from embeddings.errors import EmptyText, UnreadableDocument
from embeddings.readers import read
from embeddings.types import Document

LONG = "各级各部门要认真汲取此次事故教训，按照会议要求举一反三，迅速开展燃气安全大检查，全面排查整治各类风险隐患，坚决防范事故发生。"


def read_pages(*pages: list[Printed], **more: str) -> Document:
    document = read(make_ofd(*pages, **more), filename="公文.ofd")  # type: ignore[arg-type]
    assert_nothing_is_lost(document)
    return document


def passages(document: Document) -> list[tuple[str, int | None]]:
    return [(passage.span.of(document.text), passage.page) for passage in document.passages]


def test_lines_are_joined_into_paragraphs_on_their_pages() -> None:
    document = read_pages(
        [*body(LONG), *body("一、加强检查。", y=120)], [*body(LONG), (100, 275, 4.9, "— 2 —")]
    )
    assert passages(document) == [(LONG, 1), ("一、加强检查。", 1), (LONG, 2)]
    assert [(mark.span.of(document.text), mark.reason) for mark in document.marks] == [
        ("— 2 —", "page number")
    ]
    assert document.encoding == "ofd"


def test_text_is_read_by_position_not_in_the_order_of_objects() -> None:
    lines = body(LONG)
    assert passages(read_pages(list(reversed(lines)))) == [(LONG, 1)]


def test_pieces_of_one_line_are_joined_and_distant_ones_parted() -> None:
    document = read_pages([(28, 60, 5, "燃气"), (38, 60, 5, "安全"), (120, 60, 5, "检查")])
    assert document.text == "燃气安全\t检查\n"


def test_a_transformation_moves_and_scales_the_text() -> None:
    moved = text_object(28, 0, 1, "后面的话。", more='CTM="5 0 0 5 0 80"')
    document = read_pages([(28, 60, 5, "前面的话。")], objects=moved)
    assert document.text.splitlines() == ["前面的话。", "后面的话。"]


def test_steps_are_read_with_and_without_repetition() -> None:
    spaced = text_object(28, 60, 5, "局长张三", delta="5 20 g 1 5")
    assert read_pages([], objects=spaced).text == "局长 张三\n"


def test_what_a_template_prints_on_every_page_is_marked() -> None:
    data = make_ofd(body(LONG), body(LONG), template=[(28, 10, 4, "某市人民政府公报")])
    document = read(data, filename="公报.ofd")
    assert [mark.reason for mark in document.marks] == ["page header", "page header"]
    assert passages(document) == [(LONG, 1), (LONG, 2)]


def test_an_ofd_of_pictures_is_refused_with_the_remedy() -> None:
    with pytest.raises(EmptyText, match="OCR"):
        read(make_ofd([]), filename="扫描.ofd")


def test_an_encrypted_ofd_is_refused() -> None:
    with pytest.raises(UnreadableDocument, match="encrypted"):
        read(make_ofd(body(LONG), more="<ofd:Encryptions>Encrypts.xml</ofd:Encryptions>"), filename="密.ofd")


def test_an_ofd_that_lacks_a_page_is_refused() -> None:
    with pytest.raises(UnreadableDocument, match=r"“缺\.ofd” is damaged"):
        read(make_ofd(body(LONG)).replace(b"Page_0", b"Page_9", 1), filename="缺.ofd")
