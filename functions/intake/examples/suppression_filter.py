"""Says which identifiers a suppression filter holds: suppression_filter.py FILE < identifiers

FILE holds the pieces of GET /suppressions/filter, one after the other. Identifiers are lines of KIND:id, such as
USER_ID:u7 or EMAIL:ada@example.com; those that are in the filter are printed.
"""

import hashlib
import re
import struct
import sys
import unicodedata

SALT = (0x47B6137B, 0x44974D91, 0x8824AD5B, 0xA2B7289D, 0x705495C7, 0x2DF1424B, 0x9EFC4947, 0x5C6BFB31)


def pieces(file: bytes):
    while file:
        magic, blocks, _ = struct.unpack_from("<8sII", file)
        assert magic == b"LETHESF1", "a filter of another version"
        yield struct.unpack_from(f"<{8 * blocks}I", file, 16)
        file = file[16 + 32 * blocks :]


def name(kind: str, text: str) -> bytes:
    normal = {
        "EMAIL": lambda: unicodedata.normalize("NFC", text.strip().lower()),
        "PHONE": lambda: re.sub(r"[ \-./()\u00a0\u2011]", "", text.strip()),
    }.get(kind)
    return f"{kind}:{hashlib.sha256(normal().encode()).hexdigest() if normal else text}".encode()


def holds(words: tuple, name: bytes) -> bool:
    hash = int.from_bytes(hashlib.sha256(name).digest()[:8], "little")
    block = (hash >> 32) * (len(words) // 8) >> 32
    bits = ((hash & 0xFFFFFFFF) * salt % 2**32 >> 27 for salt in SALT)
    return bool(words) and all(words[8 * block + word] >> bit & 1 for word, bit in enumerate(bits))


if __name__ == "__main__":
    filters = list(pieces(open(sys.argv[1], "rb").read()))
    for line in sys.stdin.read().splitlines():
        if any(holds(words, name(*line.split(":", 1))) for words in filters):
            print(line)
