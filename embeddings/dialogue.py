"""Follow-up questions without a language model: what a question means after the ones before it.

Says how a question may be read; `asking` chooses between readings by how well they are answered.
"""

import re
from collections.abc import Sequence

from embeddings.terms import fold

_MAX_HISTORY = 20
_MAX_FOLLOW_UP_CHARS = 16
# A topic longer than this that has a frame of its own is a question of its own.
_MAX_TOPIC_CHARS = 6
_MAX_JOINED_CHARS = 400
_OPENING = re.compile(
    r"(?:(?:那么?(?!个|些|里|边|次|份|篇|家|种)|还有|另外|再说|换成|至于|然后|接着|好的?,|嗯,)[,\s]*(?:再?(?:说说|看看|讲讲))?)+"
)
_CLOSING = re.compile(r"(?:的?呢|怎么样|又怎么样|又如何|又怎样|的话)?[?。!\s]*$")
# A question is a topic in a frame: 「（谁负责）群租房（怎么管）」, 「燃气（领域要求）」.
_FRAME_BEFORE = re.compile(
    r"(?:请问|关于|对于|针对|在|谁负责|谁来|哪些(?:部门|单位)(?:负责|要)?|怎样|怎么|如何|什么是|为什么(?:要)?)+(?=.{2})"
)
_FRAME_AFTER = re.compile(
    r"(?:领域|方面|行业|工作)?(?:里|中|上)?的?(?:(?:下降|上升|增加|减少|增长|发生)了?)?"
    r"(?:(?:有|是|归|由|该|要|应该|应当)?(?:什么|哪些|哪个|怎么|怎样|如何|多少|几|谁)[^,。]{0,10}"
    r"|(?:具体|主要|最新)?(?:要求|规定|措施|任务|安排|部署|责任|职责|处罚|情况|现状|目标|重点|内容|标准|办法|做法|问题|隐患|检查|整治|治理|管理|监管))"
    r"[?]*$"
)
_TIME = re.compile(
    r"(?:(?:今|去|前|明|当|上一?|本|近\S{1,2}|\d{4})年度?|\d{4}|(?:今年|去年|全年|本年度?)?(?:[上下]半年|第?[一二三四]季度)|(?:上个?|这个?|本|\d{1,2}|[一二三四五六七八九十]{1,2})月份?)+"
)
# What has a question of its own is no topic to be put into another's.
_ASKS = re.compile("多少|几|什么|谁|哪|怎么|怎样|如何|为何|吗")
_ASKS_AGAIN = re.compile(r"呢[?。!\s]*$")
_ASKS_THE_SAME = re.compile(rf"又[^,。?]{{0,2}}({_ASKS.pattern})([^,。?]{{0,6}})[?。!\s]*$")
_NUMBERED = re.compile(r"第[一二三四五六七八九十百\d]{1,4}(?:大|个)?(?:点|条|项|部分|方面|问题|章|节)")
_NAMES_DOCUMENT = re.compile("(?:法|条例|办法|规定|细则|规则|决定|通知|讲话|发言|报告|会议)》?$")
_DOMAIN = re.compile(r"(?:领域|方面|行业|工作)$")
_DOMAIN_BEFORE = re.compile(r"(?:领域|方面|行业|工作)")
_FIELD = re.compile("领域|方面|行业")
_PRONOUN = re.compile(
    "这(?:个|些|项|件|种|次|里|样|方面|一块|块)?|那(?:个|些|里|边|次|样)|(?:它|他|她)们?|其(?:中|余)?|该|上述|以上|前面|刚才(?:说的|提到的)?"
)
_PRONOUN_INSIDE = re.compile(
    "(?<=[对由在把按被给为和跟比让])(?:这|那)(?:个|些|项|件|种|次|类|里)|(?<!其)它们?|(?<!其)他们|她们"
)
_REFERRING = re.compile(
    rf"^(?:{_PRONOUN.pattern}|那么?|还有|另外|再|继续|具体|详细|为什么|然后|接着)"
    rf"|(?:呢|这个|那个|这些|那些|其中)[?。!\s]*$|(?:展开|举例|详细|细说|继续)|{_PRONOUN_INSIDE.pattern}"
)
# What is asked of something else, whatever it is: it need not stand in the answer.
_ASPECT = (
    "负责|要求|规定|措施|举措|办法|做法|方法|方式|步骤|流程|途径|渠道|原因|理由|目的|作用|意义|影响|后果|原则|依据|标准|条件|范围|对象"
    "|期限|时限|时间|地点|进展|现状|情况|表现|职务|身份|主题|含义|意思|具体|下一步|[会要该]?被?(?:处罚|罚款|罚)钱?"
)
_ASKING = re.compile(
    rf"{_ASPECT}|多(?:少钱?|久|长|大|高|远|重)|几|谁|什么|怎么|怎样|如何|为何|为什么|时候|哪一?[个些天年项里位]?|[吗呢吧啊的了是有呀]|[\W_]"
)


def complete_question(question: str, history: Sequence[str]) -> str:
    """`question` as it would be asked alone, after the questions of `history` (oldest first).

    「那道路交通呢」 after 「燃气领域要求」 is 「道路交通领域要求」; what only refers to the question before (「这个谁负责」) is
    joined to its topic. A question that stands alone comes back as it is.
    """
    previous = ""
    for earlier in [*history[-_MAX_HISTORY:], question]:
        previous = _complete(earlier.strip(), previous)
    return previous if previous and len(previous) <= _MAX_JOINED_CHARS else question


