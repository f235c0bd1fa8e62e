#!/usr/bin/env python3
"""Runs the tacet tool as a user does, on the published vectors and on what is wrong with them.

TACET_TOOL is the tool, TACET_VECTORS the folder of the published vectors, and TACET_TOOL_TEST_BUILD, which
may be missing, the tool of the test build.
"""

import copy
import json
import os
import pty
import re
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree
from pathlib import Path

TOOL = os.environ["TACET_TOOL"]
VECTORS = Path(os.environ["TACET_VECTORS"])
TEST_BUILD = os.environ.get("TACET_TOOL_TEST_BUILD")
TIMEOUT = 30  # seconds; no input may take longer

TYPES = ["deserialization", "crypto-basics", "tree-math", "tree-operations", "tree-validation", "treekem",
         "key-schedule", "psk_secret", "secret-tree", "messages", "message-protection", "transcript-hashes",
         "welcome", "passive-client"]
# The files, by the type of which they are. Those of the long histories are too long to be altered everywhere.
SHORT = {**{name: name for name in TYPES},
         **{"passive-client-" + name: "passive-client"
            for name in ("external-join", "external-proposal", "resumption-psk", "reinit", "messages",
                         "successors")}}
FILES = {**SHORT, "passive-client-200-commits": "passive-client"}
# Of another format, which check_egress_test.py looks at.
HISTORIES = ["egress/every-commit", "egress/healing", "egress/late-messages", "egress/by-chance",
             "egress/successors"]

# The members that a case's generator chooses. All others are computed from them.
INPUTS = {
    "deserialization": {"vlbytes_header"},
    "crypto-basics": {"label", "value", "secret", "context", "length", "generation", "priv", "content"},
    "tree-math": {"n_leaves"},
    "tree-operations": {"tree_before", "proposal", "proposal_sender"},
    "tree-validation": {"tree", "group_id"},
    "treekem": {"group_id", "epoch", "confirmed_transcript_hash", "ratchet_tree", "index", "encryption_priv",
                "signature_priv", "node", "path_secret", "sender", "update_path"},
    "key-schedule": {"group_id", "initial_init_secret", "tree_hash", "commit_secret", "psk_secret",
                     "confirmed_transcript_hash", "exporter/label", "exporter/context", "exporter/length"},
    "psk_secret": {"psk_id", "psk", "psk_nonce"},
    "secret-tree": {"sender_data_secret", "ciphertext", "encryption_secret", "generation"},
    "message-protection": {"group_id", "epoch", "tree_hash", "confirmed_transcript_hash", "signature_priv",
                           "encryption_secret", "sender_data_secret", "membership_key", "proposal_pub",
                           "proposal_priv", "commit_pub", "commit_priv", "application_priv"},
    "transcript-hashes": {"confirmation_key", "authenticated_content", "interim_transcript_hash_before"},
    "welcome": {"init_priv", "key_package", "signer_pub", "welcome"},
    "passive-client": {"psk_id", "psk", "key_package", "signature_priv", "encryption_priv", "init_priv", "welcome",
                       "ratchet_tree", "proposals", "commit", "private_message", "successors/cipher_suite"},
}
# All but the one of which other values pass as well, if they have the syntax.
COMPUTED = [name for name in SHORT if name != "messages"]
# What a case need not have.
OPTIONAL = {"passive-client": {"messages", "successors"}}
# What may stand where there is a null.
PRESENT = {"tree-math": 0, "treekem": "00", "passive-client": "00"}
# The outputs that only show in another, which they open to.
SHOWN_BY = {"kem_output": "plaintext", "ciphertext": "plaintext"}


def run(*arguments, tool=TOOL, **options):
    return subprocess.run([tool, *map(str, arguments)], capture_output=True, text=True, timeout=TIMEOUT,
                          check=False, **options)


def published(name):
    return json.loads((VECTORS / f"{name}.json").read_text())


def sample(name):
    """A few small cases that hold every member of the type, all of which have an effect."""
    cases = [case for case in published(name)
             if case.get("psks") != [] and case.get("n_leaves") != 1
             and 1 not in (len(case.get(member, "")) for member in ("tree_hashes", "leaves_private"))]
    return sorted(cases, key=lambda case: len(json.dumps(case)))[:2]


def places(value, path=()):
    """The path of each value inside an object or an array."""
    if not isinstance(value, (dict, list)):
        return
    for key, member in value.items() if isinstance(value, dict) else enumerate(value):
        yield path + (key,)
        yield from places(member, path + (key,))


def parent_of(case, path):
    for key in path[:-1]:
        case = case[key]
    return case


def value_at(case, path):
    return parent_of(case, path)[path[-1]]


def leaves(case):
    """The path of each value that is neither an object nor an array."""
    return [path for path in places(case) if not isinstance(value_at(case, path), (dict, list))]


def pointer(*path):
    return "".join(f"/{key}" for key in path)


def is_input(name, path):
    names = [str(key) for key in path if not isinstance(key, int)]
    inputs = INPUTS[FILES[name]]
    return names[-1] in inputs or "/".join(names[-2:]) in inputs


def altered(value, position, present=None):
    """Another value of the same kind: one digit of a hexadecimal string is another."""
    if value is None:
        return present
    if isinstance(value, int):
        return value + 1
    if not re.fullmatch("([0-9a-f]{2})*", value):
        return value + "x"
    if not value:
        return "00"
    position %= len(value)
    return f"{value[:position]}{int(value[position], 16) ^ 1:x}{value[position + 1:]}"


def vector(content):
    """What is written in hexadecimal, with the header of its length."""
    size = len(content) // 2
    digits, prefix = next((digits, prefix) for digits, prefix in ((2, 0), (4, 0x4000), (8, 0x80000000))
                          if size < 1 << 4 * digits - 2)
    return f"{prefix | size:0{digits}x}{content}"


