"""A collection of a few segments on disk, closed in good order, and what it answers."""

import subprocess
import sys
import textwrap
from pathlib import Path

from test_storage import COMPASS, EAST, NORTH, UP, document_of, matching_texts, nearest_texts, new

from embeddings.local import LocalStorage
from embeddings.storage import Storage


def make_collection(folder: Path) -> Path:
    """Three segments came, one document went, one more came."""
    storage = open_local(folder)
    storage.add([new(*COMPASS), new("上风", UP)])
    storage.remove([document_of("上风").id])
    storage.add([new("北边", NORTH)])
    storage.close()
    return folder


def open_local(folder: Path, *, read_only: bool = False) -> LocalStorage:
    return LocalStorage(folder, embedder_id="compass", dim=3, read_only=read_only)


def answers(storage: Storage) -> tuple[int, list[str], list[str], list[int]]:
    with storage.snapshot() as snapshot:
        return (
            snapshot.generation,
            sorted(nearest_texts(snapshot, EAST)),
            sorted(matching_texts(snapshot, ["风", "边", "上"])),
            snapshot.frequencies(["北", "西"]),
        )


ANSWERS = (3, ["东风", "北边", "北风", "西边"], ["东风", "北边", "北风", "西边"], [2, 1])


def reopened(folder: Path) -> tuple[int, list[str], list[str], list[int]]:
    storage = open_local(folder)
    try:
        return answers(storage)
    finally:
        storage.close()


def contents_of(folder: Path) -> dict[str, bytes]:
    sides = ("-shm", "-wal")
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file() and not file.name.endswith(sides)
    }


def run_and_die(folder: Path, script: str) -> None:
    """Run `script` on an open `storage` in a process that ends without closing anything."""
    preamble = f"""
        import os, sys
        sys.path[:0] = {[str(Path(__file__).parent), str(Path(__file__).parent.parent)]!r}
        from pathlib import Path
        from make_collections import open_local
        from test_storage import EAST, WEST, document_of, new
        from embeddings.local import LocalStorage
        from embeddings.local.lexical import LexicalIndex
        from embeddings.local.vectors import VectorIndex
        storage = open_local(Path({str(folder)!r}))
        def die(*_, **__):
            os._exit(9)
    """
    code = textwrap.dedent(preamble) + script
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 9
