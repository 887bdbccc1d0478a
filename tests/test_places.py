"""Questions about numbered places, alone and in a dialogue, answered from the outlines of the documents."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from embeddings import Collection, load_embedder, open_collection, parse_filters, read
from embeddings.place_questions import read_place_question
from embeddings.terms import fold

LAW = """安全生产法

第一章 总则

第一条 为了加强安全生产工作，制定本法。

第二条 安全生产工作坚持中国共产党的领导。

第二章 保障

第三条 生产经营单位的主要负责人负有下列职责：
（一）建立责任制；
（二）组织培训；
（三）保证投入的有效实施。
主要负责人应当每年报告一次。

第四条 生产经营单位应当设置管理机构。
"""


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory, seed_files: list[Path]) -> Iterator[Collection]:
    collection = open_collection(tmp_path_factory.mktemp("places"), "default", load_embedder())
    collection.add([read(path.read_bytes(), filename=path.name) for path in seed_files])
    collection.add([read(LAW.encode(), filename="安全生产法.txt")])
    yield collection
    collection.close()


def first(collection: Collection, question: str, *history: str) -> str:
    hits = collection.search(question, history=history)
    return hits[0].quote if hits else ""


@pytest.mark.parametrize(
    ("question", "beginning", "end"),
    [
        ("亓伟讲话的第四点讲了什么", "四要落实好值班制度", "把事故损失降到最低。"),
        ("2021年12月2日讲话最后一点是什么", "四要落实好值班制度", "把事故损失降到最低。"),
        ("亓伟讲话倒数第二点", "三要聚焦重点领域", "各类生产安全事故的发生。"),
        ("第二项议程是什么", "下面，进行第二项议程。", "重点工作情况。"),
        ("会议有几项议程", "今天的会议共有五项议程。", "今天的会议共有五项议程。"),
        ("会议的议程是什么", "今天的会议共有五项议程。", "部署全区安全生产工作。"),
        ("五个转变是哪些", "在认真做好日常监管工作", "向健全“责任网络”转变。"),
        ("电视电话会议讲话第二部分第三点", "三是深入开展安全生产对话谈心活动", "认真抓好贯彻落实。"),
        ("亓偉講話的第２點", "二要明确职责定位", "做好整改督导工作。"),
        ("三点感受是什么", "听完张维宁副省长的重要讲话", "放在基础工作上。"),
        ("三是强化责任追究讲了什么", "三是强化责任追究。", "保持安全生产高压态势。"),
        ("安全生产法第二条", "第二条 安全生产工作", "领导。"),
        ("《安全生产法》第三条第二款怎么规定", "主要负责人应当每年", "报告一次。"),
        ("安全生产法第三条第（二）项", "（二）组织培训", "组织培训；"),
        ("安全生产法最后一条", "第四条 生产经营单位", "管理机构。"),
        ("安全生产法第二章讲什么", "第二章 保障", "管理机构。"),
        ("安全生产法有几章", "第一章 总则", "第二章 保障"),
    ],
)
def test_a_place_is_told_as_it_stands(
    collection: Collection, question: str, beginning: str, end: str
) -> None:
    hit = collection.search(question)[0]
    assert hit.quote.startswith(beginning)
    assert hit.quote.endswith(end)
    text = collection.document(hit.source.document_id).text
    assert (hit.quote_span.of(text), hit.passage_span.of(text)) == (hit.quote, hit.passage)
    assert hit.quote in hit.passage
    assert hit.why.is_place


@pytest.mark.parametrize(
    ("history", "question", "beginning"),
    [
        (["燃气领域要求"], "第四点呢", "四要落实好值班制度"),
        (["亓伟讲了哪几点"], "第二个问题呢", "二要明确职责定位"),
        (["亓伟讲了哪几点", "第二点呢"], "下一点", "三要聚焦重点领域"),
        (["亓伟讲了哪几点", "第二点呢", "下一点"], "上一条呢", "二要明确职责定位"),
        (["亓伟讲话的第一点"], "还有呢", "二要明确职责定位"),
        (["有几项议程", "第三项呢"], "下一项", "下面，进行第四项议程。"),
        (["四点意见是什么", "第二点呢"], "其中第二点", "二是执法执纪不严。"),
        (["自建房倒塌在哪里"], "这个讲话一共讲了几点", "下面，我再强调五点意见"),
        (["燃气领域要求"], "具体内容", "要盯紧化工、建设、交通"),
        (["亓伟讲话第三点"], "具体内容", "三要聚焦重点领域"),
        (["安全生产法第三条"], "第二款呢", "主要负责人应当每年"),
        (["安全生产法第三条", "第（二）项呢"], "下一项", "（三）保证投入"),
    ],
)
def test_a_dialogue_goes_on_from_the_answer_before(
    collection: Collection, history: list[str], question: str, beginning: str
) -> None:
    assert first(collection, question, *history).startswith(beginning)


def test_of_a_list_every_head_is_told(collection: Collection) -> None:
    quotes = [hit.quote for hit in collection.search("五个转变是哪些", top_k=10)]
    assert len(quotes) == 5
    assert all("转变。" in quote for quote in quotes)


def test_two_places_asked_for_are_both_told(collection: Collection) -> None:
    hits = collection.search("亓伟讲话第一点和第三点")
    assert [hit.quote[:2] for hit in hits] == ["一要", "三要"]


def test_where_no_document_is_named_each_that_has_the_place_tells_it(collection: Collection) -> None:
    hits = collection.search("第四点讲了什么")
    assert {hit.source.filename[:3] for hit in hits} == {"000", "001", "003", "004"}
    assert all(hit.quote.startswith("四") for hit in hits)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_a_place_that_there_is_not_is_not_made_up(collection: Collection) -> None:
    assert collection.search("第九点呢", history=["亓伟讲了哪几点"]) == []


def test_a_filter_holds_for_places_too(collection: Collection) -> None:
    hits = collection.search("第四点讲了什么", filter=parse_filters({"speaker": "亓伟"}))
    assert [hit.source.speaker for hit in hits] == ["亓伟"]


def test_no_more_hits_than_asked_for_and_none_below_the_score(collection: Collection) -> None:
    assert len(collection.search("第四点讲了什么", top_k=2)) == 2
    assert collection.search("第四点讲了什么", min_score=0.99) == []


@pytest.mark.parametrize("earlier", ["", "？？", "燃气" * 2_000, "\x00", "消防要求" * 490])
def test_whatever_was_said_before_a_question_is_answered(collection: Collection, earlier: str) -> None:
    for question in ("燃气领域要求", "那消防呢", "第四点呢", "还有呢", "这个谁负责"):
        collection.search(question, history=[earlier])


@pytest.mark.parametrize(
    "question",
    [
        "谁是安全生产第一责任人",
        "第四条生产线什么时候投产",
        "每个镇配几个安全助理",
        "城市公共设施单元重大事故风险在全市排第几",
        "燃气领域有哪些要求",
        "一季度通报了什么",
    ],
)
def test_what_only_counts_something_is_no_place(collection: Collection, question: str) -> None:
    assert not any(hit.why.is_place for hit in collection.search(question, min_score=0))


def test_a_long_text_asks_for_no_place() -> None:
    assert read_place_question(fold("第三点，" * 40)) is None


def test_a_dialogue_of_any_length_is_followed(collection: Collection) -> None:
    history = ["亓伟讲话的第一点", *["下一点"] * 40]
    assert collection.search("下一点", history=history) == []
    assert collection.search("亓伟讲话的第一点", history=["第九点燃气呢"] * 40)[0].why.is_place
