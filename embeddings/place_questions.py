"""Questions about numbered places: 「第四点讲了什么」「会议有几项议程」「五个转变是哪些」「下一点呢」, read by rule.

Says what is asked for; `places` finds it in the outlines of documents.
"""

import re
from dataclasses import dataclass, replace
from typing import Literal

from embeddings.outline import parse_numeral
from embeddings.terms import term_runs

Kind = Literal["place", "heads", "count", "next", "more", "whole"]
Unit = Literal["编", "章", "节", "条", "款", "议程", "一是", "一要", "点"]


@dataclass(frozen=True, slots=True)
class Step:
    """「第四点」: a number and what is counted. From the end, numbers are negative."""

    number: int
    unit: Unit


@dataclass(frozen=True, slots=True)
class PlaceQuestion:
    """`steps` lead to a place, outermost first (「第二章第十五条」); `also` are asked for beside the last of them. `heads` and `count` ask for a list of `unit`,
    of `size` where the question says so. `next` is `shift` places on from the place last told; `more` what else
    there is, and `whole` all of what was told. `is_inside` says that the place is one of that. `subject` are the runs of other words: they name the document or
    the matter. `generic` are words for any document (「讲话」), `text`
    is the whole question."""

    kind: Kind
    steps: tuple[Step, ...] = ()
    unit: Unit = "点"
    also: tuple[Step, ...] = ()
    size: int | None = None
    noun: str = ""
    shift: int = 0
    is_inside: bool = False
    subject: tuple[str, ...] = ()
    generic: tuple[str, ...] = ()
    text: str = ""

    @property
    def is_bare(self) -> bool:
        """Whether it tells nothing but the place."""
        return self.kind in ("place", "next") and not self.subject and not self.generic


