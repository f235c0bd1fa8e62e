#pragma once

// Live endpoints of a group on the floor below its public verbs, so that tests reach into their epochs.

#include <memory>
#include <optional>

#include "device.h"

namespace tacet::adversary {

class Endpoint : public Device {
 public:
  using Device::Device;

  void create(const Octets& group_id, std::span<const Extension> extensions = {});
  Error join(const Octets& welcome, const Octets& tree = {});

  // Whether a Commit would be accepted; nothing changes.
  Error consider(const Octets& message);
  // Takes a message: keeps a proposal, adopts a Commit, reads application data. There is no epoch after a
  // Commit that removes the endpoint.
  Error receive(const Octets& message);

  // A proposal of one's own, kept and as it is sent; and an entry of a list that refers to it.
  struct Proposed {
    Octets message, reference;
  };
  Proposed propose(const Octets& proposal, WireFormat format = WireFormat::public_message);

  // A Commit of a list of encoded ProposalOrRefs, pending until it is adopted or dropped.
  Error commit(const Octets& list, NewCommit wanted = {});
  void adopt();

  // The resumption PSK of this epoch is known from now on, for as long as the endpoint is there.
  void remember_psk();

  Octets authenticator() const;

  // What an epoch lends to its messages, while this lives.
  struct Lent {
    explicit Lent(Endpoint& of);
    Secret membership_key, sender_data_secret;
    MessageEpoch epoch;
  };

  std::optional<Epoch> epoch;
  std::unique_ptr<OwnCommit> pending;

 private:
  Error authenticate(const Octets& message, AuthenticatedContent& out, PeekedKey& key);

  Octets message_, room_;  // which the last AuthenticatedContent views
};

}  // namespace tacet::adversary
