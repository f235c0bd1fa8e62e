#include "fuzz/process.h"

namespace tacet {

namespace {

// What depends on who receives: on its keys, on the ciphertext that is meant for it, on what it has sent. A
// PSK is not looked for by who is removed.
bool is_personal(Error error) {
  switch (error) {
    case Error::own_commit_unknown:
    case Error::generation_gone:
    case Error::psk_unknown:
    case Error::path_key_absent:
    case Error::path_key_mismatch:
    case Error::kem_output_length:
    case Error::kem_low_order:
    case Error::not_authentic:
    case Error::secret_length:
      return true;
    default:
      return false;
  }
}

// What is asked of who has a secret, before or after what everybody can know.
bool takes_a_secret(Error error) {
  return is_personal(error) || error == Error::membership_tag_invalid ||
         error == Error::confirmation_tag_invalid;
}

// Where every MAC is of zeros.
void blank_tags(Octets& message) {
  MlsMessage decoded;
  if (decode(message, decoded) != Error::none || decoded.wire_format != WireFormat::public_message) return;
  for (const Bytes tag :
       {decoded.public_message.auth.confirmation_tag, decoded.public_message.membership_tag}) {
    if (!tag.empty())
      std::fill_n(message.begin() + (tag.data() - message.data()), tag.size(), std::uint8_t{0});
  }
}

// When a message of a group is taken by who is in an epoch.
enum class Time : std::uint8_t { never, now, late };

// Of what is over, nothing but sealed application data of the epoch before.
Time time_of(const Octets& message, const PublicState& state) {
  MlsMessage decoded;
  if (decode(message, decoded) != Error::none) return Time::never;
  const PrivateMessage& sealed = decoded.private_message;
  const FramedContent& open = decoded.public_message.content;
  const bool is_open = decoded.wire_format == WireFormat::public_message;
  if (!is_open && decoded.wire_format != WireFormat::private_message) return Time::never;
  const std::uint64_t epoch = is_open ? open.epoch : sealed.epoch, present = state.context().epoch;
  if (!equal(is_open ? open.group_id : sealed.group_id, state.context().group_id)) return Time::never;
  if (epoch == present) return state.re_init() == nullptr ? Time::now : Time::never;
  const bool is_late = !is_open && sealed.content_type == ContentType::application && epoch + 1 == present;
  return is_late ? Time::late : Time::never;
}

bool is_open_proposal(const Octets& message) {
  MlsMessage decoded;
  return decode(message, decoded) == Error::none && decoded.wire_format == WireFormat::public_message &&
         decoded.public_message.content.content_type == ContentType::proposal;
}

constexpr std::size_t memory_of_a_message = std::size_t{1} << 17;  // for at most 4 KiB of it

}  // namespace

LiveGroup& Process::group(std::uint8_t situation) {
  std::unique_ptr<LiveGroup>& found = groups_[situation % situations];
  if (!found) {
    random_.start(1);
    found = std::make_unique<LiveGroup>(crypto_, random_, static_cast<Situation>(situation % situations));
  }
  return *found;
}

// A run begins where the group was before.
void Process::run(Bytes input) {
  const Script script = read_script(input);
  if (script.posts.empty()) return;
  present_ = &group(script.situation);
  present_->go_back();
  fresh_ = {};
  has_parted_ = false;
  may_have_reserved_ = {};
  is_watched_ = true;
  watched_.reset();
  bool is_honest = true;  // so far
  Attack attack(*present_);
  for (const Post& post : script.posts) {
    if (post.kind == Kind::founded) welcome(post);
    std::optional<Octets> message = attack.message(post);
    if (!message) continue;
    if (authentication_ == Authentication::always_succeeds) blank_tags(*message);
    const bool is_taken = deliver(*message, attack);
    is_honest &= post.has_to_be_taken();
    if (is_honest) demand(is_taken);
  }
  const bool looks_further = input.size() % 4 == 0;  // in some of the runs, as it takes time
  genuine_is_taken(looks_further);
  if (looks_further) go_on();
}

// What is taken is in its time, and what is said in time is taken: in the epoch before, too, if everybody has
// come from there.
Error Process::receive(std::size_t who, const Octets& message, const Attack& attack) {
  const Receiver& receiver = *present_->receivers[who];
  if (!receiver.group.is_active()) return Error::group_inactive;
  const Time time = time_of(message, receiver.group.state());
  if (time == Time::late) may_have_reserved_[who] = true;
  const Error error = take(who, message);
  if (error == Error::none) demand(time != Time::never);
  const bool has_to_be = attack.is_said() && !has_parted_ && authentication_ == Authentication::real;
  if (has_to_be && time != Time::never) demand(error);
  return error;
}

// Nothing is changed by what is refused, and memory is bounded.
Error Process::take(std::size_t who, const Octets& message) {
  Receiver& receiver = *present_->receivers[who];
  const Receiver::Kept& before = fresh_[who] ? *fresh_[who] : present_->kept[who];
  const std::size_t used = receiver.memory.used() + receiver.secret_memory.used();
  const Error error = receiver.receive(message);
  demand(receiver.memory.used() + receiver.secret_memory.used() - used <= memory_of_a_message);
  if (error == Error::none) {
    fresh_[who].emplace(receiver.keep());
    if (receiver.group.is_active() && !is_open_proposal(message)) is_once(who, message);
  } else {
    const bool is_new_epoch = before.authenticator != present_->kept[who].authenticator;
    demand(receiver.is_as(before, is_new_epoch || may_have_reserved_[who]));
  }
  return error;
}

// What was taken is refused when it comes again; but a proposal in the open, which is known by then.
void Process::is_once(std::size_t who, const Octets& message) {
  Receiver& receiver = *present_->receivers[who];
  demand(receiver.receive(message) != Error::none);
  demand(receiver.is_as(*fresh_[who], false));
}

// Who join the same group are in the same epoch, and hear each other; their own group stays as it was.
void Process::welcome(const Post& post) {
  std::optional<Succession> succession;
  try {
    succession.emplace(*present_, post);
  } catch (const std::logic_error&) {
    return;
  }
  const std::array<Receiver::Kept, 2> before = {present_->a.keep(), present_->b.keep()};
  std::array<std::optional<Successor>, 2> joined;
  for (std::size_t i = 0; i < joined.size(); ++i) join(i, *succession, joined[i]);
  auto& [a, b] = joined;
  if (a && b && !has_parted_) {
    const Octets words = model::octets("hello");
    demand(a->authenticator() == b->authenticator());
    demand(b->hears(a->say(words), words) && a->hears(b->say(words), words));
  }
  for (std::size_t i = 0; i < joined.size(); ++i) {
    joined[i].reset();
    demand(present_->receivers[i]->is_as(before[i], false));
  }
}

// Who has joined has used its KeyPackage up, and nobody else.
void Process::join(std::size_t who, const Succession& succession, std::optional<Successor>& out) {
  Receiver& receiver = *present_->receivers[who];
  if (!receiver.group.is_active()) return;
  const std::optional<bool> is_rightful = succession.is_rightful(receiver);
  const std::size_t used = receiver.memory.used() + receiver.secret_memory.used();
  const std::size_t used_up = receiver.used_up;
  const Error error = out.emplace(receiver).join(succession.welcome());
  demand(receiver.memory.used() + receiver.secret_memory.used() - used <= memory_of_a_message);
  demand(receiver.used_up - used_up == (error == Error::none ? 1 : 0));
  if (error == Error::none) {
    demand(is_rightful.value_or(true));
    const bool is_known = authentication_ == Authentication::real && !has_parted_;
    if (is_known) demand(out->authenticator() == succession.authenticator());
  } else {
    demand(!is_rightful.value_or(false) || has_parted_);
    out.reset();
  }
}

// Whether all took it who are in the group.
bool Process::deliver(const Octets& message, Attack& attack) {
  const Octets& leads_to = attack.authenticator();  // if it is a Commit
  const std::array<Error, 2> errors = {receive(0, message, attack), receive(1, message, attack)};
  watch(message, errors);
  compare(errors);
  for (std::size_t i = 0; i < errors.size(); ++i) {
    const Receiver& receiver = *present_->receivers[i];
    const bool follows = errors[i] == Error::none && receiver.heard.event == Event::commit;
    if (!follows || leads_to.empty() || authentication_ != Authentication::real) continue;
    demand(receiver.authenticator() == leads_to);
  }
  if (errors[0] == Error::none || errors[1] == Error::none) attack.is_taken(message);
  return std::all_of(errors.begin(), errors.end(),
                     [](Error error) { return error == Error::none || error == Error::group_inactive; });
}

// Who follows without secrets takes what members take of what is in the open, and refuses for the same reason
// what all refuse, unless the reason is a secret.
void Process::watch(const Octets& message, const std::array<Error, 2>& errors) {
  MlsMessage decoded;
  const bool is_read = decode(message, decoded) == Error::none;
  if (!is_read || decoded.wire_format != WireFormat::public_message) {
    for (std::size_t i = 0; i < errors.size(); ++i) {
      const bool is_handshake = present_->receivers[i]->heard.event != Event::application;
      if (errors[i] == Error::none && is_handshake) is_watched_ = false;
    }
    return;
  }
  if (!is_watched_ || has_parted_) return;
  Watcher& watcher = *present_->watcher;
  const Watcher::Kept& before = watched_ ? *watched_ : *present_->watcher_kept;
  const Error seen = watcher.receive(message);
  if (seen != Error::none) demand(watcher.is_as(before));
  for (std::size_t i = 0; i < errors.size(); ++i) {
    if (errors[i] != Error::none) continue;
    demand(seen);
    is_watched(*present_->receivers[i]);
  }
  const bool is_taken = errors[0] == Error::none || errors[1] == Error::none;
  if (is_taken) {
    watched_.emplace(watcher.keep());
  } else if (seen == Error::none) {
    watcher.go_back(before);
  }
  const bool agree = errors[0] == errors[1] && !takes_a_secret(errors[0]);
  if (agree && errors[0] != Error::group_inactive) demand(seen == errors[0]);
}

void Process::is_watched(const Receiver& receiver) {
  if (!receiver.group.is_active()) return;
  const PublicState& seen = present_->watcher->observer.state();
  demand(equal(seen.group_context(), receiver.group.state().group_context()));
  demand(seen.proposals().size() == receiver.waiting());
}

// Two who receive the same take it for the same, unless what makes the difference is their own.
void Process::compare(const std::array<Error, 2>& errors) {
  const auto& [a, b] = present_->receivers;
  const bool both_active = errors[0] != Error::group_inactive && errors[1] != Error::group_inactive;
  if (has_parted_ || !both_active) return;
  if (errors[0] != errors[1]) {
    // Who is removed looks no further.
    const bool is_removed = !a->group.is_active() || !b->group.is_active();
    const auto excuses = [&](Error error) {
      return is_personal(error) || (is_removed && error == Error::confirmation_tag_invalid);
    };
    demand(excuses(errors[0]) || excuses(errors[1]));
    has_parted_ = errors[0] == Error::none || errors[1] == Error::none;
    return;
  }
  if (errors[0] != Error::none || !a->group.is_active() || !b->group.is_active()) return;
  demand(a->authenticator() == b->authenticator() && a->waiting() == b->waiting());
  demand(equal(a->group.state().group_context(), b->group.state().group_context()));
}

// By whoever has taken nothing since the genuine messages were made.
void Process::genuine_is_taken(bool all) {
  const auto& [a, b] = present_->receivers;
  for (std::size_t i = 0; i < fresh_.size(); ++i) {
    if (fresh_[i]) continue;
    const std::size_t count = all ? present_->genuine.size() : 1;
    for (std::size_t k = 0; k < count; ++k) demand(present_->receivers[i]->receive(present_->genuine[k]));
  }
  if (all && !fresh_[0] && !fresh_[1]) demand(a->authenticator() == b->authenticator());
}

// Who have taken a Commit hold the keys of what is in the tree: one takes the other's next Commit. An insider
// can put a key there to which nobody can encrypt; then the other cannot make one.
void Process::go_on() {
  Receiver& a = *present_->receivers[0];
  Receiver& b = *present_->receivers[1];
  const bool both_active = a.group.is_active() && b.group.is_active();
  if (!both_active || a.authenticator() != b.authenticator() || a.group.is_closed()) return;
  b.group.drop_pending();
  CommitOptions wanted;
  wanted.with_waiting = false;
  random_.start(3);  // what was drawn in other runs can be in what was taken, and no key comes twice
  const Octets next = b.commit(wanted);
  demand(b.error == Error::none || b.error == Error::kem_low_order);
  if (b.error != Error::none) return;
  demand(a.receive(next));
  b.group.adopt_pending();
  demand(a.authenticator() == b.authenticator());
}

std::size_t Process::mutate(MutableBytes room, std::size_t size, std::uint32_t seed,
                            FieldChange::Mutate mutate) {
  if (!change_) change_.emplace(group(static_cast<std::uint8_t>(Situation::full)), mutate);
  const Script script = read_script(room.first(size));
  const Octets out = (*change_)(script, group(script.situation), seed);
  if (out.size() > room.size()) return size;
  std::copy(out.begin(), out.end(), room.begin());
  return out.size();
}

}  // namespace tacet

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  return tacet::process().mutate({data, max_size}, size, seed, LLVMFuzzerMutate);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tacet::process().run({data, size});
  return 0;
}
