// Every allocator of the C and C++ library, interposed: once armed, a call aborts. The key schedule, the
// secret tree and HPKE run with it armed, on a fixed region of memory.

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>

#include "circle.h"
#include "evidence.h"
#include "memories.h"
#include "protocol/tacet.h"

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

RegionMemory region;

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

}  // namespace
}  // namespace tacet
