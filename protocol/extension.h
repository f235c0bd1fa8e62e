#pragma once

// Extension lists, the extension types that RFC 9420 defines, and GREASE (RFC 9420, 13.4, 13.5, 17.3).

#include <optional>

#include "codec.h"

namespace tacet {

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

// The data of required_capabilities (RFC 9420, 11.1).
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

// The data of application_id (RFC 9420, 5.3.3).
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

}  // namespace tacet
