#include "ledger.h"

#include <algorithm>

#include "octets.h"

namespace tacet::adversary {

namespace {

using Role = Name::Role;

// KDFLabel (RFC 9420, 8): a length, then the label and the context.
bool parse_label(Bytes info, std::string& label, Bytes& context) {
  Reader reader(info);
  std::uint16_t length = 0;
  Bytes with_prefix;
  const bool is_label = reader.integer(length) == Error::none && reader.opaque(with_prefix) == Error::none &&
                        reader.opaque(context) == Error::none && reader.finish() == Error::none;
  if (!is_label || with_prefix.size() < mls_label_prefix.size()) return false;
  const Bytes name = with_prefix.subspan(mls_label_prefix.size());
  label.assign(name.begin(), name.end());
  return true;
}

const std::map<std::string, Name::EpochSecret>& epoch_secrets() {
  static const std::map<std::string, Name::EpochSecret> all = {
      {"init", Name::init},
      {"sender data", Name::sender_data},
      {"exporter", Name::exporter},
      {"external", Name::external},
      {"confirm", Name::confirm},
      {"membership", Name::membership},
      {"resumption", Name::resumption},
      {"authentication", Name::authentication},
  };
  return all;
}

bool is_secret(const Value& value) { return value.nature == Nature::secret; }

}  // namespace

// ---- names

const Name* Ledger::name_of(const Value& value) const {
  const std::optional<ValueId> id = closure_.find(value.bytes);
  const auto found = id.has_value() ? names_.find(*id) : names_.end();
  return found == names_.end() ? nullptr : &found->second;
}

void Ledger::put(ValueId value, const Name& name) {
  if (!has_name(value)) names_.emplace(value, name);
}

void Ledger::put(const Value& value, const Name& name) {
  const std::optional<ValueId> id = closure_.find(value.bytes);
  if (id.has_value() && closure_.is_secret(*id)) put(*id, name);
}

KeyNumber Ledger::number_of(Bytes public_key) {
  return numbers_.try_emplace(octets_of(public_key), numbers_.size()).first->second;
}

const Name* Ledger::private_key_of(Bytes public_key) const {
  const auto found = private_keys_.find(octets_of(public_key));
  return found == private_keys_.end() ? nullptr : &found->second;
}

// ---- calls

void Ledger::add(const Call& call, EpochNumber next) {
  closure_.add(call);
  if (call.result != Error::none) return;
  if (call.depth != 0) return add_inner(call);
  if (next == created_) ++next;
  switch (call.operation) {
    case Operation::derive_key_pair:
    case Operation::encap:
    case Operation::decap:
    case Operation::kem_public_key:
      return end_kem(call);
    case Operation::import_signature_key:
      put(call.inputs[0], {Role::signature_key, call.endpoint});
      return put(call.outputs[0], {Role::signature_key, call.endpoint});
    case Operation::extract:
      return add_extract(call, next);
    case Operation::expand:
      return add_expand(call, next);
    case Operation::seal:
      return add_sealed(call.inputs[0], call.inputs[3]);
    case Operation::open:
      return add_sealed(call.inputs[0], call.outputs[0]);
    default:
      return;
  }
}

void Ledger::add_inner(const Call& call) {
  for (const Value& out : call.outputs) {
    if (is_secret(out)) inner_.emplace_back(call.operation, out);
  }
}

// What is made on the way goes by the private key that all of it can be made from. An ephemeral private key
// is drawn, and goes with the call.
void Ledger::end_kem(const Call& call) {
  Name name;
  if (call.operation == Operation::derive_key_pair) {
    const Octets& public_key = call.outputs[1].bytes;
    const Name* const from = name_of(call.inputs[0]);
    name = from != nullptr ? *from : Name{Role::private_key, number_of(public_key), 1};
    put(call.inputs[0], name);
    Name of_private = name;
    if (name.role == Role::private_key) of_private.second = 0;
    put(call.outputs[0], of_private);
    private_keys_.emplace(public_key, of_private);
  } else if (call.operation == Operation::kem_public_key) {
    if (const Name* const of = name_of(call.inputs[0]); of != nullptr) name = *of;
  } else {
    const Octets& receiver = call.operation == Operation::encap ? call.inputs[0].bytes : call.inputs[2].bytes;
    if (const Name* const of = private_key_of(receiver); of != nullptr) name = *of;
  }
  for (const auto& [operation, value] : inner_) {
    put(value, operation == Operation::random_secret ? Name{} : name);
  }
  inner_.clear();
  for (const Value& out : call.outputs) {
    if (is_secret(out)) put(out, name);
  }
}

void Ledger::add_extract(const Call& call, EpochNumber next) {
  const Value &salt = call.inputs[0], &out = call.outputs[0];
  const Name *of_salt = name_of(salt), *of_ikm = nullptr;
  const Value* ikm = nullptr;
  for (std::size_t i = 1; i < call.inputs.size(); ++i) {
    if (const Name* const found = name_of(call.inputs[i]); found != nullptr) of_ikm = found;
    ikm = &call.inputs[i];
  }
  if (equal(call.inputs[1].bytes, bytes_of("HPKE-v1")))
    return of_salt == nullptr ? void() : put(out, Name(*of_salt));
  if (of_salt == nullptr) {  // of a PSK
    if (of_ikm != nullptr) put(out, Name(*of_ikm));
    return;
  }
  if (of_salt->role == Role::joiner_secret) return put(out, {Role::member_secret, of_salt->first});
  const bool begins_epoch =
      of_salt->role == Role::of_epoch && (of_salt->second == Name::init || of_salt->second == Name::external);
  if (begins_epoch) {
    put(*ikm, {Role::path_secret, next, 0});  // of a path without parent nodes
    return put(out, {Role::extracted, next});
  }
  const std::size_t before = of_ikm != nullptr && of_ikm->role == Role::psk_secret ? of_ikm->second : 0;
  put(out, {Role::psk_secret, next, before + 1});
}

void Ledger::add_expand(const Call& call, EpochNumber next) {
  const Value &prk = call.inputs[0], &out = call.outputs[0];
  std::string label;
  Bytes context;
  if (parse_label(call.inputs[1].bytes, label, context)) return add_labelled(prk, label, context, out, next);
  if (const Name* const of = name_of(prk); of != nullptr) put(out, Name(*of));  // of HPKE, of what is saved
}

void Ledger::add_labelled(const Value& prk, const std::string& label, Bytes context, const Value& out,
                          EpochNumber next) {
  if (label == "path" || label == "node") put(prk, {Role::path_secret, next, 0});
  const auto found = epoch_secrets().find(label);
  if (found != epoch_secrets().end() || label == "encryption") {
    if (name_of(prk) == nullptr) created_ = next;  // it was drawn
    put(prk, {Role::epoch_secret, next});
  }
  const Name* const known = name_of(prk);
  if (known == nullptr) return;
  const Name of = *known;
  switch (of.role) {
    case Role::path_secret:
      if (label == "path") return put(out, {Role::path_secret, of.first, of.second + 1});
      return put(out, {Role::private_key, path_key(of.first, of.second), 1});
    case Role::extracted:
      return put(out,
                 {Role::joiner_secret, next});  // all Commits of an epoch without a path extract the same
    case Role::member_secret:
      return put(out, label == "epoch" ? Name{Role::epoch_secret, of.first} : of);
    case Role::epoch_secret:
      if (found != epoch_secrets().end()) return put(out, {Role::of_epoch, of.first, found->second});
      return put(out, {Role::tree_node, of.first, root_of_heap});
    case Role::tree_node:
    case Role::ratchet_secret:
      return add_tree(of, label, context, out);
    default:
      return put(out, of);  // of a PSK, of sender data, of a Welcome, of the exporter
  }
}

void Ledger::add_tree(const Name& parent, const std::string& label, Bytes context, const Value& out) {
  Name name = parent;
  if (label == "tree") {
    name.second = 2 * parent.second + (equal(context, bytes_of("right")) ? 1 : 0);
  } else if (parent.role == Role::tree_node) {
    const RatchetType type = label == "handshake" ? RatchetType::handshake : RatchetType::application;
    const LeafIndex leaf{static_cast<std::uint32_t>(parent.second - std::bit_floor(parent.second))};
    name = {Role::ratchet_secret, parent.first, ratchet_of(leaf, type), 0};
  } else if (label == "secret") {
    ++name.third;
  } else {
    name.role = Role::message_key;
  }
  put(out, name);
}

void Ledger::add_sealed(const Value& key, const Value& plaintext) {
  const Name* const of = name_of(key);
  const std::optional<ValueId> id = closure_.find(plaintext.bytes);
  if (of == nullptr || !id.has_value()) return;
  if (!closure_.is_plaintext(*id)) return put(*id, *of);  // one secret, which has its name
  const auto [first, last] = names_.equal_range(*id);
  if (std::none_of(first, last, [of](const auto& each) { return each.second == *of; })) {
    names_.emplace(*id, Name(*of));
  }
}

std::string text_of(const Name& name) {
  static constexpr const char* kinds[] = {"signature key",  "storage key",  "PSK",          "psk_secret",
                                          "private key",    "path secret",  "extracted",    "joiner_secret",
                                          "member_secret",  "epoch_secret", "of epoch",     "tree node",
                                          "ratchet secret", "message key",  "ephemeral key"};
  static constexpr const char* of_epoch[] = {"init_secret",     "sender_data_secret", "exporter_secret",
                                             "external_secret", "confirmation_key",   "membership_key",
                                             "resumption_psk",  "epoch_authenticator"};
  const std::string first = std::to_string(name.first), second = std::to_string(name.second);
  const std::string kind = kinds[static_cast<std::size_t>(name.role)];
  switch (name.role) {
    case Role::signature_key:
    case Role::storage_key:
      return kind + " of client " + first;
    case Role::psk:
      return kind + " " + first;
    case Role::private_key:
      return (name.second == 0 ? kind : "origin of the key pair") + " " +
             (is_path_key(name.first)
                  ? std::to_string(place_of_path_key(name.first)) + " of the path of epoch " +
                        std::to_string(epoch_of_path_key(name.first))
                  : first);
    case Role::never:
      return kind;
    case Role::of_epoch:
      return std::string(of_epoch[name.second]) + " of epoch " + first;
    case Role::ratchet_secret:
    case Role::message_key:
      return kind + " " + std::to_string(name.third) + " of leaf " + std::to_string(name.second / 2) +
             (name.second % 2 == 0 ? ", handshake" : ", application") + ", epoch " + first;
    case Role::path_secret:
    case Role::psk_secret:
    case Role::tree_node:
      return kind + " " + second + " of epoch " + first;
    default:
      return kind + " of epoch " + first;
  }
}

}  // namespace tacet::adversary
