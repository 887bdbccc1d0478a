"""What was left to be filled in: `*`, `××`, `＿＿`, `20**年`, `〔〕号`, `【待补充】`, `……` where a value belongs."""

import re
from collections.abc import Iterator

from embeddings.drafts.types import Placeholder
from embeddings.types import Span

_MARKDOWN = re.compile(r"^(?:#{1,6} |```|[-*] \S|\|.*\|$)", re.MULTILINE)
_EMPHASIS = re.compile(r"(\*{1,3})(?=\S)[^*\n]*[^*\s](\1)")
_BULLET = re.compile(r"^[ \t]*\*[ \t]+(?=\S)", re.MULTILINE)
# A line of nothing but signs is drawn, not left out.
_RULE = re.compile(r"^[^\S\n]*(?:[*＊×_＿\-=—─~～·.…。#＃][^\S\n]*){4,}$", re.MULTILINE)
_FORMULA = re.compile(r"[0-9A-Za-z)）\]][ ]*[*×][ ]*[0-9A-Za-z(（\[]")
_FOOTNOTE = re.compile(r"(?<=[\u4e00-\u9fff\d）)])\*+(?=\s*$)|^[^\S\n]*\*+(?=注|本文|作者)", re.MULTILINE)
_PLACEHOLDER = re.compile(
    r"""
    (?:19|20)\d?[*＊×✕✖_＿○〇□△xX?？]{1,3}(?=\s*年)     # 20**年, 202×年
    | (?:○○+|〇〇+)(?=[\u4e00-\u9fff）)、，,。；;”])  # ○○县
    | (?<![A-Za-z0-9])[xX]{2,}(?![A-Za-z0-9])             # XX县
    | [*＊]+ | [×✕✖╳]{2,} | ×(?=[省市县区镇乡村局委办部同年月日]) | _{2,} | ＿+ | [□☐]{2,} | △{2,} | ▲{2,}
    | (?:…+|\.{3,6}|。{3,6})(?=[ ]*(?:
        [万亿]|元|[%％]|吨|公里|平方米|亩|名|户|个?百分点|同志|部门|单位|号
        | [年月日人个家次件项条起天](?:$|[，。；、）)】\]\s…\d]|[（(]|内|前|后|底|上半|下半)))      # ……万元
    | (?<=[:：（(【\[第至])[ ]*(?:…+|\.{3,6}|。{3,6})[ ]*(?=[）)】\]年月日号])
    | (?<=[:：])[^\S\n]*(?:…{2,}|\.{6})[^\S\n]*$           # 电话：……
    | ^[^\S\n]*(?:[（(]?[一二三四五六七八九十\d]+[）)、.．][^\S\n]*)?(?:…{2,}|\.{6})[^\S\n]*$   # a line of its own
    | [（(【\[][ ]*(?:此处|这里|待|请)?(?:填写|填入|补充|待定|待填|待补充|插入|略)[^）)】\]\n]{0,12}[）)】\]]
    | [（(【\[][^（）()【】\[\]\n]{0,8}待(?:核|定|补|填|查|确认|更新|完善|续)[^（）()【】\[\]\n]{0,6}[）)】\]]  # （数据待核）
    | (?<![A-Za-z0-9])[Xx×](?=[年月日号届次个名户%％]|[万亿]?元|[省市县区镇乡]|百分点)         # 第X次, X月, 增长×%
    | (?<![A-Za-z0-9+])N(?=个?百分点|[%％]|[万亿]元)
    | (?:(?<=[0-9年月])|^)[?？](?=[年月日])                # ？月？日
    | [（(][?？]+[）)]
    | (?:(?:19|20)\d\d)?年[ \u3000]+月(?:[ \u3000]+日|(?=$|[，。；、）)\s]))      # 2024年  月  日
    | (?<!\d)20(?:[ ]{2,6}|[\u3000]{1,3})年               # 20  年
    | (?<=[\u4e00-\u9fff])(?:〔[ \u3000]*〕|[〔\[](?:19|20)\d\d[〕\]][ \u3000]*号)    # 国办发〔〕12号, 〔2024〕号
    | 第[ \u3000]+[号次届期]
    | 【[ \u3000]*】 | [（(][ \u3000]{2,}[）)]
    | \{\{?[^{}\n]{1,20}\}\}?
    | [<＜【](?:单位|姓名|日期|时间|地点|名称|职务|部门|数字?|金额|电话|标题|地区)[^<>＜＞【】\n]{0,6}[>＞】]
    | (?<![A-Za-z])(?:TODO|TBD)(?![A-Za-z])
    | 某某(?=[省市县区镇乡局委厅])
    | [■◎●◆]{2,}(?=[\u4e00-\u9fff])
    | (?:联系人|联系电话|电话|签发人|承办人|经办人|审核人)[：:](?:[ ]{2,}|\u3000+)(?=$|[\u4e00-\u9fff])
    """,
    re.VERBOSE | re.MULTILINE,
)
_ZERO_YEAR = re.compile(r"[○〇零一二三四五六七八九十]")


def find_placeholders(text: str) -> tuple[Placeholder, ...]:
    """In order. Signs that are drawn (rules, bullets, emphasis, footnotes, products) are not among them."""
    is_drawn = bytearray(len(text))
    for start, end in _drawn(text):
        is_drawn[start:end] = b"\1" * (end - start)
    found = []
    for match in _PLACEHOLDER.finditer(text):
        span = _stripped(text, Span(*match.span()))
        if not all(is_drawn[span.start : span.end]) and not _is_year(text, span):
            found.append(Placeholder(span, span.of(text)))
    return tuple(found)


def _drawn(text: str) -> Iterator[Span]:
    for pattern in (_RULE, _FOOTNOTE):
        yield from (Span(*match.span()) for match in pattern.finditer(text))
    for match in _FORMULA.finditer(text):
        yield Span(match.start() + 1, match.end() - 1)
    if _MARKDOWN.search(text):
        yield from (Span(*match.span()) for match in _BULLET.finditer(text))
        for match in _EMPHASIS.finditer(text):
            yield Span(*match.span(1))
            yield Span(*match.span(2))


def _is_year(text: str, span: Span) -> bool:
    """二○○○年 and 二〇〇八年 are years."""
    return span.of(text)[0] in "○〇" and (
        _ZERO_YEAR.match(text[span.start - 1 : span.start]) is not None
        or _ZERO_YEAR.match(text[span.end : span.end + 1]) is not None
    )


def _stripped(text: str, span: Span) -> Span:
    start, end = span
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return Span(start, end)
