"""Dify's external knowledge: the requests of its documentation, replayed."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.library import Library
from api.settings import Settings
from embeddings import Collection, read
from frontends import GAS, KEY, NONSENSE, open_seeds

Json = dict[str, Any]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    with open_seeds(tmp_path_factory.mktemp("dify")) as opened:
        collection = opened.collection()
        said = {"page_count": 3, "region": "天桥", "checked": True, "since": "2021-12-02", "code": "7"}
        collection.set_attributes({id_of(collection, "004"): said})
        yield opened


@pytest.fixture(scope="module")
def client(library: Library) -> TestClient:
    app = create_app(Settings(api_key=KEY), library)  # type: ignore[arg-type]
    return TestClient(app, headers={"authorization": f"Bearer {KEY}"})


def id_of(collection: Collection, beginning: str) -> str:
    listed, _ = collection.list_documents()
    return next(document.id for document in listed if document.filename.startswith(beginning))


def retrieve(client: TestClient, **fields: object) -> Json:
    body = {
        "knowledge_id": "default",
        "query": GAS,
        "retrieval_setting": {"top_k": 3, "score_threshold": 0.0},
        **fields,
    }
    reply: Json = client.post("/dify/retrieval", json=body).json()
    return reply


def records(client: TestClient, **fields: object) -> list[Json]:
    found: list[Json] = retrieve(client, **fields)["records"]
    return found


def where(name: str, operator: str, value: object = None) -> Json:
    return {
        "logical_operator": "and",
        "conditions": [{"name": name, "comparison_operator": operator, "value": value}],
    }


def test_records_have_content_score_title_and_metadata(client: TestClient) -> None:
    found = records(client)

    assert 0 < len(found) <= 3
    for record in found:
        assert set(record) == {"content", "score", "title", "metadata"}
        assert isinstance(record["metadata"], dict)
        assert record["metadata"]["quote"] in record["content"]
        assert None not in record["metadata"].values()
    scores = [record["score"] for record in found]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)


def test_nothing_found_is_no_error(client: TestClient) -> None:
    assert retrieve(client, query=NONSENSE) == {"records": []}
    assert retrieve(client, retrieval_setting={"top_k": 3, "score_threshold": 1.0}) == {"records": []}


def test_another_collection_is_another_knowledge(client: TestClient) -> None:
    assert "食品留样" in records(client, knowledge_id="canteen", query="食品留样")[0]["content"]


@pytest.mark.parametrize(
    ("condition", "is_found"),
    [
        (where("title", "contains", "安全生产"), True),
        (where("title", "not contains", "安全生产"), False),
        (where("filename", "start with", "004"), True),
        (where("filename", "end with", ".txt"), True),
        (where("filename", "end with", ".pdf"), False),
        (where("date", "is", "2021-12-02"), True),
        (where("date", "is not", "2021-12-02"), False),
        (where("date", "in", ["2021-12-02", "2020-01-01"]), True),
        (where("date", "in", "2021-12-02,2020-01-01"), True),
        (where("date", "not in", ["2021-12-02"]), False),
        (where("doc_number", "empty"), True),
        (where("doc_number", "not empty"), False),
        (where("page_count", "=", 3), True),
        (where("page_count", "=", "3.0"), True),
        (where("page_count", "≠", 3), False),
        (where("page_count", ">", "2"), True),
        (where("page_count", "<", 3), False),
        (where("page_count", "≥", 3), True),
        (where("page_count", "≤", 2), False),
        (where("page_count", "is", "3"), True),
        (where("page_count", "in", "1,3"), True),
        (where("code", "is", "7"), True),
        (where("code", "=", "7"), False),
        (where("checked", "is", "true"), True),
        (where("checked", "is not", True), False),
        (where("region", "start with", "天"), True),
        (where("region", "empty"), False),
        (where("region", "not empty"), True),
        (where("since", "before", "2021/12/3"), True),
        (where("page_count", "after", 4), False),
        (where("date", "≥", "2021"), True),
        (where("date", "contains", "-12-"), True),
        (where("issuer", "is", "天桥区政府办公室"), True),
        (where("kind", "not empty"), False),
        (where("date", "before", "2022-01-01"), True),
        (where("date", "after", "2022年1月1日"), False),
    ],
)
def test_every_documented_operator_is_held_to(client: TestClient, condition: Json, is_found: bool) -> None:
    found = records(
        client, metadata_condition=condition, retrieval_setting={"top_k": 50, "score_threshold": 0.0}
    )

    assert any(record["metadata"]["filename"].startswith("004") for record in found) == is_found


def test_conditions_are_joined_under_either_name(client: TestClient) -> None:
    conditions = [
        *where("filename", "start with", "004")["conditions"],
        *where("page_count", "<", 1)["conditions"],
    ]

    assert not records(client, metadata_condition={"logical_operator": "and", "conditions": conditions})
    assert records(client, metadata_condition={"logical_operator": "or", "conditions": conditions})
    assert records(client, metadata_condition={"logic": "or", "conditions": conditions})
    assert records(client, metadata_condition={"conditions": []})
    assert records(client, metadata_condition=None)


def test_records_tell_what_callers_say_of_the_document(client: TestClient) -> None:
    (record, *_) = records(client, metadata_condition=where("region", "is", "天桥"))

    assert (record["metadata"]["page_count"], record["metadata"]["checked"]) == (3, True)
    assert record["metadata"]["title"].endswith("讲话")


def test_a_condition_is_held_to_before_the_search(client: TestClient, library: Library) -> None:
    collection = library.create("many")
    same = "各单位要每周检查一次燃气管道。"
    texts = [f"燃气管道检查通知第{n}号\n\n{same}{n}号单位照办。" for n in range(150)]
    collection.add([read(text.encode(), filename=f"{n}.txt") for n, text in enumerate(texts)])
    collection.add([read("食堂管理办法\n\n燃气灶具要有人看管。".encode(), filename="食堂.txt")])

    fields: Json = {
        "knowledge_id": "many",
        "query": "燃气管道每周检查一次",
        "retrieval_setting": {"top_k": 100, "score_threshold": 0.0001},
    }
    everything = records(client, **fields)
    filtered = records(client, **fields, metadata_condition=where("filename", "is", "食堂.txt"))

    assert len(everything) == 100
    assert all("食堂" not in found["title"] for found in everything)
    assert "燃气灶具要有人看管。" in [found["content"] for found in filtered]
    assert {found["metadata"]["filename"] for found in filtered} == {"食堂.txt"}


@pytest.mark.parametrize(
    "condition",
    [
        where("title", "sounds like", "x"),
        where("colour", "is", "red"),
        where("title", "is"),
        where("title", "in"),
        where("title", "in", {"a": 1}),
        where("page_count", ">", "many"),
        where("paragraph", ">", 1),
        where("title", "=", 1),
        where("title", "after", "2021-01-01"),
        where("region", "contains", ["a", "b"]),
        where("date", "before", "soon"),
        {"logical_operator": "xor", "conditions": []},
        {"conditions": [{}]},
    ],
)
def test_a_condition_that_cannot_be_evaluated_is_refused(client: TestClient, condition: Json) -> None:
    response = client.post(
        "/dify/retrieval", json={"knowledge_id": "default", "query": GAS, "metadata_condition": condition}
    )

    assert response.status_code == 400
    assert set(response.json()) == {"error_code", "error_msg"}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"knowledge_id": "none", "query": GAS}, 404, 2001),
        ({"knowledge_id": "default", "query": "？"}, 400, 400),
        ({"knowledge_id": "default"}, 400, 400),
        ({"knowledge_id": "default", "query": GAS, "retrieval_setting": {"top_k": 0}}, 400, 400),
        ([], 400, 400),
    ],
)
def test_errors_are_in_difys_words(client: TestClient, body: object, status: int, code: int) -> None:
    response = client.post("/dify/retrieval", json=body)

    assert response.status_code == status
    assert set(response.json()) == {"error_code", "error_msg"}
    assert response.json()["error_code"] == code
