"""How often a phrase finds the one passage that it stands in, and a term one that defines it.

    python scripts/eval_phrases.py DATA

Three to ten characters that follow each other, words or not, are drawn at random from the seeds, from a small library
of training/libraries and from the national laws, all of DATA; each stands in one passage only, and is asked alone.
Terms are those of which these say 「X，是指」; they are asked for in five ways (「什么是X」「X的定义」), and what says so of
them is right.
"""

import argparse
import random
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import cycle
from pathlib import Path

from embeddings import Collection, Document, Hit, load_embedder, open_collection
from embeddings.terms import fold
from training.asking_laws import law_collection
from training.tuning import read_libraries, read_seeds

_ASKED = 500
_LENGTHS = (3, 10)
_LIBRARY = "trade"
_RUN = re.compile("[\u4e00-\u9fff]{3,}")
_DEFINED = re.compile(r"(?:(?<!\w)|(?<=所称)|(?<=所称的))((?!.{1,9}所称)[\u4e00-\u9fff]{2,12}),?是指")
_ASKING = ("什么是{}", "{}是什么意思", "{}的定义", "{}是指什么", "什么叫{}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    data = parser.parse_args().data
    with tempfile.TemporaryDirectory() as folder:
        library = read_libraries(data, "measure")[_LIBRARY]
        measure("seeds", _collection(Path(folder) / "seeds", read_seeds("questions.jsonl").documents))
        measure(_LIBRARY, _collection(Path(folder) / _LIBRARY, library.documents))
        measure("laws", law_collection(Path(folder) / "laws", data, load_embedder()))


def measure(name: str, collection: Collection) -> None:
    with closing(collection):
        passages = _passages(collection)
        phrases = list(draw(passages))
        terms = draw_terms(passages)
        found = [[phrase in _own(hit) for hit in collection.search(phrase, top_k=3)] for phrase in phrases]
        told = [
            [
                any(passage in _own(hit) for passage in terms[term])
                for hit in collection.search(asking.format(term), top_k=3)
            ]
            for term, asking in zip(terms, cycle(_ASKING), strict=False)
        ]
        total = collection.facts().passages
    print(f"{name}, {total:,} passages: of {len(found)} phrases {_told(found)}")
    print(f"{name}, {total:,} passages: of {len(told)} terms that are defined {_told(told)}")


def _own(hit: Hit) -> str:
    """The passage of a hit, folded, without what opens the list that it is an item of."""
    return fold(hit.passage[hit.passage.rfind("\n", 0, hit.quote_span.start - hit.passage_span.start) + 1 :])


def _told(found: Sequence[Sequence[bool]]) -> str:
    first, three = sum(any(each[:1]) for each in found), sum(map(any, found))
    return f"{first} find theirs first, {three} among three, {found.count([])} nothing"


def draw(passages: Sequence[str]) -> Iterator[str]:
    whole, numbers = "\n".join(passages), random.Random(0)
    drawn: set[str] = set()
    while len(drawn) < _ASKED:
        runs = _RUN.findall(numbers.choice(passages))
        run = numbers.choice(runs) if runs else ""
        length = numbers.randint(*_LENGTHS)
        start = numbers.randint(0, max(0, len(run) - length))
        phrase = run[start : start + length]
        is_new = len(phrase) == length and phrase not in drawn
        if is_new and whole.find(phrase, whole.find(phrase) + 1) < 0:
            drawn.add(phrase)
            yield phrase


def draw_terms(passages: Sequence[str]) -> dict[str, set[str]]:
    """`_ASKED` terms at most, and what defines each."""
    defined: dict[str, set[str]] = {}
    for passage in passages:
        for term in _DEFINED.findall(passage):
            defined.setdefault(term, set()).add(passage)
    terms = sorted(defined)
    return {term: defined[term] for term in random.Random(0).sample(terms, min(_ASKED, len(terms)))}


def _passages(collection: Collection) -> list[str]:
    return [
        fold(span.of(text))
        for document_id in sorted(collection.document_ids())
        for text in [collection.document(document_id).text]
        for span, _, _ in collection.passages(document_id)
    ]


def _collection(folder: Path, documents: Sequence[Document]) -> Collection:
    collection = open_collection(folder, "default", load_embedder())
    collection.add(documents)
    return collection


if __name__ == "__main__":
    main()
