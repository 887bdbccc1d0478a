"""How well outdated wording is told: laws that the data holds in two versions, laws that another one repeals."""

import json
import lzma
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path, PurePath

from rapidfuzz.distance import Levenshtein

from embeddings import Collection, Document, read
from embeddings.letters import read_letters

_SENTENCES = 6
_MIN_LETTERS, _MAX_LETTERS = 20, 120
_MIN_ALIKE = 0.5
_FILED = re.compile(r"\((\d{4}-\d\d-\d\d)\)\.md$")
_REPEALING = re.compile(r"《([^《》]{4,40})》(?:[（(][^（）()]*[）)])?同时废止")
_CITED = re.compile(r"根据《([^《》]{4,40})》")


@dataclass(frozen=True)
class Law:
    path: str
    title: str
    text: str

    @property
    def filed(self) -> str:
        found = _FILED.search(self.path)
        return found[1] if found else ""


@dataclass(frozen=True)
class Versions:
    """Two versions of a law: sentences of the old one that the new one says otherwise or no more, and ones that
    both have."""

    old: Law
    new: Law
    changed: tuple[str, ...]
    kept: tuple[str, ...]


def read_laws(path: Path) -> list[Law]:
    with lzma.open(path, "rt", encoding="utf-8") as file:
        records = [json.loads(line) for line in file]
    return [Law(r["path"], r["title"], r["text"]) for r in records if r["title"] != "_index"]


def read_law(law: Law) -> Document:
    return read(law.text.encode(), filename=PurePath(law.path).name)


def find_versions(laws: Sequence[Law], draw: random.Random) -> Iterator[Versions]:
    """Of each law that is there with two dates in its files' names, the oldest and the newest version."""
    dated = sorted((law for law in laws if law.filed), key=lambda law: (law.title, law.filed))
    for _, group in groupby(dated, key=lambda law: law.title):
        old, *others = group
        if others and others[-1].filed > old.filed:
            yield _compared(old, others[-1], draw)


def _compared(old: Law, new: Law, draw: random.Random) -> Versions:
    there = _letters(new.text)
    after = [_letters(sentence) for sentence in _sentences(new.text)]
    changed, kept = [], []
    for sentence in _sentences(old.text):
        mine = _letters(sentence)
        if mine in there:
            kept.append(sentence)
        elif (
            max((Levenshtein.normalized_similarity(mine, other) for other in after), default=0) >= _MIN_ALIKE
        ):
            changed.append(sentence)
    return Versions(old, new, _some(changed, draw), _some(kept, draw))


def _some(sentences: Sequence[str], draw: random.Random) -> tuple[str, ...]:
    return tuple(draw.sample(sentences, min(_SENTENCES, len(sentences))))


def _sentences(text: str) -> list[str]:
    lines = [
        re.sub(r"^#.*|^第[^条\s]{1,8}条\s*|^[（(][一二三四五六七八九十]{1,3}[）)]\s*|<!--.*?-->", "", line)
        for line in text.split("\n")
    ]
    found = [sentence.strip() for line in lines for sentence in re.findall(r"[^。；]+[。；]", line)]
    return [one for one in dict.fromkeys(found) if _MIN_LETTERS <= len(_letters(one)) <= _MAX_LETTERS]


def _letters(text: str) -> str:
    letters = read_letters(text)
    return letters.string(0, len(letters))


def measure_versions(collection: Collection, pairs: Sequence[Versions]) -> dict[str, int]:
    """Each sentence of an old version as a draft of its own: `told` are changed ones that are warned of, `right`
    those with the newest version as source; `falsely_told` are kept ones that are warned of."""
    figures = {"changed": 0, "told": 0, "right": 0, "kept": 0, "falsely_told": 0}
    for pair in pairs:
        newest = read_law(pair.new).id
        for sentence in pair.changed:
            sources = [one.source.document_id for one in collection.similar(sentence).superseded]
            figures["changed"] += 1
            figures["told"] += bool(sources)
            figures["right"] += newest in sources
        for sentence in pair.kept:
            figures["kept"] += 1
            figures["falsely_told"] += bool(collection.similar(sentence).superseded)
    return figures


def find_repealed(laws: Sequence[Law]) -> dict[str, set[str]]:
    """Titles that a law repeals in the words 《…》同时废止, each with the titles of the laws that do."""
    found: dict[str, set[str]] = {}
    for law in laws:
        for match in _REPEALING.finditer(law.text):
            if match[1] != law.title and "\n" not in match[1]:
                found.setdefault(match[1], set()).add(law.title)
    return found


def find_in_force(laws: Sequence[Law], repealed: Sequence[str]) -> list[str]:
    """Titles that laws are based on, of laws that are there, and that none repeals."""
    titles = {law.title for law in laws}
    cited = {match[1] for law in laws for match in _CITED.finditer(law.text)}
    return sorted(title for title in cited if title in titles and title not in repealed)


def measure_repealed(
    collection: Collection, repealed: dict[str, set[str]], in_force: Sequence[str]
) -> dict[str, int]:
    """Each title cited in a draft of its own."""
    figures = {"repealed": 0, "told": 0, "right": 0, "in_force": 0, "falsely_told": 0}
    for title, by in repealed.items():
        warnings = collection.similar(f"根据《{title}》的要求，现作如下安排。").superseded
        figures["repealed"] += 1
        figures["told"] += bool(warnings)
        figures["right"] += any(one.source.title in by for one in warnings)
    for title in in_force:
        figures["in_force"] += 1
        figures["falsely_told"] += bool(
            collection.similar(f"根据《{title}》的要求，现作如下安排。").superseded
        )
    return figures
