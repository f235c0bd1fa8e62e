#pragma once

// Members of groups whose memories tests look into.

#include "endpoints.h"
#include "spec/adversary/member.h"

namespace tacet {

class Member final : public TwoMemories, public adversary::Member {
 public:
  Member(std::string name, Random& random)
      : adversary::Member(std::move(name), random, memory, secret_memory) {}
};

}  // namespace tacet
