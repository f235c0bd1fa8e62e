#pragma once

// What lasts of a group, sealed under a key of the caller's, in two records.
//
// The epoch, made once for each: its context and tree, and what is public of past epochs. The ratchets, small
// and made after each message: everything that is secret, the proposals that wait, and a Commit of one's own
// that waits. A secret that has been erased is in no record that is made after that; so the newest ratchets
// have to take the place of the older ones, and an older save that is restored is outside of what can be
// held: it seals with keys that were used. Ratchets say which record of an epoch they belong to.
//
//   record    header { opaque magic[4]; uint16 version; uint8 kind; uint16 cipher_suite;
//                      opaque salt[32]; opaque epoch[32] }   epoch: the salt of the epoch's record
//             opaque public<V>; and of ratchets opaque secret<V>: each sealed, the header being additional
//             data
//   sealed by prk = Extract(salt, key), and of each part Expand(prk, "Tacet 1.0 saved key" || part, Nk) and
//             Expand(prk, "Tacet 1.0 saved nonce" || part, Nn)
//
// The salt is drawn for each record, so no key is used twice.

#include "past_epochs.h"
#include "resumption.h"

namespace tacet {

enum class SavedKind : std::uint8_t { epoch = 1, ratchets = 2 };

using SavedSalt = std::array<std::uint8_t, 32>;

struct SavedHeader {
  std::array<std::uint8_t, 4> magic = {'T', 'c', 't', 'S'};
  std::uint16_t version = 1;
  SavedKind kind{};
  CipherSuite cipher_suite{};
  SavedSalt salt{};
  SavedSalt epoch{};
};

template <class Coder, Fields<SavedHeader> E>
Error code(Coder& coder, E& e) noexcept {
  return coder(e.magic, e.version, e.kind, e.cipher_suite, e.salt, e.epoch);
}

// A proposal that waits.
struct SavedProposal {
  Bytes reference;
  Sender sender;
  Bytes proposal;
};

template <class Coder, Fields<SavedProposal> E>
Error code(Coder& coder, E& e) noexcept {
  return coder(e.reference, e.sender, e.proposal);
}

// A Commit of one's own that waits, as OwnCommit has it.
struct SavedCommit {
  Bytes message;
  Bytes welcome;
  Bytes content;
};

template <class Coder, Fields<SavedCommit> E>
Error code(Coder& coder, E& e) noexcept {
  return coder(e.message, e.welcome, e.content);
}

inline constexpr std::size_t saved_header_size = 4 + 2 + 1 + 2 + 32 + 32;

// Which record of an epoch this is, or which one these ratchets belong to; nothing of it is authentic yet.
// Errors: those of a Reader; saved_state_unknown.
Error saved_epoch_of(Bytes record, SavedSalt& out) noexcept;

// What of a group is saved.
struct Lasting {
  const Epoch& epoch;
  const ResumptionPsks& resumption;
  const PastEpochs& past;
  const OwnCommit* pending;  // nullptr: none
};

// Makes a record of it; `key` is of the suite's hash_size. The epoch's says by which `salt` its ratchets
// refer to it, and these reserve so much. Errors: secret_length, random_failed, out_of_memory,
// vector_too_long.
Error save_epoch(const Client& client, SecretView key, const Lasting& lasting, SavedSalt& salt,
                 Buffer& out) noexcept;
Error save_ratchets(const Client& client, SecretView key, const Lasting& lasting, const SavedSalt& epoch,
                    const SecretTree::Reserved& reserved, Buffer& out) noexcept;

// Two records that were opened, read in this order.
class SavedState {
 public:
  // Errors: those of a Reader; saved_state_unknown, saved_state_mismatch, saved_state_not_authentic,
  // secret_length, out_of_memory.
  Error open(const Client& client, SecretView key, Bytes epoch, Bytes ratchets) noexcept;

  // `resumption` and `past` have room. The tree is not judged again, but hashed. Errors: those of a Reader,
  // of RatchetTree::import, PublicState::start, ProposalCache::add, MemberState::restore and
  // PastEpochs::restore; saved_state_malformed.
  Error restore(const Client& client, std::optional<Epoch>& epoch, ResumptionPsks& resumption,
                PastEpochs& past) noexcept;

  bool has_pending() const noexcept { return pending_.has_value(); }
  // A Commit of the epoch that was restored. Errors: those of restore_commit; out_of_memory.
  Error restore_pending(const Client& client, OwnCommit& out) noexcept;

  // Error::trailing_bytes.
  Error finish() const noexcept { return secrets_->finish(); }

 private:
  Error restore_waiting(const Client& client, PublicState& state) noexcept;

  Buffer epoch_, waiting_;  // the public parts of the two
  SecretBuffer secret_;
  std::optional<SecretReader> secrets_;
  std::optional<SavedCommit> pending_;
};

}  // namespace tacet
