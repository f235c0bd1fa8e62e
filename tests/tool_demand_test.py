#!/usr/bin/env python3
"""Runs `tacet demand` as a user does.

TACET_TOOL is the tool.
"""

import json
import os
import pty
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

TOOL = os.environ["TACET_TOOL"]
TIMEOUT = 120  # seconds

SMALL = ("--members", 5, "--live", 3, "--messages", 24, "--video", 5)
LEAST = ("--members", 2, "--messages", 0, "--video", 0)
KINDS = ["KeyPackages", "Welcomes", "GroupInfos", "ratchet trees, apart", "proposals", "Commits", "application messages"]


def run(*arguments, **options):
    return subprocess.run([TOOL, "demand", *map(str, arguments)], capture_output=True, text=True, timeout=TIMEOUT,
                          check=False, **options)


def demanded(*arguments):
    """The report for machines, and the one for people that goes with it."""
    result = run(*arguments, "--json", "-")
    if result.returncode != 0:
        raise AssertionError(result.stderr)
    return json.loads(result.stdout), result.stderr


def steps_of(text):
    """What -v says of each step, by its number."""
    return {int(number): what for number, what in re.findall(r"(?m)^ {0,4}(\d+)  (.*)$", text)}


class DemandTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.report, cls.text = demanded(*SMALL, "-v", "--seize", "bob@9", "--seize", "alice@1", "--seize", "2@30")
        cls.steps = steps_of(cls.text)

    def test_the_provider_reads_nothing(self):
        report = self.report
        self.assertEqual((report["format"], report["version"], report["status"]), ("tacet demand", 1, 0))
        self.assertEqual({key: report["options"][key] for key in ("members", "live", "messages", "seed")},
                         {"members": 5, "live": 3, "messages": 24, "seed": 1})
        read = report["read"]
        self.assertEqual((read["messages"], read["bytes"], read["secrets"], read["complaints"]), ([], 0, 0, []))
        self.assertGreater(read["of_secrets"], 500)
        said = sum(message["bytes"] for message in report["messages"])
        self.assertGreater(said, 8 << 20)
        for line in (f"  messages            0 of {len(report['messages'])}\n", f"  bytes               0 of {said:,}\n"):
            self.assertIn(line, self.text)

    def test_what_it_holds_adds_up(self):
        held = self.report["held"]
        for name, row in held.items():
            self.assertEqual(row["bytes"], row["encrypted"] + row["in_the_clear"], name)
            if row["number"]:
                self.assertRegex(self.text, rf"(?m)^{name} +{row['number']:,} +{row['bytes']:,} ")
        for field in ("number", "bytes", "encrypted"):
            self.assertEqual(held["all"][field], sum(held[kind][field] for kind in KINDS), field)
        self.assertEqual(held["application messages"]["number"], len(self.report["messages"]))
        self.assertEqual(held["unreadable"]["number"], 0)
        self.assertLess(held["application messages"]["in_the_clear"], 60 * len(self.report["messages"]))

    def test_it_learns_who_and_how_much(self):
        learned, messages = self.report["learned"], self.report["messages"]
        self.assertEqual(sum(learned["sent"].values()), len(messages))
        for who, count in learned["sent"].items():
            self.assertEqual(count, sum(message["sender"] == who for message in messages))
        sizes = {message["bytes"] for message in messages}
        self.assertLess(2, len(learned["ciphertext_sizes"]))
        self.assertLess(len(learned["ciphertext_sizes"]), len(sizes))
        self.assertEqual(learned["identities_published"], 6)
        self.assertEqual(learned["identities_welcomed"], 5)  # all but who created the group
        self.assertEqual(learned["epochs"], self.report["held"]["Commits"]["number"] + 1)
        self.assertGreater(learned["authenticated_data"], 0)

    def test_public_handshakes_and_trees_show_more(self):
        hidden, apart = self.report["learned"], demanded(*SMALL, "--handshakes", "public", "--tree", "apart")[0]["learned"]
        self.assertEqual((hidden["proposals_read"], hidden["commits_read"], hidden["leaves_named"]), ({}, 0, 0))
        self.assertEqual((hidden["identities_in_trees"], hidden["path_secrets_seen"]), (0, 0))
        self.assertEqual(apart["proposals_read"], {"add": 5, "psk": 1, "remove": 1, "update": 1})
        self.assertEqual(apart["commits_read"], 8)
        self.assertEqual(apart["identities_in_trees"], 6)
        self.assertGreater(apart["leaves_named"], 1)
        self.assertGreaterEqual(apart["path_secrets_seen"], 3)
        published, text = demanded(*SMALL, "--tree", "published")
        self.assertEqual(published["held"]["GroupInfos"]["number"], 1)
        self.assertEqual(published["learned"]["identities_in_trees"], 5)  # one has been removed
        self.assertEqual(published["learned"]["identities_published"], 7)
        self.assertIn("in the clear in a GroupInfo", text)

    def test_a_seizure_opens_what_is_said_until_it_heals(self):
        seized = self.report["seized"]
        self.assertEqual([(each["client"], each["step"]) for each in seized], [("alice", 1), ("bob", 9), ("carol", 30)])
        alice, bob, carol = seized
        self.assertEqual(self.text.count("  that is             exactly what RFC 9420 allows\n"), 3)
        for each in seized:
            self.assertEqual((each["as_allowed"], each["complaints"]), (True, []))
            self.assertLess(each["secrets"], self.report["read"]["of_secrets"])
            self.assertEqual(each["bytes"], sum(self.report["messages"][i - 1]["bytes"] for i in each["messages"]))
        self.assertEqual(alice["messages"], [])  # the leaf of a group is not that of a KeyPackage
        for each in (bob, carol):
            healed = each["healed_in_step"]
            self.assertRegex(self.steps[healed], rf"^{each['client']} commits.*, and heals$")
            between = [number for number, message in enumerate(self.report["messages"], 1)
                       if each["step"] < message["step"] < healed]
            self.assertEqual(each["messages"], between)
        video = [message["bytes"] for message in self.report["messages"] if message["content"] == "video"]
        self.assertEqual(video, [4 << 20, 1 << 20])
        self.assertIn("photo", [self.report["messages"][i - 1]["content"] for i in bob["messages"]])
        photo = next(m for m in self.report["messages"] if m["content"] == "photo")
        self.assertRegex(self.text, rf"(?m)^    step {photo['step']} +epoch {photo['epoch']} +{photo['sender']} +"
                                    r"photo +1 message +3,145,728 bytes$")
        for number, what in self.steps.items():
            said = [message for message in self.report["messages"] if message["step"] == number]
            self.assertEqual(bool(said), " writes " in what or " sends a " in what, what)
            for message in said:
                self.assertTrue(what.startswith(message["sender"] + " "), what)

    def test_the_last_step_can_be_seized(self):
        last = max(self.steps)
        result, text = demanded(*SMALL, "-v", "--seize", f"alice@{last}")
        self.assertEqual(result["seized"][0]["healed_in_step"], last + 1)
        self.assertEqual(result["seized"][0]["messages"], [])
        self.assertEqual(max(steps_of(text)), last + 2)
        result = run(*SMALL, "--seize", f"alice@{last + 1}")
        self.assertEqual((result.returncode, result.stdout), (2, ""))
        self.assertIn(f"there is no step {last + 1}: they are 1 to {last}", result.stderr)

    def test_two_members(self):
        report, _ = demanded(*LEAST, "--seize", "bob@3", "--seed", 7)
        self.assertEqual(report["options"]["live"], 2)
        self.assertTrue(report["seized"][0]["as_allowed"])

    def test_a_seed_gives_the_same(self):
        options = ("--members", 3, "--live", 2, "--messages", 3, "--video", 0, "--seize", "bob@5")
        first = run(*options, "--seed", "0x10")
        self.assertEqual((first.returncode, first.stderr), (0, ""))
        self.assertEqual(first.stdout, run(*options, "--seed", 16).stdout)
        self.assertNotEqual(first.stdout.splitlines()[1:], run(*options, "--seed", 17).stdout.splitlines()[1:])

    def test_what_makes_no_sense(self):
        for options, reason in (
                (("--members", 1), "--members: a conversation has 2 to 50,000"),
                (("--members", 50001), "--members: a conversation has 2 to 50,000"),
                (("--members", "many"), "not a number"),
                (("--members", 4, "--live", 5), "--live: 5 of 4 members"),
                (("--live", 1), "--live: 2 to 64 members can be live"),
                (("--messages", 100001), "--messages: at most 100,000"),
                (("--video", 257), "--video: at most 256 MiB"),
                (("--seize", "bob"), "--seize: NAME@STEP, as bob@7, and not bob"),
                (("--seize", "bob@x"), "--seize: NAME@STEP, as bob@7, and not bob@x"),
                (("--seize", "bob@0"), "--seize: there is no step 0: they are 1 to "),
                (("--seize", "mallory@3"), "--seize: nobody is called mallory: "),
                (("--members", 30, "--seize", "member-31@3"), "--seize: nobody is called member-31: "),
                (("--members", 30, "--live", 9, "--seize", "member-20@3"), "--seize: member-20 is passive"),
                (("--seize", "\x1b[31m@3"), "--seize: nobody is called \\x1b[31m: "),
                (("--tree", "nowhere"), "nowhere"), (("--handshakes", "none"), "none")):
            result = run(*options)
            self.assertEqual((result.returncode, result.stdout), (2, ""), options)
            self.assertIn(reason, result.stderr)
        self.assertIn("Exit status: 0 if the provider reads nothing", run("--help").stdout)

    def test_what_cannot_be_written(self):
        options = LEAST
        with tempfile.TemporaryDirectory() as folder:
            result = run(*options, "--json", Path(folder) / "absent" / "file")
            self.assertEqual(result.returncode, 2)
            self.assertIn("cannot write", result.stderr)
            path = Path(folder) / "file"
            self.assertEqual(run(*options, "--json", path).returncode, 0)
            self.assertEqual(json.loads(path.read_text())["format"], "tacet demand")

    def test_progress_is_for_terminals(self):
        try:
            master, slave = pty.openpty()
        except OSError as error:
            self.skipTest(f"no pseudo-terminal: {error}")
        process = subprocess.run([TOOL, "demand", *map(str, LEAST)], stdout=subprocess.PIPE,
                                 stderr=slave, timeout=TIMEOUT, check=True)
        os.close(slave)
        shown = os.read(master, 1 << 16).decode()
        os.close(master)
        self.assertIn("\r\x1b[Kstep 1", shown)
        self.assertNotIn(b"\x1b[K", process.stdout)


if __name__ == "__main__":
    unittest.main()
