#pragma once

// Secrets in and out, for tests that compare them with the model's byte strings.

#include <utility>

#include "model.h"
#include "spec/adversary/reveal.h"

namespace tacet {

inline model::Octets octets(const Secret& secret) { return model::octets(reveal(secret)); }
inline SecretView view(const model::Octets& bytes) { return {bytes.data(), bytes.size()}; }
inline Secret secret_of(const model::Octets& bytes) { return std::move(Secret::copy_of(bytes).value()); }

}  // namespace tacet
