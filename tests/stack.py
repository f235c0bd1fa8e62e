#!/usr/bin/env python3
"""The worst-case stack of each public verb: `stack.py DOCUMENT OBJECT...`, exit status 0 or 1.

The objects are those of protocol/, each with the call graph beside it that g++ -fcallgraph-info=su has written. A verb
takes what the frames take on the deepest way down from it. Call graphs name no target of a virtual call, so it is taken
from the source: every implementation in protocol/ of a virtual function of that name counts. Libsodium is not in the
graphs: a call of it counts as what an operation scrubs below itself. What the caller implements comes on top. Recursion
is refused, and so is a frame without a bound.

DOCUMENT has a table of bounds, rows "| `Group::join`, `Group::join_from_outside` | 9 KiB |", which is held against what
is measured: over its bound no verb may grow, the largest of a row is not far under it, and no verb is without one.
"""

import functools
import pathlib
import re
import sys

PROTOCOL = pathlib.Path(__file__).resolve().parent.parent / "protocol"
CLASSES = {"Group": "group.h", "Observer": "observer.h"}  # whose public functions are verbs
VERBS = ["create_key_package"]
# Where protocol/ hands out a function to call: the virtual function that is given it, and which it is.
CALLED_BACK = {"run": re.compile(r"check_leaves\(.*_FUN\(")}
THREAD = "what a lent thread does"
ROW = re.compile(r"^\| ((?:`[\w:]+`|" + THREAD + r")(?:, `[\w:]+`)*) \| (\d+) KiB \|$", re.M)
SLACK = 1.25  # of a bound over the largest in its row: compilers differ
LIBSODIUM = re.compile(r"^(crypto_|randombytes|sodium_)")


class Graph:
    def __init__(self, objects):
        self.frames, self.labels, self.calls, self.indirect = {}, {}, {}, {}
        self.problems, self.done = [], {}
        for path in objects:
            self.read(pathlib.Path(path).with_suffix(".ci"))
        below = int(re.search(r"scrub_depth = (\d+);", (PROTOCOL / "crypto.cpp").read_text())[1])
        for target in set().union(*self.calls.values()):
            if LIBSODIUM.match(target):
                self.frames[target], self.labels[target] = below, f"{target}()"
        self.virtual = {}  # the implementations of virtual functions by their name
        for node, label in self.labels.items():
            if label.startswith("virtual "):
                self.virtual.setdefault(name_of(label).split("::")[-1], set()).add(node)
        self.declared = {name for path in PROTOCOL.glob("*.h")
                         for name in re.findall(r"\bvirtual [^;{]*?(\w+)\(", path.read_text())}

    def read(self, path):
        for line in path.read_text().splitlines():
            title = re.search(r'title: "([^"]*)" label: "([^"]*)"', line)
            edge = re.search(r'sourcename: "([^"]*)" targetname: "([^"]*)"(?: label: "([^"]*)")?', line)
            if line.startswith("node:") and (size := re.search(r"\\n(\d+) bytes \(([a-z,]+)\)", title[2])):
                self.frames[title[1]] = max(int(size[1]), self.frames.get(title[1], 0))
                self.labels[title[1]] = title[2].split("\\n")[0]
                if size[2] == "dynamic":
                    self.problems.append(f"{name_of(self.labels[title[1]])} has a frame without a bound")
            elif line.startswith("edge:") and edge[2] == "__indirect_call":
                self.indirect.setdefault(edge[1], set()).add(edge[3])
            elif line.startswith("edge:"):
                self.calls.setdefault(edge[1], set()).add(edge[2])

    @functools.cached_property
    def called_back(self):
        return {name: {node for node, label in self.labels.items() if pattern.search(label)}
                for name, pattern in CALLED_BACK.items()}

    @functools.lru_cache(maxsize=None)
    def targets(self, place):
        """The functions that an indirect call at FILE:LINE:COLUMN may call."""
        path, line, column = place.rsplit(":", 2)
        text = "\n".join(source(path)[int(line) - 1:])
        statement = re.split(r";(?:\n|$|\s*//)", text, maxsplit=1)[0]
        before = re.search(r"(\w+)$", text[:int(column) - 1])
        names = {before[1]} if before and before[1] in self.declared else (
            set(re.findall(r"(\w+)\(", statement)) & self.declared)
        if not names:
            self.problems.append(f"nobody knows what is called at {place}")
        return frozenset().union(*(self.virtual.get(name, set()) | self.called_back.get(name, set()) for name in names))

    def below(self, node):
        for target in self.calls.get(node, ()):
            # The constructor of a complete object, which is the same code.
            yield target if target in self.frames else target.replace("C1E", "C2E")
        for place in self.indirect.get(node, ()):
            # What implements an interface asks another object by it, never itself.
            yield from self.targets(place) - {node}

    def deepest(self, node):
        """(bytes, (functions)) of the deepest way down; without recursion of its own, as that is what it looks for."""
        done, active, stack = self.done, {node}, [(node, iter(sorted(self.below(node))))]
        while stack:
            current, rest = stack[-1]
            child = next((c for c in rest if c in self.frames and c not in done), None)
            if child is None:
                best = max((done[c] for c in self.below(current) if c in done), key=lambda way: way[0], default=(0, ()))
                done[current] = (best[0] + self.frames[current], (current, *best[1]))
                active.discard(current)
                stack.pop()
            elif child in active:
                names = [name_of(self.labels[node]) for node in (child, current)]
                self.problems.append(f"recursion: {names[0]} through {names[1]}")
            else:
                active.add(child)
                stack.append((child, iter(sorted(self.below(child)))))
        return done[node]


