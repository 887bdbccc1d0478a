"""What was left to be filled in, and what only looks like it."""

import time

import pytest

from embeddings.drafts.placeholders import find_placeholders


@pytest.mark.parametrize(
    ("draft", "expected"),
    [
        ("20**年上半年", ["20**"]),
        ("202×年", ["202×"]),
        ("20__年", ["20__"]),
        ("*市委、市政府", ["*"]),
        ("请*、*依次发言", ["*", "*"]),
        ("处罚仅为*万元，*县*区排名倒数", ["*", "*", "*"]),
        ("××县人民政府", ["××"]),
        ("XX局xx同志", ["XX", "xx"]),
        ("×县", ["×"]),
        ("贯彻《__省实施细则》", ["__"]),
        ("联系人：＿＿＿＿", ["＿＿＿＿"]),
        ("增长……%，达到……万元", ["……", "……"]),
        ("联系电话：……", ["……"]),
        ("完成投资……亿元，共……户、……人。", ["……", "……", "……"]),
        ("由……同志牵头，……月……日前办结", ["……", "……", "……"]),
        ("一、……\n（二）……", ["一、……", "（二）……"]),
        ("（此处填写数据）", ["（此处填写数据）"]),
        ("○○县", ["○○"]),
        ("□□乡", ["□□"]),
        ("在**市**区调研", ["**", "**"]),
        ("于×月×日召开", ["×", "×"]),
        ("2024年X月X日第X次会议", ["X", "X", "X"]),
        ("会议定于2024年？月？日召开", ["？", "？"]),
        ("2024年  月  日", ["2024年  月  日"]),
        ("自20  年起", ["20  年"]),
        ("国办发〔〕12号", ["〔〕"]),
        ("县政办发〔2024〕  号", ["〔2024〕  号"]),
        ("第　　号", ["第　　号"]),
        ("增长×%，完成X亿元，提高N个百分点", ["×", "X", "N"]),
        ("（此处略）、【待补充】（数据待核）", ["（此处略）", "【待补充】", "（数据待核）"]),
        ("【单位名称】与{对方单位}", ["【单位名称】", "{对方单位}"]),
        ("名单见附件【】", ["【】"]),
        ("某某县某某局", ["某某", "某某"]),
        ("联系人：    电话：0510", ["联系人："]),
        ("TODO 补一段", ["TODO"]),
    ],
)
def test_placeholders_are_found(draft: str, expected: list[str]) -> None:
    found = find_placeholders(draft)
    assert [one.text for one in found] == expected
    assert all(one.draft_span.of(draft) == one.text for one in found)


@pytest.mark.parametrize(
    "draft",
    [
        "二○○○年和二〇〇八年",
        "长3*5米，宽2 × 4米",
        "*****************\n正文",
        "———————\n======",
        "# 标题\n\n**要点**：抓好落实。\n* 第一项\n* 第二项",
        "学习，而且是更重要的学习。……革命战争是民众的事。",
        "他说：“这个……我不同意。”",
        "Exxon公司、XXL号服装",
        "snake_case",
        "从前……年轻人都走了，……人民群众盼着修路。",
        "产量达到1000万吨。",
        "近 20 年来，2024 年 5 月 3 日第 3 次会议",
        "国办发〔2024〕5号",
        "X光机、X射线、N95口罩和1+N政策体系",
        "为什么会这样？日前有人来问，今年怎么办？年底再说。",
        "待业青年（从优）的待遇",
        "长3×5米的某某牌水管",
    ],
)
def test_what_only_looks_like_a_placeholder_is_left_alone(draft: str) -> None:
    assert find_placeholders(draft) == ()


@pytest.mark.parametrize("text", ["*a", "*a ", "…", "（", "一、", "待(", "20", "* ", "…1"])
def test_many_signs_take_no_more_than_their_time(text: str) -> None:
    started = time.perf_counter()
    find_placeholders("# 题\n" + text * (100_000 // len(text)))
    assert time.perf_counter() - started < 5
