"""Questions after others: which reading of a follow-up is answered, and what of it is told."""

from contextlib import closing
from pathlib import Path

import pytest

from embeddings import Collection, load_embedder, open_collection, read


@pytest.mark.parametrize(
    ("history", "question", "said"),
    [
        (["缺乏斗争精神"], "体现在哪里", "领导重视程度不够"),
        (["安监分局", "每个管几个镇"], "建成了几个", "3个县(区)已经完成安监分局建设"),
        (["鲁山火灾事故", "哪一天发生的"], "书记有什么指示", "舒庆书记对此专门作出指示"),
        (["网吧谁负责排查", "养老院呢？"], "那幼儿园又归谁", "教育部门要牵头负责"),
    ],
)
def test_a_short_question_is_read_with_what_the_dialogue_is_about(
    collection: Collection, history: list[str], question: str, said: str
) -> None:
    assert said in collection.search(question, history=history)[0].quote


@pytest.mark.parametrize(
    ("question", "said"),
    [("隐患立案制", "事前立案达1175件"), ("占地5平方公里的国家级安全科技产业园", "安全科技产业园")],
)
def test_a_question_that_says_enough_stands_alone_after_any(
    collection: Collection, question: str, said: str
) -> None:
    hits = collection.search(question, history=["烟花爆竹零售秩序由谁整顿"])
    assert hits == collection.search(question)
    assert said in hits[0].quote


@pytest.mark.parametrize("question", ["红烧肉怎么做", "垃圾分类怎么做", "怎么减肥最快", "护照怎么办理"])
def test_what_nothing_answers_is_not_answered_by_what_the_dialogue_is_about(
    collection: Collection, question: str
) -> None:
    assert collection.search(question, history=["燃气领域要求"]) == collection.search(question)


def test_what_is_said_of_another_topic_is_no_answer(collection: Collection) -> None:
    assert collection.search("那核电站呢", history=["燃气领域有哪些要求？"]) == []


def test_a_question_after_a_place_is_asked_of_its_head(collection: Collection) -> None:
    hit = collection.search("为什么要强调", history=["主持讲话提纲第三部分的第三点"])[0]
    assert "今年同期降水量与往年相比成倍增加" in hit.quote


def test_what_was_just_told_is_told_again_only_with_what_follows_it(collection: Collection) -> None:
    topic = "安全生产对话谈心活动"
    (told, *_), (again, *_) = (
        collection.search(topic),
        collection.search("下一步怎么落实", history=[topic]),
    )
    assert again.quote.startswith(told.quote)
    assert len(again.quote) > len(told.quote)
    start = again.quote_span.start - again.passage_span.start
    assert again.passage[start : start + len(again.quote)] == again.quote


def test_what_answers_is_told_again_as_it_was(collection: Collection) -> None:
    topic = "安全科技产业园"
    assert collection.search("占地多大", history=[topic])[0].quote == collection.search(topic)[0].quote


def test_fewer_hits_asked_for_are_the_first_of_more(collection: Collection) -> None:
    def quotes(top_k: int) -> list[str]:
        hits = collection.search("那消防呢", history=["燃气领域有哪些要求"], top_k=top_k)
        return [hit.quote for hit in hits]

    assert quotes(1) == quotes(10)[:1]


def test_the_document_at_hand_answers_though_many_others_could(tmp_path: Path) -> None:
    others = [f"第{n}号通知\n灌装站的检查由第{n}科负责，灌装站的检查要认真。" for n in range(30)]
    own = "白塔街道的通知\n白塔每年大修。\n物业每年到灌装站去检查。"
    with closing(open_collection(tmp_path, "default", load_embedder())) as crowded:
        crowded.add([read(text.encode(), filename=f"{n}.txt") for n, text in enumerate([own, *others])])
        hit = crowded.search("灌装站的检查呢", history=["白塔每年大修"])[0]
    assert hit.quote == "物业每年到灌装站去检查。"
