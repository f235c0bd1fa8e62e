#include "history.h"

#include "message_maker.h"
#include "protocol/outside.h"
#include "spec/adversary/reveal.h"

namespace tacet::tool {

using adversary::encoded;
using adversary::vector_of;

namespace {

// What a client knows of the group that another succeeds.
struct FormerGroup final : FormerGroups {
  explicit FormerGroup(const PublicState& group) : state(group) {}
  const PublicState* find(Bytes group_id) noexcept override {
    return equal(group_id, state.context().group_id) ? &state : nullptr;
  }
  const PublicState& state;
};

// From now on it knows the resumption PSKs that its group keeps.
void remember(Member& who) {
  if (!who.group.is_active()) return;
  for (std::uint64_t epoch = 0; epoch <= who.group.state().context().epoch; ++epoch) {
    static_cast<void>(who.remember_psk(epoch));  // not every one is kept
  }
}

std::string text_of(const Octets& octets) { return {octets.begin(), octets.end()}; }

}  // namespace

void prepare_for_vectors(Device& device) {
  device.lifetime = {0, std::numeric_limits<std::uint64_t>::max()};
  device.limits = limits_of_vectors();
  device.limits.resumption_psks = 1024;
  device.limits.past_epochs = past_epochs;
}

void tell_keys(const Device& client, Json& object) {
  object["key_package"] =
      to_hex(joined({encoded(ProtocolVersion::mls10, WireFormat::key_package), client.key_package}));
  object["signature_priv"] = to_hex(reveal(client.signing_key).first(32));
  object["encryption_priv"] = to_hex(reveal(client.keys.encryption_key));
  object["init_priv"] = to_hex(reveal(client.keys.init_key));
}

// ---- who is there

History::History(Generator& generator, WireFormat format)
    : generator_(generator),
      format_(format),
      client_(generator.letters(6), generator.random(), memory_, memory_) {
  prepare_for_vectors(client_);
  for (ExternalPsk& each : psks_) {
    each.id = generator.bytes(16);
    each.psk = generator.bytes(32);
  }
  live().create(generator.bytes(32));
}

History::History(History& former, Member& by, const std::vector<Member*>& others, SuccessorOptions wanted)
    : generator_(former.generator_),
      format_(former.format_),
      psks_(former.psks_),
      client_(former.client_.name, generator_.random(), memory_, memory_) {
  prepare_for_vectors(client_);
  client_.signing_key = adversary::copy_of(former.client_.signing_key);
  client_.signature_key = former.client_.signature_key;
  for (ExternalPsk& each : psks_) each.is_told = false;
  Member& founder = again(by);
  Proposals proposals = {add(client_)};
  for (Member* const each : others) proposals.push_back(add(again(*each)));
  for (const Proposal& each : wanted.proposals) proposals.push_back(each);
  wanted.proposals = proposals;
  wanted.now = adversary::while_leaves_are_current;
  KeyPackage own;
  must(decode(Bytes(founder.publish()), own));
  KeySigner signer = founder.signer();
  must(founder.group.succeed(signer, by.group, own.leaf_node.encoded,
                             adversary::copy_of(founder.keys.encryption_key), wanted));
  welcome_ = founder.welcome();
  founder.group.adopt_pending();
  if (!wanted.tree_inline) tree_ = founder.tree();
  has_client_ = true;
  FormerGroup group(by.group.state());
  for (const auto& each : members_) {
    if (each.get() != &founder) must(each->join(welcome_, tree_, &group));
  }
}

Member& History::enter(std::string name) {
  Member& who = *members_.emplace_back(
      std::make_unique<Member>(std::move(name), generator_.random(), memory_, memory_));
  prepare_for_vectors(who);
  who.policy.format = format_;
  for (const ExternalPsk& each : psks_) who.psks.known[text_of(each.id)] = each.psk;
  return who;
}

Member& History::live() { return enter(generator_.letters(6)); }

Member& History::again(Member& lost) {
  remember(lost);
  Member& who = enter(lost.name);
  who.signing_key = adversary::copy_of(lost.signing_key);
  who.signature_key = lost.signature_key;
  who.psks.known.insert(lost.psks.known.begin(), lost.psks.known.end());
  return who;
}

Device& History::idle() {
  idle_.push_back(std::make_unique<Device>(generator_.letters(6), generator_.random(), memory_, memory_));
  prepare_for_vectors(*idle_.back());
  return *idle_.back();
}

std::vector<Member*> History::active() const {
  std::vector<Member*> active;
  for (const auto& each : members_) {
    if (each->group.is_active()) active.push_back(each.get());
  }
  return active;
}

std::vector<const Device*> History::others() const {
  std::vector<const Device*> others;
  for (const auto& each : idle_) {
    if (leaf_of(*each).has_value()) others.push_back(each.get());
  }
  return others;
}

std::optional<LeafIndex> History::leaf_of(const Device& whom) const {
  const TreeView& tree = state().tree();
  for (LeafIndex leaf{0}; tree.size().contains(leaf); ++leaf.value) {
    if (!tree.is_blank(leaf) && equal(tree.leaf(leaf).signature_key, whom.signature_key)) return leaf;
  }
  return std::nullopt;
}

// ---- what they propose

Proposal History::add(Device& whom) { return adversary::add_of(kept_.emplace_back(whom.publish())); }

Proposal History::remove(const Device& whom) { return adversary::remove_of(leaf_of(whom).value()); }

Proposal History::psk(std::size_t which) {
  psks_[which].is_told = true;
  return adversary::external_psk_of(
      std::string_view(reinterpret_cast<const char*>(psks_[which].id.data()), psks_[which].id.size()));
}

Proposal History::resumption_psk(std::uint64_t epoch) {
  return adversary::resumption_psk_of(keep(octets_of(state().context().group_id)), epoch);
}

Proposal History::extensions(std::vector<Extension> of) {
  const Octets only_basic_credentials = {0, 0, 2, 0, 1};
  of.insert(of.begin(), {ExtensionType::required_capabilities, only_basic_credentials});
  Octets encodings;
  for (const Extension& each : of) encodings = joined({encodings, encoded(each)});
  Extensions list;
  must(Extensions::parse(keep(std::move(encodings)), list));
  return adversary::extensions_of(list);
}

Proposal History::external_senders(const std::vector<Device*>& whom) {
  Octets list;
  for (const Device* each : whom) {
    const ExternalSender sender = {each->signature_key, {CredentialType::basic, bytes_of(each->name)}};
    list = joined({list, encoded(sender)});
  }
  const Octets data = vector_of(list);
  return extensions({{ExtensionType::external_senders, data}});
}

Proposal History::re_init(CipherSuite suite, bool with_extensions) {
  Proposal proposal;
  proposal.type = ProposalType::reinit;
  proposal.re_init.group_id = keep(generator_.bytes(32));
  proposal.re_init.cipher_suite = suite;
  if (with_extensions) proposal.re_init.extensions = extensions().group_context_extensions.extensions;
  return proposal;
}

// ---- what happens

void History::to_all(const Octets& message, const Member* from) {
  for (Member* const each : active()) {
    if (each != from) must(each->receive(message));
  }
}

// By those whom it is for.
void History::take_welcome(const Octets& welcome, const Octets& tree) {
  if (welcome.empty()) return;
  for (const auto& each : members_) {
    if (each->group.is_active() || each->reference.empty()) continue;
    const Error error = each->join(welcome, tree);
    if (error != Error::group_secrets_absent) must(error);
  }
}

// All live members agree after it.
void History::tell(const Octets& commit) {
  const std::vector<Member*> all = active();
  for (const Member* const each : all) {
    if (each->authenticator() != all.front()->authenticator()) throw std::logic_error("members disagree");
  }
  if (has_client_) epochs_.push_back({{"proposals", std::move(proposals_)}, {"commit", to_hex(commit)}});
  proposals_ = Json::array();
}

void History::begin(Member& by, Proposals beside, bool tree_inline) {
  beside.insert(beside.begin(), add(client_));
  CommitOptions wanted;
  wanted.proposals = beside;
  wanted.tree_inline = tree_inline;
  const Octets commit = by.commit(wanted);
  must(by.error);
  welcome_ = by.welcome();
  to_all(commit, &by);
  by.group.adopt_pending();
  if (!tree_inline) tree_ = by.tree();
  take_welcome(welcome_, tree_);
  tell(commit);
  has_client_ = true;
}

void History::propose(Member& by, const Proposal& proposal) {
  const Octets message = by.propose(proposal);
  must(by.error);
  to_all(message, &by);
  proposals_.push_back(to_hex(message));
}

void History::propose_from_outside(Device& by, const Sender& sender, const Proposal& proposal) {
  KeySigner signer = by.signer();
  Message message;
  must(tacet::propose_from_outside(by.client(), signer,
                                   {sender, state().context().group_id, epoch(), proposal}, message));
  to_all(octets_of(message.bytes), nullptr);
  proposals_.push_back(to_hex(message.bytes));
}

void History::update(Member& by) {
  const Octets message = by.propose_update();
  must(by.error);
  to_all(message, &by);
  proposals_.push_back(to_hex(message));
}

void History::commit(Member& by, Proposals by_value, bool with_path) {
  CommitOptions wanted;
  wanted.proposals = by_value;
  wanted.with_path = with_path;
  const Octets commit = by.commit(wanted);
  must(by.error);
  const Octets welcome = by.welcome();
  to_all(commit, &by);
  by.group.adopt_pending();
  take_welcome(welcome, {});
  tell(commit);
}

void History::join(Member& joiner, Member& of, ExternalOptions wanted) {
  const Octets info = of.group_info({.external_pub = true});
  const Octets commit = joiner.join_from_outside(info, wanted);
  must(joiner.error);
  to_all(commit, &joiner);
  joiner.group.adopt_pending();
  tell(commit);
}

Octets History::say(Member& by, std::size_t size, std::size_t authenticated_data) {
  const std::string text = text_of(generator_.bytes(size));
  const std::string beside = text_of(generator_.bytes(authenticated_data));
  Octets message = by.say(text, beside);
  must(by.error);
  return message;
}

void History::hear(const Octets& message) {
  Json& messages = epochs_.empty() ? first_messages_ : epochs_.back()["messages"];
  messages.push_back({{"private_message", to_hex(message)}});
}

Json History::told(const std::vector<Json>& successors) const {
  Json object = {{"cipher_suite", generator_.suite_number()}, {"external_psks", Json::array()}};
  for (const ExternalPsk& each : psks_) {
    if (!each.is_told) continue;
    object["external_psks"].push_back({{"psk_id", to_hex(each.id)}, {"psk", to_hex(each.psk)}});
  }
  tell_keys(client_, object);
  object["welcome"] = to_hex(welcome_);
  object["ratchet_tree"] = tree_.empty() ? Json() : Json(to_hex(tree_));
  if (!first_messages_.is_null()) object["messages"] = first_messages_;
  object["epochs"] = epochs_;
  if (!successors.empty()) object["successors"] = successors;
  return object;
}

}  // namespace tacet::tool
