#pragma once

// The past epochs of a group whose application messages may still come (RFC 9420, 9.2): as many as the limit
// says. Of each the keys of its messages are kept that have not been used, and the leaves that were replaced
// when it ended, so that a late message is held against the members of its own epoch.

#include "epoch.h"

namespace tacet {

// The leaves that a Commit replaces, fills or blanks, as they were before it.
class ReplacedLeaves {
 public:
  explicit ReplacedLeaves(Memory& memory) noexcept : entries_(memory), bytes_(memory) {}

  // Copies them, once. Error::out_of_memory.
  Error take(const TreeDraft& draft) noexcept;

  // Nothing if that leaf is none of them; empty if it was blank.
  std::optional<Bytes> find(LeafIndex leaf) const noexcept;

 private:
  struct Entry {
    LeafIndex leaf;
    std::uint32_t offset, size;  // in bytes_
  };
  Array<Entry> entries_;
  Array<std::uint8_t> bytes_;
};

// An epoch that is over.
struct PastEpoch {
  explicit PastEpoch(const Client& client) noexcept
      : secret_tree(client.crypto.suite(), client.memory, client.secrets, client.limits),
        replaced(client.memory) {}

  std::uint64_t number() const noexcept { return context.fields().epoch; }

  OwnedContext context;
  SecretTree secret_tree;
  TreeSize size;
  ReplacedLeaves replaced;
  SecretSlots::Slot sender_data_secret = SecretSlots::none;  // none: nothing is kept here
};

class PastEpochs {
 public:
  explicit PastEpochs(const Client& client) noexcept
      : kept_(client.memory), secrets_(client.memory, client.secrets, client.crypto.suite().hash_size) {}

  // Makes room for all epochs that will ever be kept, but not for their leaves. Error::out_of_memory.
  Error start(const Client& client) noexcept;

  // Copies what has to be kept of the leaves of an epoch which a draft is to end. Error::out_of_memory.
  Error prepare(const TreeDraft& draft, ReplacedLeaves& out) const noexcept {
    return kept_.size() == 0 ? Error::none : out.take(draft);
  }

  // Takes over what it needs of an epoch that ends, which is of no use then, with what was prepared. The
  // oldest one is wiped if there are too many [SECTREE-12].
  void keep(const Client& client, Epoch& epoch, ReplacedLeaves&& replaced) noexcept;

  // Nothing if it is not kept.
  PastEpoch* find(std::uint64_t epoch) noexcept {
    return keeps(epoch) ? &kept_[epoch % kept_.size()] : nullptr;
  }
  const PastEpoch* find(std::uint64_t epoch) const noexcept {
    return keeps(epoch) ? &kept_[epoch % kept_.size()] : nullptr;
  }

  Secret sender_data_secret(const PastEpoch& epoch) const noexcept {
    return secrets_.copy(epoch.sender_data_secret);
  }

 private:
  bool keeps(std::uint64_t epoch) const noexcept;

  Objects<PastEpoch> kept_;  // each at its number modulo theirs
  SecretSlots secrets_;
};

// The leaves of a past epoch, all that is kept of its tree [FRAME-56]. What it is made of outlives it.
class PastLeaves final : public TreeView {
 public:
  PastLeaves(const PastEpochs& epochs, const PastEpoch& epoch, const TreeView& present,
             Memory& memory) noexcept
      : TreeView(memory), epochs_(epochs), epoch_(epoch), present_(present) {
    size_ = epoch.size;
  }

  Bytes encoded(NodeIndex node) const noexcept override;

 private:
  const PastEpochs& epochs_;
  const PastEpoch& epoch_;
  const TreeView& present_;
};

}  // namespace tacet
