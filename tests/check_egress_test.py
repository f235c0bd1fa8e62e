#!/usr/bin/env python3
"""Runs vectors/check_egress.py on histories that are written here: a right one, and many that are wrong in one thing.

Each control demands exactly what it has planted. The published histories are looked at too, and damaged copies of them.
"""

import base64
import hashlib
import itertools
import json
import random
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

VECTORS = Path(__file__).resolve().parent.parent / "vectors"
sys.path.insert(0, str(VECTORS))

import check_egress  # noqa: E402
import egress_history  # noqa: E402
import egress_primitives as primitives  # noqa: E402
from small_history import FROM_JOINER, FROM_SHARED, SMALL_ORDER, from_chain, generation, history, octets  # noqa: E402

SCHEMA = egress_history.Schema(VECTORS / "egress/schema.json")
HUGE = 987654321  # stands for a number of 5001 digits


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.w = history()

    def write(self, text, name="history.json"):
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def report(self, data):
        return check_egress.check(self.write(data if isinstance(data, (str, bytes)) else json.dumps(data)), SCHEMA)

    def agrees(self):
        report = self.report(self.w.data)
        self.assertEqual((report["status"], report["differences"]), (0, []))

    def differs(self, expected, w=None):
        """Exactly these differences: for each place, the names of the secrets that it is about."""
        report = self.report((w or self.w).data)
        found = {}
        for difference in report["differences"]:
            found.setdefault(difference["place"], set()).add(difference.get("secret", {}).get("name"))
        self.assertEqual(found, expected, report)
        self.assertEqual(report["status"], 1)
        return [difference["text"] for difference in report["differences"]]

    def leaks(self, *names, w=None):
        return self.differs({"without a seizure": set(names)}, w)

    def malformed(self, data, error):
        report = self.report(data)
        self.assertEqual((report["status"], report.get("error")), (2, error))


class Wire(Case):
    """What is planted on the wire is found, and nothing else."""

    def plant(self, data):
        w = history()
        w.send(99, "application", data)
        return w

    def test_nothing_is_planted(self):
        self.agrees()

    def test_a_whole_key_at_every_offset(self):
        key = self.w.bytes("key 4")
        for offset in range(10):
            texts = self.leaks(*generation(4), w=self.plant(bytes(offset) + key + b"end"))
            self.assertIn(f"key 4\" (wire[9].bytes holds 32 bytes of it at {offset})", texts[0])

    def test_fragments(self):
        key = self.w.bytes("key 4")
        for begin in range(18):
            around = bytes(begin % 5)
            self.leaks(*generation(4), w=self.plant(around + key[begin:begin + 15] + around))
        self.w = self.plant(key[:14] + b"\x00" + key[15:29] + b"\x00" + key[30:])
        self.agrees()

    def test_a_short_secret_counts_as_a_whole(self):
        nonce = self.w.bytes("nonce 4")
        self.leaks("nonce 4", w=self.plant(b"12345" + nonce))
        self.w = self.plant(nonce[:11] + b"\x00" + nonce[1:])
        self.agrees()

    def test_hex_of_either_case(self):
        digits = self.w.bytes("key 4")[3:18].hex()
        for text in (digits, digits.upper(), digits[:8].upper() + digits[8:], "a" + digits, f"key={digits}&"):
            self.leaks(*generation(4), w=self.plant(text.encode()))
        self.leaks("nonce 4", w=self.plant(self.w.bytes("nonce 4").hex().encode()))

    def test_base64(self):
        key = octets("ff") + self.w.bytes("key 4")
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            for before in range(3):
                text = encode(key[32 - before:] + bytes(before))
                for form in (b"?" + text, b"a" + text, b"ab" + text, b"abc" + text.rstrip(b"=")):
                    self.leaks(*generation(4), w=self.plant(form))
                text = encode(key[32 - before:32] + key[40:55] + b"\xff\xef")
                self.leaks(*generation(4), w=self.plant(text))
        self.leaks("nonce 4", w=self.plant(base64.b64encode(b"-" + self.w.bytes("nonce 4"))))

    def test_the_ephemeral_private_key(self):
        self.leaks("ephemeral", "dh", *FROM_SHARED, w=self.plant(b"..." + self.w.bytes("ephemeral")))

    def test_the_receivers_key_leaks_what_only_the_sender_computed(self):
        texts = self.leaks("init_key", "dh", *FROM_SHARED, w=self.plant(self.w.bytes("init_key")))
        self.assertIn("x25519 from the other side", "".join(texts))

    def test_the_seed_and_not_the_public_half_of_a_signature_key(self):
        private = self.w.bytes("signature key")
        self.leaks("seed", "signature key", w=self.plant(private[:32]))
        self.w = self.plant(private[18:] + b"." + private[32:])
        self.agrees()

    def test_application_data(self):
        self.leaks("text 2", w=self.plant(self.w.bytes("text 2")[30:50]))

    def test_long_messages_are_looked_at_in_all_of_their_length(self):
        for offset in range(check_egress.CHUNK - 15, check_egress.CHUNK - 6):
            self.leaks("text 2", w=self.plant(bytes(offset) + self.w.bytes("text 2")[25:40]))


