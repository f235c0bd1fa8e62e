#pragma once

// The past epochs of a group whose application messages may still come (RFC 9420, 9.2): as many as the limit
// says. Of each the keys of its messages are kept that have not been used, and the leaves that were replaced
// when it ended, so that a late message is held against the members of its own epoch.

#include "epoch.h"

namespace tacet {

struct ReplacedLeaf {
  LeafIndex leaf;
  Bytes encoded;  // a LeafNode, or empty if it was blank
};

template <class Coder, Fields<ReplacedLeaf> E>
Error code(Coder& coder, E& e) noexcept {
  return coder(e.leaf, e.encoded);
}

// The leaves that a Commit replaces, fills or blanks, as they were before it.
class ReplacedLeaves {
 public:
  explicit ReplacedLeaves(Memory& memory) noexcept : entries_(memory), bytes_(memory) {}

  // Copies them, once. Error::out_of_memory.
  Error take(const TreeDraft& draft) noexcept;

  // As a List<ReplacedLeaf>, and from one, once. Errors: those of the encoder; out_of_memory.
  template <class Encoder>
  Error save(Encoder& encoder) const noexcept {
    Sizer sizer;
    for (const Entry& entry : entries_) {
      const ReplacedLeaf leaf = leaf_of(entry);
      TRY(sizer(leaf));
    }
    TRY(encoder.header(sizer.size()));
    for (const Entry& entry : entries_) {
      const ReplacedLeaf leaf = leaf_of(entry);
      TRY(encoder(leaf));
    }
    return Error::none;
  }
  Error restore(const List<ReplacedLeaf>& leaves) noexcept;

  // Nothing if that leaf is none of them; empty if it was blank.
  std::optional<Bytes> find(LeafIndex leaf) const noexcept;

 private:
  struct Entry {
    LeafIndex leaf;
    std::uint32_t offset, size;  // in bytes_
  };

  ReplacedLeaf leaf_of(const Entry& entry) const noexcept {
    return {entry.leaf, {bytes_.data() + entry.offset, entry.size}};
  }
  Error reserve(std::size_t count, std::size_t bytes) noexcept;
  void put(LeafIndex leaf, Bytes before) noexcept;

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

  // What lasts of them, the public and the secret part, in the same order. Errors: those of the encoder.
  template <class Encoder>
  Error save(Encoder& encoder) const noexcept {
    const auto count = static_cast<std::uint32_t>(this->count());
    TRY(encoder(count));
    for (std::size_t i = 0; i < kept_.size(); ++i) {
      if (!is_kept(i)) continue;
      const Bytes context = kept_[i].context.encoded();
      const std::uint32_t leaves = kept_[i].size.leaves();
      TRY(encoder(context, leaves));
      TRY(kept_[i].replaced.save(encoder));
    }
    return Error::none;
  }
  Error save_secrets(SecretWriter& writer) const noexcept;

  // Once there is room: the newest of them, as many as the limit says. Errors: out_of_memory, secret_length;
  // those of a Reader and of SecretTree::restore.
  Error restore(const Client& client, Reader& reader, SecretReader& secrets) noexcept;

  Secret sender_data_secret(const PastEpoch& epoch) const noexcept {
    return secrets_.copy(epoch.sender_data_secret);
  }

 private:
  bool keeps(std::uint64_t epoch) const noexcept;
  bool is_kept(std::size_t place) const noexcept {
    return kept_[place].sender_data_secret != SecretSlots::none;
  }
  std::size_t count() const noexcept;
  void put(PastEpoch&& epoch, Secret sender_data_secret) noexcept;

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
