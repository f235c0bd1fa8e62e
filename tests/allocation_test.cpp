// Every allocator of the C and C++ library, interposed: once armed, a call aborts. The key schedule, the
// secret tree and HPKE run with it armed, on a fixed region of memory; messages on memory from the heap, so
// that a call for memory of the caller aborts as well.

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>

#include "circle.h"
#include "evidence.h"
#include "memories.h"
#include "message_samples.h"
#include "protocol/adapters/heap_memory.h"
#include "protocol/tacet.h"
#include "spec/adversary/member.h"

extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
void __libc_free(void*);
}

namespace {

bool armed = false;

void allocator_called() {
  if (!armed) return;
  armed = false;
  std::abort();
}

}  // namespace

extern "C" {
void* malloc(std::size_t size) { return allocator_called(), __libc_malloc(size); }
void* calloc(std::size_t count, std::size_t size) { return allocator_called(), __libc_calloc(count, size); }
void* realloc(void* block, std::size_t size) { return allocator_called(), __libc_realloc(block, size); }
void* memalign(std::size_t alignment, std::size_t size) {
  return allocator_called(), __libc_memalign(alignment, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) { return memalign(alignment, size); }
void free(void* block) { allocator_called(), __libc_free(block); }
}

namespace tacet {
namespace {

OwnRegion region;

class Armed {
 public:
  Armed() { armed = true; }
  ~Armed() { armed = false; }
};

class AllocationTest : public ::testing::Test {
 protected:
  SodiumRandom random;
  Sodium crypto{random};
};

using AllocationDeathTest = AllocationTest;

TEST_F(AllocationDeathTest, TheInterposerIsThere) {
  EXPECT_DEATH(
      {
        const Armed arm;
        delete new volatile int(1);
      },
      "");
  EXPECT_DEATH(
      {
        const Armed arm;
        void* volatile block = std::calloc(2, 8);  // or the compiler leaves both out
        std::free(block);
      },
      "");
}

TEST_F(AllocationTest, KeyScheduleAllocatesNothing) {
  Error error = Error::none;
  {
    const Armed arm;
    error = [this]() -> Error {
      Secret init, joiner, welcome, psk, external_priv, received;
      std::uint8_t encoded[64], exported[64], external_pub[32], kem_output[32];
      GroupContext context;
      const Result<Bytes> bytes = encode(context, encoded);
      TRY(bytes.error());
      TRY(crypto.random_secret(32, init));
      PskSecret psk_secret;
      TRY(PskSecret::start(crypto, 2, psk_secret));
      PreSharedKeyId id;
      TRY(psk_secret.add(crypto, id, init));
      id.type = PskType::resumption;
      TRY(psk_secret.add(crypto, id, init));
      TRY(psk_secret.finish(psk));
      TRY(derive_joiner_secret(crypto, init, {}, bytes.value(), joiner));
      TRY(derive_welcome_secret(crypto, joiner, psk, welcome));
      EpochSecrets secrets;
      TRY(derive_epoch_secrets(crypto, joiner, psk, bytes.value(), secrets));
      TRY(export_secret(crypto, secrets.exporter_secret, "label", {}, exported));
      TRY(derive_external_key_pair(crypto, secrets.external_secret, external_priv, external_pub));
      TRY(create_external_init(crypto, external_pub, kem_output, init));
      TRY(process_external_init(crypto, {external_priv, external_pub}, kem_output, received));
      Digest hash;
      TRY(confirmed_transcript_hash(crypto, {}, {bytes.value()}, hash));
      return interim_transcript_hash(crypto, hash, hash, hash);
    }();
  }
  EXPECT_EQ(error, Error::none);
}

TEST_F(AllocationTest, SecretTreeAllocatesNothing) {
  Error error = Error::none;
  {
    const Armed arm;
    error = [this]() -> Error {
      SecretTree tree(crypto.suite(), region, region, {});
      Secret root;
      TRY(crypto.random_secret(32, root));
      TRY(tree.start(std::move(root), TreeSize::for_leaves(100)));
      for (std::uint32_t leaf = 0; leaf < 100; leaf += 9) {
        for (const std::uint32_t generation : {5u, 2u, 9u}) {
          PeekedKey peeked;
          TRY(tree.peek(crypto, LeafIndex{leaf}, RatchetType::application, generation, peeked));
          generation == 9 ? tree.drop(peeked) : tree.adopt(peeked);
        }
      }
      MessageKey key;
      TRY(tree.next(crypto, LeafIndex{1}, RatchetType::handshake, key));
      return derive_sender_data_key(crypto, key.key, {}, key.key, key.nonce);
    }();
  }
  EXPECT_EQ(error, Error::none);
}

TEST_F(AllocationTest, HpkeAllocatesNothing) {
  Error error = Error::none;
  {
    const Armed arm;
    error = [this]() -> Error {
      Secret ikm, private_key, opened;
      std::uint8_t public_key[32], kem_output[32], sealed[80];
      TRY(crypto.random_secret(32, ikm));
      TRY(crypto.derive_key_pair(ikm, private_key, public_key));
      TRY(encrypt_with_label(crypto, public_key, "Welcome", {}, {ikm, private_key}, region, kem_output,
                             sealed));
      return decrypt_with_label(crypto, {private_key, public_key}, "Welcome", {}, kem_output, sealed, opened);
    }();
  }
  EXPECT_EQ(error, Error::none);
}

// Not even from a Memory, which decoding is not given. The tree is imported and changed in one.
TEST_F(AllocationTest, TreesAndPathsAllocateNothing) {
  Circle circle(1, 9);
  for (std::uint32_t i = 0; i < 9; ++i) circle.commit({i});
  const model::Octets tree_encoding = exported(circle.tree);
  const Circle::Commit made = circle.create({4});
  Error error = Error::none;
  {
    const Armed arm;
    error = [&]() -> Error {
      Nodes nodes;
      UpdatePath path;
      TRY(decode(tree_encoding, nodes));
      TRY(decode(made.encoding, path));
      RatchetTree tree(region, circle.identity);
      TRY(tree.import(crypto, nodes, circle.limits));
      TRY(check_tree(crypto, tree, region));
      TRY(check_leaves(crypto, tree, {circle.group_id, {}, circle.limits}, region));
      TreeDraft draft(crypto, tree, region, circle.limits);
      TRY(draft.start());
      TRY(check_update_path(crypto, path, {4}, circle.group_id, circle.limits, draft));
      TRY(merge_update_path(crypto, path, {4}, draft));
      TRY(check_changed_leaves(draft, {}));
      PathKeys keys(crypto.suite(), region, region);
      TRY(keys.carry_over(crypto, *circle.members.at(8).keys, draft));
      NodeIndex node;
      Secret path_secret, commit_secret;
      TRY(decrypt_path_secret(crypto, path, {4}, draft, keys, circle.context, node, path_secret));
      TRY(derive_path_keys(crypto, draft, node, std::move(path_secret), keys, commit_secret));
      TRY(draft.reserve());
      draft.adopt(tree);
      return tree.export_size().error();
    }();
  }
  EXPECT_EQ(error, Error::none);
}

class MessageAllocationTest : public MessageSamplesTest {
 protected:
  static constexpr WireFormat in_public = WireFormat::public_message,
                              in_private = WireFormat::private_message;

  void SetUp() override {
    MessageKey first;
    ASSERT_EQ(sending.next(crypto, {sender}, RatchetType::application, first), Error::none);
    ASSERT_EQ(sending.next(crypto, {sender}, RatchetType::handshake, first), Error::none);
  }

  // Rooms for content, laid out before it is sent.
  FramedContent prepare(const Framed& said) {
    encoding = model::vector(said.group_id) + adversary::encoded(said.epoch, said.sender) +
               model::vector(said.authenticated_data) + adversary::encoded(said.content_type) + said.content;
    FramedContent content;
    EXPECT_EQ(decode(encoding, content), Error::none);
    made.assign(message_room(content, group_context, {}).value(), 0);
    place.assign(made.size() + 1024, 0);
    return content;
  }

  Error send(WireFormat format, const FramedContent& content, Bytes& sent) {
    KeySigner signer(crypto, view(leaves.at(sender).private_key));
    AuthenticatedContent content_signed;
    TRY(sign_content(signer, format, content, group_context, limits, custom, made, content_signed));
    Result<Bytes> done = Error::none;
    if (format == in_public) {
      done = protect(crypto, content_signed, group_context, view(membership_key), made);
    } else {
      MessageKey key;
      TRY(sending.next(crypto, {sender}, ratchet_of(content.content_type), key));
      done = seal(crypto, content_signed, key, view(sender_data_secret), {}, limits, made);
    }
    TRY(done.error());
    sent = done.value();
    return Error::none;
  }
  Error send_and_take(WireFormat format, const FramedContent& content) {
    Bytes sent;
    TRY(send(format, content, sent));
    return take(sent);
  }

  // GroupInfo and Welcome, made and taken. The Welcome's secrets are gathered in a Memory.
  Error invite(const NewGroupInfo& wanted, std::span<const Joiner> joiners) {
    constexpr std::size_t header = message_header_size;
    KeySigner signer(crypto, view(leaves.at(sender).private_key));
    const Result<Bytes> info = create_group_info(crypto, signer, wanted, made);
    TRY(info.error());
    Writer as_group_info(sent_info);
    TRY(as_group_info.put(message_header(WireFormat::group_info), Storage::passing));
    TRY(as_group_info.put(info.value(), Storage::lasting));
    TRY(take(as_group_info.written()));
    Writer as_welcome(sent_welcome);
    TRY(as_welcome.put(message_header(WireFormat::welcome), Storage::passing));
    const Result<Bytes> welcome =
        seal_welcome(crypto, view(joiner_secret), view(welcome_secret), {}, joiners, info.value(), scratch,
                     MutableBytes(sent_welcome).subspan(header));
    TRY(welcome.error());
    return take(Bytes(sent_welcome).first(header + welcome.value().size()));
  }

  Octets encoding, made, sent_info = Octets(1 << 12), sent_welcome = Octets(1 << 12);
};

TEST_F(MessageAllocationTest, MessagesAllocateNothingOnceTheirSenderIsHeard) {
  const std::pair<WireFormat, Framed> all[] = {
      {in_private, framed(ContentType::application, application())},
      {in_private, framed(ContentType::application, model::vector(Octets(1 << 20)))},
      {in_private, framed(ContentType::proposal, add())},
      {in_public, framed(ContentType::proposal, add())}};
  for (const auto& [format, said] : all) {
    const FramedContent content = prepare(said);
    Error error = Error::none;
    {
      const Armed arm;
      error = send_and_take(format, content);
    }
    EXPECT_EQ(error, Error::none);
  }
}

TEST_F(MessageAllocationTest, LateMessagesAllocateNothing) {
  const FramedContent content = prepare(framed(ContentType::application, application()));
  Octets early(1 << 12);
  Error error = Error::none, once_more = Error::none;
  {
    const Armed arm;
    error = [&]() -> Error {
      Bytes sent;
      TRY(send(in_private, content, sent));
      std::memcpy(early.data(), sent.data(), sent.size());
      const Bytes kept = Bytes(early).first(sent.size());
      for (int i = 0; i < 5; ++i) TRY(send(in_private, content, sent));
      TRY(take(sent, true));
      TRY(take(kept, true));
      once_more = take(kept);
      return Error::none;
    }();
  }
  EXPECT_EQ(error, Error::none);
  EXPECT_EQ(once_more, Error::generation_gone);
}

TEST_F(MessageAllocationTest, InvitationsAllocateNothing) {
  const Extension unknown = {static_cast<ExtensionType>(0xf00f), bytes_of("unknown")};
  const NewGroupInfo wanted{context, {&unknown, 1}, confirmed, {sender}, true};
  made.resize(group_info_room(wanted));
  const adversary::NewMember us = invited();
  const Joiner joiners[] = {{us.key_package_ref, us.init_key, {}},
                            {us.key_package_ref, us.init_key, view(path_secret)}};
  Error error = Error::none;
  {
    const Armed arm;
    error = invite(wanted, joiners);
  }
  EXPECT_EQ(error, Error::none);
}

// Cut short at every byte, and with every bit changed.
TEST_F(MessageAllocationTest, HostileBytesAllocateNothing) {
  for (auto& [name, sample] : samples()) {
    std::size_t taken = 0;
    {
      const Armed arm;
      for (std::size_t size = 0; size < sample.size(); ++size) {
        taken += take(Bytes(sample).first(size)) == Error::none;
      }
      for (std::size_t bit = 0; bit < 8 * sample.size(); ++bit) {
        const auto mask = static_cast<std::uint8_t>(1 << bit % 8);
        sample[bit / 8] ^= mask;
        taken += take(sample) == Error::none;
        sample[bit / 8] ^= mask;
      }
      taken += take(sample) != Error::none;
    }
    EXPECT_EQ(taken, 0u) << name;
  }
}

// ---- groups, by their public verbs

class GroupAllocationTest : public ::testing::Test {
 protected:
  using Member = adversary::Member;

  // Both have heard each other; what follows goes into rooms that are there already.
  void meet(Member& a, Member& b) {
    a.create(model::octets("group"));
    const Octets key_package = b.publish();
    const Proposal add = adversary::add_of(key_package);
    a.commit({.proposals = {&add, 1}});
    ASSERT_EQ(b.join(a.welcome()), Error::none);
    a.group.adopt_pending();
    ASSERT_EQ(b.receive(a.say("hello")), Error::none);
    ASSERT_EQ(a.receive(b.say("hello")), Error::none);
  }

  Error say(Member& from, Member& to, Bytes data) {
    KeySigner signer = from.signer();
    const Result<Bytes> sealed = from.group.seal(signer, data, bytes_of("in the open"), sent);
    TRY(sealed.error());
    return to.group.process(sealed.value(), opened, to.heard);
  }
  Error propose(Member& from, Member& to, const Proposal& proposal) {
    KeySigner signer = from.signer();
    Message message;
    TRY(from.group.propose(signer, {.proposal = proposal}, message));
    return to.group.process(message.bytes, opened, to.heard);
  }
  Error commit(Member& from, Member& to) {
    KeySigner signer = from.signer();
    TRY(from.group.commit(signer, {}));
    TRY(to.group.stage(from.group.pending_commit(), opened, to.heard));
    to.group.adopt();
    from.group.adopt_pending();
    return Error::none;
  }

  adversary::SeededRandom random{5};
  Octets sent = Octets(1 << 12), opened = Octets(1 << 12);
};

// Its memory is the heap's, so it takes none of the caller's Memory either.
TEST_F(GroupAllocationTest, TalkingAllocatesNothing) {
  HeapMemory memory;
  Member a("a", random, memory, memory), b("b", random, memory, memory);
  meet(a, b);
  Error error = Error::none;
  {
    const Armed arm;
    error = [&]() -> Error {
      for (int i = 0; i < 3; ++i) {
        TRY(say(a, b, bytes_of("a message")));
        TRY(say(b, a, bytes_of("an answer")));
      }
      return Error::none;
    }();
  }
  EXPECT_EQ(error, Error::none);
}

TEST_F(GroupAllocationTest, WhatComesLateAllocatesNothing) {
  HeapMemory memory;
  Member a("a", random, memory, memory), b("b", random, memory, memory);
  b.limits.past_epochs = 1;
  meet(a, b);
  const Octets first = a.say("first"), second = a.say("second");
  ASSERT_EQ(commit(b, a), Error::none);
  ASSERT_EQ(b.receive(b.say("in the new epoch")), Error::generation_gone);
  Error error = Error::none;
  {
    const Armed arm;
    error = [&]() -> Error {
      TRY(b.group.process(second, opened, b.heard));
      return b.group.process(first, opened, b.heard);
    }();
  }
  EXPECT_EQ(error, Error::none);
  EXPECT_EQ(b.heard.epoch, 1u);
}

TEST_F(GroupAllocationTest, HandshakesAllocateFromTheCallersMemoryAlone) {
  static OwnRegion memory;
  Member a("a", random, memory, memory), b("b", random, memory, memory);
  meet(a, b);
  const Proposal extensions = adversary::extensions_of({});
  Error error = Error::none;
  {
    const Armed arm;
    error = [&]() -> Error {
      for (int i = 0; i < 3; ++i) {
        TRY(propose(b, a, extensions));
        TRY(commit(a, b));
        TRY(commit(b, a));
        TRY(say(a, b, bytes_of("in the new epoch")));
      }
      KeySigner signer = a.signer();
      Message info;
      TRY(a.group.group_info(signer, {}, info));
      Digest fingerprint;
      TRY(a.group.membership_fingerprint(fingerprint));
      std::uint8_t exported[32];
      return a.group.export_secret("label", {}, exported);
    }();
  }
  EXPECT_EQ(error, Error::none);
}

}  // namespace
}  // namespace tacet
