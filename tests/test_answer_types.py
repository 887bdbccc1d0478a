"""What a question wants to be told, and whether a text tells it."""

import pytest

from embeddings.answer_types import ANSWER_TYPES, read_wanted

EXAMPLES = [
    ("duration", "隐患多久要整改完", "限期三十日内整改完毕。", "应当及时整改完毕。"),
    ("frequency", "应急演练 频次", "每半年组织一次演练。", "应当组织应急演练。"),
    ("date", "条例施行时间", "本条例自3月1日起施行。", "制定本条例。"),
    ("year", "哪一年建成的", "该项目于2016年建成。", "该项目已经建成。"),
    ("clock", "几点到几点不让放烟花", "每日22时至次日6时禁止燃放。", "禁止燃放烟花爆竹。"),
    ("money", "罚多少钱", "处二万元以上五万元以下的罚款。", "责令停产停业。"),
    ("free", "残疾人坐公交要钱吗", "残疾人免费乘坐公交。", "残疾人可以乘坐公交。"),
    ("share", "事故起数下降的比例", "同比下降12.5%。", "事故起数明显下降。"),
    ("measure", "消防车道要多宽", "净宽不应小于4米。", "消防车道应当保持畅通。"),
    ("people", "每班要几个人", "每班不少于两人。", "应当安排专职值守。"),
    ("count", "一共查出多少条隐患", "共梳理问题74条。", "对隐患进行了梳理。"),
    ("score", "超速扣几分", "一次记6分。", "予以警告。"),
    ("age", "多大年纪不能再开出租车", "年龄在60周岁以下。", "取得从业资格。"),
    ("phone", "举报电话", "拨打12350举报。", "欢迎群众举报。"),
    ("body", "举报归哪个部门管", "由市应急管理局受理。", "举报信息应当保密。"),
    ("person", "督导组组长是谁", "督导组组长李明出席。", "督导组已经进驻。"),
    ("life", "张市长的简历", "张明,1970年出生。", "张市长作了讲话。"),
    ("place", "会议在哪里开", "会议在市政府会议室召开。", "会议由书记主持。"),
    ("list", "分布在哪几个省", "分布在河南、山东两省。", "分布很广。"),
    ("papers", "变更户名带什么", "携带身份证和购房合同办理。", "应当办理变更。"),
    ("condition", "上岗要什么条件", "上岗应当具备下列条件:", "上岗前要培训。"),
    ("reason", "为什么要开展专项整治", "由于近期事故多发,决定开展整治。", "整治从三月开始。"),
    ("penalty", "瞒报事故怎么处罚", "责令改正,并追究有关人员。", "事故应当立即报告。"),
    ("colour", "骑手号牌是什么颜色", "号牌为黄色。", "应当悬挂号牌。"),
    ("procedure", "怎么申请公租房", "向街道办事处提交书面材料。", "公租房面积适中。"),
]


@pytest.mark.parametrize(
    ("name", "question", "told", "untold"),
    EXAMPLES,
)
def test_a_text_that_tells_what_is_wanted_is_told_from_one_that_does_not(
    name: str, question: str, told: str, untold: str
) -> None:
    wanted = read_wanted(question)
    assert name in wanted.types
    assert name not in wanted.untold(told)
    assert name in wanted.untold(untold)


def test_every_type_is_shown_above() -> None:
    assert [name for name, *_ in EXAMPLES] == [*ANSWER_TYPES]


@pytest.mark.parametrize(
    "question",
    ["居民养犬 数量和品种", "手续费 退还", "这几年的变化", "介绍工资制度改革", "拖欠工资怎么办"],
)
def test_what_is_only_named_is_not_asked_for(question: str) -> None:
    assert not read_wanted(question).types


@pytest.mark.parametrize("question", ["燃气领域要求", "三管三必须", "如何加强消防安全"])
def test_a_topic_wants_nothing_of_a_type(question: str) -> None:
    assert not read_wanted(question).types


@pytest.mark.parametrize(
    ("text", "lacks"),
    [
        ("(十一)迟报、漏报事故的;", True),
        ("第八十四条 有关部门应当上报。", True),
        ("依照第二十五条第十二项处罚。", True),
        ("二、要立即报告。", True),
        ("第三十五条 处二十万元罚款。", False),
        ("共有十一条隐患。", False),
        ("(一)谎报事故的;\n有下列行为之一的,处100万元以上罚款:", False),
    ],
)
def test_the_number_of_a_place_is_no_amount(text: str, lacks: bool) -> None:
    assert read_wanted("瞒报事故罚多少").lacks(text) is lacks
    assert not read_wanted("瞒报事故").lacks(text)
