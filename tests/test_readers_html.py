"""html: what a browser shows, the main text found, the rest marked."""

import pytest
from test_structure import assert_nothing_is_lost

from embeddings.errors import EmptyText, UnreadableDocument
from embeddings.readers import read
from embeddings.types import Document

LONG = "各级各部门要认真汲取此次事故教训，按照会议要求举一反三，迅速开展燃气安全大检查，坚决防范事故发生。"
PAGE = """<!DOCTYPE html>
<html><head><meta charset="{charset}"><title>关于加强燃气安全管理的通知_某市人民政府</title>
<style>p {{ color: red }}</style><script>var a = "不是正文";</script></head>
<body>
<div class="top"><a href="/">网站首页</a> | <a href="/zw">政务公开</a> | <a href="/hd">互动交流</a></div>
<div class="nav"><ul><li><a href="1">要闻动态</a></li><li><a href="2">政策文件</a></li><li><a href="3">领导之窗</a></li></ul></div>
<div class="crumb">当前位置：<a href="/">首页</a> &gt; <a href="/zc">政策</a></div>
<div class="article"><h1>关于加强燃气安全管理的通知</h1>
<div class="info">发布时间：2021-12-02 来源：办公室 字号：大 中 小</div>
<div id="zoom"><p>某政发〔2021〕5号</p><p>各区人民政府：</p>
<p>　　{long}</p><p>一、提高认识。{long}</p>
<table border="1"><tr><th>单位</th><th>职责</th></tr><tr><td><p>甲局</p></td><td>检查</td></tr></table>
<p style="text-align:right">某市人民政府<br>2021年12月2日</p></div>
<p>附件：<a href="a.doc">附件1 检查表</a></p></div>
<div class="related"><h3>相关阅读</h3><ul><li><a href="4">某市召开会议部署燃气安全工作</a></li></ul></div>
<div class="footer">版权所有：某市人民政府办公室 ICP备12345678号</div>
</body></html>"""


def page(charset: str = "utf-8") -> str:
    return PAGE.format(charset=charset, long=LONG)


def read_page(source: str) -> Document:
    document = read(source.encode(), filename="页.html")
    assert_nothing_is_lost(document)
    return document


def content(document: Document) -> list[str]:
    return [passage.span.of(document.text) for passage in document.passages]


def test_the_main_text_is_content_and_the_rest_is_marked() -> None:
    document = read_page(page())
    assert content(document) == [
        "关于加强燃气安全管理的通知",
        "某政发〔2021〕5号",
        "各区人民政府：",
        LONG,
        f"一、提高认识。{LONG}",
        "单位\t职责",
        "甲局\t检查",
        "某市人民政府",
        "2021年12月2日",
        "附件：附件1 检查表",
    ]
    assert document.title == "关于加强燃气安全管理的通知"
    assert document.metadata.doc_number and document.metadata.doc_number.value == "某政发〔2021〕5号"
    marked = [mark.span.of(document.text) for mark in document.marks]
    assert "网站首页 | 政务公开 | 互动交流" in marked
    assert "某市召开会议部署燃气安全工作" in marked
    assert "不是正文" not in document.text


@pytest.mark.parametrize(
    ("said", "encoding"), [("gb2312", "gb18030"), ("utf-8", "gb18030"), ("gb2312", "utf-8")]
)
def test_the_encoding_is_what_the_bytes_are_whatever_the_page_says(said: str, encoding: str) -> None:
    document = read(page(said).encode(encoding), filename="页.htm")
    assert (document.encoding, document.title) == (encoding, "关于加强燃气安全管理的通知")


def test_a_page_in_big5_that_says_so_is_read() -> None:
    source = (
        "<html><head><meta charset=big5></head><body><p>燃氣領域的要求與處罰，應當遵守。</p></body></html>"
    )
    document = read(source.encode("big5"), filename="頁.html")
    assert (document.text, document.encoding) == ("燃氣領域的要求與處罰，應當遵守。\n", "big5")


