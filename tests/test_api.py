"""The HTTP service, over real documents, a real model and a real index, asked in process."""

import json
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from api.answering import NO_ANSWER
from api.app import create_app
from api.library import Library
from api.schemas import AskReply, DocumentDetailReply, DocumentsReply, ErrorBody, SearchReply
from api.settings import Settings
from embeddings import Collection, add_paths, load_embedder, open_collection

SEEDS = Path(__file__).parent.parent / "seeds"
GAS = "燃气领域要求"
NONSENSE = "qwrtzp xkcdvb"
WINDOWS_TEXT = "关于做好粮食收购工作的通知\r\n\r\n一、各粮库要做好粮食收购。\r\n二、严禁压级压价𠮷。\r\n"


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collection]:
    folder = tmp_path_factory.mktemp("api")
    windows = folder / "粮食 收购.txt"
    windows.write_bytes(WINDOWS_TEXT.encode("gb18030"))
    with closing(open_collection(folder / "default", "default", load_embedder())) as opened:
        add_paths(opened, [SEEDS, windows])
        yield opened


@pytest.fixture(scope="module")
def client(collection: Collection) -> TestClient:
    library = Library()
    library.put(collection)
    return TestClient(create_app(Settings(), library))


@pytest.fixture
def loading() -> TestClient:
    return TestClient(create_app(Settings(), Library()))


class BrokenLibrary(Library):
    def collection(self, name: str = "default") -> Collection:
        raise RuntimeError(f"secret of {name}")


@pytest.fixture
def broken() -> TestClient:
    return TestClient(create_app(Settings(), BrokenLibrary()))


def search(client: TestClient, query: str, **fields: object) -> dict[str, Any]:
    response = client.post("/search", json={"query": query, **fields})
    assert response.status_code == 200, response.text
    reply: dict[str, Any] = response.json()
    return reply


def documents(client: TestClient) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = client.get("/documents").json()["documents"]
    return listed


def windows_document(client: TestClient) -> dict[str, Any]:
    return next(document for document in documents(client) if document["filename"] == "粮食 收购.txt")


def assert_error(response: Response, status: int, code: str, *, param: str | None = None) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-request-id"]
    body: dict[str, Any] = response.json()
    ErrorBody.model_validate(body)
    assert body["error"]["code"] == code
    assert body["error"]["param"] == param
    assert body["error"]["type"] == ("invalid_request_error" if status < 500 else "server_error")
    return body


def test_a_topic_gets_the_sentence_that_answers_it_with_its_source(client: TestClient) -> None:
    hit = search(client, GAS)["hits"][0]

    assert "燃气领域，要落实好今天视频会的精神" in hit["quote"]
    assert hit["quote"] in hit["passage"]
    assert hit["source"]["filename"] == "004_ee0d76c0600e7a7d.txt"
    assert hit["source"]["outline"] == ["三要聚焦重点领域，加大安全生产执法检查"]
    start, end = hit["quote_span"]
    assert hit["source"]["url"] == f"/documents/{hit['source']['document_id']}#c={start}-{end}"


def test_every_quote_and_passage_is_the_slice_that_its_span_says(client: TestClient) -> None:
    texts = {
        document["id"]: client.get(f"/documents/{document['id']}/text").content.decode()
        for document in documents(client)
    }
    questions = [
        json.loads(line)["question"] for line in (SEEDS / "questions.jsonl").read_text("utf-8").splitlines()
    ]

    hits = [
        hit for question in questions[::8] for hit in search(client, question, top_k=100, min_score=0)["hits"]
    ]

    assert len(hits) > 100
    for hit in hits:
        text = texts[hit["source"]["document_id"]]
        assert text[slice(*hit["quote_span"])] == hit["quote"]
        assert text[slice(*hit["passage_span"])] == hit["passage"]


def test_replies_have_the_described_shape(client: TestClient) -> None:
    first = documents(client)[0]["id"]

    SearchReply.model_validate(search(client, GAS))
    AskReply.model_validate(client.post("/ask", json={"question": GAS}).json())
    DocumentsReply.model_validate(client.get("/documents").json())
    DocumentDetailReply.model_validate(client.get(f"/documents/{first}").json())


def test_hits_are_ranked_and_no_more_than_asked_for(client: TestClient) -> None:
    hits = search(client, "安全生产", top_k=3, min_score=0)["hits"]

    assert [hit["rank"] for hit in hits] == [1, 2, 3]
    scores = [hit["score"] for hit in hits]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)


def test_a_higher_threshold_leaves_fewer_hits(client: TestClient) -> None:
    assert search(client, GAS, min_score=1)["hits"] == []
    assert len(search(client, GAS, min_score=0)["hits"]) >= len(search(client, GAS)["hits"]) > 0


def test_nonsense_gets_no_hits_and_says_so(client: TestClient) -> None:
    reply = search(client, NONSENSE)

    assert reply["hits"] == []
    assert reply["no_answer"] is True
    assert search(client, GAS)["no_answer"] is False


