"""What is read from the text of an official document."""

from pathlib import Path

import pytest

from embeddings.readers import read
from embeddings.splitting import split_sentences
from embeddings.types import Document, Span


def read_text(text: str) -> Document:
    return read(text.encode(), filename="公文.txt")


def seed(seed_files: list[Path], number: str) -> Document:
    path = next(path for path in seed_files if path.name.startswith(number))
    return read(path.read_bytes(), filename=path.name)


def paths(document: Document) -> list[str]:
    return [" → ".join(document.outline_path(heading.span.start)) for heading in document.outline]


def assert_nothing_is_lost(document: Document) -> None:
    """Passages and marks hold every character that is not white space, each once; segments fill passages."""
    text = document.text
    ranges = sorted([p.span for p in document.passages] + [m.span for m in document.marks])
    position = 0
    for span in ranges:
        assert position <= span.start < span.end
        assert not text[position : span.start].strip()
        position = span.end
    assert not text[position:].strip()
    for passage in document.passages:
        assert_fills([segment.span for segment in passage.segments], passage.span, text)
        sentences = split_sentences(text, passage.span, {h.span.start for h in document.outline})
        assert_fills(sentences, passage.span, text)
        starts, ends = {s.start for s in sentences}, {s.end for s in sentences}
        assert all(g.span.start in starts and g.span.end in ends for g in passage.segments)


def assert_fills(parts: list[Span], whole: Span, text: str) -> None:
    position = whole.start
    for part in parts:
        assert not text[position : part.start].strip()
        assert position <= part.start < part.end <= whole.end
        position = part.end
    assert not text[position : whole.end].strip()


def test_nothing_of_a_seed_is_lost(seed_files: list[Path]) -> None:
    assert len(seed_files) == 5
    for path in seed_files:
        document = read(path.read_bytes(), filename=path.name)
        assert document.text.encode() == path.read_bytes()
        assert_nothing_is_lost(document)


def test_nothing_of_200_laws_is_lost(laws: list[tuple[str, str]]) -> None:
    assert len(laws) == 200
    for title, text in laws:
        assert_nothing_is_lost(read(text.encode(), filename=f"{title}.md"))


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r", "\n\n", "\u2028", "\x0c"])
def test_line_ends_of_every_kind_keep_offsets_true(line_end: str) -> None:
    text = line_end.join(["通知标题", "一、第一部分", "甲要求𠀀。", "二、第二部分", "乙要求。", ""])
    document = read_text(text)
    assert document.text == text
    assert [p.span.of(text) for p in document.passages] == [t for t in text.split(line_end) if t]
    assert_nothing_is_lost(document)


def test_the_outline_of_a_speech_with_numbered_lines(seed_files: list[Path]) -> None:
    document = seed(seed_files, "003")
    assert paths(document)[-3:] == [
        "四、压实安全责任，强化工作落实 → 一是要压实安全生产责任",
        "四、压实安全责任，强化工作落实 → 二是要强化巩固提升",
        "四、压实安全责任，强化工作落实 → 三是加强督促检查",
    ]


def test_lists_inside_one_paragraph_are_read(seed_files: list[Path]) -> None:
    document = seed(seed_files, "001")
    assert [path[:10] for path in paths(document)] == [
        "一是抓好责任落实,由",
        "二是狠抓源头治理,将",
        "三是不断加大执法力度",
        "四是强化县、镇两级安",
        "五是大力发展安全科技",
        "一是进一步压实各级各",
        "二是进一步做实风险防",
        "三是进一步夯实基层基",
    ]


def test_a_list_inside_an_item_of_the_same_kind_is_nested_and_ends_with_its_topic(
    seed_files: list[Path],
) -> None:
    document = seed(seed_files, "002")
    pipelines = document.text.index("油气管线安全监管方面。")
    assert document.outline_path(pipelines) == (
        "二、要切实做好安全生产各项工作",
        "二是强化重点行业领域专项整治",
    )
    drill = document.text.index("一是集中组织开展消防安全警示教育活动")
    assert document.outline_path(drill)[2] == "一是集中组织开展消防安全警示教育活动"
    talks = document.text.index("三是深入开展安全生产对话谈心活动")
    assert document.outline_path(talks) == (
        "二、要切实做好安全生产各项工作",
        "三是深入开展安全生产对话谈心活动",
    )


