#pragma once

// The recorder: a Crypto (and so the Random below it) that writes down every call of an endpoint, KEM calls
// and the primitives inside them. Tests count calls in the log; the closure derives from it what an attacker
// can.

#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "protocol/sodium.h"

namespace tacet::adversary {

enum class Operation : std::uint8_t {
  hash,
  mac,
  extract,
  expand,
  seal,
  open,
  random_public,
  random_secret,
  derive_key_pair,
  kem_public_key,
  encap,
  decap,
  import_signature_key,
  sign,
  verify,
  x25519,
  x25519_base,
};
inline constexpr std::size_t operations = 17;

const char* name_of(Operation operation) noexcept;

// What a value in the log is to the endpoint that handled it.
enum class Nature : std::uint8_t { open, secret };

struct Value {
  const char* role;  // "salt", "plaintext", ...
  Nature nature;
  std::vector<std::uint8_t> bytes;
};

struct Call {
  unsigned endpoint;
  Operation operation;
  unsigned depth;  // 0: asked for by protocol/; 1: inside a KEM operation, which is logged after its parts
  Error result;
  std::vector<Value> inputs;  // of an extract the salt, and each piece of the ikm
  std::vector<Value> outputs;
};

// What all endpoints of a run did, in its order.
class Log {
 public:
  // `counts_only` keeps no bytes, for long runs.
  explicit Log(bool counts_only = false) : counts_only_(counts_only) {}

  // From now on `to` sees each call when it is logged, also those that are not kept.
  void stream(std::function<void(const Call&)> to) { stream_ = std::move(to); }

  void add(Call call);
  void clear();

  const std::vector<Call>& calls() const { return calls_; }  // empty if counts only
  std::size_t count(Operation operation) const { return counts_[static_cast<std::size_t>(operation)]; }
  bool counts_only() const { return counts_only_; }

 private:
  bool counts_only_;
  std::function<void(const Call&)> stream_;
  std::vector<Call> calls_;
  std::array<std::size_t, operations> counts_{};
};

class Recorder final : public Sodium {
 public:
  // Both must outlive it. `endpoint` is the number that its calls carry in the log.
  Recorder(Log& log, Random& random, unsigned endpoint = 0) noexcept
      : Sodium(random), log_(log), endpoint_(endpoint) {}

 private:
  Error do_hash(Pieces input, MutableBytes out) noexcept override;
  Error do_mac(SecretView key, Pieces input, MutableBytes out) noexcept override;
  Error do_extract(SecretView salt, SecretPieces ikm, MutableBytes out) noexcept override;
  Error do_expand(SecretView prk, Pieces info, MutableBytes out) noexcept override;
  Error do_seal(SecretView key, SecretView nonce, Bytes aad, SecretView plaintext,
                MutableBytes out) noexcept override;
  Error do_open(SecretView key, SecretView nonce, Bytes aad, Bytes ciphertext,
                MutableBytes out) noexcept override;
  Error do_random(MutableBytes out, bool is_secret) noexcept override;
  Error do_derive_key_pair(SecretView ikm, MutableBytes private_key,
                           MutableBytes public_key) noexcept override;
  Error do_kem_public_key(SecretView private_key, MutableBytes public_key) noexcept override;
  Error do_encap(Bytes public_key, MutableBytes kem_output, MutableBytes shared_secret) noexcept override;
  Error do_decap(Bytes kem_output, SecretView private_key, Bytes public_key,
                 MutableBytes shared_secret) noexcept override;
  Error do_import_signature_key(SecretView encoded, MutableBytes private_key,
                                MutableBytes public_key) noexcept override;
  Result<Bytes> do_sign(SecretView private_key, Bytes message, MutableBytes signature) noexcept override;
  Error do_verify(Bytes public_key, Bytes message, Bytes signature) noexcept override;
  Error do_x25519(SecretView scalar, Bytes point, MutableBytes out) noexcept override;
  Error do_x25519_base(SecretView scalar, MutableBytes out) noexcept override;

  Error record(Operation operation, Error result, std::vector<Value> inputs,
               std::vector<Value> outputs) noexcept;

  Log& log_;
  unsigned endpoint_;
  unsigned depth_ = 0;
};

}  // namespace tacet::adversary
