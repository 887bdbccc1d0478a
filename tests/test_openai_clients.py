"""The openai and langchain-openai packages, as they are, against a running service."""

import base64
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import openai
import pytest
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from openai import OpenAI
from pydantic import SecretStr

from api.app import create_app
from api.library import Library
from api.llm import LanguageModel
from api.settings import Settings
from embeddings import load_embedder
from frontends import GAS, KEY, open_seeds, served

ORDER = "关于粮食收购的通知\n\n一、各粮库要按时收购粮食。\n\n二、严禁压级压价。\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("openai")


@pytest.fixture(scope="module")
def library(folder: Path) -> Iterator[Library]:
    with open_seeds(folder) as opened:
        yield opened


@pytest.fixture(scope="module")
def address(folder: Path, library: Library) -> Iterator[str]:
    with served(create_app(Settings(api_key=KEY, data_dir=folder), library)) as url:  # type: ignore[arg-type]
        yield url


@pytest.fixture(scope="module")
def client(address: str) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{address}/v1", api_key=KEY, max_retries=0) as opened:
        yield opened


def test_a_chat_is_answered_with_annotations(client: OpenAI, address: str) -> None:
    reply = client.chat.completions.create(model="default", messages=[{"role": "user", "content": GAS}])

    message = reply.choices[0].message
    assert message.content is not None
    assert "「燃气领域" in message.content
    assert message.annotations is not None
    assert message.annotations[0].url_citation.url.startswith(f"{address}/documents/")
    assert reply.usage is not None
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens


def test_a_chat_is_streamed_with_usage_at_the_end(client: OpenAI) -> None:
    stream = client.chat.completions.create(
        model="default",
        messages=[{"role": "user", "content": GAS}],
        stream=True,
        stream_options={"include_usage": True},
    )

    chunks = list(stream)

    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert "「燃气领域" in text
    assert chunks[-1].usage is not None
    assert chunks[-2].choices[0].finish_reason == "stop"


def test_models_are_listed(client: OpenAI) -> None:
    assert {model.id for model in client.models.list()} == {"default", "canteen"}
    assert client.models.retrieve("canteen").owned_by == "wenyuan"


def test_errors_are_raised_as_their_types(client: OpenAI, address: str) -> None:
    with pytest.raises(openai.NotFoundError, match="There is no model") as caught:
        client.chat.completions.create(model="gpt", messages=[{"role": "user", "content": GAS}])
    assert caught.value.code == "model_not_found"
    assert caught.value.param == "model"
    assert caught.value.request_id
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model="default", messages=[])
    with (
        OpenAI(base_url=f"{address}/v1", api_key="wrong", max_retries=0) as stranger,
        pytest.raises(openai.AuthenticationError, match="not one of"),
    ):
        stranger.models.list()


def test_embeddings_are_the_embedders_own_in_both_encodings(client: OpenAI) -> None:
    texts = ["燃气安全检查", "召开会议"]

    as_base64 = client.embeddings.create(model="builtin", input=texts)
    as_floats = client.embeddings.create(model="builtin", input=texts, encoding_format="float")

    expected = load_embedder().encode_passages(texts)
    for reply in (as_base64, as_floats):
        assert [one.index for one in reply.data] == [0, 1]
        np.testing.assert_allclose([one.embedding for one in reply.data], expected, atol=1e-6)
    raw = client.embeddings.with_raw_response.create(model="builtin", input=texts, encoding_format="base64")
    sent = json.loads(raw.content)["data"][0]["embedding"]
    np.testing.assert_array_equal(np.frombuffer(base64.b64decode(sent), "<f4"), expected[0])


def test_shorter_embeddings_have_unit_length(client: OpenAI) -> None:
    (one,) = client.embeddings.create(model="builtin", input="燃气", dimensions=64).data

    assert len(one.embedding) == 64
    assert np.linalg.norm(one.embedding) == pytest.approx(1, abs=1e-5)
    with pytest.raises(openai.BadRequestError, match="dimensions"):
        client.embeddings.create(model="builtin", input="燃气", dimensions=100_000)


@pytest.mark.parametrize("value", [[1, 2, 3], [[1, 2], [3]], [], [""], "", [None]])
def test_what_is_no_text_is_not_embedded(client: OpenAI, value: Any) -> None:
    with pytest.raises(openai.BadRequestError):
        client.embeddings.create(model="builtin", input=value)


def test_a_file_is_sent_put_into_a_vector_store_and_found(client: OpenAI) -> None:
    sent = client.files.create(file=("粮食.txt", ORDER.encode()), purpose="assistants")
    store = client.vector_stores.create(name="grain")
    put = client.vector_stores.files.create_and_poll(vector_store_id=store.id, file_id=sent.id)

    found = client.vector_stores.search(vector_store_id=store.id, query="压级压价", max_num_results=3)

    assert (sent.filename, sent.bytes, sent.status) == ("粮食.txt", len(ORDER.encode()), "processed")
    assert (put.status, put.vector_store_id) == ("completed", "grain")
    assert found.data[0].file_id == sent.id
    assert found.data[0].content[0].text == "二、严禁压级压价。"
    assert 0 < found.data[0].score <= 1
    assert client.vector_stores.retrieve("grain").file_counts.completed == 1
    assert client.files.retrieve(sent.id).id == sent.id
    assert client.files.content(sent.id).read() == ORDER.encode()
    assert sent.id in [file.id for file in client.files.list()]
    assert [file.id for file in client.vector_stores.files.list("grain")] == [sent.id]
    assert "grain" in {store.id for store in client.vector_stores.list()}
    assert client.vector_stores.files.delete(sent.id, vector_store_id="grain").deleted
    assert client.vector_stores.search(vector_store_id="grain", query="压级压价").data == []
    assert client.files.delete(sent.id).deleted
    assert client.vector_stores.delete("grain").deleted
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(sent.id)
    with pytest.raises(openai.NotFoundError):
        client.vector_stores.retrieve("grain")


