"""Reads the histories of egress/ for check_egress.py: schema.json, and that what is referred to is there."""

import json
import re
from typing import NamedTuple, Optional

from egress_primitives import xor

MOST_BYTES = 64 << 20  # of a file
MOST_WORK = 1 << 28  # seizures times what each goes through


class Malformed(Exception):
    """What is no history: the place, and what is wrong there."""

    def __init__(self, place, what):
        super().__init__(f"{place}: {what}" if place else what)


class Bad(NamedTuple):
    """Stands for a value of JSON that no history has."""
    what: str


def read_integer(digits):
    return int(digits) if len(digits) <= 16 else Bad(f"a number of {len(digits)} digits")


def read_object(members):
    found = dict(members)
    if len(found) == len(members):
        return found
    names = [name for name, _ in members]
    return Bad(f"an object with the member {shown(next(n for n in names if names.count(n) > 1))} twice")


def read_json(path):
    if path.exists() and not path.is_file():
        raise Malformed("", "no file")
    try:
        with open(path, "rb") as file:
            data = file.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise Malformed("", f"more than {MOST_BYTES >> 20} MiB")
        return json.loads(data.decode("utf-8"), parse_int=read_integer, object_pairs_hook=read_object,
                          parse_float=lambda text: Bad("a number that is no integer"),
                          parse_constant=lambda text: Bad("a number that is none"))
    except OSError as error:
        raise Malformed("", error.strerror or "cannot be read") from None
    except UnicodeDecodeError as error:
        raise Malformed("", f"byte {error.start} is not of UTF-8") from None
    except json.JSONDecodeError as error:
        raise Malformed(f"line {error.lineno}, column {error.colno}", error.msg) from None
    except RecursionError:
        raise Malformed("", "nested too deeply") from None


def shown(value):
    text = "an object" if isinstance(value, dict) else "an array" if isinstance(value, list) else \
        value.what if isinstance(value, Bad) else ascii(value)
    return text if len(text) <= 60 else text[:57] + "..."


TYPES = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool}


class Schema:
    """As much of JSON Schema as schema.json needs."""

    def __init__(self, path):
        self.root = read_json(path)

    def check(self, value, rule, place):
        while "$ref" in rule:
            rule = self.root["$defs"][rule["$ref"].rsplit("/", 1)[1]]
        if isinstance(value, Bad):
            raise Malformed(place, value.what)
        if "oneOf" in rule:
            self.check_one_of(value, rule["oneOf"], place)
            return
        allowed = [rule["const"]] if "const" in rule else rule.get("enum")
        if allowed and not any(type(value) is type(one) and value == one for one in allowed):
            raise Malformed(place, f"{shown(value)}, where {' or '.join(map(shown, allowed))} has to be")
        if "type" in rule:
            if type(value) is not TYPES[rule["type"]]:
                raise Malformed(place, f"{shown(value)}, where the type has to be {rule['type']}")
            getattr(self, "check_" + rule["type"])(value, rule, place)

    def check_one_of(self, value, rules, place):
        """The first member that a form names tells it from the others."""
        if not isinstance(value, dict):
            raise Malformed(place, f"{shown(value)}, where the type has to be object")
        for rule in rules:
            form = self.root["$defs"][rule["$ref"].rsplit("/", 1)[1]] if "$ref" in rule else rule
            name, first = next(iter(form["properties"].items()))
            if name in value and value[name] == first.get("const", value[name]):
                self.check(value, form, place)
                return
        raise Malformed(place, f"none of the {len(rules)} forms that it can have")

    def check_object(self, value, rule, place):
        at = place + "." if place else ""
        for name in rule["required"]:
            if name not in value:
                raise Malformed(at + name, "missing")
        for name, member in value.items():
            if name not in rule["properties"]:
                raise Malformed(place, f"the unknown member {shown(name)}")
            self.check(member, rule["properties"][name], at + name)

    def check_array(self, value, rule, place):
        if len(value) > rule["maxItems"]:
            raise Malformed(place, f"more than {rule['maxItems']} elements")
        for number, element in enumerate(value):
            self.check(element, rule["items"], f"{place}[{number}]")

    @staticmethod
    def check_string(value, rule, place):
        if "pattern" in rule and not re.fullmatch(rule["pattern"], value):
            raise Malformed(place, f"{shown(value)} is not of the form {rule['pattern']}")
        if "maxLength" in rule and (len(value) > rule["maxLength"] or not value.isprintable()):
            raise Malformed(place, f"not up to {rule['maxLength']} printable characters")

    @staticmethod
    def check_integer(value, rule, place):
        if not rule["minimum"] <= value <= rule["maximum"]:
            raise Malformed(place, f"{value} is not from {rule['minimum']} to {rule['maximum']}")

    @staticmethod
    def check_boolean(value, rule, place):
        pass


class Secret(NamedTuple):
    id: int
    name: str
    kind: str
    bytes: bytes
    root: bool
    known: bool
    step: Optional[int]

    def __str__(self):
        return f'{self.id} "{self.name if len(self.name) <= 60 else self.name[:57] + "..."}"'


class Value(NamedTuple):
    bytes: bytes
    id: Optional[int] = None  # of the secret; of what is public, none


class Edge(NamedTuple):
    place: str
    op: str
    fields: dict  # by name: Value, a list of them, or public bytes

    def __str__(self):
        return f"{self.place} {self.op}"

    def secrets(self):
        """The ids of the secrets that it needs."""
        given = (self.fields[name] for name in PREMISES.get(self.op, ()))
        values = [value for field in given for value in (field if isinstance(field, list) else [field])]
        return tuple(sorted({value.id for value in values if value.id is not None}))

    def made(self):
        """The secret that it makes, or None."""
        return self.fields.get("plaintext" if self.op == "seal" else "out")

    def public(self):
        """All that it gives as public, each with its place."""
        for name, field in self.fields.items():
            values = field if isinstance(field, list) else [field]
            for number, value in enumerate(values):
                if not isinstance(value, Value):
                    yield f"{self.place}.{name}", value
                elif value.id is None:
                    yield f"{self.place}.{name}" + (f"[{number}]" if values is field else ""), value.bytes


