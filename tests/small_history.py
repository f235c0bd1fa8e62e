"""Small histories of the format of vectors/egress, written edge by edge, for check_egress_test.py."""

import hashlib

import egress_primitives as primitives

MESSAGES = 6
# A point of order 8.
SMALL_ORDER = bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800")


def octets(name, size=32):
    """What stands for randomness: the same in every run."""
    return hashlib.shake_128(name.encode()).digest(size)


class Writer:
    """Writes a history down as its clients make it. A secret goes by its name, and is given as that of its bytes."""

    def __init__(self):
        self.ids = {}
        self.data = {"format": "tacet-egress", "version": 1, "cipher_suite": 3, "description": "a test", "seed": "1",
                     "clients": [{"name": "0", "live": True}, {"name": "1", "live": True}], "wire": [], "secrets": [],
                     "graph": [], "seizures": []}

    def secret(self, name, value, kind="key", **more):
        self.ids[name] = len(self.ids)
        self.data["secrets"].append({"id": self.ids[name], "name": name, "kind": kind, "bytes": value.hex(), **more})
        return name

    def root(self, name, size=32, kind="key"):
        return self.secret(name, octets(name, size), kind, root=True)

    def bytes(self, value):
        return bytes.fromhex(self.data["secrets"][self.ids[value]]["bytes"]) if isinstance(value, str) else value

    def value(self, value):
        return {"secret": self.ids[value]} if isinstance(value, str) else {"public": value.hex()}

    def edge(self, op, **fields):
        self.data["graph"].append({"op": op, **fields})

    def extract(self, name, salt, *ikm, **more):
        self.secret(name, primitives.mac(self.bytes(salt), b"".join(map(self.bytes, ikm))), **more)
        self.edge("extract", salt=self.value(salt), ikm=[self.value(piece) for piece in ikm], out=self.ids[name])
        return name

    def expand(self, name, prk, size=32, **more):
        info = b"info of " + name.encode()
        self.secret(name, primitives.hkdf_expand(self.bytes(prk), info, size), **more)
        self.edge("expand", prk=self.value(prk), info=info.hex(), out=self.ids[name])
        return name

    def public_key(self, scalar):
        public = primitives.x25519_base(self.bytes(scalar))
        self.edge("x25519_base", scalar=self.value(scalar), public=public.hex())
        return public

    def x25519(self, name, scalar, point):
        self.secret(name, primitives.x25519(self.bytes(scalar), point))
        self.edge("x25519", scalar=self.value(scalar), point=point.hex(), out=self.ids[name])
        return name

    def signature_key(self, name, seed):
        public = primitives.ed25519_public(self.bytes(seed))
        self.secret(name, self.bytes(seed) + public)
        self.edge("ed25519_seed", seed=self.value(seed), out=self.ids[name], public=public.hex())
        return public

    def seal(self, key, nonce, plaintext, guard=b"", aad=b"aad"):
        used = bytes(a ^ b for a, b in zip(self.bytes(nonce), guard + bytes(12 - len(guard))))
        ciphertext = primitives.seal(self.bytes(key), used, aad, self.bytes(plaintext))
        self.edge("seal", key=self.value(key), nonce=self.value(nonce), **({"guard": guard.hex()} if guard else {}),
                  aad=aad.hex(), plaintext=self.ids[plaintext], ciphertext=ciphertext.hex())
        return ciphertext

    def send(self, step, kind, data):
        self.data["wire"].append({"step": step, "from": 0, "to": [1], "kind": kind, "bytes": data.hex(),
                                  "sha256": hashlib.sha256(data).hexdigest()})

    def seize(self, client, step, held, derivable, **more):
        ids = [sorted(self.ids[name] for name in names) for names in (held, derivable)]
        self.data["seizures"].append({"client": client, "step": step, "held": ids[0], "derivable": ids[1], **more})


def generation(number):
    """What follows from the key of a message."""
    return {f"key {number}", f"plaintext {number}", f"text {number}"}


def from_chain(first):
    """What follows from a ratchet that has been moved on so far."""
    later = range(first, MESSAGES)
    chains, nonces = {f"chain {n}" for n in range(first, MESSAGES + 1)}, {f"nonce {n}" for n in later}
    return chains.union(nonces, *map(generation, later))


FROM_JOINER = from_chain(0) | {"joiner", "confirmation_key"}
FROM_SHARED = FROM_JOINER | {"group_secrets", "hpke key", "hpke nonce", "shared", "eae_prk"}


def history():
    """A client is added by HPKE and then listens: as in MLS, each message has a key of its own from a ratchet."""
    w = Writer()
    w.root("ikm")
    w.extract("dkp_prk", b"", b"HPKE-v1", "ikm")
    w.expand("init_key", "dkp_prk")
    w.root("seed")
    package = b"key package" + w.public_key("init_key") + w.signature_key("signature key", "seed")
    w.send(1, "key_package", package)
    w.root("ephemeral")
    point = primitives.x25519_base(w.bytes("init_key"))
    kem_output = w.public_key("ephemeral")
    w.x25519("dh", "ephemeral", point)
    w.extract("eae_prk", b"", b"HPKE-v1", "dh")
    w.expand("shared", "eae_prk")
    w.expand("hpke key", "shared")
    w.expand("hpke nonce", "shared", 12)
    w.root("joiner")
    w.secret("group_secrets", b"\x20" + w.bytes("joiner") + b"\x00", "plaintext")
    w.send(2, "welcome", b"welcome" + kem_output + w.seal("hpke key", "hpke nonce", "group_secrets"))
    w.expand("confirmation_key", "joiner")
    w.edge("hash", input=package.hex(), hash=hashlib.sha256(package).hexdigest())
    tag = primitives.mac(w.bytes("confirmation_key"), b"transcript")
    w.edge("mac", key=w.value("confirmation_key"), input=b"transcript".hex(), tag=tag.hex())
    w.send(3, "commit", b"commit" + tag)
    w.expand("chain 0", "joiner")
    for number in range(MESSAGES):
        chain = f"chain {number}"
        w.expand(f"key {number}", chain)
        w.expand(f"nonce {number}", chain, 12)
        w.expand(f"chain {number + 1}", chain)
        text = w.secret(f"text {number}", octets(f"text {number}", 70), "text")
        w.secret(f"plaintext {number}", b"\x40\x46" + w.bytes(text) + bytes(40), "plaintext")
        sealed = w.seal(f"key {number}", f"nonce {number}", f"plaintext {number}", octets(f"guard {number}", 4))
        w.send(10 + number, "application", b"private" + sealed)
    w.seize(0, 3, {"seed"}, {"seed", "signature key"})
    w.seize(1, 1, {"init_key"}, {"init_key", "dh"} | FROM_SHARED)
    w.seize(1, 12, {"chain 3", "key 1"}, from_chain(3) | generation(1))
    return w
