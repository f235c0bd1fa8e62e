#!/usr/bin/env python3
"""Fails on an include that points the wrong way, and on a name that is not for everybody.

The list of sources in protocol/CMakeLists.txt is the law: a unit includes only units above it. Outside protocol/ the
folders depend on each other in one direction only. What reads inside a secret reaches, and is named by, a closed list.
`layering.py [ROOT]`; exit status 0 or 1.
"""

import pathlib
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')

# What each folder may include beside itself.
FOLDERS = {
    "protocol": [],
    "spec/adversary": ["protocol"],
    "vectors/tool": ["protocol", "spec/adversary"],
    "tests": ["protocol", "spec/adversary", "vectors/tool"],
    # The models of tests/ are oracles there too, and what inspects is fuzzed.
    "fuzz": ["protocol", "spec/adversary", "tests", "vectors/tool"],
}

# Headers with few readers: the inside of a Secret, and libsodium. Who includes what includes one is a reader too.
READERS = {
    "boundary.h": {"crypto.cpp", "sodium.cpp", "memory.cpp"},
    "<sodium.h>": {"sodium.cpp"},
}

# What makes bytes of a secret, and the units of protocol/ that may name it, each with the reason.
NAMES = {
    "SecretAccess": {
        "bytes": "a friend of Secret and SecretView",
        "boundary": "what it is",
        "memory": "moves secrets into slots and out of them, by copy_secret",
        "crypto": "operations lend the bytes of a secret to primitives, and its room",
        "sodium": "primitives read keys and write them",
    },
    "reveal": {
        "bytes": "a friend of Secret and SecretView, that tests define and no endpoint has (tests/gate.py)",
    },
    "SecretReader": {  # it gives a field as bytes or as a Secret, as its caller says
        "crypto": "what it is",
        "welcome": "GroupSecrets: the ids of PSKs are public, the secrets are not",
        "commit": "a part of a save: the Commit that waits",
        "epoch": "a part of a save: the secrets of the epoch",
        "past_epochs": "a part of a save",
        "path_keys": "a part of a save: public keys are beside the private ones",
        "resumption": "a part of a save",
        "saved_state": "the save as a whole",
        "secret_tree": "a part of a save: indexes and generations are beside the secrets",
    },
    "expand_for_application": {
        "crypto": "what it is",
        "key_schedule": "the exporter and the epoch authenticator, which are the application's",
    },
}

# Not in protocol/: these throw, abort, allocate, or fail on a supported compiler.
BANNED = [
    (re.compile(r"#\s*include\s*<(ranges|functional|iostream|string|vector|map|memory|stdexcept|cassert)>"),
     "a header that allocates, throws, aborts or fails on clang 14"),
    (re.compile(r"\.at\("), ".at() throws"),
    (re.compile(r"\bstd::(get|visit)\b"), "std::get and std::visit abort on a wrong variant"),
    (re.compile(r"\.value\(\)\s*\.value\(\)|\bthrow\b|\bdynamic_cast\b|\btypeid\b"), "exceptions and RTTI are off"),
    (re.compile(r"\b(malloc|calloc|realloc|free|abort)\s*\("), "protocol/ never allocates and never aborts"),
]


def includes(path):
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match[2], match[1] == "<"


def code(path):
    """Its lines, numbered, without comments and strings."""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        yield number, re.sub(r'"[^"]*"', '""', line.split("//")[0])


def reached(protocol, name):
    """All that a unit's file includes, itself or by others: where, what, and by way of which."""
    seen, waiting = set(), [(name, None, ())]
    for file, line, way in waiting:  # which grows
        for number, target, is_system in includes(protocol / file):
            shown = f"<{target}>" if is_system else target
            if shown in seen:
                continue
            seen.add(shown)
            yield line or number, shown, way
            if (protocol / target).is_file() and not is_system:
                waiting.append((target, line or number, (*way, target)))


def units(root):
    """The sources in their order, and the place of each unit in it; a unit is a header and its source."""
    text = (root / "protocol/CMakeLists.txt").read_text()
    listed = re.search(r"set\(units(.*?)\n\)", text, re.S)[1]
    names = re.findall(r"[\w/]+\.(?:h|cpp|def)", re.sub(r"#.*", "", listed))
    order = {}
    for name in names:
        order.setdefault(pathlib.Path(name).stem, len(order))
    return names, order


def check_protocol(root, fail):
    names, order = units(root)
    protocol = root / "protocol"
    for path in sorted(protocol.glob("*.*")):
        if path.suffix in (".h", ".cpp", ".def") and path.name not in names:
            fail(path, 1, "is not in the list of protocol/CMakeLists.txt")
    for name in names:
        path = protocol / name
        place = order[path.stem]
        for number, shown, way in reached(protocol, name):
            if shown in READERS and name not in READERS[shown]:
                by = f", and comes by {', '.join(way)}" if way else ""
                fail(path, number, f"{shown} is only for {', '.join(sorted(READERS[shown]))}{by}")
        for number, target, is_system in includes(path):
            if is_system:
                if target != "sodium.h" and "/" not in target and target.endswith(".h"):
                    fail(path, number, f"<{target}>: only the standard library and, in sodium.cpp, libsodium")
            elif pathlib.Path(target).stem not in order or target not in names:
                fail(path, number, f"{target} is no unit of protocol/")
            elif order[pathlib.Path(target).stem] > place:
                fail(path, number, f"includes {target}, which stands below it in protocol/CMakeLists.txt")
        for number, line in code(path):
            for pattern, reason in BANNED:
                if pattern.search(line):
                    fail(path, number, reason)


def check_names(root, fail):
    """Each name where it may be; a unit that is listed and does not name it is stale."""
    stale = {(name, unit) for name, allowed in NAMES.items() for unit in allowed}
    for path in sorted((root / "protocol").rglob("*.*")):
        if path.suffix not in (".h", ".cpp"):
            continue
        for number, line in code(path):
            for name in set(re.findall(r"\w+", line)) & NAMES.keys():
                if path.stem not in NAMES[name]:
                    fail(path, number, f"{name} is only for {', '.join(sorted(NAMES[name]))}")
                stale.discard((name, path.stem))
    for name, unit in sorted(stale):
        fail(root / "protocol" / f"{unit}.h", 1, f"{name} is nowhere in this unit, which may name it")


def check_folders(root, fail):
    for folder, allowed in FOLDERS.items():
        for path in sorted((root / folder).rglob("*")):
            if path.suffix not in (".h", ".cpp"):
                continue
            for number, target, is_system in includes(path):
                if is_system:
                    continue
                home = next((f for f in FOLDERS if target.startswith(f + "/")), folder)
                if home != folder and home not in allowed:
                    fail(path, number, f"{folder} may not include {target}")
                if not any((base / target).exists() for base in (root, path.parent)):
                    fail(path, number, f"{target}: there is no such file")


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent).resolve()
    failures = []
    for check in (check_protocol, check_names, check_folders):
        check(root, lambda path, number, what: failures.append(f"{path.relative_to(root)}:{number}: {what}"))
    for failure in failures:
        print(f"layering: {failure}")
    print(f"layering: {len(units(root)[0])} files of protocol/ checked, {len(failures)} wrong")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
