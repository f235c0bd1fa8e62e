#include "hpke.h"

namespace tacet {

namespace {

constexpr std::uint8_t mode_base = 0x00;

// suite_id = "HPKE" || I2OSP(kem_id, 2) || I2OSP(kdf_id, 2) || I2OSP(aead_id, 2), RFC 9180, 5.1.
std::array<std::uint8_t, 10> suite_id(const Crypto& crypto) noexcept {
  const SuiteParameters& suite = crypto.suite();
  const auto high = [](std::uint16_t id) { return static_cast<std::uint8_t>(id >> 8); };
  const auto low = [](std::uint16_t id) { return static_cast<std::uint8_t>(id); };
  return {'H',
          'P',
          'K',
          'E',
          high(suite.kem_id),
          low(suite.kem_id),
          high(suite.kdf_id),
          low(suite.kdf_id),
          high(suite.aead_id),
          low(suite.aead_id)};
}

// The key schedule of RFC 9180, 5.1, as far as one message or one export needs it.
class KeySchedule {
 public:
  KeySchedule(Crypto& crypto, const HpkeContext& context) noexcept
      : crypto_(crypto), suite_id_(suite_id(crypto)), context_(context.bytes()) {}

  // secret = LabeledExtract(shared_secret, "secret", psk = "")
  Error start(SecretView shared_secret) noexcept {
    return labeled_extract(crypto_, suite_id_, shared_secret, "secret", Bytes{}, secret_);
  }

  // The key and the nonce of the first message, whose sequence number is 0: nonce = base_nonce.
  Error message_key(Secret& key, Secret& nonce) noexcept {
    TRY(labeled_expand(crypto_, suite_id_, secret_, "key", context_, crypto_.suite().key_size, key));
    return labeled_expand(crypto_, suite_id_, secret_, "base_nonce", context_, crypto_.suite().nonce_size,
                          nonce);
  }

  // Context.Export, RFC 9180, 5.3.
  Error exported(Bytes exporter_context, std::size_t size, Secret& out) noexcept {
    Secret exporter_secret;
    TRY(labeled_expand(crypto_, suite_id_, secret_, "exp", context_, crypto_.hash_size(), exporter_secret));
    return labeled_expand(crypto_, suite_id_, exporter_secret, "sec", exporter_context, size, out);
  }

