#!/usr/bin/env python3
"""Checks whole histories of MLS groups: that nothing secret can be had from what the provider saw.

    check_egress.py [--json] [FILE|FOLDER...]        (by default the folder egress/ beside this file)

vectors/README.md tells of the format and of its rules. This shares no code with any implementation, and needs nothing
but the standard library. It computes every hash, MAC, key derivation, Diffie-Hellman and seal of a history again, finds
out what an attacker derives from the bytes on the wire, without a seizure and with each one that the history has, and
holds that against what the history says.

Exit status: 0 all agrees; 1 differences, each on a line of its own; 2 malformed input, or wrong usage.
"""

import argparse
import base64
import hashlib
import json
import os
import re
import struct
import sys
import time
from collections import defaultdict, deque
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, Optional

from egress_history import History, Malformed, Schema, Secret, Seizure, Value, aead_nonce, read_json
from egress_primitives import coordinate, ed25519_public, hkdf_expand, mac, seal, x25519, x25519_base

HERE = Path(__file__).resolve().parent
MOST_COMPARISONS = 1 << 20  # of pieces of secrets; honest keys hardly ever resemble what they are not in
MOST_LINES = 100  # of differences, for a file
FRAGMENT = 15  # bytes in a row of a secret that count as the secret
SHORTEST = 8  # bytes; a shorter secret would be found by chance


# ---- looking for secrets

