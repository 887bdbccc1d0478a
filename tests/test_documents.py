"""Documents over HTTP: added, replaced, deleted, filtered and verified, with real parts."""

import hashlib
import io
import json
import time
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.background import Jobs
from api.library import Library
from api.schemas import JobReply, UploadReply, VerifyReply
from api.settings import Settings

GRAIN = "关于做好粮食收购工作的通知\n\n一、各粮库要做好粮食收购。\n二、严禁压级压价。\n"
GAS = "燃气安全管理办法\n\n第一条 燃气经营者应当每年检查一次燃气管道。\n"
SHARED = "各单位要在每年十月底前完成供热管网的全面检修。"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    settings = Settings(data_dir=tmp_path / "data", max_upload_bytes=1 << 20)
    with closing(Library(settings)) as library, closing(Jobs(library, settings.data_dir)) as jobs:
        library.open()
        yield TestClient(create_app(settings, library, jobs))


def upload(client: TestClient, *files: tuple[str, bytes], **params: str) -> Any:
    return client.post("/documents", files=[("files", file) for file in files], params=params)


def add_text(client: TestClient, text: str, **fields: str) -> str:
    response = client.post("/documents", json={"text": text, **fields})
    assert response.status_code == 201, response.text
    return str(response.json()["results"][0]["document"]["id"])


def search(client: TestClient, query: str, **fields: object) -> list[dict[str, Any]]:
    response = client.post("/search", json={"query": query, **fields})
    assert response.status_code == 200, response.text
    hits: list[dict[str, Any]] = response.json()["hits"]
    return hits


def notice(issuer: str, date: str, number: str, body: str) -> str:
    return f"关于做好{body}工作的通知\n\n各区人民政府：\n\n一、各单位要做好{body}工作，{number}。\n\n{issuer}\n{date}\n"


def test_the_same_bytes_twice_are_one_document(client: TestClient) -> None:
    first = upload(client, ("通知.txt", GRAIN.encode("gb18030")))
    again = upload(client, ("另存.txt", GRAIN.encode("gb18030")))

    assert (first.status_code, again.status_code) == (201, 200)
    UploadReply.model_validate(first.json())
    (one,), (other,) = first.json()["results"], again.json()["results"]
    assert (one["status"], other["status"]) == ("added", "unchanged")
    assert one["document"] == other["document"]
    assert client.get("/documents").json()["total"] == 1


def test_text_and_original_come_back_to_the_byte(client: TestClient) -> None:
    for text in (GRAIN, "é", "\ufeff开头", "A\r\nB\r", "𠮷野家的通知"):
        document_id = add_text(client, text)
        assert client.get(f"/documents/{document_id}/text").content.decode() == text.removeprefix(
            "\ufeff"
        ) or (client.get(f"/documents/{document_id}/text").content.decode() == text)
    original = GRAIN.encode("gb18030")
    kept = upload(client, ("通知.txt", original)).json()["results"][0]["document"]
    assert client.get(f"/documents/{kept['id']}/original").content == original
    assert kept["sha256"] == hashlib.sha256(original).hexdigest()


def test_a_refused_file_stops_no_other_and_leaves_nothing(client: TestClient) -> None:
    response = upload(client, ("好.txt", GRAIN.encode()), ("坏.txt", b"\xff\xfe\x00"), ("空.txt", b""))

    assert response.status_code == 201
    good, bad, empty = response.json()["results"]
    assert (good["status"], bad["status"], empty["status"]) == ("added", "refused", "refused")
    assert "坏.txt" in bad["error"]["message"]
    assert client.get("/documents").json()["total"] == 1


def test_where_all_files_are_refused_the_request_is(client: TestClient) -> None:
    one = upload(client, ("空.txt", b" "))
    two = upload(client, ("空.txt", b" "), ("表.xlsx", b"PK\x03\x04"))

    assert (one.status_code, one.json()["error"]["code"]) == (400, "empty_text")
    assert (two.status_code, two.json()["error"]["code"]) == (400, "all_refused")
    assert client.get("/documents").json()["total"] == 0


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\公文\\通知.txt", "通知.txt"),
        ("..", "未命名.txt"),
        ("a\x07\u202eb.txt", "ab.txt"),
        ("通" * 200 + ".txt", "通" * 65 + ".txt"),
    ],
)
def test_a_hostile_name_is_kept_as_a_harmless_one(client: TestClient, sent: str, kept: str) -> None:
    response = client.post("/documents", json={"text": GRAIN, "filename": sent})

    assert response.status_code == 201, response.text
    assert response.json()["results"][0]["document"]["filename"] == kept


