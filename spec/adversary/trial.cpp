#include "trial.h"

#include <algorithm>

namespace tacet::adversary {

namespace {

constexpr std::size_t most_complaints = 20;

}  // namespace

Trial::Trial(Witness& witness) : witness_(witness), allowed_(witness.chronicle) {
  for (const Kept& kept : witness.scenario.provider.hand_over()) witness.closure.read(kept.bytes);
  for (const Octets& saved : witness.saves) witness.closure.read(saved);
  std::map<Name, std::size_t> places;
  for (const auto& [secret, name] : witness.ledger.names()) {
    const auto [place, is_new] = places.try_emplace(name, names_.size());
    if (is_new) names_.push_back(name);
    named_secrets_.emplace_back(secret, place->second);
  }
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

std::vector<std::string> Trial::with(const std::vector<Seizure>& seizures) {
  std::vector<std::string> complaints;
  for (const Seizure& seizure : seizures) {
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
  std::vector<bool> is_allowed;
  for (const Name& name : names_) is_allowed.push_back(allows(name));
  for (auto each = named_secrets_.begin(); each != named_secrets_.end();) {
    const auto [secret, place] = *each;
    bool may_be = false;  // by one of its names
    for (; each != named_secrets_.end() && each->first == secret; ++each) may_be |= is_allowed[each->second];
    if (closure.derives(secret) == may_be || complaints.size() >= most_complaints) continue;
    complaints.push_back("client " + std::to_string(seizure.who) + " seized after event " +
                         std::to_string(seizure.event) + ": " + text_of(names_[place]) +
                         (may_be ? " should be derived" : " is derived:\n" + closure.why(secret)));
  }
  closure.undo(before);
}

}  // namespace tacet::adversary
