# ruff: noqa: E402
"""How much processor time each format takes, for documents of 50,000 characters.

    python scripts/bench_readers.py [--times 5]

Parser alone, in this process; then `read` as it is used, with the child process and the structure of the text.
Formats that need LibreOffice are measured where it is installed, by the clock, since its processes are its own.
"""

import argparse
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from make_docx import abstract, level, make_docx, num, paragraph
from make_ofd import body as ofd_body
from make_ofd import make_ofd
from make_pdf import body as pdf_body
from make_pdf import make_pdf

from embeddings import read
from embeddings.readers.docx import extract_docx
from embeddings.readers.html import extract_html
from embeddings.readers.isolation import close_workers
from embeddings.readers.ofd import extract_ofd
from embeddings.readers.office import find_office
from embeddings.readers.pdf import extract_pdf
from embeddings.readers.text import decode

CHARS = 50_000


def documents(text: str) -> dict[str, tuple[Callable[..., object], bytes]]:
    lines = [text[start : start + 125] for start in range(0, CHARS, 125)]
    pages = [text[start : start + 500] for start in range(0, CHARS, 500)]
    lists = abstract(0, level(0, "chineseCounting", "（%1）")) + num(1, 0)
    word = "".join(
        paragraph(line, numbered=(1, 0) if index % 5 == 0 else None) for index, line in enumerate(lines)
    )
    page = "<html><head><title>文</title></head><body><div>" + "".join(f"<p>{line}</p>" for line in lines)
    return {
        "txt (UTF-8)": (decode, text.encode()),
        "txt (GBK)": (decode, text.encode("gb18030")),
        "html": (extract_html, f"{page}</div></body></html>".encode()),
        "docx": (extract_docx, make_docx(word, parts={"numbering": lists})),
        "pdf": (extract_pdf, make_pdf(*(pdf_body(page) for page in pages))),
        "ofd": (extract_ofd, make_ofd(*(ofd_body(page) for page in pages))),
    }


def measure(work: Callable[[], object], times: int, clock: Callable[[], float]) -> float:
    """The median of some runs, in milliseconds."""
    took = []
    for _ in range(times):
        started = clock()
        work()
        took.append(1000 * (clock() - started))
    return median(took)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--times", type=int, default=5)
    times = parser.parse_args().times
    seeds = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "seeds").glob("*.txt")))
    text = ("".join(seeds.split()) * 20)[:CHARS]
    print(f"{'format':12} {'parser, CPU ms':>15} {'read, ms':>10}   for {CHARS:,} characters")
    for name, (extract, data) in documents(text).items():
        filename = f"a.{name.split()[0]}"
        parse = measure(partial(extract, data, filename=filename), times, time.process_time)
        whole = measure(partial(read, data, filename=filename), times, time.perf_counter)
        print(f"{name:12} {parse:15.1f} {whole:10.1f}")
    if find_office():
        rtf = r"{\rtf1\ansi " + "".join(rf"\u{ord(one)}?" if one > "~" else one for one in text) + "}"
        whole = measure(lambda: read(rtf.encode("ascii"), filename="a.rtf"), 1, time.perf_counter)
        print(f"{'rtf':12} {'':15} {whole:10.1f}")
    close_workers()


if __name__ == "__main__":
    main()
