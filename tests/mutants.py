#!/usr/bin/env python3
"""Mutants: each REFUSE_IF of protocol/ switched off in turn; then at least one test has to fail.

The test programs come from one build, of the preset `mutants`. They run once as they are, and note which test
saw which place refuse: no other test can tell whether that place is switched off, so no other is run for it.
A crash, or ten times the usual time and more, is a failure too; the table says so. Random tests have a
fixed seed.

spec/survivors.tsv holds the survivors that are accepted, each with its reason. A refusal is named there by
its file, its Error and, where the file has that Error several times, a number that counts them from the top.

Exit status: 0 all is well; 1 a survivor that is not accepted, or a row that is stale; 2 nothing to run, tests
that fail without a mutant, or wrong usage.
"""

import argparse
import os
import random
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

MEMORY = 4 << 30  # bytes for a test program: a mutant that takes all it can get fails before it does harm


class GivesUp(Exception):
    pass


class Refusal(NamedTuple):
    file: str  # in protocol/
    first: int  # its lines: compilers differ in which of them they call its place
    last: int
    error: str  # with a number, if the file has it several times

    @property
    def name(self):
        return f"{self.file} {self.error}"

    @property
    def place(self):
        return f"{self.file}:{self.first}"


class Verdict(NamedTuple):
    killed: bool
    text: str
    kind: str = ""


# What there is


def find_refusals(folder):
    refusals = []
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".h", ".cpp"):
            refusals += refusals_of(str(path.relative_to(folder)), path.read_text(encoding="utf-8"))
    return refusals


def refusals_of(file, text):
    text = re.sub(r"//.*|#define REFUSE_IF.*", "", text)
    found = list(re.finditer(r"\bREFUSE_IF\((?:(?!REFUSE_IF).)*?\bError::(\w+)\);", text, re.S))
    if len(found) != len(re.findall(r"\bREFUSE_IF\b", text)):
        raise GivesUp(f"protocol/{file}: a REFUSE_IF does not end in `Error::name);`")
    times, count = Counter(match[1] for match in found), Counter()
    for match in found:
        count[match[1]] += 1
        number = f" {count[match[1]]}" if times[match[1]] > 1 else ""
        first, last = (1 + text.count("\n", 0, end) for end in match.span())
        yield Refusal(file, first, last, match[1] + number)


def read_accepted(path):
    """The places of the rows, by the refusal that each accepts."""
    lines = path.read_text(encoding="utf-8").rstrip("\n").split("\n")
    if lines[0] != "refusal\treason":
        raise GivesUp(f"{path.name}:1: not the header of this table; make it refusal <tab> reason")
    rows = {}
    for number, line in enumerate(lines[1:], 2):
        fields = line.split("\t")
        if len(fields) != 2 or "" in fields or fields[0] in rows:
            raise GivesUp(f"{path.name}:{number}: give a refusal that has no row yet, a tab and a reason")
        rows[fields[0]] = f"{path.name}:{number}"
    return rows


def select(refusals, options):
    chosen = refusals
    if options.sample is not None and options.sample < 1:
        raise GivesUp(f"a sample of {options.sample} shows nothing; draw 1 or more")
    if options.names:
        for name in options.names:
            if not any(name in names_of(each) for each in refusals):
                raise GivesUp(f"{name} is no file, Error, place or name of a refusal")
        chosen = [each for each in refusals if not names_of(each).isdisjoint(options.names)]
    if options.sample is not None and options.sample < len(chosen):
        chosen = sorted(random.Random(options.seed).sample(chosen, options.sample))
    return chosen


def names_of(refusal):
    return {refusal.file, refusal.error.split()[0], refusal.place, refusal.name}


# Running


