#pragma once

// Live endpoints of a group, with all that an application brings to them, for tests and vectors. Their keys
// are in the open.

#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "builder.h"
#include "protocol/join.h"
#include "protocol/sodium.h"

namespace tacet::adversary {

// What cannot fail where everybody is honest.
inline void must(Error error) {
  if (error != Error::none) throw std::logic_error(describe(error).name);
}

// An application that believes everybody but the owner of one signature key, knows clients by the whole of
// their credentials, and is in one group at most.
class Trusting final : public Policy {
 public:
  Bytes identity(const Credential& credential) const noexcept override { return credential.body; }
  bool validates(const Credential&, Bytes key) const noexcept override { return !equal(key, disbelieved); }
  bool is_in_group(Bytes group_id) const noexcept override {
    return !in_group.empty() && equal(group_id, in_group);
  }
  Octets disbelieved, in_group;
};

// PSKs: external ones by their psk_id, resumption ones by group and epoch, "group:7".
class KnownPsks final : public Psks {
 public:
  Error find(const PreSharedKeyId& id, SecretView& psk) noexcept override {
    const Bytes external = id.psk_id;
    const auto found = known.find(id.type == PskType::external ? std::string(external.begin(), external.end())
                                                               : resumption(id.psk_group_id, id.psk_epoch));
    if (found == known.end()) return Error::psk_unknown;
    psk = {found->second.data(), found->second.size()};
    return Error::none;
  }
  static std::string resumption(Bytes group_id, std::uint64_t epoch) {
    return std::string(group_id.begin(), group_id.end()) + ':' + std::to_string(epoch);
  }
  std::map<std::string, Octets> known;
};

class Endpoint : public KeyPackages {
 public:
  Endpoint(std::string named, Random& random, Memory& memory, Memory& secret_memory);
  virtual ~Endpoint() = default;

  Client client() { return {crypto, memory_, secret_memory_, policy, supported, limits}; }
  KeySigner signer() { return KeySigner(crypto, signing_key); }

  // A new KeyPackage, whose keys are kept in the place of the last one's.
  const Octets& publish();
  bool find(Bytes wanted, OwnKeyPackage& out) noexcept override;

  void create(const Octets& group_id, std::span<const Extension> extensions = {});
  Error join(const Octets& welcome, const Octets& tree = {});

  // Whether a Commit would be accepted; nothing changes.
  Error consider(const Octets& message);
  // Takes a message: keeps a proposal, adopts a Commit, reads application data. There is no epoch after a
  // Commit that removes the endpoint.
  Error receive(const Octets& message);

  // A proposal of one's own, kept and as it is sent; and an entry of a list that refers to it.
  struct Proposed {
    Octets message, reference;
  };
  Proposed propose(const Octets& proposal, WireFormat format = WireFormat::public_message);

  // A Commit of a list of encoded ProposalOrRefs, pending until it is adopted or dropped.
  Error commit(const Octets& list, NewCommit wanted = {});
  void adopt();

  Octets authenticator() const;

  // What an epoch lends to its messages, while this lives.
  struct Lent {
    explicit Lent(Endpoint& of);
    Secret membership_key, sender_data_secret;
    MessageEpoch epoch;
  };

  std::string name;
  Sodium crypto;
  Trusting policy;
  KnownPsks psks;
  std::vector<CipherSuite> suites = {CipherSuite::x25519_chacha20poly1305_sha256_ed25519};
  std::vector<CredentialType> credentials = {CredentialType::basic};
  Supported supported{suites, {}, {}, credentials};
  Limits limits;
  Secret signing_key;
  Octets signature_key, key_package, reference;
  KeyPackageKeys keys;
  std::optional<Epoch> epoch;
  std::unique_ptr<OwnCommit> pending;

 private:
  void remember_psk();
  Error authenticate(const Octets& message, AuthenticatedContent& out, PeekedKey& key);

  Memory& memory_;
  Memory& secret_memory_;
  Octets message_, room_;  // which the last AuthenticatedContent views
};

}  // namespace tacet::adversary