def is_follow_up(question: str) -> bool:
    """Whether `question` means something only after the one before it, by its form."""
    folded = fold(question.strip())
    if not _ASKING.sub("", folded) or _REFERRING.search(folded):
        return True
    opening = _OPENING.match(folded)
    return opening is not None and not _ASKS.search(folded, opening.end())


def ask_again(question: str, before: str) -> str:
    """「那幼儿园呢」 for 「那幼儿园又归谁」 where the question `before` asks in the same words; else `question`."""
    asked, folded = _ASKS_THE_SAME.search(fold(question)), fold(before)
    is_same = asked is not None and asked[1] in folded and asked[2] in folded
    return f"{question[: asked.start()]}呢" if asked and is_same else question


def alone(question: str) -> str | None:
    """`question` if it may mean something by itself, without what it is opened with (「那」); None where it cannot."""
    folded = fold(question)
    opening = _OPENING.match(folded)
    start = opening.end() if opening else 0
    if (opening and not _ASKS.search(folded, start)) or not _ASKING.sub("", folded[start:]):
        return None
    return None if _REFERRING.search(folded[start:]) else question[start:]


def join_question(question: str, before: str) -> str:
    """`question` asked of the topic of the question `before`."""
    return _joined(question, fold(question), before)


def names_document(question: str) -> bool:
    """Whether a question after another names nothing but another document: 「那消防法呢」."""
    return _NAMES_DOCUMENT.search(_CLOSING.sub("", fold(question))) is not None


def own_words(question: str) -> str:
    """What a follow-up says itself: `question` folded, without the asking and what refers to the one before it."""
    folded = fold(question.strip())
    opening = _OPENING.match(folded)
    said = folded[opening.end() :] if opening else folded
    return _ASKING.sub(" ", _PRONOUN_INSIDE.sub(" ", _PRONOUN.sub(" ", said)))


def _complete(question: str, previous: str) -> str:
    if not previous or not question or not is_follow_up(question):
        return question or previous
    folded = fold(question)
    opening = _OPENING.match(folded)
    start = opening.end() if opening else 0
    closing = _CLOSING.search(folded, start)
    end = closing.start() if closing else len(folded)
    topic, said = question[start:end].strip(), folded[start:end].strip()
    asks_again = len(question) <= _MAX_FOLLOW_UP_CHARS and _ASKS_AGAIN.search(folded) is not None
    if (asks_again or opening) and said and not _ASKS.search(said) and not _PRONOUN.match(said):
        return _in_frame(topic, said, previous)
    return _joined(topic, said, previous)


def _in_frame(topic: str, said: str, previous: str) -> str:
    """`topic` asked of as `previous` asks of its own."""
    if _NUMBERED.search(said) or (_FRAME_AFTER.search(said) and len(said) > _MAX_TOPIC_CHARS):
        return topic
    if _TIME.fullmatch(said):
        time = _TIME.search(fold(previous))
        return f"{previous[: time.start()]}{topic}{previous[time.end() :]}" if time else f"{topic}{previous}"
    start, end = _replaced(said, previous)
    frame = previous[end:]
    place = _NUMBERED.search(fold(previous))
    if place and _NAMES_DOCUMENT.search(said):
        return topic + previous[place.start() :]
    if end < len(previous) and _FRAME_AFTER.fullmatch(said):
        return previous[:end] + topic
    if _DOMAIN.search(said):
        before = _DOMAIN_BEFORE.match(fold(frame))
        frame = frame[before.end() :] if before else frame
    return f"{previous[:start]}{topic}{frame}"


def _replaced(said: str, previous: str) -> tuple[int, int]:
    """Which part of the topic of `previous` gives way to `said`: as far as what is called alike, or as the field is
    named; not the time."""
    start, end = _topic_of(previous)
    folded = fold(previous)
    time = _TIME.match(folded, start, end)
    start = time.end() if time and time.end() < end else start
    for n in range(min(len(said), end - start) - 1, 1, -1):
        if (alike := folded.find(said[-n:], start, end)) >= 0:
            return start, alike + n
    field = _FIELD.search(folded, start + 2, end)
    return start, field.start() if field else end


def _joined(topic: str, said: str, previous: str) -> str:
    """What `topic` asks of the topic of `previous`."""
    pronoun = _PRONOUN.match(said)
    asked = topic[pronoun.end() :].strip() if pronoun else topic
    if inside := _PRONOUN_INSIDE.search(fold(asked)):
        asked = asked[: inside.start()] + asked[inside.end() :]
    start, end = _topic_of(previous)
    of = previous[start:end].strip() or previous
    joined = f"{of} {asked}".strip()
    return joined if len(joined) <= _MAX_JOINED_CHARS else topic


def _topic_of(question: str) -> tuple[int, int]:
    """Where the topic of a question begins and ends."""
    folded = fold(question)
    before = _FRAME_BEFORE.match(folded)
    start = before.end() if before else 0
    after = _FRAME_AFTER.search(folded, start)
    return start, after.start() if after else len(question)
