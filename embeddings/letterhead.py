"""What an official document says of itself at its head and foot: title, number, issuer, recipient, kind, date, speaker.

After GB/T 9704-2012: 发文机关标志, 发文字号 and 标题 above the text (7.2.4, 7.2.5, 7.3.1), 主送机关 before it (7.3.2), 署名 and
成文日期 below it (7.3.5), 版记 after that (7.4). The kinds are the fifteen of 党政机关公文处理工作条例 (2012), article 8.
"""

import datetime
import re
from collections.abc import Iterator, Sequence

from embeddings.outline import parse_numeral
from embeddings.types import Field, Metadata, Span

_MAX_HEAD_LINES = 14
_MAX_HEAD_CHARS = 80
_MAX_TITLE_LINES = 4
_MAX_RECIPIENT_CHARS = 200
_MAX_SIGNATURE_LINES = 4
_STOPS = "。！？；!?;：:"
_NUMERALS = "〇零○Ｏ一二三四五六七八九十"
_HAN = r"\u4e00-\u9fff"
_DATE = re.compile(
    rf"(?P<year>[12１２]\d{{3}}|[{_NUMERALS}]{{4}})\s*[年.\-/]\s*(?P<month>\d{{1,2}}|[{_NUMERALS}]{{1,3}})\s*[月.\-/]"
    rf"\s*(?P<day>\d{{1,2}}|[{_NUMERALS}]{{1,3}})\s*日?"
)
_BRACKETED = (
    rf"[{_HAN}（）()、]{{1,20}}?\s*[〔\[［（(【]\s*[12]\d{{3}}\s*[〕\]］）)】]\s*第?\s*\d{{1,5}}\s*号"
)
_ORDER = rf"[{_HAN}、]{{2,40}}令\s*[（(]?第?\s*[\d{_NUMERALS}百]{{1,8}}\s*号[）)]?"
_DOC_NUMBER = re.compile(rf"[（(]?({_BRACKETED}|{_ORDER}|第\s*[\d{_NUMERALS}百]{{1,5}}\s*号)[）)]?")
_SIGNED_BY = re.compile(rf"({_BRACKETED})[\s\u3000]+签发人\s*[：:].*")
_PROCLAIMED = re.compile(rf"({_ORDER})\s*(?:公布|发布|颁布)")
_LETTERHEAD = re.compile(rf"([{_HAN}、（）()\s]{{4,60}}?)\s*文件$")
_ABOVE_TITLE = re.compile(r"\d{6}|(?:绝密|机密|秘密)\s*(?:★.*)?|特急|加急|特提|平急|签发人\s*[：:].*")
_ORGAN = r"(?:办公室|办公厅|政府|委员会|国务院|法院|检察院|局|厅|部|院|署|总队|支队|大队|中心|会|处|所|站|集团|公司|学校|大学|委|办|室|街道办事处)"
_ISSUER = re.compile(rf"(?:中共)?[{_HAN}（）()、*×]{{1,40}}{_ORGAN}")
_ASSEMBLY = re.compile(
    rf"([{_HAN}]*?)(第[{_NUMERALS}百\d]+届)([{_HAN}]*?(?:委员会|大会))(第[{_NUMERALS}百\d]+次(?:全体)?(?:会议|会))"
)
_ADOPTED = re.compile(r"通过|修正|修订|批准|公布|发布|颁布|颁发")
# 「国务院令第5号公布」「政务院公布」: who did, after the date.
_PROCLAIMER = re.compile(
    rf"\s*([{_HAN}、]{{2,40}}?)(?:令\s*第?\s*[\d{_NUMERALS}百]+\s*号|公告)?(?:修正|修订)?(?:公布|发布|颁布|批准发布)"
)
_SESSION = re.compile(
    rf"([{_HAN}]*第[{_NUMERALS}百\d]+次(?:[{_HAN}]{{0,6}}会议|会))\s*(?:审议|讨论)?(?:修订|修正)?(?:通过|批准)"
)
_KINDS = "决议 决定 命令 公报 公告 通告 意见 通知 通报 报告 请示 批复 议案 函 纪要 令"
_SPACED_KINDS = "|".join(r"[\s\u3000]*".join(kind) for kind in _KINDS.split())
_KIND = re.compile(rf"({_SPACED_KINDS})\s*(?:[（(][^（()）]{{1,20}}[）)])?$")
_TITLE_END = re.compile(
    _KIND.pattern.removesuffix("$")
    + r"$|(?:条例|规定|办法|细则|方案|规划|讲话|发言|讲话稿|发言稿|法|解释|要点|计划|规则|准则|预案|总结|公约|章程|名单)\s*(?:[（(].*[）)])?$"
)
_OF_MATTER = re.compile(rf"((?:中共)?[{_HAN}、（）() ]{{2,60}}?)(?:关于|转发|印发)")
_SPEECH = re.compile(r"讲话|发言|报告|致辞|讲稿|主持词|演讲|述职")
_SPEAKER = re.compile(r"[\u4e00-\u9fff]{1,2}[\s\u3000]*[\u4e00-\u9fff]{1,2}")
_OFFICE = (
    r"(?:总理|主席|书记|省长|市长|区长|县长|州长|镇长|乡长|主任|院长|检察长|局长|部长|厅长|组长|校长|董事长)"
)
_WITH_OFFICE = re.compile(
    rf"[{_HAN}、\s\u3000]{{0,30}}?{_OFFICE}[\s\u3000]+([{_HAN}]{{1,2}}[\s\u3000]*[{_HAN}]{{1,2}})"
)
_IN_TITLE = re.compile(
    rf"^(?:[{_HAN}、]*{_OFFICE}([{_HAN}]{{2,3}})(?:同志)?|([{_HAN}]{{2,3}})同志)在[{_HAN}]"
)
_MEETING = (
    r"(?:会议|大会|全会|例会|动员会|部署会|推进会|座谈会|调度会|总结会|表彰会|现场会|培训会|论坛|仪式|会)"
)
_AT_MEETING = re.compile(rf"在((?!.*在)[^，。——]{{2,60}}?{_MEETING})上")
_MEETING_SPEECH = re.compile(
    r"^([^，。在]{2,40}?(?:会议|大会|全会|动员会|推进会|座谈会))(?:上)?的?(?:主持)?(?:讲话|发言|主持词|致辞|报告|总结)"
)
_NO_RECIPIENT = re.compile(
    r"如下|以下|现将|根据|为了|下列|包括|内容|附件|说明|议程|要求|^[一二三四五六七八九十\d（(]+[、.）)]|^第"
)
_RECIPIENT = re.compile(
    r"政府|委|局|办|部|厅|单位|公司|学校|院|会|中心|企业|机构|街道|乡|镇|县|区|市|省|处|所|站|集团|银行"
)