class Graph(Case):
    def test_a_key_derived_from_public_data_only(self):
        self.w.expand("public", b"transcript")
        self.w.extract("after it", "public", b"more")
        self.assertRegex(self.leaks("public", "after it")[1],
                         r'is derivable: \d+ "public" \(graph\[\d+\] expand of public data only\) '
                         r'-> graph\[\d+\] extract -> \d+ "after it"$')

    def test_a_key_of_two_secrets_needs_both(self):
        self.w.root("one")
        self.w.root("two")
        self.w.extract("both", "one", b"label", "two")
        self.w.extract("twice", "one", b"label", "one")
        self.w.seize(0, 50, {"one"}, {"one", "twice"})
        self.w.seize(1, 50, {"two"}, {"two"})
        self.w.seize(0, 51, {"one", "two"}, {"one", "two", "twice", "both"})
        self.agrees()

    def test_a_known_psk_as_the_root(self):
        self.w.root("psk")
        self.w.data["secrets"][-1]["known"] = True
        self.agrees()
        self.w.expand("from it", "psk")
        self.leaks("from it")

    def test_what_is_called_known_has_to_follow_from_what_is_public(self):
        self.w.expand("public", b"transcript", known=True)
        self.w.expand("fake", "joiner", known=True)
        self.differs({f"secrets[{self.w.ids['fake']}]": {"fake"}})
        self.w.send(99, "application", self.w.bytes("fake"))
        self.w.extract("other", b"", self.w.bytes("fake"), known=True)
        self.differs({f"secrets[{self.w.ids['fake']}]": {"fake"}})

    def test_what_is_known_is_looked_at(self):
        self.w.secret("announcement", b"the key is " + self.w.bytes("key 4")[7:22], "text", known=True)
        self.leaks(*generation(4))

    def test_a_secret_given_as_public(self):
        self.w.edge("hash", input=self.w.bytes("key 3").hex(), hash=hashlib.sha256(self.w.bytes("key 3")).hexdigest())
        self.assertIn("given as public: graph", self.leaks(*generation(3))[0])

    def test_a_secret_given_as_public_in_a_value(self):
        for value in (self.w.bytes("chain 5"), b"label" + self.w.bytes("chain 5")[:15]):
            w = history()
            w.extract("other", "seed", value)
            w.data["seizures"][0]["derivable"].append(w.ids["other"])
            self.leaks(*from_chain(5), w=w)

    def test_a_plaintext_given_as_public(self):
        self.w.extract("other", "joiner", self.w.bytes("group_secrets"))
        self.leaks("group_secrets", "other", *FROM_JOINER)

    def test_a_nonce_repeated(self):
        self.w.secret("again", b"something else", "plaintext")
        guard = bytes.fromhex(next(edge for edge in self.w.data["graph"] if "guard" in edge)["guard"])
        self.w.seal("key 0", "nonce 0", "again", bytes(4))
        self.w.data["seizures"].pop(1)
        self.agrees()
        self.w.data["graph"].pop()
        self.w.seal("key 0", "nonce 0", "again", guard)
        self.assertIn("nonce repeated by graph", self.leaks("again", "plaintext 0", "text 0")[0])

    def test_a_point_of_small_order(self):
        self.w.secret("nothing", bytes(32))
        self.w.edge("x25519", scalar=self.w.value("ephemeral"), point=SMALL_ORDER.hex(), out=self.w.ids["nothing"])
        self.assertIn("of small order", self.leaks("nothing")[0])

    def test_a_public_scalar(self):
        self.w.x25519("z", octets("public"), primitives.x25519_base(self.w.bytes("init_key")))
        self.leaks("z")

    def test_a_public_scalar_on_the_other_side(self):
        self.w.x25519("z", "ephemeral", self.w.public_key(octets("public")))
        self.leaks("z")

    def test_the_other_side_need_not_say_its_public_key(self):
        """Its x25519 tells whose the point is, in whatever form of the coordinate."""
        self.w.data["graph"] = [edge for edge in self.w.data["graph"] if edge["op"] != "x25519_base"]
        self.w.x25519("unused", "init_key", octets("point"))
        self.w.data["seizures"][1]["derivable"].append(self.w.ids["unused"])
        edge = next(edge for edge in self.w.data["graph"] if edge["op"] == "x25519")
        edge["point"] = (int.from_bytes(bytes.fromhex(edge["point"]), "little") | 1 << 255).to_bytes(32, "little").hex()
        self.agrees()

    def test_a_secret_of_which_nobody_knows_where_it_comes_from(self):
        self.w.secret("stray", octets("stray"))
        self.w.secret("not sealed", b"nothing", "plaintext")
        self.w.secret("not said", octets("not said"), "text")
        self.differs({f"secrets[{self.w.ids[name]}]": {name} for name in ("stray", "not sealed", "not said")})

    def test_a_key_is_not_made_by_being_sealed(self):
        self.w.secret("path secret", octets("path secret"))
        self.w.seal("hpke key", b"other nonce!", "path secret")
        self.w.data["seizures"][1]["derivable"].append(self.w.ids["path secret"])
        self.differs({f"secrets[{self.w.ids['path secret']}]": {"path secret"}})
        self.w.data["secrets"][-1]["root"] = True
        self.agrees()

    def test_steps(self):
        secrets = self.w.data["secrets"]
        for name, step in (("joiner", 2), ("chain 3", 12), ("chain 4", 12), ("init_key", 1)):
            secrets[self.w.ids[name]]["step"] = step
        self.agrees()
        secrets[self.w.ids["chain 3"]]["step"] = 13
        made = next(f"graph[{number}].out" for number, edge in enumerate(self.w.data["graph"])
                    if edge.get("out") == self.w.ids["chain 4"])
        self.differs({made: {"chain 4"}, "seizures[2] (client 1, step 12)": {"chain 3"}})


