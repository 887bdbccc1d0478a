"""The key: on every route, in constant time, in each dialect's own words; and no service without one for others."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.auth import check_exposure, sign_document
from api.library import Library
from api.serving import serve
from api.settings import Settings
from embeddings import Collection, InvalidInput, load_embedder, open_collection, read

KEYS = "first-key, second-key,第三把钥匙"


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collection]:
    folder = tmp_path_factory.mktemp("auth")
    with closing(open_collection(folder, "default", load_embedder())) as opened:
        opened.add([read("关于防汛的通知\n\n各街道要做好防汛值班。".encode(), filename="防汛.txt")])
        yield opened


@pytest.fixture(scope="module")
def client(collection: Collection) -> TestClient:
    library = Library()
    library.put(collection)
    return TestClient(create_app(Settings(api_key=KEYS), library))  # type: ignore[arg-type]


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


@pytest.mark.parametrize("key", ["first-key", "second-key", "第三把钥匙"])
def test_each_of_the_keys_lets_in(client: TestClient, key: str) -> None:
    assert client.get("/documents", headers=[(b"authorization", f"Bearer {key}".encode())]).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [{}, bearer("first"), bearer("first-key, second-key"), bearer("é"), {"authorization": "first-key"}],
)
def test_anything_else_is_refused_with_a_challenge(client: TestClient, headers: dict[str, str]) -> None:
    encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]

    response = client.get("/documents", headers=encoded)

    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith("Bearer")
    assert response.headers["x-request-id"]
    assert response.json()["error"]["type"] == "invalid_request_error"


def test_an_address_that_does_not_exist_asks_for_the_key_too(client: TestClient) -> None:
    assert client.get("/nowhere").status_code == 401
    assert client.get("/nowhere", headers=bearer("first-key")).status_code == 404


def test_dify_is_refused_in_its_own_words(client: TestClient) -> None:
    malformed = client.post("/dify/retrieval", json={}, headers={"authorization": "Basic x"})
    wrong = client.post("/dify/retrieval", json={}, headers=bearer("wrong"))

    assert malformed.json()["error_code"] == 1001
    assert wrong.json()["error_code"] == 1002
    assert wrong.status_code == 401


def test_mcp_is_refused_in_its_own_words(client: TestClient) -> None:
    refused = client.post("/mcp", json={})

    assert refused.status_code == 401
    assert refused.json()["jsonrpc"] == "2.0"


def test_a_signed_link_opens_its_document_and_no_other_address(
    client: TestClient, collection: Collection
) -> None:
    (document_id,) = collection.document_ids()
    signature = sign_document("second-key", document_id)

    assert client.get(f"/documents/{document_id}", params={"access": signature}).status_code == 200
    assert client.get("/documents", params={"access": signature}).status_code == 401
    assert client.get(f"/documents/{document_id}/text", params={"access": signature}).status_code == 401
    assert client.get("/documents/other", params={"access": signature}).status_code == 401
    assert client.delete(f"/documents/{document_id}", params={"access": signature}).status_code == 401


def test_without_a_key_setting_nobody_is_asked(collection: Collection) -> None:
    library = Library()
    library.put(collection)

    assert TestClient(create_app(Settings(), library)).get("/documents").status_code == 200


def test_a_page_that_is_named_may_ask_from_a_browser_and_no_other(collection: Collection) -> None:
    library = Library()
    library.put(collection)
    settings = Settings(api_key=KEYS, cors_origins="https://chat.example.cn")  # type: ignore[arg-type]
    client = TestClient(create_app(settings, library))

    def leave(origin: str) -> str | None:
        headers = {"origin": origin, "access-control-request-method": "POST"}
        headers["access-control-request-headers"] = "authorization,content-type"
        response = client.options("/v1/chat/completions", headers=headers)
        return response.headers.get("access-control-allow-origin")

    assert leave("https://chat.example.cn") == "https://chat.example.cn"
    assert leave("https://elsewhere.example") is None
    assert client.get("/v1/models", headers={"origin": "https://chat.example.cn"}).status_code == 401


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.5", "::1", "localhost"])
def test_only_this_machine_may_listen_without_a_key(host: str) -> None:
    check_exposure(host, [])


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.1.2.3", "example.org"])
def test_listening_beyond_this_machine_without_a_key_is_refused_at_start(host: str, tmp_path: Path) -> None:
    settings = Settings(host=host, port=0, data_dir=tmp_path)

    with pytest.raises(InvalidInput, match="WENYUAN_API_KEY"):
        serve(settings, [], on_progress=lambda *_: None, on_ready=lambda *_: None)
    check_exposure(host, ["key"])
