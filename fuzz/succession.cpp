#include "fuzz/succession.h"

namespace tacet {

namespace {

using adversary::encoded;

constexpr auto own_suite = CipherSuite::x25519_chacha20poly1305_sha256_ed25519;
constexpr std::uint64_t first_epoch = 1;  // in which the receivers have joined

Octets name_of(const Credential& credential) { return model::octets(credential.body); }

Octets name_of(const Device& device) {
  KeyPackage published;
  must(decode(device.key_package, published));
  return name_of(published.leaf_node.credential);
}

std::set<Octets> names_in(const RatchetTree& tree) {
  std::set<Octets> names;
  must(tree.for_each_leaf([&](LeafIndex index) noexcept {
    names.insert(name_of(tree.leaf(index).credential));
    return Error::none;
  }));
  return names;
}

}  // namespace

// ---- how it is made

Succession::Succession(LiveGroup& group, const Post& post)
    : group_(group),
      said_(read_founding(post.payload)),
      has_psk_twice_(post.has_psk_twice()),
      is_from_elsewhere_(post.is_from_elsewhere()) {
  if (!group.insider.epoch) throw std::logic_error("nobody is there to found it");
  const std::uint64_t present = group.insider.epoch->state.context().epoch;
  psk_epoch_ = is_from_elsewhere_ ? LiveGroup::epoch_elsewhere : present - said_.epochs_back;
  Insider& founder = group.new_founder();
  founder.create(said_.group_id);
  adversary::CommitPlan plan;
  plan.with_path = post.has_path();
  plan.proposals = adds() + psks();
  plan.context = [this](GroupContext& context) { change(context); };
  const adversary::MadeCommit made = commit_of(founder, plan);
  names_.insert(name_of(founder));
  welcome_ = welcome_of(founder, made);
  authenticator_ = made.epoch_authenticator;
}

Octets Succession::adds() {
  Octets list;
  for (unsigned place = 0; place < LiveGroup::candidates; ++place) {
    const Device& device = group_.candidate(place);
    if ((said_.members >> place & 1) == 0 || &device == &group_.insider) continue;
    added_.insert(&device);
    names_.insert(name_of(device));
    list = list + encoded(ProposalOrRefType::proposal, ProposalType::add) + device.key_package;
  }
  return list;
}

Octets Succession::psks() const {
  if (said_.usage == Founding::no_psk) return {};
  const Octets former = model::octets(group_.insider.epoch->state.context().group_id);
  Octets list;
  for (int count = has_psk_twice_ ? 2 : 1; count > 0; --count) {
    Octets nonce(group_.crypto.hash_size());
    must(group_.crypto.random(nonce));
    list = list + encoded(ProposalOrRefType::proposal, ProposalType::psk, PskType::resumption) +
           number(said_.usage, 1) +
           vector(is_from_elsewhere_ ? model::octets(LiveGroup::elsewhere) : former) + number(psk_epoch_, 8) +
           vector(nonce);
  }
  return list;
}

void Succession::change(GroupContext& context) const {
  context.version = static_cast<ProtocolVersion>(said_.version);
  context.cipher_suite = static_cast<CipherSuite>(said_.suite);
  context.epoch = said_.epoch;
  must(Extensions::parse(said_.extensions, context.extensions));
}

// ---- what has to become of it

bool Succession::is_psk_known(const GroupContext& present) const {
  if (is_from_elsewhere_) return true;
  const std::uint64_t newest = present.epoch, kept = Limits().resumption_psks;
  return psk_epoch_ >= first_epoch && psk_epoch_ <= newest && newest - psk_epoch_ <= kept;
}

// RFC 9420, 11.2. The same members: none is left out.
bool Succession::reinitialises(const PublicState& former) const {
  const ReInit* const re_init = former.re_init();
  const Names before = names_in(former.tree());
  return re_init != nullptr && psk_epoch_ == former.context().epoch &&
         equal(re_init->group_id, said_.group_id) &&
         re_init->version == static_cast<ProtocolVersion>(said_.version) &&
         re_init->cipher_suite == static_cast<CipherSuite>(said_.suite) &&
         equal(re_init->extensions.encoded(), said_.extensions) &&
         std::includes(names_.begin(), names_.end(), before.begin(), before.end());
}

// RFC 9420, 11.3. Version and suite are those of all groups that can be joined.
bool Succession::branches_from(const PublicState& former) const {
  const Names before = names_in(former.tree());
  return std::includes(before.begin(), before.end(), names_.begin(), names_.end());
}

std::optional<bool> Succession::is_rightful(const Receiver& who) const {
  const PublicState& former = who.group.state();
  const bool is_for_it = added_.count(&who) != 0;
  const bool is_readable = said_.version == static_cast<std::uint16_t>(ProtocolVersion::mls10) &&
                           said_.suite == static_cast<std::uint16_t>(own_suite);
  if (!is_for_it || !is_readable) return false;
  if (said_.usage != Founding::no_psk && !is_psk_known(former.context())) return false;
  const auto usage = static_cast<ResumptionPskUsage>(said_.usage);
  if (usage == ResumptionPskUsage::reinit || usage == ResumptionPskUsage::branch) {
    if (has_psk_twice_ || is_from_elsewhere_ || said_.epoch != 1) return false;
    const bool is_reinit = usage == ResumptionPskUsage::reinit;
    if (!(is_reinit ? reinitialises(former) : branches_from(former))) return false;
  }
  // Of other extensions the members need not be able.
  const bool is_able = said_.extensions.empty() || equal(said_.extensions, group_.first_extensions);
  return is_able ? std::optional(true) : std::nullopt;
}

// ---- who joins

Successor::Successor(Receiver& of) : of_(of), known_(of.psks.known), heir_(of), heard_(of.client().memory) {
  std::uint64_t epoch = of.group.state().context().epoch;
  while (epoch > 0 && of.remember_psk(epoch) == Error::none) --epoch;
}

Octets Successor::say(const Octets& words) {
  KeySigner signer = of_.signer();
  const Result<std::size_t> size = heir_.group.seal_size(words.size(), {});
  must(size.error());
  Octets room(size.value());
  const Result<Bytes> sealed = heir_.group.seal(signer, words, {}, room);
  must(sealed.error());
  return model::octets(sealed.value());
}

bool Successor::hears(const Octets& message, const Octets& words) {
  return rooms_.give(heir_.group, message, heard_) == Error::none && equal(heard_.application_data, words);
}

}  // namespace tacet
