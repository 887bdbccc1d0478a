"""What a question wants to be told, by the words that ask for it, and whether a text tells anything of that type.

The types are those of question classification (Li and Roth 2002) that official documents are asked for.
"""

import re
from dataclasses import dataclass

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


def read_answer_types(folded: str) -> tuple[AnswerType, ...]:
    """Those that the question wants; often none."""
    return tuple(each for each in _TYPES if each.asks.search(folded))
