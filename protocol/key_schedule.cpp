#include "key_schedule.h"

namespace tacet {

Error confirmed_transcript_hash(Crypto& crypto, Bytes interim_before, Pieces input, Digest& out) noexcept {
  constexpr std::size_t max_input_pieces = 16;
  if (input.count() > max_input_pieces) return Error::output_too_small;
  std::array<Bytes, 1 + max_input_pieces> pieces = {interim_before};
  std::size_t count = 1;
  for (const Bytes piece : input) pieces[count++] = piece;
  return crypto.hash(std::span<const Bytes>(pieces.data(), count), out);  // [KEYSCHED-15]
}

Error interim_transcript_hash(Crypto& crypto, Bytes confirmed, Bytes confirmation_tag, Digest& out) noexcept {
  const Result<VectorHeader> header = vector_header(confirmation_tag.size());
  TRY(header.error());
  return crypto.hash({confirmed, header.value().bytes(), confirmation_tag}, out);  // [KEYSCHED-16]
}

Error confirmation_tag(Crypto& crypto, SecretView confirmation_key, Bytes confirmed, Digest& tag) noexcept {
  return crypto.mac(confirmation_key, {confirmed}, tag);  // [FRAME-24]
}

Error check_confirmation_tag(Crypto& crypto, SecretView confirmation_key, Bytes confirmed,
                             Bytes tag) noexcept {
  const Error error = crypto.check_mac(confirmation_key, {confirmed}, tag);
  return error == Error::mac_mismatch ? Error::confirmation_tag_invalid : error;  // [FRAME-55]
}

// ---- pre-shared keys

Error check(PskType type) noexcept {
  REFUSE_IF(type != PskType::external && type != PskType::resumption, Error::psk_type_unknown);  // [CODEC-18]
  return Error::none;
}

Error check(ResumptionPskUsage usage) noexcept {
  const bool known = usage == ResumptionPskUsage::application || usage == ResumptionPskUsage::reinit ||
                     usage == ResumptionPskUsage::branch;
  REFUSE_IF(!known, Error::psk_usage_unknown);  // [CODEC-18]
  return Error::none;
}

Error PskSecret::start(Crypto& crypto, std::size_t count, PskSecret& out) noexcept {
  REFUSE_IF(count > 0xffff, Error::psk_count);  // [PSK-19]
  Result<Secret> zeros = Secret::zeros(crypto.hash_size());
  TRY(zeros.error());
  out.secret_ = std::move(zeros.value());  // [PSK-07]
  out.index_ = 0;
  out.count_ = static_cast<std::uint16_t>(count);
  return Error::none;
}

// psk_extracted = KDF.Extract(0, psk)
// psk_input     = ExpandWithLabel(psk_extracted, "derived psk", PSKLabel { id; uint16 index; uint16 count },
// Nh) psk_secret    = KDF.Extract(psk_input, psk_secret)
Error PskSecret::add(Crypto& crypto, const PreSharedKeyId& id, SecretView psk) noexcept {
  if (index_ == count_) return Error::psk_count;
  Gatherer<6, 32> label;
  TRY(label(id, index_, count_));
  Result<Secret> zeros = Secret::zeros(crypto.hash_size());
  TRY(zeros.error());
  Secret extracted, input;
  TRY(crypto.extract(zeros.value(), {psk}, extracted));
  TRY(crypto.expand_with_label(extracted, "derived psk", label.pieces(), crypto.hash_size(),
                               input));            // [PSK-05]
  TRY(crypto.extract(input, {secret_}, secret_));  // [PSK-06, PSK-08]
  ++index_;
  return Error::none;
}

Error PskSecret::finish(Secret& out) noexcept {
  if (index_ != count_) return Error::psk_count;
  out = std::move(secret_);
  return Error::none;
}

// ---- the secrets of an epoch

namespace {

// KDF.Extract(salt, ikm), where an absent ikm is Nh zero bytes [KEYSCHED-10].
Error extract_or_zero(Crypto& crypto, SecretView salt, SecretView ikm, Secret& out) noexcept {
  Result<Secret> zeros = Secret::zeros(crypto.hash_size());
  TRY(zeros.error());
  return crypto.extract(salt, {ikm.empty() ? SecretView(zeros.value()) : ikm}, out);
}

}  // namespace

Error derive_joiner_secret(Crypto& crypto, SecretView init_secret, SecretView commit_secret,
                           Bytes group_context, Secret& joiner_secret) noexcept {
  Secret extracted;
  TRY(extract_or_zero(crypto, init_secret, commit_secret, extracted));  // [KEYSCHED-03, KEYSCHED-22]
  return crypto.expand_with_label(extracted, "joiner", {group_context}, crypto.hash_size(), joiner_secret);
}

Error derive_welcome_secret(Crypto& crypto, SecretView joiner_secret, SecretView psk_secret,
                            Secret& welcome_secret) noexcept {
  Secret member_secret;
  TRY(extract_or_zero(crypto, joiner_secret, psk_secret, member_secret));  // [KEYSCHED-04]
  return crypto.derive_secret(member_secret, "welcome", welcome_secret);
}

namespace {

Error derive_all(Crypto& crypto, SecretView epoch_secret, EpochSecrets& out) noexcept {
  TRY(crypto.derive_secret(epoch_secret, "init", out.init_secret));                // [KEYSCHED-05]
  TRY(crypto.derive_secret(epoch_secret, "sender data", out.sender_data_secret));  // [KEYSCHED-06]
  TRY(crypto.derive_secret(epoch_secret, "encryption", out.encryption_secret));
  TRY(crypto.derive_secret(epoch_secret, "exporter", out.exporter_secret));
  TRY(crypto.derive_secret(epoch_secret, "external", out.external_secret));
  TRY(crypto.derive_secret(epoch_secret, "confirm", out.confirmation_key));
  TRY(crypto.derive_secret(epoch_secret, "membership", out.membership_key));
  TRY(crypto.derive_secret(epoch_secret, "resumption", out.resumption_psk));
  return crypto.expand_for_application(epoch_secret, "authentication", {},
                                       out.epoch_authenticator.resize(crypto.hash_size()));  // [KEYSCHED-26]
}

}  // namespace

Error derive_from_epoch_secret(Crypto& crypto, SecretView epoch_secret, EpochSecrets& out) noexcept {
  const Error error = derive_all(crypto, epoch_secret, out);
  if (error != Error::none) out = EpochSecrets();
  return error;
}

Error derive_epoch_secrets(Crypto& crypto, SecretView joiner_secret, SecretView psk_secret,
                           Bytes group_context, EpochSecrets& out) noexcept {
  Secret member_secret, epoch_secret;
  TRY(extract_or_zero(crypto, joiner_secret, psk_secret, member_secret));  // [KEYSCHED-04]
  TRY(crypto.expand_with_label(member_secret, "epoch", {group_context}, crypto.hash_size(),
                               epoch_secret));  // [KEYSCHED-07]
  return derive_from_epoch_secret(crypto, epoch_secret, out);
}

Error derive_external_key_pair(Crypto& crypto, SecretView external_secret, Secret& external_priv,
                               MutableBytes external_pub) noexcept {
  return crypto.derive_key_pair(external_secret, external_priv, external_pub);  // [KEYSCHED-08]
}

namespace {

constexpr std::string_view external_init_label = "MLS 1.0 external init secret";

}  // namespace

Error create_external_init(Crypto& crypto, Bytes external_pub, MutableBytes kem_output,
                           Secret& init_secret) noexcept {
  HpkeContext context;
  TRY(HpkeContext::create(crypto, {}, context));  // [CRYPTO-22]
  return hpke_send_export(crypto, external_pub, context, bytes_of(external_init_label), crypto.hash_size(),
                          kem_output, init_secret);  // [KEYSCHED-20]
}

Error process_external_init(Crypto& crypto, HpkeKeyPair external_key_pair, Bytes kem_output,
                            Secret& init_secret) noexcept {
  HpkeContext context;
  TRY(HpkeContext::create(crypto, {}, context));  // [CRYPTO-22]
  return hpke_receive_export(crypto, external_key_pair, kem_output, context, bytes_of(external_init_label),
                             crypto.hash_size(), init_secret);  // [KEYSCHED-21]
}

Error export_secret(Crypto& crypto, SecretView exporter_secret, std::string_view label, Bytes context,
                    MutableBytes out) noexcept {
  Secret derived;
  Digest context_hash;
  TRY(crypto.derive_secret(exporter_secret, label, derived));
  TRY(crypto.hash({context}, context_hash));
  return crypto.expand_for_application(derived, "exported", {context_hash}, out);  // [KEYSCHED-23]
}

}  // namespace tacet
