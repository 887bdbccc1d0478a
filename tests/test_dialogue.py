"""What a follow-up question means after the ones before it."""

import pytest

from embeddings import complete_question, is_follow_up


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
