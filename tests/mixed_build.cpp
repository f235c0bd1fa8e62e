// Compiled for the library proper and linked with the test build: must not link.

#include "protocol/tacet.h"

int main() { return tacet::is_test_build() ? 1 : 0; }
