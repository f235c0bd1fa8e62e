#pragma once

// Bytes that may be read, and secrets that may not.
//
// A `Secret` holds one key and is the only home of key material: it moves, it is wiped when it goes, and
// nothing outside the crypto boundary reads it. A `SecretView` is the unreadable (pointer, length) of a
// secret that is lent. Cryptographic operations take lists of pieces, so that nothing is copied together
// beforehand.

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <span>
#include <string_view>
#include <type_traits>

#include "error.h"

namespace tacet {

using Bytes = std::span<const std::uint8_t>;
using MutableBytes = std::span<std::uint8_t>;

inline Bytes bytes_of(std::string_view text) noexcept {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// Overwrites with zeros; the barrier keeps the compiler from dropping a store to memory that dies next.
inline void wipe(void* block, std::size_t size) noexcept {
  if (size == 0) return;
  std::memset(block, 0, size);
  __asm__ __volatile__("" : : "r"(block) : "memory");
}

// Copies a secret past the registers: nothing clears those that are used outside the crypto boundary, and
// part of a key that has only moved would stay in one. Where a processor has no such instruction, registers
// are not cleared at all.
inline void copy_secret(void* to, const void* from, std::size_t size) noexcept {
#if defined(__x86_64__)
  __asm__ __volatile__("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
#else
  if (size != 0) std::memcpy(to, from, size);
#endif
}

class Secret;
class SecretView;
struct SecretAccess;  // boundary.h: for implementations of Crypto

// Defined outside protocol/, in spec/adversary: tests and the tool link it, an endpoint cannot.
Bytes reveal(const Secret& secret) noexcept;
Bytes reveal(SecretView secret) noexcept;

// One key: at most 80 bytes, which holds a 66-byte P-521 scalar and a 64-byte hash or Ed25519 secret key.
// Nothing of it can be read, printed, compared or written [PRIV-09].
class Secret {
 public:
  static constexpr std::size_t max_size = 80;

  Secret() = default;
  ~Secret() { clear(); }
  Secret(Secret&& other) noexcept { take(other); }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      clear();
      take(other);
    }
    return *this;
  }

  // The RFC's "0": `size` zero bytes. Error::secret_length over max_size.
  static Result<Secret> zeros(std::size_t size) noexcept;

  // A secret that comes from outside, such as a stored private key. The caller wipes its own copy.
  // Error::secret_length over max_size.
  static Result<Secret> copy_of(Bytes bytes) noexcept;

  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  void clear() noexcept {
    wipe(bytes_, size_);
    size_ = 0;
  }

 private:
  friend class SecretView;
  friend struct SecretAccess;

  void take(Secret& other) noexcept {
    copy_secret(bytes_, other.bytes_, other.size_);
    size_ = other.size_;
    other.clear();
  }

  std::uint8_t bytes_[max_size];  // the first size_ are used, and no other is ever written
  std::size_t size_ = 0;
};

// A secret that somebody else keeps, of any length. It lives as long as what it was made from.
class SecretView {
 public:
  constexpr SecretView() = default;
  constexpr SecretView(const Secret& secret) noexcept : data_(secret.bytes_), size_(secret.size_) {}
  constexpr SecretView(const void* data, std::size_t size) noexcept : data_(data), size_(size) {}

  constexpr std::size_t size() const noexcept { return size_; }
  constexpr bool empty() const noexcept { return size_ == 0; }

 private:
  friend struct SecretAccess;
  friend Bytes reveal(const Secret&) noexcept;
  friend Bytes reveal(SecretView) noexcept;