def read_metadata(text: str, lines: Sequence[Span]) -> Metadata:
    """The metadata of a document from its content `lines` (no blank ones, no marked ones)."""
    head = _head(text, lines)
    title = _find_title(text, head)
    above = [line for line in head if title is None or line.end <= title.span.start]
    below = [line for line in head if title is not None and line.start >= title.span.end]
    rest = lines[len(head) :]
    signed_by, signed_on = _signature(text, rest)
    meeting = _find_meeting(text, title, below)
    return Metadata(
        title=title,
        doc_number=_find_number(text, head),
        issuer=_first_of(text, _LETTERHEAD, above)
        or signed_by
        or _issuer_in_title(title)
        or _issuer_of_assembly(text, below),
        speaker=_find_speaker(text, below, title),
        date=signed_on or _head_date(text, head),
        recipient=_find_recipient(text, title, below, rest),
        kind=_find_kind(text, title),
        meeting=meeting,
    )


def _head(text: str, lines: Sequence[Span]) -> list[Span]:
    """The lines before the text proper: short ones that are no sentences."""
    head: list[Span] = []
    for line in lines[:_MAX_HEAD_LINES]:
        value = line.of(text)
        is_known = _SIGNED_BY.fullmatch(value) or _ABOVE_TITLE.fullmatch(value) or _is_act(value)
        if not is_known and (len(value) > _MAX_HEAD_CHARS or value[-1] in _STOPS):
            break
        head.append(line)
    return head


def _is_act(value: str) -> bool:
    """「2020年1月1日 …会议通过 …修正」, however long."""
    date = _DATE.match(value.lstrip("（( "))
    return date is not None and len(value) <= 600 and _ADOPTED.search(value) is not None and "。" not in value