class Seizures(Case):
    LAST = "seizures[2] (client 1, step 12)"

    def held(self, *names):
        seizure = self.w.data["seizures"][2]
        seizure["held"] = sorted({*seizure["held"], *(self.w.ids[name] for name in names)})

    def test_a_chain_that_was_not_erased(self):
        self.held("chain 1")
        texts = self.differs({self.LAST: {"chain 1", "chain 2", "nonce 1", "nonce 2"} | generation(2)})
        self.assertTrue(re.search(r'secret (\d+) "text 2" is derivable, and not listed: \d+ "chain 1" \(held\) -> '
                                  r'graph\[\d+\] expand -> \d+ "chain 2" -> graph\[\d+\] expand -> \d+ "key 2" -> '
                                  r'graph\[\d+\] seal -> \d+ "plaintext 2" -> '
                                  r'holds 70 bytes of it at 2 -> \1 "text 2"$',
                                  "\n".join(texts), re.MULTILINE), texts)

    def test_a_root_that_was_not_erased(self):
        self.held("joiner")
        derivable = from_chain(3) | generation(1)
        self.differs({self.LAST: FROM_JOINER - derivable})

    def test_one_that_is_missing(self):
        for name in ("text 1", "chain 3", "nonce 5"):
            w = history()
            w.data["seizures"][2]["derivable"].remove(w.ids[name])
            self.differs({self.LAST: {name}}, w)

    def test_one_too_many(self):
        for name, why in (("key 2", "would need"), ("ephemeral", "no edge makes it")):
            w = history()
            w.data["seizures"][2]["derivable"] = sorted(w.data["seizures"][2]["derivable"] + [w.ids[name]])
            self.assertIn(why, self.differs({self.LAST: {name}}, w)[0])

    def test_what_is_known_is_not_listed(self):
        self.w.root("psk")
        self.w.data["secrets"][-1]["known"] = True
        self.w.data["seizures"][2]["derivable"].append(self.w.ids["psk"])
        self.assertIn("known from the start", self.differs({self.LAST: {"psk"}})[0])

    def test_what_leaks_anyway_is_told_once(self):
        self.w.send(99, "application", self.w.bytes("key 2"))
        self.leaks(*generation(2))

    def test_what_was_erased_is_not_held_again(self):
        self.w.seize(1, 20, {"chain 6", "key 4"}, {"chain 6"} | generation(4))
        self.w.seize(1, 30, {"chain 6", "chain 3"}, from_chain(3))
        self.differs({"seizures[4] (client 1, step 30)": {"chain 3"}})
        self.w.data["seizures"][4]["client"] = 0
        self.agrees()

    def test_a_restored_client_holds_again_what_it_has_saved(self):
        saved, later = {"chain 3"}, {"chain 6", "key 4"}
        self.w.seize(1, 20, saved, from_chain(3))
        self.w.seize(1, 30, later, {"chain 6"} | generation(4))
        self.w.seize(1, 40, saved, from_chain(3), restored=20)
        self.agrees()
        self.w.seize(1, 50, later, {"chain 6"} | generation(4))
        self.agrees()
        erased = "chain 2"  # before it had saved
        self.w.seize(1, 15, {erased}, from_chain(2))
        self.w.data["seizures"][5]["held"] = sorted({self.w.ids[erased], *self.w.data["seizures"][5]["held"]})
        self.w.data["seizures"][5]["derivable"] = sorted(self.w.ids[name] for name in from_chain(2))
        self.differs({"seizures[5] (client 1, step 40)": {erased}})

    def test_a_text_may_be_said_again(self):
        for step, held in ((20, {"text 0"}), (25, set()), (30, {"text 0"})):
            self.w.seize(1, step, held, held)
        self.agrees()

    def test_a_signature_key_gives_its_seed(self):
        self.w.data["seizures"][0]["held"] = [self.w.ids["signature key"]]
        self.agrees()


