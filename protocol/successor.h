#pragma once

// Groups that succeed another (RFC 9420, 11.2, 11.3): after a ReInit has closed it, or branched from it. What
// such a group has to be, for whoever creates it and for those who join.

#include "commit.h"

namespace tacet {

// Which groups the endpoint is in, for their successors.
class FormerGroups {
 public:
  // Its group of that id, closed or not, or nullptr; it lives as long as the call that asks for it.
  virtual const PublicState* find(Bytes group_id) noexcept = 0;

 protected:
  ~FormerGroups() = default;
};

// Whether a resumption PSK says that a group succeeds another.
constexpr bool succeeds(const PreSharedKeyId& id) noexcept {
  return id.type == PskType::resumption && id.usage != ResumptionPskUsage::application;
}

// Whether a group may begin its epoch 1 with that GroupContext as the successor of `former` that `psk` makes
// it. Errors: reinit_absent, successor_epoch, successor_psk_epoch, successor_group_id, successor_version,
// successor_suite, successor_extensions.
Error check_successor(const PublicState& former, const PreSharedKeyId& psk,
                      const GroupContext& context) noexcept;

// The members of that group, in `tree`: all of those of a closed group, or some of those that it branches
// from, as the Policy knows clients. has_client(identity) says whether one is in the tree. Errors:
// successor_member_absent, successor_member_foreign.
template <class HasClient>
Error check_successor_members(const Client& client, const PublicState& former, const PreSharedKeyId& psk,
                              const TreeView& tree, HasClient has_client) noexcept {
  const Policy& policy = client.policy;
  if (psk.usage == ResumptionPskUsage::reinit) {
    return former.tree().for_each_leaf([&](LeafIndex index) noexcept -> Error {
      REFUSE_IF(!has_client(policy.identity(former.tree().leaf(index).credential)),
                Error::successor_member_absent);  // [REINIT-18]
      return Error::none;
    });
  }
  return tree.for_each_leaf([&](LeafIndex index) noexcept -> Error {
    const Bytes identity = policy.identity(tree.leaf(index).credential);
    REFUSE_IF(!former.tree()
                   .other_with(client.crypto, NodeIndexMap::Of::client, identity, std::nullopt)
                   .has_value(),
              Error::successor_member_foreign);  // [BRANCH-05]
    return Error::none;
  });
}

}  // namespace tacet