_N = r"(?:[一二三四五六七八九十百零〇两]{1,5}|\d{1,4})"
_COUNTED = (
    "分编|编|章|节(?![目日约])|条(?![件例约])|款(?!项)|(?:项|个)?(?:议程|议题)|(?:大|小)?部分|个?(?:大|小)?方面|层意思"
    "|个?问题|(?:条|点|项|个)?(?:意见|要求|任务|措施|感受|感想|转变|建议|内容)|(?:大|小)?(?:要点|点)(?![火名击钟])|项(?!目)"
    r"|个(?=$|呢|是|讲|说|的|\?)"
)
_ORDINAL = re.compile(rf"第\(?({_N})\)?(?:个|大|小)?({_COUNTED})")
_FROM_END = re.compile(rf"(最后|末尾|倒数)的?(?:第?({_N}))?(?:个|大|小)?({_COUNTED})")
_SPOKEN = re.compile(
    rf"[“\"'「『‘]({_N})(是|要)[”\"'」』’]|(?:^|(?<=[的里中,、\s]))({_N})(是|要)(?=什么|讲|说|指|呢|的|怎么|哪|\?|$)"
    rf"|^({_N})(是|要)(?=[\u4e00-\u9fff]{{3,}}(?:(?:讲|说|谈|写)(?:的|了)?(?:些|是)?什么|的?(?:具体)?内容|怎么说))"
)
_BRACKETED = re.compile(rf"\(({_N})\)(?=$|讲|说|是|的|呢|怎么|规定|写|部分)")
_HOW_MANY = re.compile(
    rf"(?:(?<!哪)几(?!点)|多少|(?<=[了共有讲提分成调出到])几(?=点))(?:个|大)?({_COUNTED})(?:的?(?:意见|要求|内容|问题))?"
)
_WHICH = re.compile(
    rf"(?:议程|议题)(?:都|分别)?(?:是|有)?(?:什么|哪些|哪几项)|哪几(?:个|大|项|点|条)?(?:{_COUNTED})?|哪些(?:个|大)?(?:方面|部分|章节?|议程|议题|要点)"
    rf"|哪({_N})(?:个|大|项|点|条)(?:大)?([\u4e00-\u9fff]{{0,6}})"
)
_SIZED = re.compile(
    rf"({_N})(?:个|大|项|点|条)([\u4e00-\u9fff“”]{{0,8}}?)(?:分别|具体|主要|都|各|又)*(?:是|有|指|包括|叫|为|讲|说|的)*(?:什么|哪|啥|那些)"
    rf"(?:些|几[个点项条])?"
)
_SIZED_ALONE = re.compile(rf"[“”]?({_N})(?:个|大|项|点|条)[“”]?([\u4e00-\u9fff]{{1,6}})[“”]?")
_OVERVIEW = re.compile(
    "(?:主要|都|一共|总共|大致|大体)*(?:讲|说|谈|强调|部署)(?:的|到)?(?:了|的)?(?:些|是)?(?:什么|哪些)(?:内容|东西|事情?)?(?:呢|\\?)*$"
    "|(?:主要|大致|大体)内容(?:是什么|有哪些|呢|\\?)*$|(?:提纲|大纲|框架|目录|结构)(?:是什么|是怎样的|呢|\\?)*$"
)
_OPENING = "(?:那么?|请问|然后|再|请|好的?|嗯|,|说说|讲讲|看看|念|,)*"
_CLOSING = "(?:是|讲|说|的|呢|了|怎么|有|什么|啥|内容|规定|吗|要求|一下|\\?|!|。)*"
_SHIFT = re.compile(
    rf"{_OPENING}(再?下|上|前|后|接下来|往下|往上|再往下|下面)(?:面)?的?(?:(?:一|1)(?:个|大|小)?(?:{_COUNTED})?|(?<=[来下面])的?(?:{_COUNTED})?)"
    rf"{_CLOSING}"
)
_MORE = re.compile(
    rf"{_OPENING}(?:还有|继续|接着|然后|后面|后续|其他|其它|别的|其余|另外|除此之外|此外|更多)(?:说|讲|往下)?(?:还有)?(?:的|哪些|吗|没有了?|点)*(?:呢|什么|\?|!|。)*"
)
_WHOLE = re.compile(
    rf"{_OPENING}(?:它的?|其|这个?|这(?:一)?点)?(?:(?:具体|详细|完整|全部|原文|全文)(?:的|地)?(?:内容|展开|说说|讲讲|说|讲|介绍|点)?"
    rf"|展开(?:说说|讲讲|说|讲|一下)?|内容|原话|怎么说)(?:的|是|呢|了|什么|怎么说|怎么讲|讲|说|一下|\?|!|。|如何|怎样)*"
)
# 「第二、第三点」
_UNIT_LATER = re.compile(rf"第{_N}(?=(?:、|,|和|与|及|跟)第{_N}(?:个|大|小)?({_COUNTED}))")
_AND = re.compile("(?:、|,|和|与|及|以及|跟|还有)")
_NOUN = re.compile("感受|感想|转变|意见|要求|任务|措施|建议|问题|方面")
_INSIDE = re.compile("(?:那么?,?)?(?:其中|里面|其|下面|它)的?")
_DEIXIS = re.compile(
    "这(?:份|篇|个|次|部|项|里)?|那(?:份|篇|个|次|部|里)?|该|本次|此次?|上述|上面|前面|刚才|今天|当前|它们?|他们?|其中?"
)
_GENERIC = re.compile(
    "讲话稿?|发言稿?|会议|主持词?|文件|报告|通知|意见|稿子|全文|文章|提纲|法律|条例|办法|规定|领导"
)
_FUNCTION = re.compile(
    "条款|条文|请问|请教|告诉我|帮我|我想知道|想知道|一下|是什么|讲了?什么|说了?什么|什么|哪些|哪个|怎么|怎样|如何|是否|有没有"
    "|讲话中|会议上|会上|会议中|里面|其中|当中|中的|里的|上的|规定|要求|内容|主要|具体|一共|总共|共计|共有|共|分为|分成|分别|包括|包含|提出|提到"
    "|强调|部署|讲到|谈到|说到|指出|涉及|安排|介绍|说明|概括|总结|简述|简要|做什么|干什么|干嘛|啥|下面|讲的|说的|写的|写了|讲了|说了|谈了|有关|关于|对于|意思|又|都|呢|吗|的|了|是"
)
_BEFORE, _AFTER = (
    "在对和与及有共分讲说谈提写指那个再把被就还我们各",
    "在里中上对和与及有共分讲说谈提写指那个再把被就下还各",
)
_MAX_CHARS = 80


def read_place_question(folded: str) -> PlaceQuestion | None:
    """What a folded question asks about numbered places; None where it does not."""
    question = "".join(folded.split())
    if len(question) > _MAX_CHARS:
        return None
    question = _UNIT_LATER.sub(lambda match: match[0] + match[1], question)
    asked = _going_on(question) or _place(question) or _list(question)
    return replace(asked, text=question) if asked else None


