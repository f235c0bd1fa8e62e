#pragma once

// A member of a group as an application has it: a device with a Group, used by its public verbs alone.

#include "device.h"
#include "protocol/group.h"

namespace tacet::adversary {

// What lasts of a group: its two records.
struct Save {
  Octets epoch, ratchets;
};

class Member : public Device {
 public:
  template <class Source>  // Random or Crypto, as in Device
  Member(std::string named, Source& source, Memory& memory, Memory& secret_memory)
      : Device(std::move(named), source, memory, secret_memory), group(client(), psks), heard(memory) {}

  explicit Member(const Member& same)
      : Device(same), group(client(), psks), heard(memory_), storage_key(same.storage_key) {}
  // What was in its memory before is not the endpoint's. (Where g++ inlines only one of the two it warns.)
  [[gnu::noinline]] static void* operator new(std::size_t size);
  [[gnu::noinline]] static void operator delete(void* block);

  void create(const Octets& group_id, std::span<const Extension> extensions = {});
  Error join(const Octets& welcome, const Octets& tree = {}, FormerGroups* former_groups = nullptr) {
    return group.join(welcome, tree, *this, former_groups);
  }

  // What it sends: empty after an error, which is then in `error`.
  Octets propose(const Proposal& proposal);
  Octets propose_update(const NewLeaf& leaf = {});
  Octets commit(CommitOptions wanted = {});  // the Commit; it waits, and so does its Welcome
  Octets say(std::string_view text, std::string_view authenticated_data = {});
  Octets group_info(const GroupInfoOptions& wanted = {});
  // The Commit, which waits. Without a leaf it publishes a KeyPackage, for its leaf.
  Octets join_from_outside(const Octets& group_info, ExternalOptions wanted = {}, const Octets& tree = {});
  // Creates what succeeds a group in `successor`, with the leaf of the KeyPackage that was published last.
  // Its first Commit waits.
  Error succeed(Group& successor, const Group& former, SuccessorOptions wanted);
  Octets tree() const;  // as it is given apart

  // Takes a message; what it was is in `heard`.
  Error receive(const Octets& message);
  // The same, but it stays staged.
  Error stage(const Octets& message);
  std::string text() const;  // what was said in it

  // From now on its PSKs have the resumption PSK of its group in that epoch. Error::psk_unknown.
  Error remember_psk(std::uint64_t epoch) { return lend_psk(epoch, psks); }
  Error lend_psk(std::uint64_t epoch, KnownPsks& to);  // likewise those

  // Takes the place of what was saved before, as far as it is another, and is where it lasts.
  Error save(Save& save);
  Error restore(const Save& save);

  Octets welcome() const;
  Octets authenticator() const;

  Group group;
  Received heard;
  Error error = Error::none;
  Octets storage_key = Octets(32, 0x73);  // under which it is saved

 private:
  Octets taken(Error made, const Message& message);
  Error take(const Octets& message, bool adopts);

  Octets message_, room_;  // which `heard` views
};

// What they propose. A KeyPackage is viewed.
Proposal add_of(const Octets& key_package);
Proposal remove_of(LeafIndex leaf);
Proposal external_psk_of(std::string_view psk_id);
Proposal resumption_psk_of(Bytes group_id, std::uint64_t epoch);
Proposal reinit_of(Bytes group_id);  // to the suite that is built
Proposal extensions_of(const Extensions& extensions);
Proposal custom_of(ProposalType type, Bytes body);

}  // namespace tacet::adversary
