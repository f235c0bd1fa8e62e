#!/usr/bin/env python3
"""An outside project uses Tacet: installed, and as a folder. `outside_test.py BUILD [CMAKE OPTIONS...]`.

Installs the build into a folder below it, moves what was installed, and has tests/outside/ configured, built and run
with it; then the same with this repository as a folder. That project is the example of the README, word for word.
Exit status 0 or 1.
"""

import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
build, options = pathlib.Path(sys.argv[1]), sys.argv[2:]
place = build / "outside"
failures = []


def run(*command):
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        sys.exit(f"outside: {' '.join(map(str, command))}\n{done.stdout}")
    return done.stdout


def expect(condition, what):
    if not condition:
        failures.append(what)


def installed():
    """What is installed is the library proper, and knows no folder of the machine that it was built on."""
    run("cmake", "--install", build, "--prefix", place / "first")
    (place / "first").rename(place / "moved")
    files = [path for path in (place / "moved").rglob("*") if path.is_file()]
    names = {path.name for path in files}
    public = {path.name for path in (ROOT / "protocol").rglob("*") if path.suffix in (".h", ".def")}
    expect(public <= names, f"headers are not installed: {sorted(public - names)}")
    other = [name for name in names - public if not re.fullmatch(r"libtacet\.a|FindSodium\.cmake|Tacet.*\.cmake", name)]
    expect(not other, f"installed as well: {sorted(other)}")
    for path in files:
        if path.suffix == ".cmake":
            text = path.read_text()
            expect(str(ROOT) not in text and str(build) not in text, f"{path.name} names a folder of the build")


def used():
    folder = place / "build"
    run("cmake", "-S", ROOT / "tests/outside", "-B", folder, f"-DCMAKE_PREFIX_PATH={place / 'moved'}", *options)
    run("cmake", "--build", folder)
    printed = run(folder / "outside")
    expect(printed == "hello, Bob\n", f"printed: {printed}")


def shown_in_the_readme():
    shown = re.findall(r"^```cpp\n(.*?)^```$", (ROOT / "README.md").read_text(), re.M | re.S)
    example = (ROOT / "tests/outside/main.cpp").read_text()
    expect(example in shown, "the example of README.md is not tests/outside/main.cpp")
    expect(len(example.splitlines()) <= 40, "the example has more than 40 lines")


def used_as_a_folder():
    """Then neither the tool nor its libraries are asked for."""
    folder = place / "folder"
    run("cmake", "-S", ROOT / "tests/outside", "-B", folder, f"-DTACET_FOLDER={ROOT}", *options,
        # what compiles soonest
        "-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_UNITY_BUILD=ON", "-DCMAKE_UNITY_BUILD_BATCH_SIZE=6")
    expect("TACET_TOOL:BOOL=OFF" in (folder / "CMakeCache.txt").read_text(), "the tool is built with the project")
    run("cmake", "--build", folder, "--target", "outside")
    run(folder / "outside")


shutil.rmtree(place, ignore_errors=True)
place.mkdir()
shown_in_the_readme()
installed()
used()
used_as_a_folder()
for failure in failures:
    print(f"outside: {failure}")
print(f"outside: {len(failures)} wrong")
sys.exit(1 if failures else 0)