 private:
  Crypto& crypto_;
  std::array<std::uint8_t, 10> suite_id_;
  Bytes context_;
  Secret secret_;
};

Error receive(Crypto& crypto, HpkeKeyPair key_pair, Bytes kem_output, KeySchedule& schedule) noexcept {
  Secret shared_secret;
  TRY(crypto.decap(kem_output, key_pair.private_key, key_pair.public_key, shared_secret));
  return schedule.start(shared_secret);
}

Error send(Crypto& crypto, Bytes public_key, MutableBytes kem_output, KeySchedule& schedule) noexcept {
  Secret shared_secret;
  TRY(crypto.encap(public_key, kem_output, shared_secret));
  return schedule.start(shared_secret);
}

}  // namespace

Error HpkeContext::create(Crypto& crypto, Pieces info, HpkeContext& out) noexcept {
  constexpr std::size_t max_info_pieces = 8;
  if (info.count() > max_info_pieces) return Error::output_too_small;
  const std::array<std::uint8_t, 10> id = suite_id(crypto);

  // LabeledExtract with an empty salt of public input is a MAC with an empty key: its result is public.
  Digest psk_id_hash, info_hash;
  TRY(crypto.mac({}, {bytes_of("HPKE-v1"), id, bytes_of("psk_id_hash")}, psk_id_hash));
  std::array<Bytes, 3 + max_info_pieces> labeled = {bytes_of("HPKE-v1"), id, bytes_of("info_hash")};
  std::size_t count = 3;
  for (const Bytes piece : info) labeled[count++] = piece;
  TRY(crypto.mac({}, std::span<const Bytes>(labeled.data(), count), info_hash));

  Writer writer(out.bytes_);
  TRY(writer.integer(mode_base));
  TRY(writer.put(psk_id_hash, Storage::lasting));
  TRY(writer.put(info_hash, Storage::lasting));
  out.size_ = writer.written().size();
  return Error::none;
}

Error hpke_seal(Crypto& crypto, Bytes public_key, const HpkeContext& context, Bytes aad,
                SecretPieces plaintext, Memory& secrets, MutableBytes kem_output,
                MutableBytes ciphertext) noexcept {
  if (ciphertext.size() < plaintext.size() + crypto.suite().tag_size) return Error::output_too_small;
  const Error error = [&]() noexcept {
    KeySchedule schedule(crypto, context);
    Secret key, nonce;
    TRY(send(crypto, public_key, kem_output, schedule));
    TRY(schedule.message_key(key, nonce));
    return crypto.seal_pieces(key, nonce, aad, plaintext, secrets, ciphertext);
  }();
  if (error != Error::none) wipe(kem_output.data(), kem_output.size());
  return error;
}

Error hpke_open_secret(Crypto& crypto, HpkeKeyPair key_pair, Bytes kem_output, const HpkeContext& context,
                       Bytes aad, Bytes ciphertext, Secret& plaintext) noexcept {
  KeySchedule schedule(crypto, context);
  Secret key, nonce;
  TRY(receive(crypto, key_pair, kem_output, schedule));
  TRY(schedule.message_key(key, nonce));
  return crypto.open_secret(key, nonce, aad, ciphertext, plaintext);
}

Error hpke_open(Crypto& crypto, HpkeKeyPair key_pair, Bytes kem_output, const HpkeContext& context, Bytes aad,
                Bytes ciphertext, Memory& secrets, SecretBuffer& plaintext) noexcept {
  KeySchedule schedule(crypto, context);
  Secret key, nonce;
  TRY(receive(crypto, key_pair, kem_output, schedule));
  TRY(schedule.message_key(key, nonce));
  return crypto.open_pieces(key, nonce, aad, ciphertext, secrets, plaintext);
}

Error hpke_send_export(Crypto& crypto, Bytes public_key, const HpkeContext& context, Bytes exporter_context,
                       std::size_t size, MutableBytes kem_output, Secret& exported) noexcept {
  KeySchedule schedule(crypto, context);
  TRY(send(crypto, public_key, kem_output, schedule));
  return schedule.exported(exporter_context, size, exported);
}

Error hpke_receive_export(Crypto& crypto, HpkeKeyPair key_pair, Bytes kem_output, const HpkeContext& context,
                          Bytes exporter_context, std::size_t size, Secret& exported) noexcept {
  KeySchedule schedule(crypto, context);
  TRY(receive(crypto, key_pair, kem_output, schedule));
  return schedule.exported(exporter_context, size, exported);
}

Error encrypt_context(Crypto& crypto, std::string_view label, Bytes context, HpkeContext& out) noexcept {
  const Result<VectorHeader> of_label = vector_header(mls_label_prefix.size() + label.size());
  TRY(of_label.error());
  const Result<VectorHeader> of_context = vector_header(context.size());
  TRY(of_context.error());
  return HpkeContext::create(crypto,  // [CRYPTO-12]
                             {of_label.value().bytes(), bytes_of(mls_label_prefix), bytes_of(label),
                              of_context.value().bytes(), context},
                             out);
}

Error encrypt_with_label(Crypto& crypto, Bytes public_key, std::string_view label, Bytes context,
                         SecretPieces plaintext, Memory& secrets, MutableBytes kem_output,
                         MutableBytes ciphertext) noexcept {
  HpkeContext info;
  TRY(encrypt_context(crypto, label, context, info));
  return hpke_seal(crypto, public_key, info, {}, plaintext, secrets, kem_output, ciphertext);
}

Error decrypt_with_label(Crypto& crypto, HpkeKeyPair key_pair, std::string_view label, Bytes context,
                         Bytes kem_output, Bytes ciphertext, Secret& plaintext) noexcept {
  HpkeContext info;
  TRY(encrypt_context(crypto, label, context, info));
  return hpke_open_secret(crypto, key_pair, kem_output, info, {}, ciphertext, plaintext);  // [CRYPTO-13]
}

Error decrypt_with_label(Crypto& crypto, HpkeKeyPair key_pair, std::string_view label, Bytes context,
                         Bytes kem_output, Bytes ciphertext, Memory& secrets,
                         SecretBuffer& plaintext) noexcept {
  HpkeContext info;
  TRY(encrypt_context(crypto, label, context, info));
  return hpke_open(crypto, key_pair, kem_output, info, {}, ciphertext, secrets, plaintext);
}

}  // namespace tacet
