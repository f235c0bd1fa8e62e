#include "egress.h"

namespace tacet::tool {

using adversary::Call;
using adversary::Kind;
using adversary::Name;
using adversary::Nature;
using adversary::Operation;
using adversary::Seizure;
using adversary::Trial;
using adversary::Value;
using adversary::ValueId;

namespace {

constexpr std::size_t guard_size = std::tuple_size_v<ReuseGuard>;

adversary::Setting with_seed(adversary::Setting setting, Generator& generator) {
  for (const std::uint8_t byte : generator.bytes(sizeof setting.seed))
    setting.seed = setting.seed << 8 | byte;
  return setting;
}

const char* name_of(Kind kind) {
  static constexpr const char* names[] = {"unreadable",   "key_package", "welcome", "group_info",
                                          "ratchet_tree", "proposal",    "commit",  "application"};
  return names[static_cast<std::size_t>(kind)];
}

// Made of what is inside it, or of public data by a private key that signs.
bool is_no_edge(Operation operation) {
  switch (operation) {
    case Operation::random_public:
    case Operation::random_secret:
    case Operation::derive_key_pair:
    case Operation::kem_public_key:
    case Operation::encap:
    case Operation::decap:
    case Operation::sign:
    case Operation::verify:
      return true;
    default:
      return false;
  }
}

void demand_none(const std::vector<std::string>& complaints) {
  if (!complaints.empty()) throw std::logic_error("a history does not hold: " + complaints.front());
}

}  // namespace

// ---- while it is played

EgressHistory::EgressHistory(Generator& generator, adversary::Setting setting)
    : generator_(generator), witness_(with_seed(std::move(setting), generator)) {
  witness_.seizes = false;
  witness_.log.stream([this](const Call& call) {
    witness_.ledger.add(call, witness_.chronicle.epochs.size());
    keep(call);
  });
  scenario().tell_deed = [this, see = scenario().tell_deed](const adversary::Done& done) {
    steps_of_messages_.resize(scenario().provider.hand_over().size(), now());
    see(done);
  };
}

void EgressHistory::keep(const Call& call) {
  steps_of_values_.resize(witness_.closure.values(), now());
  if (call.result != Error::none) return;
  if (call.operation == Operation::random_secret)
    drawn_.insert(*witness_.closure.find(call.outputs[0].bytes));
  const bool seals = call.operation == Operation::seal;
  if (seals || call.operation == Operation::open) {
    const Octets& plaintext = seals ? call.inputs[3].bytes : call.outputs[0].bytes;
    plaintexts_.emplace(*witness_.closure.find(plaintext), plaintext);
  }
  if (!is_no_edge(call.operation)) calls_.push_back(call);
}

void EgressHistory::seize(std::set<adversary::ClientId> whom) {
  witness_.seizes = true;
  seized_ = std::move(whom);
}

// ---- when it is over

Json EgressHistory::told() {
  Trial trial(witness_);
  demand_none(trial.names());
  demand_none(trial.without_seizure());
  demand_none(trial.with_each_seizure());
  steps_of_values_.resize(witness_.closure.values(), now());
  steps_of_messages_.resize(scenario().provider.hand_over().size(), now());
  number_secrets();
  Json graph = this->graph();
  Json told = {{"clients", clients()}, {"wire", wire()}, {"secrets", secrets(graph)}};
  told["graph"] = std::move(graph);
  told["seizures"] = seizures(trial);
  return told;
}

Json EgressHistory::clients() {
  Json clients = Json::array();
  for (adversary::ClientId who = 0; who < scenario().clients(); ++who) {
    clients.push_back({{"name", scenario().device(who).name}, {"live", scenario().is_live(who)}});
  }
  return clients;
}

Json EgressHistory::wire() {
  Json wire = Json::array();
  for (const adversary::Kept& kept : scenario().provider.hand_over()) {
    Digest digest;
    adversary::must(generator_.crypto().hash({Bytes(kept.bytes)}, digest));
    wire.push_back({{"step", steps_of_messages_[kept.number]},
                    {"from", kept.from},
                    {"to", kept.to},
                    {"kind", name_of(kept.kind)},
                    {"bytes", to_hex(kept.bytes)},
                    {"sha256", to_hex(digest)}});
  }
  return wire;
}

// ---- the ledger

void EgressHistory::number_secrets() {
  const auto& closure = witness_.closure;
  for (ValueId id = 0; id < closure.values(); ++id) {
    if (!closure.is_secret(id)) continue;
    places_.emplace(id, places_.size());
    const Bytes bytes = closure.bytes(id);
    if (bytes.size() == generator_.crypto().suite().nonce_size) {
      nonces_.emplace(octets_of(bytes.subspan(guard_size)), id);
    }
  }
}

std::optional<std::size_t> EgressHistory::place_of(Bytes secret) const {
  const std::optional<ValueId> id = witness_.closure.find(secret);
  const auto found = id.has_value() ? places_.find(*id) : places_.end();
  return found == places_.end() ? std::nullopt : std::optional(found->second);
}

// A secret that neither was drawn nor is made by anything came from outside: a PSK, a storage key,
// application data.
Json EgressHistory::secret(ValueId id, std::size_t place, bool is_made) const {
  std::string name;
  Name::Role role{};
  const auto [first, last] = witness_.ledger.names().equal_range(id);
  for (auto each = first; each != last; ++each) {
    name += (name.empty() ? "" : "; ") + text_of(each->second);
    role = each->second.role;
  }
  const bool is_plaintext = witness_.closure.is_plaintext(id);
  const bool is_root = !is_plaintext && !is_made;
  const bool is_text = is_root && role == Name::Role::message_key;
  const bool is_lent = role == Name::Role::psk || role == Name::Role::storage_key;
  if (is_root && !is_text && !is_lent && drawn_.count(id) == 0) {
    throw std::logic_error("a history does not hold: nothing makes " + name);
  }
  Json secret = {{"id", place},
                 {"name", name},
                 {"kind", is_plaintext ? "plaintext"
                          : is_text    ? "text"
                                       : "key"},
                 {"bytes", to_hex(is_plaintext ? Bytes(plaintexts_.at(id)) : witness_.closure.bytes(id))}};
  if (is_root && !is_text) secret["root"] = true;
  secret["step"] = steps_of_values_[id];
  return secret;
}

Json EgressHistory::secrets(const Json& graph) const {
  std::set<std::size_t> made;
  for (const Json& edge : graph) {
    if (edge.contains("out")) made.insert(edge["out"].get<std::size_t>());
  }
  Json secrets = Json::array();
  for (const auto& [id, place] : places_) secrets.push_back(secret(id, place, made.count(place) != 0));
  return secrets;
}

// ---- the graph

Json EgressHistory::value(const Value& value) const {
  const auto place = value.nature == Nature::secret ? place_of(value.bytes) : std::nullopt;
  if (place.has_value()) return {{"secret", *place}};
  return {{"public", to_hex(value.bytes)}};
}

Json EgressHistory::out(const Value& value) const {
  const std::optional<std::size_t> place = place_of(value.bytes);
  if (!place.has_value()) throw std::logic_error("a history does not hold: what is made is no secret");
  return *place;
}

Json EgressHistory::extract(const Call& call) const {
  Json pieces = Json::array();
  for (std::size_t i = 1; i < call.inputs.size(); ++i) pieces.push_back(value(call.inputs[i]));
  return {{"op", "extract"},
          {"salt", value(call.inputs[0])},
          {"ikm", std::move(pieces)},
          {"out", out(call.outputs[0])}};
}

// The AEAD gets the nonce of a message with the reuse_guard in it (RFC 9420, 6.3.1).
Json EgressHistory::seal(const Call& call) const {
  const bool seals = call.operation == Operation::seal;
  const Value &nonce = call.inputs[1], &last = call.inputs[3];
  Json edge = {{"op", "seal"}, {"key", value(call.inputs[0])}, {"nonce", value(nonce)}};
  const Octets rest(nonce.bytes.begin() + guard_size, nonce.bytes.end());
  const auto guarded = nonces_.find(rest);
  if (edge["nonce"].contains("public") && guarded != nonces_.end()) {
    Octets guard(nonce.bytes.begin(), nonce.bytes.begin() + guard_size);
    for (std::size_t i = 0; i < guard_size; ++i) guard[i] ^= witness_.closure.bytes(guarded->second)[i];
    edge["nonce"] = {{"secret", places_.at(guarded->second)}};
    edge["guard"] = to_hex(guard);
  }
  edge["aad"] = to_hex(call.inputs[2].bytes);
  edge["plaintext"] = out(seals ? last : call.outputs[0]);
  edge["ciphertext"] = to_hex(seals ? call.outputs[0].bytes : last.bytes);
  return edge;
}

Json EgressHistory::edge(const Call& call) const {
  const std::vector<Value>&in = call.inputs, &made = call.outputs;
  switch (call.operation) {
    case Operation::extract:
      return extract(call);
    case Operation::expand:
      return {{"op", "expand"}, {"prk", value(in[0])}, {"info", to_hex(in[1].bytes)}, {"out", out(made[0])}};
    case Operation::x25519:
      return {
          {"op", "x25519"}, {"scalar", value(in[0])}, {"point", to_hex(in[1].bytes)}, {"out", out(made[0])}};
    case Operation::x25519_base:
      return {{"op", "x25519_base"}, {"scalar", value(in[0])}, {"public", to_hex(made[0].bytes)}};
    case Operation::import_signature_key:
      return {{"op", "ed25519_seed"},
              {"seed", value(in[0])},
              {"out", out(made[0])},
              {"public", to_hex(made[1].bytes)}};
    case Operation::mac:
      return {{"op", "mac"},
              {"key", value(in[0])},
              {"input", to_hex(in[1].bytes)},
              {"tag", to_hex(made[0].bytes)}};
    case Operation::hash:
      return {{"op", "hash"}, {"input", to_hex(in[0].bytes)}, {"hash", to_hex(made[0].bytes)}};
    default:
      return seal(call);
  }
}

// What several clients compute alike stands there once.
Json EgressHistory::graph() const {
  Json graph = Json::array();
  std::set<std::string> seen;
  for (const Call& call : calls_) {
    Json made = edge(call);
    if (seen.insert(made.dump()).second) graph.push_back(std::move(made));
  }
  return graph;
}

// ---- seizures

Json EgressHistory::places(const std::vector<ValueId>& values) const {
  Json places = Json::array();
  for (const ValueId id : values) places.push_back(places_.at(id));
  return places;
}

Json EgressHistory::seizures(Trial& trial) const {
  Json seizures = Json::array();
  for (const Seizure& seizure : witness_.seizures) {
    if (seized_.count(seizure.who) == 0) continue;
    Json told = {{"client", seizure.who},
                 {"step", seizure.event},
                 {"held", places(seizure.held)},
                 {"derivable", places(trial.derived(seizure))}};
    const std::vector<adversary::Happened>& events = witness_.chronicle.events;
    if (events[seizure.event].what == adversary::Happened::What::restarts) {
      Step saved = seizure.event;
      const auto is_save = [&](const adversary::Happened& event) {
        return event.what == adversary::Happened::What::saves && event.who == seizure.who &&
               event.group == events[seizure.event].group;
      };
      while (!is_save(events[saved])) --saved;
      told["restored"] = saved;
    }
    seizures.push_back(std::move(told));
  }
  return seizures;
}

// ---- the file

std::string text_of(const EgressFile& file, std::uint64_t seed) {
  Generator generator(seed, std::string("egress/") + file.name);
  EgressHistory history(
      generator, {.format = file.format, .clients = 6, .past_epochs = file.past_epochs, .saves = true});
  file.play(history, generator);
  Json whole = {{"format", "tacet-egress"},
                {"version", 1},
                {"cipher_suite", generator.suite_number()},
                {"description", file.description},
                {"seed", std::to_string(seed)}};
  whole.update(history.told());
  std::string text;
  for (const auto& [name, member] : whole.items()) {
    text += (text.empty() ? "{\n" : ",\n") + Json(name).dump() + ": ";
    const char* before = "[\n";
    for (const Json& element : member.is_array() ? member : Json::array()) {
      text += before + element.dump();
      before = ",\n";
    }
    text += !member.is_array() ? member.dump() : member.empty() ? "[]" : "\n]";
  }
  return text + "\n}\n";
}

}  // namespace tacet::tool
