#!/usr/bin/env python3
"""Runs mutants.py on small trees, whose test programs are scripts, and checks what it says of each."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SCRIPT = Path(__file__).resolve().parent / "mutants.py"

CODEC = """#define REFUSE_IF(condition, error) return error
void a() {
  REFUSE_IF(prefix == 3, Error::varint_prefix);  // REFUSE_IF(in a comment, Error::none);
  REFUSE_IF(decode(x) != Error::none,
            Error::trailing_bytes);
  REFUSE_IF(y, Error::trailing_bytes);
}
"""
PREFIX, FIRST, SECOND = "codec.cpp varint_prefix", "codec.cpp trailing_bytes 1", "codec.cpp trailing_bytes 2"

# A test program: what each test sees refuse, and what it does when that is switched off.
PROGRAM = """#!{python}
import os, sys, time
tests = {tests!r}
if "TACET_REFUSALS" in os.environ:
    with open(os.environ["TACET_REFUSALS"], "w") as file:
        for test, (place, _) in tests.items():
            file.write(f"{{test}}\\t/a/protocol/b/protocol/{{place}}\\n")
chosen = [argument[15:].split(":") for argument in sys.argv if argument.startswith("--gtest_filter=")]
for test in chosen[0] if chosen else tests:
    print(f"[ RUN      ] {{test}}", flush=True)
    place, what = tests[test]
    if not chosen and what != "broken" or what != "broken" and os.environ["TACET_MUTANT"] != "/" + place:
        continue
    if what in ("fails", "broken"):
        print(f"[  FAILED  ] {{test}} (0 ms)\\n[  FAILED  ] 1 test")
        sys.exit(1)
    if what == "crashes":
        os.abort()
    if what == "hangs":
        time.sleep(60)
"""


class Mutants(unittest.TestCase):
    def setUp(self):
        """A tree in which all is well: two refusals that are missed, one survivor that is accepted."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name).resolve()
        self.write("protocol/codec.cpp", CODEC)
        self.program("codec_test", {"A.One": ("codec.cpp:3", "fails"), "A.Two": ("codec.cpp:5", "fails")})
        self.accept(SECOND)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def program(self, name, tests):
        self.write(f"build/mutants/tests/{name}", PROGRAM.format(python=sys.executable, tests=tests))
        (self.root / "build/mutants/tests" / name).chmod(0o755)

    def accept(self, *names):
        rows = "".join(f"{name}\tbecause\n" for name in names)
        self.write("spec/survivors.tsv", "refusal\treason\n" + rows)

    def mutants(self, *arguments):
        done = subprocess.run([sys.executable, str(SCRIPT), "--root", str(self.root), *arguments],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                              universal_newlines=True)
        return done.returncode, done.stdout

    def passes(self, counts, *arguments):
        status, output = self.mutants(*arguments)
        self.assertEqual(status, 0, output)
        self.assertIn(counts, output.splitlines()[-1])
        return [" ".join(line.split()) for line in output.splitlines()]

    def fails(self, *failures):
        status, output = self.mutants()
        self.assertEqual([line for line in output.splitlines()[:-1] if line.startswith("mutants: ")],
                         [f"mutants: {failure}" for failure in failures], output)
        self.assertEqual(status, 1)
        return output

    def gives_up(self, message, *arguments):
        status, output = self.mutants(*arguments)
        self.assertEqual(status, 2, output)
        self.assertIn(message, output)

    def test_a_table_and_the_counts(self):
        lines = self.passes("3 of 3 refusals; 2 killed (2 by a failed test); 1 survived, 1 of them accepted")
        self.assertEqual(lines[:4], ["place error killed by",
                                     "codec.cpp:3 varint_prefix codec_test A.One",
                                     "codec.cpp:4 trailing_bytes 1 codec_test A.Two",
                                     "codec.cpp:6 trailing_bytes 2 SURVIVED; tests that see it refuse: none"])

    def test_a_survivor_that_is_not_accepted(self):
        self.accept()
        self.program("other_test", {"B.One": ("codec.cpp:6", "lets it pass")})
        output = self.fails(f"codec.cpp:6: {SECOND} survived; write the test that misses it")
        self.assertIn("SURVIVED; tests that see it refuse: 1", output)

    def test_what_is_killed_or_gone_is_not_accepted(self):
        self.accept(SECOND, PREFIX, "codec.cpp trailing_bytes 3")
        self.fails("survivors.tsv:4: stale: there is no refusal codec.cpp trailing_bytes 3; remove the row",
                   f"survivors.tsv:3: stale: {PREFIX} is killed; remove the row")

    def test_a_crash_and_a_hang_kill_and_the_table_says_so(self):
        self.program("codec_test", {"A.One": ("codec.cpp:3", "crashes"), "A.Two": ("codec.cpp:4", "hangs")})
        lines = self.passes("2 killed (1 by a crash, 1 by time)", "--seconds", "0.5")
        self.assertIn("codec.cpp:3 varint_prefix codec_test A.One: crash, SIGABRT", lines)
        self.assertRegex("\n".join(lines), "trailing_bytes 1 codec_test A.Two: not done after .* s")

    def test_any_program_may_kill(self):
        self.program("a_test", {"B.One": ("codec.cpp:3", "lets it pass")})
        self.program("z_test", {"C.One": ("codec.cpp:3", "lets it pass")})
        self.assertIn("codec.cpp:3 varint_prefix codec_test A.One", self.passes("2 killed"))

    def test_names_choose(self):
        for name in ("varint_prefix", "codec.cpp:3", PREFIX):
            self.passes("1 of 3 refusals; 1 killed", name)
        self.passes("2 of 3 refusals; 1 killed", "trailing_bytes")
        self.passes("1 of 3 refusals; 1 killed", FIRST)
        self.passes("3 of 3 refusals; 2 killed", "codec.cpp")
        self.gives_up("codec is no file", "codec")
        self.gives_up("a sample of 0", "--sample", "0")

    def test_a_sample_follows_from_its_seed(self):
        drawn = [self.passes("1 of 3 refusals", "--sample", "1", "--seed", seed)[:-1] for seed in "aabcde"]
        self.assertEqual(drawn[0], drawn[1])
        self.assertEqual(drawn[0][0], "mutants: a sample of 1, seed 'a'")
        self.assertGreater(len({lines[2] for lines in drawn}), 1)

    def test_what_cannot_be_run(self):
        self.program("broken_test", {"A.One": ("codec.cpp:3", "broken")})
        self.gives_up("broken_test fails without a mutant")
        self.gives_up("no test programs", "--programs", str(self.root))
        self.write("spec/survivors.tsv", f"refusal\treason\n{FIRST}\t\n")
        self.gives_up("survivors.tsv:2: give a refusal")
        self.write("protocol/codec.h", "REFUSE_IF(x, error);\nREFUSE_IF(x, Error::truncated);\n")
        self.gives_up("protocol/codec.h: a REFUSE_IF does not end in")


if __name__ == "__main__":
    unittest.main()
