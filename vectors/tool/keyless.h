#pragma once

// What somebody without any key reads in a provider's record: the provider, and whom it hands all over to. It
// goes by the bytes alone, and by who brought them.

#include <array>
#include <map>
#include <set>
#include <string>

#include "hex.h"
#include "spec/adversary/provider.h"

namespace tacet::tool {

inline constexpr std::size_t kinds = 8;  // of adversary::Kind

// What there is of a kind.
struct Held {
  std::size_t number = 0;
  std::size_t bytes = 0;
  std::size_t sealed = 0;  // bytes that are ciphertext; all others are in the clear
};

struct Keyless {
  std::array<Held, kinds> held;  // by adversary::Kind
  Held total;

  // Of application data (RFC 9420, 16.4): who has brought it, as connections tell.
  std::map<adversary::ClientId, std::size_t> brought;
  std::size_t fetched = 0;             // how often something was, of all kinds
  std::set<std::size_t> sizes;         // of ciphertexts, in bytes
  std::size_t authenticated_data = 0;  // bytes, of messages of all types

  // Of the group.
  std::uint64_t epochs = 0;
  std::set<std::string> published;  // identities in KeyPackages
  std::set<std::string> welcomed;   // and of those whose KeyPackageRef a Welcome has (12.4.3.1)
  std::set<std::string> in_trees;   // in ratchet trees that are not encrypted
  std::set<std::uint32_t> senders;  // leaves that PublicMessages name

  // Of its changes.
  std::map<std::string, std::size_t> proposals;  // that can be read, by their types; those in Commits too
  std::size_t commits_read = 0;                  // that came as PublicMessages
  std::size_t path_secrets = 0;                  // the most that a path has been read to be encrypted to
  std::set<std::size_t> commit_sizes;            // in bytes
};

Keyless read_without_keys(const std::deque<adversary::Kept>& record);

// "Welcomes", and so on.
const char* name_of(adversary::Kind kind);

}  // namespace tacet::tool
