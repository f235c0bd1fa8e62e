#!/usr/bin/env python3
"""The requirement trace: which rule of RFC 9420 is kept, where, and which test showed it.

It joins the catalogue (requirements.tsv) with
  * the code: a comment in protocol/ such as [COMMIT-12], [CODEC-04, CODEC-05] or [COMMIT-07..11] says that
    the rule is kept there;
  * the evidence: TSV files that test runs write, one record a line: the id, the test, the Error seen, `equal`
    if the state was found unchanged, `accepted` if the genuine message still was; `-` for what was not seen.
A rule is covered when it is kept and tested. covered.tsv is the ratchet: what is covered stays covered.
exceptions.tsv holds what is never kept, and why; later.tsv what waits for a unit of protocol/ to be written.
mistakes.tsv lists mistakes that implementations of MLS have made, each with the requirements that forbid it: if a
message can show it (`bytes`), its refusals have to leave the state equal and to accept the genuine message after.

Exit status: 0 all is well; 1 failures, each on a line of its own; 2 no evidence, or wrong usage.
"""

import argparse
import re
import sys
from pathlib import Path
from typing import NamedTuple

KINDS = ("emit", "reject", "accept", "derive", "state", "delete", "app")
EXCEPTION_KINDS = ("suite not built", "duty of the delivery service", "policy of the application",
                   "out of profile")
MOST_EXCEPTIONS = 25

# Units that a row of later.tsv can wait for. A misspelt unit would wait for ever, so no other name will do.
UNITS = ("leaf_node", "ratchet_tree", "tree_draft", "tree_check", "update_path", "path_keys", "proposal",
         "framing", "welcome", "epoch", "proposal_list", "commit", "join", "group", "past_epochs", "successor",
         "saved_state")

CODE = ("protocol",)  # a citation here says that the rule is kept; elsewhere it is only a reference
REFERENCES = ("tests", "spec/adversary", "fuzz", "vectors/tool")

COVERED, KEPT_ONLY, TESTED_ONLY = "covered", "kept only", "tested only"
EXCEPTED, LATER, APPLICATION, OPEN = "excepted", "later", "application", "open"
COLUMNS = (COVERED, EXCEPTED, LATER, APPLICATION, OPEN)


MISTAKE_KINDS = ("bytes", "behaviour", "either", "out of profile")


class Requirement(NamedTuple):
    id: str
    section: str
    level: str
    role: str
    kind: str
    text: str
    test: str

    @property
    def family(self):
        return self.id.split("-")[0]


class Row(NamedTuple):
    place: str
    fields: tuple


class Seen:
    """All that the evidence shows of one requirement."""

    def __init__(self, place):
        self.place = place
        self.tests, self.errors, self.also = set(), set(), set()
        self.is_whole = False  # after one refusal the state was equal and the genuine message accepted

    def add(self, test, error, state, genuine):
        self.tests.add(test)
        if error != "-":
            self.errors.add(error)
        if state == "equal":
            self.also.add("state equal")
        if genuine == "accepted":
            self.also.add("genuine accepted")
        if error != "-" and state == "equal" and genuine == "accepted":
            self.is_whole = True


