"""Dify's external knowledge: the requests of its documentation, replayed."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.library import Library
from api.settings import Settings
from frontends import GAS, KEY, NONSENSE, open_seeds

Json = dict[str, Any]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    with open_seeds(tmp_path_factory.mktemp("dify")) as opened:
        yield opened


@pytest.fixture(scope="module")
def client(library: Library) -> TestClient:
    app = create_app(Settings(api_key=KEY), library)  # type: ignore[arg-type]
    return TestClient(app, headers={"authorization": f"Bearer {KEY}"})


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
        (where("paragraph", "=", 0), False),
        (where("paragraph", "≠", 0), True),
        (where("paragraph", ">", "0"), True),
        (where("paragraph", "<", 1), False),
        (where("paragraph", "≥", 1), True),
        (where("paragraph", "≤", 0), False),
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
        *where("paragraph", "<", 1)["conditions"],
    ]

    assert not records(client, metadata_condition={"logical_operator": "and", "conditions": conditions})
    assert records(client, metadata_condition={"logical_operator": "or", "conditions": conditions})
    assert records(client, metadata_condition={"logic": "or", "conditions": conditions})
    assert records(client, metadata_condition={"conditions": []})
    assert records(client, metadata_condition=None)


@pytest.mark.parametrize(
    "condition",
    [
        where("title", "sounds like", "x"),
        where("colour", "is", "red"),
        where("title", "is"),
        where("paragraph", ">", "many"),
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
