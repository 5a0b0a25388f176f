"""Unpacks a file that was packed with gzip, within the limits of a file that was not."""

import zlib

from finegates.data import limits
from finegates.errors import DataError

GZIP_MARK = b"\x1f\x8b"
_CHUNK = 2**20


def unpacked(name: str, content: bytes) -> bytes:
    """The one file in a gzip archive.

    Raises:
        DataError: If it is damaged, or would unpack to more than `limits.MAX_FILE_BYTES`.
    """
    parts: list[bytes] = []
    size, rest = 0, content
    try:
        while rest:
            packer = zlib.decompressobj(wbits=31)
            while not packer.eof:
                part = packer.decompress(rest, _CHUNK)
                rest = packer.unconsumed_tail or packer.unused_data
                if not part and not packer.eof:
                    raise zlib.error("it is cut off")
                parts.append(part)
                size += len(part)
                if size > limits.MAX_FILE_BYTES:
                    raise _too_large(name)
    except zlib.error as error:
        raise DataError(f"'{name}' is a damaged gzip archive ({error}). Pack it again.") from error
    return b"".join(parts)


def _too_large(name: str) -> DataError:
    return DataError(
        f"'{name}' unpacks to more than {limits.MAX_FILE_BYTES / 1024**2:,.0f} MB, which is the "
        "limit. Keep fewer rows, or only the columns that are needed."
    )