class Trace:
    """Reads everything, then checks it; what is wrong is gathered in `failures`."""

    def __init__(self, root, evidence):
        self.root = root
        self.failures = []
        self.catalogue = self.read_catalogue()
        self.exceptions = self.read_rows("spec/exceptions.tsv", "id kind reason")
        self.later = self.read_rows("spec/later.tsv", "id unit reason")
        self.committed = self.read_rows("spec/covered.tsv", "id")
        self.mistakes = self.read_mistakes()
        self.kept = self.read_citations()
        self.seen = self.read_evidence(evidence)

    def check(self):
        self.check_exceptions()
        self.check_later()
        self.check_evidence()
        self.check_halves()
        self.check_covered()
        self.check_mistakes()

    def fail(self, place, text):
        self.failures.append(f"trace: {place}: {text}")

    # Reading

    def read_table(self, name, header):
        """The rows of a table whose ids are single and whose fields are all filled."""
        columns = header.split()
        lines = read(self.root / name).split("\n")
        if lines[0].split("\t") != columns:
            self.fail(f"{name}:1", f"not the header of this table; make it {' <tab> '.join(columns)}")
        rows = {}
        for place, line in numbered(name, lines[1:], first=2):
            fields = line.split("\t")
            if len(fields) != len(columns) or "" in fields:
                self.fail(place, f"malformed; give {len(columns)} fields with tabs between them, none empty")
            elif fields[0] in rows:
                self.fail(place, f"{fields[0]} stands in {rows[fields[0]].place} already; remove one")
            else:
                rows[fields[0]] = Row(place, tuple(fields))
        return rows

    def read_catalogue(self):
        catalogue = {}
        rows = self.read_table("spec/requirements.tsv", "id section level role kind requirement test")
        for id, row in rows.items():
            requirement = Requirement(*row.fields)
            if not re.fullmatch(r"[A-Z]+-\d\d", id):
                self.fail(row.place, f"{id} is not an id; write letters, a dash and two digits")
            elif requirement.kind not in KINDS:
                self.fail(row.place, f"{requirement.kind} is no kind; use one of: {', '.join(KINDS)}")
            else:
                catalogue[id] = requirement
        return catalogue

    def read_rows(self, name, header):
        rows = self.read_table(name, header)
        return {id: row for id, row in rows.items() if self.known(id, row.place)}

    def read_mistakes(self):
        """The ids that forbid each mistake; none, `-`, where no requirement does."""
        mistakes = {}
        for row in self.read_table("spec/mistakes.tsv", "number change section kind forbidden_by").values():
            ids = [] if row.fields[4] == "-" else row.fields[4].split(", ")
            if row.fields[3] not in MISTAKE_KINDS:
                self.fail(row.place, f"{row.fields[3]} is no kind; use one of: {', '.join(MISTAKE_KINDS)}")
            elif all([self.known(id, row.place) for id in ids]):
                mistakes[row] = ids
        return mistakes

    def known(self, id, place):
        if id not in self.catalogue:
            self.fail(place, f"{id} is not in spec/requirements.tsv; correct the id")
        return id in self.catalogue

    def read_citations(self):
        """Where each rule is kept. References elsewhere are read as well, for their ids must exist too."""
        kept = {}
        families = "|".join(sorted({r.family for r in self.catalogue.values()}))
        bracket = re.compile(rf"\[((?:{families})-[^\]]*)(\]?)")
        element = re.compile(rf"({families})-(\d\d)(?:\.\.(\d\d))?")
        for folder in CODE + REFERENCES:
            for place, line in self.source_lines(folder):
                for inside, closed in bracket.findall(line):
                    ids = expand(element, inside) if closed else None
                    if ids is None:
                        self.fail(place, f"[{inside}{closed} is not a citation; "
                                         "write [AB-01], [AB-01, CD-02] or [AB-01..03], on one line")
                    for id in ids or ():
                        if self.known(id, place) and folder in CODE:
                            kept.setdefault(id, []).append(place)
        return kept

    def source_lines(self, folder):
        for path in sorted((self.root / folder).rglob("*")):
            if path.suffix in (".h", ".cpp") and path.is_file():
                yield from numbered(self.name(path), read(path).split("\n"))

    def read_evidence(self, files):
        seen = {}
        for path in files:
            for place, line in numbered(self.name(path), read(path).split("\n")):
                record = re.fullmatch(r"([^\t]+)\t([^\t]+)\t(-|\w+)\t(equal|-)\t(accepted|-)", line)
                if not record:
                    self.fail(place, "malformed; write id, test, Error or -, equal or -, accepted or -, "
                                     "with tabs between them")
                elif self.known(record[1], place):
                    seen.setdefault(record[1], Seen(place)).add(*record.groups()[1:])
        return seen

    def name(self, path):
        """A path as messages and the report show it: from the root, wherever the checkout lies."""
        return str(path.relative_to(self.root)) if self.root in path.parents else str(path)

    # Judging

    def tested(self, id):
        """A rejection is tested only if something was refused."""
        seen = self.seen.get(id)
        return seen is not None and (self.catalogue[id].kind != "reject" or bool(seen.errors))

    def state(self, id):
        if self.catalogue[id].kind == "app":
            return APPLICATION
        if id in self.kept:
            return COVERED if self.tested(id) else KEPT_ONLY
        if self.tested(id):
            return TESTED_ONLY
        if id in self.exceptions:
            return EXCEPTED
        return LATER if id in self.later else OPEN

    def in_state(self, *states):
        return [id for id in self.catalogue if self.state(id) in states]

    def check_exceptions(self):
        for number, (id, row) in enumerate(self.exceptions.items(), 1):
            if row.fields[1] not in EXCEPTION_KINDS:
                self.fail(row.place, f"{row.fields[1]} is no kind; use one of: {', '.join(EXCEPTION_KINDS)}")
            if self.state(id) != EXCEPTED:
                self.fail(row.place, f"stale exception: {id} is {self.state(id)}; remove the row")
            if number == MOST_EXCEPTIONS + 1:
                self.fail(row.place, f"more than {MOST_EXCEPTIONS} exceptions; keep a rule instead")

    def check_later(self):
        sources = re.sub("#.*", "", read(self.root / "protocol/CMakeLists.txt"))
        built = set(re.findall(r"([\w-]+)\.(?:h|cpp)\b", sources))
        for id, row in self.later.items():
            unit = row.fields[1]
            if unit not in UNITS:
                self.fail(row.place, f"{unit} is not a unit to wait for; use one of: {', '.join(UNITS)}")
            elif unit in built:
                self.fail(row.place, f"stale: {unit} is built; keep and test {id}, then remove the row")
            elif self.state(id) in (COVERED, EXCEPTED, APPLICATION):
                self.fail(row.place, f"stale: {id} is {self.state(id)}; remove the row")

    def check_evidence(self):
        for id, seen in self.seen.items():
            if not self.tested(id):
                self.fail(seen.place, f"{id} is a rejection, but no record shows an Error; refuse something")

    def check_halves(self):
        for id in self.in_state(KEPT_ONLY):
            self.fail(self.kept[id][0], f"{id} is kept but not tested; record evidence in its test")
        for id in self.in_state(TESTED_ONLY):
            self.fail(self.seen[id].place, f"{id} is tested but not kept; cite it where protocol/ keeps it")

    def is_refused_well(self, id):
        """Whether it is a rejection that was seen to change nothing and to keep out nothing genuine."""
        return self.catalogue[id].kind != "reject" or self.seen[id].is_whole

    def check_mistakes(self):
        for row, ids in self.mistakes.items():
            for id in ids:
                if id not in self.committed and self.state(id) not in (COVERED, LATER):
                    self.fail(row.place, f"{id} is {self.state(id)}; keep and test it")
                elif row.fields[3] == "bytes" and self.state(id) == COVERED and not self.is_refused_well(id):
                    self.fail(row.place, f"{id} is refused, but state and genuine message were not looked at")

    def check_covered(self):
        for id, row in self.committed.items():
            if self.state(id) != COVERED:
                self.fail(row.place, f"lost cover: {id} is {self.state(id)}; keep and test it again")
        for id in self.in_state(COVERED):
            if id not in self.committed:
                self.fail(self.kept[id][0], f"{id} is covered now; run `spec/trace.py --accept`")


