#pragma once

// Live endpoints whose memories tests look into.

#include <gtest/gtest.h>

#include "memories.h"
#include "model.h"
#include "secrets.h"
#include "spec/adversary/endpoint.h"
#include "spec/adversary/seeded_random.h"

namespace tacet {

using adversary::KnownPsks;
using adversary::Trusting;
using model::Octets;
using model::operator+;

struct TwoMemories {
  TestMemory memory, secret_memory;
};

class Endpoint final : public TwoMemories, public adversary::Endpoint {
 public:
  Endpoint(std::string name, Random& random)
      : adversary::Endpoint(std::move(name), random, memory, secret_memory) {}
};

}  // namespace tacet