def test_a_page_that_a_website_calls_doc_is_read_as_a_page() -> None:
    assert read(page().encode(), filename="通知.doc").title == "关于加强燃气安全管理的通知"
    assert read(b"<div><p>\xe7\x87\x83\xe6\xb0\x94</p></div>", filename="a.doc").text == "燃气\n"


def test_an_ordered_list_brings_its_numbers_and_none_twice() -> None:
    document = read_page(
        "<html><body><ol start=2><li>检查</li><li>整改</li></ol><ol><li>1. 上报</li></ol>"
        "<ol style='list-style-type: cjk-ideographic'><li>总则</li></ol></body></html>"
    )
    assert document.text.splitlines() == ["2. 检查", "3. 整改", "1. 上报", "一、总则"]


def test_wrapped_source_makes_no_blanks_between_chinese_and_blanks_stay_between_words() -> None:
    document = read_page(
        "<html><body><p>燃气\n   安全 GB\n 50028 标准<b>全文</b></p><pre>甲\n乙</pre></body></html>"
    )
    assert document.text.splitlines() == ["燃气安全 GB 50028 标准全文", "甲", "乙"]


def test_an_old_page_laid_out_with_tables_is_read() -> None:
    document = read_page(
        "<html><body><table><tr><td><a href=1>首页</a><br><a href=2>新闻</a></td><td><table><tr><td>"
        f"<p>{LONG}</p><p>{LONG}</p></td></tr></table></td></tr></table></body></html>"
    )
    assert content(document) == [LONG, LONG]


def test_a_title_in_a_table_of_its_own_above_the_text_is_content() -> None:
    document = read_page(
        "<html><head><title>某区信息公开</title></head><body><table><tbody><tr><td class=left><table><tbody>"
        "<tr><td><img src=1.gif>&nbsp;<a href='../rsrc/'>人事人才</a></td></tr><tr><td><a href='../jypx/'>教育培训</a></td></tr>"
        "</tbody></table></td><td width=756><table><tbody><tr><td>当前位置：<a href='/'>首页</a>&nbsp;&gt;&nbsp;"
        "<a href='../'>土地</a></td></tr></tbody></table><table><tbody><tr><td align=center>某政储出【2017】14号使用权"
        "挂牌出让公告</td></tr></tbody></table><table><tbody><tr><td>发布时间：2017-08-02    来源：国土分局&nbsp;"
        "点击率：<span>1575</span></td></tr></tbody></table><table><tbody><tr><td><div class=TRS_Editor><style>P{}</style>"
        f"<p><span>&nbsp;&nbsp;&nbsp; {LONG}<br><span>&nbsp;&nbsp; 一、指标概况：</span></span></p><table><tbody><tr><td>"
        "<p><span>地块</span><span>&nbsp;</span><span>编号<o:p></o:p></span></p></td><td><p>用途</p></td></tr><tr><td>甲</td>"
        f"<td>住宅</td></tr></tbody></table><p>{LONG}</p></div></td></tr></tbody></table></td></tr></tbody></table></body></html>"
    )
    assert content(document) == [
        "某政储出【2017】14号使用权挂牌出让公告",
        LONG,
        "一、指标概况：",
        "地块\xa0编号\t用途",
        "甲\t住宅",
        LONG,
    ]


def test_hidden_parts_are_left_out() -> None:
    assert (
        read_page("<html><body><p style='display: none'>密</p><p hidden>密</p><p>明</p></body></html>").text
        == "明\n"
    )


def test_a_page_saved_as_one_file_is_read() -> None:
    from email.message import EmailMessage

    message = EmailMessage()
    message.make_related()
    message.add_related(page(), subtype="html")
    message.add_related(b"\x89PNG", maintype="image", subtype="png")
    assert read(bytes(message), filename="页.mht").title == "关于加强燃气安全管理的通知"


def test_a_page_nested_a_million_deep_is_refused() -> None:
    with pytest.raises(UnreadableDocument, match=r"“深\.html”"):
        read(b"<html><body>" + b"<div>" * 1_000_000 + "正文".encode(), filename="深.html")


def test_a_page_that_shows_nothing_is_refused() -> None:
    with pytest.raises(EmptyText):
        read(b"<html><body><script>load()</script></body></html>", filename="a.html")
