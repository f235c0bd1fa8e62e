#include "suite.h"

namespace tacet::tool {

namespace {

struct Primitive {
  std::uint16_t id;
  const char* name;
};

constexpr Primitive kdfs[] = {{0x0001, "SHA-256"}, {0x0002, "SHA-384"}, {0x0003, "SHA-512"}};
constexpr Primitive kems[] = {
    {0x0010, "P-256"}, {0x0011, "P-384"}, {0x0012, "P-521"}, {0x0020, "X25519"}, {0x0021, "X448"}};
constexpr Primitive aeads[] = {
    {0x0001, "AES-128-GCM"}, {0x0002, "AES-256-GCM"}, {0x0003, "ChaCha20-Poly1305"}};
constexpr Primitive signatures[] = {{0x0403, "ECDSA P-256"},
                                    {0x0503, "ECDSA P-384"},
                                    {0x0603, "ECDSA P-521"},
                                    {0x0807, "Ed25519"},
                                    {0x0808, "Ed448"}};

const char* name_of(std::span<const Primitive> primitives, std::uint16_t id) {
  for (const Primitive& primitive : primitives) {
    if (primitive.id == id) return primitive.name;
  }
  return "a primitive without name";
}

Needs shared_with_built(const SuiteParameters& suite) {
  const SuiteParameters& built = built_suite();
  return {suite.kdf_id == built.kdf_id, suite.kem_id == built.kem_id, suite.aead_id == built.aead_id,
          suite.signature_scheme == built.signature_scheme};
}

}  // namespace

const SuiteParameters& built_suite() {
  return *suite_parameters(CipherSuite::x25519_chacha20poly1305_sha256_ed25519);
}

std::string missing_primitives(const SuiteParameters& suite, const Needs& needs) {
  const Needs built = shared_with_built(suite);
  std::string missing;
  const auto add = [&missing](const char* name) {
    missing += (missing.empty() ? "" : ", ") + std::string(name);
  };
  if (needs.kdf && !built.kdf) add(name_of(kdfs, suite.kdf_id));
  if (needs.kem && !built.kem) add(name_of(kems, suite.kem_id));
  if (needs.aead && !built.aead) add(name_of(aeads, suite.aead_id));
  if (needs.signature && !built.signature) add(name_of(signatures, suite.signature_scheme));
  return missing;
}

PartialSuite::PartialSuite(Random& random, const SuiteParameters& parameters) noexcept
    : Sodium(random, parameters), built_(shared_with_built(parameters)) {}

Error PartialSuite::do_seal(SecretView key, SecretView nonce, Bytes aad, SecretView plaintext,
                            MutableBytes out) noexcept {
  return built_.aead ? Sodium::do_seal(key, nonce, aad, plaintext, out) : Error::suite_not_built;
}

Error PartialSuite::do_open(SecretView key, SecretView nonce, Bytes aad, Bytes ciphertext,
                            MutableBytes out) noexcept {
  return built_.aead ? Sodium::do_open(key, nonce, aad, ciphertext, out) : Error::suite_not_built;
}

Error PartialSuite::do_derive_key_pair(SecretView ikm, MutableBytes private_key,
                                       MutableBytes public_key) noexcept {
  return built_.kem ? Sodium::do_derive_key_pair(ikm, private_key, public_key) : Error::suite_not_built;
}

Error PartialSuite::do_kem_public_key(SecretView private_key, MutableBytes public_key) noexcept {
  return built_.kem ? Sodium::do_kem_public_key(private_key, public_key) : Error::suite_not_built;
}

Error PartialSuite::do_encap(Bytes public_key, MutableBytes kem_output, MutableBytes shared_secret) noexcept {
  return built_.kem ? Sodium::do_encap(public_key, kem_output, shared_secret) : Error::suite_not_built;
}

Error PartialSuite::do_decap(Bytes kem_output, SecretView private_key, Bytes public_key,
                             MutableBytes shared_secret) noexcept {
  return built_.kem ? Sodium::do_decap(kem_output, private_key, public_key, shared_secret)
                    : Error::suite_not_built;
}

Error PartialSuite::do_import_signature_key(SecretView encoded, MutableBytes private_key,
                                            MutableBytes public_key) noexcept {
  return built_.signature ? Sodium::do_import_signature_key(encoded, private_key, public_key)
                          : Error::suite_not_built;
}

Result<Bytes> PartialSuite::do_sign(SecretView private_key, Bytes message, MutableBytes signature) noexcept {
  if (!built_.signature) return Error::suite_not_built;
  return Sodium::do_sign(private_key, message, signature);
}

Error PartialSuite::do_verify(Bytes public_key, Bytes message, Bytes signature) noexcept {
  return built_.signature ? Sodium::do_verify(public_key, message, signature) : Error::suite_not_built;
}

}  // namespace tacet::tool
