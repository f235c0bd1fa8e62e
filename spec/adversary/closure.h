#pragma once

// The closure: everything that a Dolev-Yao attacker can derive, from what the recorder logged of all
// endpoints, who knows all that went over the wire and what was seized besides. Primitives are perfect: a key
// opens all that was sealed with it, and nothing else does.
//
// Each call gives rules: from all of these secrets follows that one. What is public the attacker has, so only
// secrets are premises, and what follows from none is his at once. Time and memory grow with the log alone.

#include <array>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "recorder.h"
#include "scan.h"

namespace tacet::adversary {

using ValueId = std::uint32_t;

class Closure {
 public:
  Closure();

  // ---- the history, in its order

  // The rules of one call. A secret is what random_secret, extract, expand, x25519, encap, decap,
  // derive_key_pair and import_signature_key make, and the seed of the last. What stands in a secret's place
  // and is none of these, nor given to secret(), nor was opened, is taken for public. What was sealed or
  // opened is a plaintext, which is not looked for on the wire; but the secrets in it are found. A call that
  // failed tells nothing.
  void add(const Call& call);
  // A secret from outside, such as a PSK, application text or the key of a store; before it is used.
  ValueId secret(Bytes bytes);
  // What is public, and so no secret. Without being told: nothing, 32 zeros, public keys and tags. A text
  // that is secret is not found where it only says what is public; a ciphertext in one has to be told.
  void open(Bytes bytes);

  // ---- what there is

  std::optional<ValueId> find(Bytes bytes) const;
  std::size_t values() const { return values_.size(); }  // ids are less; some stand for no bytes
  bool is_secret(ValueId id) const { return values_[id].kind == Kind::secret || is_plaintext(id); }
  bool is_plaintext(ValueId id) const { return values_[id].kind == Kind::plaintext; }
  // Of a secret; empty for any other. Valid until something is added.
  Bytes bytes(ValueId id) const;

  // ---- what the attacker has

  // Which secrets lie there, as Scanner::in has it; sorted. Only those that have been added.
  std::vector<ValueId> secrets_in(Bytes any) const { return scanner_.in(any); }
  void read(Bytes any);
  void grant(ValueId id);

  bool derives(ValueId id) const;
  // The secrets and plaintexts that he has; sorted.
  std::vector<ValueId> derived() const;
  // How he has it: what from what, a line for each step, at most 40.
  std::string why(ValueId id) const;

  // What was granted since the mark is forgotten, with all that followed from it; not what was added.
  std::size_t mark() const { return trail_.size(); }
  void undo(std::size_t mark);

 private:
  static constexpr std::uint32_t none = ~std::uint32_t{0};

  enum class Kind : std::uint8_t {
    open,
    secret,
    plaintext,
    exponent,  // the private key of a public key, whatever its bytes
    use,       // of a nonce with a key
  };
  enum class Reason : std::uint8_t;

  struct Fact {
    Kind kind;
    bool is_derived = false;
    std::uint32_t by = none;          // the rule that it follows from; none: it was granted
    std::uint32_t uses = none;        // the latest premise that it is; the others follow
    std::uint32_t belongs_to = none;  // a secret's string in the scanner; what was first sealed in a use
  };
  struct Rule {
    ValueId conclusion;
    std::uint32_t premises;  // the first; the others lie behind it
    std::uint16_t count, missing;
    Reason reason;
  };
  struct Premise {
    ValueId value;
    std::uint32_t rule;
    std::uint32_t next;  // of the same value
  };
  using Hash = std::array<std::uint64_t, 2>;
  struct HashOfHash {
    std::size_t operator()(const Hash& hash) const { return static_cast<std::size_t>(hash[0]); }
  };

  Hash hash(Kind kind, Bytes bytes) const;
  // A value, and whether it is a new one, of this kind then.
  std::pair<ValueId, bool> intern(Kind kind, Bytes bytes);
  ValueId keep(Bytes bytes, Scanner::Sought sought);
  ValueId key(Bytes bytes) { return keep(bytes, Scanner::Sought::key); }
  void constant(Bytes bytes);
  ValueId exponent(Bytes public_key) { return intern(Kind::exponent, public_key).first; }

  void key_pair(const Value& private_key, const Value& public_key);
  void signature_key(const Call& call);
  void cipher(const Value& key, const Value& plaintext);
  void seal_once(const Value& key, const Value& nonce, const Value& plaintext);

  std::vector<ValueId> premises(const std::vector<Value>& inputs) const;
  void rule(Reason reason, const std::vector<ValueId>& premises, ValueId conclusion);
  void derive(ValueId id, std::uint32_t by);
  void propagate();
  std::string name(ValueId id) const;

  ShortHashKey hash_key_;
  std::unordered_map<Hash, ValueId, HashOfHash> ids_;
  std::vector<Fact> values_;
  std::vector<Rule> rules_;
  std::vector<Premise> premises_;
  std::vector<std::uint32_t> facts_;  // rules that held when they were added
  std::vector<ValueId> trail_;        // what is derived, in its order
  std::size_t done_ = 0;              // whose consequences have been drawn
  Scanner scanner_;
};

}  // namespace tacet::adversary
