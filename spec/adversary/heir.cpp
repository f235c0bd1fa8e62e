#include "heir.h"

#include "octets.h"

namespace tacet::adversary {

Heir::Heir(Member& member) : of(member), group(member.client(), member.psks) {
  const GroupContext& context = of.group.state().context();
  const std::string name = KnownPsks::resumption(context.group_id, context.epoch);
  if (of.psks.known.count(name) != 0) return;
  must(of.remember_psk(context.epoch));
  psk_ = name;
}

Heir::~Heir() {
  if (!psk_.empty()) of.psks.known.erase(psk_);
}

const PublicState* Heir::find(Bytes group_id) noexcept {
  const bool is_it = of.group.is_active() && equal(group_id, of.group.state().context().group_id);
  return is_it ? &of.group.state() : nullptr;
}

Octets Heir::succeed(SuccessorOptions wanted) {
  of.error = of.succeed(group, of.group, wanted);
  return octets_of(group.pending_welcome());
}

}  // namespace tacet::adversary
