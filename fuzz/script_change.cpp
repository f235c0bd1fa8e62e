#include "fuzz/script_change.h"

namespace tacet {

using adversary::encoded, adversary::vector_of;

namespace {

constexpr LeafIndex often_removed{4};
constexpr const char* next_group = "next";

}  // namespace

ScriptChange::ScriptChange(LiveGroup& group, FieldChange::Mutate mutate) : change_(mutate) {
  group.go_back();
  const PublicState& state = group.insider.epoch->state;
  for (std::uint32_t i = 0; i < LiveGroup::members; ++i) {
    change_.learn<LeafNode>(state.tree().leaf({i}).encoded);
  }
  own_leaf_ = encoded(state.tree().leaf({LiveGroup::insider_leaf}));
  change_.learn<GroupContext>(state.group_context());
  change_.learn<MlsMessage>(*Attack(group).message(Post::committed({})));
  change_.learn<MlsMessage>(*Attack(group).message(Post::joined(0, {})));
  learn_proposals(group);
  for (const Octets& each : proposals_) change_.learn<Proposal>(each);
}

void ScriptChange::learn_proposals(LiveGroup& group) {
  const GroupContext& context = group.insider.epoch->state.context();
  LeafNode next;
  must(decode(own_leaf_, next));
  next.source = LeafNodeSource::update;
  next.encryption_key = group.newcomer.signature_key;  // any that is in no leaf
  const Octets nonce = vector(Octets(32, 9));
  closing_ = encoded(ProposalType::reinit) + vector(next_group) +
             encoded(ProtocolVersion::mls10, context.cipher_suite) + vector(Octets());
  proposals_ = {encoded(ProposalType::add) + group.newcomer.key_package,
                encoded(ProposalType::update, next),
                encoded(ProposalType::remove, often_removed),
                encoded(ProposalType::remove, LeafIndex{1}),
                encoded(ProposalType::psk, PskType::external) + vector("agreed") + nonce,
                encoded(ProposalType::psk, PskType::resumption, ResumptionPskUsage::application,
                        context.group_id, context.epoch) +
                    nonce,
                closing_,
                encoded(ProposalType::reinit) + vector(next_group) +
                    encoded(ProtocolVersion::mls10, context.cipher_suite, context.extensions),
                encoded(ProposalType::external_init) + vector_of(group.newcomer.signature_key),
                encoded(ProposalType::group_context_extensions, context.extensions),
                encoded(ProposalType::group_context_extensions) + vector(Octets()),
                encoded(LiveGroup::custom_type) + vector("custom")};
}

// ---- what is new

Post ScriptChange::new_post(const LiveGroup& group) {
  const auto format = static_cast<WireFormat>(1 + change_.below(2));
  const auto which = static_cast<std::uint8_t>(change_.below(group.genuine.size()));
  const auto index = static_cast<std::uint32_t>(change_.below(LiveGroup::members));
  switch (change_.below(14)) {
    case 0:
      return new_words({index});
    case 1:
      return Post::framed(format, {SenderType::member, {index}, 0}, ContentType::proposal, some_proposal());
    case 2:
      return Post::framed(WireFormat::public_message, {SenderType::external, {}, index % 3},
                          ContentType::proposal, some_proposal());
    case 3:
      return {Kind::genuine, 0, 0, which, {}};
    case 4:
      return {Kind::whole, 0, 0, 0, group.genuine[which]};
    case 5:
      return Post::framed(WireFormat::public_message, {SenderType::new_member_proposal, {}, 0},
                          ContentType::proposal, change_.below(2) == 0 ? proposals_[0] : some_proposal());
    case 6:
    case 7:
      return new_join();
    case 8:
    case 9:
      return late_words();
    case 10:
    case 11:
      return new_founding(group);
    default:
      return new_commit();
  }
}

Post ScriptChange::new_words(LeafIndex leaf) {
  return Post::framed(WireFormat::private_message, {SenderType::member, leaf, 0}, ContentType::application,
                      model::octets("hi"));
}

// By anybody, who may be gone.
Post ScriptChange::late_words() {
  const auto index = static_cast<std::uint32_t>(change_.below(LiveGroup::members));
  Post post = new_words(change_.below(2) == 0 ? often_removed : LeafIndex{index});
  post.flags |= Post::late;
  if (change_.below(8) == 0) post.flags |= Post::later;
  post.which = static_cast<std::uint8_t>(change_.below(3));
  return post;
}

// With all members, or some of them.
Post ScriptChange::new_founding(const LiveGroup& group) {
  Founding founding;
  founding.usage = static_cast<std::uint8_t>(change_.below(4));
  founding.members = group.everybody();
  if (change_.below(2) == 0) founding.members &= static_cast<std::uint16_t>(change_.below(1u << 16));
  founding.group_id = model::octets(change_.below(4) == 0 ? "group" : next_group);
  if (change_.below(4) == 0) founding.extensions = group.first_extensions;
  const std::uint8_t flags = change_.below(2) == 0 ? Post::with_path : 0;
  return {Kind::founded, 0, flags, 0, written(founding)};
}

Octets ScriptChange::some_list() {
  Octets list;
  for (std::size_t count = change_.below(4); count > 0; --count) {
    list = list + encoded(ProposalOrRefType::proposal) + some_proposal();
  }
  return list;
}

Post ScriptChange::new_join() {
  const auto who = static_cast<std::uint8_t>(change_.below(LiveGroup::members + 1));
  return Post::joined(who, change_.below(2) == 0 ? Octets() : some_list());
}

Post ScriptChange::new_commit() {
  Post post = Post::committed(some_list());
  post.how = static_cast<std::uint8_t>(change_.below(2));  // the wire format
  if (change_.below(2) == 0) post.flags |= Post::with_waiting;
  return post;
}

Patch ScriptChange::new_patch() {
  Patch patch;
  patch.place = static_cast<Place>(change_.below(places));
  patch.index = static_cast<std::uint8_t>(change_.below(256));
  if (patch.place == Place::leaf || patch.place == Place::signed_leaf) {
    patch.at = Patch::whole;
    patch.octets = change_.of<LeafNode>(own_leaf_);
  } else {
    patch.at = static_cast<std::uint8_t>(change_.below(256));
    patch.octets = change_.mutated({});
  }
  return patch;
}

// ---- what is changed

// A list changes as that of a Commit does, or another patch comes.
Octets ScriptChange::changed_committed(const Octets& payload) {
  constexpr std::size_t max_patches = 4;
  Committed said = read_committed(payload);
  const std::size_t way = change_.below(3);
  if (way == 0 && said.patches.size() < max_patches) {
    said.patches.push_back(new_patch());
  } else if (way == 1 && !said.patches.empty()) {
    Patch& patch = said.patches[change_.below(said.patches.size())];
    patch.octets = change_.mutated(patch.octets);
  } else {
    const Octets commit = change_.of<Commit>(vector(said.list) + Octets{0});
    Commit decoded;
    if (decode(commit, decoded) == Error::none) said.list = model::octets(decoded.proposals.encoded());
  }
  Octets out = number(said.list.size(), 2) + said.list;
  for (const Patch& patch : said.patches) out = out + written(patch);
  return out;
}

Octets ScriptChange::changed_founding(const Octets& payload, const LiveGroup& group) {
  Founding founding = read_founding(payload);
  const auto number_below = [this](std::size_t bound) {
    return static_cast<std::uint8_t>(change_.below(bound));
  };
  switch (change_.below(8)) {
    case 0:
      founding.usage = number_below(4);
      break;
    case 1:
      founding.epochs_back = number_below(8);
      break;
    case 2:
      founding.epoch = number_below(3);
      break;
    case 3:
      founding.version ^= number_below(4);
      break;
    case 4:
      founding.suite = number_below(8);
      break;
    case 5:
      founding.group_id = change_.mutated(founding.group_id);
      break;
    case 6:
      founding.extensions =
          change_.below(2) == 0 ? group.first_extensions : change_.mutated(founding.extensions);
      break;
    default:
      founding.members ^= static_cast<std::uint16_t>(1u << change_.below(LiveGroup::candidates));
  }
  return written(founding);
}

Octets ScriptChange::changed_payload(const Post& post, const LiveGroup& group) {
  if (change_.below(8) == 0) return change_.mutated(post.payload);
  switch (post.kind) {
    case Kind::whole:
      return change_.of<MlsMessage>(post.payload);
    case Kind::committed:
    case Kind::joined:
      return changed_committed(post.payload);
    case Kind::founded:
      return changed_founding(post.payload, group);
    case Kind::genuine:
      return {};
    case Kind::framed:
      break;
  }
  if (post.content_type() == ContentType::proposal) return change_.of<Proposal>(post.payload);
  if (post.content_type() == ContentType::commit) return change_.of<Commit>(post.payload);
  return change_.mutated(post.payload);
}

// What is late comes behind what ends its epoch, and what succeeds a group behind what closes it.
void ScriptChange::insert(Script& script, std::size_t at, const Post& post) {
  if (script.posts.size() == Script::max_posts) return;
  const bool is_last = post.epochs_back() > 0 || post.kind == Kind::founded;
  const std::size_t place = is_last ? script.posts.size() : at;
  script.posts.insert(script.posts.begin() + static_cast<std::ptrdiff_t>(place), post);
}

// Behind all else, as far as there is room.
void ScriptChange::close_and_succeed(Script& script, const LiveGroup& group) {
  if (script.posts.size() + 2 > Script::max_posts) script.posts.resize(Script::max_posts - 2);
  Founding founding;
  founding.usage = static_cast<std::uint8_t>(ResumptionPskUsage::reinit);
  founding.members = group.everybody();
  founding.group_id = model::octets(next_group);
  script.posts.push_back(Post::committed(encoded(ProposalOrRefType::proposal) + closing_));
  script.posts.push_back({Kind::founded, 0, 0, 0, changed_founding(written(founding), group)});
}

void ScriptChange::change(Script& script, const LiveGroup& group) {
  if (script.posts.empty()) script.posts.push_back(new_post(group));
  const std::size_t at = change_.below(script.posts.size());
  Post& post = script.posts[at];
  const auto a_bit = [this](std::uint8_t of) {
    return static_cast<std::uint8_t>(of ^ 1u << change_.below(8));
  };
  switch (change_.below(17)) {
    case 0:
      insert(script, at, new_post(group));
      return;
    case 7:
      if (change_.below(4) == 0) close_and_succeed(script, group);
      return;
    case 1:
      script.posts.erase(script.posts.begin() + static_cast<std::ptrdiff_t>(at));
      return;
    case 2:
      post = new_post(group);
      return;
    case 3:
      script.situation = static_cast<std::uint8_t>(change_.below(situations));
      return;
    case 4:
      post.how = a_bit(post.how);
      return;
    case 5:
      post.flags = a_bit(post.flags);
      return;
    case 6:
      post.which = static_cast<std::uint8_t>(change_.below(change_.below(4) == 0 ? 256 : 4));
      return;
    default:
      post.payload = changed_payload(post, group);
  }
}

Octets ScriptChange::operator()(Script script, const LiveGroup& group, std::uint32_t seed) {
  change_.start(seed);
  if (change_.below(8) == 0) return change_.mutated(written(script));
  change(script, group);
  return written(script);
}

}  // namespace tacet
