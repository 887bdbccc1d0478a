"""What says nothing alone is told with what it belongs to."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from api.answering import answer_with_quotes
from embeddings import Collection, load_embedder, open_collection, read

REGULATION = """某市电梯安全条例
第一条 为了保障电梯安全，制定本条例。
第五条 乘坐电梯应当遵守下列规定：
（一）不得嬉戏打闹；
（二）不得倚靠层门；
（三）不得超载运行。
乘客违反前款规定的，管理人员应当劝阻。
第六条 办理电梯使用登记，应当自投入使用之日起三十日内提出申请，并提交下列材料：
（一）使用登记表；
（二）含有下列内容的合同：
1．维护保养期限；
2．应急救援电话；
（三）监督检验报告。
第七条 对下列电梯实施重点检查：
（一）学校的电梯；
（二）医院的电梯；
（三）使用超过十五年、按照规定应当重点检查的其他电梯。
第八条 电梯档案应当记载下列事项："""
REGULATION += "".join(
    f"\n（{n}）第{n}类零部件的制造、安装、改造、修理和更换记录以及相应的照片资料；"
    for n in "一二三四五六七八九十"
)
REGULATION += "".join(
    f"\n（十{n}）第十{n}类零部件的制造、安装、改造、修理和更换记录以及相应的照片资料；"
    for n in "一二三四五六七八九"
)
REGULATION += """
第九条 本市电梯安全的年度目标是：

每百台电梯的困人故障少于三次。监督检验合格率不低于百分之九十九。
第十条 本条例自公布之日起施行。
"""


def _opened(folder: Path, text: str) -> Iterator[Collection]:
    with closing(open_collection(folder, "default", load_embedder())) as collection:
        collection.add([read(text.encode(), filename="条例.txt")])
        yield collection


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collection]:
    yield from _opened(tmp_path_factory.mktemp("lists"), REGULATION)


@pytest.mark.parametrize(
    ("question", "begins", "ends"),
    [
        ("乘坐电梯应当遵守什么规定", "第五条 乘坐电梯", "（三）不得超载运行。"),
        ("办理电梯使用登记要什么材料", "第六条 办理电梯", "（三）监督检验报告。"),
        ("哪些电梯要重点检查", "第七条 对下列电梯", "应当重点检查的其他电梯。"),
    ],
)
def test_a_list_is_quoted_whole(collection: Collection, question: str, begins: str, ends: str) -> None:
    first, *others = collection.search(question, min_score=0)
    assert first.quote.startswith(begins)
    assert first.quote.endswith(ends)
    assert REGULATION[slice(*first.quote_span)] == first.quote
    assert REGULATION[slice(*first.passage_span)] == first.passage
    assert first.quote in first.passage
    assert not any(
        first.passage_span.start <= hit.passage_span.start < first.passage_span.end for hit in others
    )
    assert [hit.rank for hit in others] == list(range(2, len(others) + 2))


def test_a_long_list_is_quoted_as_far_as_it_is_not_too_long(collection: Collection) -> None:
    quote = collection.search("电梯档案应当记载哪些事项", min_score=0)[0].quote
    assert quote.startswith("第八条 电梯档案应当记载下列事项：\n（一）")
    assert quote.endswith("照片资料；") and "（十九）" not in quote
    assert 500 < len(quote) <= 600


def test_what_opens_no_numbered_list_is_quoted_with_what_follows_it(collection: Collection) -> None:
    quote = collection.search("本市电梯安全的年度目标", min_score=0)[0].quote
    assert quote.startswith("第九条 本市电梯安全的年度目标是：\n\n每百台") and quote.endswith(
        "百分之九十九。"
    )


def test_an_opening_that_answers_itself_stays_alone(collection: Collection) -> None:
    quote = collection.search("办理电梯使用登记要在多少天内提出", min_score=0)[0].quote
    assert quote == "第六条 办理电梯使用登记，应当自投入使用之日起三十日内提出申请，并提交下列材料："


def test_an_item_that_answers_stays_alone(collection: Collection) -> None:
    assert collection.search("能不能倚靠层门", min_score=0)[0].quote == "（二）不得倚靠层门；"


def test_an_item_is_shown_from_what_opens_its_list(collection: Collection) -> None:
    hit = collection.search("能不能倚靠层门", min_score=0)[0]
    assert hit.passage == "第五条 乘坐电梯应当遵守下列规定：\n（一）不得嬉戏打闹；\n（二）不得倚靠层门；"
    assert REGULATION[slice(*hit.passage_span)] == hit.passage
    nested = collection.search("应急救援电话", min_score=0)[0]
    assert nested.passage.startswith("第六条 办理电梯使用登记") and nested.passage.endswith(nested.quote)
    far = collection.search("十九类零部件的安装", min_score=0)[0]
    assert far.passage == far.quote


def test_an_answer_says_once_what_opens_the_lists_of_its_items(collection: Collection) -> None:
    hits = collection.search("能不能倚靠层门", min_score=0)
    leaning = next(hit for hit in hits if hit.quote.startswith("（二）不得倚靠"))
    playing = collection.search("能不能嬉戏打闹", min_score=0)[0]
    answer = answer_with_quotes("乘坐要求", [leaning, playing], collection).text
    assert answer.count("「第五条 乘坐电梯应当遵守下列规定：」") == 1
    assert answer.index("遵守下列规定：」") < answer.index("「（二）不得倚靠层门；」")


CHAPTERS = """某市烟花条例
第一章 总则
第一条 为了加强管理，制定本条例。
第二章 销售单位的安全责任
第二条 销售单位的主要负责人不得离开，主要负责人不得饮酒，主要负责人对销售单位的安全负责。
第三条 销售单位应当建立台账。
第四条 销售单位的主要负责人对烟花销售负有下列职责：
（一）建立制度；
（二）检查库房。
第三章 附则
第五条 本条例自公布之日起施行。
"""


@pytest.fixture(scope="module")
def chapters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collection]:
    yield from _opened(tmp_path_factory.mktemp("chapters"), CHAPTERS)


def test_a_heading_is_quoted_with_what_stands_under_it(chapters: Collection) -> None:
    first, *others = chapters.search("销售单位的安全责任", min_score=0)
    assert first.quote.startswith("第二章 销售单位的安全责任\n第二条 销售单位")
    assert first.quote.endswith("（二）检查库房。")
    assert CHAPTERS[slice(*first.quote_span)] == first.quote == first.passage
    assert not any(first.quote_span.start <= hit.quote_span.start < first.quote_span.end for hit in others)


def test_what_announces_a_list_of_what_is_asked_comes_first(chapters: Collection) -> None:
    hits = chapters.search("销售单位主要负责人的职责", min_score=0)
    assert hits[0].quote.startswith("第四条 销售单位的主要负责人") and hits[0].quote.endswith("检查库房。")
    assert hits[0].score >= hits[1].score
