// Crypto basics: the labelled operations of RFC 9420, 5.1.2, 5.1.3, 5.2, 8 and 9.1.

#include <algorithm>

#include "protocol/adapters/heap_memory.h"
#include "protocol/hpke.h"
#include "spec/adversary/reveal.h"
#include "vectors/tool/type.h"

namespace tacet::tool {

namespace {

constexpr const char* parts[] = {"ref_hash",           "expand_with_label", "derive_secret",
                                 "derive_tree_secret", "sign_with_label",   "encrypt_with_label"};

bool recognise(const Json& object) {
  return std::any_of(std::begin(parts), std::end(parts),
                     [&](const char* part) { return object.contains(part); });
}

// The length of `out`, which has to be what the file expects: so the file bounds what is computed.
std::size_t length_of_out(const Field& object, const Outputs& outputs) {
  const auto length = object["length"].number<std::uint16_t>();
  if (!outputs.writes()) static_cast<void>(object["out"].bytes(length));
  return length;
}

void run_ref_hash(const Field& object, Crypto& crypto, Outputs& outputs) {
  const Octets value = object["value"].bytes();
  Digest out;
  outputs.require(object, "out", crypto.ref_hash(object["label"].text(), {value}, out));
  outputs.put(object, "out", out);
}

// A Secret has room for any key of MLS; the format allows more, and what is longer goes to the application.
void run_long_expand(const Field& object, Bytes context, std::size_t length, Crypto& crypto,
                     Outputs& outputs) {
  const Octets secret = object["secret"].bytes();
  Octets out(length);
  outputs.require(object, "out",
                  crypto.expand_for_application(secret_of(secret), object["label"].text(), {context}, out));
  outputs.put(object, "out", out);
}

void run_expand_with_label(const Field& object, Crypto& crypto, Outputs& outputs) {
  const Octets secret = object["secret"].bytes();
  const Octets context = object["context"].bytes();
  const std::size_t length = length_of_out(object, outputs);
  if (length > Secret::max_size) return run_long_expand(object, context, length, crypto, outputs);
  Secret out;
  outputs.require(
      object, "out",
      crypto.expand_with_label(secret_of(secret), object["label"].text(), {context}, length, out));
  outputs.put(object, "out", out);
}

void run_derive_secret(const Field& object, Crypto& crypto, Outputs& outputs) {
  const Octets secret = object["secret"].bytes();
  Secret out;
  outputs.require(object, "out", crypto.derive_secret(secret_of(secret), object["label"].text(), out));
  outputs.put(object, "out", out);
}

void run_derive_tree_secret(const Field& object, Crypto& crypto, Outputs& outputs) {
  const Octets secret = object["secret"].bytes();
  const auto generation = object["generation"].number<std::uint32_t>();
  const std::size_t length = length_of_out(object, outputs);
  if (length > Secret::max_size) {
    std::array<std::uint8_t, sizeof generation> context{};
    return run_long_expand(object, encode(generation, context).value(), length, crypto, outputs);
  }
  Secret out;
  outputs.require(
      object, "out",
      crypto.derive_tree_secret(secret_of(secret), object["label"].text(), generation, length, out));
  outputs.put(object, "out", out);
}

void run_sign_with_label(const Field& object, Crypto& crypto, Outputs& outputs) {
  const Octets priv = object["priv"].bytes();
  const Octets content = object["content"].bytes();
  const std::string label = object["label"].text();
  Secret key;
  Octets pub(crypto.suite().signature_public_key_size);
  outputs.require(object, "pub", crypto.import_signature_key(secret_of(priv), key, pub));
  outputs.put(object, "pub", pub);

  const Result<SignContentLayout> layout = sign_content_layout(label, content.size());
  outputs.require(object, "content", layout.error());
  Octets work(layout.value().size);
  const auto verify = [&](Bytes signature) {
    outputs.require(object, "signature",
                    verify_with_label(crypto, object["pub"].bytes(), label, {content}, signature, work));
  };
  KeySigner signer(crypto, key);
  std::array<std::uint8_t, Crypto::max_signature_size> room{};
  const Result<Bytes> own = sign_with_label(signer, label, {content}, work, room);
  outputs.require(object, "signature", own.error());
  if (outputs.writes()) outputs.put(object, "signature", own.value());
  verify(own.value());
  verify(object["signature"].bytes());
}

void run_encrypt_with_label(const Field& object, Crypto& crypto, Outputs& outputs) {
  const Octets priv = object["priv"].bytes(crypto.suite().kem_private_key_size);
  const Octets context = object["context"].bytes();
  const Octets plaintext = object["plaintext"].bytes();
  const std::string label = object["label"].text();
  Octets pub(crypto.suite().kem_public_key_size);
  outputs.require(object, "pub", crypto.kem_public_key(secret_of(priv), pub));
  outputs.put(object, "pub", pub);

  HeapMemory memory;
  Octets kem_output(crypto.suite().kem_output_size);
  Octets ciphertext(plaintext.size() + crypto.suite().tag_size);
  outputs.require(object, "ciphertext",
                  encrypt_with_label(crypto, object["pub"].bytes(), label, context, {Bytes(plaintext)},
                                     memory, kem_output, ciphertext));
  if (outputs.writes()) {
    outputs.put(object, "kem_output", kem_output);
    outputs.put(object, "ciphertext", ciphertext);
  }
  const auto check = [&](Bytes encapsulated, Bytes encrypted) {
    SecretBuffer decrypted;
    outputs.require(object, "plaintext",
                    decrypt_with_label(crypto, {secret_of(priv), pub}, label, context, encapsulated,
                                       encrypted, memory, decrypted));
    outputs.put(object, "plaintext", reveal(decrypted.view()));
  };
  check(kem_output, ciphertext);
  check(object["kem_output"].bytes(), object["ciphertext"].bytes());
}

void run(const Field& object, Crypto& crypto, Outputs& outputs) {
  run_ref_hash(object["ref_hash"], crypto, outputs);
  run_expand_with_label(object["expand_with_label"], crypto, outputs);
  run_derive_secret(object["derive_secret"], crypto, outputs);
  run_derive_tree_secret(object["derive_tree_secret"], crypto, outputs);
  run_sign_with_label(object["sign_with_label"], crypto, outputs);
  run_encrypt_with_label(object["encrypt_with_label"], crypto, outputs);
}

constexpr std::size_t ed25519_seed = 32;  // RFC 8032: what the format has as the private key

// The sizes that a generator is free to choose: of all labels, contexts, contents and outputs.
struct Shape {
  std::size_t label, context, content, length;
  std::uint32_t generation;
};

Json choose_case(Generator& generator, const Shape& shape) {
  const auto label = [&] { return generator.letters(shape.label); };
  const auto context = [&] { return generator.hex(shape.context); };
  const auto content = [&] { return generator.hex(shape.content); };
  const auto secret = [&] { return generator.hash_sized(); };
  const std::size_t private_key = generator.crypto().suite().kem_private_key_size;
  return {{"cipher_suite", generator.suite_number()},
          {"ref_hash", {{"label", label()}, {"value", content()}}},
          {"expand_with_label",
           {{"secret", secret()}, {"label", label()}, {"context", context()}, {"length", shape.length}}},
          {"derive_secret", {{"secret", secret()}, {"label", label()}}},
          {"derive_tree_secret",
           {{"secret", secret()},
            {"label", label()},
            {"generation", shape.generation},
            {"length", shape.length}}},
          {"sign_with_label",
           {{"priv", generator.hex(ed25519_seed)}, {"pub", ""}, {"content", content()}, {"label", label()}}},
          {"encrypt_with_label",
           {{"priv", generator.hex(private_key)},
            {"pub", ""},
            {"label", label()},
            {"context", context()},
            {"plaintext", content()}}}};
}

// With "MLS 1.0 " before it, a label of 55 bytes is the longest with a header of one byte.
Json choose(Generator& generator) {
  constexpr Shape shapes[] = {{16, 32, 32, 32, 0},        {0, 0, 0, 1, 1},
                              {55, 63, 63, 12, 255},      {56, 64, 64, 33, 256},
                              {300, 300, 81, 80, 65536},  {8, 16383, 16383, 255, 0xffffffff},
                              {8, 16384, 16385, 16, 1000}};
  Json cases = Json::array();
  for (const Shape& shape : shapes) cases.push_back(choose_case(generator, shape));
  return cases;
}

}  // namespace

const VectorType crypto_basics = {
    "crypto-basics", {.kdf = true, .kem = true, .aead = true, .signature = true}, recognise, run, choose};

}  // namespace tacet::tool
