"""Measure the draft check on planted cases in real reports.

    python scripts/bench_drafts.py DATA_DIR [--half tune|test] [--json]

DATA_DIR holds reports.jsonl.xz and laws.jsonl.xz. Every second report belongs to the half that settings were
tuned on, the others to the half that figures are told of. Of a half, every fourth report is a draft, the others
are in the library, with laws up to 60,000 passages. Laws in two versions and titles that are repealed are halved likewise;
the paraphrases by another hand were never tuned on; the notices of new names were. All that is drawn is drawn with a
fixed seed.
"""

import argparse
import json
import random
import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from drafting.exact import Runs, without_shared
from drafting.measures import DRAFT_CHARS, measure_adding, measure_plants, measure_time
from drafting.names import measure_names
from drafting.paraphrases import measure_paraphrases, read_paraphrases
from drafting.plants import CHANGES, plant, unchanged
from drafting.rewordings import amended, measure_rewordings, reword
from drafting.texts import Text, make_library, read_texts
from drafting.versions import (
    find_in_force,
    find_repealed,
    find_versions,
    measure_repealed,
    measure_versions,
    read_law,
    read_laws,
)

from embeddings import Collection, Document, load_embedder, open_collection
from embeddings.drafts.placeholders import find_placeholders

_SEED = 20261122
_PLANTED_CHARS = 6_000
_DISTANT_YEARS = 15
_SHORT_RUN, _LONG_RUN = 8, 20

Figures = Iterator[tuple[str, object]]


@dataclass(frozen=True)
class Bench:
    """A half of the reports: drafts, and a library of the others and laws."""

    collection: Collection
    drafts: Sequence[Text]
    reports: Sequence[Text]
    laws: Sequence[Text]
    documents: Sequence[Document]
    draw: random.Random

    def ids(self) -> dict[str, str]:
        texts = [one.text for one in (*self.reports, *self.laws)]
        return {text: document.id for text, document in zip(texts, self.documents, strict=False)}

    def near(self, draft: Text) -> list[str]:
        """The reports of about the time of `draft`."""
        ids = self.ids()
        return [ids[one.text] for one in self.reports if abs(one.year - draft.year) < _DISTANT_YEARS]


