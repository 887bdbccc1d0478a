"""Vector stores with the openai package as it is: attributes, filters, changes, batches."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
from openai import OpenAI

from api.app import create_app
from api.background import Jobs
from api.library import Library
from api.settings import Settings
from embeddings import Collection, read
from frontends import GAS, served

ROOT = Path(__file__).parent.parent
GRAIN = "关于粮食收购的通知\n\n一、各粮库要按时收购粮食。\n\n二、严禁压级压价。\n"
FIRE = "关于消防检查的通知\n\n一、每周检查一次消防设施。\n\n二、严禁堵塞消防通道。\n"
FLOOD = "关于防汛值班的通知\n\n一、汛期每天二十四小时值班。\n\n甲市人民政府\n\n2022年6月1日\n"


@contextmanager
def serving(folder: Path) -> Iterator[tuple[OpenAI, Library]]:
    settings = Settings(data_dir=folder)
    with closing(Library(settings)) as library, closing(Jobs(library, folder)) as jobs:
        library.open()
        jobs.start()
        with (
            served(create_app(settings, library, jobs)) as url,
            OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client,
        ):
            yield client, library


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenAI]:
    with serving(tmp_path_factory.mktemp("stores")) as (client, _):
        yield client


@pytest.fixture(scope="module")
def store(client: OpenAI) -> str:
    """“orders”: grain with a year and a region, fire with another year, flood with nothing said of it."""
    store = client.vector_stores.create(name="orders")
    said: dict[str, dict[str, str | float | bool]] = {
        "粮食.txt": {"year": 2021, "region": "天桥", "open": True},
        "消防.txt": {"year": 2023.5, "title": "别名"},
    }
    for name, text in (("粮食.txt", GRAIN), ("消防.txt", FIRE), ("防汛.txt", FLOOD)):
        sent = client.files.create(file=(name, text.encode()), purpose="assistants")
        if name in said:
            client.vector_stores.files.create(store.id, file_id=sent.id, attributes=said[name])
        else:
            client.vector_stores.files.create(store.id, file_id=sent.id)
    return store.id


def file_id(text: str) -> str:
    return f"file-{read(text.encode(), filename='x.txt').id}"


def by(kind: str, key: str, value: object) -> dict[str, object]:
    return {"type": kind, "key": key, "value": value}


def names(client: OpenAI, store: str, condition: Any) -> str:
    query = ["粮食收购", "消防检查", "防汛值班"]
    page = client.vector_stores.search(store, query=query, filters=condition, max_num_results=50)
    return " ".join(sorted({result.filename.removesuffix(".txt") for result in page.data}))


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        (by("eq", "year", 2021), "粮食"),
        (by("ne", "year", 2021), "消防 防汛"),
        (by("gt", "year", 2021), "消防"),
        (by("gte", "year", 2021), "消防 粮食"),
        (by("lt", "year", 2023.5), "粮食"),
        (by("lte", "year", 2023.5), "消防 粮食"),
        (by("in", "year", [2021, 2022]), "粮食"),
        (by("nin", "year", [2021, 2022]), "消防 防汛"),
        (by("eq", "year", "2021"), ""),
        (by("eq", "open", True), "粮食"),
        (by("eq", "open", 1), ""),
        (by("eq", "region", "天桥"), "粮食"),
        (by("eq", "filename", "防汛.txt"), "防汛"),
        (by("eq", "date", "2022-06-01"), "防汛"),
        (by("gte", "date", "2022"), "防汛"),
        (by("in", "kind", ["通知", "意见"]), "消防 粮食 防汛"),
        # A name that was given hides what documents say of themselves.
        (by("eq", "title", "别名"), "消防"),
        ({"type": "and", "filters": [by("gt", "year", 2000), by("eq", "open", True)]}, "粮食"),
        ({"type": "or", "filters": [by("gt", "year", 2022), by("eq", "open", True)]}, "消防 粮食"),
    ],
)
def test_a_search_is_held_to_its_filters(client: OpenAI, store: str, condition: Any, found: str) -> None:
    assert names(client, store, condition) == found


@pytest.mark.parametrize(
    "condition",
    [
        by("like", "title", "x"),
        by("eq", "colour", "red"),
        by("in", "filename", "x"),
        by("gt", "filename", None),
        by("gt", "open", True),
        by("eq", "year", [2021]),
        by("gte", "date", 1672531200),
        by("lte", "paragraph", 3),
        by("eq", "year", float("1e300")),
        {"type": "and", "filters": []},
        {"type": "eq", "key": "filename"},
        {"type": "eq", "key": ["filename"], "value": "x"},
    ],
)
def test_a_filter_that_cannot_be_evaluated_is_refused(client: OpenAI, store: str, condition: Any) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.vector_stores.search(store, query=GAS, filters=condition)
    assert caught.value.param == "filters"


def test_a_filter_nested_without_end_is_refused(client: OpenAI, store: str) -> None:
    condition: Any = by("eq", "filename", "x")
    for _ in range(100):
        condition = {"type": "and", "filters": [condition]}
    with pytest.raises(openai.BadRequestError):
        client.vector_stores.search(store, query=GAS, filters=condition)


def test_results_tell_at_most_sixteen_attributes_those_of_the_caller_first(
    client: OpenAI, store: str
) -> None:
    (result, *_) = client.vector_stores.search(store, query="压级压价").data

    assert result.attributes is not None
    assert list(result.attributes)[:3] == ["year", "region", "open"]
    assert result.attributes["title"] == "关于粮食收购的通知"
    start, end = int(result.attributes["quote_start"]), int(result.attributes["quote_end"])
    assert GRAIN[start:end] == "二、严禁压级压价。"
    many: dict[str, str | float | bool] = {f"k{n}": n for n in range(16)}
    client.vector_stores.files.update(file_id(GRAIN), vector_store_id=store, attributes=many)
    (result, *_) = client.vector_stores.search(store, query="压级压价").data
    assert result.attributes == many
    back: dict[str, str | float | bool] = {"year": 2021, "region": "天桥", "open": True}
    client.vector_stores.files.update(file_id(GRAIN), vector_store_id=store, attributes=back)


def test_attributes_are_kept_and_replaced(client: OpenAI) -> None:
    store = client.vector_stores.create(name="kept").id
    sent = client.files.create(file=("粮食.txt", GRAIN.encode()), purpose="assistants")
    put = client.vector_stores.files.upload_and_poll(
        vector_store_id=store, file=("消防.txt", FIRE.encode()), attributes={"year": 2023}
    )
    client.vector_stores.files.create(store, file_id=sent.id, attributes={"year": 2021, "old": True})

    changed = client.vector_stores.files.update(sent.id, vector_store_id=store, attributes={"year": 2022})
    again = client.vector_stores.files.create(store, file_id=sent.id)

    assert put.attributes == {"year": 2023}
    assert changed.attributes == again.attributes == {"year": 2022}
    listed = {file.id: file.attributes for file in client.vector_stores.files.list(store)}
    assert listed == {put.id: {"year": 2023}, sent.id: {"year": 2022}}
    assert names(client, store, by("eq", "year", 2022)) == "粮食"
    cleared = client.vector_stores.files.update(sent.id, vector_store_id=store, attributes=None)
    assert cleared.attributes == {}
    client.vector_stores.delete(store)


@pytest.mark.parametrize(
    "attributes",
    [
        {f"k{n}": n for n in range(17)},
        {"": 1},
        {"k" * 65: 1},
        {"k": "x" * 513},
        {"k": None},
        {"k": [1]},
        {"k": {"a": 1}},
        {"k": 1e300},
        {"k": "\0"},
    ],
)
def test_what_cannot_be_an_attribute_is_refused(client: OpenAI, store: str, attributes: Any) -> None:
    with pytest.raises(openai.BadRequestError) as created:
        client.vector_stores.files.create(store, file_id=file_id(GRAIN), attributes=attributes)
    with pytest.raises(openai.BadRequestError) as updated:
        client.vector_stores.files.update(file_id(GRAIN), vector_store_id=store, attributes=attributes)
    assert created.value.param == updated.value.param == "attributes"


def test_the_services_own_routes_know_attributes_too(client: OpenAI, store: str) -> None:
    address = str(client.base_url).removesuffix("/v1/")
    filters = {"attributes.year": {"gte": 2021}, "not": {"attributes.open": True}}

    body = {"query": "检查", "collection": store, "filters": filters, "min_score": 0}
    found = httpx2.post(f"{address}/search", json=body).json()["hits"]
    page = {"collection": store, "filters": json.dumps(filters)}
    (listed,) = httpx2.get(f"{address}/documents", params=page).json()["documents"]

    assert {hit["source"]["filename"] for hit in found} == {"消防.txt"}
    assert listed["attributes"] == {"year": 2023.5, "title": "别名"}


def test_the_text_of_a_file_is_given(client: OpenAI, store: str) -> None:
    (part,) = client.vector_stores.files.content(file_id(GRAIN), vector_store_id=store).data

    assert part.text == GRAIN


def test_a_store_keeps_its_name_and_metadata_over_a_restart(tmp_path: Path) -> None:
    with serving(tmp_path) as (client, _):
        made = client.vector_stores.create(name="laws", metadata={"owner": "甲"})
        assert (made.name, made.metadata, made.created_at > 1_700_000_000) == ("laws", {"owner": "甲"}, True)
        client.vector_stores.update("laws", name="法规 汇编")
        client.vector_stores.update("laws", metadata={"owner": "乙", "year": "2026"})
        sent = client.files.create(file=("粮食.txt", GRAIN.encode()), purpose="assistants")
        client.vector_stores.files.create("laws", file_id=sent.id)
        with pytest.raises(openai.BadRequestError):
            client.vector_stores.update("laws", metadata={"year": 2026})  # type: ignore[dict-item]
        with pytest.raises(openai.BadRequestError):
            client.vector_stores.update("laws", name="")
        with pytest.raises(openai.NotFoundError):
            client.vector_stores.update("none", name="x")

    with serving(tmp_path) as (client, _):
        kept = client.vector_stores.retrieve("laws")

    assert (kept.id, kept.name, kept.metadata) == ("laws", "法规 汇编", {"owner": "乙", "year": "2026"})
    assert (kept.created_at, kept.usage_bytes) == (made.created_at, len(GRAIN.encode()))


def test_a_store_may_have_any_name(client: OpenAI) -> None:
    made = client.vector_stores.create(name="Support FAQ / 客服", file_ids=[])

    assert (made.name, made.id.startswith("vs_")) == ("Support FAQ / 客服", True)
    assert client.models.retrieve(made.id).id == made.id
    assert client.vector_stores.delete(made.id).deleted


def test_files_are_listed_by_their_status(client: OpenAI, store: str) -> None:
    assert len(client.vector_stores.files.list(store, filter="completed").data) == 3
    assert client.vector_stores.files.list(store, filter="failed").data == []


def test_a_batch_is_sent_put_in_and_found(client: OpenAI) -> None:
    store = client.vector_stores.create(name="batched").id
    files = [("粮食.txt", GRAIN.encode()), ("消防.txt", FIRE.encode())]

    batch = client.vector_stores.file_batches.upload_and_poll(store, files=files, poll_interval_ms=50)

    assert (batch.status, batch.vector_store_id) == ("completed", store)
    assert batch.file_counts.to_dict() == {
        "completed": 2,
        "failed": 0,
        "cancelled": 0,
        "in_progress": 0,
        "total": 2,
    }
    listed = client.vector_stores.file_batches.list_files(batch.id, vector_store_id=store)
    assert {(file.id, file.status) for file in listed} == {
        (file_id(GRAIN), "completed"),
        (file_id(FIRE), "completed"),
    }
    assert names(client, store, None) == "消防 粮食"
    # It is finished: stopping it changes nothing.
    assert client.vector_stores.file_batches.cancel(batch.id, vector_store_id=store).status == "completed"
    client.vector_stores.delete(store)


def test_files_of_a_batch_have_their_attributes(client: OpenAI) -> None:
    store = client.vector_stores.create(name="said").id
    sent = [
        client.files.create(file=("x.txt", text.encode()), purpose="assistants") for text in (GRAIN, FIRE)
    ]
    batches = client.vector_stores.file_batches

    files: Any = [{"file_id": sent[0].id, "attributes": {"year": 2021}}, {"file_id": sent[1].id}]
    batches.create_and_poll(store, files=files, poll_interval_ms=50)
    each = {file.id: file.attributes for file in client.vector_stores.files.list(store)}
    batches.create_and_poll(
        store, file_ids=[file.id for file in sent], attributes={"all": True}, poll_interval_ms=50
    )
    every = {file.id: file.attributes for file in client.vector_stores.files.list(store)}

    assert each == {sent[0].id: {"year": 2021}, sent[1].id: {}}
    assert every == {sent[0].id: {"all": True}, sent[1].id: {"all": True}}
    client.vector_stores.delete(store)


@pytest.mark.parametrize(
    ("fields", "raised"),
    [
        ({}, openai.BadRequestError),
        ({"file_ids": []}, openai.BadRequestError),
        ({"file_ids": ["file-00000000"]}, openai.NotFoundError),
        ({"file_ids": ["../x"]}, openai.NotFoundError),
        ({"file_ids": ["x"], "files": [{"file_id": "x"}]}, openai.BadRequestError),
        ({"file_ids": [file_id(GRAIN)], "attributes": {"k": None}}, openai.BadRequestError),
        ({"file_ids": [file_id(GRAIN)] * 2001}, openai.BadRequestError),
    ],
)
def test_a_batch_that_is_wrong_is_refused_before_it_begins(
    client: OpenAI, store: str, fields: Any, raised: type[Exception]
) -> None:
    with pytest.raises(raised):
        client.vector_stores.file_batches.create(store, **fields)


def test_a_batch_belongs_to_its_store(client: OpenAI, store: str) -> None:
    other = client.vector_stores.create(name="other").id
    batch = client.vector_stores.file_batches.create(store, file_ids=[file_id(GRAIN)])

    for given, held_in in ((batch.id, other), ("vsfb_none", store), (batch.id[5:], store)):
        with pytest.raises(openai.NotFoundError):
            client.vector_stores.file_batches.retrieve(given, vector_store_id=held_in)
    client.vector_stores.delete(other)


def test_a_batch_that_is_stopped_before_its_turn_adds_nothing(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    with closing(Library(settings)) as library, closing(Jobs(library, tmp_path)) as jobs:
        library.open()
        # The thread has gone, so nothing is worked on.
        jobs.close()
        waiting = Jobs(library, tmp_path)
        waiting._stopping.set()
        with (
            closing(waiting),
            served(create_app(settings, library, waiting)) as url,
            OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client,
        ):
            sent = client.files.create(file=("粮食.txt", GRAIN.encode()), purpose="assistants")
            batches = client.vector_stores.file_batches
            begun = batches.create("default", file_ids=[sent.id])
            stopped = batches.cancel(begun.id, vector_store_id="default")
            (file,) = batches.list_files(begun.id, vector_store_id="default")

    with serving(tmp_path) as (client, library):
        kept = client.vector_stores.file_batches.retrieve(begun.id, vector_store_id="default")
        assert library.collection().document_ids() == set()

    assert (begun.status, begun.file_counts.in_progress) == ("in_progress", 1)
    assert (stopped.status, kept.status, file.status) == ("cancelled",) * 3
    assert (kept.file_counts.cancelled, kept.file_counts.in_progress) == (1, 0)


def test_a_batch_that_is_stopped_while_it_runs_keeps_what_is_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add = Collection.add
    monkeypatch.setattr("api.background._BATCH_FILES", 1)
    with serving(tmp_path) as (client, _):
        batches = client.vector_stores.file_batches
        is_begun, is_stopped = threading.Event(), threading.Event()

        def add_and_wait(*arguments: Any, **options: Any) -> Any:
            is_begun.set()
            assert is_stopped.wait(10)
            return add(*arguments, **options)

        sent = [
            client.files.create(file=("x.txt", text.encode()), purpose="assistants") for text in (GRAIN, FIRE)
        ]
        monkeypatch.setattr(Collection, "add", add_and_wait)
        batch = batches.create("default", file_ids=[file.id for file in sent])
        assert is_begun.wait(10)
        batches.cancel(batch.id, vector_store_id="default")
        is_stopped.set()
        stopped = batches.retrieve(batch.id, vector_store_id="default")
        while stopped.file_counts.completed == 0:
            stopped = batches.retrieve(batch.id, vector_store_id="default")
        files = batches.list_files(batch.id, vector_store_id="default")

    assert (stopped.status, stopped.file_counts.completed, stopped.file_counts.cancelled) == (
        "cancelled",
        1,
        1,
    )
    assert [file.status for file in files] == ["completed", "cancelled"]


def test_what_was_said_of_a_file_survives_the_death_of_the_server(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "api.cli", "serve", "--port", "0", "--json", "--data-dir", str(tmp_path)]
    empty = tmp_path / "none.txt"
    empty.write_text("空白文件。", encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([*command, str(empty)], stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        with OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client:
            sent = client.files.create(file=("粮食.txt", GRAIN.encode()), purpose="assistants")
            client.vector_stores.files.create("default", file_id=sent.id, attributes={"year": 2021})
            client.vector_stores.files.update(sent.id, vector_store_id="default", attributes={"year": 2022})
            client.vector_stores.update("default", name="甲")
        process.send_signal(signal.SIGKILL)

    with serving(tmp_path) as (client, _):
        assert client.vector_stores.files.retrieve(sent.id, vector_store_id="default").attributes == {
            "year": 2022
        }
        assert client.vector_stores.retrieve("default").name == "甲"
