# ruff: noqa: E402
"""What becomes of hostile files: each must be refused by name, or read with nothing lost, and soon.

    python scripts/fuzz_readers.py [--files 400] [--seed 1] [--office 0]

Sound files of every format are mutated in many ways (bytes, and the XML inside packages), and classic attacks are
added. Exits with 1 if one file raises anything but a refusal, loses a character, or takes longer than the limit.
"""

import argparse
import io
import random
import sys
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from make_docx import abstract, level, make_docx, make_zip, num, paragraph, table
from make_ofd import body as ofd_body
from make_ofd import make_ofd
from make_pdf import body as pdf_body
from make_pdf import make_pdf
from test_structure import assert_nothing_is_lost

from embeddings import InvalidInput, read, read_archive
from embeddings.readers.isolation import TIME_LIMIT_S, close_workers

TEXT = "各级各部门要认真汲取此次事故教训，按照会议要求举一反三，迅速开展燃气安全大检查，坚决防范事故发生。"
SUFFIXES = ["docx", "pdf", "html", "ofd", "zip", "txt", "doc", "md"]
Mutation = Callable[[random.Random, bytes], bytes]


def sound_files() -> dict[str, bytes]:
    lists = abstract(0, level(0, "chineseCounting", "%1、")) + num(1, 0)
    word = paragraph("关于安全的通知") + paragraph(TEXT, numbered=(1, 0)) * 5
    word += table((paragraph("单位"), paragraph("职责")), (paragraph("甲局"), paragraph("检查")))
    page = f"<html><head><meta charset=gbk><title>通知</title></head><body><div><h1>通知</h1><p>{TEXT}</p></div><table><tr><td>甲<td>乙</table></body></html>"
    docx = make_docx(word, parts={"numbering": lists})
    return {
        "docx": docx,
        "pdf": make_pdf(pdf_body(TEXT), pdf_body(TEXT * 3)),
        "html": page.encode("gbk"),
        "ofd": make_ofd(ofd_body(TEXT), ofd_body(TEXT)),
        "zip": make_zip(
            {"公文.docx": docx, "文.txt": TEXT.encode("gbk"), "内.zip": make_zip({"a.txt": TEXT.encode()})}
        ),
        "txt": (TEXT * 3).encode("gb18030"),
    }


def flip(chance: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.choice([1, 4, 32, 256])):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def cut(chance: random.Random, data: bytes) -> bytes:
    return data[: chance.randrange(len(data))]


def drop(chance: random.Random, data: bytes) -> bytes:
    start = chance.randrange(len(data))
    return data[:start] + data[start + chance.randrange(1, 400) :]


def repeat(chance: random.Random, data: bytes) -> bytes:
    start = chance.randrange(len(data))
    part = data[start : start + chance.randrange(1, 200)]
    return data[:start] + part * chance.choice([2, 50, 5000]) + data[start:]


def insert(chance: random.Random, data: bytes) -> bytes:
    start = chance.randrange(len(data))
    return data[:start] + chance.randbytes(chance.choice([1, 16, 4096])) + data[start:]


def enlarge_numbers(chance: random.Random, data: bytes) -> bytes:
    digit = chance.choice(b"123456789")
    return data.replace(bytes([digit]), chance.choice([b"99999999999", b"-1", b"0", b"1e308"]))


MUTATIONS: list[Mutation] = [flip, cut, drop, repeat, insert, enlarge_numbers]


def inside(mutation: Mutation) -> Mutation:
    """The same, done to one member of a package that stays sound otherwise."""

    def mutate(chance: random.Random, data: bytes) -> bytes:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            members = {name: package.read(name) for name in package.namelist()}
        name = chance.choice([name for name, content in members.items() if content])
        return make_zip(members | {name: mutation(chance, members[name])})

    return mutate


def mutated(chance: random.Random, count: int) -> Iterator[tuple[str, bytes]]:
    sound = sound_files()
    for number in range(count):
        kind = chance.choice(list(sound))
        mutation = chance.choice(MUTATIONS)
        if kind in ("docx", "ofd", "zip") and chance.random() < 0.6:
            mutation = inside(mutation)
        data = sound[kind]
        for _ in range(chance.choice([1, 1, 3])):
            try:
                data = mutation(chance, data)
            except (zipfile.BadZipFile, ValueError, IndexError):
                break
        suffix = kind if chance.random() < 0.8 else chance.choice(SUFFIXES)
        yield f"{kind}-{number}.{suffix}", data


def mutated_for_office(chance: random.Random, count: int) -> Iterator[tuple[str, bytes]]:
    """Files that LibreOffice opens, if it is installed: a second or two each."""
    listed = r"{\*\listtable{\list{\listlevel\levelnfc39{\leveltext\'02\'00\'a1\'a2;}}\listid1}}"
    text = "".join(rf"\u{ord(character)}?" for character in TEXT)
    sound = (rf"{{\rtf1\ansi\ansicpg936 {listed}" + rf"\pard {text}\par" * 9 + "}").encode()
    for number in range(count):
        data = chance.choice(MUTATIONS)(chance, sound)
        yield f"rtf-{number}.rtf", data if data.startswith(b"{\\rtf") else b"{\\rtf1 " + data


