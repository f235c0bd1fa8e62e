#!/usr/bin/env python3
"""Controls of gate.py: `gate_test.py CONTROL_ARCHIVE`. Each thing that the control archive does must be found."""

import pathlib
import re
import subprocess
import sys

EXPECTED = [  # symbols as regular expressions: compilers differ in which delete they call
    ("_Znwm", "operator new or delete"),
    ("_ZdlPvm?", "operator new or delete"),
    ("malloc", "an allocator"),
    ("free", "an allocator"),
    ("__cxa_throw", "a throw"),
    ("__cxa_allocate_exception", "a throw"),
    ("abort", "abort"),
    ("crypto_hash_sha256", "libsodium, past the crypto boundary"),
    ("_ZN5tacet6revealERKNS_6SecretE", "reveal(), which reads inside a secret"),
]

done = subprocess.run([sys.executable, str(pathlib.Path(__file__).parent / "gate.py"), sys.argv[1]],
                      capture_output=True, text=True)
missing = [symbol for symbol, what in EXPECTED
           if not re.search(f" refers to {symbol}: {re.escape(what)}$", done.stdout, re.MULTILINE)]
if done.returncode != 1 or missing:
    print(f"status {done.returncode}, not found: {missing}\n{done.stdout}{done.stderr}")
    sys.exit(1)
print(f"gate_test: all {len(EXPECTED)} planted references were found")
