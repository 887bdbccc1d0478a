"""From nothing to searchable: how fast the laws are read, kept and indexed, and with how much memory.

    python scripts/bench_ingest.py DATA [--laws N]

DATA is the folder of laws.jsonl.xz. The laws are written as files first; then the clock runs until a search finds
the last of them.
"""

import argparse
import json
import lzma
import os
import resource
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from embeddings import Collection, add_paths, load_embedder, open_collection


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--laws", type=int, default=None, help="only so many, spread over all")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files = Path(folder) / "files"
        write_files(given.data / "laws.jsonl.xz", files, given.laws)
        with closing(open_collection(Path(folder) / "laws", "laws", load_embedder())) as collection:
            measure(collection, files)


def write_files(path: Path, folder: Path, wanted: int | None) -> None:
    folder.mkdir()
    with lzma.open(path, "rt", encoding="utf-8") as file:
        lines = file.readlines()
    for number in range(0, len(lines), max(1, len(lines) // (wanted or len(lines)))):
        (folder / f"{number:05}.md").write_text(json.loads(lines[number])["text"], encoding="utf-8")


def measure(collection: Collection, files: Path) -> None:
    began, began_cpu = time.perf_counter(), time.process_time()
    resident: list[float] = []

    def note(done: int, _total: int) -> None:
        if done % 100 == 0:
            resident.append(_resident_mb())

    report = add_paths(collection, [files], on_progress=note)
    found = collection.search("燃气经营许可", min_score=0)
    took = time.perf_counter() - began
    facts = collection.facts()
    print(
        f"{facts.documents} documents, {facts.passages} passages, {facts.segments} segments; {len(report.refused)} refused"
    )
    print(
        f"{took:.1f} s, {facts.passages / took:,.0f} passages/s; {time.process_time() - began_cpu:.1f} s of processor time"
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"memory: {', '.join(f'{mb:.0f}' for mb in resident[:: max(1, len(resident) // 10)])} MB; peak {peak:.0f} MB"
    )
    print(f"searchable: {len(found)} hits")


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


if __name__ == "__main__":
    main()
