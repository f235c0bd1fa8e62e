"""The primitives of cipher suite 3, from the RFCs, for check_egress.py. Not for secrets: they take their time."""

import hashlib
import hmac
import struct
from functools import lru_cache

def mac(key, message):
    """HMAC-SHA256, RFC 2104; HKDF-Extract, RFC 5869, 2.2, is the same."""
    return hmac.new(key, message, hashlib.sha256).digest()


def hkdf_expand(prk, info, size):
    """RFC 5869, 2.3."""
    out = block = b""
    for counter in range(1, -(-size // 32) + 1):
        block = mac(prk, block + info + bytes([counter]))
        out += block
    return out[:size]


P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P
BASE_Y = 4 * pow(5, -1, P) % P
BASE_X = 15112221349535400772501151409588531511454012693041857206046113283949847762202


def clamp(scalar):
    return int.from_bytes(scalar, "little") & ((1 << 255) - 8) | 1 << 254


def coordinate(point):
    """A u-coordinate as its bytes give it: RFC 7748, 5."""
    return (int.from_bytes(point, "little") & ((1 << 255) - 1)) % P


@lru_cache(maxsize=1 << 16)
def x25519(scalar, point):
    """RFC 7748, 5."""
    k, x1 = clamp(scalar), coordinate(point)
    x2, z2, x3, z3, swapped = 1, 0, x1, 1, 0
    for at in range(254, -1, -1):
        bit = k >> at & 1
        if bit != swapped:
            x2, x3, z2, z3, swapped = x3, x2, z3, z2, bit
        a, b = x2 + z2, x2 - z2
        aa, bb = a * a % P, b * b % P
        e = aa - bb
        da, cb = (x3 - z3) * a % P, (x3 + z3) * b % P
        x3, z3 = (da + cb) ** 2 % P, x1 * ((da - cb) ** 2 % P) % P
        x2, z2 = aa * bb % P, e * (aa + 121665 * e) % P
    if swapped:
        x2, z2 = x3, z3
    return (x2 * pow(z2, P - 2, P) % P).to_bytes(32, "little")


def add_points(p, q):
    """RFC 8032, 5.1.4."""
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = p[3] * q[3] * 2 * D % P, p[2] * q[2] * 2 % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


@lru_cache(maxsize=1)
def base_multiples():
    """For each of the 64 hexadecimal digits of a scalar, what each of its values adds."""
    rows, unit = [], (BASE_X, BASE_Y, 1, BASE_X * BASE_Y % P)
    for _ in range(64):
        row = [(0, 1, 1, 0)]
        for _ in range(16):
            row.append(add_points(row[-1], unit))
        unit = row.pop()
        rows.append(row)
    return rows


def times_base(scalar):
    point = (0, 1, 1, 0)
    for at, row in enumerate(base_multiples()):
        point = add_points(point, row[scalar >> 4 * at & 15])
    return point


@lru_cache(maxsize=1 << 16)
def x25519_base(scalar):
    """X25519(scalar, 9), by the map of RFC 7748, 4.1, which is faster here than the ladder."""
    _, y, z, _ = times_base(clamp(scalar))
    return ((z + y) * pow(z - y, P - 2, P) % P).to_bytes(32, "little")


@lru_cache(maxsize=1 << 16)
def ed25519_public(seed):
    """RFC 8032, 5.1.5."""
    x, y, z, _ = times_base(clamp(hashlib.sha512(seed).digest()[:32]))
    inverse = pow(z, P - 2, P)
    return (y * inverse % P | (x * inverse % P & 1) << 255).to_bytes(32, "little")


def chacha20(key, nonce, blocks):
    """RFC 8439, 2.4, from block 0 on. A number stands for one word of all blocks, 64 bits for each of them."""
    each = ((1 << 64 * blocks) - 1) // ((1 << 64) - 1)
    mask = each * 0xffffffff
    counter = int.from_bytes(b"".join(struct.pack("<Q", block) for block in range(blocks)), "little")
    words = struct.unpack("<16I", b"expand 32-byte k" + key + bytes(4) + nonce)
    start = [word * each for word in words]
    start[12] = counter
    x = list(start)

    def quarter_round(a, b, c, d):
        for one, two, three, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            x[one] = (x[one] + x[two]) & mask
            x[three] ^= x[one]
            x[three] = (x[three] << turn | x[three] >> 32 - turn) & mask

    for _ in range(10):
        for at in range(4):
            quarter_round(at, 4 + at, 8 + at, 12 + at)
        for at in range(4):
            quarter_round(at, 4 + (at + 1) % 4, 8 + (at + 2) % 4, 12 + (at + 3) % 4)
    stream = bytearray(64 * blocks)
    for at in range(16):
        word = (x[at] + start[at] & mask).to_bytes(8 * blocks, "little")
        for byte in range(4):
            stream[4 * at + byte::64] = word[byte::8]
    return bytes(stream)


def poly1305(key, message):
    """RFC 8439, 2.5."""
    r = int.from_bytes(key[:16], "little") & 0x0ffffffc0ffffffc0ffffffc0fffffff
    total, prime = 0, 2**130 - 5
    for at in range(0, len(message), 16):
        total = (total + int.from_bytes(message[at:at + 16] + b"\x01", "little")) * r % prime
    return (total + int.from_bytes(key[16:], "little") & (1 << 128) - 1).to_bytes(16, "little")


@lru_cache(maxsize=1 << 14)
def seal(key, nonce, aad, plaintext):
    """AEAD_CHACHA20_POLY1305, RFC 8439, 2.8."""
    stream = chacha20(key, nonce, 1 + -(-len(plaintext) // 64))
    text = xor(plaintext, stream[64:64 + len(plaintext)])
    padded = aad + bytes(-len(aad) % 16) + text + bytes(-len(text) % 16)
    return text + poly1305(stream[:32], padded + struct.pack("<QQ", len(aad), len(text)))


def xor(one, other):
    return (int.from_bytes(one, "little") ^ int.from_bytes(other, "little")).to_bytes(len(one), "little")
