"""How soon a chat answers, and whether every quote is an exact slice, over a collection of laws.

    python scripts/bench_chat.py DATA --folder /var/tmp/laws

DATA holds laws.jsonl.xz ({"title", "text"} a line) and stard_train.jsonl ({"query"} a line). The collection is made
in --folder once and used again; the service listens on loopback in a process of its own.
"""

import argparse
import json
import lzma
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx2

from embeddings import Collection, Document, WenyuanError, load_embedder, open_collection, read

ROOT = Path(__file__).resolve().parent.parent
BATCH = 100
WARM_UP = 20


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--folder", type=Path, required=True, help="where the collection is kept")
    parser.add_argument("--passages", type=int, default=60_000)
    parser.add_argument("--questions", type=int, default=300)
    given = parser.parse_args()
    with closing(open_collection(given.folder / "default", "default", load_embedder())) as collection:
        passages = fill(collection, given.data / "laws.jsonl.xz", given.passages)
        texts = {id_: collection.document(id_).text for id_ in collection.document_ids()}
    questions = list(read_questions(given.data / "stard_train.jsonl"))[: given.questions]
    with serving(given.folder) as url, httpx2.Client(base_url=url, timeout=30) as client:
        for question in questions[:WARM_UP]:
            first_content_ms(client, question)
        waits = sorted(first_content_ms(client, question) for question in questions)
        checked = [check(client, question, texts) for question in questions]
    print(f"{passages:,} passages of {len(texts):,} documents, {len(questions)} questions")
    print(
        f"time to the first content chunk: median {statistics.median(waits):.1f} ms, "
        f"p95 {waits[int(0.95 * len(waits))]:.1f} ms, longest {waits[-1]:.1f} ms"
    )
    quotes, wrong = sum(count for count, _ in checked), sum(wrong for _, wrong in checked)
    print(
        f"quotes: {quotes}, not an exact slice: {wrong}; unanswered: {sum(not count for count, _ in checked)}"
    )


def fill(collection: Collection, laws: Path, wanted: int) -> int:
    """Add laws until there are about `wanted` passages; returns how many there are."""
    held = collection.document_ids()
    count = sum(len(collection.passages(id_)) for id_ in held)
    batch: list[Document] = []
    for document in read_laws(laws):
        if count >= wanted:
            break
        if document.id not in held:
            batch.append(document)
            count += len(document.passages)
        if len(batch) == BATCH:
            collection.add(batch)
            batch = []
    collection.add(batch)
    return count


def read_laws(path: Path) -> Iterator[Document]:
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        for record in map(json.loads, lines):
            try:
                yield read(record["text"].encode(), filename=f"{record['title']}.md")
            except WenyuanError:
                continue


def read_questions(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)["query"]


def first_content_ms(client: httpx2.Client, question: str) -> float:
    body = {"model": "default", "messages": [{"role": "user", "content": question}], "stream": True}
    started = time.perf_counter()
    waited = 0.0
    with client.stream("POST", "/v1/chat/completions", json=body) as response:
        for line in response.iter_lines():
            if not waited and line.startswith("data: {") and is_content(line):
                waited = (time.perf_counter() - started) * 1000
    return waited


def is_content(line: str) -> bool:
    choices = json.loads(line.removeprefix("data: "))["choices"]
    return bool(choices and choices[0]["delta"].get("content"))


def check(client: httpx2.Client, question: str, texts: dict[str, str]) -> tuple[int, int]:
    """How many quotes the answer has, and how many of them are not what their link points at."""
    body = {"model": "default", "messages": [{"role": "user", "content": question}]}
    reply = client.post("/v1/chat/completions", json=body).json()
    content = reply["choices"][0]["message"]["content"]
    wrong = 0
    for result in reply["search_results"]:
        url = urlsplit(result["url"])
        start, end = map(int, url.fragment.removeprefix("c=").split("-"))
        quote = texts[url.path.rpartition("/")[2]][start:end]
        is_same = quote == result["snippet"]
        # A quote that is folded into another is cited without being repeated.
        is_shown = quote in content or "相近表述见" in content
        wrong += not (is_same and is_shown)
    return len(reply["search_results"]), wrong


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    # An empty folder to serve would empty the collection: what is there is served as it is.
    code = (
        "import sys; from pathlib import Path; from api.serving import serve; from api.settings import Settings; "
        "serve(Settings(data_dir=Path(sys.argv[1]), port=0), [], on_progress=lambda *_: None, "
        "on_ready=lambda url, *_: print(url, flush=True))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", code, str(folder)], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


if __name__ == "__main__":
    main()
