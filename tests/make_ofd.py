"""OFD files as GB/T 33190-2016 describes them: each page is lines of (x, y, size, text) in millimetres, y downwards."""

from collections.abc import Sequence
from xml.sax.saxutils import escape

from make_docx import make_zip

Printed = tuple[float, float, float, str]
_NAMESPACE = 'xmlns:ofd="http://www.ofdspec.org/2016"'
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
LEFT, SIZE, LINE_CHARS = 28, 5.64, 28


def make_ofd(
    *pages: Sequence[Printed], objects: str = "", template: Sequence[Printed] = (), more: str = ""
) -> bytes:
    """`objects` is XML in the first page's layer; `template` is printed on every page; `more` is XML in OFD.xml."""
    listed = "".join(
        f'<ofd:Page ID="{10 + index}" BaseLoc="Pages/Page_{index}/Content.xml"/>'
        for index in range(len(pages))
    )
    files = {
        "OFD.xml": f'{_HEAD}<ofd:OFD {_NAMESPACE} Version="1.0" DocType="OFD"><ofd:DocBody><ofd:DocInfo/>'
        f"<ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot></ofd:DocBody>{more}</ofd:OFD>",
        "Doc_0/Document.xml": f"{_HEAD}<ofd:Document {_NAMESPACE}><ofd:CommonData><ofd:PageArea>"
        "<ofd:PhysicalBox>0 0 210 297</ofd:PhysicalBox></ofd:PageArea>"
        '<ofd:TemplatePage ID="5" BaseLoc="Tpls/Tpl_0/Content.xml"/>'
        f"</ofd:CommonData><ofd:Pages>{listed}</ofd:Pages></ofd:Document>",
        "Doc_0/Tpls/Tpl_0/Content.xml": _page(template, "", uses_template=False),
    }
    for index, page in enumerate(pages):
        extra = objects if index == 0 else ""
        files[f"Doc_0/Pages/Page_{index}/Content.xml"] = _page(page, extra, uses_template=bool(template))
    return make_zip({name: text.encode() for name, text in files.items()})


def text_object(x: float, y: float, size: float, text: str, *, delta: str = "", more: str = "") -> str:
    delta = delta or f"g {len(text) - 1} {size}"
    return (
        f'<ofd:TextObject ID="20" Boundary="{x} {y} 170 {size}" Font="3" Size="{size}" {more}>'
        f'<ofd:TextCode X="0" Y="{0.86 * size}" DeltaX="{delta}">{escape(text)}</ofd:TextCode></ofd:TextObject>'
    )


def body(text: str, *, y: float = 60, indent: int = 2) -> list[Printed]:
    """A paragraph as it is set: the first line indented, the others filled to the right margin."""
    lines = [text[: LINE_CHARS - indent]]
    rest = text[LINE_CHARS - indent :]
    lines += [rest[start : start + LINE_CHARS] for start in range(0, len(rest), LINE_CHARS)]
    return [
        (LEFT + (indent * SIZE if index == 0 else 0), y + 10.2 * index, SIZE, line)
        for index, line in enumerate(lines)
    ]


def _page(lines: Sequence[Printed], objects: str, *, uses_template: bool) -> str:
    template = '<ofd:Template TemplateID="5" ZOrder="Background"/>' if uses_template else ""
    shown = "".join(text_object(*line) for line in lines)
    return (
        f'{_HEAD}<ofd:Page {_NAMESPACE}>{template}<ofd:Content><ofd:Layer ID="1">{shown}{objects}</ofd:Layer>'
        "</ofd:Content></ofd:Page>"
    )
