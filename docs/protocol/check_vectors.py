#!/usr/bin/env python3
"""Computes the vectors of this folder a second time, from the pages beside it and the RFCs alone, with nothing but
Python's standard library. Slow and not constant in time: for checking, never for use.

    python3 docs/protocol/check_vectors.py
"""

import base64
import datetime
import hashlib
import hmac
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).parent / "vectors"
CHECKED = []


def load(name):
    return json.loads((HERE / name).read_text(encoding="utf-8"))


def same(what, ours, theirs):
    if ours != theirs:
        sys.exit(f"{what}: computed {ours!r}, the vector says {theirs!r}")
    CHECKED.append(what)


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def sha256(data):
    return hashlib.sha256(data).digest()


def parts(items):
    """Parts, each preceded by its length in eight bytes, big endian."""
    return b"".join(len(item).to_bytes(8, "big") + item for item in items)


# --- the curve: edwards25519 and ristretto255 (RFC 8032, RFC 9496) ---

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
SQRT_M1 = pow(2, (P - 1) // 4, P)
ZERO = (0, 1, 1, 0)


def add(p, q):
    """Extended coordinates (X, Y, Z, T), complete addition for a = -1."""
    a = (p[1] - p[0]) * (q[1] - q[0]) % P
    b = (p[1] + p[0]) * (q[1] + q[0]) % P
    c = 2 * p[3] * q[3] * D % P
    d = 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def neg(p):
    return (-p[0] % P, p[1], p[2], -p[3] % P)


def mul(k, p):
    result = ZERO
    while k:
        if k & 1:
            result = add(result, p)
        p = add(p, p)
        k >>= 1
    return result


def is_negative(x):
    return x % P & 1


def absolute(x):
    return -x % P if is_negative(x) else x % P


def sqrt_ratio(u, v):
    """RFC 9496 §4.2: whether u/v is a square, and a root of u/v or of i·u/v that is not negative."""
    r = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    check = v * r * r % P
    correct, flipped = check == u % P, check == -u % P
    flipped_i = check == -u * SQRT_M1 % P
    if flipped or flipped_i:
        r = r * SQRT_M1 % P
    return correct or flipped, absolute(r)


INVSQRT_A_MINUS_D = sqrt_ratio(1, -1 - D)[1]
# The odd root: the constant of RFC 9496 §4.1.
SQRT_AD_MINUS_ONE = P - sqrt_ratio((-D - 1) % P, 1)[1]
ONE_MINUS_D_SQ = (1 - D * D) % P
D_MINUS_ONE_SQ = (D - 1) ** 2 % P


def encode(p):
    """RFC 9496 §4.3.2."""
    x0, y0, z0, t0 = p
    u1, u2 = (z0 + y0) * (z0 - y0) % P, x0 * y0 % P
    inv = sqrt_ratio(1, u1 * u2 * u2 % P)[1]
    den1, den2 = inv * u1 % P, inv * u2 % P
    z_inv = den1 * den2 * t0 % P
    if is_negative(t0 * z_inv):
        x, y, den = y0 * SQRT_M1 % P, x0 * SQRT_M1 % P, den1 * INVSQRT_A_MINUS_D % P
    else:
        x, y, den = x0, y0, den2
    if is_negative(x * z_inv):
        y = -y % P
    return absolute(den * (z0 - y)).to_bytes(32, "little")


def decode(data):
    """RFC 9496 §4.3.1; the identity is refused here as everywhere in this protocol."""
    s = int.from_bytes(data, "little")
    if s >= P or is_negative(s) or s == 0:
        raise ValueError("not a canonical point, or the identity")
    ss = s * s % P
    u1, u2 = (1 - ss) % P, (1 + ss) % P
    v = (-D * u1 * u1 - u2 * u2) % P
    square, inv = sqrt_ratio(1, v * u2 * u2 % P)
    den_x = inv * u2 % P
    x, y = absolute(2 * s * den_x), u1 * inv * den_x * v % P
    t = x * y % P
    if not square or is_negative(t) or y == 0:
        raise ValueError("not a point")
    return (x, y, 1, t)


def one_way(data):
    """RFC 9496 §4.3.4: 64 uniform bytes to a point."""

    def half(part):
        t = int.from_bytes(part, "little") % 2**255 % P
        r = SQRT_M1 * t * t % P
        u = (r + 1) * ONE_MINUS_D_SQ % P
        v = (-1 - r * D) * (r + D) % P
        square, s = sqrt_ratio(u, v)
        c = -1
        if not square:
            s, c = -absolute(s * t) % P, r
        n = (c * (r - 1) * D_MINUS_ONE_SQ - v) % P
        w0, w1 = 2 * s * v % P, n * SQRT_AD_MINUS_ONE % P
        w2, w3 = (1 - s * s) % P, (1 + s * s) % P
        return (w0 * w3 % P, w2 * w1 % P, w1 * w3 % P, w0 * w2 % P)

    return add(half(data[:32]), half(data[32:]))


def base():
    y = 4 * pow(5, -1, P) % P
    x = sqrt_ratio((y * y - 1) % P, (D * y * y + 1) % P)[1]
    return (x, y, 1, x * y % P)


G = base()


def expand(message, dst, length):
    """expand_message_xmd with SHA-512 (RFC 9380 §5.3.1)."""
    dst += bytes([len(dst)])
    first = hashlib.sha512(bytes(128) + message + length.to_bytes(2, "big") + b"\0" + dst).digest()
    block, out = hashlib.sha512(first + b"\1" + dst).digest(), b""
    at = 1
    while True:
        out += block
        if len(out) >= length:
            return out[:length]
        at += 1
        mixed = bytes(a ^ b for a, b in zip(first, block))
        block = hashlib.sha512(mixed + bytes([at]) + dst).digest()


# --- the vectors ---


def ed25519_sign(seed, message):
    """RFC 8032 §5.1.6."""

    def compress(p):
        inv = pow(p[2], -1, P)
        x, y = p[0] * inv % P, p[1] * inv % P
        return (y | (x & 1) << 255).to_bytes(32, "little")

    digest = hashlib.sha512(seed).digest()
    a = int.from_bytes(digest[:32], "little") & ((1 << 254) - 8) | (1 << 254)
    public = compress(mul(a, G))
    r = int.from_bytes(hashlib.sha512(digest[32:] + message).digest(), "little") % L
    point = compress(mul(r, G))
    k = int.from_bytes(hashlib.sha512(point + public + message).digest(), "little") % L
    return public, point + ((r + k * a) % L).to_bytes(32, "little")


def jws():
    v = load("jws.json")
    header = f'{{"alg":"EdDSA","kid":"{v["kid"]}","typ":"{v["typ"]}"}}'
    for message in v["messages"]:
        signed = b64(header.encode()) + "." + b64(message["payload"].encode())
        public, signature = ed25519_sign(bytes.fromhex(v["seed"]), signed.encode())
        same("JWS key", b64(public), v["verify_key"])
        same("JWS", f"{signed}.{b64(signature)}", message["jws"])
        same("hash of a JWS", sha256(message["jws"].encode()).hex(), message["sha256"])
    several = v["sha256_parts"]
    same("hash of parts", sha256(parts([p.encode() for p in several["parts"]])).hex(), several["sha256"])


def act_ids():
    v = load("act-ids.json")
    random = bytes.fromhex(v["random"])
    same("act id", b64(random), v["act"])
    same("batch id", b64(random[:12] + bytes(4)), v["batch"])
    for row in v["rows"]:
        same("row id", random[:12] + (row["row"] + 1).to_bytes(4, "big"), unb64(row["id"]))
        same("row id", unb64(row["id"]).hex(), row["hex"])
    for session in v["sessions_of_town_number_7"]:
        in_japan = datetime.datetime.fromtimestamp(session["at_ms"] / 1000 + 9 * 3600, datetime.timezone.utc)
        same("session name", f"sc/v1/town/{in_japan:%Y%m%d}/7", session["name"])


def leaves():
    for leaf in load("leaf.json")["leaves"]:
        canonical = leaf["canonical"].encode()
        again = json.dumps(json.loads(canonical), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        same("canonical record", again.encode(), canonical)
        same("leaf", sha256(b"musubi/leaf/v1" + bytes.fromhex(leaf["salt"]) + canonical).hex(), leaf["leaf"])


def size_class(length):
    size = 4096
    while size < length:
        size *= 4
    return size


def classes():
    v = load("size-classes.json")
    for line in v["size_classes"]:
        same("size class", size_class(line["bytes"]), line["class"])
    for line in v["time_steps"]:
        step = 250
        while step < line["elapsed_ms"]:
            step *= 2
        same("time step", step, line["leaves_at_ms"])
    for answer in load("answer.json")["answers"]:
        same("padded size", size_class(answer["json_bytes"] + 4), answer["padded_bytes"])
        if answer["json"] is not None:
            text = answer["json"].encode()
            padded = (len(text).to_bytes(4, "big") + text).ljust(answer["padded_bytes"], b"\0")
            same("padded answer", sha256(padded).hex(), answer["padded_sha256"])


def commitments():
    for line in load("commitment.json")["commitments"]:
        data = parts([b"musubi/item-11/v1", bytes.fromhex(line["salt"]), line["content"].encode()])
        same("commitment", sha256(data).hex(), line["commitment"])


def factor(secret, label, name):
    """A transcryptor's factor of a domain (label 3) or a session (label 1), as libpep derives it."""
    name = name.encode()
    data = len(secret).to_bytes(2, "big") + secret + bytes([label]) + len(name).to_bytes(2, "big") + name
    dst = b"DeriveFactor-nPEPV1-ristretto255-SHA512"
    for counter in range(256):
        scalar = int.from_bytes(expand(data + bytes([counter]), dst, 64), "little") % L
        if scalar > 1:
            return scalar


def scalar(text):
    return int.from_bytes(bytes.fromhex(text), "little")


def link_codes():
    v = load("link-code.json")
    secrets = [{name: bytes.fromhex(text) for name, text in t.items()} for t in v["transcryptors"]]
    rooms = {room["domain"].split("/")[2]: room for room in v["rooms"]}
    y = int.from_bytes(unb64(v["global"]["blinded"]), "little")
    for t in v["transcryptors"]:
        y = y * scalar(t["blinding"]) % L
    same("global key", b64(encode(mul(y, G))), v["global"]["public"])
    keys = {}
    for name, room in rooms.items():
        k = [factor(s["rekeying"], 1, room["session"]) for s in secrets]
        s_of = [factor(s["pseudonymization"], 3, room["domain"]) for s in secrets]
        keys[name] = (k, s_of, y * k[0] * k[1] % L)
        same("session key", b64(encode(mul(keys[name][2], G))), room["public"])
        for at, t in enumerate(v["transcryptors"]):
            share = k[at] * scalar(t["blinding"]) % L
            same("share", share, scalar(room["shares"][at]))
            same("domain commitment", b64(encode(mul(s_of[at], G))), room["domain_commitments"][at])
    wide = hmac.new(bytes.fromhex(v["person_key"]), parts([b"lc/v1", bytes.fromhex(v["anchor"])]), "sha512")
    person = one_way(wide.digest())
    act = unb64(v["act"])
    code = person
    for step in v["conversions"]:
        source, target = rooms[step["from"]], rooms[step["to"]]
        (k_from, s_from, y_from), (k_to, s_to, y_to) = keys[step["from"]], keys[step["to"]]
        now = unb64(step["input"])
        same("hash of a code", sha256(now).hex(), step["input_sha256"])
        b, c = decode(now[:32]), decode(now[32:])
        same("what is asked about", encode(add(c, neg(mul(y_from, b)))), encode(code))
        for at, after in enumerate(("after_first", "after_last")):
            names = [source["domain"], target["domain"], source["session"], target["session"]]
            data = parts([b"musubi/rerandomize/v1", act, *(n.encode() for n in names), sha256(now)])
            r = hmac.new(secrets[at]["rerandomizing"], data, "sha512").digest()
            r = int.from_bytes(r, "little") % L
            s = s_to[at] * pow(s_from[at], -1, L) % L
            back = k_from[at] * pow(k_to[at], -1, L) % L
            under = mul(y_from, G) if at == 0 else mul(back * y_to % L, G)
            b, c = decode(now[:32]), decode(now[32:])
            b = mul(s * back % L, add(b, mul(r, G)))
            c = mul(s, add(c, mul(r, under)))
            now = encode(b) + encode(c)
            same(f"conversion, {after}", b64(now), step[after])
        code = mul(s_to[0] * s_to[1] * pow(s_from[0] * s_from[1], -1, L) % L, code)
        opened = add(decode(now[32:]), neg(mul(y_to, decode(now[:32]))))
        same("code that arrives", encode(opened).hex(), step["decrypted"])
        same("code that is expected", encode(code).hex(), step["decrypted"])


# --- AES-256 (FIPS 197) and AES-SIV (RFC 5297) ---


def _sbox():
    box, p, q = [0] * 256, 1, 1
    while True:
        p ^= (p << 1) ^ (0x11B if p & 0x80 else 0)
        p &= 0xFF
        for shift in (1, 2, 4):
            q ^= q << shift
        q &= 0xFF
        q ^= 0x09 if q & 0x80 else 0
        x = q
        for turn in (1, 2, 3, 4):
            x ^= (q << turn | q >> (8 - turn)) & 0xFF
        box[p] = x ^ 0x63
        if p == 1:
            break
    box[0] = 0x63
    return box


SBOX = _sbox()


def twice(a):
    return (a << 1 ^ (0x1B if a & 0x80 else 0)) & 0xFF


def aes256(key, block):
    """One block under a key of 32 bytes."""
    words, rcon = [list(key[i : i + 4]) for i in range(0, 32, 4)], 1
    for i in range(8, 60):
        word = list(words[i - 1])
        if i % 8 == 0:
            word = [SBOX[b] for b in word[1:] + word[:1]]
            word[0] ^= rcon
            rcon = twice(rcon)
        elif i % 8 == 4:
            word = [SBOX[b] for b in word]
        words.append([a ^ b for a, b in zip(words[i - 8], word)])
    keys = [sum(words[i : i + 4], []) for i in range(0, 60, 4)]
    state = [a ^ b for a, b in zip(block, keys[0])]
    for at in range(1, 15):
        state = [SBOX[b] for b in state]
        state = [state[(i + 4 * (i % 4)) % 16] for i in range(16)]
        if at < 14:
            mixed = []
            for c in range(0, 16, 4):
                a = state[c : c + 4]
                whole = a[0] ^ a[1] ^ a[2] ^ a[3]
                mixed += [a[i] ^ whole ^ twice(a[i] ^ a[(i + 1) % 4]) for i in range(4)]
            state = mixed
        state = [a ^ b for a, b in zip(state, keys[at])]
    return bytes(state)


def double(block):
    """Times x in GF(2^128) (RFC 5297 §2.3)."""
    n = int.from_bytes(block, "big") << 1
    return (n & (1 << 128) - 1 ^ (0x87 if n >> 128 else 0)).to_bytes(16, "big")


def cmac(key, message):
    """AES-CMAC (NIST SP 800-38B)."""
    sub = double(aes256(key, bytes(16)))
    blocks = [message[i : i + 16] for i in range(0, len(message), 16)] or [b""]
    last = blocks.pop()
    if len(last) < 16:
        last, sub = (last + b"\x80").ljust(16, b"\0"), double(sub)
    mac = bytes(16)
    for block in [*blocks, bytes(a ^ b for a, b in zip(last, sub))]:
        mac = aes256(key, bytes(a ^ b for a, b in zip(mac, block)))
    return mac


def siv(key, plain):
    """AES-256-SIV without associated data, of fewer than 16 bytes."""
    mac_key, ctr_key = key[:32], key[32:]
    padded = (plain + b"\x80").ljust(16, b"\0")
    iv = cmac(mac_key, bytes(a ^ b for a, b in zip(double(cmac(mac_key, bytes(16))), padded)))
    counter = bytearray(iv)
    counter[8] &= 0x7F
    counter[12] &= 0x7F
    return iv + bytes(a ^ b for a, b in zip(plain, aes256(ctr_key, bytes(counter))))


def open_codes():
    v = load("open-codes.json")

    def as_point(code):
        for t in range(8192):
            data = bytes([t % 128 * 2]) + code + bytes([t // 128])
            if any(data) and decodes(data):
                return data

    lines = [v["number"]["as"], v["drawn"], *v["reversible"]]
    same("number as a code", v["number"]["digits"].encode().ljust(30, b"\0").hex(), lines[0]["code"])
    for line in lines:
        same("code as a point", as_point(bytes.fromhex(line["code"])).hex(), line["point"])
    core, person = bytes.fromhex(v["core_key"]), bytes.fromhex(v["person"])

    def derived(label, data):
        return hmac.new(core, parts([label, data]), "sha512").digest()

    same("handle", derived(b"musubi/core/handle/v1", person)[:16].hex(), v["handle"])
    internal = derived(b"musubi/core/internal/v1", person)[:14]
    for line in v["reversible"]:
        key = derived(b"musubi/core/reversible/v1", line["domain"].encode())
        same("code of scheme 2", siv(key, internal).hex(), line["code"])


def decodes(data):
    """Whether 32 bytes are a canonical point (RFC 9496 §4.3.1)."""
    try:
        decode(data)
    except (SystemExit, AssertionError, ValueError):
        return False
    return True


for check in (jws, act_ids, leaves, classes, commitments, link_codes, open_codes):
    check()
print(f"{len(CHECKED)} values agree")
