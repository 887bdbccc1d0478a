"""docx: what Word shows is what is read."""

import pytest
from make_docx import abstract, level, make_docx, make_zip, num, paragraph, run, table
from test_structure import assert_nothing_is_lost, paths

from embeddings.errors import EmptyText, UnreadableDocument, UnsupportedFormat
from embeddings.readers import read
from embeddings.readers.numerals import write_numeral

OFFICIAL = abstract(
    0,
    level(0, "chineseCounting", "%1、"),
    level(1, "chineseCounting", "（%2）"),
    level(2, "decimal", "%3."),
    level(3, "decimal", "（%4）"),
    level(4, "decimalEnclosedCircle", "%5"),
)


def lines(data: bytes) -> list[str]:
    document = read(data, filename="公文.docx")
    assert_nothing_is_lost(document)
    return document.text.splitlines()


def numbered(body: str, lists: str, styles: str = "") -> list[str]:
    return lines(make_docx(body, parts={"numbering": lists, "styles": styles}))


def test_numbers_that_word_generates_stand_in_the_text_and_make_the_outline() -> None:
    body = (
        paragraph("关于加强燃气安全工作的通知")
        + paragraph("总体要求", numbered=(1, 0))
        + paragraph("提高认识。", numbered=(1, 1))
        + paragraph("压实责任。", numbered=(1, 1))
        + paragraph("企业负责。", numbered=(1, 2))
        + paragraph("重点任务", numbered=(1, 0))
        + paragraph("开展检查。", numbered=(1, 1))
    )
    data = make_docx(body, parts={"numbering": OFFICIAL + num(1, 0)})
    document = read(data, filename="通知.docx")
    assert document.text.splitlines() == [
        "关于加强燃气安全工作的通知",
        "一、总体要求",
        "（一）提高认识。",
        "（二）压实责任。",
        "1. 企业负责。",
        "二、重点任务",
        "（一）开展检查。",
    ]
    assert paths(document)[-1] == "二、重点任务 → （一）开展检查"
    assert document.title == "关于加强燃气安全工作的通知"
    assert document.encoding == "docx"


def test_articles_count_through_the_chapters_they_stand_in() -> None:
    levels = level(0, "chineseCountingThousand", "第%1章") + level(
        1, "chineseCountingThousand", "第%2条", more='<w:lvlRestart w:val="0"/>'
    )
    chapter, article = (1, 0), (1, 1)
    body = "".join(
        paragraph(text, numbered=place)
        for text, place in [
            ("总则", chapter),
            ("为了安全。", article),
            ("附则", chapter),
            ("施行。", article),
        ]
    )
    assert numbered(body, abstract(0, levels) + num(1, 0)) == [
        "第一章 总则",
        "第一条 为了安全。",
        "第二章 附则",
        "第二条 施行。",
    ]


def test_a_list_starts_where_it_is_told_and_again_where_it_is_overridden() -> None:
    lists = abstract(0, level(0, "japaneseCounting", "%1、", start=3)) + num(1, 0)
    lists += num(2, 0, '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="1"/></w:lvlOverride>') + num(3, 0)
    body = "".join(paragraph(str(number), numbered=(number, 0)) for number in (1, 1, 2, 2, 3))
    assert numbered(body, lists) == ["三、1", "四、1", "一、2", "二、2", "三、3"]


def test_a_style_brings_its_number_and_a_paragraph_may_decline_it() -> None:
    styles = (
        '<w:style w:type="paragraph" w:default="1" w:styleId="a"><w:name w:val="Normal"/></w:style>'
        '<w:style w:type="paragraph" w:styleId="1"><w:name w:val="heading 1"/><w:basedOn w:val="a"/>'
        '<w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr></w:style>'
        '<w:style w:type="paragraph" w:styleId="2"><w:name w:val="heading 2"/>'
        '<w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr></w:style>'
        '<w:style w:type="paragraph" w:styleId="3"><w:name w:val="mine"/><w:basedOn w:val="1"/></w:style>'
    )
    lists = abstract(
        0,
        level(0, "chineseCounting", "%1、", more='<w:pStyle w:val="1"/>'),
        level(1, "decimal", "%1.%2", more='<w:pStyle w:val="2"/><w:isLgl/>'),
    ) + num(1, 0)
    body = paragraph("甲", style="1") + paragraph("乙", style="2") + paragraph("丙", style="3")
    body += paragraph("丁", style="1", numbered=(0, 0)) + paragraph("戊")
    assert numbered(body, lists, styles) == ["一、甲", "1.1 乙", "二、丙", "丁", "戊"]


