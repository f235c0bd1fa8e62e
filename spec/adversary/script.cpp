#include "script.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace tacet::adversary {

namespace {

struct TopicName {
  Topic topic;
  std::string_view name;
  bool has_number;
};
constexpr TopicName topics[] = {
    {Topic::add, "add", true},
    {Topic::remove, "remove", true},
    {Topic::update, "update", false},
    {Topic::psk, "psk", true},
    {Topic::resumption, "resumption", true},
    {Topic::extensions, "extensions", true},
    {Topic::custom, "custom", true},
    {Topic::reinit, "reinit", false},
};

// Of those that are a client and a word.
struct VerbName {
  Verb verb;
  std::string_view name;
};
constexpr VerbName plain_verbs[] = {
    {Verb::adopt, "adopts"},     {Verb::drop, "drops"},        {Verb::say, "says"},       {Verb::ask, "asks"},
    {Verb::succeed, "succeeds"}, {Verb::publish, "publishes"}, {Verb::forget, "forgets"},
};

std::vector<std::string_view> words_of(std::string_view line) {
  line = line.substr(0, line.find('#'));
  std::vector<std::string_view> words;
  for (std::size_t begin = 0;;) {
    begin = line.find_first_not_of(" \t\r", begin);
    if (begin == std::string_view::npos) return words;
    const std::size_t end = std::min(line.find_first_of(" \t\r", begin), line.size());
    words.push_back(line.substr(begin, end - begin));
    begin = end;
  }
}

// One line, word by word.
class LineReader {
 public:
  LineReader(std::size_t line, std::string_view text) : line_(line), words_(words_of(text)) {}

  bool at_end() const { return next_ == words_.size(); }
  [[noreturn]] void fail(const std::string& reason) const { throw ScriptError(line_, reason); }

  bool takes(std::string_view word) {
    if (at_end() || words_[next_] != word) return false;
    ++next_;
    return true;
  }
  void take(std::string_view word) {
    if (!takes(word)) fail("there should be '" + std::string(word) + "'" + instead());
  }
  std::optional<std::uint64_t> takes_number() {
    if (at_end()) return std::nullopt;
    const std::string_view word = words_[next_];
    std::uint64_t value = 0;
    const auto [rest, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc() || rest != word.data() + word.size()) return std::nullopt;
    ++next_;
    return value;
  }
  std::uint64_t number() {
    const std::optional<std::uint64_t> value = takes_number();
    if (!value.has_value()) fail("there should be a number" + instead());
    return *value;
  }
  void end() const {
    if (!at_end()) fail("nothing should follow" + instead());
  }
  std::string instead() const {
    return at_end() ? " at the end of the line" : " in the place of '" + std::string(words_[next_]) + "'";
  }