def test_an_answer_is_made_of_quotes_with_numbered_citations(client: TestClient) -> None:
    reply = client.post("/ask", json={"question": GAS, "top_k": 10}).json()

    assert [citation["n"] for citation in reply["citations"]] == list(range(1, len(reply["citations"]) + 1))
    for citation in reply["citations"]:
        assert f"「{citation['quote']}」[{citation['n']}]" in reply["answer"]
    assert reply["hits"][0]["quote"] in [citation["quote"] for citation in reply["citations"]]


def test_a_question_without_answer_gets_a_plain_sentence(client: TestClient) -> None:
    reply = client.post("/ask", json={"question": NONSENSE}).json()

    assert reply["answer"].startswith(NO_ANSWER)
    assert {**reply, "answer": ""} == {"answer": "", "citations": [], "no_answer": True, "hits": []}


def test_documents_are_listed_in_pages(client: TestClient) -> None:
    everything = client.get("/documents").json()
    page = client.get("/documents", params={"limit": 2, "offset": 1}).json()

    assert everything["total"] == page["total"] == 6
    assert page["documents"] == everything["documents"][1:3]
    assert client.get("/documents", params={"offset": 99}).json()["documents"] == []


def test_a_document_shows_its_outline_its_passages_and_what_is_not_content(client: TestClient) -> None:
    saved_page = next(document for document in documents(client) if document["filename"].startswith("001_"))
    detail = client.get(f"/documents/{saved_page['id']}").json()
    text = client.get(f"/documents/{saved_page['id']}/text").content.decode()

    assert detail["characters"] == len(text)
    assert all(mark["reason"] for mark in detail["marks"])
    assert any("复制链接" in text[slice(*mark["span"])] for mark in detail["marks"])
    for part in (*detail["outline"], *detail["passages"]):
        assert text[slice(*part["span"])] == part["text"]


def test_the_stored_text_is_served_to_the_byte(client: TestClient) -> None:
    response = client.get(f"/documents/{windows_document(client)['id']}/text")

    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert response.content == WINDOWS_TEXT.encode()


def test_the_original_is_served_as_it_came_and_as_a_download(client: TestClient) -> None:
    response = client.get(f"/documents/{windows_document(client)['id']}/original")

    assert response.content == WINDOWS_TEXT.encode("gb18030")
    assert response.headers["content-disposition"].startswith("attachment; filename*=UTF-8''%E7%B2%AE")


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({}, "query"),
        ({"query": None}, "query"),
        ({"query": 5}, "query"),
        ({"query": ""}, "query"),
        ({"query": "\0\0"}, "query"),
        ({"query": "？！"}, "query"),
        ({"query": "\ud800"}, "query"),
        ({"query": "燃气" * 5000}, "query"),
        ({"query": GAS, "top_k": 0}, "top_k"),
        ({"query": GAS, "top_k": 101}, "top_k"),
        ({"query": GAS, "top_k": "5"}, "top_k"),
        ({"query": GAS, "top_k": True}, "top_k"),
        ({"query": GAS, "min_score": 1.5}, "min_score"),
        ({"query": GAS, "min_score": float("nan")}, "min_score"),
        ({"query": GAS, "history": "earlier"}, "history"),
        ({"query": GAS, "history": ["earlier", 1]}, "history.1"),
        ({"query": GAS, "filters": {"office": "天桥区"}}, "filters.office"),
        ({"query": GAS, "filters": {"date": {"near": "2021"}}}, "filters.date.near"),
        ({"query": GAS, "sort": "title"}, "sort"),
        ({"query": GAS, "collections": []}, "collections"),
        ({"query": GAS, "topk": 3}, "topk"),
        ({"query": GAS, "collection": 1}, "collection"),
    ],
)
def test_a_field_that_is_wrong_is_named(client: TestClient, fields: dict[str, object], param: str) -> None:
    response = client.post(
        "/search", content=json.dumps(fields), headers={"content-type": "application/json"}
    )

    error = assert_error(response, 400, response.json()["error"]["code"], param=param)
    assert error["error"]["message"]


@pytest.mark.parametrize("filters", [None, {}])
def test_empty_filters_and_history_are_taken(client: TestClient, filters: object) -> None:
    assert search(client, GAS, filters=filters, history=["消防呢"])["hits"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b'{"query": "\xff"}',
        b"[" * 100_000,
        b'{"query": "a", "\\ud800": 1}',
    ],
)
def test_a_body_that_is_no_json_object_is_refused(client: TestClient, body: bytes) -> None:
    response = client.post("/search", content=body, headers={"content-type": "application/json"})

    assert_error(response, 400, response.json()["error"]["code"])


def test_a_body_that_is_not_sent_as_json_is_told_how(client: TestClient) -> None:
    response = client.post("/search", data={"query": GAS})

    error = assert_error(response, 415, "unsupported_media_type")
    assert "content-type: application/json" in error["error"]["message"]


