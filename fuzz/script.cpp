#include "fuzz/script.h"

#include <algorithm>

namespace tacet {

namespace {

// What is there of as many bytes.
Octets taken(Reader& reader, std::size_t size) {
  Bytes bytes;
  static_cast<void>(reader.take(std::min(size, reader.rest().size()), bytes));
  return model::octets(bytes);
}

}  // namespace

Sender Post::sender() const {
  Sender made;
  made.type = static_cast<SenderType>(1 + (how >> 1 & 3));
  const std::uint32_t index = how >> 3 & 7;
  if (made.type == SenderType::member) made.leaf_index = {index};
  if (made.type == SenderType::external) made.sender_index = index;
  return made;
}

Post Post::framed(WireFormat format, const Sender& sender, ContentType type, Octets payload) {
  const std::uint32_t index = sender.leaf_index.value | sender.sender_index;
  const unsigned how = (format == WireFormat::private_message ? 1u : 0u) |
                       (static_cast<unsigned>(sender.type) - 1) << 1 | index << 3 |
                       static_cast<unsigned>(type) << 6;
  return {Kind::framed, static_cast<std::uint8_t>(how), signs_anew, 0, std::move(payload)};
}

Post Post::committed(const Octets& list, const Octets& patches) {
  return {Kind::committed, 0, signs_anew | with_path, 0, number(list.size(), 2) + list + patches};
}

Post Post::joined(std::uint8_t who, const Octets& list) {
  Post post = committed(list);
  post.kind = Kind::joined;
  post.flags |= replaces;
  post.which = who;
  return post;
}

Script read_script(Bytes input) {
  Script script;
  Reader reader(input);
  if (reader(script.situation) != Error::none) return script;
  std::uint8_t kind = 0;
  std::uint16_t size = 0;
  Post post;
  while (script.posts.size() < Script::max_posts &&
         reader(kind, post.how, post.flags, post.which, size) == Error::none) {
    post.kind = static_cast<Kind>(kind % kinds);
    post.payload = taken(reader, size);
    script.posts.push_back(post);
  }
  return script;
}

Octets written(const Script& script) {
  Octets out = {script.situation};
  for (const Post& post : script.posts) {
    out = out + Octets{static_cast<std::uint8_t>(post.kind), post.how, post.flags, post.which} +
          number(post.payload.size(), 2) + post.payload;
  }
  return out;
}

Committed read_committed(Bytes payload) {
  Committed made;
  Reader reader(payload);
  std::uint16_t size = 0;
  if (reader(size) != Error::none) return made;
  made.list = taken(reader, size);
  Patch patch;
  std::uint8_t place = 0;
  while (reader(place, patch.index, patch.at, size) == Error::none) {
    patch.place = static_cast<Place>(place % places);
    patch.octets = taken(reader, size);
    made.patches.push_back(patch);
  }
  return made;
}

Octets written(const Patch& patch) {
  return Octets{static_cast<std::uint8_t>(patch.place), patch.index, patch.at} +
         number(patch.octets.size(), 2) + patch.octets;
}

Founding read_founding(Bytes payload) {
  Founding made;
  Reader reader(payload);
  Bytes group_id, extensions;
  static_cast<void>(reader(made.usage, made.epochs_back, made.members, made.epoch, made.version, made.suite,
                           group_id, extensions));
  made.usage %= 4;
  made.group_id = model::octets(group_id);
  made.extensions = model::octets(extensions);
  return made;
}

Octets written(const Founding& founding) {
  return Octets{founding.usage, founding.epochs_back} + number(founding.members, 2) + Octets{founding.epoch} +
         number(founding.version, 2) + number(founding.suite, 2) + vector(founding.group_id) +
         vector(founding.extensions);
}

Octets Patch::operator()(Octets before) const {
  if (at == whole || before.empty()) return octets;
  for (std::size_t i = 0; i < octets.size(); ++i) before[(at + i) % before.size()] = octets[i];
  return before;
}

}  // namespace tacet
