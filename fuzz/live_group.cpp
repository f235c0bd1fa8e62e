#include "fuzz/live_group.h"

namespace tacet {

namespace {

using adversary::add_of;

// What everybody supports beside RFC 9420.
constexpr std::array<ProposalType, 1> custom = {LiveGroup::custom_type};

}  // namespace

LiveGroup::LiveGroup(Crypto& primitives, RepeatedRandom& random, Situation situation)
    : crypto(primitives), random_(random) {
  found();
  if (situation != Situation::fresh) {
    for_each_member([this](Other& each) { commit(each); });
    commit_insider();
  }
  if (situation == Situation::blanks) make_blanks();
  hear_all();
  make_genuine();
  make_watcher();
  if (situation == Situation::pending) make_pending();
  for (Receiver* const each : receivers) kept.push_back(each->keep());
  watcher_kept.emplace(watcher->keep());
  insider_kept_.emplace(insider.keep());
  prepare_successors();
}

void LiveGroup::equip(Device& device) {
  device.supported.proposals = custom;
  device.psks.known["agreed"] = model::octets("a PSK of all");
  const std::string other = adversary::KnownPsks::resumption(model::octets(elsewhere), epoch_elsewhere);
  device.psks.known[other] = model::octets("a PSK of another group");
  device.publish();
}

// The founder adds all others but the newcomer and who comes late.
void LiveGroup::found() {
  Other& founder = others_[0];
  for (Other& each : others_) equip(each);
  for (Device* const each : std::initializer_list<Device*>{&a, &b, &insider, &newcomer, &late_}) equip(*each);
  Octets senders;
  for (const Device& each : outsiders) {
    senders = senders + vector(each.signature_key) + number(1, 2) + vector("bot");
  }
  const Octets external_senders = vector(senders);
  const std::array<Extension, 1> extensions = {Extension{ExtensionType::external_senders, external_senders}};
  founder.create(model::octets("group"), extensions);

  const std::array<Device*, members - 1> added = {&a, &others_[1], &insider,   &others_[2],
                                                  &b, &others_[3], &others_[4]};
  std::vector<Proposal> adds;
  for (const Device* each : added) adds.push_back(add_of(each->key_package));
  CommitOptions wanted;
  wanted.proposals = adds;
  founder.commit(wanted);
  must(founder.error);
  const Octets welcome = founder.welcome();
  founder.group.adopt_pending();
  for (Other* const each :
       std::initializer_list<Other*>{&a, &b, &others_[1], &others_[2], &others_[3], &others_[4]}) {
    must(each->join(welcome));
  }
  must(insider.join(welcome));
}

void LiveGroup::deliver(const Octets& message, const Device& from) {
  for_each_member([&](Other& each) {
    if (&each != &from) must(each.receive(message));
  });
  if (&from != &insider) must(insider.receive(message));
  MlsMessage decoded;
  must(decode(message, decoded));
  const bool is_open = watcher && decoded.wire_format == WireFormat::public_message;
  if (is_open) must(watcher->receive(message));
}

void LiveGroup::adopt(Other& by, const Octets& made) {
  must(by.error);
  by.group.adopt_pending();
  deliver(made, by);
}

void LiveGroup::commit(Other& by, std::span<const Proposal> proposals, bool with_path) {
  CommitOptions wanted;
  wanted.proposals = proposals;
  wanted.with_path = with_path;
  adopt(by, by.commit(wanted));
}

void LiveGroup::commit_insider() {
  must(insider.commit({}));
  const Octets made = model::octets(insider.pending->message);
  insider.adopt();
  deliver(made, insider);
}

// The leftmost blank leaf is taken.
void LiveGroup::add_late() {
  const std::array<Proposal, 1> add = {add_of(late_.key_package)};
  CommitOptions wanted;
  wanted.proposals = add;
  wanted.with_path = false;
  const Octets made = others_[1].commit(wanted);
  must(others_[1].error);
  const Octets welcome = others_[1].welcome();
  adopt(others_[1], made);
  must(late_.join(welcome));
}

void LiveGroup::make_blanks() {
  const std::array<Proposal, 1> last_but_one = {adversary::remove_of(LeafIndex{6})};
  const std::array<Proposal, 1> first = {adversary::remove_of(LeafIndex{0})};
  commit(others_[1], last_but_one);
  commit(others_[2], first);
  commit(a);
  add_late();
}

// Nobody's message needs new memory: what is refused leaves not even that behind.
void LiveGroup::hear_all() {
  for_each_member([this](Other& each) {
    const Octets message = each.say("here");
    must(each.error);
    deliver(message, each);
  });
  const RatchetType type = RatchetType::application;
  adversary::Builder builder(crypto, means_of(insider));
  const Octets message = builder.private_message(
      framed_by(insider, ContentType::application, vector("here too")), next_message_key(insider, type), 0);
  deliver(message, insider);
  MessageKey spent;
  must(insider.epoch->member.secret_tree().next(crypto, {insider_leaf}, type, spent));
}

// By d and e, whom nobody removes; they do not hear of it, so that each could come first.
void LiveGroup::make_genuine() {
  Other& d = others_[1];
  Other& e = others_[2];
  genuine.push_back(d.say("genuine"));
  must(d.error);
  genuine.push_back(e.propose_update());
  must(e.error);
  genuine.push_back(d.commit());
  must(d.error);
}

void LiveGroup::make_watcher() {
  watcher.emplace("watcher", crypto);
  watcher->supported.proposals = custom;
  Other& d = others_[1];
  const Octets info = d.group_info();
  must(d.error);
  must(watcher->observer.start(info, {}));
}

// Last of all: what was drawn before stays the same.
void LiveGroup::prepare_successors() {
  for (Receiver* const each : receivers) each->publish();
  founder_.emplace(insider.name, crypto);
  founder_->supported.proposals = custom;
  founder_kept_.emplace(founder_->keep());
  for (unsigned place = 0; place < candidates; ++place) {
    const Device* const device = &candidate(place);
    for_each_member([&](const Other& each) {
      if (device == &each) everybody_ = static_cast<std::uint16_t>(everybody_ | 1u << place);
    });
  }
  first_extensions = model::octets(a.group.state().context().extensions.encoded());
}

// In the open, for who watches.
void LiveGroup::make_pending() {
  Other& f = others_[3];
  f.policy.format = WireFormat::public_message;
  const Octets update = f.propose_update();
  must(f.error);
  deliver(update, f);
  const Octets psk = f.propose(adversary::external_psk_of("agreed"));
  must(f.error);
  deliver(psk, f);
  a.commit();
  must(a.error);
}

}  // namespace tacet