class Damage(Case):
    """A bit flipped, or a number changed, is named with its place."""

    def places(self, report):
        return {difference["place"].split(".")[0] for difference in report["differences"]}

    def flip(self, entry, member):
        digits = entry[member]
        at = len(digits) // 3
        entry[member] = digits[:at] + f"{int(digits[at], 16) ^ 4:x}" + digits[at + 1:]

    def test_bytes_of_every_edge(self):
        fields = set()
        for number, edge in enumerate(self.w.data["graph"]):
            for name, field in edge.items():
                values = [field] if isinstance(field, dict) else field if isinstance(field, list) else []
                for entry, member in [(edge, name)] + [(value, "public") for value in values if value.get("public")]:
                    if member == "op" or not isinstance(entry[member], str):
                        continue
                    fields.add((edge["op"], name, member))
                    before = entry[member]
                    self.flip(entry, member)
                    self.assertIn(f"graph[{number}]", self.places(self.report(self.w.data)))
                    entry[member] = before
        self.assertEqual(len(fields), 12, fields)

    def test_every_secret(self):
        for secret in self.w.data["secrets"]:
            before = secret["bytes"]
            self.flip(secret, "bytes")
            report = self.report(self.w.data)
            secret["bytes"] = before
            users = {f"graph[{number}]" for number, edge in enumerate(self.w.data["graph"])
                     if re.search(r'"(secret|out|plaintext)": %d\b' % secret["id"], json.dumps(edge))}
            self.assertTrue(self.places(report) & (users | {f"secrets[{secret['id']}]"}), secret)

    def test_every_message(self):
        for number, entry in enumerate(self.w.data["wire"]):
            for member in ("bytes", "sha256"):
                w = history()
                self.flip(w.data["wire"][number], member)
                self.assertEqual(self.places(self.report(w.data)), {f"wire[{number}]"})

    def test_every_number_of_an_edge_and_of_a_seizure(self):
        """Each secret in place of another."""
        for number, edge in enumerate(self.w.data["graph"]):
            for name, field in edge.items():
                for entry, member in [(edge, name), (field, "secret")]:
                    if isinstance(entry, dict) and isinstance(entry.get(member), int):
                        before = entry[member]
                        entry[member] = before - 1 if before else 1
                        report = self.report(self.w.data)
                        entry[member] = before
                        self.assertTrue(f"graph[{number}]" in self.places(report) or
                                        report.get("error", "").startswith(f"graph[{number}]."), report)
        for number, seizure in enumerate(self.w.data["seizures"]):
            for name in ("held", "derivable"):
                for at in range(0, len(seizure[name]), 4):
                    w = history()
                    del w.data["seizures"][number][name][at]
                    self.assertEqual({place.split(" ")[0] for place in self.places(self.report(w.data))},
                                     {f"seizures[{number}]"})


