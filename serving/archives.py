"""What a zip that was uploaded holds: read in memory, within bounds that hold for what comes out of it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import PurePosixPath

from superion.archives import DAMAGED_ZIP
from superion.serving.problems import Refusal

LITTER = (".DS_Store", "Thumbs.db", "desktop.ini")
"""What operating systems put beside the files, as they do a folder __MACOSX; all that is passed over."""

MAX_RATIO = 200
"""Times its own length that an archive may unpack to, where that is much; texts of crystals pack 3 to 30 times."""
MUCH_BYTES = 16 * 1024 * 1024


def files_of(content: bytes, *, field: str, max_files: int, max_bytes: int) -> Iterator[tuple[str, bytes]]:
    """Yield the files of an archive, each with its whole name in it.

    Raises Refusal, which names `field`: 400 for an archive that cannot be read, 413 for one of more than `max_files`
    files, or of more than `max_bytes` or far more than its own length when it is unpacked.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except DAMAGED_ZIP as error:
        raise Refusal(400, f"the archive cannot be read: {error}"[:300], field=field) from None
    with archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir() and not _is_litter(entry.filename)]
        if len(entries) > max_files:
            message = f"the archive holds {len(entries)} files; at most {max_files} are taken at a time"
            raise Refusal(413, message, field=field)
        unpacked = sum(entry.file_size for entry in entries)
        if unpacked > max_bytes:
            raise Refusal(413, f"the archive unpacks to more than {max_bytes} bytes; bring it in parts", field=field)
        if unpacked > max(MUCH_BYTES, MAX_RATIO * len(content)):
            message = f"the archive unpacks to more than {MAX_RATIO} times its length, as no structures do"
            raise Refusal(413, message, field=field)
        for entry in entries:
            try:
                data = archive.read(entry)  # no more comes out of an entry than it declares
            except DAMAGED_ZIP as error:
                shown = entry.filename if len(entry.filename) <= 60 else entry.filename[:57] + "..."
                raise Refusal(400, f"{shown!r} in the archive cannot be read: {error}"[:300], field=field) from None
            yield entry.filename, data


def _is_litter(name: str) -> bool:
    return name.startswith("__MACOSX/") or PurePosixPath(name).name in LITTER