def _find_title(text: str, head: Sequence[Span]) -> Field | None:
    """The first line that is none of what stands above a title, with the lines that it goes on in."""
    for first, line in enumerate(head):
        value = line.of(text)
        if _is_no_title(value) or len(value) < 4:
            continue
        if text[line.end :].lstrip()[:1] in tuple("。，；"):
            return None
        joined = value
        for last, following in enumerate(head[first + 1 : first + _MAX_TITLE_LINES], first + 1):
            if _TITLE_END.search(joined) or not _may_go_on(text, following, head[last - 1]):
                break
            joined += following.of(text)
            if text[following.end :].lstrip()[:1] in tuple("。，；"):
                return None
            if _TITLE_END.search(joined):
                return Field(joined, Span(line.start, following.end))
        return Field(value, line)
    return None


def _is_no_title(value: str) -> bool:
    return bool(
        _DOC_NUMBER.fullmatch(value)
        or _LETTERHEAD.fullmatch(value)
        or _SIGNED_BY.fullmatch(value)
        or _ABOVE_TITLE.fullmatch(value)
        or _whole_date(value)
    )


def _may_go_on(text: str, line: Span, above: Span) -> bool:
    """Whether `line` can be more of a title: no date, no number, no name, and no blank line before it."""
    value = line.of(text)
    return not (
        _is_no_title(value)
        or _DATE.search(value)
        or value[0] in "（(—-第"
        or text[above.end : line.start].count("\n") > 1
    )


def _find_number(text: str, head: Sequence[Span]) -> Field | None:
    for line in head:
        match = _DOC_NUMBER.fullmatch(text, *line) or _SIGNED_BY.fullmatch(text, *line)
        match = match or _PROCLAIMED.search(text, *line)
        if match:
            return Field(_plain(match[1]), Span(*match.span(1)))
    return None


def _find_kind(text: str, title: Field | None) -> Field | None:
    if title is None or not (match := _KIND.search(title.span.of(text))):
        return None
    start = title.span.start
    kind = _plain(match[1])
    return Field("命令" if kind == "令" else kind, Span(start + match.start(1), start + match.end(1)))


def _find_recipient(
    text: str, title: Field | None, below: Sequence[Span], rest: Sequence[Span]
) -> Field | None:
    """主送机关: what is addressed, up to a colon at the end of a line, right after the head."""
    if title is None or not rest:
        return None
    last = rest[0]
    starts = [last.start]
    if below and below[-1].of(text)[-1] in "、，,":
        starts.insert(0, below[-1].start)
    if text[last.end - 1] in "、，," and len(rest) > 1:
        last = rest[1]
    span = Span(starts[0], last.end - 1)
    value = span.of(text)
    is_addressed = (
        text[last.end - 1] in "：:"
        and len(value) <= _MAX_RECIPIENT_CHARS
        and _RECIPIENT.search(value)
        and not _NO_RECIPIENT.search(value)
        and not any(stop in value for stop in "。；")
    )
    return Field(_plain(value), span) if is_addressed else None


def _find_speaker(text: str, below: Sequence[Span], title: Field | None) -> Field | None:
    if title is None or not _SPEECH.search(title.value):
        return None
    for line in below:
        match = _WITH_OFFICE.fullmatch(text, *line)
        if match:
            return Field(_plain(match[1]), Span(*match.span(1)))
        if _SPEAKER.fullmatch(text, *line):
            return Field(_plain(line.of(text)), line)
    if match := _IN_TITLE.match(title.span.of(text)):
        start = title.span.start
        group = 1 if match[1] else 2
        return Field(match[group], Span(start + match.start(group), start + match.end(group)))
    return None


def _find_meeting(text: str, title: Field | None, below: Sequence[Span]) -> Field | None:
    """Where it was spoken, or adopted."""
    spoken = [title.span] if title and _SPEECH.search(title.value) else []
    for line in (*spoken, *below):
        after_date = _after_date(text, line)
        match = _AT_MEETING.search(text, *line) or _SESSION.search(text, after_date, line.end)
        if match is None and title is not None and line == title.span:
            match = _MEETING_SPEECH.match(text[line.start : line.end])
            if match:
                return Field(_plain(match[1]), Span(line.start + match.start(1), line.start + match.end(1)))
        if match:
            return Field(_plain(match[1]), Span(*match.span(1)))
    return None


def _issuer_in_title(title: Field | None) -> Field | None:
    """「某市人民政府办公室关于…的通知」."""
    if title is None or not (match := _OF_MATTER.match(title.value)):
        return None
    value = match[1].strip()
    if not _ISSUER.fullmatch(value.replace(" ", "、")):
        return None
    return Field(value, Span(title.span.start, title.span.start + len(match[1])))