class Hostile(Case):
    """What is no history ends with its place, and with nothing else."""

    def test_what_is_missing_of_the_wrong_type_or_unknown(self):
        def changed(path, value):
            entry = data = json.loads(text)
            for step in path[:-1]:
                entry = entry[step]
            entry[path[-1]] = value
            if value is None:
                del entry[path[-1]]
            return json.dumps(data).replace(str(HUGE), "1" + "0" * 5000)

        text = json.dumps(self.w.data)

        base = next(number for number, edge in enumerate(self.w.data["graph"]) if edge["op"] == "x25519_base")
        seal = next(number for number, edge in enumerate(self.w.data["graph"]) if edge["op"] == "seal")
        count = len(self.w.data["secrets"])
        for path, value, error in (
                (["format"], "tacet", "format: 'tacet', where 'tacet-egress' has to be"),
                (["version"], 2, "version: 2, where 1 has to be"),
                (["version"], True, "version: True, where 1 has to be"),
                (["cipher_suite"], 1, "cipher_suite: 1, where 3 has to be"),
                (["seed"], None, "seed: missing"),
                (["seed"], 7, "seed: 7, where the type has to be string"),
                (["more"], 7, "the unknown member 'more'"),
                (["description"], "a\x1b[2J", "description: not up to 1000 printable characters"),
                (["description"], "\ud800", "description: not up to 1000 printable characters"),
                (["wire"], {}, "wire: an object, where the type has to be array"),
                (["wire", 0], 5, "wire[0]: 5, where the type has to be object"),
                (["wire", 0, "bytes"], "abc", "wire[0].bytes: 3 hexadecimal digits, half a byte too many"),
                (["wire", 0, "bytes"], "AB", "wire[0].bytes: 'AB' is not of the form ^[0-9a-f]*$"),
                (["wire", 0, "bytes"], "ab\n", "wire[0].bytes: 'ab\\n' is not of the form ^[0-9a-f]*$"),
                (["wire", 0, "to", 0], 2, "wire[0].to[0]: 2, where there are 2"),
                (["wire", 0, "from"], 2, "wire[0].from: 2, where there are 2"),
                (["wire", 1, "step"], 0, "wire[1].step: 0 after 1"),
                (["wire", 0, "step"], -1, "wire[0].step: -1 is not from 0 to 9007199254740991"),
                (["wire", 0, "step"], 1.5, "wire[0].step: a number that is no integer"),
                (["wire", 0, "step"], float("nan"), "wire[0].step: a number that is none"),
                (["wire", 0, "step"], HUGE, "wire[0].step: a number of 5001 digits"),
                (["clients", 0, "live"], 1, "clients[0].live: 1, where the type has to be boolean"),
                (["secrets", 3, "id"], 2, "secrets[3].id: 2, where its place has to be"),
                (["secrets", 3, "id"], False, "secrets[3].id: False, where the type has to be integer"),
                (["secrets", 3, "kind"], "lock",
                 "secrets[3].kind: 'lock', where 'key' or 'plaintext' or 'text' has to be"),
                (["secrets", 3, "bytes"], self.w.bytes("ikm").hex(),
                 "secrets[3].bytes: those of secrets[0] too; one secret has one id"),
                (["secrets", 3, "bytes"], "", "secrets[3].bytes: an empty key, which is no secret"),
                (["graph", 0, "op"], "xor", "graph[0]: none of the 8 forms that it can have"),
                (["graph", 0, "op"], None, "graph[0]: none of the 8 forms that it can have"),
                (["graph", 0], [], "graph[0]: an array, where the type has to be object"),
                (["graph", 0, "out"], count, f"graph[0].out: {count}, where there are {count}"),
                (["graph", 0, "out"], "1", "graph[0].out: '1', where the type has to be integer"),
                (["graph", 0, "ikm", 0], {}, "graph[0].ikm[0]: none of the 2 forms that it can have"),
                (["graph", 0, "ikm", 1, "secret"], 10**6, "graph[0].ikm[1].secret: 1000000 is not from 0 to 999999"),
                (["graph", 0, "ikm", 1, "public"], "", "graph[0].ikm[1]: the unknown member 'public'"),
                (["graph", base, "scalar"], {"public": "00"},
                 f"graph[{base}].scalar: 1 bytes, where 32 have to be"),
                (["graph", base, "public"], "00" * 31,
                 f"graph[{base}].public: '{'00' * 28}... is not of the form ^[0-9a-f]{{64}}$"),
                (["graph", seal, "nonce"], {"public": "00" * 13},
                 f"graph[{seal}].nonce: 13 bytes, where 12 have to be"),
                (["graph", seal, "guard"], "000", f"graph[{seal}].guard: 3 hexadecimal digits, half a byte too many"),
                (["seizures", 0, "client"], 9, "seizures[0].client: 9, where there are 2"),
                (["seizures", 2, "held"], [4, 4], "seizures[2].held[0]: 4 is not less than 4"),
                (["seizures", 2, "derivable"], [5, 4], "seizures[2].derivable[0]: 5 is not less than 4"),
                (["seizures", 2, "derivable"], [count], f"seizures[2].derivable[0]: {count} is not less than {count}"),
                (["seizures", 2, "restored"], 12,
                 "seizures[2] (client 1, step 12): restored: no seizure of client 1 before, in step 12"),
                (["seizures", 2, "restored"], 2,
                 "seizures[2] (client 1, step 12): restored: no seizure of client 1 before, in step 2"),
                (["seizures", 2, "step"], 1, "seizures: two of one client in one step")):
            with self.subTest(path=path, value=value):
                self.malformed(changed(path, value), error)

    def test_expand_to_no_length_that_there_is(self):
        self.w.secret("empty", b"", "plaintext")
        self.w.edge("expand", prk=self.w.value("joiner"), info="", out=self.w.ids["empty"])
        place = f"graph[{len(self.w.data['graph']) - 1}].out"
        self.malformed(self.w.data, f"{place}: 0 bytes, where 1 to 8160 have to be")

    def test_what_is_no_json(self):
        text = json.dumps(self.w.data)
        for end in range(0, len(text), 1009):
            self.assertRegex(self.report(text[:end])["error"], r"^line 1, column \d+: ")
        self.malformed(b"{\"format\": \"\xff\"}", "byte 12 is not of UTF-8")
        self.malformed("[" * 1000000, "nested too deeply")
        self.malformed("{\"wire\":" * 1000000, "nested too deeply")
        self.malformed("[]", "an array, where the type has to be object")
        self.malformed("1e999", "a number that is no integer")
        self.malformed(text.replace('"step": 1,', '"step": 1, "step": 2,', 1),
                       "wire[0]: an object with the member 'step' twice")
        self.malformed("", "line 1, column 1: Expecting value")

    def test_what_is_no_file(self):
        for path, error in ((self.folder, "no file"), (self.folder / "none.json", "No such file or directory")):
            self.assertEqual(check_egress.check(path, SCHEMA)["error"], error)
        path = self.write("")
        with open(path, "wb") as file:
            file.truncate(egress_history.MOST_BYTES + 1)
        self.assertEqual(check_egress.check(path, SCHEMA)["error"], "more than 64 MiB")

    def test_secrets_all_alike(self):
        for number in range(100):
            self.w.secret(f"alike {number}", bytes(13) + bytes([number + 3]) * 5, root=True)
        self.w.send(99, "application", b"\x02" + b"\x02".join([bytes(12)] * 100))
        self.agrees()
        with mock.patch.object(check_egress, "MOST_COMPARISONS", 10000):
            self.malformed(self.w.data, "secrets that are too much alike to look for them")

    def test_more_seizures_than_one_can_go_through(self):
        with mock.patch.object(egress_history, "MOST_WORK", 100):
            self.malformed(self.w.data, "seizures: too many for a graph of this size")

    def test_the_schema_uses_only_what_the_checker_knows(self):
        known = {"$schema", "title", "description", "type", "required", "additionalProperties", "properties", "$defs",
                 "const", "enum", "items", "maxItems", "maxLength", "pattern", "minimum", "maximum", "oneOf", "$ref"}

        def look(rule):
            self.assertLessEqual(set(rule), known)
            self.assertEqual(rule.get("type") == "object", rule.get("additionalProperties") is False)
            self.assertEqual(rule.get("type") == "array", "maxItems" in rule)
            members = (rule.get(name, {}).values() for name in ("properties", "$defs"))
            items = [rule["items"]] if "items" in rule else []
            for inner in itertools.chain(*members, rule.get("oneOf", ()), items):
                look(inner)

        look(SCHEMA.root)


