#pragma once

// The trial: holds what the closure can derive from what a witness has seen against what RFC 9420 allows.

#include "allowed.h"
#include "witness.h"

namespace tacet::adversary {

class Trial {
 public:
  // Of a history that is over. The attacker has all that ever went over the wire, and all that was saved, but
  // not the keys that it was sealed under.
  explicit Trial(Witness& witness);

  // What does not hold, in words; nothing of all that follows if all holds.
  // Every secret has a name, and the key pairs in the trees are those of the chronicle.
  std::vector<std::string> names();
  // Without a seizure nothing is derived.
  std::vector<std::string> without_seizure();
  // With any one of the seizures exactly what is allowed is derived.
  std::vector<std::string> with_each_seizure() { return with(witness_.seizures); }
  std::vector<std::string> with(const std::vector<Seizure>& seizures);  // some of them, in their order

  // What a seizure opens, and what it should: secrets and plaintexts, sorted.
  std::vector<ValueId> derived(const Seizure& seizure);

 private:
  static std::vector<Name> keys_of(const KeyTree& tree);
  std::vector<Name> keys_seen(const std::vector<Octets>& public_keys) const;
  void compare(const Seizure& seizure, const Allowed::Derived& allows, std::vector<std::string>& complaints);

  Witness& witness_;
  Allowed allowed_;
  std::vector<Name> names_;                                     // each once
  std::vector<std::pair<ValueId, std::size_t>> named_secrets_;  // and the place of its name; by secret
};

}  // namespace tacet::adversary