def _issuer_of_assembly(text: str, below: Sequence[Span]) -> Field | None:
    """The assembly that adopted it last: 「某市第十五届人民代表大会常务委员会第六次会议通过」."""
    for line in below:
        match = _ASSEMBLY.search(text, _after_date(text, line), line.end)
        if (
            match
            and _ADOPTED.search(text, match.end(), line.end)
            and "批准" not in text[match.end() : line.end]
        ):
            return Field(match[1] + match[3], Span(match.start(), match.end(3)))
    for line in below:
        start = _after_date(text, line)
        match = _PROCLAIMER.match(text, start, line.end) if start > line.start else None
        if match:
            return Field(match[1], Span(*match.span(1)))
    return None


def _after_date(text: str, line: Span) -> int:
    """Where a line goes on after the date that it begins with."""
    match = _DATE.search(text, *line)
    return match.end() if match and match.start() - line.start <= 3 else line.start


def _head_date(text: str, head: Sequence[Span]) -> Field | None:
    """The date under a title; of several acts (通过, 修正, 批准) the latest."""
    acts: list[Field] = []
    for line in head:
        dates = list(_DATE.finditer(text, *line))
        if not dates or dates[0].start() - line.start > 3:
            continue
        if _whole_date(line.of(text)) and (value := _iso_date(dates[0])):
            return Field(value, Span(*dates[0].span()))
        for match, end in zip(dates, [*(date.start() for date in dates[1:]), line.end], strict=True):
            rest = text[match.end() : end]
            is_act = _ADOPTED.search(rest) or not rest.strip().startswith(("施行", "起施行", "实施"))
            if is_act and (value := _iso_date(match)):
                acts.append(Field(value, Span(*match.span())))
    return max(acts, key=lambda act: act.value, default=None)


def _signature(text: str, lines: Sequence[Span]) -> tuple[Field | None, Field | None]:
    """署名 and 成文日期, on lines of their own or on one: 「天桥区政府办公室2021-12-02」. What is annexed comes after."""
    alone: Field | None = None
    for position, line in enumerate(lines):
        dated = _dated(text, line)
        if dated is None:
            continue
        before = Span(line.start, dated.span.start)
        if before.of(text).strip(" \u3000（("):
            above = [before]
        else:
            above = list(_organs_above(text, lines[:position]))
        named = [span for span in above if _ISSUER.fullmatch(_plain(span.of(text)))]
        if named:
            value = "、".join(_plain(span.of(text)) for span in named)
            end = named[-1].start + len(named[-1].of(text).rstrip())
            return Field(value, Span(named[0].start, end)), dated
        if position >= len(lines) - 3:
            alone = dated
    return None, alone


def _dated(text: str, line: Span) -> Field | None:
    """The date that a short line ends in."""
    if line.end - line.start > _MAX_HEAD_CHARS:
        return None
    match = _DATE.search(text, *line)
    if match is None or text[match.end() : line.end].strip(" \u3000）)") or not (value := _iso_date(match)):
        return None
    before = text[line.start : match.start()].strip(" \u3000（(")
    if before and not _ISSUER.fullmatch(_plain(before)):
        return None
    return Field(value, Span(*match.span()))


def _organs_above(text: str, lines: Sequence[Span]) -> Iterator[Span]:
    """The lines right above that name an organ, in order."""
    organs: list[Span] = []
    for line in reversed(lines[-_MAX_SIGNATURE_LINES:]):
        if len(_plain(line.of(text))) > 40 or not _ISSUER.fullmatch(_plain(line.of(text))):
            break
        organs.insert(0, line)
    yield from organs


def _first_of(text: str, pattern: re.Pattern[str], lines: Sequence[Span]) -> Field | None:
    for line in lines:
        if match := pattern.fullmatch(text, *line):
            return Field(_plain(match[1]), Span(*match.span(1)))
    return None


def _plain(value: str) -> str:
    return "".join(value.split())


def _whole_date(value: str) -> bool:
    return _DATE.fullmatch(value.strip("（）() \u3000")) is not None


def _iso_date(match: re.Match[str]) -> str | None:
    try:
        year, month, day = (_number(match[name]) for name in ("year", "month", "day"))
        return datetime.date(year, month, day).isoformat()
    except ValueError:
        return None


def _number(digits: str) -> int:
    return parse_numeral(digits.replace("○", "〇").replace("Ｏ", "〇").strip())
