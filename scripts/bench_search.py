"""How long a question takes on the national laws, one passage an article, and where the time goes. One thread.

    python scripts/bench_search.py DATA_DIR [--folder FOLDER]

DATA_DIR holds laws.jsonl.xz and stard_train.jsonl; the questions are those that laypeople asked, and short ones. Each
is asked once. A FOLDER is kept and used again.
"""

import argparse
import os

os.environ["OMP_NUM_THREADS"] = "1"

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent))

from embeddings import Collection, load_embedder, open_collection
from embeddings.fusion import LEG_DEPTH
from embeddings.queries import read_query, validate_query
from training.asking_laws import law_collection
from training.corpus import read_questions

T = TypeVar("T")

_WARM_UP = 50
_SHORT = [
    "燃气领域要求",
    "消防安全责任",
    "食品安全监管",
    "供热",
    "校车安全管理",
    "道路交通",
    "劳动合同解除",
    "旅游者义务",
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("--folder", type=Path, default=None)
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as made,
        closing(_open(given.folder or Path(made), given.data_dir)) as collection,
    ):
        facts = collection.facts()
        print(f"{facts.documents:,} laws, {facts.passages:,} passages, {facts.segments:,} segments")
        questions = [question.text for question in read_questions(given.data_dir)]
        for question in questions[-_WARM_UP:]:
            collection.search(question)
        print(f"{'':37}process time, ms     wall time, ms")
        print(f"{'':34}   median     95 %   median     95 %")
        measure(collection, "of laypeople", questions[:-_WARM_UP])
        measure(collection, "short", _SHORT)
    print("load of the machine in the last minutes:", *(f"{load:.1f}" for load in os.getloadavg()))


def measure(collection: Collection, label: str, questions: Sequence[str]) -> None:
    print(f"{len(questions):,} questions {label}, {statistics.median(map(len, questions)):.0f} characters")
    searches = _times(collection.search, questions)
    with collection._storage.snapshot() as snapshot:
        embedder = collection._embedder
        queries = [read_query(validate_query(question), snapshot) for question in questions]
        vectors = [embedder.encode_queries([query.content])[0] for query in queries]
        parts = {
            "encoding": _times(lambda query: embedder.encode_queries([query.content]), queries),
            "dense leg": _times(lambda vector: snapshot.nearest(vector, LEG_DEPTH), vectors),
            "lexical leg": _times(lambda query: snapshot.matching(query.searched, LEG_DEPTH), queries),
        }
    _print("a search", searches)
    for part, times in parts.items():
        _print(f"  {part}", times)
    _print("  the rest: rows, ranking, slips", searches - sum(parts.values()))


def _times(work: Callable[[T], object], inputs: Sequence[T]) -> npt.NDArray[np.float64]:
    """(inputs, 2): milliseconds of the process and by the clock."""
    return 1000 * np.array([_timed(work, given) for given in inputs])


def _timed(work: Callable[[T], object], given: T) -> tuple[float, float]:
    process, wall = time.process_time(), time.perf_counter()
    work(given)
    return time.process_time() - process, time.perf_counter() - wall


def _print(label: str, times: npt.NDArray[np.float64]) -> None:
    spread = np.quantile(times, [0.5, 0.95], axis=0).T.ravel()
    print(f"  {label:32}" + "".join(f"{value:9.2f}" for value in spread))


def _open(folder: Path, data_dir: Path) -> Collection:
    embedder = load_embedder()
    if not folder.exists() or not any(folder.iterdir()):
        law_collection(folder, data_dir, embedder).close()
    return open_collection(folder, "laws", embedder, read_only=True)


if __name__ == "__main__":
    main()