 private:
  std::size_t line_;
  std::vector<std::string_view> words_;
  std::size_t next_ = 0;
};

std::optional<Wish> takes_wish(LineReader& line) {
  for (const TopicName& each : topics) {
    if (!line.takes(each.name)) continue;
    return Wish{each.topic, each.has_number ? line.number() : 0};
  }
  return std::nullopt;
}

void read_proposal(LineReader& line, Script::Operation& out) {
  out.verb = Verb::propose;
  const std::optional<Wish> wish = takes_wish(line);
  if (!wish.has_value()) line.fail("there should be what is proposed" + line.instead());
  out.wishes = {*wish};
}

void read_commit(LineReader& line, Script::Operation& out) {
  out.verb = Verb::commit;
  while (const std::optional<Wish> wish = takes_wish(line)) {
    if (wish->topic == Topic::update) line.fail("no Update can be in its sender's own Commit");
    out.wishes.push_back(*wish);
  }
  while (!line.at_end()) {
    if (line.takes("tree")) {
      line.take("apart");
      out.tree_inline = false;
      continue;
    }
    if (!line.takes("without")) line.fail("a Commit knows no such thing" + line.instead());
    if (line.takes("waiting")) {
      out.with_waiting = false;
    } else {
      line.take("path");
      out.with_path = false;
    }
  }
}

void read_client_verb(LineReader& line, Script::Operation& out) {
  if (line.takes("proposes")) return read_proposal(line, out);
  if (line.takes("commits")) return read_commit(line, out);
  if (line.takes("joins")) {
    out.verb = Verb::join;
    line.take("by");
    out.other = line.number();
    out.replaces = line.takes("replacing");
    return;
  }
  if (line.takes("branches")) {
    out.verb = Verb::branch;
    line.take("with");
    out.other = line.number();
    return;
  }
  for (const VerbName& each : plain_verbs) {
    if (!line.takes(each.name)) continue;
    out.verb = each.verb;
    return;
  }
  line.fail("a client does no such thing" + line.instead());
}

Script::Operation read_operation(LineReader& line) {
  Script::Operation out;
  const auto to_client = [&](Verb verb, std::string_view word, bool needs_place) {
    out.verb = verb;
    out.place = needs_place ? line.number() : line.takes_number().value_or(0);
    line.take(word);
    out.who = line.number();
  };
  if (line.takes("deliver")) {
    if (line.takes("all")) return out;
    to_client(Verb::deliver, "to", false);
  } else if (line.takes("lose")) {
    to_client(Verb::lose, "at", false);
  } else if (line.takes("again")) {
    to_client(Verb::again, "to", true);
  } else if (line.takes("seize")) {
    out.verb = Verb::seize;
    out.who = line.number();
  } else if (line.takes("bot")) {
    out.who = bot;
    line.take("proposes");
    read_proposal(line, out);
  } else if (const std::optional<std::uint64_t> who = line.takes_number()) {
    out.who = *who;
    read_client_verb(line, out);
  } else {
    line.fail("no operation begins so" + line.instead());
  }
  return out;
}

void read_line(LineReader& line, Script& out) {
  if (line.at_end()) return;
  if (line.takes("seed")) {
    out.seed = line.number();
  } else if (line.takes("clients")) {
    out.clients = line.number();
    if (out.clients == 0 || out.clients > most_clients) {
      line.fail("there are 1 to " + std::to_string(most_clients) + " clients");
    }
  } else {
    out.operations.push_back(read_operation(line));
    if (out.operations.size() > most_operations) {
      line.fail("a script has at most " + std::to_string(most_operations) + " operations");
    }
  }
  line.end();
}

std::string text_of(const Wish& wish) {
  for (const TopicName& each : topics) {
    if (each.topic != wish.topic) continue;
    return std::string(each.name) + (each.has_number ? ' ' + std::to_string(wish.number) : std::string());
  }
  return {};
}

std::string text_of_delivery(const Script::Operation& operation, std::string_view verb,
                             std::string_view word) {
  const bool has_place = operation.place != 0 || operation.verb == Verb::again;
  return std::string(verb) + (has_place ? ' ' + std::to_string(operation.place) : std::string()) + ' ' +
         std::string(word) + ' ' + std::to_string(operation.who);
}

}  // namespace

Script parse_script(std::string_view text) {
  Script script;
  std::size_t number = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    LineReader line(++number, text.substr(0, end));
    read_line(line, script);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return script;
}

std::string text_of(const Script::Operation& operation) {
  const std::string who = operation.who == bot ? "bot" : std::to_string(operation.who);
  switch (operation.verb) {
    case Verb::propose:
      return who + " proposes " + text_of(operation.wishes.at(0));
    case Verb::commit: {
      std::string text = who + " commits";
      for (const Wish& wish : operation.wishes) text += ' ' + text_of(wish);
      if (!operation.with_waiting) text += " without waiting";
      if (!operation.with_path) text += " without path";
      if (!operation.tree_inline) text += " tree apart";
      return text;
    }
    case Verb::join:
      return who + " joins by " + std::to_string(operation.other) + (operation.replaces ? " replacing" : "");
    case Verb::branch:
      return who + " branches with " + std::to_string(operation.other);
    case Verb::deliver:
      return text_of_delivery(operation, "deliver", "to");
    case Verb::deliver_all:
      return "deliver all";
    case Verb::lose:
      return text_of_delivery(operation, "lose", "at");
    case Verb::again:
      return text_of_delivery(operation, "again", "to");
    case Verb::seize:
      return "seize " + who;
    default:
      break;
  }
  for (const VerbName& each : plain_verbs) {
    if (each.verb == operation.verb) return who + ' ' + std::string(each.name);
  }
  return {};
}

std::string text_of(const Script& script) {
  std::string text =
      "seed " + std::to_string(script.seed) + "\nclients " + std::to_string(script.clients) + '\n';
  for (const Script::Operation& operation : script.operations) text += text_of(operation) + '\n';
  return text;
}

}  // namespace tacet::adversary
