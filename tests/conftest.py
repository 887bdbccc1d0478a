"""What the tests share: the seeds, and the folder of real texts if one is given with --data."""

import json
import lzma
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from embeddings import Collection, load_embedder, open_collection, read

SEEDS = Path(__file__).parent.parent / "seeds"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--data", type=Path, default=None, help="folder with laws.jsonl.xz; tests on it are left out without"
    )


@pytest.fixture(scope="session")
def seed_files() -> list[Path]:
    return sorted(SEEDS.glob("*.txt"))


@pytest.fixture(scope="session")
def collection(tmp_path_factory: pytest.TempPathFactory, seed_files: list[Path]) -> Iterator[Collection]:
    """The seeds; not to be changed."""
    with closing(open_collection(tmp_path_factory.mktemp("seeds"), "default", load_embedder())) as opened:
        opened.add([read(path.read_bytes(), filename=path.name) for path in seed_files])
        yield opened


@pytest.fixture(scope="session")
def laws(request: pytest.FixtureRequest) -> list[tuple[str, str]]:
    """Name and text of 200 laws, spread over the whole file."""
    folder: Path | None = request.config.getoption("--data")
    if folder is None:
        pytest.skip("needs --data")
    return list(_every_17th(folder / "laws.jsonl.xz"))[:200]


def _every_17th(path: Path) -> Iterator[tuple[str, str]]:
    with lzma.open(path, "rt", encoding="utf-8") as file:
        for number, line in enumerate(file):
            if number % 17 == 0:
                record = json.loads(line)
                yield record["title"], record["text"]
