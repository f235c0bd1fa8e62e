#include "recorder.h"

#include <utility>

#include "reveal.h"

namespace tacet::adversary {

const char* name_of(Operation operation) noexcept {
  static constexpr const char* names[operations] = {"hash",
                                                    "mac",
                                                    "extract",
                                                    "expand",
                                                    "seal",
                                                    "open",
                                                    "random_public",
                                                    "random_secret",
                                                    "derive_key_pair",
                                                    "kem_public_key",
                                                    "encap",
                                                    "decap",
                                                    "import_signature_key",
                                                    "sign",
                                                    "verify",
                                                    "x25519",
                                                    "x25519_base"};
  return names[static_cast<std::size_t>(operation)];
}

void Log::add(Call call) {
  ++counts_[static_cast<std::size_t>(call.operation)];
  if (stream_) stream_(call);
  if (!counts_only_) calls_.push_back(std::move(call));
}

void Log::clear() {
  calls_.clear();
  counts_ = {};
}

namespace {

Value public_value(const char* role, Bytes bytes) {
  return {role, Nature::open, {bytes.begin(), bytes.end()}};
}

Value public_value(const char* role, Pieces pieces) {
  Value value{role, Nature::open, {}};
  for (const Bytes piece : pieces) value.bytes.insert(value.bytes.end(), piece.begin(), piece.end());
  return value;
}

Value secret_value(const char* role, SecretView secret) {
  const Bytes bytes = reveal(secret);
  return {role, Nature::secret, {bytes.begin(), bytes.end()}};
}

// An output that the endpoint keeps secret.
Value secret_value(const char* role, MutableBytes out) {
  return secret_value(role, SecretView(out.data(), out.size()));
}

// Counts how deep a call lies inside others.
class Depth {
 public:
  explicit Depth(unsigned& depth) : depth_(depth) { ++depth_; }
  ~Depth() { --depth_; }

