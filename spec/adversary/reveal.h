#pragma once

// Reads inside secrets, for the adversary, the tests and the tool. protocol/ declares these functions and
// never refers to them; tests/gate.py sees to it.

#include "protocol/bytes.h"

namespace tacet {

Bytes reveal(const Secret& secret) noexcept;  // valid as long as the secret
Bytes reveal(SecretView secret) noexcept;

}  // namespace tacet
