#!/usr/bin/env python3
"""Gates on the built archive of protocol/: `gate.py ARCHIVE`, exit status 0 or 1.

* No object refers to an allocator, to abort or to a throw.
* Only sodium.cpp's object refers to libsodium, so that every cryptographic call passes the boundary.
* No object refers to reveal(), which reads inside a secret.
* Everything else that is referred to is on a short list.
"""

import re
import subprocess
import sys

FORBIDDEN = [
    (re.compile(r"^_Zn[wa]|^_Zd[la]"), "operator new or delete"),
    (re.compile(r"^(malloc|calloc|realloc|reallocarray|free|aligned_alloc|posix_memalign|memalign|valloc|strdup|strndup"
                r"|asprintf|vasprintf|getline|mmap|brk|sbrk|sodium_malloc|sodium_allocarray|sodium_free)$"), "an allocator"),
    (re.compile(r"^(abort|exit|_exit|_Exit|quick_exit|raise|sodium_misuse|__assert_fail|_ZSt9terminatev"
                r"|_ZSt22__glibcxx_assert_fail.*|__clang_call_terminate)$"), "abort"),
    (re.compile(r"^__cxa_(throw|rethrow|allocate_exception|begin_catch|end_catch|bad_.*)$|^_ZSt\w*__throw"
                r"|^_Unwind_|^__gxx_personality"), "a throw"),
    (re.compile(r"^_ZN5tacet6reveal"), "reveal(), which reads inside a secret"),
]
LIBSODIUM = re.compile(r"^(crypto_|randombytes|sodium_)")
BOUNDARY = "sodium.cpp.o"

# What compilers and the C library put in by themselves, and tacet's own symbols.
ALLOWED = re.compile(r"^(mem(cpy|move|set|cmp)|bcmp|strlen|__mem\w+_chk|__stack_chk_fail|_GLOBAL_OFFSET_TABLE_"
                     r"|__cpu_model|__cpu_indicator_init|__cxa_pure_virtual|_ZN5tacet.*|_ZNK5tacet.*|_ZTVN5tacet.*"
                     r"|_ZTVN10__cxxabiv1.*|__(asan|ubsan|sanitizer|llvm|gcov)_.*)$")


def undefined(archive):
    """(object, symbol) for each undefined symbol of each object."""
    listing = subprocess.run(["nm", "-u", "--format=posix", archive], check=True, capture_output=True, text=True).stdout
    member = archive
    for line in listing.splitlines():
        if line.endswith(":"):
            member = line.rstrip(":").split("[")[-1].rstrip("]")
        elif line.strip():
            yield member, line.split()[0]


def judge(member, symbol):
    for pattern, what in FORBIDDEN:
        if pattern.search(symbol):
            return what
    if LIBSODIUM.search(symbol):
        return None if member == BOUNDARY else "libsodium, past the crypto boundary"
    return None if ALLOWED.search(symbol) else "a symbol that is not on the list of gate.py"


def main():
    if len(sys.argv) != 2:
        print("usage: gate.py ARCHIVE")
        return 2
    symbols = sorted(set(undefined(sys.argv[1])))
    failures = 0
    for member, symbol in symbols:
        what = judge(member, symbol)
        if what is not None:
            failures += 1
            print(f"gate: {member} refers to {symbol}: {what}")
    objects = len({member for member, _ in symbols})
    print(f"gate: {len(symbols)} references of {objects} objects looked at, {failures} forbidden")
    if not symbols:
        print("gate: an archive without a single reference was not what was meant")
    return 0 if symbols and not failures else 1


if __name__ == "__main__":
    sys.exit(main())