class Programs:
    """The test programs, and which of their tests saw which place refuse."""

    def __init__(self, root, folder, work, patience):
        self.work = work
        self.patience = patience
        self.environment = dict(os.environ, RC_PARAMS="seed=1 noshrink=1",
                                TACET_VECTORS=str(root / "vectors"))
        for name in ("TACET_EVIDENCE", "TACET_MUTANT", "TACET_REFUSALS", "GTEST_FILTER"):
            self.environment.pop(name, None)
        self.paths = sorted(path for path in folder.glob("*_test") if os.access(path, os.X_OK))
        if not self.paths:
            raise GivesUp(f"no test programs in {folder}; use ./run mutants, which builds them")
        self.seconds = {}
        self.seen = {}  # (file, line) to program to tests
        for number, path in enumerate(self.paths, 1):
            progress(f"{number} of {len(self.paths)} test programs without a mutant")
            self.watch(path)

    def run(self, path, arguments, variable, value, seconds):
        """Status, None if it took too long; and output."""
        try:
            done = subprocess.run([str(path), *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  stdin=subprocess.DEVNULL, check=False, timeout=seconds, cwd=self.work,
                                  env=dict(self.environment, **{variable: value}))
            return done.returncode, done.stdout.decode(errors="replace")
        except subprocess.TimeoutExpired as expired:
            return None, (expired.stdout or b"").decode(errors="replace")

    def watch(self, path):
        noted = self.work / f"{path.name}.tsv"
        start = time.monotonic()
        status, output = self.run(path, (), "TACET_REFUSALS", str(noted), None)
        self.seconds[path] = time.monotonic() - start
        if status != 0:
            print(output, end="")
            raise GivesUp(f"{path.name} fails without a mutant; its output is above")
        for line in noted.read_text(encoding="utf-8").splitlines() if noted.exists() else ():
            place = re.fullmatch(r"(.+)\t(?:.*/)?protocol/(.+):(\d+)", line)
            if place:  # tests ask the switchboard as well
                self.seen.setdefault((place[2], int(place[3])), {}).setdefault(path, []).append(place[1])

    def judge(self, refusal):
        """Runs what saw the refusal, the quickest programs first, until something fails."""
        tests = 0
        for line in range(refusal.first, refusal.last + 1):
            seen = self.seen.get((refusal.file, line), {})
            for path in sorted(seen, key=self.seconds.get):
                seconds = self.patience + 10 * self.seconds[path]
                arguments = ("--gtest_fail_fast", "--gtest_filter=" + ":".join(seen[path]))
                status, output = self.run(path, arguments, "TACET_MUTANT", f"/{refusal.file}:{line}", seconds)
                if status != 0:
                    return verdict(path.name, status, output, seconds)
            tests += sum(map(len, seen.values()))
        return Verdict(False, f"SURVIVED; tests that see it refuse: {tests or 'none'}")


def bound_memory():
    """For this process, and so for those that it starts; nor do they leave core dumps."""
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    if hard == resource.RLIM_INFINITY or hard > MEMORY:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def verdict(program, status, output, seconds):
    failed = re.search(r"\[  FAILED  \] ([^\s,]+)", output)
    if failed and status == 1:
        return Verdict(True, f"{program} {failed[1]}", "a failed test")
    started = re.findall(r"\[ RUN      \] (\S+)", output)
    test = started[-1] if started else "before its first test"
    if status is None:
        return Verdict(True, f"{program} {test}: not done after {seconds:.0f} s", "time")
    how = signal.Signals(-status).name if status < 0 else f"exit status {status}"
    return Verdict(True, f"{program} {test}: crash, {how}", "a crash")


# Telling


def progress(text):
    if sys.stderr.isatty():
        print(f"\r\033[Kmutants: {text}" if text else "\r\033[K", end="", file=sys.stderr, flush=True)


def run_all(programs, chosen, jobs):
    verdicts = []
    with ThreadPoolExecutor(jobs) as pool:
        for each in pool.map(programs.judge, chosen):
            verdicts.append(each)
            survived = sum(not one.killed for one in verdicts)
            progress(f"{len(verdicts)} of {len(chosen)} refusals switched off, {survived} survived")
    progress("")
    return dict(zip(chosen, verdicts))


def print_table(verdicts):
    rows = [("place", "error", "killed by")]
    rows += [(each.place, each.error, verdict.text) for each, verdict in verdicts.items()]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    for place, error, text in rows:
        print(f"{place:{widths[0]}}  {error:{widths[1]}}  {text}")


def failures_of(refusals, verdicts, accepted):
    names = {each.name for each in refusals}
    failures = [f"{place}: stale: there is no refusal {name}; remove the row"
                for name, place in accepted.items() if name not in names]
    for each, verdict in verdicts.items():
        if verdict.killed and each.name in accepted:
            failures.append(f"{accepted[each.name]}: stale: {each.name} is killed; remove the row")
        if not verdict.killed and each.name not in accepted:
            failures.append(f"{each.place}: {each.name} survived; write the test that misses it")
    return failures


def print_summary(refusals, verdicts, accepted, seconds):
    kinds = Counter(verdict.kind for verdict in verdicts.values() if verdict.killed)
    by = ", ".join(f"{count} by {kind}" for kind, count in kinds.most_common())
    survivors = [each for each, verdict in verdicts.items() if not verdict.killed]
    excused = sum(each.name in accepted for each in survivors)
    print(f"mutants: {len(verdicts)} of {len(refusals)} refusals; {sum(kinds.values())} killed"
          f"{' (' + by + ')' if by else ''}; {len(survivors)} survived, {excused} of them accepted; "
          f"{seconds / 60:.1f} minutes")


def parse_arguments():
    parser = argparse.ArgumentParser(description="Switches each refusal off in turn; a test has to fail.")
    parser.add_argument("names", metavar="NAME", nargs="*",
                        help="only these: a file, an Error, a place (framing.cpp:28) or a file and an Error")
    parser.add_argument("--sample", metavar="N", type=int, help="only N of them, drawn by --seed")
    parser.add_argument("--seed", metavar="TEXT", default="", help="what the sample follows from")
    parser.add_argument("--jobs", metavar="N", type=int, default=os.cpu_count(),
                        help="at a time; default: %(default)s, as many as there are cores")
    parser.add_argument("--seconds", metavar="N", type=float, default=10,
                        help="given to a run beside ten times its usual time; default: %(default)s")
    parser.add_argument("--programs", metavar="DIR", type=Path, help="default: build/mutants/tests")
    parser.add_argument("--root", metavar="DIR", type=Path, default=Path(__file__).resolve().parent.parent,
                        help="the checkout; default: the folder above this script's")
    return parser.parse_args()


def run(options):
    start = time.monotonic()
    root = options.root.resolve()
    refusals = find_refusals(root / "protocol")
    chosen = select(refusals, options)
    accepted = read_accepted(root / "spec/survivors.tsv")
    if options.sample is not None:
        print(f"mutants: a sample of {len(chosen)}, seed {options.seed!r}")
    bound_memory()
    folder = options.programs or root / "build/mutants/tests"
    with tempfile.TemporaryDirectory() as work:
        programs = Programs(root, folder.resolve(), Path(work), options.seconds)
        verdicts = run_all(programs, chosen, options.jobs)
    print_table(verdicts)
    failures = failures_of(refusals, verdicts, accepted)
    for failure in failures:
        print(f"mutants: {failure}")
    print_summary(refusals, verdicts, accepted, time.monotonic() - start)
    return 1 if failures else 0


def main():
    try:
        return run(parse_arguments())
    except (GivesUp, OSError) as error:
        progress("")
        print(f"mutants: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
