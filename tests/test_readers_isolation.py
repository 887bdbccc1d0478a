"""A parser that breaks, hangs or hungers costs one document; nothing is left running."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from make_docx import make_docx, paragraph

from embeddings.errors import TooLarge, UnreadableDocument
from embeddings.readers import isolation, read

BROKEN = """
import os, time
from embeddings.readers import isolation
def parser(data, filename):
    {broken}
isolation._parser = lambda kind: parser
isolation.serve()
"""


@pytest.fixture
def workers() -> Iterator[None]:
    """No worker from before, and none of a test's left to the next."""
    isolation.close_workers()
    yield
    isolation.close_workers()


def break_parser(monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    boot = isolation._BOOT.replace("from embeddings.readers.isolation import serve\nserve()\n", "")
    monkeypatch.setattr(isolation, "_BOOT", boot + BROKEN.format(broken=broken))


def docx(text: str) -> bytes:
    return make_docx(paragraph(text))


@pytest.mark.usefixtures("workers")
@pytest.mark.parametrize(
    ("broken", "refusal"),
    [
        ("os.abort()", UnreadableDocument),
        ("os._exit(0)", UnreadableDocument),
        ("time.sleep(600)", UnreadableDocument),
        ("bytearray(3 << 30)", TooLarge),
        ("raise KeyError('x')", UnreadableDocument),
        ("(lambda f: f(f))(lambda f: f(f))", UnreadableDocument),
    ],
)
def test_a_parser_that_breaks_costs_one_document(
    broken: str, refusal: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        break_parser(patch, broken)
        patch.setattr(isolation, "TIME_LIMIT_S", 0.5)
        with pytest.raises(refusal, match=r"“甲\.docx”"):
            read(docx("甲"), filename="甲.docx")
    isolation.close_workers()
    assert read(docx("乙"), filename="乙.docx").text == "乙\n"


@pytest.mark.usefixtures("workers")
def test_a_worker_that_ended_while_idle_is_replaced() -> None:
    read(docx("甲"), filename="甲.docx")
    (worker,) = isolation._POOL._idle
    worker.process.kill()
    worker.process.wait()
    assert read(docx("乙"), filename="乙.docx").text == "乙\n"


@pytest.mark.usefixtures("workers")
def test_threads_get_each_their_own_text() -> None:
    texts = [f"第{number}号通知。" for number in range(60)]
    with ThreadPoolExecutor(8) as threads:
        documents = threads.map(lambda text: read(docx(text), filename="a.docx"), texts)
    assert [document.text.strip() for document in documents] == texts
    assert len(isolation._POOL._idle) <= isolation._MAX_WORKERS


@pytest.mark.parametrize("end", ["pass", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_no_worker_outlives_the_process(end: str) -> None:
    script = (
        "import os, signal, sys\nfrom embeddings.readers import isolation, read\n"
        "read(sys.stdin.buffer.read(), filename='a.docx')\n"
        f"print(isolation._POOL._idle[0].process.pid, flush=True)\nsys.stdin.close()\n{end}\n"
    )
    waiting = script.replace("sys.stdin.close()", "os.read(int(sys.argv[1]), 1)")
    there, here = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-c", waiting, str(there)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        pass_fds=[there],
        env={"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdin and process.stdout
    process.stdin.write(docx("甲"))
    process.stdin.close()
    worker = os.pidfd_open(int(process.stdout.readline()))
    os.write(here, b"x")
    assert process.wait(30) in (0, -signal.SIGKILL)
    assert select.select([worker], [], [], 30)[0]
    process.stdout.close()
    for descriptor in (there, here, worker):
        os.close(descriptor)


@pytest.mark.usefixtures("workers")
def test_a_forked_child_starts_workers_of_its_own() -> None:
    read(docx("甲"), filename="甲.docx")
    child = os.fork()
    if child == 0:
        ok = not isolation._POOL._idle and read(docx("丙"), filename="a.docx").text == "丙\n"
        isolation.close_workers()
        os._exit(0 if ok else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert read(docx("乙"), filename="乙.docx").text == "乙\n"


@pytest.mark.usefixtures("workers")
def test_a_worker_sees_nothing_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WENYUAN_API_KEY", "secret")
    break_parser(monkeypatch, "raise ValueError() if 'WENYUAN_API_KEY' in os.environ else MemoryError()")
    with pytest.raises(TooLarge):
        read(docx("甲"), filename="甲.docx")