def read(path):
    return path.read_text(encoding="utf-8", errors="replace").rstrip("\n")


def numbered(name, lines, first=1):
    """Each line with its place; an empty file has no lines."""
    if lines != [""]:
        for number, line in enumerate(lines, first):
            yield f"{name}:{number}", line


def expand(element, inside):
    """The ids of a citation, ranges written out; None if it is not well formed."""
    ids = []
    for part in inside.split(","):
        match = element.fullmatch(part.strip())
        if not match:
            return None
        first, last = int(match[2]), int(match[3] or match[2])
        if last < first:
            return None
        ids += [f"{match[1]}-{number:02}" for number in range(first, last + 1)]
    return ids


def evidence_files(root, folders):
    """What the folders given hold, else what the last test run left; an empty file is no evidence."""
    def records(folder):
        return [path for path in sorted(folder.glob("*.tsv")) if path.stat().st_size]

    if folders:
        return [path for folder in folders for path in records(Path(folder).resolve())]
    builds = [files for files in map(records, sorted(root.glob("build/*/evidence"))) if files]
    return max(builds, key=lambda files: max(path.stat().st_mtime for path in files), default=[])


def accept(trace):
    """Makes what is covered now the ratchet, and says what that changes."""
    path = trace.root / "spec/covered.tsv"
    before = read(path).split("\n")[1:]
    now = trace.in_state(COVERED)
    for id in dict.fromkeys(before):
        if id not in now:
            print(f"- {id}")
    for id in now:
        if id not in before:
            print(f"+ {id}")
    path.write_text("\n".join(["id"] + now) + "\n", encoding="utf-8")


