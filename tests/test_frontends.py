"""What front-ends share: every route's key and errors, the page of a document, retrievers, the tool server."""

import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnablePassthrough
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from api.app import create_app
from api.library import Library
from api.serving import listen
from api.settings import Settings
from api.source_view import find_document
from embeddings import DocumentNotFound, read
from frontends import GAS, KEY, NONSENSE, open_seeds, served

Json = dict[str, Any]
DOCS = Path(__file__).parent.parent / "docs" / "frontends"
PAGE = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
AWKWARD = (
    "关于𠮷祥路<script>alert(1)</script>的通知\r\n\r\n\x0b一、“𠮷”字要写对&amp;。\r\n二、表\t格不变\x0c。\n"
)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    with open_seeds(tmp_path_factory.mktemp("frontends")) as opened:
        opened.collection().add([read(AWKWARD.encode(), filename="a<b>.txt")])
        yield opened


@pytest.fixture(scope="module")
def locked(library: Library) -> TestClient:
    app = create_app(Settings(api_key=KEY, max_upload_bytes=1 << 20), library)  # type: ignore[arg-type]
    return TestClient(app, raise_server_exceptions=False)


@pytest.fixture(scope="module")
def client(library: Library) -> TestClient:
    return TestClient(create_app(Settings(), library))


class BrokenLibrary(Library):
    def names(self) -> list[str]:
        raise RuntimeError("secret")

    def collection(self, name: str = "default") -> Any:
        raise RuntimeError(f"secret of {name}")

    def embedder(self, model: str) -> Any:
        raise RuntimeError(f"secret of {model}")


def routes(client: TestClient) -> Iterator[tuple[str, str]]:
    """Every operation that there is, described or not, with something in the place of its parameters."""
    for path, operations in client.get("/openapi.json", headers=bearer()).json()["paths"].items():
        filled = path.replace("{given}", "file-00000000").replace("{document_id}", "00000000")
        for method in operations:
            yield method.upper(), re.sub(r"\{\w+\}", "none", filled)
    for path in ("/mcp", "/mcp/"):
        for method in ("GET", "POST", "DELETE"):
            yield method, path
    yield "GET", "/openapi.json"


def bearer() -> dict[str, str]:
    return {"authorization": f"Bearer {KEY}"}


def assert_dialect(path: str, body: Json) -> None:
    if path.startswith("/dify"):
        assert set(body) == {"error_code", "error_msg"}
        assert isinstance(body["error_code"], int)
    elif path.startswith("/mcp"):
        assert body["jsonrpc"] == "2.0"
        assert set(body["error"]) == {"code", "message"}
    else:
        assert set(body["error"]) == {"message", "type", "param", "code"}


def test_every_route_asks_for_the_key_in_its_own_dialect(locked: TestClient) -> None:
    asked = list(routes(locked))

    assert len(asked) > 35
    for method, path in asked:
        for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": "Basic eA=="}, PAGE):
            response = locked.request(method, path, headers=headers)
            assert response.status_code == 401, (method, path)
            assert response.headers["www-authenticate"].startswith("Bearer")
            assert response.headers["x-request-id"]
            assert_dialect(path, response.json())


def test_every_route_words_its_errors_in_its_own_dialect(locked: TestClient) -> None:
    for method, path in routes(locked):
        wrong = locked.request("PATCH", path, headers=bearer())
        large = locked.request(method, path, headers=bearer(), content=b"x" * (2 << 20))
        if not path.startswith("/mcp"):
            assert wrong.status_code == 405, (path, wrong.text)
            assert_dialect(path, wrong.json())
        if method == "POST":
            assert large.status_code == 413, (method, path)
            assert_dialect(path, large.json())


def test_what_breaks_inside_is_told_in_every_dialect_and_tells_nothing() -> None:
    broken = TestClient(create_app(Settings(), BrokenLibrary()), raise_server_exceptions=False)
    message = {"role": "user", "content": GAS}
    requests: list[tuple[str, Json]] = [
        ("/dify/retrieval", {"knowledge_id": "default", "query": GAS}),
        ("/v1/chat/completions", {"model": "default", "messages": [message]}),
        ("/openwebui/v1/chat/completions", {"model": "default", "messages": [message]}),
        ("/openwebui/search", {"query": GAS}),
        ("/v1/embeddings", {"model": "builtin", "input": "x"}),
        ("/v1/rerank", {"query": "x", "documents": ["x"]}),
        ("/v1/vector_stores/default/search", {"query": "x"}),
    ]
    for path, body in requests:
        response = broken.post(path, json=body)
        assert response.status_code == 500
        assert "secret" not in response.text
        assert_dialect(path, response.json())


def test_a_service_that_still_loads_says_so_in_every_dialect() -> None:
    loading = TestClient(create_app(Settings(), Library()))
    requests: list[tuple[str, str, Json | None]] = [
        ("POST", "/dify/retrieval", {"knowledge_id": "default", "query": GAS}),
        ("POST", "/v1/chat/completions", {"messages": [{"role": "user", "content": GAS}], "stream": True}),
        ("POST", "/openwebui/search", {"query": GAS}),
        ("GET", "/v1/models", None),
        ("GET", "/v1/files", None),
        ("GET", "/v1/vector_stores", None),
    ]
    for method, path, body in requests:
        response = loading.request(method, path, json=body)
        assert response.status_code == 503, path
        assert response.headers["retry-after"] == "1"
        assert_dialect(path, response.json())