def test_files_come_in_pages(client: OpenAI) -> None:
    everything = [file.id for file in client.files.list(limit=2)]

    assert len(everything) == len(set(everything)) == 6
    first = client.files.list(limit=2)
    assert first.has_more
    assert client.files.list(limit=2, after=first.data[-1].id).data[0].id == everything[2]


@pytest.mark.parametrize(
    ("call", "raised"),
    [
        (
            lambda client: client.files.create(file=("x.exe", b"MZ"), purpose="assistants"),
            openai.APIStatusError,
        ),
        (
            lambda client: client.files.create(file=("x.txt", b" "), purpose="assistants"),
            openai.BadRequestError,
        ),
        (lambda client: client.files.retrieve("file-0123456789abcdef"), openai.NotFoundError),
        (lambda client: client.files.retrieve("../../etc/passwd"), openai.NotFoundError),
        (lambda client: client.vector_stores.create(name="default"), openai.ConflictError),
        (lambda client: client.vector_stores.create(name=""), openai.BadRequestError),
        (lambda client: client.vector_stores.create(name="x" * 257), openai.BadRequestError),
        (
            lambda client: client.vector_stores.create(name="half", file_ids=["file-00000000"]),
            openai.NotFoundError,
        ),
        (lambda client: client.vector_stores.retrieve("half"), openai.NotFoundError),
        (
            lambda client: client.vector_stores.files.create("default", file_id="file-00000000"),
            openai.NotFoundError,
        ),
        (lambda client: client.vector_stores.search("none", query="x"), openai.NotFoundError),
    ],
)
def test_what_is_wrong_with_files_and_stores_is_raised(
    client: OpenAI, call: Any, raised: type[Exception]
) -> None:
    with pytest.raises(raised):
        call(client)


def test_a_threshold_leaves_fewer_results(client: OpenAI) -> None:
    found = client.vector_stores.search("default", query=GAS, ranking_options={"score_threshold": 1.0})

    assert found.data == []
    assert client.vector_stores.search("default", query=GAS).data


def test_documents_are_reranked(address: str) -> None:
    documents = ["召开会议。", {"text": "加强燃气管道安全检查。"}, "植树造林。"]
    body = {"model": "builtin", "query": "燃气安全", "documents": documents, "return_documents": True}

    reply = httpx2.post(f"{address}/v1/rerank", json=body, headers={"authorization": f"Bearer {KEY}"}).json()

    assert reply["results"][0]["index"] == 1
    assert len(reply["results"]) == 3
    assert reply["results"][0]["document"] == {"text": "加强燃气管道安全检查。"}
    scores = [result["relevance_score"] for result in reply["results"]]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)


def test_langchain_chats_and_streams(address: str) -> None:
    chat = ChatOpenAI(base_url=f"{address}/v1", api_key=SecretStr(KEY), model="default", max_retries=0)

    whole = chat.invoke(GAS)
    streamed = "".join(str(chunk.content) for chunk in chat.stream(GAS))

    assert "「燃气领域" in str(whole.content)
    assert streamed == whole.content


def test_langchain_embeds_where_it_is_told_to_send_texts(address: str) -> None:
    given: dict[str, Any] = {
        "base_url": f"{address}/v1",
        "api_key": KEY,
        "model": "builtin",
        "max_retries": 0,
    }

    vectors = OpenAIEmbeddings(check_embedding_ctx_length=False, **given).embed_documents(["燃气", "会议"])

    np.testing.assert_allclose(vectors, load_embedder().encode_passages(["燃气", "会议"]), atol=1e-6)
    with pytest.raises(openai.BadRequestError, match="check_embedding_ctx_length=False"):
        OpenAI(base_url=f"{address}/v1", api_key=KEY).embeddings.create(model="builtin", input=[[1, 2]])


class Endless(httpx2.AsyncBaseTransport):
    """An upstream that never ends its answer; `is_closed` once it need not go on."""

    def __init__(self) -> None:
        self.is_closed = threading.Event()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        await request.aread()
        return httpx2.Response(200, stream=_EndlessStream(self.is_closed))


class _EndlessStream(httpx2.AsyncByteStream):
    def __init__(self, is_closed: threading.Event) -> None:
        self._is_closed = is_closed

    async def __aiter__(self) -> Any:
        import asyncio

        while True:
            chunk = {"choices": [{"delta": {"content": "燃气领域要强化源头治理[1]。"}}]}
            yield b"data: " + json.dumps(chunk).encode() + b"\n\n"
            await asyncio.sleep(0.02)

    async def aclose(self) -> None:
        self._is_closed.set()


@pytest.mark.parametrize("is_streamed", [True, False])
def test_a_client_that_disconnects_stops_the_upstream(library: Library, is_streamed: bool) -> None:
    endless = Endless()
    model = LanguageModel("http://upstream.test/v1", "m", None, 30, 30, endless)
    body = {"model": "default", "messages": [{"role": "user", "content": GAS}], "stream": is_streamed}

    with served(create_app(Settings(), library, model=model)) as url, httpx2.Client(timeout=1) as client:
        started = time.monotonic()
        try:
            with client.stream("POST", f"{url}/v1/chat/completions", json=body) as response:
                next(response.iter_lines())
        except httpx2.ReadTimeout:
            assert not is_streamed
        assert endless.is_closed.wait(5)
        assert time.monotonic() - started < 5