class Command(Case):
    def run_it(self, *arguments):
        return subprocess.run([sys.executable, str(VECTORS / "check_egress.py"), *map(str, arguments)],
                              capture_output=True, text=True, timeout=60, check=False)

    def test_a_folder(self):
        self.write(json.dumps(self.w.data), "a.json")
        self.write("{}", "schema.json")
        result = self.run_it(self.folder)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertEqual(len(result.stdout.splitlines()), 2)
        self.assertRegex(result.stdout, r"a\.json +\d+ +\d+ +\d+ +3 +\d+\.\d\d  agrees\n$")

        self.w.data["seizures"][2]["held"].pop()
        self.w.data["description"] = "\u00e9"
        self.write(json.dumps(self.w.data), "b.json")
        result = self.run_it(self.folder)
        self.assertEqual((result.returncode, result.stderr), (1, ""))
        self.assertRegex(result.stdout, r"(?m)^\S+b\.json: seizures\[2\] \(client 1, step 12\): secret \d+ ")

        self.write("{", "c.json")
        result = self.run_it("--json", self.folder)
        self.assertEqual((result.returncode, result.stderr), (2, ""))
        files = json.loads(result.stdout)["files"]
        self.assertEqual([file["status"] for file in files], [0, 1, 2])
        self.assertEqual(files[1]["differences"][0]["seizure"], {"client": 1, "step": 12})

    def test_wrong_usage(self):
        for arguments in ([self.folder], ["--bogus"]):
            result = self.run_it(*arguments)
            self.assertEqual(result.returncode, 2)
            self.assertRegex(result.stderr, r"^usage: [^\0]*check_egress.py: error: ")

    def test_a_name_that_the_terminal_cannot_show(self):
        self.w.root("\u20ac \U0001f511")
        self.w.send(99, "application", self.w.bytes("\u20ac \U0001f511"))
        command = [sys.executable, str(VECTORS / "check_egress.py"), str(self.write(json.dumps(self.w.data)))]
        result = subprocess.run(command, capture_output=True, timeout=60, check=False,
                                env={"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"})
        self.assertEqual((result.returncode, result.stderr), (1, b""))