def entries_of(tree):
    """The entries of a ratchet_tree, as they stand in it."""
    data = bytes.fromhex(tree)

    def header(at):
        size = 1 << (data[at] >> 6)
        return at + size, int.from_bytes(data[at:at + size], "big") & ((1 << 8 * size - 2) - 1)

    def after_vectors(at, count):
        for _ in range(count):
            begin, size = header(at)
            at = begin + size
        return at

    at, entries = header(0)[0], []
    while at < len(data):
        begin = at
        at += 1 if data[at] == 0 else 2
        if at - begin == 2 and data[at - 1] == 2:
            at = after_vectors(at, 3)
        elif at - begin == 2:
            at = after_vectors(after_vectors(at, 2) + 2, 6)
            source = data[at]
            at = after_vectors(at + 1 + (16 if source == 1 else 0), 3 if source == 3 else 2)
        entries.append(data[begin:at].hex())
    return entries


class ToolTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def write(self, content, name="file.json"):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    def results(self, *arguments, status=None):
        """What the tool says of each case, by --json; with that status, if one is given."""
        result = run("conformance", "--json", "-", *arguments)
        report = json.loads(result.stdout)
        self.assertEqual(result.returncode, report["status"])
        if status is not None:
            self.assertEqual(result.returncode, status, result.stderr)
        return [case for file in report["files"] for case in file.get("results", [])]

    def refuses(self, content, *needles):
        """Status 2, and a line on standard error that holds the file and each of `needles`."""
        path = self.write(content)
        result = run("conformance", path)
        self.assertEqual(result.returncode, 2, result.stdout + result.stderr)
        line = result.stderr.splitlines()[0]
        for needle in (str(path), *needles):
            self.assertIn(needle, line)

    # ---- what is right passes

    def test_the_published_vectors_pass(self):
        for arguments in ([VECTORS], []):
            result = run("conformance", *arguments)
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
            self.assertEqual(result.stderr, "")  # and no progress line, for it is no terminal
            for name in TYPES:
                count = sum(len(published(file)) for file, of_type in FILES.items() if of_type == name)
                self.assertRegex(result.stdout, rf"(?m)^{name} +(-|0x0003) +{count} +0 +0 +0$")

    def test_generate_gives_the_published_bytes(self):
        for seed, same in (("0x01", True), ("2", False)):
            out = self.folder / "made" / seed
            result = run("generate", "--seed", seed, "--out", out)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertEqual({str(path.relative_to(out).with_suffix("")) for path in out.rglob("*.*")},
                             {*FILES, *HISTORIES})
            for name in (*FILES, *HISTORIES):
                if same or name not in ("deserialization", "tree-math"):
                    made, kept = (folder / f"{name}.json" for folder in (out, VECTORS))
                    self.assertEqual(made.read_bytes() == kept.read_bytes(), same, f"{name}, seed {seed}")
        self.assertEqual(run("conformance", self.folder).returncode, 0)

    def test_hexadecimal_digits_may_be_capitals(self):
        case = sample("psk_secret")[0]
        case["psk_secret"] = case["psk_secret"].upper()
        self.assertEqual(run("conformance", self.write([case])).returncode, 0)

    def test_generations_may_stand_in_any_order(self):
        cases = published("secret-tree")
        for leaf in cases[0]["leaves"]:
            leaf.reverse()
            leaf.append(leaf[0])
        self.assertEqual(run("conformance", self.write(cases)).returncode, 0)

    def test_other_suites_run_as_far_as_their_primitives_are_built(self):
        case = published("psk_secret")[3]  # its secret depends on SHA-256 alone
        cases = [dict(case, cipher_suite=suite) for suite in (1, 2, 3, 4, 7, 99)]
        results = self.results(self.write(cases), status=0)
        self.assertEqual([result["outcome"] for result in results], ["passed"] * 3 + ["skipped"] * 3)
        self.assertEqual([result.get("reason") for result in results[3:]],
                         ["not built: SHA-512", "not built: SHA-384", "not a cipher suite of RFC 9420"])

    # ---- what is wrong does not pass

    def altered_cases(self, name, inputs):
        """Pairs of a case with one value altered and the case as it was; and the paths of these values."""
        cases, paths = [], []
        for original in sample(name):
            for number, path in enumerate(leaves(original)):
                if path == ("cipher_suite",) or is_input(name, path) != inputs:
                    continue
                case = copy.deepcopy(original)
                parent = parent_of(case, path)
                # An input's first digit, for a later one may be without effect: of a sample, of a scalar.
                value, position = parent[path[-1]], 0 if inputs else 7 * number
                parent[path[-1]] = altered(value, position, PRESENT.get(FILES[name]))
                cases += [case, original]
                paths.append(path)
        return cases, paths

    def test_an_altered_output_fails_with_its_place(self):
        for name in COMPUTED:
            cases, paths = self.altered_cases(name, inputs=False)
            if name == "welcome":
                self.assertEqual(paths, [])
                continue
            results = self.results(self.write(cases), status=1)
            for i, path in enumerate(paths):
                with self.subTest(name, path=path):
                    shown = path
                    if name == "crypto-basics":
                        shown = path[:-1] + (SHOWN_BY.get(path[-1], path[-1]),)
                    self.assertEqual(results[2 * i]["outcome"], "failed")
                    self.assertEqual(results[2 * i]["failures"][0]["pointer"], pointer(2 * i, *shown))
                    self.assertEqual(results[2 * i + 1]["outcome"], "passed")

    def test_an_altered_input_does_not_pass(self):
        for name in COMPUTED:
            cases, paths = self.altered_cases(name, inputs=True)
            results = self.results(self.write(cases))
            for i, path in enumerate(paths):
                with self.subTest(name, path=path):
                    self.assertIn(results[2 * i]["outcome"], ("failed", "malformed"))
                    self.assertEqual(results[2 * i + 1]["outcome"], "passed")

    def test_a_failure_names_its_place(self):
        cases = sample("key-schedule")
        expected = cases[1]["epochs"][0]["welcome_secret"]
        wrong = altered(expected, 40)
        cases[1]["epochs"][0]["welcome_secret"] = wrong
        path = self.write(cases)
        result = run("conformance", path)
        self.assertEqual(result.returncode, 1)
        self.assertIn(f"FAILED {path}, case 1 (key-schedule, 0x0003)\n  /1/epochs/0/welcome_secret\n"
                      f"    expected  {wrong}\n    got       {expected}\n", result.stdout)

    def test_a_missing_member_is_malformed(self):
        for name in SHORT:
            optional = OPTIONAL.get(FILES[name], set())
            for original in sample(name)[:1]:
                paths = [path for path in places(original)
                         if not isinstance(path[-1], int) and path[-1] not in optional]
                cases = [original]
                for path in paths:
                    cases.append(copy.deepcopy(original))
                    del parent_of(cases[-1], path)[path[-1]]
                results = self.results(self.write(cases), status=2)
                for i, path in enumerate(paths, 1):
                    self.check_malformed(results[i], pointer(i, *path), "missing")
            for member in original.keys() - optional:
                self.refuses([{key: value for key, value in original.items() if key != member}],
                             f"case 0, /0/{member}: missing")

    def test_a_value_of_another_kind_is_malformed(self):
        for name in SHORT:
            for original in sample(name)[:1]:
                paths = list(places(original))
                cases = [original]
                for path in paths:
                    cases.append(copy.deepcopy(original))
                    parent = parent_of(cases[-1], path)
                    parent[path[-1]] = [] if isinstance(parent[path[-1]], dict) else {}
                results = self.results(self.write(cases), status=2)
                for i, path in enumerate(paths, 1):
                    self.check_malformed(results[i], pointer(i, *path), "not a")

    def check_malformed(self, result, place, reason):
        with self.subTest(place):
            self.assertEqual(result["outcome"], "malformed")
            self.assertEqual(result["pointer"], place)
            self.assertIn(reason, result["reason"])

    def test_malformed_hexadecimal(self):
        case = sample("psk_secret")[0]
        for value, reason in (("abc", "an odd number of hexadecimal digits"),
                              ("0g", "character 1 is not a hexadecimal digit"),
                              ("0x", "character 1 is not"), (" a", "character 0 is not")):
            self.refuses([dict(case, psk_secret=value)], "case 0, /0/psk_secret: " + reason)

    def test_numbers_out_of_range(self):
        tree = sample("tree-math")[0]
        for leaves_number in (-1, 1.5, 1e300, 2**32, 10**30, True):
            self.refuses([dict(tree, n_leaves=leaves_number)], "case 0, /0/n_leaves: not a whole number")
        for leaves_number in (0, 3, 2**31, 2**32 - 1):
            self.refuses([dict(tree, n_leaves=leaves_number)], "case 0, /0/n_leaves: not a power of two")
        self.refuses([dict(tree, n_leaves=2**30)], "case 0, /0/left: ", "where there must be 2147483647")
        self.refuses([dict(tree, parent=[])], "case 0, /0/parent: 0 elements where there must be 3")
        self.refuses([dict(sample("psk_secret")[0], cipher_suite=65536)], "case 0, /0/cipher_suite: ")

    def test_absurd_lengths(self):
        basics = sample("crypto-basics")[0]
        basics["expand_with_label"]["length"] = 65535
        self.refuses([basics], "case 0, /0/expand_with_label/out: ", "bytes where there must be 65535")
        schedule = sample("key-schedule")[0]
        schedule["epochs"][0]["exporter"]["length"] = 2**32 - 1
        self.refuses([schedule], "case 0, /0/epochs/0/exporter/secret: ", "where there must be 4294967295")
        schedule = sample("key-schedule")[0]
        schedule["epochs"][0]["commit_secret"] = "00" * 1000
        self.refuses([schedule], "case 0, /0/epochs/0/commit_secret: 1000 bytes where there must be 32")
        tree = sample("secret-tree")[0]
        tree["leaves"][0][0]["generation"] = 2**32 - 1
        self.refuses([tree], "case 0, /0/leaves/0/0/generation: over 16384")
        self.refuses([dict(tree, leaves=[])], "case 0, /0/leaves: a tree has at least one leaf")

    # ---- trees

    def fails(self, case, place, refused=None):
        """The case fails, first at that place; with that refusal, or by another value."""
        result, = self.results(self.write([case]), status=1)
        self.assertEqual(result["outcome"], "failed")
        failure = result["failures"][0]
        self.assertEqual((failure["pointer"], failure.get("refused")), (pointer(0, *place), refused))

    def test_trees_that_cannot_be_decoded(self):
        for name, member in (("tree-operations", "tree_before"), ("tree-validation", "tree"),
                             ("treekem", "ratchet_tree")):
            case = sample(name)[0]
            whole = case[member]
            for value, reason in (
                    ("", "the input ends before"), (whole[:-2], "the input ends before"),
                    (whole + "00", "bytes are left over"), ("c0" + whole[2:], "invalid prefix 11"),
                    (vector("02"), "presence octet"), (vector("0103"), "a NodeType is neither"),
                    (vector("010120"), "ends in the middle of one of its elements"),
                    ("bfffffff01", "the input ends before"), (whole[:-1], "an odd number")):
                with self.subTest(name, value=value[:16]):
                    self.refuses([{**case, member: value}], f"case 0, /0/{member}: ", reason)

    def test_trees_that_are_not_valid(self):
        leaf = entries_of(sample("tree-validation")[0]["tree"])[0]
        for name, member in (("tree-operations", "tree_before"), ("tree-validation", "tree"),
                             ("treekem", "ratchet_tree")):
            case = next(case for case in published(name) if entries_of(case[member])[1:2] not in ([], ["00"]))
            nodes = entries_of(case[member])
            for entries, refused in (
                    ([], "tree_empty"), (["00"], "tree_empty"), (nodes + ["00"], "tree_trailing_blank"),
                    ([leaf, leaf], "node_misplaced"), (nodes[:2], "tree_overwide"),
                    ([leaf, "00", leaf], "encryption_key_repeated"),
                    ([nodes[0], altered(nodes[1], 10), nodes[2]], "parent_hash_invalid"),
                    (["00"] * 2**17 + [leaf], "too_many_leaves")):
                with self.subTest(name, refused=refused):
                    self.fails({**case, member: vector("".join(entries))}, [member], refused)

    def test_leaves_of_a_tree_are_verified(self):
        for name, member in (("tree-validation", "tree"), ("treekem", "ratchet_tree")):
            case = sample(name)[0]
            self.fails({**case, member: altered(case[member], len(case[member]) - 1)}, [member],
                       "signature_invalid")  # that of the last leaf, at its end

    def test_no_digit_of_a_tree_or_a_path_or_a_message_is_free(self):
        for name, path in (("tree-operations", ("tree_before",)), ("tree-validation", ("tree",)),
                           ("treekem", ("ratchet_tree",)), ("treekem", ("update_paths", 0, "update_path")),
                           ("message-protection", ("proposal_pub",)),
                           ("message-protection", ("commit_priv",)),
                           ("message-protection", ("application_priv",)),
                           ("transcript-hashes", ("authenticated_content",)),
                           ("welcome", ("key_package",)), ("welcome", ("welcome",))):
            original = published(name)[3]
            positions = range(0, len(value_at(original, path)), 7)
            cases = [copy.deepcopy(original) for _ in positions]
            for case, position in zip(cases, positions):
                parent_of(case, path)[path[-1]] = altered(value_at(case, path), position)
            for result, position in zip(self.results(self.write(cases)), positions):
                with self.subTest(name, path=path, position=position):
                    self.assertIn(result["outcome"], ("failed", "malformed"))

    def test_arrays_about_a_tree_have_the_size_of_the_tree(self):
        case = sample("tree-validation")[0]
        size = len(case["tree_hashes"])
        for member in ("resolutions", "tree_hashes"):
            for wrong in (case[member][1:], case[member] * 1000, []):
                self.refuses([{**case, member: wrong}], f"case 0, /0/{member}: {len(wrong)} elements where "
                             f"there must be {size}")
        case = sample("treekem")[0]
        path = case["update_paths"][0]
        path["path_secrets"].append(None)
        self.refuses([case], "case 0, /0/update_paths/0/path_secrets: ", "elements where there must be")
        case = sample("treekem")[0]
        members = len(case["leaves_private"])
        del case["leaves_private"][0]
        self.refuses([case], f"case 0, /0/leaves_private: {members - 1} members where the tree has {members}")

    def test_another_resolution(self):
        case = sample("tree-validation")[0]
        for wrong in ([], case["resolutions"][1] + [0]):
            resolutions = case["resolutions"][:1] + [wrong] + case["resolutions"][2:]
            self.fails({**case, "resolutions": resolutions}, ["resolutions", 1])

    @staticmethod
    def first_leaf_is_blank():
        return next(case for case in published("tree-operations")
                    if entries_of(case["tree_before"])[0] == "00")

    def test_the_widest_tree(self):
        case = next(case for case in published("tree-operations")
                    if len(entries_of(case["tree_before"])) == 3)
        first, _, last = entries_of(case["tree_before"])
        wide = vector("".join([first] + ["00"] * (2**17 - 3) + [last]))
        removed = dict(case, tree_before=wide, proposal_sender=0, proposal="00030000ffff",
                       tree_after=vector(first))
        result, = self.results(self.write([removed]), status=1)
        self.assertEqual([failure["pointer"] for failure in result["failures"]],
                         ["/0/tree_hash_before", "/0/tree_hash_after"])

    def test_leaf_indexes(self):
        operation = self.first_leaf_is_blank()
        for sender, reason in ((0, "the index of a blank leaf"), (1000, "outside the tree"),
                               (2**32 - 1, "outside the tree"), (2**32, "not a whole number")):
            self.refuses([dict(operation, proposal_sender=sender)], "case 0, /0/proposal_sender: " + reason)
        for path, value, reason in (
                (("update_paths", 0, "sender"), 1000, "outside the tree"),
                (("leaves_private", 0, "index"), 1000, "outside the tree"),
                (("leaves_private", 1, "index"), 0, "the index of an entry before"),
                (("leaves_private", 0, "path_secrets", 0, "node"), 2**32 - 1, "not a node above leaf 0"),
                (("leaves_private", 0, "path_secrets", 0, "node"), 0, "not a node above leaf 0")):
            case = next(case for case in published("treekem") if len(case["leaves_private"]) == 8)
            parent_of(case, path)[path[-1]] = value
            self.refuses([case], f"case 0, {pointer(0, *path)}: ", reason)
        case["leaves_private"][0]["path_secrets"] = [case["leaves_private"][1]["path_secrets"][0]] * 2
        self.refuses([case], "case 0, /0/leaves_private/0/path_secrets/1/node: ", "an entry before")

    def test_proposals(self):
        case = next(case for case in published("tree-operations") if case["proposal"].startswith("0002"))
        for proposal, reason in (
                ("", "not an Add, Update or Remove"), ("0004" + "00" * 40, "not an Add, Update or Remove"),
                ("000300", "the input ends before"), ("00030000000000", "bytes are left over"),
                (case["proposal"] + "00", "bytes are left over"), (case["proposal"][:-2], "the input ends")):
            self.refuses([dict(case, proposal=proposal)], "case 0, /0/proposal: ", reason)
        case = self.first_leaf_is_blank()
        for proposal, refused in (("000300000000", "leaf_blank"), ("000300001000", "leaf_outside_tree")):
            self.fails(dict(case, proposal=proposal), ["proposal"], refused)
        leaf = entries_of(case["tree_before"])[2 * case["proposal_sender"]][4:]
        self.fails(dict(case, proposal="0002" + leaf), ["proposal"], "encryption_key_unchanged")

    def test_private_keys_that_are_not_those_of_the_tree(self):
        for member in ("encryption_priv", "signature_priv"):
            case = sample("treekem")[0]
            first, second = case["leaves_private"][:2]
            first[member], second[member] = second[member], first[member]
            self.fails(case, ["leaves_private", 0, member])
        case = next(case for case in published("treekem") if len(case["leaves_private"]) == 8)
        secrets = case["leaves_private"][0]["path_secrets"]
        secrets[0]["path_secret"] = secrets[1]["path_secret"]
        self.fails(case, ["leaves_private", 0, "path_secrets", 0, "path_secret"])

    def test_a_secret_for_a_node_that_is_blank(self):
        for case in published("treekem"):
            nodes = entries_of(case["ratchet_tree"])
            if len(nodes) > 4 and nodes[3] == "00" and case["leaves_private"][0]["index"] == 0:
                secrets = case["leaves_private"][0]["path_secrets"]
                secrets.append({"node": 3, "path_secret": secrets[0]["path_secret"]})
                self.fails(case, ["leaves_private", 0, "path_secrets", len(secrets) - 1, "path_secret"])
                return
        self.fail("no such case")

    def test_a_member_that_cannot_open_a_path(self):
        for case in published("treekem"):
            for i, path in enumerate(case["update_paths"]):
                for j, secret in enumerate(path["path_secrets"]):
                    if secret is None:
                        continue
                    wrong = copy.deepcopy(case)
                    wrong["update_paths"] = [wrong["update_paths"][i]]
                    wrong["update_paths"][0]["path_secrets"][j] = None
                    self.fails(wrong, ["update_paths", 0, "path_secrets", j])
                    break
        case = sample("treekem")[0]
        path = case["update_paths"][0]
        path["update_path"] = altered(path["update_path"], len(path["update_path"]) - 1)  # in a ciphertext
        self.fails(case, ["update_paths", 0, "path_secrets", 1 - path["sender"]], "not_authentic")

    def test_update_paths_that_are_not_valid(self):
        case = sample("treekem")[0]
        first, second = case["update_paths"][:2]
        first["update_path"], second["update_path"] = second["update_path"], first["update_path"]
        self.fails(case, ["update_paths", 0, "update_path"], "signature_invalid")
        case = sample("treekem")[0]
        path = case["update_paths"][0]
        for value, reason in ((path["update_path"] + "00", "bytes are left over"), ("", "the input ends")):
            path["update_path"] = value
            self.refuses([case], "case 0, /0/update_paths/0/update_path: ", reason)

    # ---- messages

    def test_messages_are_decoded_whole(self):
        for case in published("messages"):
            cases, expected = [], []
            for member, value in case.items():
                for wrong, refusals in (("", {"truncated"}), (value[:-2], {"truncated", "list_not_whole"}),
                                        (value + "00", {"trailing_bytes"})):
                    cases.append({**case, member: wrong})
                    expected.append((member, refusals))
            results = self.results(self.write(cases), status=1)
            for i, (member, refusals) in enumerate(expected):
                with self.subTest(member, i=i):
                    failure, = results[i]["failures"]
                    self.assertEqual(failure["pointer"], pointer(i, member))
                    self.assertIn(failure["refused"], refusals)

    def test_messages_that_cannot_be_decoded(self):
        case = sample("messages")[0]
        for member, wrong, refused in (
                ("mls_welcome", "0002" + case["mls_welcome"][4:], "message_version"),
                ("mls_group_info", "00010006" + case["mls_group_info"][8:], "wire_format_unknown"),
                ("mls_key_package", case["mls_key_package"][:-2], "truncated"),
                ("ratchet_tree", vector("02"), "optional_presence"),
                ("group_secrets", "0002", "optional_presence"),
                ("pre_shared_key_proposal", "03" + case["pre_shared_key_proposal"][2:], "psk_type_unknown"),
                ("commit", vector("0300") + "00", "proposal_or_ref_type_unknown"),
                ("commit", vector("0202aa") + "00", "list_not_whole"),
                ("commit", vector("024001aa") + "00", "varint_not_minimal")):
            with self.subTest(member, wrong=wrong[:16]):
                self.fails({**case, member: wrong}, [member], refused)

    def test_messages_of_another_kind(self):
        messages, protection = sample("messages")[0], sample("message-protection")[0]
        transcript, welcome = sample("transcript-hashes")[0], sample("welcome")[0]
        application = transcript["authenticated_content"][:4] + vector("") + 8 * "00" + "0100000000" + "0001"
        for case, member, wrong, reason in (
                (messages, "mls_welcome", messages["mls_group_info"], "wire format"),
                (messages, "mls_key_package", messages["private_message"], "wire format"),
                (messages, "private_message", messages["public_message_commit"], "wire format"),
                (messages, "public_message_commit", messages["private_message"], "wire format"),
                (messages, "public_message_application", messages["public_message_proposal"], "content type"),
                (messages, "public_message_proposal", messages["public_message_commit"], "content type"),
                (protection, "proposal_pub", protection["proposal_priv"], "wire format"),
                (protection, "commit_priv", protection["commit_pub"], "wire format"),
                (protection, "proposal_pub", protection["commit_pub"], "content type"),
                (protection, "commit_priv", protection["proposal_priv"], "content type"),
                (protection, "application_priv", protection["commit_priv"], "content type"),
                (transcript, "authenticated_content", application + "0000", "not a Commit"),
                (welcome, "welcome", welcome["key_package"], "wire format"),
                (welcome, "key_package", welcome["welcome"], "wire format")):
            with self.subTest(member, reason=reason):
                self.refuses([{**case, member: wrong}], f"case 0, /0/{member}: ", reason)

    def test_messages_that_cannot_be_opened(self):
        case = sample("message-protection")[0]
        other = published("message-protection")[1]
        for member, place, refused in (
                ("membership_key", "proposal_pub", "membership_tag_invalid"),
                ("sender_data_secret", "proposal_priv", "sender_data_not_authentic"),
                ("encryption_secret", "proposal_priv", "content_not_authentic"),
                ("group_id", "proposal_pub", "group_id_mismatch"),
                ("epoch", "proposal_pub", "epoch_past")):
            with self.subTest(member):
                self.fails({**case, member: other[member]}, [place], refused)
        keys = {member: other[member] for member in ("signature_priv", "signature_pub")}
        self.fails({**case, **keys}, ["proposal_pub"], "message_signature_invalid")

    def test_messages_are_from_the_member_at_leaf_1(self):
        case = sample("message-protection")[0]
        for message in published("messages"):
            proposal = message["public_message_proposal"]
            size = int(proposal[8:10], 16)
            if size >= 64 or proposal[2 * size + 26:2 * size + 28] != "03":  # new_member_proposal
                continue
            wrong = {**case, "proposal_pub": proposal, "group_id": proposal[10:2 * size + 10],
                     "epoch": int(proposal[2 * size + 10:2 * size + 26], 16)}
            self.refuses([wrong], "case 0, /0/proposal_pub: not from the member at leaf 1")
            return
        self.fail("no such case")

    def test_confirmation_tags(self):
        case = sample("transcript-hashes")[0]
        self.fails({**case, "confirmation_key": altered(case["confirmation_key"], 5)},
                   ["authenticated_content"], "confirmation_tag_invalid")

    def test_welcomes_that_cannot_be_opened(self):
        case, other = sample("welcome")[:2]
        for members, place, refused in (
                (["init_priv"], "init_priv", None), (["key_package"], "init_priv", None),
                (["init_priv", "key_package"], "welcome", "group_secrets_absent"),
                (["signer_pub"], "welcome", "group_info_signature_invalid")):
            with self.subTest(members):
                self.fails({**case, **{member: other[member] for member in members}}, [place], refused)
        wrong = altered(case["welcome"], len(case["welcome"]) - 1)  # in the encrypted GroupInfo
        self.fails({**case, "welcome": wrong}, ["welcome"], "group_secrets_not_authentic")

    # ---- passive clients

    def test_a_commit_in_the_middle_of_a_long_history(self):
        for i, case in enumerate(published("passive-client-200-commits")):
            self.assertEqual(len(case["epochs"]), 200)
            epoch = case["epochs"][150]
            epoch["commit"] = altered(epoch["commit"], len(epoch["commit"]) - 1)
            with self.subTest(i):
                self.fails(case, ["epochs", 150, "commit"],
                           ("membership_tag_invalid", "content_not_authentic")[i])

    def test_what_is_told_beside_the_format_may_be_passed_over(self):
        for name, members in OPTIONAL.items():
            files = [file for file in SHORT if FILES[file] == name]
            cases = [case for file in files for case in published(file)]
            for case in cases:
                for member in members:
                    case.pop(member, None)
                    for epoch in case["epochs"]:
                        epoch.pop(member, None)
            self.assertEqual({result["outcome"] for result in self.results(self.write(cases))}, {"passed"})

    @staticmethod
    def overtaking():
        """A case whose client hears some before it has another Commit."""
        return next(case for case in published("passive-client-messages") if len(case.get("messages", [])) > 7)

    def test_messages_may_come_in_any_order(self):
        case = self.overtaking()
        for told in (case, *case["epochs"]):
            told["messages"].reverse()
        self.assertEqual(run("conformance", self.write([case])).returncode, 0)

    def test_a_message_is_read_once_and_in_its_epoch(self):
        case = self.overtaking()
        first, second = case["messages"], case["epochs"][0]["messages"]
        self.fails({**case, "messages": first + first[2:3]}, ["messages", len(first), "private_message"],
                   "generation_gone")
        self.fails({**case, "messages": first + second[:1]}, ["messages", len(first), "private_message"],
                   "epoch_future")

    def test_what_is_no_application_message(self):
        case = self.overtaking()
        epoch = case["epochs"][0]
        for wrong, place, reason in (
                ({"messages": [{**case["messages"][0], "private_message": epoch["commit"]}]},
                 "messages/0/private_message", "no application data"),
                ({"messages": [], "epochs": [{**epoch, "proposals": [epoch["commit"]]}]},
                 "epochs/0/proposals/0", "no proposal"),
                ({"messages": [], "epochs": [{**epoch, "commit": case["messages"][0]["private_message"]}]},
                 "epochs/0/commit", "no Commit that keeps the client")):
            self.refuses([{**case, **wrong}], f"case 0, /0/{place}: ", reason)

    def test_successors_are_held_to_their_former_group(self):
        again, _, branch = published("passive-client-successors")[:3]
        successor = again["successors"][0]
        self.fails(successor, ["welcome"], "psk_unknown")
        # The second of the branches is from the last of the epochs, the first from the one before them.
        self.fails({**branch, "epochs": []}, ["successors", 1, "welcome"], "psk_unknown")
        self.fails({**branch, "successors": [successor]}, ["successors", 0, "welcome"], "psk_unknown")
        self.refuses([{**again, "successors": [{**successor, "cipher_suite": 1}]}],
                     "case 0, /0/successors/0/cipher_suite: another than that of the group that it succeeds")

    # ---- JSON

    def test_malformed_json(self):
        for content, place, reason in (
                ("", "line 1, column 0", ""),
                ('[\n {"n_leaves": 1,\n  "root" 1}]', "line 3, column 1", "syntax error"),
                ("[] x", "line 1, column 4", "expected end of input"),
                ("[\0]", "line 1", "syntax error"),
                ('[{"n_leaves": 1e999}]', "line 1", "number overflow"),
                ('[\n{"root": 1, "root": 1}]', "line 2", "has a member of that name already"),
                ("[" * 1000000, "line 1, column 65", "nested more than 64 deep"),
                ('[{"a":' * 1000000, "line 1", "nested more than 64 deep"),
                (json.dumps([{str(i): i for i in range(101)}]), "line 1", "more than 100 members"),
                ('{"n_leaves": 1}', "not an array of cases", ""),
                ("[1, 2]", "not an array of objects", "")):
            self.refuses(content, place, reason)
        (self.folder / "file.json").write_bytes(b'["\xff"]')
        self.assertEqual(run("conformance", self.folder).returncode, 2)

    def test_a_case_that_is_no_object(self):
        self.refuses(published("deserialization")[:2] + [7], "case 2, /2: not an object")

    def test_many_small_cases_take_linear_time(self):
        case = {"vlbytes_header": "3f", "length": 63}
        self.assertEqual(run("conformance", self.write([case] * 100000)).returncode, 0)

    def test_a_file_that_is_too_large(self):
        path = self.write("")
        os.truncate(path, (256 << 20) + 1)
        result = run("conformance", path)
        self.assertEqual((result.returncode, result.stderr), (2, f"tacet: {path}: larger than 256 MiB\n"))

    # ---- files and folders

    def test_folders(self):
        self.write(published("tree-math"), "b/deeper/x.json")
        self.write(published("psk_secret"), "a.json")
        self.write("not JSON at all", "notes.txt")
        result = run("conformance", "--verbose", self.folder)
        self.assertEqual(result.returncode, 0)
        files = re.findall(r"(?m)^passed (.*), case 0 ", result.stdout)
        self.assertEqual(files, [str(self.folder / "a.json"), str(self.folder / "b/deeper/x.json")])

    def test_a_folder_without_files(self):
        self.write("x", "notes.txt")
        result = run("conformance", self.folder)
        self.assertEqual(result.returncode, 2)
        self.assertEqual(result.stderr, f"tacet: {self.folder}: a folder without any *.json\n")

    def test_what_cannot_be_read_stops_nothing_else(self):
        bad = [{"vlbytes_header": "01", "length": 2}]
        paths = [self.folder / "missing.json", self.write("[", "a.json"), self.write(bad, "b.json")]
        result = run("conformance", *paths)
        self.assertEqual(result.returncode, 2)  # which wins over 1
        self.assertIn(f"FAILED {paths[2]}, case 0", result.stdout)
        for path in paths[:2]:
            self.assertIn(f"tacet: {path}: ", result.stderr)
        self.assertEqual(run("conformance", paths[2]).returncode, 1)

    def test_unknown_types(self):
        path = self.write([{"wel\x1b[31mcome": "00", "key_package": "00"}] * 3)
        empty = self.write([], "empty.json")
        result = run("conformance", path, empty)
        self.assertEqual(result.returncode, 0)
        self.assertIn(f"unknown type: {path}, 3 cases with wel\\x1b[31mcome, key_package\n", result.stdout)
        self.assertIn(f"unknown type: {empty}, 0 cases\n", result.stdout)
        self.assertIn("NO CASE WAS RUN", result.stdout)
        self.assertRegex(result.stdout, r"(?m)^total +0 +0 +0 +0$")

    # ---- options

    def test_filters(self):
        suites = [dict(published("psk_secret")[2], cipher_suite=suite) for suite in (1, 2, 3, 4)]
        folder = self.write(suites, "psk_secret.json").parent
        self.write(published("tree-math")[:1], "tree-math.json")
        for arguments, totals in (
                ([], "4 0 1"), (["--suite", "3"], "1 0 0"), (["--suite", "0x0003", "--suite=4"], "1 0 1"),
                (["--type", "tree-math"], "1 0 0"),
                (["--type", "tree-math", "--type", "psk_secret"], "4 0 1"),
                (["--type", "psk_secret", "--suite", "2"], "1 0 0")):
            result = run("conformance", *arguments, folder)
            self.assertEqual(result.returncode, 0, arguments)
            self.assertRegex(result.stdout, rf"(?m)^total +{' +'.join(totals.split())} +0$")

    def test_filters_that_let_nothing_through(self):
        for arguments in (["--suite", "7"], ["--type", "key-schedule"],
                          ["--type", "deserialization", "--suite", "3"]):
            path = VECTORS / "deserialization.json"
            result = run("conformance", *arguments, path)
            self.assertEqual(result.returncode, 2)
            self.assertIn("no case in these files", result.stderr)

    def test_usage_errors(self):
        for arguments, needle in (
                ([], "subcommand"), (["bogus"], "subcommand"), (["--bogus", "conformance"], "--bogus"),
                (["conformance", "--bogus"], "--bogus"), (["conformance", "--type", "x"], "secret-tree"),
                (["conformance", "--suite", "x"], "not a number from 0 to 65535"),
                (["conformance", "--suite", "65536"], "not a number"),
                (["conformance", "--suite"], "--suite"), (["generate"], "--seed"),
                (["generate", "--seed", "-1"], "not a number"),
                (["--switch-off", "truncated", "conformance"], "--switch-off")):
            result = run(*arguments)
            self.assertEqual(result.returncode, 2, arguments)
            self.assertIn(needle, result.stderr)
        for arguments in (["--help"], ["--version"], ["conformance", "--help"], ["generate", "--help"]):
            result = run(*arguments)
            self.assertEqual((result.returncode, result.stderr), (0, ""), arguments)
        self.assertIn("Exit status: 0 if no case failed; 1 if", run("conformance", "--help").stdout)
        self.assertRegex(run("--version").stdout, r"^tacet \d+\.\d+\.\d+, libsodium \d+\.\d+\.\d+\n$")

    def test_fail_fast(self):
        cases = [{"vlbytes_header": "01", "length": length} for length in (1, 2, 1, 2)]
        first, second = self.write(cases, "a.json"), self.write("[", "b.json")
        self.assertEqual(len(self.results("--fail-fast", first, second, status=1)), 2)
        self.assertEqual(len(self.results("--fail-fast", second, first, status=2)), 0)
        self.assertEqual(len(self.results(first, second, status=2)), 4)

    def test_verbose_shows_all_that_differs(self):
        case = sample("crypto-basics")[0]
        for part in ("ref_hash", "derive_secret"):
            case[part]["out"] = altered(case[part]["out"], 9)
        path = self.write([case])
        self.assertIn("  and 1 more, which --verbose shows", run("conformance", path).stdout)
        verbose = run("conformance", "--verbose", path).stdout
        self.assertIn(f"failed {path}, case 0 (crypto-basics, 0x0003)\n", verbose)
        self.assertIn("  /0/ref_hash/out\n", verbose)
        self.assertIn("  /0/derive_secret/out\n", verbose)

    def test_long_values_are_shortened(self):
        case = published("crypto-basics")[6]
        content = case["encrypt_with_label"]["plaintext"]
        case["encrypt_with_label"]["plaintext"] = altered(content, 1234)
        path = self.write([case])
        short = run("conformance", path).stdout
        self.assertIn(f"got       {content[:32]}...{content[-32:]}\n", short)
        self.assertIn(f"of {len(content)} and {len(content)} digits, the first 1234 are the same", short)
        self.assertIn(content, run("conformance", "--verbose", path).stdout)

    def test_reports_agree_with_the_table(self):
        headers = ("01", "c0", "4001", "0", "02")
        self.write([{"vlbytes_header": header, "length": 1} for header in headers], "a.json")
        self.write([dict(case, cipher_suite=4) for case in published("psk_secret")], "b<&\"é>.json")
        self.write([{"unknown": 1}], "c.json")
        self.write("[", "d.json")
        report, junit = self.folder / "report", self.folder / "junit"
        result = run("conformance", self.folder, "--json", report, "--junit", junit)
        self.assertEqual(result.returncode, 2)
        total = re.search(r"(?m)^total +(.*)$", result.stdout)[1]
        passed, failed, skipped, malformed = map(int, total.split())
        self.assertEqual((passed, failed, skipped, malformed), (1, 3, 11, 1))

        data = json.loads(report.read_text())
        totals = {"passed": passed, "failed": failed, "skipped": skipped, "malformed": malformed}
        self.assertEqual(data["totals"], totals)
        self.assertEqual(data["status"], 2)
        self.assertEqual([Path(file["file"]).name for file in data["files"]],
                         ["a.json", "b<&\"é>.json", "c.json", "d.json"])
        self.assertEqual(data["files"][2]["members"], ["unknown"])
        self.assertIn("line 1", data["files"][3]["error"])
        for outcome, count in totals.items():
            cases = [case for file in data["files"] for case in file.get("results", [])]
            self.assertEqual(sum(case["outcome"] == outcome for case in cases), count)
            self.assertEqual(sum(row[outcome] for row in data["table"]), count)
        self.assertEqual(data["files"][0]["results"][1]["failures"][0]["refused"], "varint_prefix")

        root = xml.etree.ElementTree.parse(junit).getroot()
        expected = {"tests": 17, "failures": failed, "errors": malformed + 1, "skipped": skipped}
        self.assertEqual({key: int(root.get(key)) for key in expected}, expected)
        self.assertEqual({key: sum(int(suite.get(key)) for suite in root) for key in expected}, expected)
        expected["testcases"] = expected.pop("tests")
        for key, count in expected.items():
            tag = key if key == "skipped" else key[:-1]
            self.assertEqual(len(root.findall(f".//{tag}")), count)

    def test_a_report_on_standard_output_stands_alone(self):
        result = run("conformance", VECTORS, "--json", "-")
        json.loads(result.stdout)
        self.assertIn("total", result.stderr)
        result = run("conformance", VECTORS, "--junit", "-")
        xml.etree.ElementTree.fromstring(result.stdout)

    def test_what_cannot_be_written(self):
        self.assertEqual(run("conformance", VECTORS, "--json", self.folder).returncode, 2)
        self.assertEqual(run("generate", "--seed", "1", "--out", self.write("")).returncode, 2)
        if os.path.exists("/dev/full"):
            with open("/dev/full", "wb") as full:
                result = subprocess.run([TOOL, "conformance", VECTORS], stdout=full,
                                        stderr=subprocess.DEVNULL, timeout=TIMEOUT, check=False)
                self.assertEqual(result.returncode, 2)

    def test_the_progress_line_is_for_terminals_and_goes(self):
        try:
            ours, theirs = pty.openpty()
        except OSError as error:  # a bare chroot has none
            self.skipTest(f"no pseudo-terminal: {error}")
        subprocess.run([TOOL, "conformance", VECTORS], stdout=subprocess.DEVNULL, stderr=theirs,
                       timeout=TIMEOUT, check=True)
        os.close(theirs)
        shown = os.read(ours, 1 << 16).decode()
        os.close(ours)
        self.assertIn("crypto-basics.json 1/", shown)
        self.assertTrue(shown.endswith("\r\x1b[K"), shown)

    # ---- the test build

    @unittest.skipUnless(TEST_BUILD, "TACET_TOOL_TEST_BUILD is not set")
    def test_the_test_build_says_so_and_switches_refusals_off(self):
        self.assertRegex(
            run("--version", tool=TEST_BUILD).stdout,
            r"^tacet [\d.]+ TEST BUILD: refusals can be switched off; not for use, libsodium [\d.]+\n$")
        path = self.write([{"vlbytes_header": "4001", "length": 1}])
        self.assertEqual(run("conformance", path, tool=TEST_BUILD).returncode, 1)
        result = run("--switch-off", "varint_not_minimal", "conformance", path, tool=TEST_BUILD)
        self.assertEqual(result.returncode, 0)
        self.assertIn("TEST BUILD", result.stderr)
        # Elements of lists are encoded again as well, and not copied.
        path = self.write([{**sample("messages")[0], "commit": vector("024001aa") + "00"}])
        result = run("--switch-off", "varint_not_minimal", "conformance", path, tool=TEST_BUILD)
        self.assertEqual(result.returncode, 1)
        self.assertIn("  /0/commit\n    expected  04024001aa00\n    got       030201aa00\n", result.stdout)
        path = self.write(sample("message-protection")[:1])
        result = run("--switch-off", "application_in_public_message", "conformance", path, tool=TEST_BUILD)
        self.assertEqual(result.returncode, 1)
        self.assertIn("  /0/application\n    expected  refused: application_in_public_message\n"
                      "    got       accepted\n", result.stdout)
        result = run("--switch-off", "bogus", "conformance", path, tool=TEST_BUILD)
        self.assertEqual(result.returncode, 2)
        self.assertIn("varint_not_minimal", result.stderr)


if __name__ == "__main__":
    unittest.main()
