"""What an official document says of itself at its head and foot: title, number, issuer, speaker, date.

After GB/T 9704-2012: 发文机关标志, 发文字号 and 标题 above the text (7.2.4, 7.2.5, 7.3.1), 署名 and 成文日期 below it (7.3.5).
"""

import datetime
import re
from collections.abc import Sequence

from embeddings.outline import parse_numeral
from embeddings.types import Field, Metadata, Span

_MAX_HEAD_LINES = 12
_MAX_FOOT_LINES = 3
_MAX_HEAD_CHARS = 80
_STOPS = "。！？；!?;：:"
_NUMERALS = "〇零○Ｏ一二三四五六七八九十"
_DATE = re.compile(
    rf"(?P<year>[12１２]\d{{3}}|[{_NUMERALS}]{{4}})\s*[年.\-/]\s*(?P<month>\d{{1,2}}|[{_NUMERALS}]{{1,3}})\s*[月.\-/]"
    rf"\s*(?P<day>\d{{1,2}}|[{_NUMERALS}]{{1,3}})\s*日?"
)
_DOC_NUMBER = re.compile(
    r"[\u4e00-\u9fff（）()]{1,20}\s*[〔\[（(【]\s*[12]\d{3}\s*[〕\]）)】]\s*第?\s*\d{1,5}\s*号"
    r"|第\s*\d{1,5}\s*号"
)
_LETTERHEAD = re.compile(r"([\u4e00-\u9fff、\s]{4,40}?)\s*文件$")
_ISSUER = re.compile(
    r"[\u4e00-\u9fff（）()、*×]{2,40}(?:办公室|办公厅|办|政府|委员会|常务委员会|国务院|局|厅|部|院|署|总队|支队|中心|会|处|集团|公司|委|室)"
)
_SPEAKER = re.compile(r"[\u4e00-\u9fff]{1,2}[\s\u3000]*[\u4e00-\u9fff]{1,2}")
_SPEECH = re.compile(r"讲话|发言|报告|致辞|讲稿|主持词|演讲|述职")


def read_metadata(text: str, lines: Sequence[Span]) -> Metadata:
    """The metadata of a document from its content `lines` (no blank ones, no marked ones)."""
    head = _head(text, lines)
    foot = [
        line for line in lines[len(head) :][-_MAX_FOOT_LINES:] if line.end - line.start <= _MAX_HEAD_CHARS
    ]
    title = _find_title(text, head)
    letterhead = _first(_LETTERHEAD, text, head, whole=True, group=1)
    foot_issuer, foot_date = _signature(text, foot)
    return Metadata(
        title=title,
        doc_number=_first(_DOC_NUMBER, text, head, whole=True),
        issuer=letterhead or foot_issuer,
        speaker=_find_speaker(text, head, title),
        date=foot_date or _head_date(text, head),
    )


def _head(text: str, lines: Sequence[Span]) -> list[Span]:
    """The lines before the text proper: short ones that are no sentences."""
    head: list[Span] = []
    for line in lines[:_MAX_HEAD_LINES]:
        if line.end - line.start > _MAX_HEAD_CHARS or text[line.end - 1] in _STOPS:
            break
        head.append(line)
    return head


def _find_title(text: str, head: Sequence[Span]) -> Field | None:
    for line in head:
        value = line.of(text)
        is_other = _DOC_NUMBER.fullmatch(value) or _LETTERHEAD.fullmatch(value) or _whole_date(value)
        if not is_other and len(value) >= 4:
            return Field(value, line)
    return None


def _find_speaker(text: str, head: Sequence[Span], title: Field | None) -> Field | None:
    if title is None or not _SPEECH.search(title.value):
        return None
    for line in head[head.index(title.span) + 1 :]:
        if _SPEAKER.fullmatch(text, line.start, line.end):
            return Field("".join(line.of(text).split()), line)
    return None


def _head_date(text: str, head: Sequence[Span]) -> Field | None:
    for line in head:
        match = _DATE.search(text, line.start, line.end)
        if match and match.start() - line.start <= 2 and (value := _iso_date(match)):
            return Field(value, Span(*match.span()))
    return None


def _signature(text: str, foot: Sequence[Span]) -> tuple[Field | None, Field | None]:
    """署名 and 成文日期, on lines of their own or on one: 「天桥区政府办公室2021-12-02」."""
    for position, line in enumerate(foot):
        match = _DATE.search(text, line.start, line.end)
        if (
            match is None
            or text[match.end() : line.end].strip(" \u3000）)")
            or not (value := _iso_date(match))
        ):
            continue
        before = Span(line.start, match.start())
        above = before if before.of(text).strip(" \u3000（(") else foot[position - 1] if position else before
        issuer = _ISSUER.fullmatch(above.of(text).strip())
        span = Span(above.start, above.start + len(above.of(text).rstrip()))
        return Field(issuer[0], span) if issuer else None, Field(value, Span(*match.span()))
    return None, None


def _first(
    pattern: re.Pattern[str], text: str, lines: Sequence[Span], *, whole: bool, group: int = 0
) -> Field | None:
    for line in lines:
        match = pattern.fullmatch(text, line.start, line.end) if whole else pattern.search(text, *line)
        if match:
            return Field("".join(match[group].split()), Span(*match.span(group)))
    return None


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
