#!/usr/bin/env python3
"""Leaks: each of those in leaks_seeded.py is put into a copy of the sources in turn; at least one proof has to find it.

The copy and its build are in build/leaks. A proof is a program or a script of tests/ that looks for secrets where none
may be; it finds a leak if it fails. The sources as they are, which are tried first, must pass every proof. What was
measured of the same sources is not measured again.

Exit status: 0 all is well; 1 a leak that no proof finds, or that is found though it is said to be missed; 2 nothing to
run, a proof that fails without a leak, a leak whose text is not in the sources, or wrong usage.
"""

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from leaks_seeded import LEAKS, MISSED

COPIED = ("CMakeLists.txt", "CMakePresets.json", "protocol", "spec", "tests", "vectors")
PATIENCE = 300  # seconds for a proof, which takes some ten
CLEAN = "none"  # the name of no leak
NOT_FOUND, NOT_TRIED = "", "not tried"


class GivesUp(Exception):
    pass


class Proof(NamedTuple):
    name: str
    looks: str  # where
    program: str = ""  # of the build, if it needs one
    filter: str = "*"
    script: str = ""  # of tests/, that is run with the program
    under: tuple = ()  # what the program is run by
    tells: str = ""  # the line of its output that says what is wrong


COMPILER, HEADERS, UNITS = "compiler", "must_not_compile", "unit tests"
UNIT_TESTS = ("framing_test", "hpke_test")
PROOFS = (
    Proof(COMPILER, "at what is compiled: a `Secret` cannot be read, so it goes into no encoding, hash or comparison"),
    Proof(HEADERS, "at what the headers let a caller do with a secret"),
    Proof("gate", "at what the library refers to: allocators, `reveal()`", "tacet", script="gate.py",
          tells=r"gate: .* refers to .*"),
    Proof("trial", "at what follows from the wire, the saves and the printed texts of random histories, and from an "
          "endpoint's memory seized at any moment beside them: exactly what RFC 9420 allows", "trial_test",
          "Trial.GivesExactlyWhatIsAllowedInRandomHistories:Planted.NothingThatIsPrintedHasASecretInIt",
          tells=r'[^\n"]*?(?:is derived|should be derived|has no name|has other keys)[^\n\\]*'),
    Proof("deletion", "in an endpoint's memory for what should be gone", "deletion_test"),
    Proof("secret tree", "at each key of the ratchets: right, used once, erased", "secret_tree_test"),
    Proof("saved state", "at what is saved and restored", "saved_state_test"),
    Proof("saved tree", "at ratchets that are saved and restored", "saved_tree_test"),
    Proof("taint", "under memcheck for branches, indexes and outputs that depend on a secret", "taint_test",
          "Taint.AGroupLives", under=("valgrind", "--error-exitcode=99", "--suppressions=src/tests/taint.supp"),
          tells=r"==\d+== (?:Conditional jump|Use of uninit|Uninitialised byte).*"),
    Proof("residue", "on the stack below an operation, and in the registers", "residue_test"),
    Proof("residue life", "in all of a process's memory, over the life of a group", "residue_life_test"),
    Proof("core", "in the core of a process whose secrets are locked", "locked_memory_test",
          "LockedMemoryTest.WhatAGroupKeepsSecretIsNotInACoreDump"),
    Proof(UNITS, "at single messages and operations; tried only where no proof finds a leak"),
)


