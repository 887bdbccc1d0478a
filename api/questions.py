"""What a question asks for, read by rule: its kind, and the sentence of a quote that answers it."""

import re
from dataclasses import replace
from typing import Literal

from api.wording import character_pairs
from embeddings import Hit, Span

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
    """`hit` with the one sentence of its quote that answers, where one plainly does; else as it is. The first of
    several does not: it shares most with the question where it only leads up to what answers."""
    asked = character_pairs(question)
    sentences = [found for found in _SENTENCE.finditer(hit.quote) if found[0].strip()]
    if kind == "count":
        sentences = [found for found in sentences if _NUMBER.search(found[0])] or sentences
    shared = len(asked & character_pairs(hit.quote))
    best = max(sentences, key=lambda found: len(asked & character_pairs(found[0])), default=None)
    if best is None or (len(sentences) > 1 and not hit.quote[: best.start()].strip()):
        return hit
    if len(best[0].strip()) < _MIN_SENTENCE_CHARS or _ASKS_ITSELF.search(best[0]):
        return hit
    if len(asked & character_pairs(best[0])) < _ENOUGH * shared:
        return hit
    start = best.start() + len(best[0]) - len(best[0].lstrip())
    end = best.start() + len(best[0].rstrip())
    span = Span(hit.quote_span.start + start, hit.quote_span.start + end)
    return replace(hit, quote=hit.quote[start:end], quote_span=span)