@functools.lru_cache(maxsize=None)
def source(path):
    return pathlib.Path(path).read_text().splitlines()


def name_of(label):
    """`Group::join` of "tacet::Error tacet::Group::join(tacet::Bytes) const"; of a lambda, the function that has it."""
    found = re.search(r"(?:^|[ *&])(?:tacet::)?((?:[\w~]|\{anonymous\}|<[^()]*>|::)+)\(", label)
    if not found:
        return label
    return "a copy" if re.fullmatch(r"\d+|constprop|isra|part", found[1]) else found[1]  # of which g++ tells no more


def public_functions(name, header):
    body = re.search(rf"^class {name}\b.*?^}};", (PROTOCOL / header).read_text(), re.M | re.S)[0]
    public = re.sub(r"//.*", "", body.split(" public:", 1)[1].split(" private:", 1)[0])
    return [f"{name}::{function}" for function in re.findall(r"(?<![\w~.>])(\w+)\([^;{]*?\)[^;{()]*(?:;|\{)", public)]


def verbs(graph):
    """(verb, node) of those of which there is code; overloads as often as there are."""
    wanted = VERBS + [verb for name, header in CLASSES.items() for verb in public_functions(name, header)]
    for node, label in graph.labels.items():
        if "lambda" not in label and name_of(label) in wanted:
            yield name_of(label), node
    yield from ((THREAD, node) for nodes in graph.called_back.values() for node in nodes)


def main():
    document, objects = sys.argv[1], sys.argv[2:]
    graph = Graph(objects)
    measured = {}
    for verb, node in verbs(graph):
        measured[verb] = max(measured.get(verb, (0, ())), graph.deepest(node))
    rows = [(row[1].replace("`", "").split(", "), int(row[2]) << 10)
            for row in ROW.finditer(pathlib.Path(document).read_text())]
    problems = graph.problems
    stated = {}
    for names, bound in rows:
        stated.update((name, bound) for name in names)
        most = max((measured[name][0] for name in names if name in measured), default=0)
        if bound > SLACK * most:
            problems.append(f"{names[0]}: {bound >> 10} KiB are far more than the {most} bytes that it takes")
    for verb, (size, way) in sorted(measured.items(), key=lambda entry: -entry[1][0]):
        bound = stated.get(verb)
        print(f"{size:6} {'' if bound is None else bound:>6}  {verb}: "
              + ", ".join(f"{name_of(graph.labels[node]).split('::')[-1]} {graph.frames[node]}" for node in way[1:]))
        if bound is None or size > bound:
            problems.append(f"{verb} takes {size} bytes of stack, and {document} says "
                            + ("nothing" if bound is None else f"at most {bound}"))
    for name in sorted(stated.keys() - measured.keys()):
        problems.append(f"{name} is in the table of {document} and is no verb")
    for problem in problems:
        print(f"stack: {problem}")
    print(f"stack: {len(measured)} verbs, {len(graph.frames)} functions, {len(problems)} wrong")
    return 1 if problems or not measured else 0


if __name__ == "__main__":
    sys.exit(main())
