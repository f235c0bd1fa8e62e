#pragma once

// What an application brings to an endpoint: its keys, KeyPackages and PSKs, and what it believes. For tests
// and vectors; the keys are in the open.

#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "builder.h"
#include "protocol/join.h"
#include "protocol/sodium.h"

namespace tacet::adversary {

// What cannot fail where everybody is honest.
inline void must(Error error) {
  if (error != Error::none) throw std::logic_error(describe(error).name);
}

Secret copy_of(const Secret& secret);

// An application that believes everybody but the owner of one signature key, knows clients by the whole of
// their credentials, and is in one group at most; unless it is told otherwise.
class Trusting final : public Policy {
 public:
  Bytes identity(const Credential& credential) const noexcept override { return credential.body; }
  bool validates(const Credential&, Bytes key) const noexcept override { return !equal(key, disbelieved); }
  bool is_in_group(Bytes group_id) const noexcept override {
    return !in_group.empty() && equal(group_id, in_group);
  }
  bool permits(const Sender&, const Proposal& proposal) const noexcept override {
    return proposal.type != forbidden;
  }
  bool may_commit(const Sender& sender) const noexcept override { return sender.type != may_not_commit; }
  bool is_current(const Lifetime& lifetime) const noexcept override {
    return now == 0 || (lifetime.not_before <= now && now <= lifetime.not_after);
  }
  WireFormat handshake_format() const noexcept override { return format; }
  bool accepts(WireFormat received) const noexcept override { return !only_own_format || received == format; }

  Octets disbelieved, in_group;
  ProposalType forbidden{};                         // to everybody
  SenderType may_not_commit{};                      // whatever it is
  std::uint64_t now = 0;                            // if it is set, received leaves have to be current then
  WireFormat format = WireFormat::private_message;  // of handshakes
  bool only_own_format = false;
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

inline constexpr Lifetime lifetime_of_leaves = {1000, 2000};
inline constexpr std::uint64_t while_leaves_are_current = 1500;

class Device : public KeyPackages {
  std::shared_ptr<std::optional<Sodium>> own_crypto_;  // made before `crypto`, which may be it

 public:
  // With a Crypto of its own that draws from `random`, or with one that outlives it.
  Device(std::string named, Random& random, Memory& memory, Memory& secret_memory);
  Device(std::string named, Crypto& crypto, Memory& memory, Memory& secret_memory);
  // The same client once more, for another of its groups: with copies of its keys, over the same memories.
  explicit Device(const Device& same);
  virtual ~Device() = default;

  Client client() { return {crypto, memory_, secret_memory_, policy, supported, limits}; }
  KeySigner signer() { return KeySigner(crypto, signing_key); }

  // Becomes the same client as another, which has lost its groups.
  void start_again_as(const Device& before);

  // A new KeyPackage, whose keys are kept in the place of the last one's.
  const Octets& publish();
  bool find(Bytes wanted, OwnKeyPackage& out) noexcept override;
  void erase(Bytes used) noexcept override;

  std::string name;
  Crypto& crypto;
  Trusting policy;
  KnownPsks psks;
  std::vector<CipherSuite> suites = {CipherSuite::x25519_chacha20poly1305_sha256_ed25519};
  std::vector<CredentialType> credentials = {CredentialType::basic};
  Supported supported{suites, {}, {}, credentials};
  Limits limits;
  Secret signing_key;
  Octets signature_key, key_package, reference;
  KeyPackageKeys keys;
  Lifetime lifetime = lifetime_of_leaves;  // of KeyPackages
  bool last_resort = false;                // whether a KeyPackage stays when it was used

 protected:
  Memory& memory_;
  Memory& secret_memory_;

 private:
  void draw_signature_key();
};

}  // namespace tacet::adversary