def write_compliance(trace):
    columns = ("id", "level", "kind", "state", "kept", "tests", "errors seen", "also seen", "requirement")
    lines = ["# What Tacet keeps of RFC 9420", "", "Written by spec/trace.py from the last test run."]
    for family in families_of(trace):
        lines += ["", f"## {family}", "", table_line(columns), table_line(["---"] * len(columns))]
        rows = [row for row in trace.catalogue.values() if row.family == family]
        lines += [table_line(compliance_of(trace, row)) for row in rows]
    (trace.root / "spec/compliance.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def compliance_of(trace, row):
    seen = trace.seen.get(row.id, Seen(""))
    return (row.id, row.level, row.kind, trace.state(row.id), listed(trace.kept.get(row.id, ())),
            listed(sorted(seen.tests)), listed(sorted(seen.errors)), listed(sorted(seen.also)), row.text)


def families_of(trace):
    return list(dict.fromkeys(row.family for row in trace.catalogue.values()))


def table_line(cells):
    """A row of a markdown table; catalogue and test names may hold `<V>` and `||`."""
    return "| " + " | ".join(cell.replace("<", "&lt;").replace("|", "\\|") for cell in cells) + " |"


def listed(items):
    return ", ".join(items) or "-"


def print_families(trace, families):
    for id, row in trace.catalogue.items():
        if row.family in families:
            print(f"{id:13} {row.kind:7} {trace.state(id):12} {listed(trace.kept.get(id, ()))}")


def print_summary(trace):
    """At most twelve lines, the verdict last: a hook shows just these."""
    line = "{:8}" + "{:>13}" * (1 + len(COLUMNS))
    print(line.format("kind", "total", *COLUMNS))
    for kind in KINDS + ("total",):
        ids = [id for id, row in trace.catalogue.items() if kind in (row.kind, "total")]
        states = [trace.state(id) for id in ids]
        counts = [sum(state == column for state in states) for column in COLUMNS[:-1]]
        print(line.format(kind, len(ids), *counts, len(ids) - sum(counts)))
    for state, title in ((KEPT_ONLY, "kept but not tested"), (TESTED_ONLY, "tested but not kept")):
        if trace.in_state(state):
            print(f"{title}: {', '.join(trace.in_state(state))}")
    count = len(trace.failures)
    print(f"trace: {count} failure{'s' * (count != 1)}, listed above" if count else "trace: all is well")


def give_up(reason):
    print(f"trace: {reason}", file=sys.stderr)
    return 2


def parse_arguments():
    parser = argparse.ArgumentParser(description="Joins requirements, code and test evidence.")
    parser.add_argument("--evidence", metavar="DIR", action="append", default=[],
                        help="read DIR/*.tsv as evidence (repeatable); default: the newest build/*/evidence")
    parser.add_argument("--family", metavar="NAME", action="append", default=[],
                        help="print the state of each requirement of the family (repeatable)")
    parser.add_argument("--accept", action="store_true",
                        help="rewrite spec/covered.tsv from what is covered now")
    parser.add_argument("--no-write", action="store_true", help="do not write spec/compliance.md")
    parser.add_argument("--root", metavar="DIR", type=Path, default=Path(__file__).resolve().parent.parent,
                        help="the checkout; default: the folder above this script's")
    return parser.parse_args()


def run(options):
    root = options.root.resolve()
    evidence = evidence_files(root, options.evidence)
    if not evidence:
        return give_up("no evidence of any test; run `./run test` first")
    trace = Trace(root, evidence)
    unknown = set(options.family) - set(families_of(trace))
    if unknown:
        return give_up(f"no such family: {', '.join(sorted(unknown))}")
    if options.accept:
        accept(trace)
        trace = Trace(root, evidence)
    trace.check()
    if not options.no_write:
        write_compliance(trace)
    for failure in trace.failures:
        print(failure)
    print_families(trace, options.family)
    print_summary(trace)
    return 1 if trace.failures else 0


def main():
    try:
        return run(parse_arguments())
    except OSError as error:
        return give_up(error)


if __name__ == "__main__":
    sys.exit(main())
