#!/usr/bin/env python3
"""Verifies a room's ledger with nothing but Python's standard library: a second implementation of what
`musubi verify-log` checks (C2SP tlog-tiles, tlog-checkpoint, signed-note, tlog-cosignature; RFC 6962, RFC 8032).

    python3 docs/protocol/verify_log.py URL|DIR --key VKEY [--witness VKEY ...]

VKEY are verifier keys of C2SP signed-note; `musubi verify-log --json` prints those of a ledger.
"""

import argparse
import base64
import hashlib
import pathlib
import sys
import urllib.request

P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P
SQRT_M1 = pow(2, (P - 1) // 4, P)
Q = 2**252 + 27742317777372353535851937790883648493


def decompress(data):
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    u, v = y * y - 1, D * y * y + 1
    x = u * v**3 * pow(u * v**7, (P - 5) // 8, P) % P
    if v * x * x % P != u % P:
        x = x * SQRT_M1 % P
    if y >= P or v * x * x % P != u % P:
        sys.exit("a point that is none")
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


def add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(n, p):
    total = (0, 1, 1, 0)
    while n:
        total, p, n = add(total, p) if n & 1 else total, add(p, p), n >> 1
    return total


BASE = decompress((4 * pow(5, -1, P) % P).to_bytes(32, "little"))


def ed25519_verifies(key, message, signature):
    r, s = signature[:32], int.from_bytes(signature[32:], "little")
    k = int.from_bytes(hashlib.sha512(r + key + message).digest(), "little") % Q
    left, right = times(s, BASE), add(decompress(r), times(k, decompress(key)))
    same = (left[0] * right[2] - right[0] * left[2]) % P == 0 and (left[1] * right[2] - right[1] * left[2]) % P == 0
    return s < Q and same


def verifier(vkey):
    name, key_id, coded = vkey.split("+", 2)
    kind, key = base64.b64decode(coded)[0], base64.b64decode(coded)[1:]
    if hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + key).hexdigest()[:8] != key_id:
        sys.exit(f"{name}: the key id is not the key's")
    return name, bytes.fromhex(key_id), kind, key


def signed(note, vkey):
    """Whether the note carries a valid signature of the key; for a cosigner its time."""
    text, _, lines = note.rpartition("\n\n")
    text += "\n"
    name, key_id, kind, key = verifier(vkey)
    for line in lines.splitlines():
        dash, by, coded = line.split(" ")
        data = base64.b64decode(coded)
        if (dash, by, data[:4]) != ("—", name, key_id):
            continue
        if kind == 1 and ed25519_verifies(key, text.encode(), data[4:]):
            return True
        if kind == 4:
            time = int.from_bytes(data[4:12], "big")
            if ed25519_verifies(key, f"cosignature/v1\ntime {time}\n{text}".encode(), data[12:]):
                return time
    return None


def node(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(hashes):
    """MTH of RFC 6962 §2.1 over leaf hashes."""
    if len(hashes) < 2:
        return hashes[0] if hashes else hashlib.sha256(b"").digest()
    k = 1 << (len(hashes) - 1).bit_length() - 1
    return node(root_of(hashes[:k]), root_of(hashes[k:]))


def tile_path(kind, number, width):
    text = f"{number % 1000:03}"
    while number := number // 1000:
        text = f"x{number % 1000:03}/{text}"
    return f"tile/{kind}/{text}" + (f".p/{width}" if width < 256 else "")


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("source")
    arguments.add_argument("--key", required=True)
    arguments.add_argument("--witness", action="append", default=[])
    given = arguments.parse_args()

    def get(path):
        if given.source.startswith("http"):
            return urllib.request.urlopen(f"{given.source.rstrip('/')}/{path}", timeout=20).read()
        return (pathlib.Path(given.source) / path).read_bytes()

    note = get("checkpoint").decode()
    origin, size, root = note.split("\n\n")[0].split("\n")
    if origin != verifier(given.key)[0] or not signed(note, given.key):
        sys.exit("the checkpoint is not signed with the ledger's key")
    size, entries = int(size), []
    for number in range((size + 255) // 256):
        width = min(256, size - number * 256)
        bundle = get(tile_path("entries", number, width))
        if len(bundle) != width * 34 or any(bundle[i : i + 2] != b"\0 " for i in range(0, len(bundle), 34)):
            sys.exit(f"bundle {number} has not {width} entries of 32 bytes")
        entries += [bundle[i + 2 : i + 34] for i in range(0, len(bundle), 34)]
    hashes = [hashlib.sha256(b"\0" + entry).digest() for entry in entries]
    if root_of(hashes) != base64.b64decode(root):
        sys.exit("the entries do not lead to the root of the checkpoint")
    level, row = 0, hashes
    while row:
        for number in range((len(row) + 255) // 256):
            part = row[number * 256 : number * 256 + 256]
            if get(tile_path(level, number, len(part))) != b"".join(part):
                sys.exit(f"tile {level}/{number} is not the tile of these entries")
        row = [root_of(row[i : i + 256]) for i in range(0, len(row) - 255, 256)]
        level += 1
    witnessed = [verifier(vkey)[0] for vkey in given.witness if signed(note, vkey)]
    print(f"{origin}: {size} entries verified, {level} levels of tiles, witnessed by {', '.join(witnessed) or 'nobody'}")


main()
