"""What follows from what a provision says comes first where a question asks that."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from api.answering import answer_with_quotes
from embeddings import Collection, load_embedder, open_collection, read

REGULATION = """某市消防管理条例
第一章 总则
第一条 为了预防火灾，制定本条例。
第二章 消防安全
第十条 居民不得遮挡消火栓。
物业服务人不得停用自动喷水灭火系统。
第十一条 商场应当遵守下列规定：
（一）营业期间不得锁闭安全出口；
（二）每月开展一次灭火演练；
（三）不得使用彩钢板搭建仓库。
第十二条 养殖场不得在圈舍使用明火取暖。
有前款行为的，由乡镇人民政府责令改正，处二百元罚款。
第十三条 学校应当每学期组织疏散演练。
第十四条 任何人不得在加油站吸烟。
第十五条 宾馆应当配备逃生面罩。
第十六条 居民不得饲养烈性犬。
第十七条 居民携带犬只出户应当束犬链；未束犬链的，不得进入公园。
第三章 法律责任
第二十条 违反本条例第十条第一款规定的，处五百元罚款；违反本条例第十条第二款规定的，由消防救援机构责令改正，处三万元罚款。
第二十一条 违反本条例第十一条第一项、第三项规定的，由消防救援机构责令停业。拒不改正的，处六万元罚款。
第二十二条 违反《教育法》第十三条规定的，处九千元罚款。
第二十三条 单位有下列情形之一的，处一万元以上五万元以下罚款：
（一）擅自拆除防火门的；
（二）违反第十四条至第十五条规定的。
单位应当每年公布整改台账。
第二十四条 个人有下列行为之一的，处一千元罚款：（一）谎报火警的；（二）在阳台焚烧杂物的。
第二十五条 储存可燃物的仓库不符合消防标准的，由消防救援机构责令限期改正；逾期不改正的，按照下列规定处罚：
（一）不足一千平方米的，处一万元罚款；
（二）一千平方米以上的，处三万元罚款。
第二十六条 在楼道停放电动自行车，堵塞疏散通道的，由消防救援机构责令立即改正，并将有关情况通报其所在的居民委员会、村民委员会。拒不改正的，处八百元罚款。
第二十七条 违反本条例第十六条规定，饲养烈性犬的，或者违反本条例第十七条规定，携带犬只出户未束犬链的，处七千元罚款。
"""


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collection]:
    collection = open_collection(tmp_path_factory.mktemp("consequences"), "default", load_embedder())
    collection.add([read(REGULATION.encode(), filename="条例.txt")])
    yield collection
    collection.close()


@pytest.mark.parametrize(
    ("question", "quotes"),
    [
        ("擅自拆除防火门罚多少钱", ["第二十三条 单位有下列情形之一的", "（一）擅自拆除防火门"]),
        ("遮挡消火栓罚多少钱", ["第二十条 违反本条例第十条第一款", "第十条 居民不得遮挡"]),
        ("物业停用自动喷水灭火系统怎么处罚", ["第二十条 违反本条例第十条第一款", "物业服务人不得停用"]),
        ("商场营业期间锁闭安全出口罚多少", ["第二十一条 违反本条例第十一条第一项", "（一）营业期间"]),
        ("商场用彩钢板搭建仓库会有什么后果", ["第二十一条 违反本条例第十一条第一项", "（三）不得使用彩钢板"]),
        ("养殖场圈舍使用明火取暖罚多少", ["有前款行为的", "第十二条 养殖场"]),
        (
            "在加油站吸烟罚多少钱",
            ["第二十三条 单位有下列情形之一的", "（二）违反第十四条", "第十四条 任何人"],
        ),
        ("违反规定饲养烈性犬的处多少罚款", ["第二十七条 违反本条例第十六条", "第十六条 居民"]),
        ("携带犬只出户未束犬链的处多少罚款", ["第二十七条 违反本条例第十六条", "第十七条 居民"]),
    ],
)
def test_what_follows_comes_before_what_it_follows_from(
    collection: Collection, question: str, quotes: list[str]
) -> None:
    hits = collection.search(question, min_score=0)
    assert [hit.quote[: len(quote)] for hit, quote in zip(hits, quotes, strict=False)] == quotes
    *told, cause = hits[: len(quotes)]
    assert all(hit.why.is_consequence and hit.score == cause.score for hit in told)
    assert not cause.why.is_consequence
    assert len({hit.passage_span for hit in hits}) == len(hits)
    for hit in hits:
        assert REGULATION[slice(*hit.quote_span)] == hit.quote
        assert REGULATION[slice(*hit.passage_span)] == hit.passage
    answer = answer_with_quotes(question, hits, collection)
    assert [hit.quote_span for hit in answer.cited] == [hit.quote_span for hit in hits[: len(quotes)]]


@pytest.mark.parametrize(
    ("question", "fine"),
    [
        ("商场营业期间锁闭安全出口罚多少", "拒不改正的，处六万元罚款。"),
        ("在楼道停放电动自行车罚多少", "拒不改正的，处八百元罚款。"),
        ("储存可燃物的仓库不符合消防标准罚多少", "（二）一千平方米以上的，处三万元罚款。"),
    ],
)
def test_a_quote_runs_on_to_the_fine(collection: Collection, question: str, fine: str) -> None:
    hits = collection.search(question, min_score=0)
    first = hits[0]
    assert fine in answer_with_quotes(question, hits, collection).text
    assert first.quote.startswith("第二十")
    assert first.quote.endswith(fine)
    assert REGULATION[slice(*first.quote_span)] == first.quote


def test_the_item_of_a_list_in_one_paragraph_is_quoted_from_where_it_opens(collection: Collection) -> None:
    first = collection.search("在阳台焚烧杂物罚多少", min_score=0)[0]
    assert first.quote == (
        "第二十四条 个人有下列行为之一的，处一千元罚款：（一）谎报火警的；（二）在阳台焚烧杂物的。"
    )


@pytest.mark.parametrize(
    "question",
    [
        "擅自拆除防火门",
        "商场多久开展一次灭火演练",
        "商场不开展灭火演练罚多少",
        "学校不组织疏散演练罚多少",
        "谎报火警罚多少",
        "单位不公布整改台账罚多少",
    ],
)
def test_nothing_is_put_first_where_nothing_is_asked_for_or_follows(
    collection: Collection, question: str
) -> None:
    hits = collection.search(question, min_score=0)
    assert hits and not any(hit.why.is_consequence for hit in hits)


def test_a_pasted_paragraph_asks_nothing(collection: Collection) -> None:
    pasted = f"居民不得遮挡消火栓，违反的会怎么处罚，罚多少。{'物业服务人不得停用自动喷水灭火系统。' * 10}"
    assert not any(hit.why.is_consequence for hit in collection.search(pasted, min_score=0))


def test_the_best_alone_is_what_follows(collection: Collection) -> None:
    hits = collection.search("遮挡消火栓罚多少钱", min_score=0, top_k=1)
    assert [hit.quote[:4] for hit in hits] == ["第二十条"]
    assert answer_with_quotes("遮挡消火栓罚多少钱", hits, collection).cited == tuple(hits)


def test_the_newest_first_are_left_in_their_order(collection: Collection) -> None:
    hits = collection.search("遮挡消火栓罚多少钱", newest_first=True)
    assert not any(hit.why.is_consequence for hit in hits)


@pytest.mark.parametrize("question", ["那会被罚多少钱", "怎么罚", "罚款多少", "会被处罚吗"])
def test_a_follow_up_asks_what_follows(collection: Collection, question: str) -> None:
    first, cause, *_ = collection.search(question, history=["居民遮挡消火栓可以吗"])
    assert first.why.is_consequence and first.quote.startswith("第二十条")
    assert cause.quote == "第十条 居民不得遮挡消火栓。"


def test_with_what_follows_a_hit_is_the_likelier_answer(collection: Collection) -> None:
    question = "遮挡消火栓会被罚多少钱"
    first, cause, *_ = collection.search(question)
    assert first.score == cause.score > 0.2
    assert collection.search(question, min_score=0.99) == []


def test_what_opens_a_list_tells_the_amount_for_its_items_and_counts_once(collection: Collection) -> None:
    fine, cause, *_ = collection.search("拆除防火门罚多少")
    assert fine.why.is_consequence and cause.quote == "（一）擅自拆除防火门的；"
    elsewhere, item, *_ = collection.search("拆除旧仓库的墙罚多少", min_score=0)
    assert elsewhere.why.is_consequence and item.quote == "（一）擅自拆除防火门的；"
    assert elsewhere.score < 0.5 * fine.score


def test_where_nothing_says_what_follows_there_is_no_answer(collection: Collection) -> None:
    assert (
        collection.search("学校应当每学期组织疏散演练吗")[0].quote == "第十三条 学校应当每学期组织疏散演练。"
    )
    assert collection.search("学校不组织疏散演练罚多少") == []


def test_of_copies_the_one_is_told_that_has_what_follows(tmp_path: Path) -> None:
    question = "遮挡消火栓会被罚多少钱"
    excerpt = REGULATION[: REGULATION.index("第三章")]
    with closing(open_collection(tmp_path, "default", load_embedder())) as collection:
        collection.add([read(excerpt.encode(), filename="摘录.txt")])
        (alone,) = collection.search(question, min_score=0, top_k=1)
        collection.add([read(REGULATION.encode(), filename="条例.txt")])
        first, cause, *_ = collection.search(question, min_score=0)
    assert first.why.is_consequence and not alone.why.is_consequence
    assert first.score == cause.score > alone.score
    assert [hit.source.filename for hit in (first, cause)] == ["条例.txt", "条例.txt"]
    assert [copy.source.filename for copy in cause.also_in] == ["摘录.txt"]
    assert REGULATION[slice(*cause.quote_span)] == cause.quote == alone.quote


def test_endless_lines_of_citations_are_read_as_far_as_is_reasonable(tmp_path: Path) -> None:
    text = (
        "某市消防规定\n第十条 居民不得遮挡消火栓。\n第二十条 "
        + "违反第十条第"
        + "一" * 50_000
        + "、"
        + "违反第十条，" * 50_000
        + "处五百元罚款。\n"
    )
    with closing(open_collection(tmp_path, "default", load_embedder())) as collection:
        collection.add([read(text.encode(), filename="规定.txt")])
        hits = collection.search("遮挡消火栓罚多少", min_score=0)
    assert "第十条 居民不得遮挡消火栓。" in [hit.quote for hit in hits]
    assert all(text[slice(*hit.quote_span)] == hit.quote for hit in hits)
