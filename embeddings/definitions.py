"""What a question wants defined (「什么是重大危险源」「燃气的定义」), and how official documents define a term.

They do it in set forms: 「本条例所称燃气，是指……」「仓储合同是……的合同」「控物价，就是要……」「“四不放过”（……）」「……（以下简称消防站）」.
"""

import re

_WHAT = "(?:什么|啥)"
_MEANING = "(?:定义|含义|概念|释义|意思)"
_ASKS = re.compile(
    rf"^(?:(?:请问|请教|想问|问一?下|我想知道|解释一?下)[\s,]*)*"
    rf"(?:(?:{_WHAT}(?:是|叫做?)|何[为谓]|(?:怎么|怎样|如何)(?:定义|界定))(?P<after>[^,?!;]+?)"
    rf"|(?P<before>[^,?!;]+?)(?:到底|究竟|具体|分别)?"
    rf"(?:(?:都?是)?指的?是?(?:{_WHAT}|谁|哪些\w{{0,2}})|[是叫]个?{_WHAT}|个?{_WHAT}(?=意思|含义|概念)"
    rf"|是?(?:怎么|怎样|如何)(?:定义|界定)的?|的?\s*(?={_MEANING}(?:是{_WHAT})?\W*$))"
    rf"(?:的?(?:{_MEANING}|东西))?(?:是{_WHAT})?)"
    r"[吗呢啊呀\W]*$"
)
_QUOTE = '[“”"「」『』《》]'
_QUOTED = re.compile(rf"{_QUOTE}([^“”\"「」『』《》]+){_QUOTE}\W*$")
# Where it is said: 「法律上说的」「在条例中」.
_AROUND = re.compile(r"^\W+|^.{0,12}[说称提讲谓]的|在.{1,6}[中里上]$|\W+$")
_BARE = re.compile(r"[\u4e00-\u9fff]{2,8}")
_LEAST_CHARS, _MOST_CHARS, _LONGEST_QUESTION = 2, 20, 60
# A clause begins here, or what is so called.
_BEGINNING = r"(?:(?<!\w)|(?<=[称谓])|(?<=[称谓指]的)|(?<=其中))"
_KIND = "合同|行为|活动|权利|制度|单位|组织|机构|人员|法人|企业|机关|文件|凭证|证书|物质|物品|设施|设备|场所|区域|工程|费用"


def read_defined(folded: str) -> str | None:
    """The term that a question asks to have defined; None where it asks for something else."""
    asked = _ASKS.match(folded) if len(folded) <= _LONGEST_QUESTION else None
    if asked is None:
        return None
    said = asked["after"] or asked["before"]
    quoted = _QUOTED.search(said)
    term = re.sub(_QUOTE, "", quoted[1] if quoted else _AROUND.sub("", said))
    return term if _LEAST_CHARS <= len(term) <= _MOST_CHARS else None


def is_bare_term(folded: str) -> bool:
    """Whether a question is nothing but a word that may be a term: 「职业病」."""
    return _BARE.fullmatch(folded) is not None


def says_what_it_is(term: str) -> re.Pattern[str]:
    """What finds in folded texts 「（本法所称）职业病，是指」, the plainest of the forms that define `term`."""
    return re.compile(
        rf"{_BEGINNING}{_quoted(term)}{_QUOTE}?(?:\([^()]{{0,40}}\))?[,:]?\s*(?:是指|系指|指的是)"
    )


def defining(term: str) -> re.Pattern[str]:
    """What finds in folded texts the words that begin a definition of `term`; its group `called` is the form
    「……（以下简称消防站）」, which often says less than the others."""
    said = _quoted(term)
    gloss = r"\((?!以下|简称|试行)[^()]{6,}\)"
    return re.compile(
        rf"{_BEGINNING}{said}{_QUOTE}?(?:工作|活动|原则|制度)?(?:\([^()]{{0,40}}\))?"
        r"(?:[,:]?\s*(?:是指|系指|指的是|就是|即(?![可使将便])|指(?![导定挥标派引示出认控数令使明南战纹头责]))(?!什么|啥|哪)"
        rf"|,是(?![否不])|是[^。;!?\n]{{4,}}的(?:{_KIND})(?=[。;,\n]|$))"
        rf"|(?:{_QUOTE}{said}{_QUOTE}|{_BEGINNING}(?=[一二三四五六七八九十两双]){said}){gloss}"
        rf"|(?P<called>\(以下(?:统称|简称|称)为?{_QUOTE}?{said}{_QUOTE}?\))"
    )


def _quoted(term: str) -> str:
    """A pattern of `term`, of which any part may be quoted."""
    return f"{_QUOTE}?".join(map(re.escape, term))