  const void* data_ = nullptr;
  std::size_t size_ = 0;
};

inline Result<Secret> Secret::copy_of(Bytes bytes) noexcept {
  if (bytes.size() > max_size) return Error::secret_length;
  Secret secret;
  copy_secret(secret.bytes_, bytes.data(), bytes.size());
  secret.size_ = bytes.size();
  return secret;
}

inline Result<Secret> Secret::zeros(std::size_t size) noexcept {
  if (size > max_size) return Error::secret_length;
  Secret secret;
  std::memset(secret.bytes_, 0, size);
  secret.size_ = size;
  return secret;
}

// One piece of an input, public or secret; what it was cannot be told from it, so it can only be consumed.
class Piece {
 public:
  constexpr Piece(Bytes bytes) noexcept : view_(bytes.data(), bytes.size()) {}
  constexpr Piece(SecretView view) noexcept : view_(view) {}
  constexpr Piece(const Secret& secret) noexcept : view_(secret) {}

  constexpr SecretView view() const noexcept { return view_; }
  constexpr std::size_t size() const noexcept { return view_.size(); }

 private:
  SecretView view_;
};

// A list of pieces that stand for their concatenation. It lives for the call that it is made in.
template <class Element>
class ListOfPieces {
 public:
  constexpr ListOfPieces() = default;
  constexpr ListOfPieces(std::initializer_list<Element> list) noexcept : pieces_(span_of(list)) {}
  constexpr ListOfPieces(std::span<const Element> list) noexcept : pieces_(list) {}

  constexpr auto begin() const noexcept { return pieces_.begin(); }
  constexpr auto end() const noexcept { return pieces_.end(); }
  constexpr std::size_t count() const noexcept { return pieces_.size(); }
  constexpr std::size_t size() const noexcept {  // in bytes
    std::size_t total = 0;
    for (const Element& piece : pieces_) total += piece.size();
    return total;
  }

 private:
  static constexpr std::span<const Element> span_of(std::initializer_list<Element> list) noexcept {
    return {list.begin(), list.size()};
  }

  std::span<const Element> pieces_;
};

using Pieces = ListOfPieces<Bytes>;        // all public
using SecretPieces = ListOfPieces<Piece>;  // public and secret

// A public value of at most 64 bytes: a hash, a reference, a MAC tag.
class Digest {
 public:
  static constexpr std::size_t max_size = 64;

  Bytes bytes() const noexcept { return {bytes_, size_}; }
  operator Bytes() const noexcept { return bytes(); }

  // Makes room for `size` bytes, at most max_size, to be written by the caller.
  MutableBytes resize(std::size_t size) noexcept {
    size_ = size < max_size ? size : max_size;
    return {bytes_, size_};
  }

  // Becomes a copy of at most max_size bytes.
  void assign(Bytes bytes) noexcept {
    const MutableBytes own = resize(bytes.size());
    if (!own.empty()) std::memcpy(own.data(), bytes.data(), own.size());
  }

 private:
  std::uint8_t bytes_[max_size] = {};
  std::size_t size_ = 0;
};

// One that is wiped when it goes.
class WipedDigest : public Digest {
 public:
  WipedDigest() = default;
  WipedDigest(const WipedDigest&) = default;
  WipedDigest& operator=(const WipedDigest&) = default;
  ~WipedDigest() { wipe(resize(max_size).data(), max_size); }
};

inline bool equal(Bytes a, Bytes b) noexcept {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}

// What must not compile, each beside what must: the compiler is the first test of the barrier.
template <class T>
concept Readable = requires(const T& t) {
  t.data();
}
|| requires(const T& t) { t.begin(); }
|| requires(const T& t) { t[0]; }
|| std::convertible_to<T, Bytes>;
static_assert(Readable<Bytes> && Readable<Digest>);
static_assert(!Readable<Secret> && !Readable<SecretView> && !Readable<Piece>);
static_assert(std::equality_comparable<std::string_view>);
static_assert(!std::equality_comparable<Secret> && !std::equality_comparable<SecretView>);
static_assert(std::is_nothrow_move_constructible_v<Secret> && std::is_nothrow_move_assignable_v<Secret>);
static_assert(!std::is_copy_constructible_v<Secret> && !std::is_copy_assignable_v<Secret>);

}  // namespace tacet
