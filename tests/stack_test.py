#!/usr/bin/env python3
"""Controls of stack.py, on call graphs made up: what it adds up, and each thing that it has to find."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent


def place_of(text, name):
    """FILE:LINE:COLUMN of the first call of that name in that file of protocol/."""
    path = ROOT / "protocol" / text
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if f"{name}(" in line:
            return f"{path}:{number}:{line.index(name + '(') + len(name) + 1}"
    raise AssertionError(f"{name} is not called in {path}")


class Stack(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = pathlib.Path(self.folder.name)
        self.lines = ["graph: {"]
        self.row = "| `Group::join`, `Group::seal` | 2 KiB |"
        self.function("join", "tacet::Error tacet::Group::join(tacet::Bytes)", 100)
        self.function("seal", "tacet::Error tacet::Group::seal(tacet::Bytes)", 1700)
        self.function("deep", "void tacet::deep()", 1500)
        self.call("join", "deep")

    def function(self, title, label, size, kind="static"):
        self.lines.append(f'node: {{ title: "{title}" label: "{label}\\n/a.cpp:1:1\\n{size} bytes ({kind})" }}')

    def call(self, source, target, place="/a.cpp:1:1"):
        self.lines.append(f'edge: {{ sourcename: "{source}" targetname: "{target}" label: "{place}" }}')

    def check(self, status, *expected):
        (self.root / "one.ci").write_text("\n".join(self.lines + ["}"]))
        (self.root / "README.md").write_text(self.row + "\n")
        done = subprocess.run([sys.executable, str(ROOT / "tests/stack.py"), str(self.root / "README.md"),
                               str(self.root / "one.o")], capture_output=True, text=True)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        for text in expected:
            self.assertIn(text, done.stdout)

    def test_the_deepest_way_counts(self):
        self.function("flat", "void tacet::flat()", 20)
        self.call("join", "flat")
        self.call("flat", "deep")
        self.check(0, "  1620   2048  Group::join: flat 20, deep 1500")

    def test_a_verb_over_its_bound(self):
        self.function("deeper", "void tacet::deeper()", 500)
        self.call("deep", "deeper")
        self.check(1, "Group::join takes 2100 bytes of stack")

    def test_a_bound_far_over_all_its_verbs(self):
        self.row = self.row.replace("2 KiB", "3 KiB")
        self.check(1, "Group::join: 3 KiB are far more than the 1700 bytes")

    def test_a_verb_without_a_bound(self):
        self.row = self.row.replace(", `Group::seal`", "")
        self.check(1, "Group::seal takes 1700 bytes of stack, and", "says nothing")

    def test_a_bound_of_no_verb(self):
        self.row = self.row.replace("seal", "sail")
        self.check(1, "Group::sail is in the table")

    def test_what_is_private_is_no_verb(self):
        self.function("judge", "tacet::Error tacet::Group::judge(tacet::Bytes)", 9000)
        self.check(0)

    def test_recursion(self):
        self.call("deep", "join")
        self.check(1, "recursion: Group::join through deep")

    def test_a_function_that_calls_itself(self):
        self.call("deep", "deep")
        self.check(1, "recursion: deep through deep")

    def test_a_frame_without_a_bound(self):
        self.function("deep", "void tacet::deep()", 1500, "dynamic")
        self.check(1, "deep has a frame without a bound")

    def test_a_virtual_call(self):
        self.function("hash", "virtual tacet::Error tacet::Sodium::do_hash(tacet::Pieces)", 400)
        self.call("deep", "__indirect_call", place_of("crypto.cpp", "do_hash"))
        self.check(0, "Group::join: deep 1500, do_hash 400")

    def test_a_virtual_call_in_a_macro(self):
        self.function("mac", "virtual tacet::Error tacet::Sodium::do_expand(tacet::Pieces)", 400)
        path, line, _ = place_of("crypto.cpp", "TRY(do_expand").rsplit(":", 2)
        self.call("deep", "__indirect_call", f"{path}:{line}:5")
        self.check(0, "Group::join: deep 1500, do_expand 400")

    def test_a_call_of_nobody_knows_what(self):
        self.call("deep", "__indirect_call", f"{ROOT / 'protocol/error.h'}:1:1")
        self.check(1, "nobody knows what is called at")

    def test_libsodium(self):
        self.call("deep", "crypto_scalarmult_curve25519")
        self.check(1, "Group::join takes 7744 bytes of stack")

    def test_what_a_thread_is_lent_for(self):
        self.function("part", "static void tacet::check_leaves(tacet::Crypto&)::<lambda(void*)>::_FUN(void*)", 400)
        self.call("join", "__indirect_call", place_of("tree_check.cpp", "run"))
        self.check(1, "what a lent thread does takes 400 bytes of stack")


if __name__ == "__main__":
    unittest.main()
