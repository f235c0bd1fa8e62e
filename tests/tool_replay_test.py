#!/usr/bin/env python3
"""Runs `tacet replay` as a user does.

TACET_TOOL is the tool, and TACET_TOOL_TEST_BUILD, which may be missing, the tool of the test build.
"""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

TOOL = os.environ["TACET_TOOL"]
TEST_BUILD = os.environ.get("TACET_TOOL_TEST_BUILD")
TIMEOUT = 60  # seconds

SCRIPT = """# two members, one of whom is seized
seed 7
clients 3
0 commits add 1
deliver all
seize 1
0 says
deliver to 1
again 0 to 1
2 says
9 says
1 commits
deliver all
"""


def run(*arguments, tool=TOOL, **options):
    return subprocess.run([tool, *map(str, arguments)], capture_output=True, text=True, timeout=TIMEOUT,
                          check=False, **options)


class ReplayTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "script"

    def replay(self, script, *options, before=(), tool=TOOL):
        self.path.write_text(script)
        return run(*before, "replay", *options, self.path, tool=tool)

    def test_tells_what_comes_of_each_operation(self):
        result = self.replay(SCRIPT)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        lines = result.stdout.splitlines()
        self.assertEqual((lines[0], lines[-1]), ("seed 7, 3 clients", "all holds"))
        self.assertEqual([(line[:4].strip(), line[6:46].strip(), line[48:]) for line in lines[1:-1]], [
            ("1", "0 commits add 1", "is taken: epoch 1"),
            ("2", "deliver all", "2 are received"),
            ("3", "seize 1", "is seized"),
            ("4", "0 says", "is sent"),
            ("5", "deliver to 1", "application data of 0, epoch 1: application data"),
            ("6", "again 0 to 1", "application data of 0, epoch 1: generation_gone"),
            ("7", "2 says", "group_inactive"),
            ("8", "9 says", "nothing"),
            ("9", "1 commits", "is taken: epoch 2"),
            ("10", "deliver all", "2 are received"),
        ])
        self.assertEqual(result.stdout, self.replay(SCRIPT).stdout)
        self.assertEqual(result.stdout, run("replay", "-", input=SCRIPT).stdout)

    def test_verbose_tells_all_that_is_received(self):
        result = self.replay(SCRIPT, "--verbose")
        self.assertEqual(result.returncode, 0)
        for line in ("      1 (seized) gets application data of 0, epoch 1: application data\n",
                     "      1 (seized) gets Commit of 1, epoch 1: path_key_absent\n",
                     "      1 (seized) gets application data of 0, epoch 2: epoch_future\n",
                     "      1 gets application data of 0, epoch 2: application data\n"):
            self.assertIn(line, result.stdout)

    def test_what_cannot_be_read(self):
        for script, reason in (("deliver all\n1 flies\n", "line 2: a client does no such thing"),
                               ("clients 1000\n", "line 1: there are 1 to 64 clients"),
                               ("0 \x1b[31m\n", "line 1: a client does no such thing in the place of '\\x1b")):
            result = self.replay(script)
            self.assertEqual((result.returncode, result.stdout), (2, ""))
            self.assertIn(reason, result.stderr)
        result = run("replay", self.path.with_name("absent"))
        self.assertEqual(result.returncode, 2)
        self.assertIn("there is no such file", result.stderr)
        self.assertEqual(run("replay").returncode, 2)
        self.assertIn("Exit status: 0 if all is as it should be; 1", run("replay", "--help").stdout)

    @unittest.skipUnless(TEST_BUILD, "TACET_TOOL_TEST_BUILD is not set")
    def test_finds_what_is_switched_off(self):
        for refusal, script, found in (
                ("proposals_wait", "0 proposes custom 1\n0 says\n",
                 "client 0: application data is none and should be proposals_wait"),
                ("commit_pending", "0 commits\n0 commits\n", "client 0: a Commit is none and should be commit_pending"),
                ("too_many_proposals", "".join(f"0 proposes custom {i}\n" for i in range(11)),
                 "client 0: a proposal is none and should be too_many_proposals"),
                ("group_closed", "0 commits reinit\n0 adopts\n0 says\n",
                 "client 0: application data is none and should be group_closed")):
            self.assertEqual(self.replay(script, tool=TEST_BUILD).returncode, 0)
            result = self.replay(script, before=("--switch-off", refusal), tool=TEST_BUILD)
            self.assertEqual(result.returncode, 1)
            self.assertIn(f"\nfailed: {found}\n", result.stdout)


if __name__ == "__main__":
    unittest.main()
