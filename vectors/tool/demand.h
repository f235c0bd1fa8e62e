#pragma once

// The order to hand over everything, played: a conversation, what the provider then has of it and can read,
// what it has learned all the same, and what a seized endpoint opens besides.

#include <string>
#include <vector>

#include "conversation.h"
#include "keyless.h"

namespace tacet::tool {

struct DemandOptions {
  ConversationOptions conversation;
  std::optional<std::size_t> live = {};  // none: 16, or all if there are fewer
  std::vector<std::string> seizes = {};  // "bob@7"
  std::string json = {};                 // a file to write; empty: none; "-": standard output
  bool verbose = false;                  // each step
};

// What a seizure opens, judged alone.
struct Seized {
  Wish wish;
  std::size_t held = 0;                      // secrets that lay in the endpoint's memory
  std::size_t derived = 0;                   // secrets that follow from those and from what the provider has
  std::vector<std::size_t> opened = {};      // places in Conversation::said, sorted
  std::vector<std::string> complaints = {};  // nothing if this is exactly what RFC 9420 allows
};

struct Demanded {
  Keyless keyless;
  std::size_t secrets = 0;                   // that all endpoints have ever had
  std::size_t derived = 0;                   // of them, from what the provider has alone
  std::vector<std::size_t> read = {};        // messages whose plaintext is, places in Conversation::said
  std::vector<std::string> complaints = {};  // of what holds without a seizure
  std::vector<Seized> seized = {};

  bool holds() const;
};

// Prints, and returns the exit status: 0 if the provider reads nothing and each seizure opens what RFC 9420
// allows and no more; 1 if not; 2 if what is wanted does not make sense, or could not be written.
int demand(const DemandOptions& options);

}  // namespace tacet::tool
