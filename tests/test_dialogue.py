"""What a follow-up question means after the ones before it."""

import pytest

from embeddings import complete_question, is_follow_up
from embeddings.dialogue import alone, ask_again, names_document, own_words


@pytest.mark.parametrize(
    ("history", "question", "meaning"),
    [
        (["燃气领域要求"], "那道路交通呢", "道路交通领域要求"),
        (["燃气领域要求", "那道路交通呢"], "消防呢？", "消防领域要求"),
        (["群租房怎么管"], "那特种设备呢", "特种设备怎么管"),
        (["谁负责消防安全检查"], "那燃气呢", "谁负责燃气检查"),
        (["燃气领域有哪些要求？"], "危化品领域呢", "危化品领域有哪些要求？"),
        (["道路交通事故下降了多少"], "那火灾呢", "火灾下降了多少"),
        (["消防安全方面要求"], "那么建筑施工方面呢？", "建筑施工方面要求"),
        (["燃气领域要求"], "值班制度有什么规定", "值班制度有什么规定"),
        (["燃气领域要求"], "第四点呢", "第四点"),
        (["燃气安全检查"], "那处罚呢？", "燃气安全处罚"),
        (["鲁山火灾事故"], "死了多少人呢？", "鲁山火灾事故 死了多少人"),
        (["燃气領域要求"], "那麼道路交通呢？", "道路交通領域要求"),
        (["2016年罚款多少"], "今年上半年呢", "今年上半年罚款多少"),
        (["罚款多少"], "去年呢", "去年罚款多少"),
        (["上半年工作执行方面有什么问题"], "执法方面呢", "上半年执法方面有什么问题"),
        (["工矿商贸领域今年死了几个人"], "那道路交通的呢", "道路交通领域今年死了几个人"),
        (["网吧场所单元重大风险在全市排第几"], "公共设施单元呢", "公共设施单元重大风险在全市排第几"),
        (["全国燃气动员部署会"], "对这个会各街道要怎么落实", "全国燃气动员部署会 对会各街道要怎么落实"),
        ([], "那道路交通呢", "那道路交通呢"),
        ([" ", ""], "燃气呢", "燃气呢"),
    ],
)
def test_a_follow_up_takes_the_frame_of_the_question_before(
    history: list[str], question: str, meaning: str
) -> None:
    assert complete_question(question, history) == meaning


@pytest.mark.parametrize("question", ["为什么？", "它由谁负责", "具体有哪些要求", "详细说说"])
def test_a_question_that_refers_back_is_joined_to_the_topic_before(question: str) -> None:
    assert is_follow_up(question)
    assert complete_question(question, ["一", "燃气安全检查"]).startswith("燃气安全 ")


@pytest.mark.parametrize("question", ["燃气领域要求", "双随机检查", "群租房怎么管"])
def test_a_question_of_its_own_stands_alone(question: str) -> None:
    assert complete_question(question, ["防汛值班"]) == question


@pytest.mark.parametrize(
    ("question", "by_itself"),
    [
        ("那再说说宣传教育怎么搞", "宣传教育怎么搞"),
        ("死了多少人", "死了多少人"),
        ("和其它部门怎么协调", "和其它部门怎么协调"),
        ("那道路交通呢", None),
        ("那建筑施工方面", None),
        ("它的目的是什么", None),
        ("具体怎么规定的", None),
    ],
)
def test_what_asks_by_itself_may_stand_alone(question: str, by_itself: str | None) -> None:
    assert alone(question) == by_itself


def test_what_is_asked_and_what_refers_back_are_no_words_of_its_own() -> None:
    assert own_words("那它的产业园占地多大？").split() == ["产业园占地"]
    assert not own_words("由哪个负责呢").replace("由", "").split()


def test_another_document_is_told_from_another_matter() -> None:
    assert names_document("那消防法呢？")
    assert not names_document("那消防呢？")


@pytest.mark.parametrize(
    ("before", "question", "meaning"),
    [
        ("养老院谁负责排查", "那幼儿园又归谁", "那幼儿园呢"),
        ("燃气领域有哪些要求", "消防领域又有哪些要求？", "消防领域呢"),
        ("燃气领域有哪些要求", "消防领域又归谁", "消防领域又归谁"),
        ("谁负责燃气检查", "那消防又由谁验收", "那消防又由谁验收"),
        ("", "那幼儿园又归谁", "那幼儿园又归谁"),
    ],
)
def test_what_asks_the_same_of_something_else_asks_again(before: str, question: str, meaning: str) -> None:
    assert ask_again(question, before) == meaning
