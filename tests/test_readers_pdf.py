"""pdf: lines are joined into paragraphs, on their pages, without what is printed on every page."""

from collections.abc import Sequence

import pytest
from make_pdf import LEFT, LINE_CHARS, SIZE, Printed, body, make_pdf
from test_structure import assert_nothing_is_lost

from embeddings.errors import EmptyText, TooLarge, UnreadableDocument
from embeddings.readers import read
from embeddings.types import Document

LONG = "各级各部门要认真汲取此次事故教训，按照会议要求举一反三，迅速开展燃气安全大检查，全面排查整治各类风险隐患，坚决防范事故发生。"


def read_pages(*pages: Sequence[Printed]) -> Document:
    document = read(make_pdf(*pages), filename="公文.pdf")
    assert_nothing_is_lost(document)
    return document


def passages(document: Document) -> list[tuple[str, int | None]]:
    return [(passage.span.of(document.text), passage.page) for passage in document.passages]


def marks(document: Document) -> list[tuple[str, str]]:
    return [(mark.span.of(document.text), mark.reason) for mark in document.marks]


def centred(text: str, y: float, size: float = SIZE) -> Printed:
    return (LEFT + (LINE_CHARS * SIZE - len(text) * size) / 2, y, size, text)


def test_lines_are_joined_into_paragraphs() -> None:
    document = read_pages(
        [*body(LONG, first_y=700), *body("一、加强检查。", first_y=560), *body(LONG, first_y=530)]
    )
    assert passages(document) == [(LONG, 1), ("一、加强检查。", 1), (LONG, 1)]
    assert document.encoding == "pdf"


def test_a_paragraph_that_fills_its_last_line_ends_where_the_next_is_indented() -> None:
    full = "燃气安全工作" * 8 + "检查。"
    full = full[: 2 * LINE_CHARS - 3] + "。"
    assert passages(read_pages([*body(full, first_y=700), *body(LONG, first_y=642)])) == [
        (full, 1),
        (LONG, 1),
    ]


def test_numbered_places_flush_with_the_margin_are_paragraphs() -> None:
    lines = [
        (LEFT, 700 - 29 * index, SIZE, f"{index + 1}." + "检" * (LINE_CHARS - 3) + "。") for index in range(3)
    ]
    assert len(passages(read_pages(lines))) == 3


def test_a_title_over_two_lines_is_one_and_stands_apart_from_the_text() -> None:
    title = [centred("关于进一步加强全市城镇燃气", 760, 22), centred("安全管理工作的通知", 725, 22)]
    document = read_pages([*title, *body(LONG, first_y=650)])
    assert document.title == "关于进一步加强全市城镇燃气安全管理工作的通知"
    assert passages(document)[1] == (LONG, 1)


def test_page_numbers_heads_and_feet_are_marked_and_paragraphs_go_on_over_pages() -> None:
    def page(number: int, lines: list[Printed]) -> list[Printed]:
        head = (200, 800, 10.5, "某市人民政府公报")
        return [head, *lines, (270, 60, 14, f"— {number} —"), (85, 40, 9, f"第 {number} 期")]

    whole = body(LONG * 2, first_y=229)
    last = [(x, 700 - 29 * index, size, text) for index, (x, _, size, text) in enumerate(whole[4:])]
    document = read_pages(
        page(1, whole[:4]), page(2, [*last, *body("二、压实责任。", first_y=500)]), page(3, body(LONG))
    )
    assert passages(document) == [(LONG * 2, 1), ("二、压实责任。", 2), (LONG, 3)]
    assert marks(document).count(("某市人民政府公报", "page header")) == 3
    assert [text for text, reason in marks(document) if reason == "page number"] == [
        "— 1 —",
        "— 2 —",
        "— 3 —",
    ]
    assert [text for text, reason in marks(document) if reason == "page footer"] == [
        "第1期",
        "第2期",
        "第3期",
    ]


def test_an_empty_page_still_counts() -> None:
    assert passages(read_pages([], body(LONG), [], body("完。")))[1] == ("完。", 4)


def test_a_table_of_contents_is_marked() -> None:
    document = read_pages([(85, 700, 16, "一、总则" + "…" * 10 + "3"), *body(LONG, first_y=600)])
    assert marks(document) == [("一、总则" + "…" * 10 + "3", "contents")]


def test_cells_side_by_side_are_a_row() -> None:
    document = read_pages([(85, 700, 16, "单位"), (300, 700, 16, "职责"), *body(LONG, first_y=600)])
    assert passages(document)[0][0].split() == ["单位", "职责"]


def test_a_scanned_pdf_is_refused_with_the_remedy() -> None:
    with pytest.raises(EmptyText, match=r"“扫描\.pdf” holds pictures .*OCR"):
        read(make_pdf([], []), filename="扫描.pdf")


def test_a_pdf_whose_fonts_name_no_characters_is_refused() -> None:
    with pytest.raises(UnreadableDocument, match="OCR"):
        read(make_pdf([(85, 700, 16, "\ue001\ue002\ue003\ue004")]), filename="a.pdf")


def test_a_pdf_with_a_password_is_refused() -> None:
    encrypt = "/ID [<00112233445566778899AABBCCDDEEFF> <00112233445566778899AABBCCDDEEFF>] /Encrypt << /Filter /Standard /V 1 /R 2 /P -4"
    encrypt += f" /O <{'41' * 32}> /U <{'42' * 32}> >>"
    with pytest.raises(UnreadableDocument, match=r"“密\.pdf” is protected by a password"):
        read(make_pdf(body(LONG), encrypt=encrypt), filename="密.pdf")


@pytest.mark.parametrize("cut", [12, 300])
def test_a_truncated_pdf_is_refused(cut: int) -> None:
    with pytest.raises(UnreadableDocument, match=r"“断\.pdf” is damaged"):
        read(make_pdf(body(LONG))[:cut], filename="断.pdf")


def test_a_pdf_with_too_many_pages_is_refused_and_a_false_count_is_not_believed() -> None:
    data = make_pdf(body(LONG))
    many = data.replace(b"/Count 1 /Kids [6 0 R]", b"/Count 20000 /Kids [" + b"6 0 R " * 20_000 + b"]")
    with pytest.raises(TooLarge, match="20,000 pages"):
        read(many, filename="a.pdf")
    assert read(data.replace(b"/Count 1 ", b"/Count 2000000000 "), filename="a.pdf").text == LONG + "\n"


def test_a_pdf_is_read_whatever_it_is_called() -> None:
    assert read(make_pdf(body("正文。")), filename="公文.doc").text == "正文。\n"
