#!/usr/bin/env python3
"""Runs taint_test under memcheck: `taint_test.py PROGRAM [full]`, exit status 0 or 1.

The flows must run without a report. Each control runs by itself and must be reported for what it is: with reports of
that kind and no other, in what the control does. Without `full` it is one flow and three controls.
"""

import pathlib
import re
import subprocess
import sys

REPORTED = 99  # the status of a run with reports
BRANCH = "Conditional jump or move depends on uninitialised value(s)"
INDEX = "Use of uninitialised value of size 8"
OUTPUT = "Uninitialised byte(s) found during client check request"

QUICK_FLOW = "Taint.AGroupLives"
CONTROLS = {  # the kinds of report, and the function that one is made in, or that calls it
    "ABranch": ({BRANCH}, "ABranch_Test::TestBody"),
    "AKeyXoredWithAConstant": ({OUTPUT}, "must_be_public"),
    "ASecretThatWasSaved": ({OUTPUT}, "must_be_public"),
    "AnIndex": ({INDEX}, "AnIndex_Test::TestBody"),
    "AnExtension": ({OUTPUT}, "Tainting::do_sign"),
    "AHash": ({OUTPUT}, "must_be_public"),
    "OneBit": ({OUTPUT}, "must_be_public"),
    "AnUnknownSecretThatIsSealed": ({OUTPUT}, "KnownSecrets::must_be_known_in"),
    "ACiphertextUnderAKnownKey": ({OUTPUT}, "must_be_public"),
    "ALength": ({BRANCH, INDEX}, "ALength_Test::TestBody"),
    "AnExporterSecret": ({OUTPUT}, "must_be_public"),
}
QUICK_CONTROLS = 3  # the first ones

program = sys.argv[1]
is_full = sys.argv[2:] == ["full"]


def run(*arguments, under=()):
    done = subprocess.run([*under, program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace")
    return done.returncode, done.stdout


def memcheck(*arguments):
    suppressions = pathlib.Path(__file__).resolve().parent / "taint.supp"
    return run(*arguments, under=("valgrind", "--tool=memcheck", f"--error-exitcode={REPORTED}", "--track-origins=no",
                                  "--leak-check=no", "--num-callers=40", f"--suppressions={suppressions}"))


def reports(output):
    """Each report of memcheck: its first line, and the functions that it names, the innermost first."""
    text = "\n".join(re.findall(r"^==\d+== ?(.*)$", output, re.MULTILINE))
    for block in text.split("\n\n"):
        frames = re.findall(r"^ +(?:at|by) 0x\w+: (.*)$", block, re.MULTILINE)
        if frames:
            yield block.strip().splitlines()[0], frames


def check_flows():
    status, output = memcheck(f"--gtest_filter={'Taint.*' if is_full else QUICK_FLOW}")
    passed = re.search(r"^\[  PASSED  \] ([1-9]\d*) test", output, re.MULTILINE)
    if status == 0 and passed and "ERROR SUMMARY: 0 errors" in output:
        return None
    return f"the flows, status {status}\n{output}"


def check_control(name):
    kinds, function = CONTROLS[name]
    status, output = memcheck("--gtest_also_run_disabled_tests", f"--gtest_filter=DISABLED_Control.{name}")
    found = list(reports(output))
    are_of_it = all(kind in kinds and any(f"_{name}_Test::TestBody" in frame for frame in frames)
                    for kind, frames in found)
    if status == REPORTED and are_of_it and any(function in frame for _, frames in found for frame in frames[:2]):
        return None
    return f"control {name}, status {status}: not found for what it is\n{output}"


def check_without():
    status, output = run(f"--gtest_filter={QUICK_FLOW}")
    return None if status == 1 and "nothing is shown without memcheck" in output else f"without memcheck it passed\n{output}"


controls = list(CONTROLS)[:None if is_full else QUICK_CONTROLS]
failures = [failure for failure in (check_flows(), check_without(), *map(check_control, controls)) if failure]
for failure in failures:
    print(f"taint_test: {failure}")
if not failures:
    print(f"taint_test: no report of memcheck; {len(controls)} controls were found")
sys.exit(1 if failures else 0)
