#!/usr/bin/env python3
"""Runs spec/trace.py on small trees and checks what it says of each."""

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SCRIPT = Path(__file__).resolve().parent.parent / "spec/trace.py"

CATALOGUE = """id\tsection\tlevel\trole\tkind\trequirement\ttest
CODEC-01\t2.1\tMUST\treceiver\treject\tAn optional<T> octet is 0 || 1.\tdecode 2
CODEC-02\t2.1\tSTRUCT\tany\tderive\tIntegers are big-endian.\tmessages
EXT-01\t13.4\tMUST\treceiver\treject\tNo type stands twice.\trepeat one
APP-01\t15\tSHOULD\tapplication\tapp\tLabels are unique.\tnone
CODEC-03\t2.1\tSTRUCT\tany\temit\tHeaders are shortest.\tlengths
"""
REFUSED = "CODEC-01\tCodec.Optional\toptional_presence\tequal\taccepted"
DERIVED = "CODEC-02\tCodec.Integers\t-\t-\t-"
MISTAKES = ("number\tchange\tsection\tkind\tforbidden_by\n"
            "1\tan octet of 2\t2.1\tbytes\tCODEC-01\n"
            "2\ta timing\t6.1\tbehaviour\t-\n")


class TraceTest(unittest.TestCase):
    def setUp(self):
        """A tree in which all is well: two rules covered, one excepted, one that waits."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name).resolve()
        self.write("spec/requirements.tsv", CATALOGUE)
        self.write("spec/exceptions.tsv", "id\tkind\treason\nEXT-01\tout of profile\tNot here.\n")
        self.write("spec/later.tsv", "id\tunit\treason\nCODEC-03\tproposal\tneeds Proposal\n")
        self.write("spec/covered.tsv", "id\nCODEC-01\nCODEC-02\n")
        self.write("spec/mistakes.tsv", MISTAKES)
        self.write("protocol/CMakeLists.txt", "add_library(tacet codec.cpp proposal_list.h)  # proposal.h\n")
        self.write("protocol/codec.cpp", "int a;\nint b;  // [CODEC-01, CODEC-02]\n")
        self.evidence(REFUSED, DERIVED)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def read(self, name):
        return (self.root / name).read_text(encoding="utf-8")

    def append(self, name, text):
        self.write(name, self.read(name) + text)

    def evidence(self, *records, file="build/test/evidence/codec.tsv"):
        self.write(file, "".join(record + "\n" for record in records))

    def trace(self, *arguments):
        command = [sys.executable, str(SCRIPT), "--root", str(self.root), *arguments]
        result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                                universal_newlines=True)
        return result.returncode, result.stdout

    def passes(self, *arguments):
        status, output = self.trace(*arguments)
        self.assertEqual(status, 0, output)
        self.assertEqual(output.splitlines()[-1], "trace: all is well")
        return output

    def fails(self, *failures, arguments=()):
        """Exactly these failures, in this order, and the count of them."""
        status, output = self.trace(*arguments)
        lines = output.splitlines()
        self.assertEqual([line for line in lines[:-1] if line.startswith("trace: ")],
                         [f"trace: {failure}" for failure in failures], output)
        count = f"{len(failures)} failure{'s' * (len(failures) > 1)}"
        self.assertEqual(lines[-1], f"trace: {count}, listed above")
        self.assertEqual(status, 1)
        return output

    def gives_up(self, message, *arguments):
        status, output = self.trace(*arguments)
        self.assertEqual(status, 2, output)
        self.assertIn(message, output)


class CleanTree(TraceTest):
    def test_passes_with_a_table_by_kind(self):
        lines = [line.split() for line in self.passes().splitlines()]
        self.assertEqual(lines[0], "kind total covered excepted later application open".split())
        self.assertIn("reject 2 1 1 0 0 0".split(), lines)
        self.assertIn("emit 1 0 0 1 0 0".split(), lines)
        self.assertIn("app 1 0 0 0 1 0".split(), lines)
        self.assertIn("total 5 2 1 1 1 0".split(), lines)
        self.assertLessEqual(len(lines), 12)

    def test_a_rule_that_nobody_keeps_is_open_and_no_failure(self):
        self.write("spec/later.tsv", "id\tunit\treason\n")
        self.assertIn("total 5 2 1 0 1 1".split(), [line.split() for line in self.passes().splitlines()])

    def test_family_lists_each_row_in_the_order_of_the_catalogue(self):
        lines = [line.split() for line in self.passes("--family", "CODEC").splitlines()[:4]]
        self.assertEqual(lines[0], ["CODEC-01", "reject", "covered", "protocol/codec.cpp:2"])
        self.assertEqual(lines[2], ["CODEC-03", "emit", "later", "-"])
        self.assertEqual(lines[3][0], "kind")

    def test_family_is_repeatable_and_must_exist(self):
        self.assertIn("EXT-01", self.passes("--family", "APP", "--family", "EXT"))
        self.gives_up("no such family: CODE", "--family", "CODE")

    def test_compliance_shows_where_and_how(self):
        self.passes()
        rows = self.read("spec/compliance.md").splitlines()
        self.assertIn("## EXT", rows)
        self.assertIn("| CODEC-01 | MUST | reject | covered | protocol/codec.cpp:2 | Codec.Optional | "
                      "optional_presence | genuine accepted, state equal | "
                      "An optional&lt;T> octet is 0 \\|\\| 1. |", rows)

    def test_no_write_writes_nothing(self):
        self.passes("--no-write")
        self.assertFalse((self.root / "spec/compliance.md").exists())

    def test_duties_of_the_application_need_neither_code_nor_evidence(self):
        self.append("protocol/codec.cpp", "// [APP-01]\n")
        self.passes()

    def test_wrong_usage(self):
        self.gives_up("usage:", "--frobnicate")

    def test_a_missing_table(self):
        (self.root / "spec/later.tsv").unlink()
        self.gives_up("later.tsv")


class Citations(TraceTest):
    def test_lists_ranges_and_headers_count(self):
        for citation in ("[CODEC-01..02]", "[CODEC-01][CODEC-02]", "[CODEC-02,CODEC-01..01]"):
            self.write("protocol/codec.cpp", "")
            self.write("protocol/deep/codec.h", f"// {citation}\n")
            self.passes()

    def test_other_brackets_are_not_citations(self):
        self.append("protocol/codec.cpp", "x[N-10]; y[CODEC]; // [RFC-9420] [AES-12] CODEC-77 (EXT-02)\n")
        self.passes()

    def test_unknown_id(self):
        self.append("protocol/codec.cpp", "// [CODEC-02..04]\n")
        self.write("tests/codec_test.cpp", "\n// [EXT-02]\n")
        self.write("spec/adversary/builder.h", "// [EXT-03]\n")
        self.write("fuzz/codec.cpp", "// [EXT-04]\n")
        self.write("vectors/tool/main.cpp", "// [EXT-05]\n")
        # The range reaches CODEC-03, which is thereby kept as well.
        self.fails(*(f"{place}: {id} is not in spec/requirements.tsv; correct the id" for place, id in (
            ("protocol/codec.cpp:3", "CODEC-04"), ("tests/codec_test.cpp:2", "EXT-02"),
            ("spec/adversary/builder.h:1", "EXT-03"), ("fuzz/codec.cpp:1", "EXT-04"),
            ("vectors/tool/main.cpp:1", "EXT-05"))),
            "protocol/codec.cpp:3: CODEC-03 is kept but not tested; record evidence in its test")

    def test_malformed(self):
        for text in ("[CODEC-1]", "[CODEC-001]", "[CODEC-02..01]", "[CODEC-01, 02]", "[CODEC-01; CODEC-02]",
                     "[CODEC-01,", "[CODEC-01"):
            self.write("protocol/hpke.h", f"// {text}\n")
            self.fails(f"protocol/hpke.h:1: {text} is not a citation; write [AB-01], [AB-01, CD-02] or "
                       "[AB-01..03], on one line")

    def test_a_citation_outside_protocol_keeps_nothing(self):
        self.write("tests/codec_test.cpp", "// [CODEC-03]\n")
        self.passes()


class Evidence(TraceTest):
    def test_none(self):
        self.evidence()
        self.gives_up("no evidence of any test; run `./run test` first")
        self.gives_up("run `./run test` first", "--evidence", str(self.root / "nowhere"))
        self.gives_up("run `./run test` first", "--accept")
        self.assertEqual(self.read("spec/covered.tsv"), "id\nCODEC-01\nCODEC-02\n")

    def test_unknown_id(self):
        self.evidence(REFUSED, DERIVED, "CODEC-99\tCodec.Gone\t-\t-\t-")
        self.fails("build/test/evidence/codec.tsv:3: CODEC-99 is not in spec/requirements.tsv; "
                   "correct the id")

    def test_malformed(self):
        for line in ("", "CODEC-02", "CODEC-02\tT\t-\t-", "CODEC-02\t\t-\t-\t-", "CODEC-02\tT\t-\tsame\t-",
                     "CODEC-02\tT\t-\t-\tyes", "CODEC-02\tT\tno error\t-\t-", "CODEC-02\tT\t-\t-\t-\t-"):
            self.evidence(REFUSED, line, DERIVED)
            self.fails("build/test/evidence/codec.tsv:2: malformed; write id, test, Error or -, equal or -, "
                       "accepted or -, with tabs between them")

    def test_a_rejection_without_an_error_is_not_tested(self):
        self.evidence(REFUSED.replace("optional_presence", "-"), DERIVED)
        output = self.fails(
            "build/test/evidence/codec.tsv:1: CODEC-01 is a rejection, but no record shows an Error; "
            "refuse something",
            "protocol/codec.cpp:2: CODEC-01 is kept but not tested; record evidence in its test",
            "spec/covered.tsv:2: lost cover: CODEC-01 is kept only; keep and test it again")
        self.assertEqual(output.splitlines()[-2], "kept but not tested: CODEC-01")

    def test_one_error_among_the_records_is_enough(self):
        self.evidence(REFUSED.replace("optional_presence", "-"), REFUSED, DERIVED)
        self.passes()

    def test_the_folders_given_are_joined(self):
        self.evidence("CODEC-99\tCodec.Old\t-\t-\t-")
        self.evidence(REFUSED, file="one/a.tsv")
        self.evidence(DERIVED, file="two/b.tsv")
        self.passes("--evidence", str(self.root / "one"), "--evidence", str(self.root / "two"))

    def test_the_newest_build_counts(self):
        self.evidence("CODEC-99\tCodec.Old\t-\t-\t-", file="build/other/evidence/codec.tsv")
        os.utime(self.root / "build/other/evidence/codec.tsv", (1, 1))
        self.passes()


class Halves(TraceTest):
    def test_kept_but_not_tested(self):
        self.append("protocol/codec.cpp", "// [CODEC-03]\n")
        output = self.fails("protocol/codec.cpp:3: CODEC-03 is kept but not tested; "
                            "record evidence in its test")
        self.assertEqual(output.splitlines()[-2], "kept but not tested: CODEC-03")

    def test_tested_but_not_kept(self):
        self.evidence(REFUSED, DERIVED, "CODEC-03\tCodec.Lengths\t-\t-\t-")
        output = self.fails("build/test/evidence/codec.tsv:3: CODEC-03 is tested but not kept; "
                            "cite it where protocol/ keeps it")
        self.assertEqual(output.splitlines()[-2], "tested but not kept: CODEC-03")


class Tables(TraceTest):
    def test_unknown_ids(self):
        self.append("spec/exceptions.tsv", "EXT-09\tout of profile\tNot here.\n")
        self.append("spec/later.tsv", "EXT-08\tproposal\tneeds Proposal\n")
        self.append("spec/covered.tsv", "EXT-07\n")
        self.fails(*(f"{place}: {id} is not in spec/requirements.tsv; correct the id" for place, id in (
            ("spec/exceptions.tsv:3", "EXT-09"), ("spec/later.tsv:3", "EXT-08"),
            ("spec/covered.tsv:4", "EXT-07"))))

    def test_duplicate_ids(self):
        self.append("spec/requirements.tsv", CATALOGUE.splitlines()[1] + "\n")
        self.append("spec/covered.tsv", "CODEC-01\n")
        self.fails("spec/requirements.tsv:7: CODEC-01 stands in spec/requirements.tsv:2 already; remove one",
                   "spec/covered.tsv:4: CODEC-01 stands in spec/covered.tsv:2 already; remove one")

    def test_malformed(self):
        row = "CODEC-03\tproposal\tneeds Proposal\n"
        self.write("spec/later.tsv", "id\treason\nCODEC-03\tproposal\t\nCODEC-03\tproposal\n\n" + row)
        self.fails("spec/later.tsv:1: not the header of this table; make it id <tab> unit <tab> reason",
                   *(f"spec/later.tsv:{line}: malformed; give 3 fields with tabs between them, none empty"
                     for line in (2, 3, 4)))

    def test_bad_rows_in_the_catalogue(self):
        self.append("spec/requirements.tsv", "EXT-2\t1\tMUST\tany\temit\tA.\tb\n"
                                             "EXT-02\t1\tMUST\tany\tforbid\tA.\tb\n")
        self.fails("spec/requirements.tsv:7: EXT-2 is not an id; write letters, a dash and two digits",
                   "spec/requirements.tsv:8: forbid is no kind; use one of: emit, reject, accept, derive, "
                   "state, delete, app")

    def test_lost_cover(self):
        self.write("protocol/codec.cpp", "// [CODEC-01]\n")
        self.evidence(REFUSED)
        self.fails("spec/covered.tsv:3: lost cover: CODEC-02 is open; keep and test it again")

    def test_new_cover(self):
        self.write("spec/covered.tsv", "id\nCODEC-02\n")
        self.fails("protocol/codec.cpp:2: CODEC-01 is covered now; run `spec/trace.py --accept`")

    def test_bad_exception_kind(self):
        self.write("spec/exceptions.tsv", "id\tkind\treason\nEXT-01\ttoo hard\tNot here.\n")
        self.fails("spec/exceptions.tsv:2: too hard is no kind; use one of: suite not built, "
                   "duty of the delivery service, policy of the application, out of profile")

    def test_stale_exceptions(self):
        self.append("spec/exceptions.tsv", "CODEC-02\tout of profile\tNo.\nAPP-01\tout of profile\tNo.\n")
        self.fails("spec/exceptions.tsv:3: stale exception: CODEC-02 is covered; remove the row",
                   "spec/exceptions.tsv:4: stale exception: APP-01 is application; remove the row")

    def test_an_exception_is_stale_as_soon_as_the_rule_is_kept(self):
        self.append("protocol/codec.cpp", "// [EXT-01]\n")
        self.fails("spec/exceptions.tsv:2: stale exception: EXT-01 is kept only; remove the row",
                   "protocol/codec.cpp:3: EXT-01 is kept but not tested; record evidence in its test")

    def test_the_26th_exception(self):
        for number in range(2, 27):
            if number == 26:
                self.passes()
            self.append("spec/requirements.tsv", f"EXT-{number:02}\t13\tMUST\tany\temit\tA.\tb\n")
            self.append("spec/exceptions.tsv", f"EXT-{number:02}\tsuite not built\tNo.\n")
        self.fails("spec/exceptions.tsv:27: more than 25 exceptions; keep a rule instead")

    def test_a_mistake_that_nothing_forbids_yet(self):
        self.append("spec/mistakes.tsv", "3\tX.509\t5.3\tout of profile\tEXT-01\n4\ta state\t9\tbehaviour\tCODEC-03\n")
        self.fails("spec/mistakes.tsv:4: EXT-01 is excepted; keep and test it")

    def test_a_mistake_that_bytes_show_is_refused_without_a_trace(self):
        one, other = REFUSED.replace("equal", "-"), REFUSED.replace("accepted", "-")
        for records in ([one], [other], [one, other]):
            self.evidence(*records, DERIVED)
            self.fails("spec/mistakes.tsv:2: CODEC-01 is refused, but state and genuine message were not looked at")

    def test_bad_mistakes(self):
        self.append("spec/mistakes.tsv", "3\ta\t1\tbites\tCODEC-01\n4\ta\t1\tbytes\tCODEC-77\n")
        self.fails("spec/mistakes.tsv:4: bites is no kind; use one of: bytes, behaviour, either, out of profile",
                   "spec/mistakes.tsv:5: CODEC-77 is not in spec/requirements.tsv; correct the id")

    def test_later_is_stale_once_the_unit_is_built(self):
        for source in ("proposal.h", "proposal.cpp", "${CMAKE_CURRENT_SOURCE_DIR}/proposal.cpp"):
            self.write("protocol/CMakeLists.txt", f"add_library(tacet {source})\n")
            self.fails("spec/later.tsv:2: stale: proposal is built; keep and test CODEC-03, "
                       "then remove the row")

    def test_later_is_stale_once_covered_excepted_or_a_duty(self):
        self.append("spec/later.tsv", "CODEC-02\tcommit\tno\nEXT-01\tcommit\tno\nAPP-01\tcommit\tno\n")
        self.fails("spec/later.tsv:3: stale: CODEC-02 is covered; remove the row",
                   "spec/later.tsv:4: stale: EXT-01 is excepted; remove the row",
                   "spec/later.tsv:5: stale: APP-01 is application; remove the row")

    def test_later_waits_only_for_units_of_the_design(self):
        self.write("spec/later.tsv", "id\tunit\treason\nCODEC-03\tproposals\tneeds Proposal\n")
        self.fails("spec/later.tsv:2: proposals is not a unit to wait for; use one of: leaf_node, "
                   "ratchet_tree, tree_draft, tree_check, update_path, path_keys, proposal, framing, "
                   "welcome, epoch, proposal_list, commit, join, group, past_epochs, successor, saved_state")


class Accept(TraceTest):
    def test_adds_and_removes_with_a_line_for_each(self):
        self.write("spec/covered.tsv", "id\nCODEC-02\nEXT-07\nEXT-01\n")
        self.assertEqual(self.passes("--accept").splitlines()[:3], ["- EXT-07", "- EXT-01", "+ CODEC-01"])
        self.assertEqual(self.read("spec/covered.tsv"), "id\nCODEC-01\nCODEC-02\n")

    def test_changes_nothing_that_is_right(self):
        self.assertTrue(self.passes("--accept").startswith("kind"))
        self.assertEqual(self.read("spec/covered.tsv"), "id\nCODEC-01\nCODEC-02\n")

    def test_starts_from_the_header_alone(self):
        self.write("spec/covered.tsv", "id\n")
        self.assertEqual(self.passes("--accept").splitlines()[:2], ["+ CODEC-01", "+ CODEC-02"])

    def test_does_not_hide_other_failures(self):
        self.append("protocol/codec.cpp", "// [CODEC-03]\n")
        self.fails("protocol/codec.cpp:3: CODEC-03 is kept but not tested; record evidence in its test",
                   arguments=["--accept"])


if __name__ == "__main__":
    unittest.main()
