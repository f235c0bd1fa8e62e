#include "closure.h"

#include <sodium.h>

#include <algorithm>

namespace tacet::adversary {

using Sought = Scanner::Sought;

enum class Closure::Reason : std::uint8_t {
  extract,
  expand,
  x25519,
  peer,
  exponent,
  derive_key_pair,
  seed,
  private_key,
  cipher,
  found,
  nonce,
  constant,
};

namespace {

const char* const reasons[] = {"extracted from",
                               "expanded from",
                               "X25519 with",
                               "X25519 with the peer's",
                               "the exponent of the public key of",
                               "derive_key_pair of",
                               "Ed25519 private key of the seed",
                               "Ed25519 seed of the private key",
                               "opened with",
                               "lies in",
                               "a nonce was used twice:",
                               "told to be public:"};

}  // namespace

Closure::Closure() {
  randombytes_buf(hash_key_.data(), hash_key_.size());
  open({});
  open(std::array<std::uint8_t, 32>{});
}

// ---- values

// Of 128 bits and with a key of its own: no two strings have the same.
Closure::Hash Closure::hash(Kind kind, Bytes bytes) const {
  ShortHashKey key = hash_key_;
  if (kind == Kind::exponent || kind == Kind::use) key[0] ^= static_cast<std::uint8_t>(kind);
  Hash out;
  static_assert(sizeof key == crypto_shorthash_siphashx24_KEYBYTES);
  static_assert(sizeof out == crypto_shorthash_siphashx24_BYTES);
  crypto_shorthash_siphashx24(reinterpret_cast<std::uint8_t*>(out.data()), bytes.data(), bytes.size(),
                              key.data());
  return out;
}

std::pair<ValueId, bool> Closure::intern(Kind kind, Bytes bytes) {
  const auto [at, is_new] = ids_.try_emplace(hash(kind, bytes), static_cast<ValueId>(values_.size()));
  if (is_new) values_.push_back({kind});
  return {at->second, is_new};
}

std::optional<ValueId> Closure::find(Bytes bytes) const {
  const auto found = ids_.find(hash(Kind::secret, bytes));
  return found == ids_.end() ? std::nullopt : std::optional<ValueId>(found->second);
}

Bytes Closure::bytes(ValueId id) const {
  return values_[id].kind == Kind::secret ? scanner_.bytes(values_[id].belongs_to) : Bytes{};
}

// A secret, unless it is known to be public.
ValueId Closure::keep(Bytes bytes, Sought sought) {
  const auto [id, is_new] = intern(Kind::secret, bytes);
  Fact& value = values_[id];
  if (is_new || value.kind == Kind::plaintext) {
    value.kind = Kind::secret;
    value.belongs_to = scanner_.add(bytes, sought, id);
  }
  return id;
}

ValueId Closure::secret(Bytes bytes) {
  const std::vector<ValueId> inside = secrets_in(bytes);
  const ValueId id = keep(bytes, Sought::text);
  for (const ValueId part : inside) {
    if (part != id) rule(Reason::found, {id}, part);
  }
  return id;
}

// What an endpoint gives out. If it is a secret, it stays one.
void Closure::constant(Bytes bytes) {
  const auto [id, is_new] = intern(Kind::open, bytes);
  if (is_new) scanner_.add(bytes, Sought::constant, id);
}

void Closure::open(Bytes bytes) {
  constant(bytes);
  const ValueId id = *find(bytes);
  Fact& value = values_[id];
  if (value.kind == Kind::open) return;
  rule(Reason::constant, {}, id);
  if (value.kind == Kind::secret) scanner_.set(value.belongs_to, Sought::constant);
  value.kind = Kind::open;
}

// ---- the rules of a call

std::vector<ValueId> Closure::premises(const std::vector<Value>& inputs) const {
  std::vector<ValueId> secrets;
  for (const Value& input : inputs) {
    if (input.nature == Nature::open) continue;
    const std::optional<ValueId> id = find(input.bytes);
    if (id && values_[*id].kind != Kind::open) secrets.push_back(*id);
  }
  return secrets;
}

void Closure::add(const Call& call) {
  if (call.result != Error::none) return;
  const std::vector<Value>&in = call.inputs, &out = call.outputs;
  switch (call.operation) {
    case Operation::random_secret:
      key(out[0].bytes);
      break;
    case Operation::extract:
      rule(Reason::extract, premises(in), key(out[0].bytes));
      break;
    case Operation::expand:
      rule(Reason::expand, premises(in), key(out[0].bytes));
      break;
    case Operation::x25519:
      rule(Reason::x25519, premises(in), key(out[0].bytes));
      rule(Reason::peer, {exponent(in[1].bytes)}, key(out[0].bytes));
      break;
    case Operation::x25519_base:
    case Operation::kem_public_key:
      key_pair(in[0], out[0]);
      break;
    case Operation::derive_key_pair:
      rule(Reason::derive_key_pair, premises(in), key(out[0].bytes));
      key_pair(out[0], out[1]);
      break;
    case Operation::import_signature_key:
      signature_key(call);
      break;
    case Operation::encap:  // what it makes follows from the calls inside
      key(out[1].bytes);
      break;
    case Operation::decap:
      key(out[0].bytes);
      break;
    case Operation::seal:
      cipher(in[0], in[3]);
      seal_once(in[0], in[1], in[3]);
      break;
    case Operation::open:
      cipher(in[0], out[0]);
      break;
    case Operation::mac:
      constant(out[0].bytes);
      break;
    default:
      break;
  }
}

void Closure::key_pair(const Value& private_key, const Value& public_key) {
  constant(public_key.bytes);
  rule(Reason::exponent, premises({private_key}), exponent(public_key.bytes));
}

// The second half of the private key is the public key, so only the seed is looked for.
void Closure::signature_key(const Call& call) {
  const ValueId seed = key(call.inputs[0].bytes);
  const ValueId private_key = keep(call.outputs[0].bytes, Sought::never);
  constant(call.outputs[1].bytes);
  rule(Reason::private_key, {seed}, private_key);
  rule(Reason::seed, {private_key}, seed);
}

void Closure::cipher(const Value& key, const Value& plaintext) {
  const auto [id, is_new] = intern(Kind::plaintext, plaintext.bytes);
  rule(Reason::cipher, premises({key}), id);
  if (!is_new) return;
  for (const ValueId inside : secrets_in(plaintext.bytes)) rule(Reason::found, {id}, inside);
}

// Two messages under one key and nonce give away what one is XORed with the other.
void Closure::seal_once(const Value& key, const Value& nonce, const Value& plaintext) {
  std::vector<std::uint8_t> both = key.bytes;
  both.insert(both.end(), nonce.bytes.begin(), nonce.bytes.end());
  Fact& use = values_[intern(Kind::use, both).first];
  const ValueId sealed = *find(plaintext.bytes);
  if (use.belongs_to == none) use.belongs_to = sealed;
  if (use.belongs_to == sealed) return;
  rule(Reason::nonce, {}, use.belongs_to);
  rule(Reason::nonce, {}, sealed);
}

// ---- what follows

void Closure::rule(Reason reason, const std::vector<ValueId>& premises, ValueId conclusion) {
  if (values_[conclusion].kind == Kind::open) return;
  const auto number = static_cast<std::uint32_t>(rules_.size());
  Rule rule{conclusion, static_cast<std::uint32_t>(premises_.size()),
            static_cast<std::uint16_t>(premises.size()), 0, reason};
  for (const ValueId premise : premises) {
    if (!values_[premise].is_derived) ++rule.missing;
    premises_.push_back({premise, number, values_[premise].uses});
    values_[premise].uses = static_cast<std::uint32_t>(premises_.size() - 1);
  }
  rules_.push_back(rule);
  if (rule.missing > 0) return;
  facts_.push_back(number);
  derive(conclusion, number);
  propagate();
}

void Closure::derive(ValueId id, std::uint32_t by) {
  Fact& value = values_[id];
  if (value.is_derived || value.kind == Kind::open) return;
  value.is_derived = true;
  value.by = by;
  trail_.push_back(id);
}

void Closure::propagate() {
  for (; done_ < trail_.size(); ++done_) {
    for (std::uint32_t at = values_[trail_[done_]].uses; at != none; at = premises_[at].next) {
      Rule& rule = rules_[premises_[at].rule];
      if (--rule.missing == 0) derive(rule.conclusion, premises_[at].rule);
    }
  }
}

void Closure::grant(ValueId id) {
  derive(id, none);
  propagate();
}

void Closure::read(Bytes any) {
  for (const ValueId id : secrets_in(any)) grant(id);
}

// What was added since holds on, if what it follows from does.
void Closure::undo(std::size_t mark) {
  for (; trail_.size() > mark; trail_.pop_back()) {
    Fact& value = values_[trail_.back()];
    value.is_derived = false;
    for (std::uint32_t at = value.uses; at != none; at = premises_[at].next) {
      ++rules_[premises_[at].rule].missing;
    }
  }
  done_ = trail_.size();
  std::erase_if(facts_, [&](std::uint32_t fact) { return rules_[fact].missing > 0; });
  for (const std::uint32_t fact : facts_) derive(rules_[fact].conclusion, fact);
  propagate();
}

bool Closure::derives(ValueId id) const { return values_[id].is_derived || values_[id].kind == Kind::open; }

std::vector<ValueId> Closure::derived() const {
  std::vector<ValueId> all;
  for (const ValueId id : trail_) {
    if (values_[id].kind == Kind::secret || values_[id].kind == Kind::plaintext) all.push_back(id);
  }
  std::sort(all.begin(), all.end());
  return all;
}

// ---- how

std::string Closure::name(ValueId id) const {
  static constexpr const char* kinds[] = {"public", "secret", "plaintext", "exponent", "nonce"};
  std::string text = std::string(kinds[static_cast<unsigned>(values_[id].kind)]) + ' ' + std::to_string(id);
  const Bytes own = bytes(id);
  if (own.empty()) return text;
  text += " (" + std::to_string(own.size()) + " bytes, ";
  for (const std::uint8_t byte : own.first(std::min<std::size_t>(own.size(), 4))) {
    text += {"0123456789abcdef"[byte >> 4], "0123456789abcdef"[byte & 15]};
  }
  return text + "..)";
}

std::string Closure::why(ValueId id) const {
  constexpr std::size_t most = 40;
  std::vector<ValueId> chain = {id};
  std::string text;
  for (std::size_t i = 0; i < chain.size() && i < most; ++i) {
    const Fact& value = values_[chain[i]];
    text += name(chain[i]) + ": ";
    if (!derives(chain[i]) || value.by == none) {
      text += value.kind == Kind::open ? "public\n"
              : value.is_derived       ? "the attacker has it\n"
                                       : "not derived\n";
      continue;
    }
    const Rule& rule = rules_[value.by];
    text += reasons[static_cast<unsigned>(rule.reason)];
    for (std::uint32_t at = rule.premises; at < rule.premises + rule.count; ++at) {
      const ValueId premise = premises_[at].value;
      text += (at == rule.premises ? " " : " and ") + name(premise);
      if (std::find(chain.begin(), chain.end(), premise) == chain.end()) chain.push_back(premise);
    }
    text += rule.count == 0 ? " nothing secret\n" : "\n";
  }
  return text + (chain.size() > most ? "...\n" : "");
}

}  // namespace tacet::adversary
