"""What kind of file it is, told from its bytes; its name decides only where they do not."""

import re
from enum import StrEnum
from pathlib import PurePath

from embeddings.errors import UnreadableDocument, UnsupportedFormat
from embeddings.readers.package import Package


class Kind(StrEnum):
    TEXT = "text"
    HTML = "html"
    MHTML = "mhtml"
    DOCX = "docx"
    PDF = "pdf"
    OFD = "ofd"
    DOC = "doc"
    WPS = "wps"
    RTF = "rtf"
    ODT = "odt"
    WORD_XML = "xml"
    ARCHIVE = "zip"


# Read by LibreOffice.
OFFICE_KINDS = frozenset({Kind.DOC, Kind.WPS, Kind.RTF, Kind.ODT, Kind.WORD_XML})
TEXT_SUFFIXES = frozenset({".txt", ".text", ".md", ".markdown", ""})
_HTML_SUFFIXES = frozenset({".html", ".htm", ".xhtml", ".shtml"})
_BINARY_SUFFIXES = frozenset({".docx", ".docm", ".dotx", ".pdf", ".ofd", ".mht", ".mhtml"})
_OFFICE_SUFFIXES = frozenset({".doc", ".dot", ".wps", ".wpt", ".rtf", ".odt"})
DOCUMENT_SUFFIXES = TEXT_SUFFIXES | _HTML_SUFFIXES | _BINARY_SUFFIXES | _OFFICE_SUFFIXES
ARCHIVE_SUFFIX = ".zip"

_READ = "txt, md, html, docx, pdf, ofd and, with LibreOffice, doc, wps, rtf, odt"
_COMPOUND_FILE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_REFUSED = (
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"GIF8", "an image"),
    (b"BM6", "an image"),
    (b"II*\x00", "an image"),
    (b"MM\x00*", "an image"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"%!PS", "PostScript"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
    (b"CAJ\x00", "a CAJ file"),
    (b"HN\x00", "a CAJ file"),
    (b"KDH ", "a CAJ file"),
)
_HEAD_BYTES = 4096
_PDF_HEAD_BYTES = 1024
_HTML_HEAD = re.compile(
    rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--(?:(?!-->).){0,2000}-->\s*)*"
    rb"<(?:!doctype\s+html|html|head|body|meta|title|script|style|link)[\s>]",
    re.IGNORECASE | re.DOTALL,
)
_HTML_TAG = re.compile(rb"<(?:p|div|br|table|span|a|h[1-6]|ul|ol|article|section)[\s/>]", re.IGNORECASE)
_MHTML_HEAD = re.compile(
    rb"(?:[\w-]+:[^\n]*\n(?:[ \t][^\n]*\n)*){0,30}?(?:mime-version|content-type:\s*multipart/related)",
    re.IGNORECASE,
)
_WORD_XML = re.compile(
    rb"<\?mso-application\s+progid=\"Word\.Document\"|<(?:\w+:)?wordDocument[\s>]|<pkg:package\s"
)
_FOREIGN_OFFICE = (
    ("xl/", "a spreadsheet (xlsx)"),
    ("ppt/", "a presentation (pptx)"),
    ("visio/", "a drawing"),
)
_ODT_TYPES = (b"application/vnd.oasis.opendocument.text", b"application/vnd.oasis.opendocument.text-template")
_PASSWORD = "Remove the password and add it again."


def recognise(data: bytes, *, filename: str) -> Kind:
    """The kind of a file.

    Raises:
        UnsupportedFormat: there is no reader for it.
        UnreadableDocument: it is damaged or protected by a password.
    """
    head = data[:_HEAD_BYTES].removeprefix(b"\xef\xbb\xbf")
    if data.startswith(_ZIP):
        return _recognise_package(data, filename)
    if data.startswith(_COMPOUND_FILE):
        return _recognise_compound_file(data, filename)
    if b"%PDF-" in data[:_PDF_HEAD_BYTES] and not data.startswith(_COMPOUND_FILE):
        return Kind.PDF
    if head.lstrip().startswith(b"{\\rtf"):
        return Kind.RTF
    for signature, what in _REFUSED:
        if data.startswith(signature):
            raise UnsupportedFormat(f"“{filename}” is {what}; read are {_READ}. Save it as one of these.")
    return _recognise_markup(head, filename) or _recognise_by_name(filename)


