"""The command line, as processes: what a person types and what they see."""

import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

ROOT = Path(__file__).parent.parent
SEEDS = ROOT / "seeds"
GAS = "燃气领域要求"
PATIENCE_S = 60


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder that holds the seeds."""
    folder = tmp_path_factory.mktemp("cli") / "data"
    added = run(folder, "add", str(SEEDS))
    assert (added.returncode, added.stdout) == (0, "5 added, 0 unchanged, 0 refused\n"), added.stderr
    return folder


def environment(data_dir: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WENYUAN_")}
    path = os.pathsep.join(filter(None, (str(ROOT), kept.get("PYTHONPATH"))))
    return {**kept, "WENYUAN_DATA_DIR": str(data_dir), "PYTHONPATH": path, "COLUMNS": "100"}


def run(data_dir: Path, *arguments: str | bytes, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "api.cli", *arguments],
        env={**environment(data_dir), **settings},
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE_S,
        check=False,
    )


@contextmanager
def served(data_dir: Path, *arguments: str) -> Iterator[tuple["subprocess.Popen[str]", dict[str, Any]]]:
    """A server on a free port, and what it printed when it was ready."""
    command = [sys.executable, "-m", "api.cli", "serve", "--port", "0", "--json", *arguments]
    with subprocess.Popen(
        command, env=environment(data_dir), stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    ) as process:
        try:
            yield process, read_json(process)
        finally:
            process.kill()


def read_json(process: "subprocess.Popen[str]") -> dict[str, Any]:
    assert process.stdout is not None
    if select.select([process.stdout], [], [], PATIENCE_S)[0] and (line := process.stdout.readline()):
        ready: dict[str, Any] = json.loads(line)
        return ready
    process.kill()
    raise AssertionError(f"the server never was ready: {process.communicate()}")


def post(url: str, **body: object) -> dict[str, Any]:
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"content-type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=PATIENCE_S) as response:
        reply: dict[str, Any] = json.load(response)
    return reply


def assert_one_line(result: subprocess.CompletedProcess[str], code: int, *expected: str) -> None:
    assert result.returncode == code, result.stderr
    assert re.fullmatch(r"wenyuan: .+\n", result.stderr), result.stderr
    for part in expected:
        assert part in result.stderr


def test_a_server_says_where_it_is_answers_and_stops_when_told(tmp_path: Path) -> None:
    with served(tmp_path) as (process, ready):
        assert ready["documents"] == 5
        with urllib.request.urlopen(ready["url"] + "/readyz", timeout=PATIENCE_S) as response:
            assert response.status == 200
        hit = post(ready["url"] + "/search", query=GAS)["hits"][0]
        assert "燃气领域，要落实好今天视频会的精神" in hit["quote"]
        assert hit["source"]["filename"] == "004_ee0d76c0600e7a7d.txt"

        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=PATIENCE_S)
        assert (process.returncode, errors) == (0, "")


def test_ctrl_c_stops_a_server_without_a_trace(home: Path) -> None:
    with served(home) as (process, _):
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=PATIENCE_S) == ("", "")
        assert process.returncode == 0


def test_paths_replace_what_was_served_before_but_not_what_was_added(tmp_path: Path) -> None:
    own = tmp_path / "own.txt"
    own.write_text("关于粮食收购工作的通知\n\n一、各粮库要做好粮食收购。\n", encoding="utf-8")
    data = tmp_path / "data"
    run(data, "add", str(own))
    with served(data) as (_, ready):
        assert ready["documents"] == 6
    with served(data, str(SEEDS / "004_ee0d76c0600e7a7d.txt")) as (_, ready):
        assert (ready["documents"], ready["removed"]) == (2, 4)


def test_search_and_ask_work_beside_a_server(home: Path) -> None:
    with served(home) as (_, ready):
        assert_one_line(run(home, "add", str(SEEDS)), 1, "another process")
        found = json.loads(run(home, "search", GAS, "--json").stdout)
        asked = json.loads(run(home, "ask", GAS, "--json").stdout)
        assert found["hits"] == post(ready["url"] + "/search", query=GAS)["hits"]
        assert asked == post(ready["url"] + "/ask", question=GAS)


def test_a_port_that_is_taken_is_said_to_be(tmp_path: Path, home: Path) -> None:
    with served(home) as (_, ready):
        port = ready["url"].rpartition(":")[2]
        assert_one_line(run(tmp_path, "serve", "--port", port), 1, port, "WENYUAN_PORT")


def test_a_second_server_on_the_same_folder_ends_with_the_reason(home: Path) -> None:
    with served(home):
        assert_one_line(run(home, "serve", "--port", "0"), 1, "another process")


def test_a_refused_file_is_named_and_the_others_are_added(tmp_path: Path) -> None:
    (tmp_path / "表.xlsx").write_bytes(b"PK\x03\x04")

    result = run(tmp_path / "data", "add", str(tmp_path / "表.xlsx"), str(SEEDS))
    again = json.loads(run(tmp_path / "data", "add", str(tmp_path / "表.xlsx"), str(SEEDS), "--json").stdout)

    assert result.returncode == 1
    assert result.stdout == "5 added, 0 unchanged, 1 refused\n"
    assert "表.xlsx" in result.stderr
    assert (len(again["added"]), len(again["unchanged"]), len(again["refused"])) == (0, 5, 1)


def test_search_prints_a_table_in_which_chinese_is_aligned(home: Path) -> None:
    result = run(home, "search", GAS)

    lines = [line for line in result.stdout.splitlines() if line.strip()]
    assert any("燃气领域" in line for line in lines)
    assert len({cell_len(line) for line in lines}) == 1


def test_ask_prints_the_quotes_and_where_they_stand(home: Path) -> None:
    printed = re.sub(r"\s", "", run(home, "ask", GAS).stdout)

    assert "「燃气领域，要落实好今天视频会的精神" in printed
    assert "[1]区委副书记、区长亓伟在全区安全生产工作会上的讲话›三要聚焦重点领域" in printed


def test_a_question_that_nothing_answers_is_told_so(home: Path) -> None:
    assert run(home, "search", "qwrtzp xkcdvb").stdout == "Nothing answers this.\n"
    assert "没有找到" in run(home, "ask", "qwrtzp xkcdvb").stdout


def test_eval_prints_figures_for_each_leg(home: Path, tmp_path: Path) -> None:
    few = tmp_path / "few.jsonl"
    few.write_text(
        "\n".join((SEEDS / "questions.jsonl").read_text("utf-8").splitlines()[:6]), encoding="utf-8"
    )

    figures = json.loads(run(home, "eval", str(few), "--json").stdout)
    table = run(home, "eval", str(few)).stdout

    assert set(figures) == {"lexical", "dense", "both"}
    assert figures["both"]["quote"]["hit_at_1"] > 0
    assert "quote nDCG@10" in table


def test_mistakes_of_the_caller_end_with_one_line_and_code_2(home: Path, tmp_path: Path) -> None:
    assert_one_line(run(home, "search", "？！"), 2, "Han")
    assert_one_line(run(home, "search", GAS.encode("gbk")), 2, "UTF-8")
    assert_one_line(run(home, "add", str(tmp_path / "absent")), 2, "absent")
    assert_one_line(run(home, "search", GAS, WENYUAN_PORT="many"), 2, "WENYUAN_PORT")
    assert run(home, "search", GAS, "--top-k", "0").returncode == 2
    assert run(home, "eval", str(tmp_path / "absent")).returncode == 2


def test_what_cannot_be_had_ends_with_one_line_and_code_1(home: Path, tmp_path: Path) -> None:
    assert_one_line(run(tmp_path / "empty", "search", GAS), 1, "add")
    assert_one_line(run(home, "search", GAS, "--model", str(tmp_path / "model")), 1, "WENYUAN_MODEL")


def test_help_is_there_without_loading_the_library() -> None:
    code = "import sys; sys.argv = ['wenyuan', '--help']\nfrom api.cli import main\ntry: main()\nexcept SystemExit: print(sorted(sys.modules))"
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE_S,
        check=True,
    )

    assert "eval" in result.stdout
    for heavy in ("numpy", "faiss", "fastapi", "torch", "embeddings"):
        assert f"'{heavy}'" not in result.stdout


def test_collections_are_listed_made_and_deleted(tmp_path: Path) -> None:
    run(tmp_path, "add", str(SEEDS), "--collection", "讲话")

    made = json.loads(run(tmp_path, "collections", "--create", "empty", "--json").stdout)["collections"]
    found = json.loads(run(tmp_path, "search", GAS, "-c", "讲话", "--json").stdout)

    assert {c["name"]: c["documents"] for c in made} == {"empty": 0, "讲话": 5}
    assert found["collection"] == "讲话"
    with served(tmp_path):
        assert_one_line(run(tmp_path, "collections", "--remove", "讲话"), 1, "another process")
    assert "讲话" not in run(tmp_path, "collections", "--remove", "讲话").stdout
    assert_one_line(run(tmp_path, "collections", "--remove", "讲话"), 2, "讲话")
    assert_one_line(run(tmp_path, "add", str(SEEDS), "-c", "../x"), 2, "../x")


def test_documents_are_listed_by_filter_and_deleted(tmp_path: Path) -> None:
    run(tmp_path, "add", str(SEEDS))

    listed = json.loads(run(tmp_path, "list", "--filters", '{"speaker": "亓伟"}', "--json").stdout)
    (document,) = listed["documents"]
    deleted = run(tmp_path, "delete", document["id"])

    assert (document["date"], listed["total"]) == ("2021-12-02", 1)
    assert deleted.stdout == "1 removed\n"
    assert_one_line(run(tmp_path, "delete", document["id"]), 2, document["id"])
    assert_one_line(run(tmp_path, "list", "--filters", '{"colour": 1}'), 2, "colour")


def test_reindexing_makes_the_vectors_with_another_model(tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(ROOT / "embeddings" / "models" / "builtin", other)
    run(tmp_path / "data", "add", str(SEEDS))

    assert "vectors are of" in run(tmp_path / "data", "reindex", "--model", str(other)).stdout
    assert json.loads(run(tmp_path / "data", "search", GAS, "--json").stdout)["hits"]
    assert_one_line(run(tmp_path / "data", "search", GAS, "--model", "builtin"), 1, "wenyuan reindex")
