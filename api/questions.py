"""What a question asks for, read by rule: its kind, the sentence of a quote that answers it, what a follow-up means."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from api.wording import character_pairs
from embeddings import MAX_QUERY_CHARS, Hit, Span, complete_question

Kind = Literal["topic", "fact", "count", "yes_no"]

_TOPIC = re.compile(
    "(?:哪些|什么|怎样|怎么|如何).{0,4}(?:要求|措施|规定|做法|办法|安排|部署|情况|内容|意见|落实|开展|整治|治理|管理)"
    "|(?:要求|措施|规定|做法|办法|安排|部署)[？?]?$|^(?:如何|怎样|怎么)"
)
_COUNT = re.compile(
    r"多少|(?<!哪)几(?![乎月号日点])|百分之|第几|占比|比例|何时|什么时候|几[月号日点]|哪[一]?[年月天日]|多长时间|多久"
)
_YES_NO = re.compile(r"吗[？?。！\s]*$|是否|是不是|有没有|有无|能不能|可不可以|会不会|要不要|可否|能否")
_FACT = re.compile(
    r"谁|哪(?:个|位|里|儿|一|家|所|几)|什么(?:职务|地方|单位|部门|机构|主题|名称|名字|称号|荣誉|叫|人)"
    r"|(?:叫|是|为)什么(?!样)|是指|指什么|何地|哪.{0,4}[？?]?$"
)
_TRADITIONAL = str.maketrans(
    "誰麼嗎幾個時裡號點樣長間稱職務單門機構題榮譽規辦開講內見實處",
    "谁么吗几个时里号点样长间称职务单门机构题荣誉规办开讲内见实处",
)
_NUMBER = re.compile(r"[\d０-９〇零一二三四五六七八九十百千万亿两]")
_SENTENCE = re.compile(r"[^。！？!?]*(?:[。！？!?]+[”’」』）)\"']*|$)")
_ASKS_ITSELF = re.compile(r"[？?][”’」』）)\"']*\s*$")
_MIN_SENTENCE_CHARS = 10
# One sentence stands for the quote where it has this much of what the quote shares with the question.
_ENOUGH = 0.8
_REFERRING = re.compile(
    r"^(?:那么?|那|这|它|他|她|其|该|上述|以上|前面|刚才|还有|另外|再|继续|具体|详细|为什么|然后|接着)"
    r"|(?:呢|它们?|他们|这个|那个|这些|那些|其中)[？?。！\s]*$|(?:展开|举例|详细|细说|继续)"
)
_ASKING = re.compile(
    r"多少|几|谁|什么|怎么|怎样|如何|为何|为什么|时候|哪|负责|要求|规定|措施|原因|具体|[吗呢吧啊的了是有呀]|[\W_]"
)
_SAID_AGAIN = re.compile(r"^(?:那么?|还有|另外|然后|接着)[，,]?|呢[？?。！\s]*$")


def kind_of(question: str) -> Kind:
    """A topic unless it plainly asks for something smaller."""
    question = question.strip().translate(_TRADITIONAL)
    if _YES_NO.search(question):
        return "yes_no"
    if _COUNT.search(question):
        return "count"
    if _TOPIC.search(question):
        return "topic"
    return "fact" if _FACT.search(question) else "topic"


def narrow(hit: Hit, question: str, kind: Kind) -> Hit:
    """`hit` with the one sentence of its quote that answers, where one plainly does; else as it is."""
    asked = character_pairs(question)
    sentences = [found for found in _SENTENCE.finditer(hit.quote) if found[0].strip()]
    if kind == "count":
        sentences = [found for found in sentences if _NUMBER.search(found[0])] or sentences
    shared = len(asked & character_pairs(hit.quote))
    best = max(sentences, key=lambda found: len(asked & character_pairs(found[0])), default=None)
    if best is None or len(best[0].strip()) < _MIN_SENTENCE_CHARS or _ASKS_ITSELF.search(best[0]):
        return hit
    if len(asked & character_pairs(best[0])) < _ENOUGH * shared:
        return hit
    start = best.start() + len(best[0]) - len(best[0].lstrip())
    end = best.start() + len(best[0].rstrip())
    span = Span(hit.quote_span.start + start, hit.quote_span.start + end)
    return replace(hit, quote=hit.quote[start:end], quote_span=span)


def is_follow_up(question: str) -> bool:
    """Whether `question` means something only after the one before it."""
    question = question.strip().translate(_TRADITIONAL)
    return not _ASKING.sub("", question) or _REFERRING.search(question) is not None


def stand_alone(question: str, history: Sequence[str]) -> str:
    """`question` as it would be asked alone; `history` is oldest first.

    「那道路交通呢」 takes the frame of the question before; what only refers to it (「这个怎么处罚」) is joined to it.
    """
    completed = complete_question(question, history)
    if completed != question:
        return completed
    if not history or not is_follow_up(question):
        return question
    joined = f"{history[-1].strip()} {_SAID_AGAIN.sub('', question.strip())}"
    return joined if len(joined) <= MAX_QUERY_CHARS else question
