#!/usr/bin/env python3
"""Controls of layering.py: the tree as it is passes; each planted include that points the wrong way fails, each name
where it may not be, and each entry of a list that is stale."""

import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent


class Layering(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.folder.name)
        for name in ("protocol", "spec", "vectors", "tests", "fuzz"):
            shutil.copytree(ROOT / name, self.root / name, ignore=shutil.ignore_patterns("*.json", "corpus"))

    def tearDown(self):
        self.folder.cleanup()

    def check(self):
        done = subprocess.run([sys.executable, str(ROOT / "tests/layering.py"), str(self.root)],
                              capture_output=True, text=True)
        return done.returncode, done.stdout

    def plant(self, name, line):
        path = self.root / name
        path.write_text(line + "\n" + path.read_text())

    def assert_fails(self, *expected):
        status, output = self.check()
        self.assertEqual(status, 1, output)
        for text in expected:
            self.assertIn(text, output)

    def test_the_tree_as_it_is(self):
        status, output = self.check()
        self.assertEqual(status, 0, output)

    def test_a_unit_that_includes_one_below_it(self):
        self.plant("protocol/codec.h", '#include "key_schedule.h"')
        self.assert_fails("protocol/codec.h:1: includes key_schedule.h, which stands below it")

    def test_libsodium_outside_its_unit(self):
        self.plant("protocol/crypto.cpp", "#include <sodium.h>")
        self.assert_fails("protocol/crypto.cpp:1: <sodium.h> is only for sodium.cpp")

    def test_the_inside_of_a_secret(self):
        self.plant("protocol/key_schedule.cpp", '#include "boundary.h"')
        self.assert_fails("protocol/key_schedule.cpp:1: boundary.h is only for")

    def test_the_inside_of_a_secret_by_way_of_others(self):
        self.plant("protocol/memory.h", '#include "boundary.h"')
        self.assert_fails("protocol/memory.h:1: boundary.h is only for crypto.cpp, memory.cpp, sodium.cpp\n",
                          "protocol/hpke.cpp:1: boundary.h is only for crypto.cpp, memory.cpp, sodium.cpp, and comes by "
                          "hpke.h, crypto.h, memory.h\n")

    def test_names_of_the_inside_of_a_secret(self):
        for name in ("SecretAccess", "reveal", "SecretReader", "expand_for_application"):
            self.plant("protocol/group.cpp", f"const auto leaked = {name}(secret);")
            self.plant("protocol/adapters/heap_memory.h", f"using tacet::{name};")
        self.plant("protocol/framing.cpp", '// SecretAccess\nconst char* text = "reveal"; int revealed;')
        status, output = self.check()
        self.assertEqual((status, output.count("is only for")), (1, 8), output)
        self.assertIn("protocol/group.cpp:4: SecretAccess is only for boundary, bytes, crypto, memory, sodium", output)

    def test_a_list_that_is_stale(self):
        path = self.root / "protocol/welcome.cpp"
        path.write_text(path.read_text().replace("SecretReader", "Reader"))
        self.assert_fails("protocol/welcome.h:1: SecretReader is nowhere in this unit")

    def test_a_file_that_is_not_listed(self):
        (self.root / "protocol/stray.h").write_text("#pragma once\n")
        self.assert_fails("protocol/stray.h:1: is not in the list")

    def test_protocol_that_includes_the_adversary(self):
        self.plant("protocol/hpke.cpp", '#include "spec/adversary/reveal.h"')
        self.assert_fails("protocol/hpke.cpp:1: spec/adversary/reveal.h is no unit of protocol/")

    def test_the_adversary_that_includes_tests(self):
        self.plant("spec/adversary/recorder.cpp", '#include "tests/model.h"')
        self.assert_fails("spec/adversary/recorder.cpp:1: spec/adversary may not include tests/model.h")

    def test_the_tool_that_includes_what_fuzzes_it(self):
        self.plant("vectors/tool/hex.h", '#include "fuzz/oracle.h"')
        self.assert_fails("vectors/tool/hex.h:1: vectors/tool may not include fuzz/oracle.h")

    def test_what_throws_or_allocates(self):
        self.plant("protocol/extension.cpp", "#include <vector>\nint i = x.at(1); void* p = malloc(1); // throw")
        self.assert_fails("protocol/extension.cpp:1: a header that allocates", "protocol/extension.cpp:2: .at() throws",
                          "protocol/extension.cpp:2: protocol/ never allocates")


if __name__ == "__main__":
    unittest.main()
