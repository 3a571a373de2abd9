"""Forms that nobody's browser sends: broken, endless, or packed so that little becomes much."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable
from random import Random
from typing import NamedTuple

BOUNDARY = "----line"
MEGABYTE = 1024 * 1024


class Form(NamedTuple):
    """Hold a body, and what it is declared to be."""

    content: bytes
    content_type: str = f"multipart/form-data; boundary={BOUNDARY}"


def part(name: str, content: bytes, filename: str | None = None, *more: str) -> bytes:
    """Return one part of a form."""
    of_file = "" if filename is None else f'; filename="{filename}"'
    head = [f'Content-Disposition: form-data; name="{name}"{of_file}', *more]
    return (
        f"--{BOUNDARY}\r\n".encode()
        + "\r\n".join(head).encode("utf-8", "surrogateescape")
        + b"\r\n\r\n"
        + content
        + b"\r\n"
    )


def form(*parts: bytes) -> Form:
    """Return a form of parts."""
    return Form(b"".join(parts) + f"--{BOUNDARY}--\r\n".encode())


def file(content: bytes, name: str) -> Form:
    """Return a form with one file."""
    return form(part("file", content, name, "Content-Type: application/octet-stream"))


def zipped(files: Iterable[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return an archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return buffer.getvalue()


def lying_zip(content: bytes, declared: int) -> bytes:
    """Return an archive whose one file says that it is of another length than it is."""
    packed = bytearray(zipped([("a.cif", content)]))
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<I", packed, packed.index(signature) + offset, declared)
    return bytes(packed)


def overlapping_zip(entries: int, size: int) -> bytes:
    """Return an archive whose directory names the same bytes again and again."""
    packed = zipped([("0.cif", bytes(size))])
    start = packed.index(b"PK\x01\x02")
    entry = packed[start : packed.index(b"PK\x05\x06")]
    directory = entry * entries
    end = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, entries, entries, len(directory), start, 0)
    return packed[:start] + directory + end


def workbook(sheet: bytes, strings: bytes | None = None) -> bytes:
    """Return an xlsx with the XML of one sheet."""
    kinds = b'<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    kinds += b'<Default Extension="xml" ContentType="application/xml"/>'
    kinds += b'<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    main = b"application/vnd.openxmlformats-officedocument.spreadsheetml."
    shared = [(b"/xl/t.xml", b"sharedStrings")] if strings is not None else []
    for name, kind in ((b"/xl/workbook.xml", b"sheet.main"), (b"/xl/s.xml", b"worksheet"), *shared):
        kinds += b'<Override PartName="%s" ContentType="%s%s+xml"/>' % (name, main, kind)
    kinds += b"</Types>"
    office = b"http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = b"http://schemas.openxmlformats.org/package/2006/relationships"

    def related(target: bytes, kind: bytes) -> bytes:
        link = b'<Relationship Id="r1" Type="%s/%s" Target="%s"/>' % (office, kind, target)
        return b'<?xml version="1.0"?><Relationships xmlns="%s">%s</Relationships>' % (package, link)

    book = b'<?xml version="1.0"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
    book += b'xmlns:r="%s"><sheets><sheet name="a" sheetId="1" r:id="r1"/></sheets></workbook>' % office
    files = [
        ("[Content_Types].xml", kinds),
        ("_rels/.rels", related(b"xl/workbook.xml", b"officeDocument")),
        ("xl/workbook.xml", book),
        ("xl/_rels/workbook.xml.rels", related(b"s.xml", b"worksheet")),
        ("xl/s.xml", sheet),
    ]
    return zipped([*files, *([("xl/t.xml", strings)] if strings is not None else [])])


SHEET = b'<?xml version="1.0"?>%s<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
SHEET += b"<sheetData>%s</sheetData></worksheet>"


def laughing_workbook() -> bytes:
    """Return an xlsx in which ten entities, each ten of the one before, stand for ten thousand million texts."""
    entities = b'<!ENTITY a0 "ha">' + b"".join(
        b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 11)
    )
    row = b'<row><c t="inlineStr"><is><t>&a10;</t></is></c></row>'
    return workbook(SHEET % (b"<!DOCTYPE x [%s]>" % entities, row))


def wide_workbook(rows: int, columns: int) -> bytes:
    """Return an xlsx that is small only while it is packed."""
    row = b"<row>" + b"<c><v>1</v></c>" * columns + b"</row>"
    return workbook(SHEET % (b"", row * rows))


CIF = b"data_x\n_cell_length_a 4\n"


def small(dice: Random) -> Form:
    """Return one of many forms that are cheap to make and to refuse."""
    good = form(part("file", CIF, "a.cif"), part("temperature_C", b"25"), part("confidence", b"0.9"))
    noise = dice.randbytes(dice.randrange(1, 300))
    number = dice.choice(["nan", "inf", "-1e999", "1" * 400, "0x10", "", " ", "\x00", "25;", "[25]", "null", "\u0663"])
    name = dice.choice(
        [
            "../../etc/passwd.cif",
            "a\x00.cif",
            "a" * 5000 + ".cif",
            "\udcff.cif",
            "con.cif",
            "a.CIF\\",
            '"',
            "",
            ".zip",
            "a.b.xlsx",
            "x.csv",
            "POSCAR",
            "/",
        ]
    )
    cut, place = dice.randrange(len(good.content)), dice.randrange(len(good.content))
    packed = bytearray(zipped([("a.cif", CIF), ("b/POSCAR", noise)]))
    packed[dice.randrange(len(packed))] ^= 1 << dice.randrange(8)
    makers: list[Callable[[], Form]] = [
        lambda: Form(good.content[:cut]),
        lambda: Form(good.content[:place] + noise + good.content[place:]),
        lambda: Form(good.content[cut:]),
        lambda: Form(good.content, "multipart/form-data; boundary=another"),
        lambda: Form(good.content, "multipart/form-data"),
        lambda: Form(good.content, f'multipart/form-data; boundary="{noise.hex() * 20}"'),
        lambda: Form(good.content, "multipart/form-data; boundary="),
        lambda: Form(good.content, "multipart/form-data; boundary=\xff; charset=utf-7"),
        lambda: Form(noise),
        lambda: Form(b""),
        lambda: file(noise, name),
        lambda: file(bytes(packed), "a.zip"),
        lambda: file(zipped([(name.replace("\udcff", "\xff") or "a", noise), ("b.zip", bytes(packed))]), "nested.zip"),
        lambda: file(b"formula\n" + noise, "a.csv"),
        lambda: file(b'formula\n"' + noise * 20, "a.csv"),
        lambda: file(noise, "a.xlsx"),
        lambda: file(CIF + noise, "a.cif"),
        lambda: form(part("file", CIF, "a.cif"), part("temperature_C", number.encode())),
        lambda: form(part("file", CIF, "a.cif"), part("confidence", number.encode())),
        lambda: form(part("file", CIF, "a.cif"), part("model", noise)),
        lambda: form(part("file", CIF)),
        lambda: form(part("temperature_C", b"25")),
        lambda: form(*[part("file", CIF, "a.cif")] * 3),
        lambda: form(part("file", CIF, "a.cif"), *[part("temperature_C", b"25")] * 150),
        lambda: form(part("file", CIF, "a.cif", "X: " + "y" * 9000)),
        lambda: form(part("file", CIF, "a.cif", *["X: y"] * 200)),
        lambda: form(part("", CIF, "a.cif"), part("file", CIF, "a.cif", "Content-Transfer-Encoding: base64")),
        lambda: form(part("file", gzip.compress(CIF), "a.cif.gz", "Content-Encoding: gzip")),
    ]
    return dice.choice(makers)()


LARGE: dict[str, Callable[[], Form]] = {
    "100,000 fields": lambda: form(*[part("temperature_C", b"25")] * 100_000),
    "100,000 files": lambda: form(*[part("file", b"", "a.cif")] * 100_000),
    "one header of 8 MB": lambda: form(part("file", CIF, "a.cif", "X: " + "y" * 8 * MEGABYTE)),
    "a field of 30 MB": lambda: form(part("model", b"x" * 30 * MEGABYTE), part("file", CIF, "a.cif")),
    "a file of 31 MB": lambda: file(b"_" * 31 * MEGABYTE, "a.cif"),
    "a name of 8 MB": lambda: file(CIF, "a" * 8 * MEGABYTE + ".cif"),
    "nulls": lambda: file(bytes(8 * MEGABYTE), "a.cif"),
    "a bomb in an archive": lambda: file(zipped([(f"{n}.cif", bytes(64 * MEGABYTE)) for n in range(8)]), "a.zip"),
    "a bomb in a bomb": lambda: file(zipped([("b.zip", zipped([("a.cif", bytes(64 * MEGABYTE))]))]), "a.zip"),
    "one place many times": lambda: file(overlapping_zip(9_000, MEGABYTE), "a.zip"),
    "more than it says": lambda: file(lying_zip(bytes(64 * MEGABYTE), 10), "a.zip"),
    "less than it says": lambda: file(lying_zip(CIF, 2**32 - 2), "a.zip"),
    "60,000 empty files": lambda: file(zipped([(f"{n}.cif", b"") for n in range(60_000)]), "a.zip"),
    "bzip2": lambda: file(zipped([("a.cif", bytes(64 * MEGABYTE))], zipfile.ZIP_BZIP2), "a.zip"),
    "lzma": lambda: file(zipped([("a.cif", bytes(64 * MEGABYTE))], zipfile.ZIP_LZMA), "a.zip"),
    "one line": lambda: file(b"formula\n" + b"Li" * 8 * MEGABYTE, "a.csv"),
    "a million lines": lambda: file(b"formula\n" + b"LiF\n" * 1_000_000, "a.csv"),
    "a million columns": lambda: file(b"formula," + b"x," * 1_000_000 + b"\nLiF\n", "a.csv"),
    "entities": lambda: file(laughing_workbook(), "a.xlsx"),
    "a wide workbook": lambda: file(wide_workbook(20_000, 500), "a.xlsx"),
    "a bomb in a workbook": lambda: file(workbook(SHEET % (b"", b" " * 400 * MEGABYTE)), "a.xlsx"),
    "texts of a workbook": lambda: file(
        workbook(SHEET % (b"", b""), b"<sst>" + b"<si><t>x</t></si>" * 4_000_000), "a.xlsx"
    ),
    "zlib": lambda: Form(zlib.compress(bytes(MEGABYTE))),
}
"""Forms that ask for much, by name."""