@pytest.mark.parametrize(
    ("body", "param"),
    [({}, "text"), ({"text": ""}, "text"), ({"text": 1}, "text"), ({"text": "a", "txt": "b"}, "txt")],
)
def test_a_wrong_field_of_a_text_is_named(client: TestClient, body: object, param: str) -> None:
    error = client.post("/documents", json=body).json()["error"]

    assert (error["param"], client.post("/documents", json=body).status_code) == (param, 400)


def test_what_is_no_upload_is_refused(client: TestClient) -> None:
    broken_form = client.post(
        "/documents", content=b"--x", headers={"content-type": "multipart/form-data; boundary=x"}
    )
    assert client.post("/documents", content=b"text").status_code == 415
    assert broken_form.status_code == 400
    assert client.post("/documents", files={"f": (None, "no file")}).json()["error"]["param"] == "files"
    assert upload(client, ("长.txt", b"a" * (1 << 20))).status_code == 413


def test_replacing_takes_the_old_out_and_the_new_in(client: TestClient) -> None:
    old = add_text(client, GRAIN)
    response = client.put(f"/documents/{old}", json={"text": GRAIN.replace("压级压价", "拖欠粮款")})

    assert response.status_code == 200
    new = response.json()["results"][0]
    assert new["status"] == "replaced"
    assert client.get(f"/documents/{old}").status_code == 404
    assert search(client, "严禁拖欠粮款")[0]["source"]["document_id"] == new["document"]["id"]
    assert all("压级压价" not in hit["quote"] for hit in search(client, "严禁压级压价", min_score=0))
    assert client.put(f"/documents/{old}", json={"text": GRAIN}).status_code == 404
    again = client.put(
        f"/documents/{new['document']['id']}", json={"text": GRAIN.replace("压级压价", "拖欠粮款")}
    )
    assert again.json()["results"][0]["status"] == "unchanged"


def test_a_refused_replacement_leaves_the_old_one(client: TestClient) -> None:
    old = add_text(client, GRAIN)

    assert client.put(f"/documents/{old}", files={"file": ("x.txt", b" ")}).status_code == 400
    assert client.get(f"/documents/{old}").status_code == 200


def test_a_deleted_document_is_found_no_more(client: TestClient) -> None:
    document_id = add_text(client, GRAIN)

    assert client.delete(f"/documents/{document_id}").json() == {"id": document_id, "deleted": True}
    assert search(client, "粮食收购", min_score=0) == []
    assert client.delete(f"/documents/{document_id}").status_code == 404


def test_nearly_the_same_document_is_reported(client: TestClient) -> None:
    text = "\n".join(f"第{n}条 各单位应当做好第{n}类供热设施的检修和第{n}号管网的巡查。" for n in range(40))
    first = add_text(client, text)
    result = client.post("/documents", json={"text": text.replace("第7条", "第七条")}).json()["results"][0]

    (near,) = result["near_duplicates"]
    assert near["document_id"] == first
    assert near["share"] > 0.8
    assert (
        client.get(f"/documents/{first}").json()["near_duplicates"][0]["document_id"]
        == result["document"]["id"]
    )
    assert client.post("/documents", json={"text": GAS}).json()["results"][0]["near_duplicates"] == []


def test_one_passage_in_several_documents_is_one_hit_with_all_places(client: TestClient) -> None:
    ids = {add_text(client, f"第{n}号供热通知\n\n{SHARED}\n第{n}项另行通知。\n") for n in range(60)}

    hits = search(client, "十月底前完成供热管网检修", top_k=5)

    (hit,) = [hit for hit in hits if hit["passage"] == SHARED]
    assert hit["places"] == 60
    places = [hit["source"], *hit["also_in"]]
    assert {place["document_id"] for place in places} <= ids
    assert len({place["document_id"] for place in places}) == len(places) == 21
    for place in places[:3]:
        start, end = (int(part) for part in place["url"].partition("#c=")[2].split("-"))
        text = client.get(f"/documents/{place['document_id']}/text").content.decode()
        assert text[start:end] == hit["quote"]


