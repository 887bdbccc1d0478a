"""Which lines of a web page are its main text."""

import re
from collections import defaultdict
from collections.abc import Iterator

from embeddings.readers.page_lines import PageLine, WebPage
from embeddings.readers.xml import Element

_CONTAINERS = frozenset(
    {"html", "body", "div", "article", "main", "section", "table", "tbody", "tr", "td", "form", "center",
     "ucapcontent", "dl", "dd", "ul", "li"}
)  # fmt: skip
_SIDE_TAGS = frozenset({"nav", "footer", "aside"})
_SIDE_NAME = re.compile(
    r"(?:^|[\s_-])(?:nav|navi|navbar|menu|footer|foot|breadcrumbs?|crumbs?|share\w*|sidebar|copyright|comments?|toolbar|pag(?:e|ination)bar"
    r"|related|recommend|hot|bdsharebuttonbox|qrcode|print|login|search)(?:$|[\s_-])",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[。；，、！？;!?]")
_ATTACHMENT = re.compile(r"附件|附表|附录")
_TITLE = re.compile(
    r"[^：:。；;]{4,80}(?:决议|决定|命令|公报|公告|通告|意见|通知|通报|报告|请示|批复|议案|函|纪要|条例|规定|办法|细则|方案|规划|计划|讲话|发言|公示|解读)"
    r"(?:[（(〔].{1,20}[）)〕])?"
)
_MAX_LINES_TO_TITLE = 6
# Of the weight of a part of the page, what one of its parts must hold to be gone into.
_MAIN_SHARE = 0.7
_MAX_SIDE_SHARE = 0.3
_LONG_LINE_CHARS = 20
_MIN_TITLE_CHARS = 5
_LINK_SHARE = 0.5
_MIN_LINK_LIST = 3


def find_main_text(page: WebPage) -> set[int]:
    """The positions in `page.lines` of the main text; of all lines, where no part of the page stands out."""
    weights = _weigh(page.lines)
    top = next((element for element in weights if element.getparent() is None), None)
    if top is None:
        return set(range(len(page.lines)))
    main = _descend(top, weights)
    inside = [index for index, line in enumerate(page.lines) if main in _ancestors(line.block)]
    side = {index for index in inside if _is_side(page.lines[index], main, weights)}
    start = _find_title(page, inside[0])
    between = {index for index in range(start, inside[0]) if not _is_link(page.lines[index])}
    attached = set(_attachments(page.lines, inside[-1] + 1))
    return (between | set(inside) | attached) - side - _link_lists(page.lines, inside)


def _weigh(lines: tuple[PageLine, ...]) -> dict[Element, int]:
    """How many characters of sentences that are no links each part of the page holds."""
    weights: dict[Element, int] = defaultdict(int)
    for line in lines:
        is_prose = _SENTENCE.search(line.text) or len(line.text) >= _LONG_LINE_CHARS
        if is_prose and not _is_link(line):
            for element in _ancestors(line.block):
                weights[element] += len(line.text) - line.link_chars
    return weights


def _descend(top: Element, weights: dict[Element, int]) -> Element:
    """The innermost part that holds most of the text."""
    main = top
    while True:
        parts = [part for part in main if part.tag in _CONTAINERS and weights.get(part, 0)]
        largest = max(parts, key=lambda part: weights[part], default=None)
        if largest is None or weights[largest] < _MAIN_SHARE * weights[main]:
            return main
        main = largest


def _find_title(page: WebPage, first: int) -> int:
    """The line before the main text that the page is named after, or else a heading, or else what reads like a
    title; `first` if there is none."""
    named = [index for index in range(first) if _is_name(page.lines[index], page.title)]
    headings = [index for index in range(first) if page.lines[index].is_heading]
    near = range(max(0, first - _MAX_LINES_TO_TITLE), first)
    titles = [
        index
        for index in near
        if _TITLE.fullmatch(page.lines[index].text) and not _is_link(page.lines[index])
    ]
    found = named or headings or titles
    return found[-1] if found else first


def _attachments(lines: tuple[PageLine, ...], after: int) -> Iterator[int]:
    """The lines right after the main text that name what is attached to it."""
    for index in range(after, len(lines)):
        if not _ATTACHMENT.match(lines[index].text):
            return
        yield index


def _is_name(line: PageLine, title: str) -> bool:
    return len(line.text) >= _MIN_TITLE_CHARS and line.text in title and not _is_link(line)


def _is_side(line: PageLine, main: Element, weights: dict[Element, int]) -> bool:
    """Whether a line stands in a menu, a footer or the like inside the main part."""
    for element in _ancestors(line.block):
        if element is main:
            return False
        names = f"{element.get('class') or ''} {element.get('id') or ''}"
        is_small = weights.get(element, 0) < _MAX_SIDE_SHARE * weights[main]
        if is_small and (element.tag in _SIDE_TAGS or _SIDE_NAME.search(names)):
            return True
    return False


def _link_lists(lines: tuple[PageLine, ...], inside: list[int]) -> set[int]:
    """Runs of lines that are nothing but links to other pages; attachments are not."""
    found: set[int] = set()
    run: list[int] = []
    for index in [*inside, -1]:
        if index >= 0 and _is_link(lines[index]) and not _ATTACHMENT.search(lines[index].text):
            run.append(index)
            continue
        if len(run) >= _MIN_LINK_LIST:
            found.update(run)
        run = []
    return found


def _is_link(line: PageLine) -> bool:
    return line.link_chars > _LINK_SHARE * len("".join(line.text.split()))


def _ancestors(element: Element) -> Iterator[Element]:
    yield element
    yield from element.iterancestors()
