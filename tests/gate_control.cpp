// What tests/gate.py must find: each function here does one thing that protocol/ may not.

#include <sodium.h>

#include <cstdlib>

#include "protocol/bytes.h"

namespace control {

int* with_new() { return new int(1); }
void with_delete(int* p) { delete p; }
void* with_malloc() { return std::malloc(8); }
void with_free(void* p) { std::free(p); }
void with_throw() { throw 1; }
void with_abort() { std::abort(); }
void with_libsodium(unsigned char* out) { crypto_hash_sha256(out, out, 8); }
tacet::Bytes with_reveal(const tacet::Secret& secret) { return tacet::reveal(secret); }

}  // namespace control
