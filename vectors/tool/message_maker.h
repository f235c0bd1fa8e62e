#pragma once

// Makes messages for vectors, and what they carry, in an epoch of a group whose secrets lie in the open. The
// messages come from the builder of spec/adversary, which shares with protocol/ no more than the primitives
// and the encoding of fields: that a case passes shows that the two agree.

#include "protocol/framing.h"
#include "spec/adversary/builder.h"
#include "tree_maker.h"

namespace tacet::tool {

// Encodings, one after the other.
Octets joined(std::initializer_list<Bytes> parts);

// The MLSMessage with a client's KeyPackage.
Octets key_package_message(const Client& client);

// What a Commit has in it: proposals by reference, proposals by value, a path alone, or all of these.
enum class CommitShape { references, values, path, all };

// The extensions of a GroupInfo.
struct InfoShape {
  bool ratchet_tree = false, external_pub = false, grease = false, unknown = false;
};

class MessageMaker {
 public:
  // The group is as its maker left it, and stays so.
  MessageMaker(Generator& generator, TreeMaker& group, std::uint64_t epoch, bool has_extensions);

  const GroupContext& context() const { return context_; }
  const EpochSecrets& secrets() const { return secrets_; }
  const Octets& joiner_secret() const { return joiner_secret_; }

  // ---- Proposals and Commits, encoded

  Octets add(LeafKind kind);
  Octets update(std::uint32_t member);
  Octets remove(std::uint32_t leaf);
  Octets pre_shared_key(const Octets& psk_id);
  Octets re_init(std::size_t group_id_size, bool has_extensions);
  Octets external_init();
  Octets group_context_extensions(bool has_extensions);

  // PreSharedKeyIDs.
  Octets external_psk(std::size_t id_size);
  Octets resumption_psk(ResumptionPskUsage usage, std::size_t group_id_size);

  Octets commit(std::uint32_t member, CommitShape shape);
  // Of a client that joins by it.
  Octets external_commit(LeafKind kind);

  // ---- messages

  // With random authenticated data of that size. A sender that is new is the client of the Add or of the
  // external Commit that was made last.
  adversary::Framed framed(const Sender& sender, std::size_t authenticated_data, ContentType type,
                           const Octets& content);
  Octets public_message(const adversary::Framed& framed);
  Octets private_message(const adversary::Framed& framed, std::uint32_t generation, std::size_t padding);
  Octets group_info(std::uint32_t signer, const InfoShape& shape);
  // For members that were added by the last Commit, which was the signer's.
  Octets welcome(std::uint32_t signer, const std::vector<std::uint32_t>& joiners, const InfoShape& shape);
  // What a Welcome tells such a member of the path; nothing if that Commit had none.
  std::optional<Octets> path_secret(std::uint32_t joiner) const;

  // ---- of the message that was made last, a Commit

  const Octets& authenticated_content() const { return authenticated_content_; }
  const Digest& interim_transcript_hash_before() const { return interim_; }
  const Octets& confirmation_key() const { return next_confirmation_key_; }  // of the epoch after it

 private:
  Octets group_extensions();
  Octets info_extensions(const InfoShape& shape);
  std::vector<Octets> proposals(std::uint32_t member);
  const Client& signer_of(const Sender& sender) const;
  adversary::Means means(const Client& signer);

  Generator& generator_;
  Sodium& crypto_;
  TreeMaker& group_;
  HeapMemory memory_;
  Octets confirmed_, joiner_secret_, next_confirmation_key_;
  Octets extensions_, group_context_, authenticated_content_;
  GroupContext context_;
  EpochSecrets secrets_;
  Digest confirmation_tag_, interim_;
  Client outsiders_[2];  // the external senders of a group with extensions
  Client newcomer_;
};

}  // namespace tacet::tool
