"""Measure what is done for broken and pasted questions, on real texts.

    python scripts/bench_asking.py DATA_DIR

DATA_DIR holds laws.jsonl.xz and stard_train.jsonl. Prints how many sound questions are corrected, in a collection of
the seeds and in one of every twelfth law, and how fast and how surely a pasted paragraph is found in the laws.
"""

import argparse
import json
import lzma
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import median

from embeddings import Collection, Document, InvalidInput, Span, load_embedder, open_collection, read

_SEEDS = Path(__file__).parent.parent / "seeds"
_EVERY_LAW = 12
_PASTED = 200
_PASTED_CHARS = 800
_CHANGED_SHARE = 0.04
_OTHER = "的一在和年"


def read_seeds() -> list[Document]:
    return [read(path.read_bytes(), filename=path.name) for path in sorted(_SEEDS.glob("*.txt"))]


def read_laws(data: Path) -> Iterator[Document]:
    with lzma.open(data / "laws.jsonl.xz", "rt", encoding="utf-8") as file:
        for number, line in enumerate(file):
            if number % _EVERY_LAW == 0:
                record = json.loads(line)
                try:
                    yield read(record["text"].encode(), filename=record["path"].replace("/", "_"))
                except InvalidInput:
                    continue


def read_sound_questions(data: Path) -> dict[str, list[str]]:
    stard = (data / "stard_train.jsonl").read_text(encoding="utf-8").splitlines()
    seeds = (_SEEDS / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in seeds]
    return {
        "STARD": [json.loads(line)["query"] for line in stard],
        "seeds, tune": [r["question"] for r in records if r["split"] == "tune" and r["kind"] != "typo"],
    }


@contextmanager
def collected(documents: Sequence[Document]) -> Iterator[Collection]:
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(open_collection(Path(folder) / "c", "default", load_embedder())) as collection,
    ):
        collection.add(documents)
        yield collection


def count_corrected(collection: Collection, questions: Sequence[str]) -> int:
    found = (collection.search(question[:2_000]) for question in questions)
    return sum(bool(hits) and hits[0].why.corrected_query is not None for hits in found)


def find_pasted(collection: Collection, documents: Sequence[Document], chance: random.Random) -> None:
    long = [document for document in documents if len(document.text) > 2 * _PASTED_CHARS]
    found: dict[str, list[bool]] = {"as it is": [], "4 % changed": []}
    times: list[float] = []
    for document in chance.choices(long, k=_PASTED):
        start = chance.randrange(len(document.text) - _PASTED_CHARS)
        span = Span(start, start + _PASTED_CHARS)
        for name, text in zip(
            found, (span.of(document.text), _changed(span.of(document.text), chance)), strict=True
        ):
            begun = time.perf_counter()
            hits = collection.search(text)
            times.append((time.perf_counter() - begun) * 1000)
            found[name].append(
                bool(hits) and _is_from(hits[0].source.document_id, hits[0].passage_span, document, span)
            )
    for name, right in found.items():
        print(f"pasted {_PASTED_CHARS} characters, {name}: first from there {sum(right)} of {len(right)}")
    print(f"median {median(times):.1f} ms, p95 {sorted(times)[int(0.95 * len(times))]:.1f} ms")


def _is_from(document_id: str, passage: Span, document: Document, span: Span) -> bool:
    return document_id == document.id and passage.start < span.end and passage.end > span.start


def _changed(text: str, chance: random.Random) -> str:
    return "".join(chance.choice(_OTHER) if chance.random() < _CHANGED_SHARE else c for c in text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    data = parser.parse_args().data
    questions = read_sound_questions(data)
    laws = list(read_laws(data))
    for name, documents in (("seeds", read_seeds()), ("laws", laws)):
        with collected(documents) as collection:
            for asked, texts in questions.items():
                print(
                    f"{name}: {count_corrected(collection, texts)} of {len(texts)} questions ({asked}) corrected"
                )
            if name == "laws":
                print(f"{len(laws)} laws, {collection.facts().segments} segments")
                find_pasted(collection, laws, random.Random(1))


if __name__ == "__main__":
    main()
