"""Paragraphs said otherwise without a person: words replaced by a list, and articles as amended."""

import random
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rapidfuzz.distance import Levenshtein

from drafting.measures import is_held
from drafting.texts import Text, letters_of
from embeddings import Collection

_COUNT = 150

# What a clerk would write for the other; no word here is part of another one's replacement.
_SYNONYMS = {
    "加强": "强化", "提高": "提升", "推进": "推动", "促进": "助推", "加快": "加速", "完善": "健全",
    "落实": "贯彻", "建设": "打造", "实施": "施行", "开展": "组织", "积极": "主动", "全面": "全方位",
    "进一步": "更加", "深入": "扎实", "切实": "确实", "努力": "力争", "保障": "确保", "支持": "扶持",
    "鼓励": "激励", "引导": "指引", "发展": "壮大", "增加": "增多", "减少": "降低", "改善": "优化",
    "扩大": "拓展", "群众": "老百姓", "人民": "百姓", "企业": "公司", "农民": "农户", "工作": "任务",
    "问题": "难题", "重要": "关键", "主要": "首要", "必须": "务必", "应当": "要", "可以": "能够",
    "以及": "和", "并且": "而且", "由于": "因为", "因此": "所以", "但是": "不过", "同时": "与此同时",
    "继续": "接着", "坚持": "始终做到", "坚决": "毫不动摇地", "严格": "从严", "规定": "要求", "管理": "管护",
    "制度": "规章", "机制": "办法", "能力": "本领", "水平": "层次", "质量": "品质", "投资": "投入",
    "收入": "所得", "增长": "上升", "稳定": "平稳", "困难": "难处", "解决": "化解", "建立": "设立",
    "取得": "获得", "成绩": "成果", "基础": "根基", "重点": "要点", "特别": "尤其", "大力": "着力",
}  # fmt: skip


class Rewording(NamedTuple):
    words: str
    source: str
    excluded: list[str]


def reworded(text: str, draw: random.Random) -> str:
    """The same content in other words: every known word replaced, clauses in another order, small words gone."""
    pattern = re.compile("|".join(sorted(_SYNONYMS, key=len, reverse=True)))
    sentences = re.findall(r"[^。；！？]+[。；！？]?", text)
    draw.shuffle(sentences)
    words = pattern.sub(lambda match: _SYNONYMS[match[0]], "".join(sentences))
    clauses = re.findall(r"[^，、。；]+[，、。；]?", words)
    for place in range(0, len(clauses) - 1, 3):
        clauses[place], clauses[place + 1] = clauses[place + 1], clauses[place]
    return re.sub("[的了着地]", lambda match: match[0] if draw.random() < 0.3 else "", "".join(clauses))


def reword(reports: Sequence[Text], draw: random.Random) -> Iterator[Rewording]:
    """Reworded paragraphs, and what each was."""
    paragraphs = [
        line.strip() for one in reports for line in one.text.split("\n") if 60 <= len(line.strip()) <= 400
    ]
    for paragraph in draw.sample(paragraphs, min(_COUNT, len(paragraphs))):
        yield Rewording(reworded(paragraph, draw), paragraph, [])


def amended(laws: Sequence[Text], ids: dict[str, str], draw: random.Random) -> list[Rewording]:
    """Articles of one version of a law, and what another version says in its place, if that is rather different:
    half to three quarters of the characters agree. All versions but that other one are left out of the search."""
    versions: dict[str, list[Text]] = {}
    for law in laws:
        if law.text in ids:
            versions.setdefault(law.title, []).append(law)
    pairs = []
    for texts in versions.values():
        for new in texts:
            for old in texts:
                if new is not old:
                    others = [ids[text.text] for text in texts if text is not old]
                    pairs += [Rewording(*pair, others) for pair in _changed_articles(old.text, new.text)]
    draw.shuffle(pairs)
    return pairs[:_COUNT]


def _changed_articles(old: str, new: str) -> Iterator[tuple[str, str]]:
    before = [words for words in _articles(old) if len(words) >= 40]
    for words in _articles(new):
        if len(words) >= 40 and before:
            nearest = max(before, key=lambda other: Levenshtein.normalized_similarity(words, other))
            if 0.5 <= Levenshtein.normalized_similarity(words, nearest) <= 0.75:
                yield words, nearest


def _articles(text: str) -> list[str]:
    return [match[1].strip() for match in re.finditer(r"^第[^条\s]{1,8}条\s*(.+)$", text, re.MULTILINE)]


def measure_rewordings(collection: Collection, pairs: Sequence[Rewording]) -> tuple[int, int]:
    """How many of how many have their source among the first three matches."""
    found = 0
    for words, source, excluded in pairs:
        report = collection.similar(words, exclude_documents=excluded)
        first = [m for p in report.paragraphs for m in p.matches[:3]]
        found += any(is_held(letters_of(m.source_text), letters_of(source)) for m in first)
    return found, len(pairs)
