"""The draft check over HTTP and on the command line, and its reports."""

import asyncio
import json
import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from api.app import create_app
from api.cli import _make_app
from api.library import Library
from api.reports import report_html, report_markdown
from api.schemas import SetPhrasesReply, SharedTextReply, SimilarReply
from api.settings import Settings
from embeddings import Collection, load_embedder, open_collection, read

SOURCE = (
    "关于做好防汛工作的通知\n各乡镇要在五月底以前备足编织袋和抽水泵，逐段检查河堤，发现管涌、渗漏的立即上报。\n"
    "一、<script>alert(1)</script>值班电话保持畅通，带班领导不得离开岗位半步，交接班要写清楚记录。"
)
SENTENCE = "各乡镇要在五月底以前备足编织袋和抽水泵，逐段检查河堤，发现管涌、渗漏的立即上报。"
DRAFT = f"同志们：\n{SENTENCE}\n20**年的<b>任务</b>是修好水闸。"


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("similar")
    with closing(open_collection(folder / "default", "default", load_embedder())) as collection:
        collection.add([read(SOURCE.encode(), filename="防汛.txt")])
    return folder


@pytest.fixture(scope="module")
def collection(data_dir: Path) -> Iterator[Collection]:
    with closing(open_collection(data_dir / "default", "default", load_embedder(), read_only=True)) as opened:
        yield opened


@pytest.fixture(scope="module")
def client(collection: Collection) -> TestClient:
    library = Library()
    library.put(collection)
    return TestClient(create_app(Settings(), library))


def check(client: TestClient, **fields: object) -> dict[str, Any]:
    response = client.post("/similar", json=fields)
    assert response.status_code == 200, response.text
    SimilarReply.model_validate(response.json())
    return dict(response.json())


def error_of(response: Any) -> tuple[int, str, str | None]:
    error = response.json()["error"]
    return response.status_code, error["code"], error["param"]


def test_a_draft_is_checked_with_spans_over_both_texts(client: TestClient) -> None:
    reply = check(client, draft=DRAFT)
    (match,) = [m for p in reply["paragraphs"] for m in p["matches"] if m["kind"] == "verbatim"]
    start, end = match["draft_span"]
    assert DRAFT[start:end] == SENTENCE == match["source_text"]
    text = client.get(f"/documents/{match['source']['document_id']}/text").text
    assert text[slice(*match["source_span"])] == SENTENCE
    assert [one["text"] for one in reply["placeholders"]] == ["20**"]
    assert reply["documents"][0]["title"] == "关于做好防汛工作的通知"


def test_a_file_is_checked_like_its_text(client: TestClient) -> None:
    files = {"file": ("草稿.txt", DRAFT.encode("gb18030"))}
    response = client.post("/similar", files=files, data={"top_k": "2"})
    assert response.json() == check(client, draft=DRAFT, top_k=2)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, (400, "invalid_input", "draft")),
        ({"draft": "。。。"}, (400, "empty_text", "draft")),
        ({"draft": "字" * 100_001}, (400, "too_large", "draft")),
        ({"draft": "文字", "top_k": 0}, (400, "invalid_input", "top_k")),
        ({"draft": "文字", "colour": 1}, (400, "invalid_input", "colour")),
        ({"draft": "文字", "collection": "none"}, (404, "collection_not_found", "collection")),
        ({"draft": "文字", "exclude_documents": ["none"]}, (404, "document_not_found", None)),
    ],
)
def test_what_cannot_be_checked_is_refused(
    client: TestClient, fields: dict[str, object], expected: tuple[int, str, str | None]
) -> None:
    assert error_of(client.post("/similar", json=fields)) == expected


def test_bodies_that_are_neither_json_nor_a_file_are_refused(client: TestClient) -> None:
    assert error_of(client.post("/similar", content=b"text"))[:2] == (415, "unsupported_media_type")
    headers = {"content-type": "application/json"}
    assert error_of(client.post("/similar", content=b"{", headers=headers))[:2] == (400, "invalid_json")
    assert error_of(client.post("/similar", content=b"[" * 100_000, headers=headers))[:2] == (
        400,
        "invalid_json",
    )
    assert error_of(client.post("/similar", files={"other": b"x"})) == (400, "invalid_input", "file")


class _Upload:
    """A form with a file of `size` bytes, sent piece by piece to the application itself."""

    def __init__(self, size: int) -> None:
        head = '--edge\r\nContent-Disposition: form-data; name="file"; filename="draft.txt"\r\n\r\n'
        self._pieces = [head.encode(), *[bytes(1 << 16)] * (size >> 16), b"\r\n--edge--\r\n"]
        self.length = sum(map(len, self._pieces))
        self.status, self.body = 0, b""

    async def receive(self) -> dict[str, Any]:
        body = self._pieces.pop(0)
        return {"type": "http.request", "body": body, "more_body": bool(self._pieces)}

    async def send(self, message: Any) -> None:
        self.status = message.get("status", self.status)
        self.body += message.get("body", b"")


@pytest.mark.parametrize("is_announced", [True, False])
def test_a_file_that_is_too_large_is_refused_in_bounded_memory(
    client: TestClient, is_announced: bool
) -> None:
    upload = _Upload(40 << 20)
    headers = [(b"content-type", b"multipart/form-data; boundary=edge")]
    if is_announced:
        headers.append((b"content-length", str(upload.length).encode()))
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/similar",
        "raw_path": b"/similar",
        "query_string": b"",
        "headers": headers,
        "app": client.app,
    }
    tracemalloc.start()
    asyncio.run(client.app(scope, upload.receive, upload.send))  # type: ignore[arg-type]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (upload.status, json.loads(upload.body)["error"]["code"]) == (413, "too_large")
    assert peak < 8 << 20


