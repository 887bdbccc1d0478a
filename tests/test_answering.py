"""Answers without a language model: made of exact quotes, short, ordered, and plain about what is not there."""

import json
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from api.answering import NO_ANSWER, Answer, answer_with_quotes
from api.questions import kind_of, narrow
from api.wording import inline, label, say_the_same
from embeddings import Collection, Hit, Span, add_paths, load_embedder, open_collection
from frontends import GAS, NONSENSE, SEEDS


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collection]:
    with closing(open_collection(tmp_path_factory.mktemp("answers"), "default", load_embedder())) as opened:
        add_paths(opened, [SEEDS])
        yield opened


def ask(collection: Collection, question: str) -> Answer:
    return answer_with_quotes(question, collection.search(question, top_k=10), collection)


def hit_like(hit: Hit, quote: str, *, document_id: str = "other", date: str | None = None) -> Hit:
    source = replace(hit.source, document_id=document_id, title=f"关于{document_id}的通知", date=date)
    return replace(hit, quote=quote, quote_span=Span(0, len(quote)), passage=quote, source=source)


@pytest.fixture(scope="module")
def hit(collection: Collection) -> Hit:
    return collection.search(GAS, top_k=1)[0]


def test_every_quote_of_every_answer_is_an_exact_slice_of_the_source_it_cites(collection: Collection) -> None:
    lines = (SEEDS / "questions.jsonl").read_text("utf-8").splitlines()
    quotes = 0
    for question in [json.loads(line)["question"] for line in lines]:
        answer = ask(collection, question)
        for n, hit in enumerate(answer.cited, start=1):
            text = collection.document(hit.source.document_id).text
            assert hit.quote_span.of(text) == hit.quote
            assert f"[{n}]" in answer.text
            quotes += 1
        rest = answer.text
        for cited in answer.cited:
            rest = rest.replace(cited.quote, "").replace(cited.source.title, "")
        fixed = r"文件的原话是：|按日期由新到旧：|，相近表述见|在文库中没有找到能回答这个问题的内容。已检索文库“default”的 \d+ 份文件。"
        assert re.sub(rf"{fixed}|\[\d+\]|[「」`*\-\s]", "", rest) == ""
    assert quotes > 150


def test_a_topic_gets_a_digest_by_document_newest_first(collection: Collection, hit: Hit) -> None:
    hits = [
        hit_like(hit, "各单位要检查消防设施。", document_id="甲", date="2019-05-01"),
        hit_like(hit, "各街道要疏通排水管网。", document_id="乙", date="2023-01-01"),
        hit_like(hit, "学校要组织疏散演练。", document_id="甲", date="2019-05-01"),
        hit_like(hit, "企业要公示安全承诺。", document_id="丙"),
    ]

    answer = answer_with_quotes("安全工作", hits, collection)

    assert answer.text == (
        "按日期由新到旧：\n\n"
        "**关于乙的通知**\n- 「各街道要疏通排水管网。」[1]\n\n"
        "**关于甲的通知**\n- 「各单位要检查消防设施。」[2]\n- 「学校要组织疏散演练。」[3]\n\n"
        "**关于丙的通知**\n- 「企业要公示安全承诺。」[4]"
    )


def test_what_is_newer_but_hardly_an_answer_comes_last(collection: Collection, hit: Hit) -> None:
    likely = hit_like(hit, "各单位要检查消防设施。", document_id="甲", date="2019-05-01")
    newer = hit_like(hit, "各街道要疏通排水管网。", document_id="乙", date="2023-01-01")
    newer = replace(newer, score=hit.score * 0.4)

    answer = answer_with_quotes("安全工作", [likely, newer], collection)

    assert answer.text == (
        "**关于甲的通知**\n- 「各单位要检查消防设施。」[1]\n\n**关于乙的通知**\n- 「各街道要疏通排水管网。」[2]"
    )


def test_near_duplicates_are_folded_into_one_statement(collection: Collection, hit: Hit) -> None:
    hits = [
        hit_like(hit, "各单位要每月检查一次消防设施。", document_id="甲"),
        hit_like(hit, "各单位要每月检查一次消防设施", document_id="乙"),
        hit_like(hit, "学校要组织疏散演练。", document_id="丙"),
    ]

    answer = answer_with_quotes("消防", hits, collection)

    assert "- 「各单位要每月检查一次消防设施。」[1]，相近表述见[2]\n" in answer.text
    assert [cited.source.document_id for cited in answer.cited] == ["甲", "乙", "丙"]


