"""What Python's readers of archives raise."""

from __future__ import annotations

import zipfile
import zlib

DAMAGED_ZIP = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError)
"""Of a zip that cannot be read: besides what its name says, RuntimeError for an entry with a password,
NotImplementedError for a compression that it does not have, and the others for bytes that are not as it says."""
