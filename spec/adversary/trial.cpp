#include "trial.h"

#include <algorithm>

namespace tacet::adversary {

namespace {

constexpr std::size_t most_complaints = 20;

}  // namespace

Trial::Trial(Witness& witness) : witness_(witness), allowed_(witness.chronicle) {
  for (const Kept& kept : witness.scenario.provider.hand_over()) witness.closure.read(kept.bytes);
}

// What the private keys of a tree are, by node; as the chronicle has it, and as the ledger does.
std::vector<Name> Trial::keys_of(const KeyTree& tree) {
  std::vector<Name> names;
  for (const KeyTree::Node& node : tree.nodes()) {
    names.push_back(node.key.has_value() ? Name{Name::Role::private_key, node.key.value()} : Name{});
  }
  return names;
}

std::vector<Name> Trial::keys_seen(const std::vector<Octets>& public_keys) const {
  std::vector<Name> names;
  for (const Octets& key : public_keys) {
    const Name* const name = witness_.ledger.private_key_of(key);
    names.push_back(name != nullptr ? *name : Name{});
  }
  return names;
}

std::vector<std::string> Trial::names() {
  std::vector<std::string> complaints;
  for (ValueId id = 0; id < witness_.closure.values(); ++id) {
    if (!witness_.closure.is_secret(id) || witness_.ledger.has_name(id)) continue;
    complaints.push_back("secret " + std::to_string(id) + " has no name: " + witness_.closure.why(id));
  }
  for (const auto& [epoch, keys] : witness_.trees) {
    if (keys_of(allowed_.tree(epoch)) == keys_seen(keys)) continue;
    complaints.push_back("epoch " + std::to_string(epoch) + " has other keys in its tree");
  }
  return complaints;
}

std::vector<std::string> Trial::without_seizure() {
  std::vector<std::string> complaints;
  const auto& names = witness_.ledger.names();
  for (const ValueId id : witness_.closure.derived()) {
    const auto name = names.find(id);
    complaints.push_back((name == names.end() ? "a secret" : text_of(name->second)) +
                         " is derived without a seizure:\n" + witness_.closure.why(id));
  }
  return complaints;
}

std::vector<ValueId> Trial::derived(const Seizure& seizure) {
  const std::size_t before = witness_.closure.mark();
  for (const ValueId id : seizure.held) witness_.closure.grant(id);
  std::vector<ValueId> derived = witness_.closure.derived();
  witness_.closure.undo(before);
  return derived;
}

std::vector<std::string> Trial::with_each_seizure() {
  std::vector<std::string> complaints;
  for (const Seizure& seizure : witness_.seizures) {
    while (allowed_.taken() <= seizure.event) allowed_.take_next();
    compare(seizure, allowed_.seized(seizure.who), complaints);
    if (complaints.size() >= most_complaints) break;
  }
  return complaints;
}

void Trial::compare(const Seizure& seizure, const Allowed::Derived& allows,
                    std::vector<std::string>& complaints) {
  Closure& closure = witness_.closure;
  const std::size_t before = closure.mark();
  for (const ValueId id : seizure.held) closure.grant(id);
  const auto& names = witness_.ledger.names();
  for (auto each = names.begin(); each != names.end() && complaints.size() < most_complaints;) {
    const auto& [id, name] = *each;
    bool is_allowed = false;
    for (; each != names.end() && each->first == id; ++each) is_allowed = is_allowed || allows(each->second);
    if (closure.derives(id) == is_allowed) continue;
    complaints.push_back("client " + std::to_string(seizure.who) + " seized after event " +
                         std::to_string(seizure.event) + ": " + text_of(name) +
                         (is_allowed ? " should be derived" : " is derived:\n" + closure.why(id)));
  }
  closure.undo(before);
}

}  // namespace tacet::adversary