def awkward_id() -> str:
    return read(AWKWARD.encode(), filename="a.txt").id


def page(client: TestClient, document_id: str) -> str:
    response = client.get(f"/documents/{document_id}", headers=PAGE)
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    return response.text


def test_a_browser_gets_a_page_and_others_get_json(client: TestClient) -> None:
    document_id = awkward_id()

    assert page(client, document_id).startswith("<!doctype html>")
    for accept in ("*/*", "application/json", "application/json, text/html"):
        response = client.get(f"/documents/{document_id}", headers={"accept": accept})
        assert response.json()["id"] == document_id


def test_the_page_holds_the_whole_text_escaped_and_in_place(client: TestClient) -> None:
    html = page(client, awkward_id())
    lines = re.findall(r'<p data-s="(\d+)"[^>]*>(.*?)</p>', html)

    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    for start, escaped in lines:
        shown = escaped.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&amp;", "&")
        kept = AWKWARD[int(start) : int(start) + len(shown)]
        assert shown == re.sub(r"[\x0c\x0b]", "\ufffd", kept)
    assert len(lines) == 3


def test_nothing_runs_on_the_page_but_its_own_script(client: TestClient) -> None:
    response = client.get(f"/documents/{awkward_id()}", headers=PAGE)
    policy = response.headers["content-security-policy"]

    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert response.text.count("<script>") == response.text.count("<style>") == 1
    assert "width=device-width" in response.text
    assert response.headers["referrer-policy"] == "no-referrer"


def test_a_page_of_another_collection_is_found_with_or_without_its_name(
    client: TestClient, library: Library
) -> None:
    (document_id,) = library.collection("canteen").document_ids()

    assert "食堂从业人员" in page(client, document_id)
    assert "食堂从业人员" in page(client, f"{document_id}?collection=canteen")
    missing = client.get(f"/documents/{document_id}", params={"collection": "default"}, headers=PAGE)
    assert missing.status_code == 404
    with pytest.raises(DocumentNotFound):
        find_document([library.collection()], document_id)


def test_open_webuis_web_search_gets_a_list(client: TestClient) -> None:
    results = client.post("/openwebui/search", json={"query": GAS, "count": 2}).json()

    assert 0 < len(results) <= 2
    assert set(results[0]) == {"link", "title", "snippet"}
    assert results[0]["link"].startswith("http://testserver/documents/")
    assert client.post("/openwebui/search", json={"query": NONSENSE, "count": 2}).json() == []


def example(name: str) -> dict[str, Any]:
    """What the code on a page of the documentation defines."""
    (code,) = re.findall(r"```python\n(.*?)```", (DOCS / name).read_text("utf-8"), re.DOTALL)
    assert len(code.splitlines()) <= 35
    defined: dict[str, Any] = {"__name__": "example"}
    exec(compile(code, name, "exec"), defined)
    return defined


@pytest.fixture(scope="module")
def address(library: Library) -> Iterator[str]:
    with served(create_app(Settings(api_key=KEY), library)) as url:  # type: ignore[arg-type]
        yield url


def test_langchains_retriever_of_the_documentation_works_in_a_chain(address: str) -> None:
    retriever = example("langchain.md")["WenyuanRetriever"](url=address, key=KEY, top_k=2)

    documents = retriever.invoke(GAS)
    prompt = ChatPromptTemplate.from_messages([("system", "资料：{context}"), ("user", "{question}")])
    model = ChatOpenAI(base_url=f"{address}/v1", api_key=SecretStr(KEY), model="default", max_retries=0)
    chain = {"context": retriever, "question": RunnablePassthrough()} | prompt | model | StrOutputParser()

    assert documents[0].metadata["quote"] in documents[0].page_content
    assert "讲话" in documents[0].metadata["title"]
    assert "「燃气领域" in chain.invoke(GAS)


def test_llamaindexs_retriever_of_the_documentation_works(address: str) -> None:
    pytest.importorskip("llama_index.core")
    retriever = example("llamaindex.md")["WenyuanRetriever"](url=address, key=KEY, top_k=2)

    nodes = retriever.retrieve(GAS)

    assert nodes[0].node.metadata["quote"] in nodes[0].node.get_content()
    assert 0 < nodes[0].score <= 1


def test_every_page_of_the_documentation_is_listed() -> None:
    pages = {path.name for path in DOCS.glob("*.md")} - {"README.md"}

    assert set(re.findall(r"\(([\w-]+\.md)\)", (DOCS / "README.md").read_text("utf-8"))) == pages


def test_chunks_are_sent_as_they_come() -> None:
    with listen("127.0.0.1", 0) as listener:
        assert listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_the_description_of_the_api_is_a_tool_server(client: TestClient) -> None:
    described = client.get("/openapi.json").json()
    operations = [operation for path in described["paths"].values() for operation in path.values()]
    names = [operation["operationId"] for operation in operations]

    assert len(names) == len(set(names))
    for operation in operations:
        assert re.fullmatch(r"[a-z][a-z0-9_]{2,63}", operation["operationId"])
        assert operation["summary"]
    for schema in (
        "ChatRequest",
        "DifyRequest",
        "EmbeddingRequest",
        "RerankRequest",
        "VectorStoreSearchRequest",
    ):
        assert described["components"]["schemas"][schema]["example"]
    assert described["components"]["schemas"]["SearchRequest"]["properties"]["query"]["examples"]
