"""Documents of one model are never searched with another: it is refused until the vectors are made again."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.background import Jobs
from api.library import Library
from api.settings import Settings
from embeddings import BUILTIN_MODEL, EmbedderMismatch
from make_models import add_graphs, make_embedder

TEXT = "燃气领域要求加强安全检查。"


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_embedder(tmp_path_factory.mktemp("other"))
    add_graphs(folder)
    return folder


def run(data: Path, *command: str, model: str | None = None) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "WENYUAN_DATA_DIR": str(data)} | ({"WENYUAN_MODEL": model} if model else {})
    code = "from api.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *command], capture_output=True, text=True, env=environment, timeout=120
    )


def test_the_command_line_refuses_another_model_and_names_reindex(tmp_path: Path, other: Path) -> None:
    data = tmp_path / "data"
    (tmp_path / "a.txt").write_text(TEXT, encoding="utf-8")
    assert run(data, "add", str(tmp_path / "a.txt")).returncode == 0
    for command in (["search", TEXT], ["add", str(tmp_path / "a.txt")], ["serve", "--port", "0"]):
        refused = run(data, *command, model=str(other))
        assert refused.returncode == 1
        assert "builtin@" in refused.stderr
        assert f"{other.name}@" in refused.stderr
        assert "wenyuan reindex" in refused.stderr
        assert refused.stderr.count("\n") == 1
    again = run(data, "reindex", model=str(other))
    assert again.returncode == 0, again.stderr
    found = run(data, "search", TEXT, "--json", "--min-score", "0", model=str(other))
    assert '"hits": [\n' in found.stdout, found.stderr
    assert "wenyuan reindex" in run(data, "search", TEXT, model=BUILTIN_MODEL).stderr


@contextmanager
def serving(settings: Settings) -> Iterator[TestClient]:
    with closing(Library(settings)) as library, closing(Jobs(library, settings.data_dir)) as jobs:
        library.open()
        jobs.start()
        yield TestClient(create_app(settings, library, jobs))


def test_a_server_refuses_another_model_until_it_is_reindexed_over_http(tmp_path: Path, other: Path) -> None:
    with serving(Settings(data_dir=tmp_path)) as client:
        client.post("/documents", json={"text": TEXT})
    with (
        pytest.raises(EmbedderMismatch, match="wenyuan reindex"),
        serving(Settings(data_dir=tmp_path, model=str(other))),
    ):
        pass
    with serving(Settings(data_dir=tmp_path)) as client:
        job = client.post("/collections/default/reindex", json={"model": str(other)}).json()
        finished = time.monotonic() + 60
        while client.get(f"/jobs/{job['id']}").json()["status"] not in ("done", "failed"):
            assert time.monotonic() < finished
            time.sleep(0.05)
    with serving(Settings(data_dir=tmp_path, model=str(other))) as client:
        assert client.get("/collections/default").json()["model"] == str(other)
        (hit,) = client.post("/search", json={"query": TEXT, "min_score": 0}).json()["hits"]
        assert hit["similarity"] > 0.5
        reply = client.post("/v1/embeddings", json={"input": [TEXT], "model": other.name}).json()
        assert len(reply["data"][0]["embedding"]) == 32