def test_a_quote_far_below_the_first_is_left_out(collection: Collection, hit: Hit) -> None:
    far = replace(hit_like(hit, "学校要组织疏散演练。"), score=hit.score / 4)

    assert answer_with_quotes(GAS, [hit, far], collection).cited == (hit,)


def test_a_fact_gets_the_one_sentence(collection: Collection) -> None:
    answer = ask(collection, "我区面对的自然灾害里最大的挑战是什么？")

    assert re.fullmatch(r"「[^「」]*城区内涝是我们最大的挑战。」\[1\]", answer.text)


def test_a_count_gets_the_sentence_with_the_number(collection: Collection) -> None:
    answer = ask(collection, "火灾起数下降了多少")

    assert answer.text == "文件的原话是：\n「消防安全方面，火灾起数下降57.25%，直接财产损失下降89.3%。」[1]"


def test_a_yes_or_no_is_left_to_what_the_documents_say(collection: Collection) -> None:
    answer = ask(collection, "天桥区今年有没有发生较大以上事故")

    assert answer.text.startswith("文件的原话是：\n「")


def test_no_answer_says_so_and_what_was_searched(collection: Collection) -> None:
    answer = ask(collection, NONSENSE)

    assert answer.text == f"{NO_ANSWER}已检索文库“default”的 5 份文件。"
    assert answer.cited == ()


def test_a_mark_inside_a_quote_is_no_citation(collection: Collection, hit: Hit) -> None:
    answer = answer_with_quotes(GAS, [hit_like(hit, "详见附件[1]。")], collection)

    assert answer.text == "「`详见附件[1]。`」[1]"
    assert [piece.n for piece in answer.pieces if piece.n] == [1]


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("燃气领域要求", "topic"),
        ("属地管理责任怎么落实？", "topic"),
        ("城市安全风险评估有什么要求", "topic"),
        ("谁是安全生产第一责任人", "fact"),
        ("第五项议程是什么", "fact"),
        ("誰負責中小學食堂", "fact"),
        ("自建房倒塌是几月几号", "count"),
        ("每個鎮有多少名安全監管人員？", "count"),
        ("喝酒开车要管吗？", "yes_no"),
        ("天桥区今年有没有发生较大以上事故", "yes_no"),
    ],
)
def test_what_a_question_asks_for_is_read_from_its_words(question: str, kind: str) -> None:
    assert kind_of(question) == kind


def test_a_narrowed_quote_keeps_its_place(hit: Hit) -> None:
    longer = hit_like(hit, "今天开会。自建房倒塌发生在2月16日上午。大家辛苦了！")

    narrowed = narrow(longer, "自建房倒塌是几月几号", "count")

    assert narrowed.quote == "自建房倒塌发生在2月16日上午。"
    assert narrowed.quote_span.of(longer.quote) == narrowed.quote


def test_what_only_leads_up_to_an_answer_does_not_stand_for_it(hit: Hit) -> None:
    quote = "要强化重点行业领域风险管控。要突出煤矿、燃气、自建房等，逐项排查。"
    leading = hit_like(hit, quote)

    assert narrow(leading, "重点行业领域有哪些", "fact") == leading
    assert narrow(hit_like(hit, "今天开会。" + quote), "重点行业领域有哪些", "fact").quote.startswith(
        "要强化"
    )


def test_a_sentence_that_asks_is_no_answer(hit: Hit) -> None:
    asking = hit_like(hit, "麻痹和侥幸心理从哪里来的呢？是因为平时检查走了过场，没有真正落到实处。")

    assert narrow(asking, "麻痹和侥幸心理从哪里来", "fact") == asking


def test_text_is_shown_as_these_very_characters() -> None:
    assert inline("各单位要*认真*检查。") == "各单位要*认真*检查。"
    assert inline("见![图](http://x)") == "`见![图](http://x)`"
    assert inline("`a`") == "`` `a` ``"
    assert label("甲[1]\n乙") == r"甲\[1\] 乙"


def test_texts_that_differ_in_punctuation_say_the_same() -> None:
    assert say_the_same("各单位要检查，不得延误。", "各单位要检查,不得延误")
    assert not say_the_same("各单位要检查。", "学校要演练。")
    assert not say_the_same("", "甲")
