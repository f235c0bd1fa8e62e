#pragma once

// What the rows on groups share: an endpoint with its memory, KeyPackages, and Commits that are sent and
// taken.

#include <cstdlib>
#include <memory>

#include "bench_full_tree.h"
#include "bench_table.h"
#include "protocol/join.h"
#include "protocol/sodium.h"
#include "spec/adversary/endpoint.h"

namespace tacet::bench {

inline const Bytes group_id = bytes_of("a group's id of 32 bytes, random");
inline const Limits limits{};
inline const WholeCredential identity{};
inline constexpr Padding no_padding{0, false};
inline constexpr CipherSuite suites[] = {CipherSuite::x25519_chacha20poly1305_sha256_ed25519};
inline constexpr CredentialType credentials[] = {CredentialType::basic};
inline constexpr Supported supported{suites, {}, {}, credentials};

// That nobody counts the calls of.
inline Crypto& plain_crypto() {
  static SodiumRandom random;
  static Sodium crypto(random);
  return crypto;
}

class CountingMemory final : public Memory {
 public:
  void* allocate(std::size_t bytes, std::size_t) noexcept override {
    ++calls_;
    live_ += bytes;
    return std::malloc(bytes);
  }
  void release(void* block, std::size_t bytes) noexcept override {
    live_ -= bytes;
    std::free(block);
  }
  std::size_t calls() const { return calls_; }
  std::size_t live() const { return live_; }  // in bytes

 private:
  std::size_t calls_ = 0, live_ = 0;
};

template <class T>
T decoded(Bytes encoding) {
  T value;
  must(decode(encoding, value));
  return value;
}

template <class T>
Octets encoded(const T& value) {
  Octets out(encoded_size(value).value());
  must(encode(value, out).error());
  return out;
}

// An endpoint that believes everybody and knows members by their credentials.
Client client(Crypto& crypto, Memory& memory);
adversary::KnownPsks& no_psks();

Secret fresh_key();

inline SecretView signing_key(const Signed& member) {
  return {member.private_key.data(), member.private_key.size()};
}

// ---- KeyPackages

// One that was published, its owner, and its private keys.
struct Published final : KeyPackages {
  Signed owner = new_member();
  Octets init_key = Octets(32), encryption_key = Octets(32), key_package, leaf, reference;
  Secret init_private_key, encryption_private_key;

  // `number` is the identity.
  explicit Published(std::uint32_t number);
  bool find(Bytes wanted, OwnKeyPackage& out) noexcept override;
  void erase(Bytes) noexcept override {}  // it is used again and again
};

// ---- epochs

// What a group of n members may take at one of them, before it has heard any: bytes.
constexpr double bytes_of_group(std::uint32_t n) { return 512.0 * n + (64 << 10); }

// A tree from the value of a ratchet_tree extension, and an epoch in it, the same at all members but for
// their path keys.
RatchetTree imported(Bytes encoding, Memory& memory);
std::unique_ptr<Epoch> epoch_of(Bytes tree, PathKeys&& keys, Memory& memory);

// The private keys of a member that has none yet but that of its leaf.
PathKeys path_keys(LeafIndex own, Secret leaf_key, Memory& memory);

// A Commit of the member whose keys the epoch has, signed by `committer`.
void create_commit(const Client& ours, const Signed& committer, Epoch& epoch, const NewCommit& wanted,
                   OwnCommit& out);

// All that a receiver of a Commit does but for adopting. `room` grows as need be.
void process_commit(const Client& ours, Epoch& receiver, const Octets& message, Octets& room,
                    NextEpoch& next);

}  // namespace tacet::bench