def test_the_closing_words_belong_to_no_numbered_place(seed_files: list[Path]) -> None:
    for number, words in [
        ("000", "同志们，安全生产大于天"),
        ("004", "总之，大家要"),
        ("003", "今天的会议就到这里"),
    ]:
        document = seed(seed_files, number)
        assert document.outline_path(document.text.index(words)) == ()


def test_headings_of_every_kind_make_a_tree() -> None:
    document = read_text(
        "实施方案\n第一章 总则\n一、工作目标\n（一）近期目标\n1.完善制度。\n（1）修订办法。\n（2）印发通知。\n2.落实责任。\n（二）远期目标\n建成体系。\n二、工作要求\n加强领导。\n第二章 附则\n自印发之日起施行。"
    )
    assert [(h.level, h.span.of(document.text)) for h in document.outline] == [
        (1, "第一章 总则"),
        (2, "一、工作目标"),
        (3, "（一）近期目标"),
        (4, "1.完善制度"),
        (5, "（1）修订办法"),
        (5, "（2）印发通知"),
        (4, "2.落实责任"),
        (3, "（二）远期目标"),
        (2, "二、工作要求"),
        (1, "第二章 附则"),
    ]


def test_articles_of_a_law_stand_under_their_chapter() -> None:
    document = read_text(
        "# 燃气管理条例\n\n## 第一章 总则\n\n第一条 为了加强管理，制定本条例。\n\n第二条 本条例适用于：\n\n（一）生产；\n\n（二）经营。\n\n第三条 依照第二条的规定办理。"
    )
    assert document.title == "燃气管理条例"
    assert document.outline_path(document.text.index("（二）经营")) == ("第一章 总则", "第二条", "（二）经营")
    assert document.outline_path(document.text.index("依照")) == ("第一章 总则", "第三条")


def test_a_phrase_that_only_looks_like_a_list_is_none() -> None:
    document = read_text("讲话稿\n一要素齐全。二是不是都到了，大家想一想。一是一，二是二。第一，我没有说过。")
    assert document.outline == ()


def test_a_segment_starts_anew_at_each_topic(seed_files: list[Path]) -> None:
    document = seed(seed_files, "004")
    passage = next(p for p in document.passages if "燃气领域，" in p.span.of(document.text))
    topics = [segment.topic.of(document.text) for segment in passage.segments if segment.topic]
    assert topics == ["危化品领域", "道路交通领域", "建筑施工领域", "消防领域", "燃气领域"]


def test_a_topic_that_stands_alone_belongs_to_its_first_sentence(seed_files: list[Path]) -> None:
    text = seed(seed_files, "002").text
    start = text.index("特种设备安全监管方面。")
    assert (
        split_sentences(text, Span(start, start + 60))[0]
        .of(text)
        .startswith("特种设备安全监管方面。质监部门")
    )


LISTS = """某市消防条例
现将有关事项通知如下：
一、总的要求。
第五条 违反本条例，有下列行为之一的，由消防部门责令改正，处五千元以下罚款：
（一）占用消防通道的；
（二）有下列情形的：
1．堵塞出口；
2．损坏器材；
（三）拒不改正的。
有前款行为的，从重处罚。
（四）在后的另一段。
第六条 居民应当做到：（一）按时检查；（二）及时维修。
"""


def test_the_items_of_a_list_stand_under_what_opens_it() -> None:
    document = read_text(LISTS)
    topics = {
        segment.span.of(document.text): segment.topic.of(document.text) if segment.topic else None
        for passage in document.passages
        for segment in passage.segments
    }
    lead = "第五条 违反本条例，有下列行为之一的，由消防部门责令改正，处五千元以下罚款："
    assert topics["（一）占用消防通道的；"] == topics["（三）拒不改正的。"] == lead
    assert topics["1．堵塞出口；"] == topics["2．损坏器材；"] == "（二）有下列情形的："
    assert topics["（二）及时维修。"] == "第六条 居民应当做到："
    assert topics["有前款行为的，从重处罚。"] is None
    assert topics["一、总的要求。"] is None
    assert topics[lead] is None