def _going_on(question: str) -> PlaceQuestion | None:
    """Questions that say nothing but where to go from what was told last."""
    if shifted := _SHIFT.fullmatch(question):
        return PlaceQuestion("next", shift=-1 if shifted[1] in ("上", "前", "往上") else 1)
    if _MORE.fullmatch(question):
        return PlaceQuestion("more")
    if _WHOLE.fullmatch(question):
        return PlaceQuestion("whole")
    return None


def _place(question: str) -> PlaceQuestion | None:
    found: dict[int, tuple[int, Step]] = {}
    noun = ""
    for match in _ORDINAL.finditer(question):
        found[match.start()] = match.end(), Step(parse_numeral(match[1]), _unit(match[2]))
        if named := _NOUN.search(match[0]):
            noun = named[0]
    for match in _FROM_END.finditer(question):
        number = parse_numeral(match[2]) if match[2] and match[1] == "倒数" else 1
        found[match.start()] = match.end(), Step(-number, _unit(match[3]))
    for match in _SPOKEN.finditer(question):
        numeral, marker = (group for group in match.groups() if group)
        unit: Unit = "一是" if marker == "是" else "一要"
        found[match.start()] = match.end(), Step(parse_numeral(numeral), unit)
    for match in _BRACKETED.finditer(question):
        found.setdefault(match.start(), (match.end(), Step(parse_numeral(match[1]), "点")))
    steps: list[Step] = []
    also: list[Step] = []
    rest, end = "", 0
    for start, (stop, step) in sorted(found.items()):
        if start < end or not step.number:
            continue
        if steps and _AND.fullmatch(question[end:start]):
            also.append(step)
        else:
            rest += f"{question[end:start]}|"
            steps.append(step)
        end = stop
    if not steps:
        return None
    subject, generic = _words(rest + question[end:])
    is_inside = _INSIDE.match(question) is not None
    return PlaceQuestion(
        "place",
        tuple(steps),
        steps[-1].unit,
        also=tuple(also),
        noun=noun,
        is_inside=is_inside,
        subject=subject,
        generic=generic,
    )


def _list(question: str) -> PlaceQuestion | None:
    if counted := _HOW_MANY.search(question):
        return _of_list(question, counted, "count", _unit(counted[1]))
    if which := _WHICH.search(question):
        size, noun = (parse_numeral(which[1]), which[2]) if which[1] else (None, "")
        return _of_list(question, which, "heads", _unit(which[0]), size, noun)
    if sized := _SIZED.search(question) or _SIZED_ALONE.fullmatch(question):
        return _of_list(question, sized, "heads", _unit(sized[0]), parse_numeral(sized[1]), sized[2])
    if overview := _OVERVIEW.search(question):
        asked = _of_list(question, overview, "heads", "点")
        return asked if asked.subject or asked.generic or _DEIXIS.search(question) else None
    return None


def _of_list(
    question: str, match: re.Match[str], kind: Kind, unit: Unit, size: int | None = None, noun: str = ""
) -> PlaceQuestion:
    subject, generic = _words(f"{question[: match.start()]}|{question[match.end() :]}")
    noun = re.sub("[“”]|^(?:方面|部分|问题)?的?$", "", noun)
    return PlaceQuestion(kind, unit=unit, size=size, noun=noun, subject=subject, generic=generic)


def _unit(counted: str) -> Unit:
    units: tuple[Unit, ...] = ("编", "章", "节", "款", "议程")
    if "议题" in counted:
        return "议程"
    named = next((unit for unit in units if unit in counted), None)
    # 「三条意见」 are no articles of a law.
    return named or ("条" if counted.endswith("条") else "点")


def _words(rest: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The runs of words that name something, and those that fit any document."""
    generic = tuple(_GENERIC.findall(rest))
    runs: list[str] = []
    for run in term_runs(_FUNCTION.sub("|", _DEIXIS.sub("|", rest))):
        if not _GENERIC.sub("", run).strip(_BEFORE + _AFTER):
            continue
        kept = run if _GENERIC.match(run) else run.lstrip(_BEFORE)
        runs.append(kept.rstrip(_AFTER))
    return tuple(runs), generic
