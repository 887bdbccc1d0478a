"""A large collection: how long a search takes, how true the dense leg is, and how soon a new document is found.

    python scripts/bench_scale.py [PASSAGES] [--folder FOLDER]

The passages are synthetic: sentences put together at random from a few hundred words, one vector each by the
built-in model. A FOLDER is kept and used again.
"""

import argparse
import os
import resource
import statistics
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent))

from load.texts import make_sentences, make_text

from embeddings import Collection, load_embedder, open_collection, read

_SENTENCES = 250
_DOCUMENTS = 40
_ADDED = 30
_QUERIES = 60


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("passages", type=int, nargs="?", default=1_000_000)
    parser.add_argument("--folder", type=Path, default=None)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = given.folder or Path(made)
        with closing(open_collection(folder, "scale", load_embedder())) as collection:
            fill(collection, given.passages)
            measure_searches(collection)
            measure_adding(collection)
        began = time.perf_counter()
        open_collection(folder, "scale", load_embedder()).close()
        print(f"opened and closed again in {time.perf_counter() - began:.1f} s")
        sizes = {path.name: path.stat().st_size >> 20 for path in folder.iterdir() if path.is_file()}
        print(f"files: {sizes} MB; peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MB")


def fill(collection: Collection, passages: int) -> None:
    """Goes on from what is there."""
    there = collection.facts().passages
    began, first = time.perf_counter(), there
    seed = there
    while there < passages:
        texts = ["\n".join(make_sentences(seed + n, _SENTENCES)) for n in range(_DOCUMENTS)]
        collection.add([read(text.encode(), filename=f"{seed + n}.txt") for n, text in enumerate(texts)])
        seed += _SENTENCES * _DOCUMENTS
        there = collection.facts().passages
        if (there // 10_000) % 10 == 0:
            rate = (there - first) / (time.perf_counter() - began)
            print(f"{there:,} passages, {rate:,.0f} a second, {_resident_mb():.0f} MB", flush=True)


def measure_searches(collection: Collection) -> None:
    queries = [sentence[:24] for sentence in make_sentences(7, _QUERIES)]
    took = []
    for query in queries:
        began = time.perf_counter()
        collection.search(query, min_score=0)
        took.append((time.perf_counter() - began) * 1000)
    print(f"search: {_spread(took)}; dense recall@10 against exact {_recall(collection, queries):.3f}")


def measure_adding(collection: Collection) -> None:
    took = []
    for number in range(_ADDED):
        # Of this moment, so that it is new in a folder used again.
        text = make_text(time.time_ns() % 100_000_000)
        began = time.perf_counter()
        collection.add([read(text.text.encode(), filename=f"{number}.txt")])
        hits = collection.search(text.word, min_score=0)
        took.append((time.perf_counter() - began) * 1000)
        assert any(text.word in hit.passage for hit in hits)
    print(f"one document added until a search finds it: {_spread(took)}")


def _recall(collection: Collection, queries: list[str]) -> float:
    with collection._storage.snapshot() as snapshot:
        vectors = collection._embedder.encode_queries(queries)
        exact = _exact(collection, vectors)
        shares = []
        for vector, best in zip(vectors, exact, strict=True):
            found = {candidate.segment_id for candidate in snapshot.nearest(vector, 10)}
            shares.append(len(found & best) / 10)
    return statistics.mean(shares)


def _exact(collection: Collection, queries: np.ndarray) -> list[set[int]]:
    """The ten nearest of each query among all vectors as they are stored."""
    best_scores = np.full((len(queries), 10), -2.0, np.float32)
    best_ids = np.zeros((len(queries), 10), np.int64)
    with collection._storage._held() as generation:
        for ids, vectors in generation.rows.vectors_since(0):
            scores = np.concatenate([best_scores, queries @ vectors.T], axis=1)
            all_ids = np.concatenate([best_ids, np.broadcast_to(ids, (len(queries), len(ids)))], axis=1)
            order = np.argpartition(-scores, 10, axis=1)[:, :10]
            best_scores = np.take_along_axis(scores, order, axis=1)
            best_ids = np.take_along_axis(all_ids, order, axis=1)
    return [set(row.tolist()) for row in best_ids]


def _spread(took: list[float]) -> str:
    ordered = sorted(took)
    return f"p50 {statistics.median(ordered):.1f} ms, p95 {ordered[int(len(ordered) * 0.95)]:.1f} ms, longest {ordered[-1]:.1f} ms"


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


if __name__ == "__main__":
    main()