def test_a_form_that_is_broken_is_refused(client: TestClient) -> None:
    headers = {"content-type": "multipart/form-data; boundary=edge"}
    assert error_of(client.post("/similar", content=b"nothing", headers=headers))[0] == 400
    two = [("file", ("a.txt", b"a")), ("file", ("b.txt", b"b"))]
    assert error_of(client.post("/similar", files=two))[0] == 400


def test_a_document_is_checked_against_the_others(client: TestClient) -> None:
    (document,) = client.get("/documents").json()["documents"]
    reply = client.get(f"/documents/{document['id']}/similar")
    assert reply.json()["originality"] == 1
    assert error_of(client.get("/documents/none/similar"))[:2] == (404, "document_not_found")


def test_the_map_of_shared_text_is_served(client: TestClient) -> None:
    assert SharedTextReply.model_validate(client.get("/similar/map").json()).pairs == []


def test_the_set_phrases_are_served(client: TestClient, tmp_path: Path) -> None:
    assert SetPhrasesReply.model_validate(client.get("/similar/phrases").json()).phrases == []
    assert error_of(client.get("/similar/phrases?min_documents=1"))[0] == 400
    texts = [
        f"{topic}讲话\n{topic}工作{n}项。要坚持党政同责一岗双责齐抓共管。"
        for n, topic in enumerate("防火禁渔修路")
    ]
    with closing(open_collection(tmp_path / "default", "default", load_embedder())) as collection:
        collection.add([read(text.encode(), filename=f"{n}.txt") for n, text in enumerate(texts)])
        library = Library()
        library.put(collection)
        reply = TestClient(create_app(Settings(), library)).get("/similar/phrases?min_documents=4").json()
    assert any("党政同责一岗双责" in one["phrase"] and one["documents"] >= 4 for one in reply["phrases"])


@pytest.mark.parametrize("path", ["/documents/none/similar", "/similar/map", "/similar/phrases"])
def test_a_collection_that_is_not_there_is_told(client: TestClient, path: str) -> None:
    assert error_of(client.get(path, params={"collection": "none"}))[:2] == (404, "collection_not_found")


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.words = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.words += data


def test_the_html_report_shows_both_texts_and_runs_nothing_of_theirs(client: TestClient) -> None:
    draft = DRAFT + "\n" + SOURCE.split("\n")[2]
    response = client.post("/similar?format=html", json={"draft": draft})
    assert response.headers["content-type"].startswith("text/html")
    assert "sandbox" in response.headers["content-security-policy"]
    page = _Page()
    page.feed(response.text)
    assert "script" not in page.tags
    assert page.links == []
    assert "<script>alert(1)</script>" in page.words
    assert page.words.count(SENTENCE[:30]) >= 2
    assert page.tags.count("b") == 1 + page.tags.count("blockquote")


def test_the_reports_of_hostile_text_are_whole(collection: Collection) -> None:
    draft = SENTENCE + "\n</td></table>{{rows}}<img src=x onerror=y>\x00\u202e| a | `b` ![c](d)"
    report = collection.similar(draft)
    page = _Page()
    page.feed(report_html(report))
    assert "img" not in page.tags
    assert "{{rows}}" in page.words
    assert "![" not in report_markdown(report).replace("!\\[", "")


def run(data_dir: Path, *arguments: str, stdin: bytes | None = None) -> tuple[int, bytes]:
    result = CliRunner().invoke(_make_app(), [*arguments, "--data-dir", str(data_dir)], input=stdin)
    return result.exit_code, result.stdout_bytes


def test_a_draft_is_checked_on_the_command_line(data_dir: Path, tmp_path: Path) -> None:
    path = tmp_path / "草稿.txt"
    path.write_text(DRAFT, encoding="utf-8")
    code, output = run(data_dir, "check", str(path), "--format", "json")
    assert code == 0
    assert json.loads(output)["placeholders"][0]["text"] == "20**"
    code, output = run(data_dir, "check", "-", stdin=DRAFT.encode())
    assert (code, "**照抄** 1.00" in output.decode()) == (0, True)
    page = tmp_path / "report.html"
    assert run(data_dir, "check", str(path), "-f", "html", "-o", str(page)) == (0, b"")
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_draft_that_is_not_there_is_the_callers_mistake(data_dir: Path, tmp_path: Path) -> None:
    assert run(data_dir, "check", str(tmp_path / "none.txt"))[0] == 2


def test_own_phrases_are_read_from_a_file(data_dir: Path, tmp_path: Path) -> None:
    phrases = tmp_path / "phrases.txt"
    phrases.write_text("备足编织袋和抽水泵\n", encoding="utf-8")
    code, output = run(data_dir, "check", "-", "-f", "json", "--phrases", str(phrases), stdin=DRAFT.encode())
    assert code == 0
    assert json.loads(output)["boilerplate"][0]["documents"] == 0


def test_a_document_and_the_phrases_are_shown_on_the_command_line(data_dir: Path, client: TestClient) -> None:
    (document,) = client.get("/documents").json()["documents"]
    assert run(data_dir, "similar", document["id"])[0] == 0
    assert run(data_dir, "phrases", "--json") == (0, b"[]\n")
