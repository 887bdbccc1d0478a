"""MCP, asked with the official client: over streamable HTTP, in both generations of the protocol, and over stdio."""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import pytest
from mcp import StdioServerParameters
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult

from api.app import create_app
from api.library import Library
from api.settings import Settings
from frontends import GAS, KEY, NONSENSE, open_seeds, served

T = TypeVar("T")
Ask = Callable[[Client], Awaitable[T]]
TOOLS = {"search", "fetch", "verify_quote", "check_draft", "list_collections"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mcp")


@pytest.fixture(scope="module")
def library(folder: Path) -> Iterator[Library]:
    with open_seeds(folder) as opened:
        yield opened


@pytest.fixture(scope="module")
def address(library: Library) -> Iterator[str]:
    with served(create_app(Settings(), library)) as url:
        yield url


def over_http(
    address: str, ask: Ask[T], *, path: str = "/mcp", mode: str = "auto", key: str | None = None
) -> T:
    async def asked() -> T:
        headers = {"authorization": f"Bearer {key}"} if key else {}
        async with (
            httpx2.AsyncClient(headers=headers) as http,
            Client(streamable_http_client(f"{address}{path}", http_client=http), mode=mode) as client,
        ):
            return await ask(client)

    return asyncio.run(asked())


def call(tool: str, **arguments: object) -> Ask[CallToolResult]:
    async def ask(client: Client) -> CallToolResult:
        return await client.call_tool(tool, arguments)

    return ask


def value(result: CallToolResult) -> dict[str, Any]:
    """What a tool gave: one JSON text, and the same as structured content."""
    assert not result.is_error, result.content
    (item,) = result.content
    assert item.type == "text"
    read: dict[str, Any] = json.loads(item.text)
    assert read == result.structured_content
    return read


def reason(result: CallToolResult) -> str:
    assert result.is_error
    assert result.content[0].type == "text"
    return result.content[0].text


@pytest.mark.parametrize("mode", ["auto", "legacy"])
@pytest.mark.parametrize("path", ["/mcp", "/mcp/"])
def test_the_tools_are_listed_as_read_only(address: str, path: str, mode: str) -> None:
    async def ask(client: Client) -> dict[str, Any]:
        return {tool.name: tool for tool in (await client.list_tools()).tools}

    tools = over_http(address, ask, path=path, mode=mode)

    assert set(tools) == TOOLS
    assert all(tool.annotations.read_only_hint and tool.description for tool in tools.values())
    assert list(tools["search"].input_schema["properties"]) == ["query"]
    assert list(tools["fetch"].input_schema["properties"]) == ["id"]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_a_result_of_search_is_fetched_whole_by_its_id(address: str, mode: str) -> None:
    first = value(over_http(address, call("search", query=GAS), mode=mode))["results"][0]
    whole = value(over_http(address, call("fetch", id=first["id"]), mode=mode))

    assert set(first) == {"id", "title", "url", "text"}
    assert "燃气领域" in first["text"]
    assert first["url"].startswith(f"{address}/documents/")
    assert set(whole) == {"id", "title", "text", "url", "metadata"}
    assert (whole["id"], whole["url"]) == (first["id"], first["url"])
    start, end = first["id"].split("#c=")[1].split("-")
    assert whole["text"][int(start) : int(end)] in first["text"]
    assert whole["metadata"]["date"] == "2021-12-02"


def test_every_collection_is_searched(address: str) -> None:
    (first, *_) = value(over_http(address, call("search", query="食品留样")))["results"]

    assert "collection=canteen" in first["url"]
    assert "食品留样" in first["text"]


def test_nothing_found_is_no_error(address: str) -> None:
    assert value(over_http(address, call("search", query=NONSENSE))) == {"results": []}


@pytest.mark.parametrize(
    ("tool", "arguments", "helps"),
    [
        ("fetch", {"id": "nothing"}, "Use an id from the results of search"),
        ("search", {"query": "？"}, "no letter, digit or Han character"),
        ("search", {"query": "问" * 5000}, "Shorten it"),
        ("verify_quote", {"quote": "。"}, "no letter, digit or Han character"),
        ("search", {}, "query"),
    ],
)
def test_what_goes_wrong_is_told_with_its_reason(
    address: str, tool: str, arguments: dict[str, str], helps: str
) -> None:
    assert helps in reason(over_http(address, call(tool, **arguments)))


def test_a_draft_is_checked_against_the_documents(address: str) -> None:
    draft = "同志们：\n燃气领域，要落实好今天视频会的精神，强化源头治理，加强对燃气供应站、灌装站及使用单位的安全检查。"

    report = value(over_http(address, call("check_draft", text=draft)))

    (match, *_) = report["paragraphs"][-1]["matches"]
    start, end = match["draft_span"]
    assert match["kind"] == "verbatim"
    assert "要落实好今天视频会的精神" in draft[start:end]
    assert report["originality"] < 0.2


def test_a_quote_is_verified_word_for_word(address: str, library: Library) -> None:
    quote = "严厉打击非法充装、储存、经营、运输燃气行为"

    found = value(over_http(address, call("verify_quote", quote=quote)))
    altered = value(over_http(address, call("verify_quote", quote=quote.replace("严厉", "坚决"))))

    (match,) = found["matches"]
    text = library.collection().document(match["document_id"]).text
    assert found["verified"] is True
    assert text[match["start"] : match["end"]] == quote
    assert match["url"].endswith(f"#c={match['start']}-{match['end']}")
    assert altered == {"verified": False, "quote": altered["quote"], "matches": []}


def test_collections_are_listed_with_their_size(address: str) -> None:
    listed = value(over_http(address, call("list_collections")))["collections"]

    assert {"name": "default", "documents": 5} in listed


def test_a_service_that_still_loads_says_so() -> None:
    with served(create_app(Settings(), Library())) as address:
        assert "still being loaded" in reason(over_http(address, call("search", query=GAS)))


def test_the_key_is_asked_for(library: Library) -> None:
    with served(create_app(Settings(api_key=KEY), library)) as address:  # type: ignore[arg-type]
        assert value(over_http(address, call("search", query=GAS), key=KEY))["results"]
        with pytest.raises(BaseExceptionGroup):
            over_http(address, call("search", query=GAS), key="wrong")


def test_without_a_key_only_our_own_names_are_answered_to(address: str) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    headers = {"accept": "application/json, text/event-stream"}

    assert httpx2.post(f"{address}/mcp", json=body, headers=headers).status_code == 200
    assert (
        httpx2.post(f"{address}/mcp", json=body, headers={**headers, "host": "evil.example"}).status_code
        == 421
    )
    origin = {"origin": "http://evil.example"}
    assert httpx2.post(f"{address}/mcp", json=body, headers={**headers, **origin}).status_code == 403


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_the_command_speaks_mcp_on_standard_input_and_output(
    folder: Path, library: Library, mode: str
) -> None:
    assert library.names()
    root = Path(__file__).parent.parent
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "api.cli", "mcp", "--data-dir", str(folder)],
        env={**os.environ, "PYTHONPATH": str(root), "WENYUAN_PUBLIC_URL": "https://docs.example.cn"},
    )

    async def asked() -> tuple[set[str], CallToolResult]:
        async with Client(server, mode=mode) as client:
            names = {tool.name for tool in (await client.list_tools()).tools}
            return names, await client.call_tool("search", {"query": GAS})

    names, found = asyncio.run(asked())

    assert names == TOOLS
    assert value(found)["results"][0]["url"].startswith("https://docs.example.cn/documents/")
