#include "conversation.h"

#include <algorithm>
#include <charconv>

namespace tacet::tool {

namespace {

constexpr std::size_t mebibyte = std::size_t{1} << 20;
constexpr std::size_t photo_size = 3 * mebibyte;
// In MiB: each live member keeps room for the longest message that it has read.
constexpr std::size_t largest_piece = 4;

constexpr const char* first_names[] = {"alice", "bob", "carol"};

}  // namespace

std::string name_of(ClientId who) {
  return who < std::size(first_names) ? first_names[who] : "member-" + std::to_string(who);
}

std::optional<ClientId> client_named(const std::string& name) {
  const auto first = std::find(std::begin(first_names), std::end(first_names), name);
  if (first != std::end(first_names)) return first - std::begin(first_names);
  const std::string digits = name.starts_with("member-") ? name.substr(7) : name;
  ClientId who = 0;
  const auto [rest, error] = std::from_chars(digits.data(), digits.data() + digits.size(), who);
  if (error != std::errc() || rest != digits.data() + digits.size()) return std::nullopt;
  return who;
}

std::string grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3;) digits.insert(at -= 3, ",");
  return digits;
}

const char* name_of(Content content) {
  static constexpr const char* names[contents] = {"text", "photo", "video"};
  return names[static_cast<std::size_t>(content)];
}

Conversation::Conversation(const ConversationOptions& options, std::vector<Wish> seizures)
    : witness({.seed = options.seed, .format = options.handshakes}),
      wishes(std::move(seizures)),
      options_(options),
      choices_(options.seed) {
  witness.seizes = false;
  std::stable_sort(wishes.begin(), wishes.end(),
                   [](const Wish& a, const Wish& b) { return a.step < b.step; });
}

// Changes, and the text spread over the epochs between them.
std::vector<Conversation::Step> Conversation::plan(const ConversationOptions& options) {
  std::vector<Step> changes = {Step::commit, Step::add,    Step::commit, Step::psk,
                               Step::remove, Step::update, Step::commit};
  if (options.tree == TreeGiven::published) changes.insert(changes.end() - 1, Step::join);
  const std::size_t epochs = changes.size() + 1;
  std::vector<Step> plan = {Step::publish, Step::create, Step::add_all};
  for (std::size_t epoch = 0; epoch < epochs; ++epoch) {
    const std::size_t texts = options.messages * (epoch + 1) / epochs - options.messages * epoch / epochs;
    plan.insert(plan.end(), texts, Step::text);
    if (epoch == 1) plan.push_back(Step::photo);
    if (epoch == 2 && options.video != 0) plan.push_back(Step::video);
    if (epoch < changes.size()) plan.push_back(changes[epoch]);
  }
  return plan;
}

void Conversation::play() {
  const std::vector<Step> steps = plan(options_);
  for (const Step step : steps) take(step);
  // Who was seized late heals in steps more.
  const auto heals = [this](const Wish& wish) {
    return !wish.healed.has_value() && witness.scenario.member(wish.who).group.is_active();
  };
  while (std::any_of(wishes.begin(), wishes.end(), heals)) {
    take(Step::commit);
    take(Step::text);
  }
}

void Conversation::take(Step step) {
  ++step_;
  if (show) show("step " + std::to_string(step_));
  const std::string what = perform(step);
  witness.scenario.deliver();
  for (const Wish& wish : wishes) {
    if (wish.step == step_) witness.seize(wish.who);
  }
  if (tell) tell(step_, what);
}

std::string Conversation::perform(Step step) {
  const ClientId newcomer = options_.members;
  switch (step) {
    case Step::publish:
      return publish();
    case Step::create:
      witness.scenario.create(0);
      return name_of(ClientId{0}) + " creates the group";
    case Step::add_all:
      return add(0, 1, options_.members - 1);
    case Step::text:
      return say(Content::text, 15 + choices_() % 286);
    case Step::photo:
      return say(Content::photo, photo_size);
    case Step::video:
      return say(Content::video, options_.video * mebibyte);
    case Step::commit:
      return commit(committer(), {}, "");
    case Step::add:
      return add(anybody(), newcomer, 1);
    case Step::remove:
      return remove();
    case Step::psk: {
      const Proposal psk = adversary::external_psk_of(adversary::shared_psks[0]);
      return commit(anybody(), {&psk, 1}, ", with a PSK");
    }
    case Step::update:
      return update();
    case Step::join: {
      const ClientId by = anybody();
      witness.scenario.join(newcomer + 1, by);
      return name_of(newcomer + 1) + " joins from outside, by a GroupInfo of " + name_of(by);
    }
  }
  return {};
}

