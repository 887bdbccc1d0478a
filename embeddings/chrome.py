"""Ranges of a text that are not content: what a web page or a forum put around it, separators, salutations."""

import re
from collections.abc import Sequence

from embeddings.types import Mark, Span

CHROME = "chrome"
SEPARATOR = "separator"
SALUTATION = "salutation"
MARKUP = "markup"
CONTENTS = "contents"
PAGE_HEADER = "page header"
PAGE_FOOTER = "page footer"
PAGE_NUMBER = "page number"

# Words of menus, buttons and counters. A line of nothing else is chrome, if the text comes from a web page.
_MENU = re.compile(
    r"复制链接|跳转到(?:指定楼层)?|(?:只看该作者|只看楼主)|回帖奖励|[倒正]序浏览|阅读模式|上一主题|下一主题|楼主|沙发|板凳"
    r"|上一[篇页]|下一[篇页]|返回(?:顶部|列表|首页|上页)?|快速回复|回复|使用道具|举报|评分|置顶|淘帖|转播|收藏|分享到?|点赞"
    r"|QQ好友(?:和群)?|QQ空间|腾讯微博|新浪微博|腾讯朋友|微信|朋友圈|微博|扫一扫|二维码"
    r"|登录|立即注册|注册|用户名|密码|忘记密码|自动登录|找回密码|您需要登录后才可以回帖|本版积分规则|发新帖|发帖|发表于"
    r"|搜索|热搜|高级搜索|打印(?:本页)?|关闭(?:窗口)?|字号|字体|[大中小]|首页|网站首页|当前位置|您的位置|所在位置|导航|菜单|更多"
    r"|手机版|电脑版|小黑屋|Archiver|网站地图|联系我们|关于我们|设为首页|加入收藏|友情链接|网站标识码|技术支持"
    r"|浏览(?:次数|量)?|阅读(?:次数|量)?|点击(?:次数|数|率)?|访问量|人气|评论|发布(?:时间|日期)|来源|作者|编辑|责任编辑|责编|楼层",
    re.IGNORECASE,
)
# One of these shows that the text was saved from a web page, and that its line is chrome.
_FOOTPRINT = re.compile(
    r"ICP备|公网安备|Powered\s+by|Discuz!|Processed in [\d.]+ second|GMT\s*\+\s*8|©|\(c\)\s*\d{4}|Copyright|All Rights Reserved"
    r"|复制链接|跳转到指定楼层|只看该作者|您需要登录后才可以|本版积分规则|使用道具|^热搜\s*[:：]|^分享到\s*[:：]|扫一扫在手机",
    re.IGNORECASE,
)
_DISCLAIMER = re.compile(
    r"(?:版权|著作权).{0,8}(?:归|属)|如有侵权|侵权.{0,12}(?:联系|删除)|转载.{0,6}(?:网络|互联网|请注明)|(?:仅|只)供.{0,8}(?:学习|参考|交流)"
)
# Two of these on a line are what a website says of its own page.
_BYLINE = re.compile(
    r"(?:(?:发布|更新|发表)(?:时间|日期)|(?:信息|文章|稿件)?来源|作者|(?:责任)?编辑|审核|(?:浏览|阅读|点击)(?:次数|量|数)|字号|字体|分享|打印)\s*[:：]"
)
_NOISE = re.compile(r"\d{1,4}[-/.:年月日时分秒\d\s]*|[^\u4e00-\u9fff]+")
_MAX_MENU_REST = 2
_MAX_FOOTPRINT_CHARS = 80
_MAX_DISCLAIMER_CHARS = 120
_MAX_BYLINE_CHARS = 120
_MIN_MENU_LINES = 3
_CATEGORY = re.compile(r"^[\[【][^\]】]{1,10}[\]】]\s*")
_HAS_WORDS = re.compile(r"[^\W_]")
_SALUTATION = re.compile(
    r"^(?:尊敬的|敬爱的|亲爱的)?[^。！？!?；;]{0,30}(?:同志们|朋友们|先生们|女士们|各位\w{0,12}|同志|来宾|委员|代表|领导|同事|同学们?|老师们?)"
    r"[^。！？!?；;]{0,12}[：:!！]$"
)
_MARKUP = re.compile(r"^(?:#{1,6}(?=\s)|<!--.*?-->|-{3,}$)\s*")


def find_marks(text: str, lines: Sequence[Span], *, is_web_page: bool = False) -> list[Mark]:
    """The marks over `lines` (the text's lines without the white space around them, none blank), in order.

    `is_web_page` says that the text is known to come from one; else its lines tell.
    """
    is_page = is_web_page or _is_web_page(text, lines)
    seen = {_plain(line.of(text)) for line in lines}
    marks = []
    for line in lines:
        if markup := _MARKUP.match(line.of(text)):
            marks.append(Mark(Span(line.start, line.start + len(markup[0].rstrip())), MARKUP))
        elif reason := _reason(line.of(text), is_page, seen):
            marks.append(Mark(line, reason))
    return marks


def _is_web_page(text: str, lines: Sequence[Span]) -> bool:
    menu_lines = sum(1 for line in lines if _is_menu(line.of(text)))
    return menu_lines >= _MIN_MENU_LINES or any(_is_footprint(line.of(text)) for line in lines)


def _reason(line: str, is_page: bool, seen: set[str]) -> str | None:
    if not _HAS_WORDS.search(line):
        return SEPARATOR
    if _SALUTATION.match(line) and len(line) <= 40:
        return SALUTATION
    if is_page and (
        _is_menu(line)
        or _is_byline(line)
        or _is_footprint(line)
        or _is_disclaimer(line)
        or _repeats_title(line, seen)
    ):
        return CHROME
    return None


def _is_menu(line: str) -> bool:
    """Whether nothing but words of menus, times and numbers stands in a line."""
    rest, count = _MENU.subn("", line)
    return count > 0 and len(_NOISE.sub("", rest)) <= _MAX_MENU_REST


def _is_byline(line: str) -> bool:
    labels = set(_BYLINE.findall(line))
    return len(line) <= _MAX_BYLINE_CHARS and len(labels) >= 2 and "。" not in line


def _is_footprint(line: str) -> bool:
    return len(line) <= _MAX_FOOTPRINT_CHARS and _FOOTPRINT.search(line) is not None


def _is_disclaimer(line: str) -> bool:
    return len(line) <= _MAX_DISCLAIMER_CHARS and _DISCLAIMER.search(line) is not None


def _repeats_title(line: str, seen: set[str]) -> bool:
    """「[领导讲话] 某市…的发言」 above 「某市…的发言」."""
    without, count = _CATEGORY.subn("", line)
    return count > 0 and _plain(without) in seen


def _plain(line: str) -> str:
    return "".join(line.split())
