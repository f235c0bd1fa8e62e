#include "crypto.h"

#include "boundary.h"

namespace tacet {

namespace {

constexpr SuiteParameters registered[] = {
    // [CRYPTO-18]
    {CipherSuite::x25519_aes128gcm_sha256_ed25519, "MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519",  //
     0x0020, 0x0001, 0x0001, 0x0807, 32, 16, 12, 16, 32, 32, 32, 32},
    {CipherSuite::p256_aes128gcm_sha256_p256, "MLS_128_DHKEMP256_AES128GCM_SHA256_P256",  //
     0x0010, 0x0001, 0x0001, 0x0403, 32, 16, 12, 16, 65, 65, 32, 65},
    {CipherSuite::x25519_chacha20poly1305_sha256_ed25519,
     "MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519",  //
     0x0020, 0x0001, 0x0003, 0x0807, 32, 32, 12, 16, 32, 32, 32, 32},
    {CipherSuite::x448_aes256gcm_sha512_ed448, "MLS_256_DHKEMX448_AES256GCM_SHA512_Ed448",  //
     0x0021, 0x0003, 0x0002, 0x0808, 64, 32, 12, 16, 56, 56, 56, 57},
    {CipherSuite::p521_aes256gcm_sha512_p521, "MLS_256_DHKEMP521_AES256GCM_SHA512_P521",  //
     0x0012, 0x0003, 0x0002, 0x0603, 64, 32, 12, 16, 133, 133, 66, 133},
    {CipherSuite::x448_chacha20poly1305_sha512_ed448, "MLS_256_DHKEMX448_CHACHA20POLY1305_SHA512_Ed448",  //
     0x0021, 0x0003, 0x0003, 0x0808, 64, 32, 12, 16, 56, 56, 56, 57},
    {CipherSuite::p384_aes256gcm_sha384_p384, "MLS_256_DHKEMP384_AES256GCM_SHA384_P384",  //
     0x0011, 0x0002, 0x0002, 0x0503, 48, 32, 12, 16, 97, 97, 48, 97},
};

// More than any operation uses below itself; tests/residue_test.cpp would find what is left deeper down.
constexpr std::size_t scrub_depth = 6144;

#if defined(__x86_64__)
// Of a processor that has them. A compiler that does not use them itself need not be told; a C library may.
void clear_upper_registers() noexcept {
  __asm__ __volatile__(
      "vpxord %%xmm16, %%xmm16, %%xmm16; vpxord %%xmm17, %%xmm17, %%xmm17;"
      "vpxord %%xmm18, %%xmm18, %%xmm18; vpxord %%xmm19, %%xmm19, %%xmm19;"
      "vpxord %%xmm20, %%xmm20, %%xmm20; vpxord %%xmm21, %%xmm21, %%xmm21;"
      "vpxord %%xmm22, %%xmm22, %%xmm22; vpxord %%xmm23, %%xmm23, %%xmm23;"
      "vpxord %%xmm24, %%xmm24, %%xmm24; vpxord %%xmm25, %%xmm25, %%xmm25;"
      "vpxord %%xmm26, %%xmm26, %%xmm26; vpxord %%xmm27, %%xmm27, %%xmm27;"
      "vpxord %%xmm28, %%xmm28, %%xmm28; vpxord %%xmm29, %%xmm29, %%xmm29;"
      "vpxord %%xmm30, %%xmm30, %%xmm30; vpxord %%xmm31, %%xmm31, %%xmm31"
      :
      :
#if defined(__AVX512VL__)
      : "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25", "xmm26",
        "xmm27", "xmm28", "xmm29", "xmm30", "xmm31"
#endif
  );
}
#endif

void clear_registers() noexcept {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx")) {
    __asm__ __volatile__("vzeroall"
                         :
                         :
                         : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
                           "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
  } else {
    __asm__ __volatile__(
        "pxor %%xmm0, %%xmm0; pxor %%xmm1, %%xmm1; pxor %%xmm2, %%xmm2; pxor %%xmm3, %%xmm3;"
        "pxor %%xmm4, %%xmm4; pxor %%xmm5, %%xmm5; pxor %%xmm6, %%xmm6; pxor %%xmm7, %%xmm7;"
        "pxor %%xmm8, %%xmm8; pxor %%xmm9, %%xmm9; pxor %%xmm10, %%xmm10; pxor %%xmm11, %%xmm11;"
        "pxor %%xmm12, %%xmm12; pxor %%xmm13, %%xmm13; pxor %%xmm14, %%xmm14; pxor %%xmm15, %%xmm15"
        :
        :
        : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11",
          "xmm12", "xmm13", "xmm14", "xmm15");
  }
  if (__builtin_cpu_supports("avx512vl")) clear_upper_registers();
  __asm__ __volatile__(
      "xor %%eax, %%eax; xor %%ecx, %%ecx; xor %%edx, %%edx; xor %%esi, %%esi; xor %%edi, %%edi;"
      "xor %%r8d, %%r8d; xor %%r9d, %%r9d; xor %%r10d, %%r10d; xor %%r11d, %%r11d"
      :
      :
      : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "cc");
#endif
}

// Runs the body of an operation in a frame of its own, which lies, with all that it calls, below the frame
// that clears it.
template <class Body>
[[gnu::noinline]] auto run(Body& body) noexcept {
  return body();
}

template <class Body>
[[gnu::always_inline]] inline auto scrubbed(Body body) noexcept {
  const auto result = run(body);
  scrub();
  return result;
}

// The header of an opaque<V> whose content is the MLS prefix and a label.
Result<VectorHeader> label_header(std::string_view label) noexcept {
  return vector_header(mls_label_prefix.size() + label.size());
}

// KDFLabel { uint16 length; opaque label<V> = "MLS 1.0 " + label; opaque context<V> }, in pieces, handed to
// `use` [KEYSCHED-01].
constexpr std::size_t max_context_pieces = 10;
template <class Use>
Error with_kdf_label(std::size_t size, std::string_view label, Pieces context, Use use) noexcept {
  if (size > 0xffff) return Error::expand_length;
  if (context.count() > max_context_pieces) return Error::output_too_small;
  const std::uint8_t length[2] = {static_cast<std::uint8_t>(size >> 8), static_cast<std::uint8_t>(size)};
  const Result<VectorHeader> of_label = label_header(label);
  TRY(of_label.error());
  const Result<VectorHeader> of_context = vector_header(context.size());
  TRY(of_context.error());
  std::array<Bytes, 5 + max_context_pieces> pieces = {Bytes(length), of_label.value().bytes(),
                                                      bytes_of(mls_label_prefix), bytes_of(label),
                                                      of_context.value().bytes()};
  std::size_t count = 5;
  for (const Bytes piece : context) pieces[count++] = piece;
  return use(Pieces(std::span<const Bytes>(pieces.data(), count)));
}

}  // namespace

const SuiteParameters* suite_parameters(CipherSuite suite) noexcept {
  for (const SuiteParameters& parameters : registered) {
    if (parameters.suite == suite) return &parameters;
  }
  return nullptr;
}

[[gnu::noinline]] void scrub() noexcept {
  std::uint8_t dead[scrub_depth];
  wipe(dead, sizeof dead);
  clear_registers();
}

// ---- hash, MAC, KDF

Error Crypto::hash(Pieces input, Digest& out) noexcept { return do_hash(input, out.resize(hash_size())); }

std::uint32_t Crypto::short_hash(const ShortHashKey& key, Bytes input) noexcept {
  return do_short_hash(key, input);
}

Error Crypto::ref_hash(std::string_view label, Pieces value, Digest& out) noexcept {  // [CRYPTO-14]
  const Result<VectorHeader> of_label = vector_header(label.size());
  TRY(of_label.error());
  const Result<VectorHeader> of_value = vector_header(value.size());
  TRY(of_value.error());
  if (value.count() > max_context_pieces) return Error::output_too_small;
  std::array<Bytes, 3 + max_context_pieces> pieces = {of_label.value().bytes(), bytes_of(label),
                                                      of_value.value().bytes()};
  std::size_t count = 3;
  for (const Bytes piece : value) pieces[count++] = piece;
  return hash(std::span<const Bytes>(pieces.data(), count), out);
}

Error Crypto::mac(SecretView key, Pieces input, Digest& tag) noexcept {  // [CRYPTO-19]
  return scrubbed([&]() noexcept { return do_mac(key, input, tag.resize(hash_size())); });
}

Error Crypto::check_mac(SecretView key, Pieces input, Bytes tag) noexcept {
  return scrubbed([&]() noexcept {
    WipedDigest right;
    TRY(do_mac_to_compare(key, input, right.resize(hash_size())));
    return do_differ(right, tag) ? Error::mac_mismatch : Error::none;
  });
}

Error Crypto::extract(Piece salt, SecretPieces ikm, Secret& out) noexcept {
  return scrubbed([&]() noexcept {
    Secret prk;
    TRY(do_extract(salt.view(), ikm, SecretAccess::write(prk, hash_size())));
    out = std::move(prk);
    return Error::none;
  });
}

Error Crypto::expand(SecretView prk, Pieces info, std::size_t size, Secret& out) noexcept {
  if (size > Secret::max_size) return Error::secret_length;
  return scrubbed([&]() noexcept {
    Secret okm;
    TRY(do_expand(prk, info, SecretAccess::write(okm, size)));
    out = std::move(okm);
    return Error::none;
  });
}

Error Crypto::expand_with_label(SecretView secret, std::string_view label, Pieces context, std::size_t size,
                                Secret& out) noexcept {
  return with_kdf_label(size, label, context,
                        [&](Pieces kdf_label) noexcept { return expand(secret, kdf_label, size, out); });
}

Error Crypto::derive_secret(SecretView secret, std::string_view label, Secret& out) noexcept {
  return expand_with_label(secret, label, {}, hash_size(), out);  // [KEYSCHED-02]
}

Error Crypto::derive_tree_secret(SecretView secret, std::string_view label, std::uint32_t generation,
                                 std::size_t size, Secret& out) noexcept {
  const std::uint8_t context[4] = {
      // [SECTREE-03]
      static_cast<std::uint8_t>(generation >> 24), static_cast<std::uint8_t>(generation >> 16),
      static_cast<std::uint8_t>(generation >> 8), static_cast<std::uint8_t>(generation)};
  return expand_with_label(secret, label, {Bytes(context)}, size, out);
}

Error Crypto::expand_for_application(SecretView secret, std::string_view label, Pieces context,
                                     MutableBytes out) noexcept {
  REFUSE_IF(out.size() > 255 * hash_size(), Error::expand_length);  // [KEYSCHED-28]
  return with_kdf_label(out.size(), label, context, [&](Pieces kdf_label) noexcept {
    return scrubbed([&]() noexcept { return do_expand(secret, kdf_label, out); });
  });
}

Error labeled_extract(Crypto& crypto, Bytes suite_id, Piece salt, std::string_view label, Piece ikm,
                      Secret& out) noexcept {
  return crypto.extract(salt, {bytes_of("HPKE-v1"), suite_id, bytes_of(label), ikm}, out);
}

Error labeled_expand(Crypto& crypto, Bytes suite_id, SecretView prk, std::string_view label, Bytes info,
                     std::size_t size, Secret& out) noexcept {
  const std::uint8_t length[2] = {static_cast<std::uint8_t>(size >> 8), static_cast<std::uint8_t>(size)};
  return crypto.expand(prk, {Bytes(length), bytes_of("HPKE-v1"), suite_id, bytes_of(label), info}, size, out);
}

// ---- AEAD

Error Crypto::check_aead_sizes(SecretView key, SecretView nonce) const noexcept {
  const bool right = key.size() == parameters_.key_size && nonce.size() == parameters_.nonce_size;
  return right ? Error::none : Error::secret_length;
}

Error Crypto::seal(SecretView key, SecretView nonce, Bytes aad, Bytes plaintext, MutableBytes out) noexcept {
  TRY(check_aead_sizes(key, nonce));
  if (out.size() < plaintext.size() + parameters_.tag_size) return Error::output_too_small;
  return scrubbed([&]() noexcept {
    return do_seal(key, nonce, aad, {plaintext.data(), plaintext.size()},
                   out.first(plaintext.size() + parameters_.tag_size));
  });
}

Error Crypto::seal_pieces(SecretView key, SecretView nonce, Bytes aad, SecretPieces plaintext,
                          Memory& secrets, MutableBytes out) noexcept {
  TRY(check_aead_sizes(key, nonce));
  const std::size_t size = plaintext.size();
  if (out.size() < size + parameters_.tag_size) return Error::output_too_small;
  const MutableBytes sealed = out.first(size + parameters_.tag_size);
  return scrubbed([&]() noexcept {
    if (plaintext.count() == 1) return do_seal(key, nonce, aad, plaintext.begin()->view(), sealed);
    Result<Buffer> gathered = Buffer::allocate(secrets, size);
    TRY(gathered.error());
    std::uint8_t* end = gathered.value().bytes().data();
    for (const Piece& piece : plaintext) {
      const Bytes bytes = SecretAccess::read(piece.view());
      if (bytes.empty()) continue;
      std::memcpy(end, bytes.data(), bytes.size());
      end += bytes.size();
    }
    return do_seal(key, nonce, aad, {gathered.value().bytes().data(), size}, sealed);
  });
}

Error Crypto::open(SecretView key, SecretView nonce, Bytes aad, Bytes ciphertext, MutableBytes out) noexcept {
  TRY(check_aead_sizes(key, nonce));
  if (ciphertext.size() < parameters_.tag_size) return Error::not_authentic;
  const std::size_t size = ciphertext.size() - parameters_.tag_size;
  if (out.size() < size) return Error::output_too_small;
  return scrubbed([&]() noexcept { return do_open(key, nonce, aad, ciphertext, out.first(size)); });
}

Error Crypto::open_secret(SecretView key, SecretView nonce, Bytes aad, Bytes ciphertext,
                          Secret& out) noexcept {
  TRY(check_aead_sizes(key, nonce));
  if (ciphertext.size() < parameters_.tag_size) return Error::not_authentic;
  const std::size_t size = ciphertext.size() - parameters_.tag_size;
  if (size > Secret::max_size) return Error::secret_length;
  return scrubbed([&]() noexcept {
    Secret plaintext;
    TRY(do_open(key, nonce, aad, ciphertext, SecretAccess::write(plaintext, size)));
    out = std::move(plaintext);
    return Error::none;
  });
}

Error Crypto::open_pieces(SecretView key, SecretView nonce, Bytes aad, Bytes ciphertext, Memory& secrets,
                          SecretBuffer& out) noexcept {
  TRY(check_aead_sizes(key, nonce));
  if (ciphertext.size() < parameters_.tag_size) return Error::not_authentic;
  return scrubbed([&]() noexcept {
    Result<Buffer> plaintext = Buffer::allocate(secrets, ciphertext.size() - parameters_.tag_size);
    TRY(plaintext.error());
    TRY(do_open(key, nonce, aad, ciphertext, plaintext.value().bytes()));
    out.buffer_ = std::move(plaintext.value());
    return Error::none;
  });
}

Error Crypto::guard_nonce(SecretView nonce, const ReuseGuard& guard, Secret& out) noexcept {  // [FRAME-38]
  if (nonce.size() != parameters_.nonce_size) return Error::secret_length;
  return scrubbed([&]() noexcept {
    Secret guarded;
    const Bytes bytes = SecretAccess::read(nonce);
    const MutableBytes result = SecretAccess::write(guarded, bytes.size());
    std::memcpy(result.data(), bytes.data(), bytes.size());
    for (std::size_t i = 0; i < guard.size(); ++i) result[i] ^= guard[i];
    out = std::move(guarded);
    return Error::none;
  });
}

// ---- randomness and keys

Error Crypto::random(MutableBytes out) noexcept { return do_random(out, false); }

Error Crypto::random_secret(std::size_t size, Secret& out) noexcept {
  if (size > Secret::max_size) return Error::secret_length;
  return scrubbed([&]() noexcept {
    Secret drawn;
    TRY(do_random(SecretAccess::write(drawn, size), true));
    out = std::move(drawn);
    return Error::none;
  });
}

Error Crypto::derive_key_pair(SecretView ikm, Secret& private_key, MutableBytes public_key) noexcept {
  if (public_key.size() < parameters_.kem_public_key_size) return Error::output_too_small;
  return scrubbed([&]() noexcept {
    Secret key;
    TRY(do_derive_key_pair(ikm, SecretAccess::write(key, parameters_.kem_private_key_size),
                           public_key.first(parameters_.kem_public_key_size)));
    private_key = std::move(key);
    return Error::none;
  });
}

Error Crypto::kem_public_key(SecretView private_key, MutableBytes public_key) noexcept {
  if (private_key.size() != parameters_.kem_private_key_size) return Error::secret_length;
  if (public_key.size() < parameters_.kem_public_key_size) return Error::output_too_small;
  return scrubbed([&]() noexcept {
    return do_kem_public_key(private_key, public_key.first(parameters_.kem_public_key_size));
  });
}

Error Crypto::encap(Bytes public_key, MutableBytes kem_output, Secret& shared_secret) noexcept {
  REFUSE_IF(public_key.size() != parameters_.kem_public_key_size,
            Error::kem_public_key_length);  // [CRYPTO-02, CRYPTO-03]
  if (kem_output.size() < parameters_.kem_output_size) return Error::output_too_small;
  return scrubbed([&]() noexcept {
    Secret secret;
    TRY(do_encap(public_key, kem_output.first(parameters_.kem_output_size),
                 SecretAccess::write(secret, hash_size())));
    shared_secret = std::move(secret);
    return Error::none;
  });
}

Error Crypto::decap(Bytes kem_output, SecretView private_key, Bytes public_key,
                    Secret& shared_secret) noexcept {
  REFUSE_IF(kem_output.size() != parameters_.kem_output_size, Error::kem_output_length);  // [CRYPTO-03]
  REFUSE_IF(public_key.size() != parameters_.kem_public_key_size, Error::kem_public_key_length);
  if (private_key.size() != parameters_.kem_private_key_size) return Error::secret_length;
  return scrubbed([&]() noexcept {
    Secret secret;
    TRY(do_decap(kem_output, private_key, public_key, SecretAccess::write(secret, hash_size())));
    shared_secret = std::move(secret);
    return Error::none;
  });
}

Error Crypto::generate_key_pair(Secret& private_key, MutableBytes public_key) noexcept {
  Secret ikm;
  TRY(random_secret(suite().kem_private_key_size, ikm));
  return derive_key_pair(ikm, private_key, public_key);
}

Error Crypto::generate_signature_key_pair(Secret& private_key, MutableBytes public_key) noexcept {
  Secret encoded;
  TRY(random_secret(encoded_signing_key_size(), encoded));
  return import_signature_key(encoded, private_key, public_key);
}

Error Crypto::import_signature_key(SecretView encoded, Secret& private_key,
                                   MutableBytes public_key) noexcept {
  if (encoded.size() != encoded_signing_key_size()) return Error::secret_length;
  if (public_key.size() < parameters_.signature_public_key_size) return Error::output_too_small;
  return scrubbed([&]() noexcept {
    Secret key;
    TRY(do_import_signature_key(encoded, SecretAccess::write(key, signing_key_size()),
                                public_key.first(parameters_.signature_public_key_size)));
    private_key = std::move(key);
    return Error::none;
  });
}

Result<Bytes> Crypto::sign(SecretView private_key, Bytes message, MutableBytes signature) noexcept {
  if (private_key.size() != signing_key_size()) return Error::secret_length;
  if (signature.size() < max_signature_size) return Error::output_too_small;
  return scrubbed([&]() noexcept { return do_sign(private_key, message, signature); });
}

Error Crypto::verify(Bytes public_key, Bytes message, Bytes signature) noexcept {
  REFUSE_IF(public_key.size() != parameters_.signature_public_key_size,
            Error::signature_key_length);  // [CRYPTO-04]
  return do_verify(public_key, message, signature);
}

// ---- labelled signatures

Result<SignContentLayout> sign_content_layout(std::string_view label, std::size_t content_size) noexcept {
  const Result<VectorHeader> of_label = label_header(label);
  TRY(of_label.error());
  const Result<VectorHeader> of_content = vector_header(content_size);
  TRY(of_content.error());
  const std::size_t offset =
      of_label.value().size + mls_label_prefix.size() + label.size() + of_content.value().size;
  return SignContentLayout{offset, offset + content_size};
}

namespace {

// `work`, or so much less of its beginning that a first piece of content which lies in it has its place
// there.
MutableBytes around(Bytes first, std::size_t content_offset, MutableBytes work) noexcept {
  const auto begin = reinterpret_cast<std::uintptr_t>(work.data());
  const auto piece = reinterpret_cast<std::uintptr_t>(first.data());
  const bool lies_in_it = piece >= begin + content_offset && piece < begin + work.size();
  return lies_in_it && !first.empty() ? work.subspan(piece - begin - content_offset) : work;
}

// Lays out SignContent { label<V>, content<V> } in `work` [CRYPTO-10].
Result<Bytes> lay_out_sign_content(std::string_view label, Pieces content, MutableBytes work) noexcept {
  const std::size_t content_size = content.size();
  const Result<SignContentLayout> layout = sign_content_layout(label, content_size);
  TRY(layout.error());
  if (content.count() != 0) work = around(*content.begin(), layout.value().content_offset, work);
  if (work.size() < layout.value().size) return Error::output_too_small;
  std::uint8_t* end = work.data() + layout.value().content_offset;
  for (const Bytes piece : content) {
    if (!piece.empty() && piece.data() != end) std::memmove(end, piece.data(), piece.size());
    end += piece.size();
  }
  Writer writer(work.first(layout.value().content_offset));
  TRY(writer.header(mls_label_prefix.size() + label.size()));
  TRY(writer.put(bytes_of(mls_label_prefix), Storage::lasting));
  TRY(writer.put(bytes_of(label), Storage::lasting));
  TRY(writer.header(content_size));
  return Bytes(work.first(layout.value().size));
}

}  // namespace

Result<Bytes> sign_with_label(Signer& signer, std::string_view label, Pieces content, MutableBytes work,
                              MutableBytes signature) noexcept {
  const Result<Bytes> message = lay_out_sign_content(label, content, work);
  TRY(message.error());
  return signer.sign(message.value(), signature);
}

Error verify_with_label(Crypto& crypto, Bytes public_key, std::string_view label, Pieces content,
                        Bytes signature, MutableBytes work) noexcept {
  const Result<Bytes> message = lay_out_sign_content(label, content, work);
  TRY(message.error());
  return crypto.verify(public_key, message.value(), signature);  // [CRYPTO-11]
}

// ---- structs that hold secrets

Error SecretWriter::start(Memory& secrets, std::size_t size, SecretBuffer& out) noexcept {
  Result<Buffer> room = Buffer::allocate(secrets, size);
  TRY(room.error());
  out.buffer_ = std::move(room.value());
  output_ = out.buffer_.bytes();
  measures_ = false;
  size_ = 0;
  return Error::none;
}

Error SecretWriter::secret(const Secret& secret) noexcept {
  const Bytes bytes = SecretAccess::read(secret);
  return opaque(bytes);
}

Error SecretWriter::put(Bytes bytes, Storage) noexcept {
  if (!measures_) {
    if (bytes.size() > output_.size() - size_) return Error::output_too_small;
    copy_secret(output_.data() + size_, bytes.data(), bytes.size());
  }
  size_ += bytes.size();
  return Error::none;
}

Error SecretReader::secret(Secret& out) noexcept {
  Bytes bytes;
  TRY(reader_.opaque(bytes));
  Result<Secret> copy = Secret::copy_of(bytes);
  TRY(copy.error());
  out = std::move(copy.value());
  return Error::none;
}

Error SecretReader::secret(std::size_t size, Secret& out) noexcept {
  TRY(secret(out));
  return out.size() == size ? Error::none : Error::secret_length;
}

Error SecretReader::present(bool& out) noexcept {
  std::optional<std::array<std::uint8_t, 0>> nothing;
  TRY(reader_(nothing));
  out = nothing.has_value();
  return Error::none;
}

}  // namespace tacet
