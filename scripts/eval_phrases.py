"""How often a phrase finds the one passage that it stands in.

    python scripts/eval_phrases.py DATA

Three to ten characters that follow each other, words or not, are drawn at random from the seeds, from a small library
of training/libraries and from the national laws, all of DATA; each stands in one passage only, and is asked alone.
"""

import argparse
import random
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from embeddings import Collection, Document, load_embedder, open_collection
from embeddings.terms import fold
from training.asking_laws import law_collection
from training.tuning import read_libraries, read_seeds

_ASKED = 500
_LENGTHS = (3, 10)
_LIBRARY = "trade"
_RUN = re.compile("[\u4e00-\u9fff]{3,}")


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
        phrases = list(draw(_passages(collection)))
        found = [
            [phrase in fold(hit.passage) for hit in collection.search(phrase, top_k=3)] for phrase in phrases
        ]
        passages = collection.facts().passages
    print(
        f"{name}: of {len(phrases)} phrases in {passages:,} passages {sum(any(each[:1]) for each in found)} find theirs"
        f" first, {sum(map(any, found))} among three, {found.count([])} nothing"
    )


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
