#pragma once

// The ledger: a name for every secret that any endpoint has ever handled, by the place that RFC 9420 gives
// it, told from how it was derived. What has no name at the end is one that nobody has thought of.

#include <map>
#include <string>

#include "chronicle.h"
#include "closure.h"

namespace tacet::adversary {

class Ledger {
 public:
  explicit Ledger(Closure& closure) : closure_(closure) {}

  // A call, in the order of the log, which the closure gets too. What it derives for an epoch that has no
  // number yet is of epoch `next`, or of the one behind it, if a group that is created in `next` goes on at
  // once. An endpoint's number is its client's.
  void add(const Call& call, EpochNumber next);

  // A secret that comes from outside: a PSK, application data.
  void root(Bytes secret, const Name& name) { put(closure_.secret(secret), name); }

  // The number of the key pair of a leaf or a KeyPackage.
  KeyNumber number_of(Bytes public_key);
  // What the private key of a public one is.
  const Name* private_key_of(Bytes public_key) const;

  // A plaintext that was sealed more than once has several names.
  const std::multimap<ValueId, Name>& names() const { return names_; }
  bool has_name(ValueId value) const { return names_.count(value) != 0; }

 private:
  const Name* name_of(const Value& value) const;
  void put(ValueId value, const Name& name);
  void put(const Value& value, const Name& name);
  void add_inner(const Call& call);
  void end_kem(const Call& call);
  void add_extract(const Call& call, EpochNumber next);
  void add_expand(const Call& call, EpochNumber next);
  void add_labelled(const Value& prk, const std::string& label, Bytes context, const Value& out,
                    EpochNumber next);
  void add_tree(const Name& parent, const std::string& label, Bytes context, const Value& out);
  void add_sealed(const Value& key, const Value& plaintext);

  Closure& closure_;
  std::multimap<ValueId, Name> names_;
  std::optional<EpochNumber> created_;              // the last first epoch
  std::map<Octets, Name> private_keys_;             // by public key
  std::map<Octets, KeyNumber> numbers_;             // likewise
  std::vector<std::pair<Operation, Value>> inner_;  // secrets made inside a KEM operation that has not ended
};

std::string text_of(const Name& name);

}  // namespace tacet::adversary