def test_a_list_that_only_names_a_list_style_is_followed() -> None:
    styles = '<w:style w:type="numbering" w:styleId="L"><w:pPr><w:numPr><w:numId w:val="2"/></w:numPr></w:pPr></w:style>'
    lists = abstract(0, more='<w:numStyleLink w:val="L"/>')
    lists += abstract(1, level(0, "ideographTraditional", "%1、"), more='<w:styleLink w:val="L"/>')
    lists += num(1, 0) + num(2, 1)
    assert numbered(paragraph("子", numbered=(1, 0)), lists, styles) == ["甲、子"]


@pytest.mark.parametrize(
    ("number", "number_format", "written"),
    [
        (10, "chineseCounting", "十"),
        (23, "chineseCounting", "二十三"),
        (100, "chineseCountingThousand", "一百"),
        (110, "chineseCountingThousand", "一百一十"),
        (1005, "chineseCountingThousand", "一千零五"),
        (11, "japaneseCounting", "十一"),
        (110, "japaneseCounting", "百十"),
        (10, "ideographDigital", "一〇"),
        (12, "decimalEnclosedCircle", "⑫"),
        (21, "decimalEnclosedCircleChinese", "㉑"),
        (3, "decimalEnclosedParen", "⑶"),
        (12, "chineseLegalSimplified", "壹拾贰"),
        (7, "decimalZero", "07"),
        (12, "decimalFullWidth", "１２"),
        (28, "lowerLetter", "bb"),
        (49, "upperRoman", "XLIX"),
        (5, "unheardOf", "5"),
        (0, "chineseCounting", "〇"),
        (1, "bullet", ""),
    ],
)
def test_a_number_is_written_as_word_writes_it(number: int, number_format: str, written: str) -> None:
    assert write_numeral(number, number_format) == written


def test_a_table_is_read_as_rows_and_a_frame_as_paragraphs() -> None:
    grid = table(
        (paragraph("单位"), paragraph("职责")), (paragraph("甲局"), paragraph("检查") + paragraph("处罚"))
    )
    frame = table((paragraph("第一段。") + paragraph("第二段。"),))
    assert lines(make_docx(grid + frame)) == ["单位\t职责", "甲局\t检查 处罚", "第一段。", "第二段。"]


def test_deleted_text_is_left_out_and_inserted_text_kept() -> None:
    runs = f"<w:ins>{run('新增')}</w:ins><w:del><w:r><w:delText>旧文</w:delText></w:r></w:del>{run('。')}"
    joined = f'<w:p><w:pPr><w:rPr><w:del w:id="1"/></w:rPr></w:pPr>{run("前半，")}</w:p>' + paragraph(
        "后半。"
    )
    assert lines(make_docx(paragraph("正文", runs=runs) + joined)) == ["正文新增。", "前半，后半。"]


def test_hidden_text_and_field_codes_are_left_out_and_their_results_kept() -> None:
    field = (
        '<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText>PAGE</w:instrText></w:r>'
        f'<w:r><w:fldChar w:fldCharType="separate"/></w:r>{run("3")}<w:r><w:fldChar w:fldCharType="end"/></w:r>'
    )
    link = f'<w:hyperlink r:id="x">{run("某网")}</w:hyperlink>'
    body = paragraph("见第", runs=field + run("页", "") + run("密", "<w:vanish/>") + link)
    assert lines(make_docx(body)) == ["见第3页某网"]


