"""Follow-up questions without a language model: what a question means after the ones before it."""

import re
from collections.abc import Sequence

_MAX_HISTORY = 20
_MAX_FOLLOW_UP_CHARS = 16
# A topic longer than this that has a frame of its own is a question of its own.
_MAX_TOPIC_CHARS = 6
_OPENING = re.compile(r"^(?:那么?|还有|另外|再说说?|换成|至于|然后)[，,\s]*")
_CLOSING = re.compile(r"(?:呢|怎么样|又怎么样|又如何|又怎样|的话)?[？?。！!\s]*$")
# A question is a topic in a frame: 「（谁负责）群租房（怎么管）」, 「燃气（领域要求）」.
_FRAME_BEFORE = re.compile(
    r"^(?:请问|关于|对于|针对|在|谁负责|谁来|哪些(?:部门|单位)(?:负责|要)?|怎样|怎么|如何|什么是|为什么(?:要)?)+(?=.{2})"
)
_FRAME_AFTER = re.compile(
    r"(?:领域|方面|行业|工作)?(?:里|中|上)?的?(?:(?:下降|上升|增加|减少|增长|发生)了?)?"
    r"(?:(?:有|是|归|由|该|要|应该|应当)?(?:什么|哪些|哪个|怎么|怎样|如何|多少|几|谁)[^，。]{0,10}"
    r"|(?:具体|主要|最新)?(?:要求|规定|措施|任务|安排|部署|责任|职责|处罚|情况|现状|目标|重点|内容|标准|办法|做法|问题|隐患|检查|整治|治理|管理|监管))"
    r"[？?]*$"
)
# What has a question of its own is no topic to be put into another's.
_ASKS = re.compile("多少|几|什么|谁|哪|怎么|怎样|如何|为何|吗")
_ASKS_AGAIN = re.compile(r"呢[？?。！!\s]*$")
_NUMBERED = re.compile(r"第[一二三四五六七八九十百\d]{1,4}(?:大|个)?(?:点|条|项|部分|方面|问题|章|节)")
_DOMAIN = re.compile(r"(?:领域|方面|行业|工作)$")
_DOMAIN_BEFORE = re.compile(r"^(?:领域|方面|行业|工作)")


def complete_question(question: str, history: Sequence[str]) -> str:
    """`question` as it would be asked alone, after the questions of `history` (oldest first).

    「那道路交通呢」 after 「燃气领域要求」 is 「道路交通领域要求」. A question that stands alone comes back as it is.
    """
    previous = ""
    for earlier in [*history[-_MAX_HISTORY:], question]:
        previous = _complete(earlier.strip(), previous)
    return previous or question


def _goes_on(question: str) -> bool:
    """Whether a question says itself that it goes on from the one before."""
    asks_again = len(question) <= _MAX_FOLLOW_UP_CHARS and _ASKS_AGAIN.search(question) is not None
    return asks_again or _OPENING.match(question) is not None


def _complete(question: str, previous: str) -> str:
    if not previous or not _goes_on(question):
        return question
    topic = _CLOSING.sub("", _OPENING.sub("", question))
    if not topic or _ASKS.search(topic):
        return question
    if _NUMBERED.search(topic) or (_FRAME_AFTER.search(topic) and len(topic) > _MAX_TOPIC_CHARS):
        return topic
    before = _FRAME_BEFORE.match(previous)
    start = before.end() if before else 0
    after = _FRAME_AFTER.search(previous, start)
    frame = previous[after.start() :] if after else ""
    if after and _FRAME_AFTER.fullmatch(topic):
        return previous[: after.start()] + topic
    if _DOMAIN.search(topic):
        frame = _DOMAIN_BEFORE.sub("", frame)
    return f"{previous[:start]}{topic}{frame}"