class Scratch:
    """A copy of the sources, and its build."""

    def __init__(self, root):
        self.folder = root / "build/leaks"
        self.source, self.build = self.folder / "src", self.folder / "build"
        self.log = self.folder / "log"
        self.digest = hashlib.sha256()
        self.log.mkdir(parents=True, exist_ok=True)
        self.copy(root)
        if not (self.build / "build.ninja").exists():
            self.must("cmake", "-S", self.source, "-B", self.build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
                      "-DTACET_TESTS=ON")

    def copy(self, root):
        """What has changed is copied, and what is gone goes, so that only that is built again."""
        wanted = set()
        for name in COPIED:
            for path in [root / name] if (root / name).is_file() else sorted((root / name).rglob("*")):
                if not path.is_file() or path.suffix == ".pyc":
                    continue
                relative, content = path.relative_to(root), path.read_bytes()
                wanted.add(relative)
                if path.suffix in (".h", ".cpp", ".def", ".py", ".supp") and not path.stem.startswith("leaks"):
                    self.digest.update(str(relative).encode() + content)
                self.put(self.source / relative, content)
        for path in list(self.source.rglob("*")):
            if path.is_file() and path.relative_to(self.source) not in wanted:
                path.unlink()

    @staticmethod
    def put(path, content):
        if path.exists() and path.read_bytes() == content:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def run(self, name, *command, seconds=None, **environment):
        """Status, None if it took too long; and output, which is kept."""
        try:
            done = subprocess.run([str(each) for each in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  stdin=subprocess.DEVNULL, check=False, timeout=seconds, cwd=self.folder,
                                  env=dict(os.environ, **environment))
            status, output = done.returncode, done.stdout.decode(errors="replace")
        except subprocess.TimeoutExpired as expired:
            status, output = None, (expired.stdout or b"").decode(errors="replace")
        (self.log / f"{name}.txt").write_text(output, encoding="utf-8")
        return status, output

    def must(self, *command):
        status, output = self.run("configure", *command)
        if status != 0:
            raise GivesUp(f"{command[0]} failed:\n{output}")

    def compiler(self):
        cache = (self.build / "CMakeCache.txt").read_text(encoding="utf-8")
        return re.search(r"^CMAKE_CXX_COMPILER:\w+=(.*)$", cache, re.M)[1]


class Patch:
    """The sources with a leak in them, for as long as it is open."""

    def __init__(self, source, leak):
        self.before, texts = {}, {}
        self.builds = leak is None or not leak.breaks
        for file, old, new in leak.changes if leak else ():
            path = source / "protocol" / file
            text = texts.get(path, path.read_text(encoding="utf-8"))
            self.before.setdefault(path, text)
            if text.count(old) != 1:
                raise GivesUp(f"{leak.name}: {file} has its text {text.count(old)} times, not once: {old.strip()}")
            texts[path] = text.replace(old, new)
        self.after = texts

    def __enter__(self):
        self.times = {path: (path.stat().st_atime_ns, path.stat().st_mtime_ns) for path in self.after}
        for path, text in self.after.items():
            path.write_text(text, encoding="utf-8")

    def __exit__(self, *_):
        for path, text in self.before.items():
            path.write_text(text, encoding="utf-8")
            if not self.builds:  # of what did not compile there is nothing to build again
                os.utime(path, ns=self.times[path])


# Trying


def try_leak(scratch, leak):
    """What each proof says: NOT_FOUND, NOT_TRIED, or the line by which it finds the leak."""
    name = leak.name if leak else CLEAN
    said = {proof.name: NOT_FOUND for proof in PROOFS}
    in_headers = leak is None or any(file.endswith(".h") for file, _, _ in leak.changes)
    with Patch(scratch.source, leak):
        if in_headers:  # all other leaks leave this as it is
            said[HEADERS] = try_headers(scratch, name)
        if leak and leak.breaks == HEADERS:
            return {each: text if each == HEADERS else NOT_TRIED for each, text in said.items()}
        programs = sorted({proof.program for proof in PROOFS if proof.program})
        status, output = scratch.run(f"{name}.build", "cmake", "--build", scratch.build, "--target", *programs)
        if status != 0:
            if leak is None or leak.breaks != COMPILER:
                raise GivesUp(f"{name} does not compile; see {scratch.log / name}.build.txt")
            said = dict.fromkeys(said, NOT_TRIED)
            said[COMPILER] = cut(re.search(r"error: (.*)", output)[1])
            return said
        tried = [proof for proof in PROOFS if proof.program]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for proof, text in zip(tried, pool.map(lambda proof: try_proof(scratch, name, proof), tried)):
                said[proof.name] = text
        said[UNITS] = NOT_TRIED if finders(said) else try_units(scratch, name)
    return said


def try_headers(scratch, name):
    """Case 0 must compile, and no other."""
    source = scratch.source / "tests/must_not_compile.cpp"
    for case in range(1 + max(map(int, re.findall(r"CASE == (\d+)", source.read_text(encoding="utf-8"))))):
        status, _ = scratch.run(f"{name}.case", scratch.compiler(), "-std=c++20", "-fsyntax-only",
                                "-Werror=unused-result", f"-I{scratch.source}", f"-DCASE={case}", source)
        if (status == 0) != (case == 0):
            return f"case {case} {'compiles' if status == 0 else 'does not compile'}"
    return NOT_FOUND


def try_units(scratch, name):
    status, _ = scratch.run(f"{name}.build", "cmake", "--build", scratch.build, "--target", *UNIT_TESTS)
    if status != 0:
        raise GivesUp(f"{name} does not compile; see {scratch.log / name}.build.txt")
    said = [try_proof(scratch, name, Proof(UNITS, "", program)) for program in UNIT_TESTS]
    return next(filter(None, said), NOT_FOUND)


def try_proof(scratch, name, proof):
    program = scratch.build / ("protocol/libtacet.a" if proof.program == "tacet" else f"tests/{proof.program}")
    command = [*proof.under, program, f"--gtest_filter={proof.filter}"]
    if proof.script:
        command = [sys.executable, scratch.source / "tests" / proof.script, program]
    status, output = scratch.run(f"{name}.{proof.program}", *command, seconds=PATIENCE,
                                 RC_PARAMS="seed=1 max_success=20 noshrink=1")
    if "[  SKIPPED ]" in output:
        raise GivesUp(f"{proof.program} skips where this runs, so that nothing is shown")
    if status == 0:
        return NOT_FOUND
    return line_of(proof, output) if status is not None else f"not done after {PATIENCE} s"


def line_of(proof, output):
    """What says that it has failed."""
    told = proof.tells and re.search(proof.tells, output)
    if told:
        return cut(re.sub(r"^==\d+== ", "", told[0]))
    failed = re.search(r": Failure\n(.*?)\n(?:\n|\[|\S+: Failure)", output, re.S)
    test = re.search(r"\[  FAILED  \] (\S+)", output)
    if failed and test:
        return cut(f"{test[1]}: {failed[1]}")
    started = re.findall(r"\[ RUN      \] (\S+)", output)
    return f"{started[-1] if started else proof.program}: crash"


def cut(text, most=160):
    """In one line, without a place of the machine or of its memory."""
    text = re.sub(r"\S*/(?=\S)|from [0-9a-f]{12}\b", "", text)
    text = re.sub(r"\s+(?=;)", "", re.sub(r"\s+", " ", text)).strip()
    return text if len(text) <= most else text[:most].rsplit(" ", 1)[0] + " ..."


def try_all(scratch, leaks):
    kept = scratch.folder / "results.json"
    results = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    for number, leak in enumerate((None, *leaks)):
        name = leak.name if leak else CLEAN
        key = hashlib.sha256(scratch.digest.digest() + repr((leak, PROOFS)).encode()).hexdigest()
        if results.get(name, {}).get("of") != key:
            start = time.monotonic()
            results[name] = {"of": key, "said": try_leak(scratch, leak)}
            kept.write_text(json.dumps(results), encoding="utf-8")
            print(f"leaks: {number} of {len(leaks)}, {name}: {found_by(results[name]['said'])}; "
                  f"{time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
        if leak is None and finders(results[name]["said"]):
            raise GivesUp(f"without a leak these fail: {found_by(results[name]['said'])}; see {scratch.log}")
    return {leak: results[leak.name]["said"] for leak in leaks}


def finders(said):
    return [name for name, text in said.items() if text not in (NOT_FOUND, NOT_TRIED)]


def found_by(said):
    return ", ".join(finders(said)) or "NO PROOF"


# Telling


def table(results):
    rows = ["| leak | " + " | ".join(proof.name for proof in PROOFS) + " |", "|---" * (1 + len(PROOFS)) + "|"]
    marks = {NOT_FOUND: "", NOT_TRIED: "-"}
    for leak, said in results.items():
        rows.append(f"| {leak.name} | " + " | ".join(marks.get(said[proof.name], "x") for proof in PROOFS) + " |")
    return "\n".join(rows)


def document(results):
    text = ("# Which proof finds which leak\n\n"
            "Written by `./run leaks --write` (`tests/leaks.py`): each leak of `tests/leaks_seeded.py` is put into a\n"
            "copy of `protocol/`, the proofs are built and run, and x says which of them fail. Without a leak none\n"
            "does. A dash is what was not tried: what does not compile cannot be run, a leak that only lets more\n"
            "compile needs no run, and the unit tests are asked only where no proof finds a leak.\n\n")
    text += table(results) + "\n\n## Where each proof looks\n\n| proof | looks |\n|---|---|\n"
    text += "".join(f"| {proof.name} | {proof.looks} |\n" for proof in PROOFS)
    text += "\n## What each leak does, and what finds it says\n\n"
    for leak, said in results.items():
        files = "`, `".join(dict.fromkeys(file for file, _, _ in leak.changes))
        text += f"**{leak.name}** (`{files}`): {leak.does}\n\n"
        text += "".join(f"* {name}: `{said[name].replace('`', '')}`\n" for name in finders(said))
        text += "\n" if finders(said) else f"* no proof: {MISSED.get(leak.name, 'not known why')}\n\n"
    return text.rstrip("\n") + "\n"


def main():
    parser = argparse.ArgumentParser(description="Puts each leak into the library; some proof has to find it.")
    parser.add_argument("--only", metavar="NAME", action="append", help="only this leak; may be given again")
    parser.add_argument("--check", action="store_true", help="only see that the text of each leak is in the sources")
    parser.add_argument("--write", action="store_true", help="write spec/leaks.md")
    options = parser.parse_args()
    root = Path(__file__).resolve().parent.parent
    try:
        unknown = set(options.only or ()) - {leak.name for leak in LEAKS}
        if unknown or (options.only and options.write):
            raise GivesUp(f"no leak: {', '.join(unknown)}" if unknown else "the document is of all leaks")
        for leak in LEAKS:
            Patch(root, leak)  # a stale one is told before any time is spent
        if options.check:
            print(f"leaks: {len(LEAKS)} can be put in")
            return 0
        chosen = [leak for leak in LEAKS if not options.only or leak.name in options.only]
        results = try_all(Scratch(root), chosen)
    except (GivesUp, OSError) as error:
        print(f"leaks: {error}", file=sys.stderr)
        return 2
    print(table(results))
    if options.write:
        (root / "spec/leaks.md").write_text(document(results), encoding="utf-8")
    missed = [leak.name for leak, said in results.items() if not finders(said)]
    failures = [f"no proof finds: {name}" for name in missed if name not in MISSED]
    failures += [f"stale: found is: {leak.name}" for leak in results if leak.name in MISSED and leak.name not in missed]
    for failure in failures:
        print(f"leaks: {failure}")
    print(f"leaks: {len(results) - len(missed)} of {len(results)} found; {len(missed)} missed, "
          f"{sum(name in MISSED for name in missed)} of them known")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
