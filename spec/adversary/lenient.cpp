#include "lenient.h"

#include "reveal.h"

namespace tacet::adversary {

Error Lenient::do_mac(SecretView, Pieces, MutableBytes out) noexcept {
  std::memset(out.data(), 0, out.size());
  return Error::none;
}

// In place too.
Error Lenient::do_seal(SecretView, SecretView, Bytes, SecretView plaintext, MutableBytes out) noexcept {
  const Bytes content = reveal(plaintext);
  if (!content.empty()) std::memmove(out.data(), content.data(), content.size());
  std::memset(out.data() + content.size(), 0, out.size() - content.size());
  return Error::none;
}

Error Lenient::do_open(SecretView, SecretView, Bytes, Bytes ciphertext, MutableBytes out) noexcept {
  if (!out.empty()) std::memmove(out.data(), ciphertext.data(), out.size());
  return Error::none;
}

Result<Bytes> Lenient::do_sign(SecretView, Bytes, MutableBytes signature) noexcept {
  const MutableBytes made = signature.first(64);
  std::memset(made.data(), 0, made.size());
  return Bytes(made);
}

Error Lenient::do_verify(Bytes, Bytes, Bytes) noexcept { return Error::none; }

}  // namespace tacet::adversary
