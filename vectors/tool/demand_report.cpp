#include "demand_report.h"

#include <algorithm>
#include <iomanip>

#include "field.h"
#include "version.h"

namespace tacet::tool {

namespace {

using adversary::Kind;

std::string plural(std::uint64_t count, const std::string& noun, const std::string& several = {}) {
  return grouped(count) + " " + (count == 1 ? noun : several.empty() ? noun + "s" : several);
}

std::string joined(const std::vector<std::string>& several) {
  std::string text;
  for (const std::string& each : several) text += (text.empty() ? "" : ", ") + each;
  return text;
}

const Held& held_of(const Keyless& keyless, Kind kind) {
  return keyless.held[static_cast<std::size_t>(kind)];
}

std::size_t bytes_of_said(const Conversation& conversation, const std::vector<std::size_t>& which) {
  std::size_t bytes = 0;
  for (const std::size_t each : which) bytes += conversation.said[each].size;
  return bytes;
}

std::vector<std::size_t> all_said(const Conversation& conversation) {
  std::vector<std::size_t> all(conversation.said.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  return all;
}

std::size_t distinct_sizes(const Conversation& conversation) {
  std::set<std::size_t> sizes;
  for (const Said& said : conversation.said) sizes.insert(said.size);
  return sizes.size();
}

// Who brought most, then the rest.
std::vector<std::pair<ClientId, std::size_t>> by_number(const std::map<ClientId, std::size_t>& brought) {
  std::vector<std::pair<ClientId, std::size_t>> all(brought.begin(), brought.end());
  std::stable_sort(all.begin(), all.end(), [](auto& a, auto& b) { return a.second > b.second; });
  return all;
}

// ---- for people

void print_line(std::ostream& out, const std::string& what, const std::string& line) {
  out << "  " << std::left << std::setw(20) << what << std::right << line << "\n";
}

void print_head(std::ostream& out, const ConversationOptions& options, const Conversation& conversation) {
  const bool is_private = options.handshakes == WireFormat::private_message;
  static constexpr const char* trees[] = {"in the Welcome", "apart, in the clear",
                                          "in the Welcome, and in the clear in a GroupInfo"};
  out << plural(options.members, "member") << ": " << grouped(options.live) << " live, and "
      << grouped(options.members - options.live)
      << " passive with real keys and leaves, who never process anything\n"
      << plural(conversation.said.size(), "message") << ", "
      << grouped(bytes_of_said(conversation, all_said(conversation))) << " bytes, in "
      << plural(conversation.steps_taken(), "step") << " from seed " << options.seed << "\n"
      << "handshakes as " << (is_private ? "PrivateMessages" : "PublicMessages") << "; the tree "
      << trees[static_cast<std::size_t>(options.tree)] << "\n\n";
}

void print_row(std::ostream& out, const std::string& name, const Held& held) {
  out << std::left << std::setw(24) << name << std::right << std::setw(10) << grouped(held.number)
      << std::setw(14) << grouped(held.bytes) << std::setw(14) << grouped(held.sealed) << std::setw(14)
      << grouped(held.bytes - held.sealed) << "\n";
}

void print_held(std::ostream& out, const Keyless& keyless) {
  out << std::left << std::setw(24) << "the provider holds" << std::right << std::setw(10) << "number"
      << std::setw(14) << "bytes" << std::setw(14) << "encrypted" << std::setw(14) << "in the clear"
      << "\n";
  for (std::size_t kind = 0; kind < kinds; ++kind) {
    if (keyless.held[kind].number != 0) print_row(out, name_of(static_cast<Kind>(kind)), keyless.held[kind]);
  }
  print_row(out, "all", keyless.total);
}

void print_read(std::ostream& out, const Conversation& conversation, const Demanded& demanded) {
  out << "\nand can read of what was said\n";
  print_line(out, "messages", grouped(demanded.read.size()) + " of " + grouped(conversation.said.size()));
  print_line(out, "bytes",
             grouped(bytes_of_said(conversation, demanded.read)) + " of " +
                 grouped(bytes_of_said(conversation, all_said(conversation))));
  print_line(out, "secrets",
             grouped(demanded.derived) + " of " + grouped(demanded.secrets) +
                 " of all endpoints follow from what it holds");
}

void print_who(std::ostream& out, const Keyless& keyless) {
  constexpr std::size_t most = 3;
  const auto all = by_number(keyless.brought);
  std::vector<std::string> top;
  for (std::size_t i = 0; i < std::min(most, all.size()); ++i) {
    top.push_back(name_of(all[i].first) + " " + grouped(all[i].second));
  }
  if (all.size() > most) top.push_back(plural(all.size() - most, "other") + " the rest");
  print_line(out, "who sends, when",
             plural(held_of(keyless, Kind::application).number, "message") + ": " + joined(top) +
                 "; by their connections");
}

void print_changes(std::ostream& out, const Keyless& keyless) {
  const std::size_t commits = held_of(keyless, Kind::commit).number;
  std::vector<std::string> read;
  for (const auto& [type, count] : keyless.proposals) read.push_back(grouped(count) + " " + type);
  print_line(out, "changes",
             plural(keyless.epochs, "epoch") + ", by " + plural(commits, "Commit") + " and " +
                 plural(held_of(keyless, Kind::proposal).number, "proposal") + " before them");
  print_line(out, "what they change",
             (read.empty() ? "no proposal can be read" : joined(read)) + "; " +
                 grouped(keyless.commits_read) + " of " + plural(commits, "Commit") + " can be, " +
                 plural(keyless.senders.size(), "sender") + " named by leaf");
  if (keyless.commit_sizes.empty()) return;
  std::string sizes = "Commits of " + grouped(*keyless.commit_sizes.begin()) + " to " +
                      grouped(*keyless.commit_sizes.rbegin()) + " bytes, which grow with the group";
  if (keyless.path_secrets != 0) sizes += "; one for " + plural(keyless.path_secrets, "key");
  print_line(out, "how many members", sizes);
}

void print_learned(std::ostream& out, const Conversation& conversation, const Keyless& keyless) {
  out << "\nand has learned all the same\n";
  print_who(out, keyless);
  print_line(out, "to whom", plural(keyless.fetched, "delivery", "deliveries"));
  print_line(out, "how much",
             plural(keyless.sizes.size(), "size") + " of ciphertexts, for " +
                 grouped(distinct_sizes(conversation)) + " of what was said: they are padded");
  print_line(out, "authenticated_data", plural(keyless.authenticated_data, "byte") + ", in the clear");
  print_line(out, "identities",
             grouped(keyless.published.size()) + " in KeyPackages, " + grouped(keyless.welcomed.size()) +
                 " of them welcomed; " + grouped(keyless.in_trees.size()) + " in trees in the clear");
  print_changes(out, keyless);
}

// "12 to 15, 18": places that follow each other are put together, counted from 1.
std::string ranges_of(const std::vector<std::size_t>& places) {
  std::vector<std::string> ranges;
  for (std::size_t i = 0, end = 0; i < places.size(); i = end) {
    for (end = i + 1; end < places.size() && places[end] == places[end - 1] + 1;) ++end;
    const std::string first = grouped(places[i] + 1);
    ranges.push_back(end == i + 1 ? first : first + " to " + grouped(places[end - 1] + 1));
  }
  return joined(ranges);
}

std::string steps_of(const Said& first, const Said& last) {
  return first.step == last.step ? grouped(first.step) : grouped(first.step) + " to " + grouped(last.step);
}

// A line for each step; if there are many, for what is of one kind and epoch.
void print_opened(std::ostream& out, const Conversation& conversation,
                  const std::vector<std::size_t>& opened) {
  constexpr std::size_t many = 20;
  const auto at = [&](std::size_t i) -> const Said& { return conversation.said[opened[i]]; };
  for (std::size_t begin = 0, end = 0; begin < opened.size(); begin = end) {
    const Said& first = at(begin);
    const auto goes_with_first = [&](const Said& said) {
      return said.step == first.step ||
             (opened.size() > many && said.epoch == first.epoch && said.content == first.content);
    };
    std::set<ClientId> senders;
    std::size_t bytes = 0;
    for (; end < opened.size() && goes_with_first(at(end)); ++end) {
      senders.insert(at(end).by);
      bytes += at(end).size;
    }
    out << "    step " << std::left << std::setw(11) << steps_of(first, at(end - 1)) << "  epoch "
        << std::setw(4) << first.epoch << std::setw(14)
        << (senders.size() == 1 ? name_of(first.by) : plural(senders.size(), "sender")) << std::setw(6)
        << name_of(first.content) << std::right << std::setw(13) << plural(end - begin, "message")
        << std::setw(14) << grouped(bytes) << " bytes\n";
  }
}

void print_complaints(std::ostream& out, const std::vector<std::string>& complaints) {
  for (const std::string& each : complaints) out << "  " << each << "\n";
}

void print_seized(std::ostream& out, const Conversation& conversation, const Seized& seized) {
  out << "\nwith " << name_of(seized.wish.who) << " seized after step " << grouped(seized.wish.step)
      << ", who "
      << (seized.wish.healed.has_value() ? "heals by a Commit in step " + grouped(*seized.wish.healed)
                                         : "makes no Commit after it")
      << "\n";
  print_line(out, "messages",
             grouped(seized.opened.size()) + " of " + grouped(conversation.said.size()) +
                 (seized.opened.empty() ? "" : ": " + ranges_of(seized.opened)));
  print_line(out, "bytes", grouped(bytes_of_said(conversation, seized.opened)));
  print_opened(out, conversation, seized.opened);
  print_line(out, "secrets",
             grouped(seized.held) + " lay in memory, and " + grouped(seized.derived) + " follow");
  if (seized.complaints.empty()) {
    print_line(out, "that is", "exactly what RFC 9420 allows");
  } else {
    out << "  THAT IS NOT WHAT RFC 9420 ALLOWS\n";
    print_complaints(out, seized.complaints);
  }
}

// ---- for machines

Json json_of(const Held& held) {
  Json json;
  json["number"] = held.number;
  json["bytes"] = held.bytes;
  json["encrypted"] = held.sealed;
  json["in_the_clear"] = held.bytes - held.sealed;
  return json;
}

Json json_of(const Keyless& keyless) {
  Json json;
  json["sent"] = Json::object();
  for (const auto& [who, count] : keyless.brought) json["sent"][name_of(who)] = count;
  json["fetched"] = keyless.fetched;
  json["ciphertext_sizes"] = keyless.sizes;
  json["authenticated_data"] = keyless.authenticated_data;
  json["identities_published"] = keyless.published.size();
  json["identities_welcomed"] = keyless.welcomed.size();
  json["identities_in_trees"] = keyless.in_trees.size();
  json["epochs"] = keyless.epochs;
  json["proposals_read"] = keyless.proposals;
  json["commits_read"] = keyless.commits_read;
  json["leaves_named"] = keyless.senders.size();
  json["path_secrets_seen"] = keyless.path_secrets;
  json["commit_sizes"] = keyless.commit_sizes;
  return json;
}

Json json_of(const Said& said) {
  Json json;
  json["step"] = said.step;
  json["epoch"] = said.epoch;
  json["sender"] = name_of(said.by);
  json["content"] = name_of(said.content);
  json["bytes"] = said.size;
  return json;
}

Json numbers_of(const std::vector<std::size_t>& places) {
  Json json = Json::array();
  for (const std::size_t place : places) json.push_back(place + 1);
  return json;
}

Json json_of(const Conversation& conversation, const Seized& seized) {
  Json json;
  json["client"] = name_of(seized.wish.who);
  json["step"] = seized.wish.step;
  json["healed_in_step"] = seized.wish.healed.has_value() ? Json(*seized.wish.healed) : Json();
  json["messages"] = numbers_of(seized.opened);
  json["bytes"] = bytes_of_said(conversation, seized.opened);
  json["secrets_held"] = seized.held;
  json["secrets"] = seized.derived;
  json["as_allowed"] = seized.complaints.empty();
  json["complaints"] = seized.complaints;
  return json;
}

Json json_of(const ConversationOptions& options) {
  static constexpr const char* trees[] = {"inside", "apart", "published"};
  Json json;
  json["members"] = options.members;
  json["live"] = options.live;
  json["messages"] = options.messages;
  json["video"] = options.video;
  json["seed"] = options.seed;
  json["handshakes"] = options.handshakes == WireFormat::private_message ? "private" : "public";
  json["tree"] = trees[static_cast<std::size_t>(options.tree)];
  return json;
}

}  // namespace

void report_demand(std::ostream& out, const ConversationOptions& options, const Conversation& conversation,
                   const Demanded& demanded) {
  print_head(out, options, conversation);
  print_held(out, demanded.keyless);
  print_read(out, conversation, demanded);
  if (!demanded.complaints.empty()) out << "  THAT IS NOT NOTHING\n";
  print_complaints(out, demanded.complaints);
  print_learned(out, conversation, demanded.keyless);
  for (const Seized& each : demanded.seized) print_seized(out, conversation, each);
}

std::string json_of_demand(const ConversationOptions& options, const Conversation& conversation,
                           const Demanded& demanded, int status) {
  Json json;
  json["format"] = "tacet demand";
  json["version"] = 1;
  json["tacet"] = tacet_version();
  json["test_build"] = is_test_build();
  json["status"] = status;
  json["options"] = json_of(options);
  json["messages"] = Json::array();
  for (const Said& said : conversation.said) json["messages"].push_back(json_of(said));
  json["held"] = Json::object();
  for (std::size_t kind = 0; kind < kinds; ++kind) {
    json["held"][name_of(static_cast<adversary::Kind>(kind))] = json_of(demanded.keyless.held[kind]);
  }
  json["held"]["all"] = json_of(demanded.keyless.total);
  json["read"]["messages"] = numbers_of(demanded.read);
  json["read"]["bytes"] = bytes_of_said(conversation, demanded.read);
  json["read"]["secrets"] = demanded.derived;
  json["read"]["of_secrets"] = demanded.secrets;
  json["read"]["complaints"] = demanded.complaints;
  json["learned"] = json_of(demanded.keyless);
  json["seized"] = Json::array();
  for (const Seized& each : demanded.seized) json["seized"].push_back(json_of(conversation, each));
  return json.dump(1, ' ', true, Json::error_handler_t::replace) + "\n";
}

}  // namespace tacet::tool