def test_an_unknown_collection_is_told_what_there_is(client: TestClient) -> None:
    for path, field in (("/search", "query"), ("/ask", "question")):
        response = client.post(path, json={field: GAS, "collection": "laws"})
        error = assert_error(response, 404, "collection_not_found", param="collection")
        assert "“default”" in error["error"]["message"]


def test_a_query_parameter_that_is_wrong_is_named(client: TestClient) -> None:
    for name, value in (
        ("limit", "0"),
        ("limit", "many"),
        ("offset", "-1"),
        ("offset", "9" * 30),
        ("ofset", "1"),
    ):
        assert_error(client.get("/documents", params={name: value}), 400, "invalid_input", param=name)


def test_a_body_that_is_too_long_is_refused_whether_announced_or_not(client: TestClient) -> None:
    body = json.dumps({"query": "燃" * 1_000_000}).encode()
    headers = {"content-type": "application/json"}

    assert_error(client.post("/search", content=body, headers=headers), 413, "too_large")
    assert_error(client.post("/search", content=iter([body]), headers=headers), 413, "too_large")


def test_a_callers_request_id_is_kept_if_it_is_safe(client: TestClient) -> None:
    def answered(given: bytes) -> str:
        return str(client.get("/healthz", headers={b"x-request-id": given}).headers["x-request-id"])

    assert answered(b"trace:7f.A_1-b") == "trace:7f.A_1-b"
    for unsafe in (b"", b"a b", b"x" * 129, b"<b>", b"\xe9"):
        assert re.fullmatch("[0-9a-f]{32}", answered(unsafe))


ID = "0" * 32
# Their errors have their own tests.
OTHER_DIALECTS = ("/v1/", "/openwebui/", "/dify/")
BODIES: dict[str, object] = {
    "/search": {"query": GAS},
    "/ask": {"question": GAS},
    "/similar": {"draft": GAS},
    "/documents": {"text": "一、各粮库要做好粮食收购。"},
    "/documents/{document_id}": {"text": "一、各粮库要做好粮食收购。"},
    "/collections": {"name": "laws"},
    "/collections/{name}/reindex": {"model": "builtin"},
}
MISSING = {
    "{document_id}": "document_not_found",
    "{name}": "collection_not_found",
    "{job_id}": "job_not_found",
    "/verify": "document_not_found",
}


def routes(client: TestClient) -> Iterator[tuple[str, str]]:
    """Method and path of all that is described."""
    for path, methods in client.get("/openapi.json").json()["paths"].items():
        for method in methods:
            yield method.upper(), path


def call(client: TestClient, method: str, described: str) -> Response:
    path = re.sub(r"\{\w+\}", ID, described)
    params = f"document_id={ID}&start=0&end=1&sha256={ID * 2}" if path == "/verify" else None
    body = BODIES.get(described) if method in ("POST", "PUT") else None
    return client.request(method, path, json=body, params=params)


def test_every_route_has_one_shape_of_error(client: TestClient, loading: TestClient) -> None:
    asked = [route for route in routes(client) if not route[1].startswith(OTHER_DIALECTS)]

    assert len(asked) == 24
    for method, described in asked:
        assert_error(client.patch(re.sub(r"\{\w+\}", ID, described)), 405, "method_not_allowed")
        if described in ("/healthz", "/metrics"):
            assert call(loading, method, described).status_code == 200
            continue
        assert_error(call(loading, method, described), 503, "loading")
        for part, code in MISSING.items():
            if part in described:
                param = "collection" if code == "collection_not_found" else None
                assert_error(call(client, method, described), 404, code, param=param)


def test_what_fails_inside_is_not_told_outside(broken: TestClient) -> None:
    for method, described in (
        ("POST", "/search"),
        ("GET", "/documents"),
        ("DELETE", "/documents/{document_id}"),
    ):
        failure = assert_error(call(broken, method, described), 500, "internal_error")
        assert "secret" not in str(failure)


def test_an_address_that_there_is_not_has_the_same_error(client: TestClient) -> None:
    for path in ("/", "/nothing", "/search/", "/documents/a/b", "/%ff%00"):
        assert_error(client.get(path), 404, "route_not_found")
    assert client.get("/search").headers["allow"] == "POST"


def test_a_service_that_still_loads_says_when_to_ask_again(loading: TestClient) -> None:
    assert loading.get("/healthz").json() == {"status": "ok"}
    assert loading.get("/readyz").headers["retry-after"] == "1"


def test_a_service_that_answers_is_ready(client: TestClient) -> None:
    assert client.get("/readyz").json() == {"status": "ready"}


def test_the_description_names_every_operation_once_and_its_errors(client: TestClient) -> None:
    operations = [
        o for methods in client.get("/openapi.json").json()["paths"].values() for o in methods.values()
    ]

    assert len({operation["operationId"] for operation in operations}) == len(operations)
    for operation in operations:
        assert operation["summary"]
        assert "422" not in operation["responses"]


def test_the_service_reads_its_settings_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WENYUAN_PORT", "8123")
    monkeypatch.setenv("WENYUAN_HOST", "")

    assert (Settings().port, Settings().host) == (8123, "127.0.0.1")