def test_filters_narrow_the_search_before_it_is_made(client: TestClient) -> None:
    for n in range(80):
        add_text(client, notice("甲市人民政府", f"2020年1月{n % 28 + 1}日", f"任务{n}", "防汛"))
    wanted = add_text(client, notice("乙县人民政府", "2023年5月6日", "不得迟报", "防汛"))

    hits = search(client, "防汛工作", filters={"issuer": "乙县人民政府"}, min_score=0)
    since = search(client, "防汛工作", filters={"date": {"gte": "2023-05"}}, min_score=0)
    other = search(client, "防汛工作", filters={"not": {"issuer": "乙县人民政府"}}, min_score=0, top_k=100)
    either = {"or": [{"issuer": ["乙县人民政府"]}, {"date": "2020-01-03"}]}

    assert {hit["source"]["document_id"] for hit in hits} == {wanted}
    assert {hit["source"]["document_id"] for hit in since} == {wanted}
    assert len(other) == 100
    listed = client.get("/documents", params={"filters": json.dumps(either)}).json()
    assert listed["total"] == 4
    assert search(client, "防汛工作", filters={"issuer": "丙省"}) == []
    newest = search(client, "防汛工作", sort="date", top_k=3, min_score=0)
    assert newest[0]["source"]["date"] == "2023-05-06"
    dates = client.get("/documents", params={"sort": "date"}).json()["documents"]
    assert [d["date"] for d in dates] == sorted((d["date"] for d in dates), reverse=True)


def test_a_filter_of_a_thousand_dates_is_evaluated(client: TestClient) -> None:
    add_text(client, notice("甲市人民政府", "2023年5月6日", "甲政发〔2023〕1号", "做好防汛工作。"))
    days = [(month, day) for month in range(1, 13) for day in range(1, 32)]
    dates = [f"{year}-{month:02}-{day:02}" for year in (2023, 2022, 2021) for month, day in days][:1000]

    assert search(client, "防汛工作", filters={"date": dates}, min_score=0)
    assert not search(client, "防汛工作", filters={"not": {"date": dates}}, min_score=0)


def test_a_filter_in_the_address_that_is_wrong_is_named(client: TestClient) -> None:
    for given, param in (
        ("{", "filters"),
        ("[]", "filters"),
        ('{"a": 1}', "filters.a"),
        ('{"date": "x"}', "filters.date"),
    ):
        response = client.get("/documents", params={"filters": given})
        assert (response.status_code, response.json()["error"]["param"]) == (400, param)


def test_a_quote_is_verified_against_the_original(client: TestClient) -> None:
    document_id = add_text(client, GRAIN)
    sha256 = hashlib.sha256(GRAIN.encode()).hexdigest()
    start = GRAIN.index("严禁")

    def verify(**changes: object) -> dict[str, Any]:
        asked = {"document_id": document_id, "start": start, "end": start + 6, "sha256": sha256, **changes}
        reply: dict[str, Any] = client.get("/verify", params=asked).json()  # type: ignore[arg-type]
        return reply

    VerifyReply.model_validate(verify())
    assert (verify()["valid"], verify()["quote"]) == (True, "严禁压级压价")
    assert verify(end=10_000)["reason"] == "outside"
    assert verify(sha256="0" * 64)["reason"] == "other_version"
    assert verify(quote="严禁压级")["reason"] == "other_text"
    assert verify(sha256="x")["error"]["param"] == "sha256"


def test_an_archive_is_added_in_the_background(client: TestClient) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        info = zipfile.ZipInfo("dir/占位.txt")
        archive.writestr(info, GRAIN)
        archive.writestr("办法.txt", GAS)
        archive.writestr("坏.txt", b"\xff\xfe\x00")
        archive.writestr("__MACOSX/._x.txt", b"x")
    response = upload(client, ("公文.zip", packed.getvalue()))

    assert response.status_code == 202
    job = finished(client, response.json()["id"])
    assert job["status"] == "done", job
    assert (job["report"]["added"], job["report"]["refused"], job["done"]) == (2, 1, 3)
    assert response.headers["location"] == f"/jobs/{job['id']}"
    assert {d["filename"] for d in client.get("/documents").json()["documents"]} == {"占位.txt", "办法.txt"}
    assert client.get("/jobs").json()["jobs"] == [job]


def finished(client: TestClient, job_id: str) -> dict[str, Any]:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        job: dict[str, Any] = client.get(f"/jobs/{job_id}").json()
        JobReply.model_validate(job)
        if job["finished_at"]:
            return job
        time.sleep(0.02)
    raise AssertionError(f"the job is not done: {job}")


def test_the_metrics_count_what_was_asked(client: TestClient) -> None:
    add_text(client, GRAIN)
    search(client, "粮食")
    client.get("/nothing/here")

    lines = client.get("/metrics").text.splitlines()

    assert 'wenyuan_documents{collection="default"} 1' in lines
    assert 'wenyuan_requests_total{method="POST",route="/search",status="200"} 1' in lines
    assert 'wenyuan_requests_total{method="other",route="other",status="404"} 1' in lines
    assert 'wenyuan_request_seconds_count{route="/documents"} 1' in lines