class Published(Case):
    """The files in vectors/egress agree; copies that are damaged at random do not, or are malformed."""

    def files(self):
        files = [path for path in sorted((VECTORS / "egress").glob("*.json")) if path.name != "schema.json"]
        self.assertGreater(len(files), 0)
        return files

    def test_files(self):
        for path in self.files():
            report = check_egress.check(path, SCHEMA)
            self.assertEqual((report["status"], report.get("error"), report["differences"]), (0, None, []))
            text = path.read_text()
            chance = random.Random(path.name)
            self.flip(text, chance)
            for _ in range(5 if len(text) < 1 << 20 else 0):  # the checker takes its time for long ones
                self.garble(text, chance)

    def test_what_is_planted_in_files(self):
        for path in self.files():
            data, chance = json.loads(path.read_text()), random.Random(path.name)
            for seizure in data["seizures"][-1:]:
                id = seizure["derivable"].pop(chance.randrange(len(seizure["derivable"])))
                differences = self.report(data)["differences"]
                self.assertEqual([entry["secret"]["id"] for entry in differences], [id])
                self.assertIn("is derivable, and not listed", differences[0]["text"])
            secret = chance.choice([one for one in data["secrets"] if one["kind"] == "key" and len(one["bytes"]) == 64])
            sent = data["wire"][-1]
            del sent["sha256"]
            sent["bytes"] += secret["bytes"][8:38]
            texts = [entry["text"] for entry in self.report(data)["differences"]
                     if entry.get("secret", {}).get("id") == secret["id"]]
            self.assertIn(f"wire[{len(data['wire']) - 1}].bytes holds 15 bytes of it", "".join(texts))

    def test_the_example_of_the_documentation(self):
        example = re.search(r'(?m)^    {"format": "tacet-egress"(.*\n)+?\n', (VECTORS / "README.md").read_text())[0]
        report = self.report(example)
        self.assertEqual((report["status"], report["edges"], report["seizures"]), (0, 2, 1), report)

    def test_the_history_of_this_test(self):
        text, chance = json.dumps(self.w.data), random.Random(1)
        for _ in range(12):
            self.flip(text, chance)
            self.garble(text, chance)

    def flip(self, text, chance):
        """A bit of what an edge has."""
        graph = text.index('"graph"'), text.index('"seizures"')
        digits = [match.span(1) for match in re.compile(r'"([0-9a-f]{16,})"').finditer(text, *graph)]
        at = chance.randrange(*chance.choice(digits))
        report = self.report(text[:at] + f"{int(text[at], 16) ^ 1:x}" + text[at + 1:])
        self.assertEqual(report["status"], 1)
        self.assertTrue(any(entry["place"].startswith("graph[") for entry in report["differences"]), report)

    def garble(self, text, chance):
        """Anything; an error is not demanded, but that the checker comes to an end."""
        at, size, other = chance.randrange(len(text)), chance.randrange(1, 50), chr(chance.randrange(128))
        for damaged in (text[:at], text[:at] + text[at + size:], text[:at] + other + text[at + 1:]):
            self.assertIn(self.report(damaged)["status"], (0, 1, 2))


if __name__ == "__main__":
    unittest.main()
