"""Collections over HTTP: created, listed, searched together, deleted, kept over a restart."""

import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.background import Jobs
from api.library import Library
from api.settings import Settings
from embeddings import load_embedder

BUILTIN = Path(__file__).parent.parent / "embeddings" / "models" / "builtin"
GRAIN = "关于做好粮食收购工作的通知\n\n一、各粮库要做好粮食收购。\n"
RICE = "粮食收购条例\n\n第一条 粮食收购应当按质论价。\n"


@contextmanager
def serving(data_dir: Path) -> Iterator[tuple[TestClient, Library]]:
    settings = Settings(data_dir=data_dir)
    with closing(Library(settings)) as library, closing(Jobs(library, data_dir)) as jobs:
        library.open()
        jobs.start()
        yield TestClient(create_app(settings, library, jobs)), library


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with serving(tmp_path) as (client, _):
        yield client


def create(client: TestClient, name: str, **fields: object) -> Any:
    return client.post("/collections", json={"name": name, **fields})


def test_a_collection_is_created_searched_and_deleted(client: TestClient) -> None:
    created = create(client, "法规_2024", settings={"label": "法规"})
    added = client.post("/documents", json={"text": RICE, "collection": "法规_2024"})
    found = client.post("/search", json={"query": "粮食收购", "collection": "法规_2024"}).json()

    assert (created.status_code, added.status_code) == (201, 201)
    assert created.json()["settings"] == {"label": "法规"}
    assert client.get("/collections/法规_2024").json()["documents"] == 1
    assert client.get("/documents").json()["total"] == 0
    source = found["hits"][0]["source"]
    assert "collection" not in source
    assert client.get(source["url"].partition("#")[0]).json()["title"] == "粮食收购条例"
    assert client.delete("/collections/法规_2024").json() == {"id": "法规_2024", "deleted": True}
    assert client.get("/collections/法规_2024").status_code == 404
    assert [c["name"] for c in client.get("/collections").json()["collections"]] == ["default"]


def test_several_collections_are_searched_as_one(client: TestClient) -> None:
    create(client, "laws")
    client.post("/documents", json={"text": GRAIN})
    client.post("/documents", params={"collection": "laws"}, json={"text": RICE})

    asked = {"query": "粮食收购", "collections": ["default", "laws"], "min_score": 0}
    reply = client.post("/search", json=asked).json()

    assert reply["collections"] == ["default", "laws"]
    assert {hit["source"]["collection"] for hit in reply["hits"]} == {"default", "laws"}
    assert [hit["rank"] for hit in reply["hits"]] == list(range(1, len(reply["hits"]) + 1))
    scores = [hit["score"] for hit in reply["hits"]]
    assert scores == sorted(scores, reverse=True)
    missing = client.post("/search", json={**asked, "collections": ["laws", "none"]})
    assert missing.json()["error"]["code"] == "collection_not_found"


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "a/b", "a b", "x" * 65, "a\x00", ".deleted-1", "a.b", "ü"]
)
def test_a_name_that_could_be_a_path_is_refused(client: TestClient, name: str) -> None:
    response = create(client, name)

    assert (response.status_code, response.json()["error"]["param"]) == (400, "name")


def test_a_name_is_taken_once(client: TestClient) -> None:
    create(client, "laws")

    assert create(client, "laws").json()["error"]["code"] == "collection_exists"
    assert create(client, "default").status_code == 409


def test_a_model_that_cannot_be_had_makes_no_collection(client: TestClient, tmp_path: Path) -> None:
    assert create(client, "laws", model=str(tmp_path / "none")).status_code == 503
    assert not (tmp_path / "laws").exists()


def test_collections_are_there_after_a_restart(tmp_path: Path) -> None:
    with serving(tmp_path) as (client, _):
        create(client, "laws", settings={"a": 1})
        client.post("/documents", json={"text": RICE, "collection": "laws"})
    with serving(tmp_path) as (client, library):
        assert library.names() == ["default", "laws"]
        assert client.get("/collections/laws").json()["settings"] == {"a": 1}
        assert client.post("/search", json={"query": "粮食收购", "collection": "laws"}).json()["hits"]


def test_a_damaged_collection_stops_no_other(tmp_path: Path) -> None:
    with serving(tmp_path) as (client, _):
        create(client, "laws")
    (tmp_path / "laws" / "wenyuan.sqlite3").write_bytes(b"no database" * 1000)
    with serving(tmp_path) as (client, _):
        assert client.get("/documents").status_code == 200
        response = client.get("/collections/laws")
        assert (response.status_code, response.json()["error"]["code"]) == (503, "storage_unavailable")


def test_collections_of_one_model_share_it(tmp_path: Path) -> None:
    with serving(tmp_path) as (client, library):
        create(client, "laws")
        one, other = library.collection("default"), library.collection("laws")
        assert one._embedder is other._embedder


def test_reindexing_switches_to_another_model_with_all_documents(tmp_path: Path) -> None:
    other = tmp_path / "other-model"
    shutil.copytree(BUILTIN, other)
    data = tmp_path / "data"
    with serving(data) as (client, library):
        client.post("/documents", json={"text": GRAIN})
        before = client.get("/collections/default").json()
        library.collection().reindex(load_embedder(str(other)), model=str(other))
        client.post("/documents", json={"text": RICE})
        after = client.get("/collections/default").json()
        assert after["model"] == str(other) != before["model"]
        assert client.post("/search", json={"query": "粮食收购"}).json()["hits"]
    with serving(data) as (client, _):
        assert client.get("/collections/default").json()["model"] == str(other)
        assert client.post("/search", json={"query": "按质论价"}).json()["hits"]
        job = client.post("/collections/default/reindex", json={"model": "builtin"})
        assert job.status_code == 202


def test_vectors_made_again_are_those_that_adding_makes(tmp_path: Path) -> None:
    other = tmp_path / "other-model"
    shutil.copytree(BUILTIN, other)
    question = {"query": "粮食收购", "min_score": 0}
    with serving(tmp_path / "data") as (client, library):
        client.post("/documents", json={"title": "关于做好秋粮工作的通知", "text": GRAIN})
        before = client.post("/search", json=question).json()["hits"]
        library.collection().reindex(load_embedder(str(other)), model=str(other))
        after = client.post("/search", json=question).json()["hits"]
    assert [hit["similarity"] for hit in after] == pytest.approx([hit["similarity"] for hit in before])


def test_an_interrupted_reindexing_serves_the_old_and_goes_on(tmp_path: Path) -> None:
    class Stop(Exception):
        pass

    def stop(_done: int, _total: int) -> None:
        raise Stop

    other = tmp_path / "other-model"
    shutil.copytree(BUILTIN, other)
    embedder = load_embedder(str(other))
    with serving(tmp_path / "data") as (client, library):
        client.post("/documents", json={"text": GRAIN})
        with pytest.raises(Stop):
            library.collection().reindex(embedder, model=str(other), on_progress=stop)
        assert client.get("/collections/default").json()["reindexing_to"] == str(other)
        client.post("/documents", json={"text": RICE})
        assert client.post("/search", json={"query": "按质论价"}).json()["hits"]
    with serving(tmp_path / "data") as (client, library):
        seen: list[tuple[int, int]] = []
        library.collection().reindex(embedder, model=str(other), on_progress=lambda *n: seen.append(n))
        facts = library.collection().facts()
        assert facts.reindexing_to is None
        assert seen[-1][0] == facts.segments
        assert client.post("/search", json={"query": "按质论价"}).json()["hits"]
