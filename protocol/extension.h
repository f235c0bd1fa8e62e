#pragma once

// Extension lists, the extension types that RFC 9420 defines, and GREASE (RFC 9420, 13.4, 13.5, 17.3).

#include <optional>

#include "codec.h"
#include "crypto.h"

namespace tacet {

enum class ProtocolVersion : std::uint16_t { mls10 = 0x0001 };  // open: a rule of its own refuses others

// Open: any other number is an unknown extension, which is kept byte for byte.
enum class ExtensionType : std::uint16_t {  // [EXT-13]
  application_id = 0x0001,
  ratchet_tree = 0x0002,
  required_capabilities = 0x0003,
  external_pub = 0x0004,
  external_senders = 0x0005,
};

enum class ProposalType : std::uint16_t {  // RFC 9420, 17.4; open
  add = 0x0001,
  update = 0x0002,
  remove = 0x0003,
  psk = 0x0004,
  reinit = 0x0005,
  external_init = 0x0006,
  group_context_extensions = 0x0007,
};

enum class CredentialType : std::uint16_t {  // RFC 9420, 17.5; open
  basic = 0x0001,
  x509 = 0x0002,
};

struct Extension {
  ExtensionType type{};
  Bytes data;
};

template <class Coder, Fields<Extension> E>
Error code(Coder& coder, E& e) noexcept {
  return coder(e.type, e.data);  // [EXT-12]
}

using Extensions = List<Extension>;

// The data of the extension of that type, if it is there.
std::optional<Bytes> find_extension(const Extensions& extensions, ExtensionType type) noexcept;

// Error::extension_repeated if two extensions have one type. Linear in their number, with 8 KiB of stack.
Error check_no_repeats(const Extensions& extensions) noexcept;

// What every client implements and none lists in its capabilities (RFC 9420, 7.2).
constexpr bool is_default(ExtensionType type) noexcept {
  return type >= ExtensionType::application_id && type <= ExtensionType::external_senders;
}
constexpr bool is_default(ProposalType type) noexcept {
  return type >= ProposalType::add && type <= ProposalType::group_context_extensions;
}
constexpr bool is_default(CredentialType) noexcept { return false; }  // [REQCAP-04]

template <class Enum>
bool contains(const List<Enum>& list, Enum wanted) noexcept {
  for (const Enum value : list) {
    if (value == wanted) return true;
  }
  return false;
}

// A set of code points of one registry, a bit for each: lists may be long and hostile, and this keeps every
// question about two of them linear.
class CodePoints {
 public:
  CodePoints() = default;
  template <class Enum>
  explicit CodePoints(const List<Enum>& list) noexcept {
    for (const Enum value : list) insert(value);
  }

  template <class Enum>
  bool contains(Enum value) const noexcept {
    const auto number = static_cast<std::uint16_t>(value);
    return (bits_[number / 8] >> number % 8 & 1) != 0;
  }
  template <class Enum>
  void insert(Enum value) noexcept {
    const auto number = static_cast<std::uint16_t>(value);
    bits_[number / 8] = static_cast<std::uint8_t>(bits_[number / 8] | 1u << number % 8);
  }

 private:
  std::array<std::uint8_t, 0x10000 / 8> bits_{};
};

// The data of required_capabilities (RFC 9420, 11.1) [REQCAP-01].
struct RequiredCapabilities {
  List<ExtensionType> extension_types;
  List<ProposalType> proposal_types;
  List<CredentialType> credential_types;
};

template <class Coder, Fields<RequiredCapabilities> E>
Error code(Coder& coder, E& e) noexcept {
  return coder(e.extension_types, e.proposal_types, e.credential_types);
}

// The data of external_pub (RFC 9420, 12.4.3.2).
struct ExternalPub {
  Bytes external_pub;
};

template <class Coder, Fields<ExternalPub> E>
Error code(Coder& coder, E& e) noexcept {
  return coder(e.external_pub);
}

// The data of application_id (RFC 9420, 5.3.3) [CRED-16]. That of external_senders holds Credentials: see
// leaf_node.h.
struct ApplicationId {
  Bytes application_id;
};

template <class Coder, Fields<ApplicationId> E>
Error code(Coder& coder, E& e) noexcept {
  return coder(e.application_id);
}

// Whether a code point of any registry is reserved for GREASE: 0x0A0A, 0x1A1A, to 0xEAEA. Only for what one
// sends; in what one receives these are unknown values like any other (RFC 9420, 13.5).
constexpr bool is_grease(std::uint16_t code_point) noexcept {
  return (code_point & 0x0f0f) == 0x0a0a && code_point >> 8 == (code_point & 0xff) && code_point != 0xfafa;
}

// Random choices for the GREASE in something that is made: a value for each of up to 7 lists, where it stands
// in it, and the data of GREASE extensions.
class Grease {
 public:
  // Error::random_failed. Nothing is drawn unless it is wanted.
  Error draw(Crypto& crypto, bool wanted) noexcept {
    wanted_ = wanted;
    return wanted ? crypto.random(octets_) : Error::none;
  }
  bool wanted() const noexcept { return wanted_; }

  // The value of list `i`: one of 0x0A0A, 0x1A1A, to 0xEAEA.
  std::uint16_t value(std::size_t i) const noexcept {
    return static_cast<std::uint16_t>((0x0a + 0x10 * (octets_[i] % 15)) * 0x101);
  }
  // Its place among `count` others.
  std::size_t place(std::size_t i, std::size_t count) const noexcept { return octets_[8 + i] % (count + 1); }
  // An extension with the value of list `i`; a view.
  Extension extension(std::size_t i) const noexcept {
    return {static_cast<ExtensionType>(value(i)), Bytes(octets_).subspan(16, octets_[7] % (max_data + 1))};
  }

  static constexpr std::size_t max_data = 16;  // bytes in an extension

 private:
  bool wanted_ = false;
  std::array<std::uint8_t, 16 + max_data> octets_{};
};

// Writes the elements with one more at its place, if there is one, and gives the list of what was written.
template <class T>
Error write_list(Writer& writer, std::span<const T> elements, const std::type_identity_t<T>* more,
                 std::size_t place, List<T>& out) noexcept {
  const std::size_t begin = writer.written().size();
  for (std::size_t i = 0; i <= elements.size(); ++i) {
    if (more != nullptr && i == place) TRY(writer(*more));
    if (i < elements.size()) TRY(writer(elements[i]));
  }
  return List<T>::parse(writer.written().subspan(begin), out);
}

}  // namespace tacet