 private:
  unsigned& depth_;
};

}  // namespace

Error Recorder::record(Operation operation, Error result, std::vector<Value> inputs,
                       std::vector<Value> outputs) noexcept {
  Call call{endpoint_, operation, depth_, result, std::move(inputs), std::move(outputs)};
  log_.add(std::move(call));
  return result;
}

Error Recorder::do_hash(Pieces input, MutableBytes out) noexcept {
  const Error error = Sodium::do_hash(input, out);
  return record(Operation::hash, error, {public_value("input", input)}, {public_value("hash", Bytes(out))});
}

Error Recorder::do_mac(SecretView key, Pieces input, MutableBytes out) noexcept {
  const Error error = Sodium::do_mac(key, input, out);
  return record(Operation::mac, error, {secret_value("key", key), public_value("input", input)},
                {public_value("tag", Bytes(out))});
}

Error Recorder::do_extract(SecretView salt, SecretPieces ikm, MutableBytes out) noexcept {
  const Error error = Sodium::do_extract(salt, ikm, out);
  std::vector<Value> inputs = {secret_value("salt", salt)};
  for (const Piece& piece : ikm) inputs.push_back(secret_value("ikm", piece.view()));
  return record(Operation::extract, error, std::move(inputs), {secret_value("prk", out)});
}

Error Recorder::do_expand(SecretView prk, Pieces info, MutableBytes out) noexcept {
  const Error error = Sodium::do_expand(prk, info, out);
  return record(Operation::expand, error, {secret_value("prk", prk), public_value("info", info)},
                {secret_value("okm", out)});
}

Error Recorder::do_seal(SecretView key, SecretView nonce, Bytes aad, SecretView plaintext,
                        MutableBytes out) noexcept {
  Value sealed = secret_value("plaintext", plaintext);  // before the ciphertext may take its place
  const Error error = Sodium::do_seal(key, nonce, aad, plaintext, out);
  return record(
      Operation::seal, error,
      {secret_value("key", key), secret_value("nonce", nonce), public_value("aad", aad), std::move(sealed)},
      {public_value("ciphertext", Bytes(out))});
}

Error Recorder::do_open(SecretView key, SecretView nonce, Bytes aad, Bytes ciphertext,
                        MutableBytes out) noexcept {
  Value received = public_value("ciphertext", ciphertext);  // before the plaintext may take its place
  const Error error = Sodium::do_open(key, nonce, aad, ciphertext, out);
  return record(
      Operation::open, error,
      {secret_value("key", key), secret_value("nonce", nonce), public_value("aad", aad), std::move(received)},
      {secret_value("plaintext", out)});
}

Error Recorder::do_random(MutableBytes out, bool is_secret) noexcept {
  const Error error = Sodium::do_random(out, is_secret);
  if (is_secret) return record(Operation::random_secret, error, {}, {secret_value("secret", out)});
  return record(Operation::random_public, error, {}, {public_value("bytes", Bytes(out))});
}

Error Recorder::do_derive_key_pair(SecretView ikm, MutableBytes private_key,
                                   MutableBytes public_key) noexcept {
  const Error error = [&] {
    const Depth inside(depth_);
    return Sodium::do_derive_key_pair(ikm, private_key, public_key);
  }();
  return record(Operation::derive_key_pair, error, {secret_value("ikm", ikm)},
                {secret_value("private_key", private_key), public_value("public_key", Bytes(public_key))});
}

Error Recorder::do_kem_public_key(SecretView private_key, MutableBytes public_key) noexcept {
  const Error error = [&] {
    const Depth inside(depth_);
    return Sodium::do_kem_public_key(private_key, public_key);
  }();
  return record(Operation::kem_public_key, error, {secret_value("private_key", private_key)},
                {public_value("public_key", Bytes(public_key))});
}

Error Recorder::do_encap(Bytes public_key, MutableBytes kem_output, MutableBytes shared_secret) noexcept {
  const Error error = [&] {
    const Depth inside(depth_);
    return Sodium::do_encap(public_key, kem_output, shared_secret);
  }();
  return record(
      Operation::encap, error, {public_value("public_key", public_key)},
      {public_value("kem_output", Bytes(kem_output)), secret_value("shared_secret", shared_secret)});
}

Error Recorder::do_decap(Bytes kem_output, SecretView private_key, Bytes public_key,
                         MutableBytes shared_secret) noexcept {
  const Error error = [&] {
    const Depth inside(depth_);
    return Sodium::do_decap(kem_output, private_key, public_key, shared_secret);
  }();
  return record(Operation::decap, error,
                {public_value("kem_output", kem_output), secret_value("private_key", private_key),
                 public_value("public_key", public_key)},
                {secret_value("shared_secret", shared_secret)});
}

Error Recorder::do_import_signature_key(SecretView encoded, MutableBytes private_key,
                                        MutableBytes public_key) noexcept {
  const Error error = Sodium::do_import_signature_key(encoded, private_key, public_key);
  return record(Operation::import_signature_key, error, {secret_value("encoded", encoded)},
                {secret_value("private_key", private_key), public_value("public_key", Bytes(public_key))});
}

Result<Bytes> Recorder::do_sign(SecretView private_key, Bytes message, MutableBytes signature) noexcept {
  const Result<Bytes> signed_bytes = Sodium::do_sign(private_key, message, signature);
  static_cast<void>(record(Operation::sign, signed_bytes.error(),
                           {secret_value("private_key", private_key), public_value("message", message)},
                           {public_value("signature", signed_bytes.value())}));
  return signed_bytes;
}

Error Recorder::do_verify(Bytes public_key, Bytes message, Bytes signature) noexcept {
  const Error error = Sodium::do_verify(public_key, message, signature);
  return record(Operation::verify, error,
                {public_value("public_key", public_key), public_value("message", message),
                 public_value("signature", signature)},
                {});
}

Error Recorder::do_x25519(SecretView scalar, Bytes point, MutableBytes out) noexcept {
  const Error error = Sodium::do_x25519(scalar, point, out);
  return record(Operation::x25519, error, {secret_value("scalar", scalar), public_value("point", point)},
                {secret_value("shared", out)});
}

Error Recorder::do_x25519_base(SecretView scalar, MutableBytes out) noexcept {
  const Error error = Sodium::do_x25519_base(scalar, out);
  return record(Operation::x25519_base, error, {secret_value("scalar", scalar)},
                {public_value("public_key", Bytes(out))});
}

}  // namespace tacet::adversary