def _recognise_markup(head: bytes, filename: str) -> Kind | None:
    narrow = head.replace(b"\x00", b"").removeprefix(b"\xff\xfe").removeprefix(b"\xfe\xff")
    if _WORD_XML.search(narrow) and narrow.lstrip().startswith(b"<"):
        return Kind.WORD_XML
    if _HTML_HEAD.match(narrow):
        return Kind.HTML
    suffix = PurePath(filename).suffix.lower()
    # Word and WPS open a page that a website calls .doc, and so do people.
    if suffix not in TEXT_SUFFIXES and _HTML_TAG.search(narrow):
        return Kind.MHTML if _MHTML_HEAD.match(narrow) else Kind.HTML
    return Kind.MHTML if _MHTML_HEAD.match(narrow) and b"multipart/related" in narrow else None


def _recognise_by_name(filename: str) -> Kind:
    """Nothing in the bytes says what it is, so it is text, or not what its name says."""
    suffix = PurePath(filename).suffix.lower()
    if suffix in TEXT_SUFFIXES:
        return Kind.TEXT
    if suffix in _HTML_SUFFIXES:
        return Kind.HTML
    if suffix in DOCUMENT_SUFFIXES or suffix == ARCHIVE_SUFFIX:
        raise UnreadableDocument(
            f"“{filename}” is not what its name says: it does not begin as a {suffix} file does. It is damaged,"
            " or its suffix is wrong; if it is plain text, call it .txt."
        )
    raise UnsupportedFormat(f"“{filename}” is a {suffix} file; read are {_READ}. Save it as one of these.")


def _recognise_package(data: bytes, filename: str) -> Kind:
    package = Package(data, filename=filename)
    names = package.names
    if "OFD.xml" in package:
        return Kind.OFD
    if "mimetype" in package:
        return _recognise_open_document(package, filename)
    if "[Content_Types].xml" in package:
        for folder, what in _FOREIGN_OFFICE:
            if any(name.startswith(folder) for name in names):
                raise UnsupportedFormat(f"“{filename}” is {what}; read are {_READ}. Save it as docx or pdf.")
        return Kind.DOCX
    if "word/document.xml" in package:
        return Kind.DOCX
    if PurePath(filename).suffix.lower() in DOCUMENT_SUFFIXES - TEXT_SUFFIXES:
        raise UnreadableDocument(
            f"“{filename}” is a zip archive without the parts of a document. It is damaged, or should be called .zip."
        )
    return Kind.ARCHIVE


def _recognise_open_document(package: Package, filename: str) -> Kind:
    if package.read("mimetype").strip() not in _ODT_TYPES:
        raise UnsupportedFormat(
            f"“{filename}” is no text document; read are {_READ}. Save it as odt or docx."
        )
    if "META-INF/manifest.xml" in package and b"encryption-data" in package.read("META-INF/manifest.xml"):
        raise UnreadableDocument(f"“{filename}” is protected by a password. {_PASSWORD}")
    return Kind.ODT


def _recognise_compound_file(data: bytes, filename: str) -> Kind:
    """Names of streams stand in the directory of a compound file in UTF-16 ([MS-CFB] 2.6.1)."""
    if _has_stream(data, "EncryptedPackage"):
        raise UnreadableDocument(f"“{filename}” is protected by a password. {_PASSWORD}")
    if _has_stream(data, "WordDocument"):
        if _is_encrypted_word(data):
            raise UnreadableDocument(f"“{filename}” is protected by a password. {_PASSWORD}")
        return Kind.DOC
    if _has_stream(data, "Workbook") or _has_stream(data, "Book"):
        raise UnsupportedFormat(
            f"“{filename}” is a spreadsheet (xls); read are {_READ}. Save it as docx or pdf."
        )
    if _has_stream(data, "PowerPoint Document"):
        raise UnsupportedFormat(f"“{filename}” is a presentation (ppt); read are {_READ}. Save it as pdf.")
    if PurePath(filename).suffix.lower() in (".wps", ".wpt"):
        return Kind.WPS
    raise UnreadableDocument(
        f"“{filename}” is an Office file without a text in it, or damaged. Save it as docx."
    )


def _has_stream(data: bytes, name: str) -> bool:
    return (name + "\0").encode("utf-16-le") in data


def _is_encrypted_word(data: bytes) -> bool:
    """Bit fEncrypted of the file information block ([MS-DOC] 2.5.2), which begins a sector."""
    for block in range(512, len(data) - 12, 512):
        if data[block : block + 2] == b"\xec\xa5" and data[block + 2 : block + 4] in (
            b"\xc1\x00",
            b"\xd9\x00",
        ):
            return bool(data[block + 11] & 1)
    return False
