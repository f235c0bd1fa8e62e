#!/usr/bin/env python3
"""Runs `tacet inspect` as a user does. What it finds in each structure is inspect_test.cpp's to say.

TACET_TOOL is the tool, TACET_VECTORS the folder of the published vectors.
"""

import base64
import json
import os
import pty
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

TOOL = os.environ["TACET_TOOL"]
VECTORS = Path(os.environ["TACET_VECTORS"])
TIMEOUT = 60  # seconds; no input may take longer
ESCAPE = b"\x1b"

MESSAGES = json.loads((VECTORS / "messages.json").read_text())[0]
MESSAGE = MESSAGES["mls_key_package"]
DATA = bytes.fromhex(MESSAGE)
# What an MLSMessage does not hold as it stands, and the name by which it is asked for.
PARTS = {"ratchet_tree": "ratchet_tree", "group_secrets": "group_secrets", "add_proposal": "add",
         "commit": "commit"}


def run(*arguments, stdin=b"", **options):
    return subprocess.run([TOOL, "inspect", *map(str, arguments)], input=stdin, capture_output=True,
                          timeout=TIMEOUT, check=False, **options)


def leaves(part):
    """The parts below one, or itself, that have no parts of their own."""
    if "parts" not in part:
        return [part]
    return [leaf for below in part["parts"] for leaf in leaves(below)]


class InspectTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def write(self, content, name="message"):
        path = self.folder / name
        path.write_bytes(content)
        return path

    def shows(self, *arguments, status=0, stdin=b""):
        result = run(*arguments, stdin=stdin)
        self.assertEqual((result.returncode, result.stderr), (status, b""), result.stdout)
        return result.stdout.decode()

    def finds(self, *arguments, status=0, stdin=b""):
        """The same as JSON, of which the leaves cover the input."""
        found = json.loads(self.shows("--json", *arguments, status=status, stdin=stdin))
        offset = 0
        for leaf in leaves(found["structure"]):
            self.assertEqual(leaf["offset"], offset)
            offset += leaf["length"]
        self.assertEqual(offset, found["size"])
        self.assertEqual(bool(found["malformed"]), status == 1)
        return found

    def refuses(self, *arguments, needle, stdin=b""):
        result = run(*arguments, stdin=stdin)
        self.assertEqual((result.returncode, result.stdout), (2, b""), arguments)
        self.assertIn(needle, result.stderr.decode())

    # ---- how the input is written

    def test_every_notation_is_found_out(self):
        plain, url = base64.b64encode(DATA).decode(), base64.urlsafe_b64encode(DATA).decode()
        spaced = "\n".join(re.findall(".{1,32}", MESSAGE)) + "\r\n"
        texts = [("hexadecimal", MESSAGE), ("hexadecimal", MESSAGE.upper()), ("hexadecimal", "0x" + MESSAGE),
                 ("hexadecimal", DATA.hex(":")), ("hexadecimal", spaced), ("base64", plain), ("base64", url),
                 ("base64", url.rstrip("=")), ("base64", plain[:60] + "\n" + plain[60:] + "\n")]
        expected = self.finds(MESSAGE)["structure"]
        for notation, text in texts:
            path = self.write(text.encode())
            stdin = text.encode()
            for arguments, stdin in (([text], b""), ([path], b""), (["-"], stdin), ([], stdin)):
                found = self.finds(*arguments, stdin=stdin)
                self.assertEqual((found["read_as"], found["structure"]), (notation, expected), text[:50])
        for arguments, stdin in (([self.write(DATA)], b""), (["-"], DATA), ([], DATA)):
            found = self.finds(*arguments, stdin=stdin)
            self.assertEqual((found["read_as"], found["structure"]), ("binary", expected))

    def test_the_first_line_says_how_it_was_read(self):
        path = self.write(DATA)
        for arguments, line in (([MESSAGE], "the command line, read as hexadecimal"),
                                ([base64.b64encode(DATA).decode()], "the command line, read as base64"),
                                ([path], f"{path}, read as binary")):
            self.assertEqual(self.shows(*arguments).splitlines()[0], f"{len(DATA)} bytes from {line}")

    def test_what_could_be_either_is_hexadecimal(self):
        self.assertEqual(self.finds("--as", "remove", "00000005")["read_as"], "hexadecimal")
        path = self.write(b"00000005")
        for notation, size, status in (("hex", 4, 0), ("base64", 6, 1), ("binary", 8, 1)):
            found = self.finds("--from", notation, "--as", "remove", path, status=status)
            self.assertEqual(found["size"], size)

    def test_what_cannot_be_read(self):
        for arguments, needle in (
                (["abc"], "abc: an odd number of hexadecimal digits"),
                (["--from", "hex", "0g"], "0g: not hexadecimal"),
                (["no such file"], "no such file: no file of that name"),
                (["AAAAZ"], "neither hexadecimal nor base64"), (["AAAABR=="], "neither"),
                (["AAAA=BQ="], "neither"), (["--from", "base64", "?"], "not base64"),
                ([self.folder], "a folder"), (["--from", "x", "00"], "base64"), (["00", "00"], "00"),
                (["none\x1b[2J"], "none\\x1b[2J")):
            self.refuses(*arguments, needle=needle)

    def test_sizes(self):
        for arguments, stdin in ((["-"], b""), ([self.write(b"")], b""), ([""], b"")):
            found = self.finds(*arguments, stdin=stdin, status=1)
            self.assertEqual(found["malformed"][0]["error"], "truncated")
        path = self.write(b"")
        for size, refused in ((1 << 26, False), ((1 << 26) + 1, True), (1 << 28, True)):
            os.truncate(path, size)
            if refused:
                self.refuses(path, needle="larger than 64 MiB")
            else:
                self.assertIn("message_version", self.shows(path, status=1))

    # ---- what is shown

    def test_a_message_is_shown_field_by_field(self):
        lines = self.shows(MESSAGE).splitlines()
        self.assertEqual(lines[1], "offset  length  field")
        self.assertEqual(lines[2], f"     0  {len(DATA):6}  message: MLSMessage  RFC 9420, 6")
        self.assertEqual(lines[4], "     2       2    wire_format: mls_key_package (0x0005)  RFC 9420, 17.2")
        self.assertEqual(lines[5], f"     4  {len(DATA) - 4:6}    key_package: KeyPackage  RFC 9420, 10")

    def test_structures_by_name(self):
        for member, name in PARTS.items():
            self.assertEqual(self.finds("--as", name, MESSAGES[member])["structure"]["name"], name)
            found = json.loads(run("--json", MESSAGES[member]).stdout)  # these are no MLSMessages
            self.assertTrue(found["malformed"], name)
        help_text = self.shows("--help")
        for name in (*PARTS.values(), "message", "leaf_node", "private_commit", "sender_data"):
            self.assertIn(name, help_text)
            self.refuses("--as", "bogus", "00", needle=name)

    def test_a_ratchet_tree_is_drawn(self):
        text = self.shows("--as", "ratchet_tree", MESSAGES["ratchet_tree"])
        self.assertRegex(text, r"(?m)^ratchet tree at byte 0: \d+ nodes? listed")
        self.assertRegex(text, r"(?m)^\W*0 leaf 0, key ")
        self.assertNotIn("ratchet tree", self.shows(MESSAGE))
        cut = self.shows("--as", "ratchet_tree", MESSAGES["ratchet_tree"][:-2], status=1)
        self.assertNotIn("ratchet tree", cut)

    def test_what_is_malformed_is_shown_up_to_there(self):
        for size in range(0, len(DATA), 9):
            found = self.finds(DATA[:size].hex(), status=1)["malformed"]
            self.assertEqual((found[0]["error"], found[0]["section"]), ("truncated", "2.1"))
        text = self.shows(MESSAGE[:-2], status=1)
        self.assertRegex(text, r"signature: only 63 of 64 bytes [0-9a-f]{64}\.\.\.  <-- truncated")
        self.assertIn(f"MALFORMED at byte {len(DATA) - 66}, message.key_package.signature\n  truncated, the "
                      "input ends before the field that it announces (RFC 9420, 2.1)\n", text)
        text = self.shows(MESSAGE + "0102", status=1)
        self.assertRegex(text, rf"(?m)^ *{len(DATA)} +2 +undecoded: 0102 ")
        self.assertIn(f"MALFORMED at byte {len(DATA)}, message\n  trailing_bytes, ", text)

    def test_a_broken_rule_is_told(self):
        text = self.shows(MESSAGES["public_message_application"])
        self.assertIn("Well-formed, but a rule is broken: application_in_public_message, ", text)
        found = self.finds(MESSAGES["public_message_application"])
        self.assertEqual(found["broken_rule"]["error"], "application_in_public_message")
        self.assertIsNone(self.finds(MESSAGES["private_message"])["broken_rule"])
        of_another_version = MESSAGE[:8] + "0002" + MESSAGE[12:]
        self.assertEqual(self.finds(of_another_version)["broken_rule"]["error"], "key_package_version")

    def test_long_values_are_shortened(self):
        value = "00112233445566778899aabbccddeeff" * 3
        arguments = ["--as", "external_init", "30" + value]
        self.assertIn(f"kem_output: {value[:64]}... (48 bytes)\n", self.shows(*arguments))
        self.assertIn(f"kem_output: {value} (48 bytes)\n", self.shows("--verbose", *arguments))
        self.assertEqual(self.finds(*arguments)["structure"]["parts"][0]["value"], value)

    def test_nothing_in_an_input_drives_a_terminal(self):
        hostile = b"\x1b[2J\xc2\x9b"
        for text in (self.shows("--as", "application_id", "08" + (hostile + b"\x07\n").hex()),
                     self.shows(self.write(b"\0\0\0\5", os.fsdecode(hostile + b"\r")), "--as", "remove")):
            self.assertNotRegex(text, "[^\n -~]")

    # ---- terminals

    def on_a_terminal(self, **environment):
        try:
            ours, theirs = pty.openpty()
        except OSError as error:  # a bare chroot has none
            self.skipTest(f"no pseudo-terminal: {error}")
        environ = {name: value for name, value in os.environ.items() if name != "NO_COLOR"} | environment
        subprocess.run([TOOL, "inspect", "--as", "remove", "00000005"], stdout=theirs, env=environ,
                       timeout=TIMEOUT, check=True)
        os.close(theirs)
        shown = os.read(ours, 1 << 16)
        os.close(ours)
        self.assertIn(b"removed", shown)
        return shown

    def test_colours_are_for_terminals(self):
        self.assertIn(ESCAPE, self.on_a_terminal())
        self.assertIn(ESCAPE, self.on_a_terminal(NO_COLOR=""))
        self.assertNotIn(ESCAPE, self.on_a_terminal(NO_COLOR="1"))
        self.assertNotIn(ESCAPE, run("--as", "remove", "00000005").stdout)

    def test_what_cannot_be_written(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("no /dev/full")
        with open("/dev/full", "wb") as full:
            result = subprocess.run([TOOL, "inspect", MESSAGE], stdout=full, stderr=subprocess.PIPE,
                                    timeout=TIMEOUT, check=False)
        self.assertEqual(result.returncode, 2)
        self.assertIn(b"cannot write", result.stderr)


if __name__ == "__main__":
    unittest.main()
