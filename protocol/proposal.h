#pragma once

// Proposal, ProposalOrRef and Commit (RFC 9420, 12.1, 12.4): their syntax. What a list of proposals may hold,
// and what a Commit makes of a group, is judged elsewhere.

#include "key_schedule.h"
#include "update_path.h"

namespace tacet {

struct Add {
  KeyPackage key_package;
};

template <class Coder, Fields<Add> E>
Error code(Coder& coder, E& e) noexcept {
  return coder(e.key_package);
}

struct Update {
  LeafNode leaf_node;
};

template <class Coder, Fields<Update> E>
Error code(Coder& coder, E& e) noexcept {
  return coder(e.leaf_node);
}

struct Remove {
  LeafIndex removed;
};

template <class Coder, Fields<Remove> E>
Error code(Coder& coder, E& e) noexcept {
  return coder(e.removed);
}

struct PreSharedKey {
  PreSharedKeyId psk;
};

template <class Coder, Fields<PreSharedKey> E>
Error code(Coder& coder, E& e) noexcept {
  return coder(e.psk);
}

struct ReInit {
  Bytes group_id;
  ProtocolVersion version = ProtocolVersion::mls10;
  CipherSuite cipher_suite{};
  Extensions extensions;
};

template <class Coder, Fields<ReInit> E>
Error code(Coder& coder, E& e) noexcept {  // [REINIT-01]
  return coder(e.group_id, e.version, e.cipher_suite, e.extensions);
}

struct ExternalInit {
  Bytes kem_output;
};

template <class Coder, Fields<ExternalInit> E>
Error code(Coder& coder, E& e) noexcept {
  return coder(e.kem_output);
}

struct GroupContextExtensions {
  Extensions extensions;
};

template <class Coder, Fields<GroupContextExtensions> E>
Error code(Coder& coder, E& e) noexcept {
  return coder(e.extensions);
}

// RFC 9420, 12.1. The body of a type that RFC 9420 does not define is one vector, `custom`: so it can be told
// where it ends. Whether the application knows the type is a rule, check_proposal().
struct Proposal {
  ProposalType type{};
  Add add;
  Update update;
  Remove remove;
  PreSharedKey pre_shared_key;
  ReInit re_init;
  ExternalInit external_init;
  GroupContextExtensions group_context_extensions;
  Bytes custom;

  Bytes encoded;  // of a decoded Proposal: all of it, as received
};

// The body that follows the type.
template <class Coder, Fields<Proposal> E>
Error code_body(Coder& coder, E& e) noexcept {
  switch (e.type) {
    case ProposalType::add:
      return coder(e.add);
    case ProposalType::update:
      return coder(e.update);
    case ProposalType::remove:
      return coder(e.remove);
    case ProposalType::psk:
      return coder(e.pre_shared_key);
    case ProposalType::reinit:
      return coder(e.re_init);
    case ProposalType::external_init:
      return coder(e.external_init);
    case ProposalType::group_context_extensions:
      return coder(e.group_context_extensions);
  }
  return coder(e.custom);
}

template <class Coder, Fields<Proposal> E>
Error code(Coder& coder, E& e) noexcept {  // [PROP-03]
  return code_as_received(coder, e.encoded, [&]() noexcept {
    TRY(coder(e.type));
    return code_body(coder, e);
  });
}

enum class ProposalOrRefType : std::uint8_t { proposal = 1, reference = 2 };
Error check(ProposalOrRefType type) noexcept;  // Error::proposal_or_ref_type_unknown

struct ProposalOrRef {
  ProposalOrRefType type = ProposalOrRefType::proposal;
  Proposal proposal;
  Bytes reference;  // a ProposalRef
};

template <class Coder, Fields<ProposalOrRef> E>
Error code(Coder& coder, E& e) noexcept {
  TRY(coder(e.type));
  return e.type == ProposalOrRefType::proposal ? coder(e.proposal) : coder(e.reference);
}

// RFC 9420, 12.4.
struct Commit {
  List<ProposalOrRef> proposals;
  std::optional<UpdatePath> path;
};

template <class Coder, Fields<Commit> E>
Error code(Coder& coder, E& e) noexcept {  // [COMMIT-01]
  return coder(e.proposals, e.path);
}

// The custom types that an application has registered: those whose body is known to be one vector. None of
// RFC 9420's has to be there; 0 and GREASE are unknown even if they are.
using CustomProposals = std::span<const ProposalType>;

// The rules on a proposal that need no group, and on each that a Commit holds by value: its type is one of
// RFC 9420's or registered, and the extensions that a group is to have are a list that a GroupContext may
// hold. Errors: proposal_type_unknown, extension_repeated, extension_misplaced, extension_malformed.
Error check_proposal(const Proposal& proposal, CustomProposals registered) noexcept;
Error check_proposals(const Commit& commit, CustomProposals registered) noexcept;

}  // namespace tacet
