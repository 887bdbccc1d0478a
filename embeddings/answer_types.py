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
# The number of a place is no amount: 「（十一）」「第八十四条」.
_PLACE_NUMBER = re.compile(
    r"第[\d一二三四五六七八九十百零〇]{1,6}[编章节条款项](?:之[一二三四五六七八九十])?|(?m:^)[(]?[\d一二三四五六七八九十]{1,4}[).、](?!\d)"
)
# As a figure is written, in digits or in words.
_N = r"\d一二三四五六七八九十两百千万半几"
# How a question goes on behind what it asks for: 「期限是多少」, or not at all, 「期限」; 「有期限吗」 asks something else.
_BEING = "(?:标准|要求|规定|情况)?(?:[是有为要都各咋]|分别|一共|总共|一般|最多|最少|至少)*"
_ENDING = "[呢呀啊的]*(?=[?!;]|$)"
_WHAT = "(?:什么|啥|哪些|哪几[个种类份样]|怎么?样?|如何|多少|谁)"
_HOW_MUCH = "(?:多少|几(?=[个万千百元块成倍%年天日月米吨亩])|多[大高长久]|怎么(?!办)|什么|啥)"
_MUCH = f"(?:{_HOW_MUCH}|{_ENDING})"
_WHICH = f"(?:{_WHAT}|{_ENDING})"


def _asked(nouns: str, by: str) -> str:
    """That one of `nouns` is what is asked for: words of `by` ask for it, or the question ends with it."""
    return f"(?:{nouns}){_BEING}{by}"


@dataclass(frozen=True, slots=True)
class _Type:
    """Questions that match `asks` want what matches `tells`, both in folded texts."""

    asks: re.Pattern[str]
    tells: re.Pattern[str]


