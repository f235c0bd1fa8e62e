#pragma once

// The key schedule, RFC 9420, section 8: from the init secret, the commit secret and the PSKs to the secrets
// of an epoch, with the transcript hashes and the GroupContext that bind them to the group's history.

#include "codec.h"
#include "crypto.h"
#include "extension.h"
#include "hpke.h"

namespace tacet {

// RFC 9420, 8.1.
struct GroupContext {
  ProtocolVersion version = ProtocolVersion::mls10;
  CipherSuite cipher_suite{};
  Bytes group_id;
  std::uint64_t epoch = 0;
  Bytes tree_hash;
  Bytes confirmed_transcript_hash;
  Extensions extensions;

  Bytes encoded;  // of a decoded GroupContext: all of it, as received
};

template <class Coder, Fields<GroupContext> E>
Error code(Coder& coder, E& e) noexcept {  // [KEYSCHED-11]
  return code_as_received(coder, e.encoded, [&]() noexcept {
    return coder(e.version, e.cipher_suite, e.group_id, e.epoch, e.tree_hash, e.confirmed_transcript_hash,
                 e.extensions);
  });
}

// ---- transcript hashes, RFC 9420, 8.2

// confirmed_transcript_hash[n] = Hash(interim_transcript_hash[n-1] || ConfirmedTranscriptHashInput[n]).
// `input` is the encoding { WireFormat; FramedContent; opaque signature<V> } in any pieces; `interim_before`
// has no header.
Error confirmed_transcript_hash(Crypto& crypto, Bytes interim_before, Pieces input, Digest& out) noexcept;

// interim_transcript_hash[n] = Hash(confirmed_transcript_hash[n] || opaque confirmation_tag<V>).
Error interim_transcript_hash(Crypto& crypto, Bytes confirmed, Bytes confirmation_tag, Digest& out) noexcept;

// confirmation_tag = MAC(confirmation_key, confirmed_transcript_hash), both of the new epoch (RFC 9420, 6.1).
Error confirmation_tag(Crypto& crypto, SecretView confirmation_key, Bytes confirmed, Digest& tag) noexcept;
// A received one, of any length. Error::confirmation_tag_invalid.
Error check_confirmation_tag(Crypto& crypto, SecretView confirmation_key, Bytes confirmed,
                             Bytes tag) noexcept;

// ---- pre-shared keys, RFC 9420, 8.4

enum class PskType : std::uint8_t { external = 1, resumption = 2 };
enum class ResumptionPskUsage : std::uint8_t { application = 1, reinit = 2, branch = 3 };
Error check(PskType type) noexcept;              // Error::psk_type_unknown
Error check(ResumptionPskUsage usage) noexcept;  // Error::psk_usage_unknown

struct PreSharedKeyId {
  PskType type = PskType::external;
  Bytes psk_id;                                                // external
  ResumptionPskUsage usage = ResumptionPskUsage::application;  // resumption, with the next two
  Bytes psk_group_id;
  std::uint64_t psk_epoch = 0;
  Bytes psk_nonce;
};

template <class Coder, Fields<PreSharedKeyId> E>
Error code(Coder& coder, E& e) noexcept {  // [PSK-02]
  TRY(coder(e.type));
  if (e.type == PskType::resumption) {
    TRY(coder(e.usage, e.psk_group_id, e.psk_epoch));
  } else {
    TRY(coder(e.psk_id));
  }
  return coder(e.psk_nonce);
}

// psk_secret, from the PSKs one after the other in the order of the proposals (or of GroupSecrets.psks).
class PskSecret {
 public:
  // For exactly `count` PSKs. Error::psk_count over 65535.
  static Error start(Crypto& crypto, std::size_t count, PskSecret& out) noexcept;

  // The next PSK; it may be of any length. Errors: psk_count after the last, vector_too_long.
  Error add(Crypto& crypto, const PreSharedKeyId& id, SecretView psk) noexcept;

  // psk_secret; Nh zero bytes if there are no PSKs. Error::psk_count before the last.
  Error finish(Secret& out) noexcept;

 private:
  Secret secret_;
  std::uint16_t index_ = 0;
  std::uint16_t count_ = 0;
};

// ---- the secrets of an epoch, RFC 9420, 8

// joiner_secret[n]. An empty commit_secret, of a Commit without path, stands for Nh zero bytes; so does an
// empty psk_secret below. The init secret is that of epoch n-1, or the one that an external Commit brought.
Error derive_joiner_secret(Crypto& crypto, SecretView init_secret, SecretView commit_secret,
                           Bytes group_context, Secret& joiner_secret) noexcept;

// welcome_secret[n], which the sender and the receivers of a Welcome need beside the epoch's secrets.
Error derive_welcome_secret(Crypto& crypto, SecretView joiner_secret, SecretView psk_secret,
                            Secret& welcome_secret) noexcept;

// What an epoch keeps of its key schedule.
struct EpochSecrets {
  Secret init_secret;
  Secret sender_data_secret;
  Secret encryption_secret;
  Secret exporter_secret;
  Secret external_secret;
  Secret confirmation_key;
  Secret membership_key;
  Secret resumption_psk;
  WipedDigest epoch_authenticator;  // belongs to the application
};

// All of an epoch's secrets from its joiner_secret; `group_context` is the encoded GroupContext of the epoch.
Error derive_epoch_secrets(Crypto& crypto, SecretView joiner_secret, SecretView psk_secret,
                           Bytes group_context, EpochSecrets& out) noexcept;

// The same from the epoch_secret itself, which is drawn when a group is created (RFC 9420, 11).
Error derive_from_epoch_secret(Crypto& crypto, SecretView epoch_secret, EpochSecrets& out) noexcept;

// external_priv, external_pub = KEM.DeriveKeyPair(external_secret). Error::output_too_small.
Error derive_external_key_pair(Crypto& crypto, SecretView external_secret, Secret& external_priv,
                               MutableBytes external_pub) noexcept;

// The init secret of an external Commit, made by the joiner (RFC 9420, 8.3). Errors: kem_public_key_length,
// kem_low_order, random_failed, output_too_small.
Error create_external_init(Crypto& crypto, Bytes external_pub, MutableBytes kem_output,
                           Secret& init_secret) noexcept;

// The same, recovered by a member with the external key pair of the epoch before the Commit. Errors:
// kem_output_length, kem_low_order.
Error process_external_init(Crypto& crypto, HpkeKeyPair external_key_pair, Bytes kem_output,
                            Secret& init_secret) noexcept;

// MLS-Exporter(label, context, out.size()), RFC 9420, 8.5. Errors: expand_length over 255 * Nh,
// vector_too_long.
Error export_secret(Crypto& crypto, SecretView exporter_secret, std::string_view label, Bytes context,
                    MutableBytes out) noexcept;

}  // namespace tacet