HEX_RUN = re.compile(rb"[0-9a-fA-F]{%d,}" % (2 * SHORTEST))
BASE64_RUN = re.compile(rb"[A-Za-z0-9+/_-]{%d,}" % (SHORTEST * 4 // 3 + 1))
STANDARD = bytes.maketrans(b"-_", b"+/")
CHUNK = 1 << 16


class Found(NamedTuple):
    at: int
    size: int
    form: str

    def __str__(self):
        return f"holds {self.size} bytes of it at {self.at}{self.form}"


class Scanner:
    """Finds secrets in bytes: raw, as hex of either case, as base64 of either alphabet at any alignment.

    Of FRAGMENT bytes in a row of a secret, eight are one of its blocks, those that begin at a multiple of eight.
    """

    def __init__(self, secrets):
        self.secrets = {secret.id: secret.bytes for secret in secrets if len(secret.bytes) >= SHORTEST}
        self.blocks = defaultdict(list)
        for id, data in self.secrets.items():
            for at in range(0, len(data) - 7 if len(data) >= FRAGMENT else 1, 8):
                self.blocks[int.from_bytes(data[at:at + 8], "little")].append((id, at))
        self.left = MOST_COMPARISONS

    def find(self, data):
        """For each secret that is in it, by id, where it is, or the first place of several."""
        found = {}
        if len(data) < SHORTEST:
            return found
        self.find_raw(data, found, lambda at: at, "")
        for run in HEX_RUN.finditer(data):
            for skipped in (0, 1):
                digits = run[0][skipped:]
                self.find_raw(bytes.fromhex(digits[:len(digits) & ~1].decode()), found,
                              lambda at: run.start() + skipped + 2 * at, " as hex")
        for run in BASE64_RUN.finditer(data):
            for skipped in range(4):
                digits = b"A" * skipped + run[0].translate(STANDARD)
                self.find_raw(base64.b64decode(digits + b"A" * (-len(digits) % 4)), found,
                              lambda at: run.start() + max(0, at * 4 // 3 - skipped), " as base64")
        return found

    def find_raw(self, data, found, place, form):
        for begin in range(0, len(data), CHUNK):
            chunk = data[begin:begin + CHUNK + 7]
            for shift in range(min(8, len(chunk))):
                words = struct.unpack_from(f"<{(len(chunk) - shift) // 8}Q", chunk, shift)
                if self.blocks.keys().isdisjoint(words):
                    continue
                for number, word in enumerate(words):
                    for id, at in self.blocks.get(word, ()):
                        if id not in found:
                            start, size = self.extend(data, begin + shift + 8 * number, self.secrets[id], at)
                            if size >= min(FRAGMENT, len(self.secrets[id])):
                                found[id] = Found(place(start), size, form)

    def extend(self, data, start, secret, at):
        """The longest match around the block of a secret that is in the data; its start and size."""
        self.left -= 1
        if self.left < 0:
            raise Malformed("", "secrets that are too much alike to look for them")
        low = 0
        while low < min(start, at) and data[start - low - 1] == secret[at - low - 1]:
            low += 1
        high, most = 8, min(len(data) - start, len(secret) - at)
        while high < most and data[start + high] == secret[at + high]:
            high += 1
        return start - low, low + high


# ---- what an attacker derives

class Rule(NamedTuple):
    premises: tuple  # ids; without any it is a fact
    made: int
    why: str


class Reason(NamedTuple):
    why: str
    premise: Optional[int]


class Closure:
    """All that follows from what an attacker has: a rule counts down which of its premises are missing."""

    def __init__(self, history):
        self.secrets = history.secrets
        self.scanner = Scanner(looked_for(history))
        self.contents = lru_cache(maxsize=None)(lambda id: self.scanner.find(self.secrets[id].bytes))
        self.rules = list(facts(history, self.scanner)) + list(edge_rules(history))
        self.uses = defaultdict(list)
        for number, rule in enumerate(self.rules):
            for id in rule.premises:
                self.uses[id].append(number)
        self.missing = [len(rule.premises) for rule in self.rules]
        self.base = {}
        granted = [Rule((), secret.id, "known") for secret in self.secrets if secret.known and secret.root]
        self.propagate(granted + [rule for rule in self.rules if not rule.premises], self.base, self.missing)

    def seize(self, held):
        """What is derivable if these are too: for each its Reason, in the order in which it came."""
        derived = dict(self.base)
        self.propagate([Rule((), id, "held") for id in held], derived, list(self.missing))
        return derived

    def propagate(self, new_facts, derived, missing):
        waiting = deque()

        def derive(id, why, premise=None):
            if id not in derived:
                derived[id] = Reason(why, premise)
                waiting.append(id)

        for fact in new_facts:
            derive(fact.made, fact.why)
        while waiting:
            id = waiting.popleft()
            for inner, found in self.contents(id).items():
                derive(inner, str(found), id)
            for number in self.uses[id]:
                missing[number] -= 1
                if not missing[number]:
                    derive(self.rules[number].made, self.rules[number].why, id)

    def chain(self, derived, id):
        """How it was derived, from the beginning."""
        steps, reason = [], derived[id]
        while reason.premise is not None:
            steps.append(f" -> {reason.why} -> {self.secrets[id]}")
            id, reason = reason.premise, derived[reason.premise]
        steps.append(f"{self.secrets[id]} ({reason.why})")
        if len(steps) > 16:
            steps[8:-8] = [f" -> {len(steps) - 16} more"]
        return "".join(reversed(steps))

    def why_not(self, derived, id):
        if self.secrets[id].known:
            return "it is known from the start"
        rules = [rule for rule in self.rules if rule.made == id]
        needs = [f"{rule.why} would need {', '.join(str(self.secrets[p]) for p in rule.premises if p not in derived)}"
                 for rule in rules[:3]]
        return "; ".join(needs) or "no edge makes it"


def looked_for(history):
    """Keys and texts. The second half of an Ed25519 private key is public, and its first is the seed."""
    private = {edge.made().id for edge in history.graph if edge.op == "ed25519_seed"}
    return [secret for secret in history.secrets
            if secret.kind != "plaintext" and not secret.known and secret.id not in private]


def facts(history, scanner):
    """What everybody has: on the wire, or because it is given as public."""
    for place, data, _ in history.wire:
        for id, found in scanner.find(data).items():
            yield Rule((), id, f"{place} {found}")
    whole = {secret.bytes: secret.id for secret in history.secrets if secret.bytes and not secret.known}
    looked_at = set()
    for edge in history.graph:
        for place, data in edge.public():
            if data in whole:
                yield Rule((), whole[data], f"given as public: {place}")
            elif data not in looked_at:
                for id, found in scanner.find(data).items():
                    yield Rule((), id, f"given as public: {place} {found}")
            looked_at.add(data)


def edge_rules(history):
    """What one edge derives, and what several do together."""
    owners, sealed = defaultdict(set), defaultdict(dict)
    for edge in history.graph:
        if edge.op in ("x25519", "x25519_base"):
            scalar = edge.fields["scalar"]
            owners[coordinate(x25519_base(scalar.bytes))].add(scalar.id)
        elif edge.op == "seal":
            sealed[edge.fields["key"].bytes, aead_nonce(edge.fields)].setdefault(edge.made().id, edge)
    for edge in history.graph:
        if edge.made() is None:
            continue
        made, needed = edge.made().id, edge.secrets()
        yield Rule(needed, made, str(edge) + ("" if needed else " of public data only"))
        if edge.op == "x25519":
            if not any(edge.made().bytes):
                yield Rule((), made, f"{edge} of a point of small order")
            for id in owners.get(coordinate(edge.fields["point"]), ()):
                if id not in needed:
                    yield Rule(() if id is None else (id,), made, f"{edge} from the other side")
    for edges in sealed.values():
        if len(edges) > 1:
            places = " and ".join(edge.place for edge in list(edges.values())[:2])
            for id in edges:
                yield Rule((), id, f"nonce repeated by {places}")


# ---- judging

class Difference(NamedTuple):
    place: str
    what: str
    secret: Optional[Secret] = None
    seizure: Optional[Seizure] = None

    def __str__(self):
        return f"{self.place}: " + (f"secret {self.secret} " if self.secret else "") + self.what


COMPUTE = {
    "extract": lambda f: {"out": mac(f["salt"].bytes, b"".join(piece.bytes for piece in f["ikm"]))},
    "expand": lambda f: {"out": hkdf_expand(f["prk"].bytes, f["info"], len(f["out"].bytes))},
    "x25519": lambda f: {"out": x25519(f["scalar"].bytes, f["point"])},
    "x25519_base": lambda f: {"public": x25519_base(f["scalar"].bytes)},
    "ed25519_seed": lambda f: {"public": ed25519_public(f["seed"].bytes),
                               "out": f["seed"].bytes + ed25519_public(f["seed"].bytes)},
    "seal": lambda f: {"ciphertext": seal(f["key"].bytes, aead_nonce(f), f["aad"], f["plaintext"].bytes)},
    "mac": lambda f: {"tag": mac(f["key"].bytes, f["input"])},
    "hash": lambda f: {"hash": hashlib.sha256(f["input"]).digest()},
}


def check_computed(history):
    """Every edge gives what the history says that it does."""
    for place, data, digest in history.wire:
        if digest is not None and hashlib.sha256(data).hexdigest() != digest:
            yield Difference(place, "not those that sha256 is of")
    for edge in history.graph:
        for name, result in COMPUTE[edge.op](edge.fields).items():
            given = edge.fields[name]
            secret = history.secrets[given.id] if isinstance(given, Value) else None
            given = secret.bytes if secret else given
            if result != given:
                yield Difference(f"{edge.place}.{name}", f"{edge.op} gives {clip(result)}, not {clip(given)}")


def clip(data):
    return data.hex() if len(data) <= 32 else f"{data[:32].hex()}... ({len(data)} bytes)"


def check_origins(history, closure):
    """A secret comes from somewhere: a root, or an edge that makes it; a text from a plaintext that it is in."""
    made = {(edge.made().id, edge.op == "seal") for edge in history.graph if edge.made()}
    sealed = {id for id, by_seal in made if by_seal}
    texts = {id for plaintext in sealed for id in closure.contents(plaintext)
             if history.secrets[id].bytes in history.secrets[plaintext].bytes} | sealed
    for secret in history.secrets:
        place = f"secrets[{secret.id}]"
        if secret.kind == "text":
            if len(secret.bytes) >= SHORTEST and not secret.known and secret.id not in texts:
                yield Difference(place, "is a text that no plaintext holds", secret)
        elif not secret.root and (secret.id, secret.kind == "plaintext") not in made:
            yield Difference(place, "is made by no edge, and no root", secret)
        elif secret.known and secret.id not in closure.base:
            yield Difference(place, "is called known, but does not follow from what is public", secret)


def check_steps(history):
    """Nothing is older than what it is made from, or held before it is there."""
    for edge in history.graph:
        made = history.secrets[edge.made().id] if edge.made() and edge.op != "seal" else None
        for id in edge.secrets() if made and made.step is not None else ():
            if (history.secrets[id].step or 0) > made.step:
                yield Difference(edge.place + ".out", f"is older than {history.secrets[id]}, of which it is made", made)
    for seizure in history.seizures:
        for id in seizure.held:
            if (history.secrets[id].step or 0) > seizure.step:
                yield Difference(seizure.place, "is held before it is there", history.secrets[id], seizure)


def held_in(past):
    """All that a client has held, by the linked list of its seizures."""
    held = set()
    while past:
        held.update(past[0].held)
        past = past[1]
    return held


def check_closure(history, closure):
    """Nothing is derivable without a seizure, and with one exactly what the history says."""
    leaks = {id for id in closure.base if not history.secrets[id].known}
    for id in sorted(leaks):
        yield Difference("without a seizure", f"is derivable: {closure.chain(closure.base, id)}", history.secrets[id])
    before = {}  # by client: what has been held so far, and what is derivable by its last seizure
    seized = {}  # by client and step: that seizure and all before it, as a linked list
    newest = {}  # by client, likewise
    for seizure in sorted(history.seizures, key=lambda seizure: seizure.step):
        derived = closure.seize(seizure.held)
        computed, listed = {id for id in derived if not history.secrets[id].known}, set(seizure.derivable)
        for id in sorted(computed - listed - leaks):
            yield Difference(seizure.place, f"is derivable, and not listed: {closure.chain(derived, id)}",
                             history.secrets[id], seizure)
        for id in sorted(listed - computed):
            yield Difference(seizure.place, f"is listed, and not derivable: {closure.why_not(derived, id)}",
                             history.secrets[id], seizure)
        ever, last = before.get(seizure.client, (set(), {}))
        past = newest.get(seizure.client)
        if seizure.restored is not None:  # nothing has happened since then
            past = seized[seizure.client, seizure.restored]
            ever, last = held_in(past), closure.seize(past[0].held)
        newest[seizure.client] = seized[seizure.client, seizure.step] = seizure, past
        for id in seizure.held:
            if id in ever and id not in last and history.secrets[id].kind == "key":
                yield Difference(seizure.place, "was erased, and is held again", history.secrets[id], seizure)
        before[seizure.client] = ever | set(seizure.held), derived


def check(path, schema):
    """The report on one file, as it is shown by --json."""
    begin = time.monotonic()
    report = {"file": str(path), "status": 0, "edges": 0, "wire_bytes": 0, "secrets": 0, "known": 0, "seizures": 0,
              "differences": []}
    try:
        history = History(read_json(path), schema)
        report.update(edges=len(history.graph), wire_bytes=sum(len(data) for _, data, _ in history.wire),
                      secrets=len(history.secrets), known=sum(secret.known for secret in history.secrets),
                      seizures=len(history.seizures))
        closure = Closure(history)
        differences = [*check_computed(history), *check_origins(history, closure), *check_steps(history),
                       *check_closure(history, closure)]
        report.update(status=1 if differences else 0, differences=[described(d) for d in differences])
    except (Malformed, MemoryError) as error:
        report.update(status=2, error=str(error) or "too large for this machine")
    report["seconds"] = round(time.monotonic() - begin, 3)
    return report


def described(difference):
    entry = {"text": str(difference), "place": difference.place, "what": difference.what}
    if difference.secret:
        entry["secret"] = {"id": difference.secret.id, "name": difference.secret.name}
    if difference.seizure:
        entry["seizure"] = {"client": difference.seizure.client, "step": difference.seizure.step}
    return entry


# ---- the command

def files_of(names):
    for name in map(Path, names):
        if name.is_dir():
            yield from (path for path in sorted(name.glob("*.json")) if path.name != "schema.json")
        else:
            yield name


def print_table(reports):
    width = max(len(report["file"]) for report in reports)
    print(f"{'file':{width}}  {'edges':>7}  {'wire bytes':>10}  {'secrets':>7}  {'seizures':>8}  {'seconds':>7}")
    for report in reports:
        count = len(report["differences"])
        result = ("agrees", f"{count} difference{'s' * (count > 1)}", "malformed")[report["status"]]
        print(f"{report['file']:{width}}  {report['edges']:7}  {report['wire_bytes']:10}  {report['secrets']:7}  "
              f"{report['seizures']:8}  {report['seconds']:7.2f}  {result}")
    for report in reports:
        if "error" in report:
            print(f"{report['file']}: {report['error']}")
        for difference in report["differences"][:MOST_LINES]:
            print(f"{report['file']}: {difference['text']}")
        if len(report["differences"]) > MOST_LINES:
            print(f"{report['file']}: {len(report['differences']) - MOST_LINES} more differences")


def main():
    parser = argparse.ArgumentParser(description="Checks whole histories of MLS groups.")
    parser.add_argument("--json", action="store_true", help="print a report for machines instead of a table")
    parser.add_argument("names", nargs="*", metavar="FILE|FOLDER", default=[str(HERE / "egress")])
    arguments = parser.parse_args()
    sys.stdout.reconfigure(errors="backslashreplace")
    files = list(files_of(arguments.names))
    if not files:
        parser.error(f"no histories in {', '.join(arguments.names)}")
    try:
        schema = Schema(HERE / "egress/schema.json")
    except Malformed as error:
        parser.error(f"{HERE / 'egress/schema.json'}: {error}")
    reports = [check(path, schema) for path in files]
    if arguments.json:
        print(json.dumps({"files": reports}, indent=1))
    else:
        print_table(reports)
    return max(report["status"] for report in reports)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BrokenPipeError:  # whoever read the table has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(2)
