#pragma once

// What a client of plain needs brings to its groups: a basic credential, a signature key and KeyPackages in
// memory, no PSKs but those of its groups, default limits. Whom it believes is for its Policy to say. It is
// compiled into the program that includes it, never into the library.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "../tacet.h"

namespace tacet {

// It neither moves nor is copied. What it is made with outlives it, and it outlives its groups.
class BasicClient final : public KeyPackages, private Psks {
 public:
  // KeyPackages may be used from an hour before they are made, for clocks that differ, and for 30 days.
  static constexpr std::uint64_t early = 3600, late = 30 * 24 * 3600;

  BasicClient(std::string name, Crypto& crypto, Memory& memory, Memory& secrets, const Policy& policy)
      : name_(std::move(name)),
        crypto_(crypto),
        memory_(memory),
        secrets_(secrets),
        policy_(policy),
        keys_(memory, secrets, crypto.suite().kem_private_key_size) {}
  BasicClient(const BasicClient&) = delete;
  BasicClient& operator=(const BasicClient&) = delete;

  // Makes a KeyPackage at `now`, in seconds since 1970, for others to add the client by; out.encoded is what
  // is published. It lives until a group was joined by it. Errors: those of create_key_package;
  // out_of_memory.
  Error publish(std::uint64_t now, KeyPackage& out) {
    Kept made;
    KeyPackageKeys keys;
    TRY(make(now, made.encoding, keys));
    TRY(keys_.reserve(2));
    TRY(decode(made.encoding, out));
    TRY(key_package_ref(crypto_, out, made.reference));
    made.init_key = keys_.put(std::move(keys.init_key));
    made.encryption_key = keys_.put(std::move(keys.encryption_key));
    kept_.push_back(std::move(made));  // the encoding stays where it is
    return Error::none;
  }

  // Creates a group with the client alone in it. Errors: as above, and those of Group::create.
  Error create(Group& group, std::uint64_t now) {
    std::vector<std::uint8_t> encoding;
    KeyPackageKeys keys;
    KeyPackage own;
    TRY(make(now, encoding, keys));
    TRY(decode(encoding, own));
    return group.create({}, {}, own.leaf_node.encoded, std::move(keys.encryption_key));
  }

  Client client() noexcept { return {crypto_, memory_, secrets_, policy_, supported_, limits_}; }
  Psks& psks() noexcept { return *this; }
  Signer& signer() noexcept { return *signer_; }  // from the first KeyPackage or group on

  bool find(Bytes reference, OwnKeyPackage& out) noexcept override {
    for (const Kept& each : kept_) {
      if (!equal(each.reference, reference)) continue;
      out.key_package = each.encoding;
      out.init_key = keys_.copy(each.init_key);
      out.encryption_key = keys_.copy(each.encryption_key);
      return true;
    }
    return false;
  }
  void erase(Bytes reference) noexcept override {
    std::erase_if(kept_, [&](const Kept& each) {
      const bool is_it = equal(each.reference, reference);
      if (is_it) keys_.erase(each.init_key);
      if (is_it) keys_.erase(each.encryption_key);
      return is_it;
    });
  }

 private:
  struct Kept {
    std::vector<std::uint8_t> encoding;
    Digest reference;
    SecretSlots::Slot init_key = SecretSlots::none, encryption_key = SecretSlots::none;
  };

  Error find(const PreSharedKeyId&, SecretView&) noexcept override { return Error::psk_unknown; }

  Error draw_signature_key() {
    signature_key_.resize(crypto_.suite().signature_public_key_size);
    TRY(crypto_.generate_signature_key_pair(signing_key_, signature_key_));
    signer_.emplace(crypto_, signing_key_);
    return Error::none;
  }

  Error make(std::uint64_t now, std::vector<std::uint8_t>& out, KeyPackageKeys& keys) {
    if (!signer_) TRY(draw_signature_key());
    NewKeyPackage wanted;
    wanted.signature_key = signature_key_;
    wanted.credential = {CredentialType::basic, bytes_of(name_)};
    wanted.supported = supported_;
    wanted.lifetime = {now < early ? 0 : now - early, now + late};
    const KeyPackageRoom room = key_package_room(wanted);
    std::vector<std::uint8_t> work(room.work), place(room.out);
    const Result<Bytes> made = create_key_package(crypto_, *signer_, wanted, limits_, work, place, keys);
    TRY(made.error());
    out.assign(made.value().begin(), made.value().end());
    return Error::none;
  }

  std::string name_;
  Crypto& crypto_;
  Memory& memory_;
  Memory& secrets_;
  const Policy& policy_;
  const CipherSuite suites_[1] = {crypto_.suite().suite};
  const CredentialType credentials_[1] = {CredentialType::basic};
  const Supported supported_{suites_, {}, {}, credentials_};
  const Limits limits_;
  Secret signing_key_;
  std::optional<KeySigner> signer_;
  std::vector<std::uint8_t> signature_key_;
  SecretSlots keys_;
  std::vector<Kept> kept_;
};

}  // namespace tacet