def planted(bench: Bench) -> Figures:
    """Clean drafts are what remains of reports without the sentences that share eight letters in a row with the
    library, found without the check: nothing but the plants can be right there."""
    runs = Runs([document.text for document in bench.documents], _SHORT_RUN)
    clean = [without_shared(one.text, runs) for one in bench.drafts]
    yield "clean drafts, characters", [len(text) for text in clean]
    bases = [text[:_PLANTED_CHARS] for text in clean if len(text) >= _PLANTED_CHARS // 4]
    sources = {
        "reports": [one.text for one in bench.reports],
        "laws": [document.text for document in bench.documents[len(bench.reports) :]],
    }
    for name, texts in sources.items():
        drafts = [plant(base, texts, bench.draw, unchanged) for base in bases for _ in range(4)]
        yield f"verbatim from {name}, clean drafts", vars(measure_plants(bench.collection, drafts))
    for name, texts in sources.items():
        for change, changed in {"verbatim": unchanged, **CHANGES}.items():
            drafts = [
                plant(one.text[:_PLANTED_CHARS], texts, bench.draw, changed)
                for one in bench.drafts
                for _ in range(2)
            ]
            yield f"{change} from {name}", vars(measure_plants(bench.collection, drafts))


def unrelated(bench: Bench) -> Figures:
    """Drafts as they are. What they share with the library in runs of 20 letters is a fact, found without the check;
    the rest of what is counted are shorter runs and rewritten ones."""
    ids = bench.ids()
    of_laws = Runs([document.text for document in bench.documents[len(bench.reports) :]], _LONG_RUN)
    of_reports = {ids[one.text]: Runs([one.text], _LONG_RUN) for one in bench.reports}
    excluded: dict[str, Callable[[Text], list[str]]] = {"any year": lambda _: [], "other times": bench.near}
    for name, leave_out in excluded.items():
        counted, exact = [], []
        for one in bench.drafts:
            out = leave_out(one)
            text = one.text[:DRAFT_CHARS]
            counted.append(1 - bench.collection.similar(text, exclude_documents=out).originality)
            held = [of_laws, *(runs for id, runs in of_reports.items() if id not in out)]
            exact.append(float(np.any([runs.shared(text) for runs in held], axis=0).mean()))
        yield (
            f"unrelated, {name}",
            {
                "counted as copied": round(float(np.mean(counted)), 4),
                "in exact runs of 20": round(float(np.mean(exact)), 4),
                "each": [round(one, 4) for one in counted],
            },
        )


def reworded(bench: Bench) -> Figures:
    yield (
        "paraphrases, words replaced",
        measure_rewordings(bench.collection, list(reword(bench.reports, bench.draw))),
    )
    articles = amended(bench.laws, bench.ids(), bench.draw)
    yield "paraphrases, amended articles", measure_rewordings(bench.collection, articles)


def speed(bench: Bench) -> Figures:
    texts = [one.text for one in bench.drafts]
    texts += [d.text for d in bench.documents[-400:-340:12] if len(d.text) > 8_000]
    for name, top_k in (("seconds, 10,000 characters", 3), ("seconds, all alignments", 100)):
        yield name, _spread(measure_time(bench.collection, texts, top_k))
    yield "seconds, adding a document", _spread(measure_adding(bench.collection, bench.laws[-60:]))


def by_hand(data: Path, folder: Path) -> Figures:
    """Paraphrases among their sources and 60,000 passages."""
    texts = [*read_texts(data / "reports.jsonl.xz"), *read_texts(data / "laws.jsonl.xz", is_local=True)]
    paraphrases = read_paraphrases([(one.title, one.text) for one in texts])
    titles = {one.title for one in paraphrases}
    documents = make_library(sorted(texts, key=lambda one: one.title not in titles), [])
    with closing(open_collection(folder / "paraphrases", "bench", load_embedder())) as collection:
        collection.add(documents)
        yield "paraphrases, by another hand", measure_paraphrases(collection, paraphrases)


def outdated(data: Path, half: str, folder: Path) -> Figures:
    laws = read_laws(data / "laws.jsonl.xz")
    pairs = list(find_versions(laws, random.Random(_SEED)))
    repealed = find_repealed(laws)
    in_force = find_in_force(laws, list(repealed))
    told = {title for titles in repealed.values() for title in titles} | set(in_force)
    paths = {law.path for pair in pairs for law in (pair.old, pair.new)}
    with closing(open_collection(folder / "versions", "bench", load_embedder())) as collection:
        collection.add([read_law(law) for law in laws if law.path in paths or law.title in told])
        start = 0 if half == "tune" else 1
        yield "older versions of laws", measure_versions(collection, pairs[start::2])
        titles = {title: repealed[title] for title in sorted(repealed)[start::2]}
        yield "repealed laws", measure_repealed(collection, titles, in_force[start::2])
        yield "old names", measure_names(collection)


def run(data: Path, half: str, folder: Path) -> Figures:
    reports = [one for one in read_texts(data / "reports.jsonl.xz") if len(one.text) > 5_000]
    laws = read_texts(data / "laws.jsonl.xz")
    mine = [one for number, one in enumerate(reports) if (number % 2 == 0) == (half == "tune")]
    held = [one for number, one in enumerate(mine) if number % 4]
    documents = make_library(held, laws)
    yield "half", half
    with closing(open_collection(folder / "bench", "bench", load_embedder())) as collection:
        collection.add(documents)
        yield "passages", sum(len(document.passages) for document in documents)
        bench = Bench(collection, mine[::4], held, laws, documents, random.Random(_SEED))
        for part in (planted, reworded, unrelated, speed):
            yield from part(bench)
    yield "placeholders in clean reports", sum(len(find_placeholders(one.text)) for one in reports)
    yield from by_hand(data, folder)
    yield from outdated(data, half, folder)


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