def attacks() -> Iterator[tuple[str, bytes]]:
    types = {"[Content_Types].xml": b"<T/>"}
    laughs = b"<!DOCTYPE d [<!ENTITY a 'ha'>" + b"".join(
        b"<!ENTITY %c '%b'>" % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(20)
    )
    word = b"<w:document xmlns:w='w'><w:body>%b</w:body></w:document>"
    external = b"<!DOCTYPE d [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>"
    yield (
        "laughs.docx",
        make_zip(
            types | {"word/document.xml": laughs + b"]>" + word % b"<w:p><w:r><w:t>&u;</w:t></w:r></w:p>"}
        ),
    )
    yield (
        "external.docx",
        make_zip(types | {"word/document.xml": external + word % b"<w:p><w:r><w:t>&a;</w:t></w:r></w:p>"}),
    )
    yield "deep.docx", make_zip(types | {"word/document.xml": word % (b"<w:tbl><w:tr><w:tc>" * 1_000_000)})
    yield (
        "deep-sound.docx",
        make_docx("<w:sdt><w:sdtContent>" * 120 + paragraph("文") + "</w:sdtContent></w:sdt>" * 120),
    )
    yield "bomb.docx", make_zip(types | {"word/document.xml": b"\x20" * (300 << 20)})
    yield "wide.docx", make_docx(paragraph("甲") * 300_000)
    yield "empty-paragraphs.docx", make_docx("<w:p/>" * 2_000_000)
    yield "bomb.zip", make_zip({f"{n}.txt": b"\0" * (20 << 20) for n in range(5)})
    nested = make_zip({"a.txt": b"x"})
    for _ in range(12):
        nested = make_zip({"a.zip": nested})
    yield "nested.zip", nested
    yield "many.zip", make_zip({f"{n}.txt": b"" for n in range(30_000)})
    yield "same.zip", b"".join([make_zip({"a.txt": b"x"})] * 2000)
    yield "deep.html", b"<html>" + b"<div>" * 1_000_000
    yield "spans.html", b"<html>" + b"<span>" * 1_000_000 + TEXT.encode()
    yield "tables.html", b"<html><table><tr><td>" * 100_000
    yield "list.html", b"<html><ol>" + b"<li>x" * 300_000
    yield "attributes.html", b"<html><p " + b"a=b " * 1_000_000 + b">x"
    yield "entities.html", b"<html>" + b"&amp;" * 2_000_000
    yield "comment.html", b"<!--" * 1_000_000 + b"<html>"
    yield (
        "mhtml.mht",
        b"MIME-Version: 1.0\nContent-Type: multipart/related; boundary=a\n\n" + b"--a\n" * 300_000,
    )
    yield (
        "pages.pdf",
        make_pdf(pdf_body(TEXT)).replace(b"/Kids [6 0 R]", b"/Kids [" + b"6 0 R " * 300_000 + b"]"),
    )
    yield "loop.pdf", make_pdf(pdf_body(TEXT)).replace(b"/Kids [6 0 R]", b"/Kids [2 0 R]")
    yield "deep.pdf", b"%PDF-1.7\n1 0 obj\n" + b"[" * 1_000_000
    yield "operators.pdf", make_pdf([(85, 700, 16, "文" * 200_000)])
    yield "boxes.pdf", make_pdf([(x % 500, x % 800, 1, "文章") for x in range(30_000)])
    yield "zeros.txt", b"\0" * 1_000_000
    yield "half.txt", "文".encode("utf-16-le")[:1] * 999_999
    yield "long.txt", b"a" * 5_000_000
    yield "brackets.txt", "（一）第一条、".encode() * 100_000
    yield "signatures.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" * 10_000
    yield "numbers.ofd", make_ofd([(1e30, 1e-30, 1e20, "文" * 100)])
    yield "steps.ofd", make_ofd(ofd_body(TEXT)).replace(b"g 25", b"g 99", 1)
    yield "loop.ofd", make_zip({"OFD.xml": b"<a><DocBody><DocRoot>OFD.xml</DocRoot></DocBody></a>"})


def outcome(filename: str, data: bytes) -> str:
    """How a file ended: 「read」, the class of its refusal, or 「FAILED …」."""
    try:
        if filename.endswith(".zip"):
            for file in read_archive(data, filename=filename):
                read_one(file.name, file.data())
        else:
            read_one(filename, data)
    except InvalidInput as refusal:
        return type(refusal).__name__ if "“" in str(refusal) else f"FAILED without a name: {refusal}"
    except Exception as error:
        return f"FAILED {type(error).__name__}: {error}"
    return "read"


def read_one(filename: str, data: bytes) -> None:
    document = read(data, filename=filename)
    assert document.original == data
    assert_nothing_is_lost(document)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--files", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--office", type=int, default=0, help="so many files for LibreOffice")
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    files = [*attacks(), *mutated(chance, arguments.files), *mutated_for_office(chance, arguments.office)]
    outcomes: Counter[tuple[str, str]] = Counter()
    failures, slowest = [], (0.0, "")
    for filename, data in files:
        started = time.monotonic()
        result = outcome(filename, data)
        took = time.monotonic() - started
        slowest = max(slowest, (took, filename))
        kind = filename.split("-")[0] if "-" in filename else "attack"
        outcomes[kind, result.split(" ")[0]] += 1
        if kind == "attack" or result.startswith("FAILED"):
            print(f"{filename:28} {len(data):>11,} bytes {took:6.2f} s  {result[:150]}")
        if result.startswith("FAILED") or took > 2 * TIME_LIMIT_S:
            failures.append(filename)
    for (kind, result), times in sorted(outcomes.items()):
        print(f"{kind:8} {result:20} {times:5}")
    print(
        f"{sum(outcomes.values())} files, {len(failures)} failures, slowest {slowest[1]}: {slowest[0]:.1f} s"
    )
    close_workers()
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
