#pragma once

// Whole histories of groups in the format of vectors/egress (vectors/README.md): all that the provider saw,
// every secret and how it came to be, and what each seizure of an endpoint gives away.

#include <map>
#include <set>

#include "field.h"
#include "generator.h"
#include "spec/adversary/trial.h"

namespace tacet::tool {

// Has a scenario played, and writes down all that its clients compute.
class EgressHistory {
 public:
  // `setting.make` is not used, and its seed is drawn.
  EgressHistory(Generator& generator, adversary::Setting setting);

  adversary::Scenario& scenario() { return witness_.scenario; }
  // From now on each of these clients' endpoints is seized after each of its steps. To be called once.
  void seize(std::set<adversary::ClientId> whom);

  // The members of the file from `clients` on, when the history is over. Throws std::logic_error unless every
  // secret has a name, none is derived without a seizure, and with any of them exactly those that RFC 9420
  // allows.
  Json told();

 private:
  using Step = std::size_t;  // an event of the chronicle

  Step now() const { return witness_.chronicle.events.size(); }
  void keep(const adversary::Call& call);

  void number_secrets();
  std::optional<std::size_t> place_of(Bytes secret) const;  // in the ledger
  Json value(const adversary::Value& value) const;
  Json out(const adversary::Value& value) const;
  Json extract(const adversary::Call& call) const;
  Json seal(const adversary::Call& call) const;
  Json edge(const adversary::Call& call) const;

  Json clients();
  Json wire();
  Json secret(adversary::ValueId id, std::size_t place, bool is_made) const;
  Json secrets(const Json& graph) const;
  Json graph() const;
  Json seizures(adversary::Trial& trial) const;
  Json places(const std::vector<adversary::ValueId>& values) const;

  Generator& generator_;
  adversary::Witness witness_;
  std::set<adversary::ClientId> seized_;
  std::vector<adversary::Call> calls_;  // those that succeeded, in their order
  std::vector<Step> steps_of_values_, steps_of_messages_;
  std::map<adversary::ValueId, Octets> plaintexts_;
  std::set<adversary::ValueId> drawn_;

  // When it is over.
  std::map<adversary::ValueId, std::size_t> places_;
  std::map<Octets, adversary::ValueId> nonces_;  // by their last bytes, which no reuse_guard changes
};

// A file that is published.
struct EgressFile {
  const char* name;  // without ".json"
  const char* description;
  WireFormat format;  // of handshakes
  std::uint32_t past_epochs;
  void (*play)(EgressHistory& history, Generator& generator);
};
std::span<const EgressFile> egress_files();

// The text of a file, each element of an array on a line of its own. Throws as EgressHistory does.
std::string text_of(const EgressFile& file, std::uint64_t seed);

}  // namespace tacet::tool