def test_a_text_box_is_read_once_and_a_footnote_after_its_paragraph() -> None:
    box = f"<w:txbxContent>{paragraph('某某市人民政府文件')}</w:txbxContent>"
    drawing = (
        f'<w:r><mc:AlternateContent><mc:Choice Requires="wps"><w:drawing><wps:txbx>{box}</wps:txbx></w:drawing>'
        f"</mc:Choice><mc:Fallback><w:pict><v:textbox>{box}</v:textbox></w:pict></mc:Fallback></mc:AlternateContent></w:r>"
    )
    notes = (
        '<w:footnote w:type="separator" w:id="-1"><w:p><w:r><w:separator/></w:r></w:p></w:footnote>'
        f'<w:footnote w:id="2">{paragraph("指居民用户。")}</w:footnote>'
    )
    body = paragraph("首段", runs=drawing) + paragraph(
        "燃气用户", runs='<w:r><w:footnoteReference w:id="2"/></w:r>'
    )
    data = make_docx(body + paragraph("末段"), parts={"footnotes": notes, "header1": paragraph("页眉")})
    assert lines(data) == ["首段", "某某市人民政府文件", "燃气用户", "指居民用户。", "末段"]


def test_breaks_tabs_symbols_and_content_controls() -> None:
    body = paragraph("甲", runs=f"<w:r><w:br/></w:r>{run('乙')}<w:r><w:tab/></w:r>{run('丙')}")
    ticked = paragraph("选项", runs='<w:r><w:sym w:font="Wingdings" w:char="F0FE"/></w:r>')
    body += f"<w:sdt><w:sdtPr/><w:sdtContent>{ticked}</w:sdtContent></w:sdt>"
    assert lines(make_docx(body)) == ["甲", "乙\t丙", "选项☑"]


def test_a_table_of_contents_is_marked_and_makes_no_outline() -> None:
    styles = '<w:style w:type="paragraph" w:styleId="TOC1"><w:name w:val="toc 1"/></w:style>'
    body = (
        paragraph("关于安全生产的意见")
        + paragraph("一、总则\t1", style="TOC1")
        + paragraph("一、总则")
        + paragraph("正文。")
    )
    document = read(make_docx(body, parts={"styles": styles}), filename="意见.docx")
    assert [(mark.span.of(document.text), mark.reason) for mark in document.marks] == [
        ("一、总则\t1", "contents")
    ]
    assert len(document.outline) == 1
    assert_nothing_is_lost(document)


def test_a_docx_is_read_whatever_it_is_called() -> None:
    assert read(make_docx(paragraph("正文。")), filename="正文.txt").text == "正文。\n"


def test_a_docx_without_text_is_refused() -> None:
    with pytest.raises(EmptyText, match=r"“空\.docx”"):
        read(make_docx(paragraph("")), filename="空.docx")


@pytest.mark.parametrize("cut", [30, 200, 600, -10])
def test_a_truncated_docx_is_refused(cut: int) -> None:
    with pytest.raises(UnreadableDocument, match=r"“断\.docx” is damaged"):
        read(make_docx(paragraph("正文。"))[:cut], filename="断.docx")


def test_entities_and_depth_are_refused() -> None:
    whole = {"[Content_Types].xml": b"<Types/>"}
    laughs = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><w:document xmlns:w="w"><w:body><w:p><w:r><w:t>&b;</w:t></w:r></w:p></w:body></w:document>'
    with pytest.raises(UnreadableDocument, match="entities"):
        read(make_zip(whole | {"word/document.xml": laughs}), filename="a.docx")
    deep = b"<a>" * 1_000_000
    with pytest.raises(UnreadableDocument, match="well formed"):
        read(make_zip(whole | {"word/document.xml": deep}), filename="a.docx")


def test_a_note_that_refers_to_itself_is_read_once() -> None:
    refers = '<w:r><w:footnoteReference w:id="2"/></w:r>'
    notes = f'<w:footnote w:id="2">{paragraph("注。", runs=refers)}</w:footnote>'
    assert lines(make_docx(paragraph("文", runs=refers), parts={"footnotes": notes})) == ["文", "注。"]


def test_a_spreadsheet_and_a_strange_package_are_refused_by_what_they_are() -> None:
    with pytest.raises(UnsupportedFormat, match="spreadsheet"):
        read(make_zip({"[Content_Types].xml": b"<T/>", "xl/workbook.xml": b"<w/>"}), filename="表.docx")
    with pytest.raises(UnsupportedFormat, match="no Word document"):
        read(make_zip({"[Content_Types].xml": b"<T/>", "word/document.xml": b"<w/>"}), filename="a.docx")