def aead_nonce(fields):
    """The nonce of a seal as the AEAD gets it."""
    nonce, guard = fields["nonce"].bytes, fields.get("guard", b"")
    return xor(nonce, guard + bytes(12 - len(guard)))


class Seizure(NamedTuple):
    place: str
    client: int
    step: int
    held: list
    derivable: list
    restored: int = None  # the step of a seizure of the same client


PREMISES = {"extract": ("salt", "ikm"), "expand": ("prk",), "x25519": ("scalar",), "ed25519_seed": ("seed",),
            "seal": ("key",)}
SIZES = {"x25519": {"scalar": 32}, "x25519_base": {"scalar": 32}, "ed25519_seed": {"seed": 32},
         "seal": {"key": 32, "nonce": 12}}


class History:
    """One file; what refers to something refers to what is there."""

    def __init__(self, data, schema):
        schema.check(data, schema.root, "")
        self.clients = len(data["clients"])
        self.secrets = self.read_secrets(data["secrets"])
        self.wire = self.read_wire(data["wire"])
        self.graph = [self.read_edge(f"graph[{number}]", entry) for number, entry in enumerate(data["graph"])]
        self.seizures = [self.read_seizure(f"seizures[{number}]", entry) for number, entry in
                         enumerate(data["seizures"])]
        moments = {(seizure.client, seizure.step) for seizure in self.seizures}
        if len(moments) < len(self.seizures):
            raise Malformed("seizures", "two of one client in one step")
        restored = [seizure for seizure in self.seizures if seizure.restored is not None]
        for seizure in restored:
            if seizure.restored >= seizure.step or (seizure.client, seizure.restored) not in moments:
                raise Malformed(seizure.place, f"restored: no seizure of client {seizure.client} before, in step "
                                               f"{seizure.restored}")
        if len(self.seizures) * (1 + len(restored)) * (len(self.graph) + len(self.secrets)) > MOST_WORK:
            raise Malformed("seizures", "too many for a graph of this size")

    @staticmethod
    def read_secrets(entries):
        secrets, places = [], {}
        for number, entry in enumerate(entries):
            place = f"secrets[{number}]"
            if entry["id"] != number:
                raise Malformed(place + ".id", f"{entry['id']}, where its place has to be")
            secret = Secret(number, entry["name"], entry["kind"], unhex(entry["bytes"], place + ".bytes"),
                            entry.get("root", entry["kind"] == "text"), entry.get("known", False), entry.get("step"))
            if secret.bytes in places:
                raise Malformed(place + ".bytes", f"those of {places[secret.bytes]} too; one secret has one id")
            if not secret.bytes and secret.kind != "plaintext":
                raise Malformed(place + ".bytes", f"an empty {secret.kind}, which is no secret")
            places[secret.bytes] = place
            secrets.append(secret)
        return secrets

    def read_wire(self, entries):
        wire, step = [], 0
        for number, entry in enumerate(entries):
            place = f"wire[{number}]"
            if entry["step"] < step:
                raise Malformed(place + ".step", f"{entry['step']} after {step}")
            step = entry["step"]
            self.check_number(entry["from"], self.clients, place + ".from")
            for at, client in enumerate(entry["to"]):
                self.check_number(client, self.clients, f"{place}.to[{at}]")
            wire.append((place + ".bytes", unhex(entry["bytes"], place + ".bytes"), entry.get("sha256")))
        return wire

    def read_edge(self, place, entry):
        fields = {}
        for name, field in entry.items():
            if isinstance(field, list):
                fields[name] = [self.read_value(one, f"{place}.{name}[{at}]") for at, one in enumerate(field)]
            elif name != "op":
                fields[name] = self.read_value(field, f"{place}.{name}")
        for name, size in SIZES.get(entry["op"], {}).items():
            if len(fields[name].bytes) != size:
                raise Malformed(f"{place}.{name}", f"{len(fields[name].bytes)} bytes, where {size} have to be")
        if entry["op"] == "expand" and not 0 < len(fields["out"].bytes) <= 255 * 32:
            raise Malformed(place + ".out", f"{len(fields['out'].bytes)} bytes, where 1 to {255 * 32} have to be")
        return Edge(place, entry["op"], fields)

    def read_value(self, field, place):
        if isinstance(field, str):
            return unhex(field, place)
        if isinstance(field, dict) and "public" in field:
            return Value(unhex(field["public"], place))
        number = field["secret"] if isinstance(field, dict) else field
        self.check_number(number, len(self.secrets), place)
        return Value(self.secrets[number].bytes, number)

    def read_seizure(self, place, entry):
        self.check_number(entry["client"], self.clients, place + ".client")
        for name in ("held", "derivable"):
            for at, (id, next_id) in enumerate(zip(entry[name], entry[name][1:] + [len(self.secrets)])):
                if id >= next_id:
                    raise Malformed(f"{place}.{name}[{at}]", f"{id} is not less than {next_id}")
        return Seizure(f"{place} (client {entry['client']}, step {entry['step']})", **entry)

    @staticmethod
    def check_number(number, count, place):
        if number >= count:
            raise Malformed(place, f"{number}, where there are {count}")


def unhex(digits, place):
    if len(digits) % 2:
        raise Malformed(place, f"{len(digits)} hexadecimal digits, half a byte too many")
    return bytes.fromhex(digits)
