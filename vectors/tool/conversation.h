#pragma once

// A conversation in a group, step by step, as `tacet demand` has it played before all is handed over: text, a
// photo and a video, while members come and go. The same for the same seed.

#include <random>

#include "spec/adversary/witness.h"

namespace tacet::tool {

using adversary::ClientId;

// How clients that come have the ratchet tree.
enum class TreeGiven {
  inside,     // in the Welcome, where it is encrypted
  apart,      // in the clear
  published,  // in the Welcome, and in a GroupInfo for who joins from outside, in the clear
};

struct ConversationOptions {
  std::size_t members = 1000;
  std::size_t live = 16;       // of them; the others are passive
  std::size_t messages = 200;  // of text
  std::size_t video = 48;      // in MiB; none if it is 0
  std::uint64_t seed = 1;
  WireFormat handshakes = WireFormat::private_message;
  TreeGiven tree = TreeGiven::inside;
};

enum class Content { text, photo, video };
inline constexpr std::size_t contents = 3;

// A message that was sent; a video is several.
struct Said {
  Content content = Content::text;
  std::size_t step = 0;  // from 1
  std::uint64_t epoch = 0;
  ClientId by = 0;
  std::size_t size = 0;              // of the application data, in bytes
  adversary::ValueId plaintext = 0;  // in the closure
};

// A live client is seized when a step is over, and then heals by a Commit of its own.
struct Wish {
  ClientId who = 0;
  std::size_t step = 0;                    // from 1
  std::optional<std::size_t> healed = {};  // the step of that Commit; none if it was removed before
};

class Conversation {
 public:
  // Of as many members, 2 at least; live ones, 2 to all; messages. `wishes` are of live clients and of steps
  // that there are.
  Conversation(const ConversationOptions& options, std::vector<Wish> wishes);

  static std::size_t steps(const ConversationOptions& options) { return plan(options).size(); }
  // Members, and who comes later.
  static std::size_t clients(const ConversationOptions& options) {
    return options.members + (options.tree == TreeGiven::published ? 2 : 1);
  }
  // Members come first, live ones before passive ones.
  static bool is_live(const ConversationOptions& options, ClientId who) {
    return who < options.live || (who >= options.members && who < clients(options));
  }

  // Throws std::logic_error if somebody does not do what it should.
  void play();
  std::size_t steps_taken() const { return step_; }

  // Called with each step when it is over, and what was done in it; and with how far it has got.
  std::function<void(std::size_t step, const std::string& what)> tell;
  std::function<void(const std::string& where)> show;

  adversary::Witness witness;
  std::vector<Said> said;
  std::vector<Wish> wishes;  // in the order of witness.seizures

 private:
  enum class Step { publish, create, add_all, text, photo, video, commit, add, remove, psk, update, join };

  static std::vector<Step> plan(const ConversationOptions& options);
  void take(Step step);
  std::string perform(Step step);

  std::string publish();
  std::string add(ClientId by, ClientId first, std::size_t count);
  std::string commit(ClientId by, std::span<const Proposal> proposals, const std::string& why);
  std::string say(Content content, std::size_t size);
  std::string remove();
  std::string update();

  ClientId anybody();
  ClientId anybody_but(ClientId whom);
  ClientId committer();
  std::string letters(std::size_t size);
  std::string noise(std::size_t size);

  ConversationOptions options_;
  std::mt19937_64 choices_;
  std::size_t step_ = 0;  // from 1
};

// "alice", "bob", "carol", then "member-3"; and the number of whom a name or a number stands for.
std::string name_of(ClientId who);
std::optional<ClientId> client_named(const std::string& name);

// "5,000".
std::string grouped(std::uint64_t number);

const char* name_of(Content content);

}  // namespace tacet::tool
