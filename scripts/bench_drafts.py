"""Measure the draft check on planted cases in real reports.

    python scripts/bench_drafts.py DATA_DIR [--half tune|test] [--json]

DATA_DIR holds reports.jsonl.xz and laws.jsonl.xz. Every second report belongs to the half that settings were
tuned on, the others to the half that figures are told of. Of a half, every fourth report is a draft, the others
are in the library, with laws up to 60,000 passages. All that is drawn is drawn with a fixed seed.
"""

import argparse
import json
import lzma
import random
import re
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from rapidfuzz.distance import Levenshtein

from embeddings import Collection, Document, load_embedder, open_collection, read
from embeddings.drafts import DraftReport, Match
from embeddings.letters import read_letters

_SEED = 20261122
_PASSAGES = 60_000
_DRAFT_CHARS = 10_000
_PLANTS_PER_DRAFT = 12
_PLANTED_CHARS = 6_000
_ROUNDS = 4
_PARAPHRASES = 150
_DISTANT_YEARS = 15
_FULL_WIDTH = str.maketrans("０１２３４５６７８９", "0123456789")
_PUNCTUATION = "，。；：、！？"

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


@dataclass(frozen=True)
class Text:
    title: str
    year: int
    text: str


@dataclass(frozen=True)
class Planted:
    """A draft, and of each plant: where it stands, and the text that it was made from."""

    draft: str
    plants: tuple[tuple[int, int, str], ...]
    excluded: tuple[str, ...]


def read_texts(path: Path) -> list[Text]:
    with lzma.open(path, "rt", encoding="utf-8") as file:
        records = [json.loads(line) for line in file]
    return [
        Text(
            r["title"],
            int(r.get("year") or _year(r.get("path", "") + r["text"])),
            r["text"].translate(_FULL_WIDTH),
        )
        for r in records
        if r["title"] != "_index" and not r.get("path", "").startswith(("DLC", "案例"))
    ]


def _year(text: str) -> int:
    found = re.search(r"(?:19|20)\d\d", text)
    return int(found[0]) if found else 0


def make_library(reports: Sequence[Text], laws: Sequence[Text]) -> list[Document]:
    documents: list[Document] = []
    passages = 0
    for number, one in enumerate([*reports, *laws]):
        if passages >= _PASSAGES:
            break
        document = read(f"{one.title}\n{one.text}".encode(), filename=f"{number}_{one.title[:40]}.txt")
        documents.append(document)
        passages += len(document.passages)
    return documents


class Paraphrase(NamedTuple):
    words: str
    source: str
    excluded: list[str]


# Plants


def plant(
    base: str,
    sources: Sequence[str],
    draw: random.Random,
    change: Callable[[str, random.Random], str],
    excluded: Sequence[str] = (),
) -> Planted:
    """`base` with slices of `sources` put in, each changed, each between two sentences."""
    places = sorted(draw.sample([m.end() for m in re.finditer("[。！？]", base)], _PLANTS_PER_DRAFT))
    parts, plants, length, before = [], [], 0, 0
    for place in places:
        parts.append(base[before:place])
        length += place - before
        source = _slice(draw.choice(sources), draw)
        changed = change(source, draw)
        parts.append(changed)
        plants.append((length, length + len(changed), source))
        length += len(changed)
        before = place
    parts.append(base[before:])
    return Planted("".join(parts), tuple(plants), tuple(excluded))


def _slice(text: str, draw: random.Random) -> str:
    """20 to 200 characters of one paragraph."""
    paragraphs = [line.strip() for line in text.split("\n") if len(line.strip()) >= 40]
    paragraph = draw.choice(paragraphs)
    length = min(len(paragraph), draw.randint(20, 200))
    start = draw.randint(0, len(paragraph) - length)
    return paragraph[start : start + length]


def unchanged(text: str, _: random.Random) -> str:
    return text


def other_punctuation(text: str, draw: random.Random) -> str:
    changed = (draw.choice(["", " ", "\n", *_PUNCTUATION]) if c in _PUNCTUATION else c for c in text)
    return "".join(changed)


def other_numbers(text: str, draw: random.Random) -> str:
    return re.sub(
        r"[0-9一二三四五六七八九]",
        lambda m: draw.choice("123456789" if m[0].isdigit() and m[0].isascii() else "一二三四五六七八九"),
        text,
    )


def other_characters(text: str, draw: random.Random) -> str:
    """A tenth of the characters replaced, left out or doubled by others."""
    changed = list(text)
    for place in draw.sample(range(len(text)), round(len(text) / 10)):
        other = chr(draw.randint(0x4E00, 0x9000))
        changed[place] = draw.choice([other, other, "", changed[place] + other])
    return "".join(changed)


