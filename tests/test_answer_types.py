"""What a question wants to be told, and whether a text tells it."""

import pytest

from embeddings.answer_types import read_wanted


@pytest.mark.parametrize(
    ("question", "told", "untold"),
    [
        ("隐患多久要整改完", "限期三十日内整改完毕。", "立即整改。"),
        ("举报归哪个部门管", "由市应急管理局受理。", "举报人信息应当保密。"),
        ("会议在哪里开", "会议在市政府一楼会议室召开。", "会议由书记主持。"),
        ("为什么要开展专项整治", "由于近期事故多发,决定开展整治。", "整治从三月开始。"),
        ("瞒报事故怎么处罚", "责令改正,并追究有关人员。", "事故应当立即报告。"),
        ("罚多少钱", "处二万元以上五万元以下的罚款。", "责令停产停业。"),
        ("事故起数下降的比例", "同比下降12.5%。", "事故起数明显下降。"),
        ("消防车道要多宽", "净宽不应小于4米。", "消防车道应当保持畅通。"),
        ("举报电话", "拨打12350举报。", "欢迎群众举报。"),
    ],
)
def test_a_text_that_tells_what_is_wanted_is_told_from_one_that_does_not(
    question: str, told: str, untold: str
) -> None:
    wanted = read_wanted(question)
    assert wanted.told(told) == len(wanted.types) > wanted.told(untold)


@pytest.mark.parametrize("question", ["燃气领域要求", "三管三必须", "如何加强消防安全"])
def test_a_topic_wants_nothing_of_a_type(question: str) -> None:
    assert not read_wanted(question).types