std::string Conversation::publish() {
  for (ClientId who = 0; who < clients(options_); ++who) {
    if (show) show("KeyPackage " + std::to_string(who + 1) + "/" + std::to_string(clients(options_)));
    is_live(options_, who) ? witness.scenario.live() : witness.scenario.passive();
  }
  return grouped(clients(options_)) + " clients publish KeyPackages";
}

std::string Conversation::add(ClientId by, ClientId first, std::size_t count) {
  std::vector<Proposal> adds;
  for (ClientId who = first; who < first + count; ++who) adds.push_back(witness.scenario.add(who));
  return commit(by, adds, ", adds " + (count == 1 ? name_of(first) : grouped(count) + " members"));
}

std::string Conversation::commit(ClientId by, std::span<const Proposal> proposals, const std::string& why) {
  witness.scenario.commit(by, proposals, {.tree_inline = options_.tree != TreeGiven::apart});
  std::string healed;
  for (Wish& wish : wishes) {
    if (wish.who != by || wish.step >= step_ || wish.healed.has_value()) continue;
    wish.healed = step_;
    healed = ", and heals";
  }
  return name_of(by) + " commits" + why + healed;
}

std::string Conversation::say(Content content, std::size_t size) {
  const ClientId by = anybody();
  std::size_t pieces = 0;
  for (std::size_t rest = size; rest > 0; ++pieces) {
    const std::size_t piece = std::min(rest, largest_piece * mebibyte);
    const std::string text = content == Content::text ? letters(piece) : noise(piece);
    witness.scenario.say(by, text, said.size() % 4 == 0 ? "thread " + std::to_string(said.size()) : "");
    Said& one = said.emplace_back();
    one.content = content;
    one.step = step_;
    one.epoch = witness.scenario.member(by).group.state().context().epoch;
    one.by = by;
    one.size = piece;
    one.plaintext = witness.closure.find(bytes_of(text)).value();
    rest -= piece;
  }
  const std::string bytes = grouped(size) + " bytes";
  if (content == Content::text) return name_of(by) + " writes " + bytes;
  return name_of(by) + " sends a " + name_of(content) + ", " + bytes +
         (pieces == 1 ? "" : ", in " + std::to_string(pieces) + " messages");
}

// A passive member if there is one; else the last live one, so that two stay.
std::string Conversation::remove() {
  const ClientId whom = options_.members > 2 ? options_.members - 1 : options_.members;
  const ClientId by = anybody_but(whom);
  const Proposal remove = witness.scenario.remove(whom, by);
  return commit(by, {&remove, 1}, ", removes " + name_of(whom));
}

std::string Conversation::update() {
  const ClientId whose = anybody();
  witness.scenario.update(whose);
  witness.scenario.deliver();
  return commit(anybody_but(whose), {}, ", with an Update of " + name_of(whose));
}

ClientId Conversation::anybody() { return anybody_but(clients(options_)); }

ClientId Conversation::anybody_but(ClientId whom) {
  std::vector<ClientId> all = witness.scenario.active();
  all.erase(std::remove(all.begin(), all.end(), whom), all.end());
  return all[choices_() % all.size()];
}

// Who was seized first and has not healed yet, if there is one.
ClientId Conversation::committer() {
  for (const Wish& wish : wishes) {
    const bool is_over = wish.step >= step_ || wish.healed.has_value();
    if (!is_over && witness.scenario.member(wish.who).group.is_active()) return wish.who;
  }
  return anybody();
}

// No two have 15 in a row in common: a message is known by them.
std::string Conversation::letters(std::size_t size) {
  std::string text(size, ' ');
  for (char& each : text) each = "etaoinshrdlucmfwypvbgkjqxz      "[choices_() % 32];
  return text;
}

std::string Conversation::noise(std::size_t size) {
  std::string bytes(size, '\0');
  std::uint64_t drawn = 0;
  for (std::size_t at = 0; at < size; ++at, drawn >>= 8) {
    if (at % sizeof drawn == 0) drawn = choices_();
    bytes[at] = static_cast<char>(drawn);
  }
  return bytes;
}

}  // namespace tacet::tool