def other_order(text: str, draw: random.Random) -> str:
    """Two neighbouring clauses changed about; without clauses, the two halves."""
    clauses = re.findall(r"[^，、；。]+[，、；。]?", text)
    if len(clauses) < 2:
        return text[len(text) // 2 :] + text[: len(text) // 2]
    place = draw.randrange(len(clauses) - 1)
    clauses[place], clauses[place + 1] = clauses[place + 1], clauses[place]
    return "".join(clauses)


CHANGES: dict[str, Callable[[str, random.Random], str]] = {
    "punctuation": other_punctuation,
    "numbers": other_numbers,
    "10 % of characters": other_characters,
    "word order": other_order,
}


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


# Measures


def copies_in(report: DraftReport) -> list[Match]:
    return [m for p in report.paragraphs for m in p.matches if m.kind in ("verbatim", "rewritten")]


def _plain(text: str) -> list[int]:
    return read_letters(text).codes.tolist()


def _is_of(match: Match, source: str) -> bool:
    """Whether a match's source says what the plant was made from: that text, or the same elsewhere."""
    one, other = _plain(match.source_text), _plain(source)
    shorter = min(len(one), len(other))
    return (
        shorter > 0 and 1 - Levenshtein.distance(one, other) / max(len(one), len(other)) >= 0.5
    ) or _holds(one, other)


def _holds(one: list[int], other: list[int]) -> bool:
    a, b = ",".join(map(str, one)), ",".join(map(str, other))
    return a in b or b in a


@dataclass
class Found:
    planted: int = 0
    found: int = 0
    within_2: int = 0
    reported: int = 0
    right: int = 0
    as_boilerplate: int = 0


def measure_plants(collection: Collection, planted: Sequence[Planted], *, exact: bool) -> Found:
    total = Found()
    for one in planted:
        report = collection.similar(one.draft, exclude_documents=one.excluded)
        _check_spans(collection, one.draft, report)
        matches = copies_in(report)
        for start, end, source in one.plants:
            near = [m for m in matches if _shared(m, start, end) >= 0.5 * (end - start) and _is_of(m, source)]
            total.planted += 1
            total.found += bool(near)
            is_close = any(
                abs(m.draft_span.start - start) <= 2 and abs(m.draft_span.end - end) <= 2 for m in near
            )
            total.within_2 += is_close
            common = (m for p in report.paragraphs for m in p.matches if m.kind == "boilerplate")
            total.as_boilerplate += not near and any(
                _shared(m, start, end) >= 0.5 * (end - start) for m in common
            )
        for match in matches:
            if exact and (match.kind != "verbatim" or match.draft_span.end - match.draft_span.start < 20):
                continue
            total.reported += 1
            total.right += any(
                _shared(match, start, end) >= 0.8 * (match.draft_span.end - match.draft_span.start)
                for start, end, _ in one.plants
            )
    return total


def _shared(match: Match, start: int, end: int) -> int:
    return min(match.draft_span.end, end) - max(match.draft_span.start, start)


def _check_spans(collection: Collection, draft: str, report: DraftReport) -> None:
    for paragraph in report.paragraphs:
        for match in paragraph.matches:
            text = collection.document(match.source.document_id).text
            assert match.source_span.of(text) == match.source_text
            assert paragraph.span.start <= match.draft_span.start < match.draft_span.end <= paragraph.span.end
            if match.kind == "verbatim":
                assert _plain(match.draft_span.of(draft)) == _plain(match.source_text)


def paraphrases(reports: Sequence[Text], draw: random.Random) -> Iterator[Paraphrase]:
    """Reworded paragraphs, and what each was."""
    paragraphs = [
        line.strip() for one in reports for line in one.text.split("\n") if 60 <= len(line.strip()) <= 400
    ]
    for paragraph in draw.sample(paragraphs, min(_PARAPHRASES, len(paragraphs))):
        yield Paraphrase(reworded(paragraph, draw), paragraph, [])


def amended(laws: Sequence[Text], ids: dict[str, str], draw: random.Random) -> list[Paraphrase]:
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
                    pairs += [Paraphrase(*pair, others) for pair in _changed_articles(old.text, new.text)]
    draw.shuffle(pairs)
    return pairs[:_PARAPHRASES]


def _changed_articles(old: str, new: str) -> Iterator[tuple[str, str]]:
    before = [words for words in _articles(old) if len(words) >= 40]
    for words in _articles(new):
        if len(words) >= 40 and before:
            nearest = max(before, key=lambda other: Levenshtein.normalized_similarity(words, other))
            if 0.5 <= Levenshtein.normalized_similarity(words, nearest) <= 0.75:
                yield words, nearest


def _articles(text: str) -> list[str]:
    return [match[1].strip() for match in re.finditer(r"^第[^条\s]{1,8}条\s*(.+)$", text, re.MULTILINE)]


def measure_paraphrases(collection: Collection, pairs: Sequence[Paraphrase]) -> tuple[int, int]:
    """How many of how many have their source among the first three matches."""
    found = 0
    for words, source, excluded in pairs:
        report = collection.similar(words, exclude_documents=excluded)
        first = [m for p in report.paragraphs for m in p.matches[:3]]
        found += any(_holds(_plain(m.source_text), _plain(source)) for m in first)
    return found, len(pairs)


def measure_time(collection: Collection, drafts: Sequence[str], top_k: int) -> list[float]:
    taken = []
    for _ in range(_ROUNDS):
        for draft in drafts:
            started = time.perf_counter()
            collection.similar(draft[:_DRAFT_CHARS], top_k=top_k)
            taken.append(time.perf_counter() - started)
    return taken


def measure_adding(collection: Collection, texts: Sequence[Text]) -> list[float]:
    taken = []
    for one in texts:
        document = read(f"{one.title}\n{one.text}".encode(), filename=f"{one.title[:40]}.txt")
        started = time.perf_counter()
        collection.add([document])
        taken.append(time.perf_counter() - started)
    return taken


def run(data: Path, half: str, folder: Path) -> Iterator[tuple[str, object]]:
    draw = random.Random(_SEED)
    reports = [one for one in read_texts(data / "reports.jsonl.xz") if len(one.text) > 5_000]
    laws = read_texts(data / "laws.jsonl.xz")
    mine = [one for number, one in enumerate(reports) if (number % 2 == 0) == (half == "tune")]
    bases, held = mine[::4], [one for number, one in enumerate(mine) if number % 4]
    documents = make_library(held, laws)
    yield "half", half
    with closing(open_collection(folder / "bench", "bench", load_embedder())) as collection:
        collection.add(documents)
        yield "passages", sum(len(document.passages) for document in documents)
        ids = {one.text: document.id for one, document in zip([*held, *laws], documents, strict=False)}
        near = {b.text: [ids[h.text] for h in held if abs(h.year - b.year) < _DISTANT_YEARS] for b in bases}
        exact = [
            plant(b.text[:_PLANTED_CHARS], far, draw, unchanged, near[b.text])
            for b in bases
            for _ in range(2)
            for far in [[h.text for h in held if ids[h.text] not in near[b.text]]]
        ]
        yield "verbatim, other times", vars(measure_plants(collection, exact, exact=True))
        sources = {"reports": [one.text for one in held], "laws": [d.text for d in documents[len(held) :]]}
        for name, texts in sources.items():
            exact = [plant(b.text[:_PLANTED_CHARS], texts, draw, unchanged) for b in bases for _ in range(2)]
            yield f"verbatim from {name}", vars(measure_plants(collection, exact, exact=True))
            for change, changed in CHANGES.items():
                drafts = [
                    plant(b.text[:_PLANTED_CHARS], texts, draw, changed) for b in bases for _ in range(2)
                ]
                yield f"{change} from {name}", vars(measure_plants(collection, drafts, exact=False))
        yield "paraphrases, reworded", measure_paraphrases(collection, list(paraphrases(held, draw)))
        yield "paraphrases, amended", measure_paraphrases(collection, amended(laws, ids, draw))
        yield (
            "unrelated, any year",
            [round(1 - collection.similar(b.text[:_DRAFT_CHARS]).originality, 4) for b in bases],
        )
        yield (
            "unrelated, other times",
            [
                round(
                    1 - collection.similar(b.text[:_DRAFT_CHARS], exclude_documents=near[b.text]).originality,
                    4,
                )
                for b in bases
            ],
        )
        yield (
            "placeholders in clean reports",
            sum(len(collection.similar(one.text[:_DRAFT_CHARS]).placeholders) for one in reports[:20]),
        )
        drafts = [b.text for b in bases] + [d.text for d in documents[-400:-340:12] if len(d.text) > 8_000]
        for name, top_k in (("seconds, 10,000 characters", 3), ("seconds, all alignments", 100)):
            taken = measure_time(collection, drafts, top_k)
            yield name, _spread(taken)
        yield "seconds, adding a document", _spread(measure_adding(collection, laws[-60:]))


def _spread(values: Sequence[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {
        "median": round(statistics.median(ordered), 3),
        "p95": round(ordered[int(0.95 * (len(ordered) - 1))], 3),
        "max": round(ordered[-1], 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--half", choices=["tune", "test"], default="test")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    figures: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, figure in run(arguments.data, arguments.half, Path(folder)):
            figures[name] = figure
            if not arguments.json:
                print(f"{name:32} {figure}", flush=True)
    if arguments.json:
        print(json.dumps(figures, ensure_ascii=False, indent=2))


if __name__ == "__main__":
    main()
