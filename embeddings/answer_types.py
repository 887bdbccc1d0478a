"""What a question wants to be told, by the words that ask for it, and whether a text tells anything of that type.

The types are those of question classification (Li and Roth 2002) that official documents are asked for.
"""

import re
from dataclasses import dataclass
from functools import cache

# As it asks: not which ones, nor some.
_HOW_MANY = "(?<![哪好第十这那近前后])几"
_ASKS_NUMBER = re.compile(
    rf"多少|{_HOW_MANY}(?![乎月号日点])|(?<!电视)电话(?!会)|手机|号码|价格|金额|比例|比率|百分比"
)
# What is counted, where a number of it is asked for.
_ASKS_UNIT = re.compile(
    rf"(?:多少|{_HOW_MANY})[十百千万亿]*个?"
    "(平方公里|平方米|公里|小时|分钟|[名位人起件项条家次处种类楼层天日年月元钱吨米亩倍分岁户辆台座栋间场支票份])"
)
_ASKS_DATE = re.compile(
    rf"(?:{_HOW_MANY}|哪)(?:年|月|日|号|天|一年|一天)|什么时候|什么时间|何时|何日|日期|(?<!多长)(?<!多少)时间"
)
_DATE = re.compile(
    r"[\d一二三四五六七八九十〇两]\s?个?(?:[年月日号时天周]|小时|分钟|星期|工作日)|\d{4}-\d|[“\"]\d{1,2}[.·]\d{1,2}[”\"]"
    r"|[年月季]底|[年月]初|上半年|下半年|季度|[春夏秋冬汛]季|汛期"
)
# An amount, and no date.
_NUMBER = re.compile(
    r"(?<![\d.])\d{1,3}(?:[.,]\d+)*(?:年|(?![\d.]*[月日时\d]))|\d{4,}(?![年\d])"
    r"|成倍|分之|[一二三四五六七八九十百千万两]{2,}|[一二三四五六七八九十百千万两](?:余|多)?"
    r"(?=[比成个名位人次起件项条家种类点元倍成级万亿台辆处户天周岁层栋座间所批轮届套支份张米吨亩度]|小时|分钟|公里|平方)"
)
# Units that are asked for, and how an amount of them may be told.
_COUNTED = (
    ("人名位", "[人名位个口死伤]|条[人生]命"),
    ("件项条种类起次处家户", "[件项条种类起次处家户个点宗]"),
    ("楼层", "[楼层]"),
    ("天日", "[天日]|个工作日"),
    ("元钱", "[元块]"),
)
_FEW = "[\\d一二三四五六七八九十两百千]"


@dataclass(frozen=True, slots=True)
class AnswerType:
    """Questions that match `asks` want what matches `tells`, both in folded texts."""

    asks: re.Pattern[str]
    tells: re.Pattern[str]


_TYPES = tuple(
    AnswerType(re.compile(asks), re.compile(tells))
    for asks, tells in (
        # A duration.
        (
            "几天|多久|多长时间|多少时间|几个?(?:工作日|小时|钟头|月|星期|周)|几年|多少[天日年]|期限|时限|任期|提前多",
            f"{_FEW}个?(?:[日天月年周]|小时|工作日|分钟)",
        ),
        # A body.
        (
            "谁|(?:哪个|哪些|什么)部门|哪个(?:单位|机构)|哪家|哪一?级|哪里管|哪儿报|找哪|主管",
            "部门|机关|政府|[局委厅]|机构|单位|组织",
        ),
        # A place.
        ("哪里|哪儿|在哪|上哪|去哪|何处|什么地方|地点", "[处区市省县院厅站地]|中心|窗口|场所"),
        # A reason.
        ("为什么|为何|咋|原因|怎么会|理由", "因|由于|为了|根据|防止|导致"),
        # A penalty, and what it costs.
        ("罚|惩|后果|责任|怎么处|吊销", "罚款|处罚|责令|处分|吊销|追究|赔偿"),
        ("多少(?:钱|元|万)|几(?:万|块|百|千)|罚多少|罚款|补多少|金额|费用|补贴|补助", "元"),
        # A share, a measure, a number to call.
        ("比例|占比|百分|几成|增长|增速|率|涨了多少|(?:提高|下降)多少", "[%倍]|分之|点"),
        ("多[大高远宽深重]|几米|[温厚宽长高]度|距离|面积|公里|公斤", "米|公里|平方|[℃度吨亩]|公斤"),
        ("电话|号码|网址|邮箱|热线|微信", r"\d{5,}|12\d{3}"),
    )
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a question wants to be told: a number (of `unit`, where it says of what), a date, answers of `types`."""

    number: bool
    unit: str
    date: bool
    types: tuple[AnswerType, ...]

    def lacks(self, text: str) -> bool:
        """Whether a date or a number is wanted and `text` (folded) tells none."""
        if self.date:
            return _DATE.search(text) is None
        amount = _amount_of(self.unit) if self.unit else _NUMBER
        return self.number and amount.search(text) is None

    def told(self, text: str) -> int:
        """How many of `types` it tells."""
        return sum(each.tells.search(text) is not None for each in self.types)


def read_wanted(folded: str) -> Wanted:
    return Wanted(
        number=_ASKS_NUMBER.search(folded) is not None,
        unit="".join(_ASKS_UNIT.findall(folded)[:1]),
        date=_ASKS_DATE.search(folded) is not None,
        types=tuple(each for each in _TYPES if each.asks.search(folded)),
    )


@cache
def _amount_of(unit: str) -> re.Pattern[str]:
    told = next((told for units, told in _COUNTED if unit in units), unit)
    return re.compile(rf"[\d一二三四五六七八九十百千万亿两半][余多来]?\s?(?:{told})")
