"""XML from files that cannot be trusted: no entities, no network, bounded depth."""

from lxml import etree

from embeddings.errors import UnreadableDocument

Element = etree._Element


def parse(data: bytes, *, filename: str) -> Element:
    """The root of an XML file. Office and OFD files may hold no document type, so entities have no use.

    Raises:
        UnreadableDocument: it is not well formed, too deep, or declares entities.
    """
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise UnreadableDocument(
            f"“{filename}” is damaged: its XML is not well formed ({error}). Save it again."
        ) from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise UnreadableDocument(
            f"“{filename}” declares XML entities, which no document needs. Save it again."
        )
    return root


def local_name(element: Element) -> str:
    """The tag without its namespace: strict and transitional files differ in nothing else."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def attribute(element: Element, name: str) -> str | None:
    """The attribute called `name` in whatever namespace."""
    for key, value in element.attrib.items():
        if str(key).rpartition("}")[2] == name:
            return str(value)
    return None


def child(element: Element | None, name: str) -> Element | None:
    """The first child called `name`."""
    if element is None:
        return None
    return next((one for one in element if local_name(one) == name), None)


def value(element: Element | None, name: str) -> str | None:
    """`val` of the child called `name`: how WordprocessingML writes most of its settings."""
    found = child(element, name)
    return None if found is None else attribute(found, "val")