def test_a_lead_in_begins_where_it_announces_the_list() -> None:
    document = read_text(
        "第五条 应当检查。违反规定，有下列行为之一的，处五千元罚款；情节严重的，吊销许可证；构成犯罪的，追究刑事责任：\n"
        f"（一）占用通道的；\n没有改正；处一万元罚款：\n（1）再犯的。\n{'很' * 300}处五千元罚款：\n（一）有的；\n"
    )
    topics = [s.topic.of(document.text) for p in document.passages for s in p.segments if s.topic]
    assert topics[:2] == [
        "违反规定，有下列行为之一的，处五千元罚款；情节严重的，吊销许可证；构成犯罪的，追究刑事责任：",
        "处一万元罚款：",
    ]
    assert topics[2].endswith("很处五千元罚款：") and 200 < len(topics[2]) < 250


def test_a_semicolon_in_a_short_sentence_and_a_stop_in_brackets_end_no_sentence() -> None:
    text = "落实“三管三必须”(管行业；管业务。管生产)；压实责任。加强检查！"
    assert [s.of(text) for s in split_sentences(text, Span(0, len(text)))] == [
        "落实“三管三必须”(管行业；管业务。管生产)；压实责任。",
        "加强检查！",
    ]


def test_what_a_forum_put_around_a_speech_is_marked(seed_files: list[Path]) -> None:
    document = seed(seed_files, "001")
    content = "\n".join(passage.span.of(document.text) for passage in document.passages)
    for junk in [
        "复制链接",
        "跳转到",
        "回复",
        "使用道具",
        "ICP",
        "Discuz",
        "热搜",
        "QQ空间",
        "转载",
        "[领导讲话]",
        "GMT",
    ]:
        assert junk not in content
    assert content.startswith("某市在全省安全生产工作会议上的发言\n近年来")
    assert content.endswith("作出应有的贡献!")
    assert {mark.reason for mark in document.marks} == {"chrome"}


def test_menu_words_in_a_document_that_is_no_web_page_are_content() -> None:
    document = read_text("关于回复群众来信的通知\n回复\n各单位要及时回复群众来信，不得转载网络信息。")
    assert not document.marks
    assert len(document.passages) == 3


def test_separators_and_salutations_are_marked(seed_files: list[Path]) -> None:
    document = seed(seed_files, "003")
    assert [mark.reason for mark in document.marks] == ["salutation"] + ["separator"] * 4


def test_the_letterhead_of_a_speech_is_read(seed_files: list[Path]) -> None:
    document = seed(seed_files, "004")
    metadata = document.metadata
    assert document.title == "区委副书记、区长亓伟在全区安全生产工作会上的讲话"
    assert metadata.issuer and metadata.issuer.value == "天桥区政府办公室" == metadata.issuer.span.of(
        document.text
    )
    assert metadata.speaker and metadata.speaker.value == "亓伟"
    assert metadata.date and metadata.date.value == "2021-12-02"
    assert metadata.date.span.of(document.text) == "2021-12-02"


def test_digits_of_every_width_are_numbers() -> None:
    document = read_text("计划\n（１）制定方案。\n（２）组织实施。\n２０２１年３月１日")
    assert [heading.number for heading in document.outline] == [1, 2]
    assert document.metadata.date and document.metadata.date.value == "2021-03-01"


def test_the_name_of_the_speaker_alone_is_no_passage(seed_files: list[Path]) -> None:
    document = seed(seed_files, "004")
    assert ("亓  伟", "speaker") in [(m.span.of(document.text), m.reason) for m in document.marks]
    assert all(passage.span.of(document.text) != "亓  伟" for passage in document.passages)


def test_the_letterhead_of_a_notice_is_read() -> None:
    document = read_text(
        "天桥区人民政府文件\n天政发〔2021〕14号\n关于加强燃气安全管理的通知\n各街道办事处：\n现就有关事项通知如下。\n特此通知。\n天桥区人民政府\n二〇二一年十二月二日"
    )
    metadata = document.metadata
    assert document.title == "关于加强燃气安全管理的通知"
    assert metadata.doc_number and metadata.doc_number.value == "天政发〔2021〕14号"
    assert metadata.issuer and metadata.issuer.value == "天桥区人民政府"
    assert metadata.date and metadata.date.value == "2021-12-02"


def test_a_document_without_letterhead_claims_none() -> None:
    metadata = read_text("今天开会，主要讲三点。\n大家要抓好2021年13月45日之前的落实。").metadata
    assert (metadata.title, metadata.doc_number, metadata.issuer, metadata.speaker, metadata.date) == (
        None,
    ) * 5
