#include "veil.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <string_view>

#include "apart.h"
#include "protocol/sodium.h"
#include "spec/adversary/seeded_random.h"

namespace tacet {

namespace {

class Veil final : public Sodium {
 public:
  Veil(std::uint64_t public_seed, std::uint64_t secret_seed, SecretLog& log) noexcept
      : Sodium(of_secrets_), public_(public_seed), of_secrets_(secret_seed), log_(log) {}

 private:
  using Octets = apart::Vector<std::uint8_t>;
  struct Less {
    using is_transparent = void;
    bool operator()(Bytes a, Bytes b) const {
      return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end());
    }
  };
  using Map = std::map<Octets, Octets, Less, apart::Allocator<std::pair<const Octets, Octets>>>;

  // Puts the alias in the place of a real value.
  void veil(MutableBytes value) {
    const auto known = aliases_.find(Bytes(value));
    if (known != aliases_.end()) {
      std::copy(known->second.begin(), known->second.end(), value.begin());
      return;
    }
    const Octets real(value.begin(), value.end());
    static_cast<void>(public_.fill(value));
    const Octets alias(value.begin(), value.end());
    aliases_.emplace(real, alias);
    reals_.emplace(alias, real);
  }
  // The real value; what nobody has made stands for itself.
  Bytes real(Bytes alias) const {
    const auto found = reals_.find(alias);
    return found == reals_.end() ? alias : Bytes(found->second);
  }
  // The label of a KDFLabel, or of RFC 9180's, which are all of one kind.
  static std::string_view label_of(Pieces info) {
    static constexpr std::size_t prefix = 4;  // length, size of the label, "MLS 1.0 ", label
    const bool of_mls = info.count() >= prefix && equal(info.begin()[2], bytes_of("MLS 1.0 "));
    if (!of_mls) return "HPKE";
    const Bytes label = info.begin()[3];
    return {reinterpret_cast<const char*>(label.data()), label.size()};
  }

  Error do_mac(SecretView key, Pieces input, MutableBytes out) noexcept override {
    TRY(Sodium::do_mac(key, input, out));
    veil(out);
    return Error::none;
  }
  Error do_extract(SecretView salt, SecretPieces ikm, MutableBytes out) noexcept override {
    TRY(Sodium::do_extract(salt, ikm, out));
    log_.add("extract", out);
    return Error::none;
  }
  Error do_expand(SecretView prk, Pieces info, MutableBytes out) noexcept override {
    TRY(Sodium::do_expand(prk, info, out));
    const std::string_view label = label_of(info);
    if (label == "authentication") {  // the application's, to be compared out of band
      veil(out);
      return Error::none;
    }
    log_.add(label, out);
    return Error::none;
  }
  Error do_seal(SecretView key, SecretView nonce, Bytes aad, SecretView plaintext,
                MutableBytes out) noexcept override {
    TRY(Sodium::do_seal(key, nonce, aad, plaintext, out));
    veil(out);
    return Error::none;
  }
  Error do_open(SecretView key, SecretView nonce, Bytes aad, Bytes ciphertext,
                MutableBytes out) noexcept override {
    return Sodium::do_open(key, nonce, aad, real(ciphertext), out);
  }
  Error do_random(MutableBytes out, bool is_secret) noexcept override {
    if (!is_secret) return public_.fill(out);
    TRY(of_secrets_.fill(out));
    log_.add("random", out);
    return Error::none;
  }
  Error do_derive_key_pair(SecretView ikm, MutableBytes private_key,
                           MutableBytes public_key) noexcept override {
    TRY(Sodium::do_derive_key_pair(ikm, private_key, public_key));
    veil(public_key);
    log_.add("private key", private_key, public_key);
    return Error::none;
  }
  Error do_kem_public_key(SecretView private_key, MutableBytes public_key) noexcept override {
    TRY(Sodium::do_kem_public_key(private_key, public_key));
    veil(public_key);
    return Error::none;
  }
  Error do_encap(Bytes public_key, MutableBytes kem_output, MutableBytes shared_secret) noexcept override {
    TRY(Sodium::do_encap(real(public_key), kem_output, shared_secret));
    veil(kem_output);
    log_.add("shared secret", shared_secret);
    return Error::none;
  }
  Error do_decap(Bytes kem_output, SecretView private_key, Bytes public_key,
                 MutableBytes shared_secret) noexcept override {
    TRY(Sodium::do_decap(real(kem_output), private_key, real(public_key), shared_secret));
    log_.add("shared secret", shared_secret);
    return Error::none;
  }
  Error do_import_signature_key(SecretView encoded, MutableBytes private_key,
                                MutableBytes public_key) noexcept override {
    TRY(Sodium::do_import_signature_key(encoded, private_key, public_key));
    veil(public_key);
    log_.add("signature key", private_key);
    return Error::none;
  }
  Result<Bytes> do_sign(SecretView private_key, Bytes message, MutableBytes signature) noexcept override {
    const Result<Bytes> made = Sodium::do_sign(private_key, message, signature);
    if (made.ok()) veil(signature.first(made.value().size()));
    return made;
  }
  Error do_verify(Bytes public_key, Bytes message, Bytes signature) noexcept override {
    const Error error = Sodium::do_verify(real(public_key), message, real(signature));
    scrub();  // of the real values, which are nobody's secrets
    return error;
  }

  adversary::SeededRandom public_, of_secrets_;
  SecretLog& log_;
  Map aliases_, reals_;
};

}  // namespace

void SecretLog::add(std::string_view label, Bytes bytes, Bytes public_key) {
  if (count == room || bytes.size() > Secret::max_size) std::abort();
  LoggedSecret& next = secrets[count++];
  std::memcpy(next.label, label.data(), std::min(label.size(), sizeof next.label - 1));
  next.size = bytes.size();
  std::memcpy(next.bytes, bytes.data(), bytes.size());
  if (!public_key.empty()) std::memcpy(next.public_key, public_key.data(), sizeof next.public_key);
}

Crypto& make_veil(std::uint64_t public_seed, std::uint64_t secret_seed, SecretLog& log) {
  return *::new (apart::take(sizeof(Veil))) Veil(public_seed, secret_seed, log);
}

}  // namespace tacet
