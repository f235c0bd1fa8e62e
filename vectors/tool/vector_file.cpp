#include "vector_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string_view>

namespace tacet::tool {

namespace fs = std::filesystem;

namespace {

// The folder of whole histories, which are of another format: vectors/check_egress.py reads them.
constexpr std::string_view histories = "egress";

std::string read_text(const fs::path& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) throw Unreadable("a folder");
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Unreadable(std::strerror(errno));
  std::string text;
  std::vector<char> block(1 << 16);
  while (file.read(block.data(), static_cast<std::streamsize>(block.size())) || file.gcount() > 0) {
    text.append(block.data(), static_cast<std::size_t>(file.gcount()));
    if (text.size() > max_file_size) throw Unreadable("larger than 256 MiB");
  }
  if (file.bad()) throw Unreadable("cannot be read to its end");
  return text;
}

// Walks over the text and tells how far the parser came, so that every error has its line and column.
class Cursor {
 public:
  using iterator_category = std::forward_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  Cursor() = default;
  Cursor(const char* at, const char*& reached) : at_(at), reached_(&reached) {}
  reference operator*() const { return *at_; }
  Cursor& operator++() {
    *reached_ = ++at_;
    return *this;
  }
  Cursor operator++(int) {
    Cursor before = *this;
    ++*this;
    return before;
  }
  bool operator==(const Cursor& other) const { return at_ == other.at_; }

 private:
  const char* at_ = nullptr;
  const char** reached_ = nullptr;
};

// The parser's reason, without "[json.exception...] parse error at line 1, column 2: " before it.
std::string reason_of(const nlohmann::json::exception& error) {
  std::string reason = error.what();
  if (const std::size_t end = reason.find("] "); reason.starts_with('[') && end != std::string::npos) {
    reason.erase(0, end + 2);
  }
  if (const std::size_t end = reason.find(": ");
      reason.starts_with("parse error") && end != std::string::npos) {
    reason.erase(0, end + 2);
  }
  constexpr std::size_t longest = 200;
  return reason.size() <= longest ? reason : reason.substr(0, longest) + "...";
}

// Builds the document, and throws at what a parser would take but a vector file has no use for. (Json::parse
// with a callback does not do: it takes time in the square of the number of cases.)
class Builder final : public Json::json_sax_t {
 public:
  Json take() { return std::move(document_); }

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(std::int64_t value) override { return add(value); }
  bool number_unsigned(std::uint64_t value) override { return add(value); }
  bool number_float(double value, const std::string&) override { return add(value); }
  bool string(std::string& value) override { return add(std::move(value)); }
  bool binary(Json::binary_t&) override { return false; }  // JSON has none

  bool start_object(std::size_t) override { return open(Json::object()); }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_array() override { return close(); }
  bool key(std::string& name) override {
    count();
    const Json& object = *open_.back();
    if (object.contains(name)) throw Unreadable("this object has a member of that name already");
    if (object.size() == max_members) {
      throw Unreadable("an object of more than " + std::to_string(max_members) + " members");
    }
    name_ = std::move(name);
    return true;
  }

  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception& error) override {
    throw Unreadable(reason_of(error));
  }

 private:
  void count() {
    if (++values_ > max_values) throw Unreadable("more than " + std::to_string(max_values) + " values");
  }

  Json& place(Json value) {
    count();
    if (open_.empty()) return document_ = std::move(value);
    Json& parent = *open_.back();
    if (parent.is_object()) return parent[name_] = std::move(value);
    parent.push_back(std::move(value));
    return parent.back();
  }

  bool add(Json value) {
    place(std::move(value));
    return true;
  }

  bool open(Json value) {
    if (open_.size() == max_depth) {
      throw Unreadable("nested more than " + std::to_string(max_depth) + " deep");
    }
    open_.push_back(&place(std::move(value)));
    return true;
  }

  bool close() {
    open_.pop_back();
    return true;
  }

  Json document_;
  std::vector<Json*> open_;  // objects and arrays; each is the last in the one before it, so none moves
  std::string name_;         // of the member that comes next
  std::size_t values_ = 0;
};

[[noreturn]] void throw_at(const std::string& text, const char* reached, const std::string& reason) {
  const char* const begin = text.data();
  const auto lines = std::count(begin, reached, '\n');
  const char* line = reached;
  while (line != begin && line[-1] != '\n') --line;
  throw Unreadable("line " + std::to_string(lines + 1) + ", column " + std::to_string(reached - line) + ": " +
                   reason);
}

}  // namespace

std::vector<fs::path> find_files(const fs::path& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return {path};
  std::vector<fs::path> files;
  auto entry = fs::recursive_directory_iterator(path, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    std::error_code gone;  // a link to nowhere is no file
    if (entry->path().filename() == histories && entry->is_directory(gone)) entry.disable_recursion_pending();
    if (entry->path().extension() == ".json" && entry->is_regular_file(gone)) files.push_back(entry->path());
  }
  if (error) throw Unreadable(error.message());
  if (files.empty()) throw Unreadable("a folder without any *.json");
  std::sort(files.begin(), files.end());
  return files;
}

Json read_vector_file(const fs::path& path) {
  const std::string text = read_text(path);
  const char* reached = text.data();
  Builder builder;
  try {
    Json::sax_parse(Cursor(text.data(), reached), Cursor(text.data() + text.size(), reached), &builder);
  } catch (const Unreadable& error) {
    throw_at(text, reached, error.what());
  }
  Json cases = builder.take();
  if (!cases.is_array()) throw Unreadable("not an array of cases");
  return cases;
}

}  // namespace tacet::tool