_TYPES = {
    name: _Type(re.compile("|".join(asks)), re.compile(tells))
    for name, asks, tells in (
        (
            "duration",
            (
                f"{_HOW_MANY}天|多久(?!一)|多长时间|多少时间|{_HOW_MANY}个?(?:工作日|小时|钟头|月|星期|周|学时)|{_HOW_MANY}年",
                "多少[天日年]|几日|几分钟|多少(?:分钟|个?小时|个?学时|课时)|提前多",
                _asked(
                    "期限|时限|任期|有效期|年限|年数|效期|保质期|时长|时间限制|保存期|保管期|试用期|周期|保修期|学时",
                    _MUCH,
                ),
            ),
            f"[{_N}]个?半?(?:[日天月年周季]|小时|工作日|分钟|星期|学期|学时|课时)|当[日天月年]|次[日月年]|即时|长期|终身|永久"
            "|每学?[年月季周日期]|年度|当场|立即|期间|季度|随时",
        ),
        (
            "frequency",
            (
                "多久.{0,4}(?:一[次回遍趟]|次)|几[次回遍趟]|多少[次回遍]|隔多久|每年几|每隔",
                _asked("频次|频率|次数", _MUCH),
            ),
            f"每[{_N}]?学?[年月季周天日期]|[{_N}][次回遍]|每次|定期|一年|逐[年月日次]|按[年月季日]|季度",
        ),
        (
            "date",
            (
                "几[月号]|哪一?[天日月]|何[日时]|什么时候|啥时候|什么时间",
                _asked("日期|施行时间|生效时间|起止时间|开始时间|截止时间|时间", _MUCH),
            ),
            r"\d[月日号]|[一二三四五六七八九十][月日号]|[今昨明][天日年]|[前后时期年季底初]|之日|日内",
        ),
        (
            "year",
            ("哪一?年|何年|什么年份", _asked("年份", _MUCH)),
            r"\d{2,4}年|[今去明上当]年|[二三]?十?[一二三四五六七八九]?年",
        ),
        (
            "clock",
            (
                r"(?<![\d一])几点(?!要|意|建)|几时|什么时段|哪个时段",
                _asked("时刻|钟点|时间段|营业时间|开放时间|作息时间", _MUCH),
            ),
            r"\d{1,2}(?::\d\d|[时点])|[一二三四五六七八九十]+[时点](?!意)|凌晨|早晨|晚上|夜间|日出|全天|昼夜|午|期",
        ),
        (
            "money",
            (
                "多少(?:钱|元|万)|几(?:万|块|百|千)|[罚补赔奖交收给发]多少(?![家个人名次户份])",
                _asked(
                    "金额|工资|薪水|薪酬|[月年日]薪|租金|票价|价格|单价|保费|房租|月租|额度|投资额?|产值|罚款|数额|预算|报酬"
                    "|工钱|价钱|(?:补[贴助]|津贴|奖[金励]|待遇|收入|费用?|[偿约押证助恤老险]金)(?:标准|金额|数额)",
                    _MUCH,
                ),
                _asked(
                    "补[贴助]|津贴|奖[金励]|待遇|收入|损失|经费|费用?|[偿约押证助恤老险贷存][金款]", _HOW_MUCH
                ),
            ),
            r"元|免费|不收|无偿|[\d十百千万][万亿]|[%‰]|[百千万]分之|[倍成]|全额|免|个月工资",
        ),
        (
            "free",
            (
                "要(?:不要)?钱|收钱|收不收|免费吗|免票|收费吗|另收|交钱吗|掏钱吗|要掏|花钱吗|免不免|(?:是否|是不是)[免收]",
                "[打几]折|半价|便宜多少",
            ),
            "[免费元折减]|无偿|收取|自理|承担|缴|交纳|支付|补助|优惠",
        ),
        (
            "share",
            (
                "百分之?几|几成|几个点|个点|百分点|几倍|占多少|多大比例",
                _asked(
                    "比例|占比|增速|增幅|降幅|比重|(?:[税费利]|增长|覆盖|失业|普及|入学|合格|达标|利用|参保)率",
                    _MUCH,
                ),
            ),
            "[%倍‰]|分之|百分点|成(?!立|员|为|果|功|本)|翻[一两]番|持平",
        ),
        (
            "measure",
            (
                "多[高远宽深重厚粗](?!要)|几(?:米|公?里|平|[吨斤])|多少(?:[米平吨斤度亩克升]|公[里斤顷]|[厘毫]米)",
                _asked("[温厚宽长高深]度|距离|面积|尺寸|间距|直径|容量|重量|体积|分贝|大小|浓度", _MUCH),
            ),
            "[米里℃度吨亩升寸克斤]|平方|公顷|分贝|立方|[cmk][mg]",
        ),
        (
            "people",
            (
                f"(?<!排)(?:多少|{_HOW_MANY})个?[人名位](?!民)|死[亡了].{{0,3}}(?:多少|几)",
                _asked("人数|名额|编制|员额", _MUCH),
            ),
            rf"[{_N}][余多]?(?:[人名位万亿]|个人|\w{{0,6}}[工民者员户])|人次|无人|人命|分之",
        ),
        (
            "count",
            (
                f"(?:多少|{_HOW_MANY})个?(?!人|小时|钟|月|工作|星期|周|字|方面)"
                "(?:[家所座条种类项部件台辆套户只头株棵栋间起处艘架块本单]|平方)",
                _asked("数量|起数|总量|产量|总数|保有量", _MUCH),
            ),
            f"[{_N}][余多]?个?(?:[家个所座条种类项部件台辆套户只头株棵栋间起处艘架块本元单万亿吨倍%]|平方|公里)|百分之",
        ),
        (
            "score",
            ("几分(?!钟)|扣分|记分|多少分(?!钟)", _asked("得分|评分|分数|积分|分值", _MUCH)),
            f"[{_N}]分(?!之|钟|别|[{_N}])|[积计记扣]分",
        ),
        (
            "age",
            ("几岁|多大(?:年纪|岁数)|多少岁", _asked("年龄|岁数|学历|文凭|文化程度", _MUCH)),
            "岁|毕业|学历|[本专]科|[学硕博]士|大专|[高初]中|年满|文化|童",
        ),
        (
            "phone",
            (
                "打(?:什么|哪个)电话|哪个号码|拨打?哪",
                _asked("(?<!视)电话|号码|网址|官网|邮箱|热线|微信|公众号|二维码|邮编|联系方式", _MUCH),
            ),
            r"\d{5,}|1[12]\d|www|http|@",
        ),
        (
            "body",
            (
                "找谁|归谁|谁(?:来|去)?(?:管|负责|批|查|定|办|发|出|监督|审|主管)|哪家|哪一?级|哪里管|哪儿报|找哪|去哪个",
                "(?:哪个|哪些|什么|啥)(?:部门|单位|机构|机关|政府|人员|人)",
                _asked("主管部门|主管单位|审批部门|负责部门|责任部门|发证机关|部门|机关", _WHICH),
            ),
            "部门|机关|政府|机构|单位|组织|企业|公司|业主|[局委厅办院会长员人者行方市县区乡镇村]",
        ),
        (
            "person",
            (
                "叫啥(?!名堂)|叫什么名|姓什?[么啥]|(?:长|书记|主任|席|总理|员)都?是谁",
                _asked("姓名", _WHICH),
            ),
            "[\u4e00-\u9fff]{2}(?:同志|先生|女士|书记|[省市区县局部院厅处科委组会]长|主任|主席|总理)"
            "|(?:书记|[省市区县局部院厅处科委组会]长|主任|主席|总理|教授|队长|总指挥|经理)[\u4e00-\u9fff]{2}",
        ),
        (
            "life",
            ("哪所大学|毕业于", _asked("简历|履历|籍贯|生日|出生|民族|性别", _WHICH)),
            "出生|[历曾]任|毕业|籍贯|生于",
        ),
        (
            "place",
            (
                "哪里|哪儿|在哪|上哪|去哪|何处|什么地方|哪个地方",
                _asked("地点|地址|位置|场所", _WHICH),
            ),
            "[处区市省县院厅站地所室路街镇村场校园店库里网内外旁]|中心|窗口|部门|机[构关]|平台|银行",
        ),
        (
            "list",
            (
                "哪几[家个所座省市区县条种类项]|哪[些十](?:单位|企业|城市|省|国家|行业|银行|地区|学校|部门|项目|品种|个产业)",
                _asked("名单|清单|目录", _WHICH),
            ),
            "[、和及]|全部|所有|或者",
        ),
        (
            "papers",
            (
                "(?:什么|哪些|哪几[份样种]|啥)(?:申请|证明)?(?:材料|单子|证件?|证明|资料|文件|证书|手续)",
                "带[上齐好些]?(?:啥|什么|哪些)|(?:提交|准备|出示|递|(?<![给提移])交)[上些]?(?:啥|什么|哪些)(?!款|罚)",
                _asked("材料|单子|证件|证明|证书|手续", _WHICH),
            ),
            "材料|证|申请表|复印件|报告|文件|资料|合同|手续|发票|病历|执照|清单|目录|登记表|书|方案|协议|图|签字|》",
        ),
        (
            "condition",
            (
                "(?:什么|哪些)人(?:能|可以|才)|谁能|谁可以|啥人能|要(?:什么|啥|哪些)条件",
                _asked("条件|资格|门槛|资质", _WHICH),
            ),
            "条件|应当具?[备有由]|下列|符合|满足|标准|具有|资[格质]|以上|不得|经.{1,12}合格|可以|的,",
        ),
        (
            "reason",
            ("为什么|为何|为啥|因为什么|凭什么(?!才)|何故", _asked("原因|理由|缘由", _WHICH)),
            "因|由于|为了?|根据|防止|导致|造成|所致|引[发起]|由.{1,6}引|鉴于|依据|使|考虑|主要是",
        ),
        (
            "penalty",
            (
                "怎么罚|罚[他我它]?(?:多少|啥|什么|吗|不)|会不会被?罚|怎么处[罚分]|吊销|坐牢|判刑|(?:什么|啥)(?:后果|责任)",
                _asked("处罚|惩罚|后果|处分|罚款|罚", f"(?:{_WHICH}|{_MUCH})"),
            ),
            "罚款|处罚|责令|处分|吊销|追究|赔偿|没收|拘留|警告|刑|问责|处[\\d一二三四五六七八九十]|查处|取缔|惩|承担|取消|不得|责任",
        ),
        ("colour", ("什么颜?色|啥颜?色", _asked("颜色", _WHICH)), "[红橙黄蓝绿白黑灰紫]"),
        (
            "procedure",
            ("(?:怎么|如何|咋)(?:申请|办理|报名|投诉|举报|申报|登记)", _asked("流程|程序|步骤", _WHICH)),
            "申请|提交|受理|审核|审批|登记|备案|报告|提出|申报|投诉|协商|起诉|仲裁|调解|诉讼|书面|告知|公告|程序|方式",
        ),
    )
}
ANSWER_TYPES = tuple(_TYPES)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a question wants to be told: a number (of `unit`, where it says of what), a date, and of `ANSWER_TYPES` those
    of `types`."""

    number: bool
    unit: str
    date: bool
    types: tuple[str, ...]

    def lacks(self, text: str) -> bool:
        """Whether a date or a number is wanted and `text` (folded) tells none."""
        if not self.date and not self.number:
            return False
        amount = _amount_of(self.unit) if self.unit else _NUMBER
        return (_DATE if self.date else amount).search(_PLACE_NUMBER.sub("", text)) is None

    def untold(self, text: str) -> tuple[str, ...]:
        """Those of `types` that `text` (folded) does not tell."""
        told = _PLACE_NUMBER.sub("", text) if self.types else text
        return tuple(name for name in self.types if _TYPES[name].tells.search(told) is None)


def read_wanted(folded: str) -> Wanted:
    return Wanted(
        number=_ASKS_NUMBER.search(folded) is not None,
        unit="".join(_ASKS_UNIT.findall(folded)[:1]),
        date=_ASKS_DATE.search(folded) is not None,
        types=tuple(name for name, each in _TYPES.items() if each.asks.search(folded)),
    )


@cache
def _amount_of(unit: str) -> re.Pattern[str]:
    told = next((told for units, told in _COUNTED if unit in units), unit)
    return re.compile(rf"[\d一二三四五六七八九十百千万亿两半][余多来]?\s?(?:{told})")
