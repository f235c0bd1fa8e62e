#include <algorithm>

#include "inspect_show.h"
#include "protocol/tree_math.h"

namespace tacet::tool {

namespace {

class Drawing {
 public:
  Drawing(std::ostream& out, const Inspection& found, std::size_t list, const Paint& paint)
      : out_(out), found_(found), paint_(paint) {
    for (std::size_t i = list + 1; i < found.parts[list].end; i = found.parts[i].end) {
      if (found.parts[i].name != nullptr) continue;  // the length header
      occupied_before_.push_back(occupied_before_.back() + (found.is_leaf(i) ? 0 : 1));
      nodes_.push_back(i);
    }
  }

  void draw(std::uint32_t offset) {
    const auto leaves = static_cast<std::uint32_t>(nodes_.size() / 2 + 1);
    const TreeSize size = TreeSize::for_leaves(leaves);
    out_ << "\n"
         << paint_.strong("ratchet tree") << " at byte " << offset << ": " << counted(nodes_.size(), "node")
         << " listed, " << occupied_before_.back() << " of them not blank; "
         << (size.leaves() == 1 ? "1 leaf" : std::to_string(size.leaves()) + " leaves") << "\n";
    if (!nodes_.empty()) subtree(size.root(), "", "");
  }

 private:
  // `first` goes before the line of the node itself, `rest` before those of what is below it.
  void subtree(NodeIndex node, const std::string& first, const std::string& rest) {
    const bool is_empty = is_blank_below(node);
    out_ << paint_.faint(first) << node.value << " " << text(node);
    if (is_empty && !is_leaf(node)) {
      out_ << paint_.faint(", as are all nodes below, leaves " + std::to_string(first_leaf(node).value) +
                           " to " + std::to_string(last_leaf(node).value));
    }
    out_ << "\n";
    if (is_empty || is_leaf(node)) return;
    subtree(*left(node), rest + "├─ ", rest + "│  ");
    subtree(*right(node), rest + "└─ ", rest + "   ");
  }

  bool is_blank_below(NodeIndex node) const {
    const std::size_t first = std::min<std::size_t>(NodeIndex(first_leaf(node)).value, nodes_.size());
    const std::size_t end = std::min<std::size_t>(NodeIndex(last_leaf(node)).value + 1, nodes_.size());
    return occupied_before_[first] == occupied_before_[end];
  }

  std::string text(NodeIndex node) const {
    const std::string what = is_leaf(node) ? "leaf " + std::to_string(leaf_at(node).value) : "parent";
    if (node.value >= nodes_.size() || found_.is_leaf(nodes_[node.value]))
      return paint_.faint(what + ", blank");
    const std::size_t entry = nodes_[node.value];
    const std::size_t leaf = found_.child(entry, "leaf_node");
    const std::size_t parent = found_.child(entry, "parent_node");
    std::string text = paint_.strong(what);
    if ((leaf != 0) != is_leaf(node)) {
      text += paint_.bad(std::string(", but a ") + (leaf != 0 ? "leaf" : "parent") + " stands here");
    }
    return text + (leaf != 0 ? leaf_text(leaf) : parent_text(parent));
  }

  std::string leaf_text(std::size_t leaf) const {
    const std::size_t credential = found_.child(leaf, "credential");
    const std::size_t identity = found_.child(credential, "identity");
    const std::string name = identity != 0 ? found_.text(identity) : "";
    const std::string type = found_.symbol(found_.child(credential, "credential_type"));
    return key_text(leaf) + (name.empty() ? ", " + type + " credential" : ", \"" + name.substr(0, 64) + "\"");
  }

  std::string parent_text(std::size_t parent) const {
    std::string text;
    const std::size_t list = found_.child(parent, "unmerged_leaves");
    for (std::size_t i = list + 1; i < found_.parts[list].end; i = found_.parts[i].end) {
      if (found_.parts[i].name != nullptr) continue;
      text += (text.empty() ? ", unmerged leaves " : " ") + std::to_string(found_.number(i));
    }
    return key_text(parent) + text;
  }

  std::string key_text(std::size_t node) const {
    constexpr std::size_t most = 8;  // bytes of a key that are shown
    const Bytes key = found_.content(found_.child(node, "encryption_key"));
    return ", key " + to_hex(key.first(std::min(key.size(), most))) + (key.size() > most ? "..." : "");
  }

  std::ostream& out_;
  const Inspection& found_;
  const Paint& paint_;
  std::vector<std::size_t> nodes_;                    // the parts of the list's entries
  std::vector<std::uint32_t> occupied_before_ = {0};  // of the first entries, how many are not blank
};

}  // namespace

void draw_tree(std::ostream& out, const Inspection& found, std::size_t part, const Paint& paint) {
  if (found.parts[part].is_decoded) Drawing(out, found, part, paint).draw(found.parts[part].offset);
}

}  // namespace tacet::tool
