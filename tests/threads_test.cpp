#include "protocol/adapters/std_threads.h"

#include <set>

#include "evidence.h"
#include "members.h"
#include "spoiled.h"

namespace tacet {
namespace {

// Does all parts itself, and looks at how it is asked.
class InTurn final : public Threads {
 public:
  explicit InTurn(std::size_t count, bool backwards = false) : count_(count), backwards_(backwards) {}

  std::size_t parts() const noexcept override { return count_; }
  void run(std::size_t parts, Work work, void* context) noexcept override {
    asked_for = parts;
    const std::size_t before = memory == nullptr ? 0 : memory->calls();
    for (std::size_t i = 0; i < parts; ++i) work(context, backwards_ ? parts - 1 - i : i);
    if (memory != nullptr) allocations += memory->calls() - before;
  }

  std::size_t asked_for = 0, allocations = 0;
  TestMemory* memory = nullptr;

 private:
  std::size_t count_;
  bool backwards_;
};

constexpr std::size_t counts_of_parts[] = {0, 1, 2, 7, 9, 1000};

class LentThreads : public ::testing::Test {
 protected:
  // What a joiner answers by `threads` to a tree in which that is changed.
  Error answer(Threads* threads, const std::function<void(Spoiled&)>& defect) {
    Spoiled spoiled(circle);
    defect(spoiled);
    RatchetTree tree(memory, circle.identity);
    TRY(import_tree(tree, circle.crypto, spoiled.encoding(), circle.limits));
    return check_leaves(circle.crypto, tree, {circle.group_id, {}, circle.limits}, memory, threads);
  }
  // The same by each kind and number of threads.
  void expect_answer(Error error, const std::function<void(Spoiled&)>& defect) {
    EXPECT_EQ(answer(nullptr, defect), error);
    for (const std::size_t parts : counts_of_parts) {
      SCOPED_TRACE(parts);
      InTurn forwards(parts), backwards(parts, true);
      StdThreads at_once(parts);
      for (Threads* const threads : {static_cast<Threads*>(&forwards), static_cast<Threads*>(&backwards),
                                     static_cast<Threads*>(&at_once)}) {
        EXPECT_EQ(answer(threads, defect), error);
      }
    }
    EXPECT_EQ(memory.live(), 0u);
  }

  static void spoil_signature(Spoiled& tree, std::uint32_t leaf) {
    Octets encoding = tree.tree().leaf_node(leaf).encoding;
    encoding.back() ^= 1;
    tree.tree().set_leaf(leaf, *model::LeafNode::parse(encoding));
  }
  static void spoil_versions(Spoiled& tree, std::uint32_t leaf) {
    tree.leaf(leaf, [](LeafNode& broken) { broken.capabilities.versions = {}; });
  }

  static constexpr std::uint32_t members = 9;
  Circle circle{1, members};
  TestMemory memory;
};

TEST_F(LentThreads, AcceptWhatIsValid) {
  expect_answer(Error::none, [](Spoiled&) {});
}

TEST_F(LentThreads, FindABadSignatureWhereverItIs) {
  for (const std::uint32_t leaf : {0u, members / 2, members - 1}) {
    SCOPED_TRACE(leaf);
    expect_answer(Error::signature_invalid, [&](Spoiled& tree) { spoil_signature(tree, leaf); });
  }
}

TEST_F(LentThreads, AnswerForTheLeftmostLeaf) {
  for (const auto& [left, right] : {std::pair{0u, 1u}, {0u, members - 1}, {4u, 5u}, {3u, 8u}}) {
    SCOPED_TRACE(left);
    expect_answer(Error::signature_invalid, [&, left = left, right = right](Spoiled& tree) {
      spoil_signature(tree, left);
      spoil_versions(tree, right);
    });
    expect_answer(Error::version_unlisted, [&, left = left, right = right](Spoiled& tree) {
      spoil_versions(tree, left);
      spoil_signature(tree, right);
    });
  }
}

TEST_F(LentThreads, PassOverBlankLeaves) {
  for (const std::set<std::uint32_t>& removed :
       {std::set<std::uint32_t>{0}, {1, 2, 3, 4, 5, 6}, {0, 1, 2, 3, 4, 5, 6, 7}}) {
    expect_answer(Error::none, [&](Spoiled& tree) {
      for (const std::uint32_t leaf : removed) tree.tree().remove(leaf);
    });
    expect_answer(Error::signature_invalid, [&](Spoiled& tree) {
      for (const std::uint32_t leaf : removed) tree.tree().remove(leaf);
      spoil_signature(tree, members - 1);
    });
  }
}

TEST_F(LentThreads, AreGivenNoMorePartsThanThereAreLeavesAndNoMemoryIsAskedForMeanwhile) {
  for (const std::size_t parts : counts_of_parts) {
    InTurn threads(parts);
    threads.memory = &memory;
    EXPECT_EQ(answer(&threads, [](Spoiled&) {}), Error::none);
    EXPECT_EQ(threads.asked_for, parts <= 1 ? 0 : std::min<std::size_t>(parts, members)) << "one is not lent";
    EXPECT_EQ(threads.allocations, 0u);
  }
}

TEST_F(LentThreads, DoNotRunWithoutRoomForTheirWork) {
  const auto genuine = [](Spoiled&) {};
  ASSERT_EQ(answer(nullptr, genuine), Error::none);
  TestMemory scratch;
  scratch.fail_at(0);
  InTurn threads(3);
  EXPECT_EQ(check_leaves(circle.crypto, circle.tree, {circle.group_id, {}, circle.limits}, scratch, &threads),
            Error::out_of_memory);
  EXPECT_EQ(threads.asked_for, 0u);
}

// ---- by the public verbs

class LentToAJoin : public GroupTest {
 protected:
  LentToAJoin() { make_group(5); }

  Client lent(Member& joiner, Threads& threads) {
    Client client = joiner.client();
    client.threads = &threads;
    return client;
  }
};

TEST_F(LentToAJoin, ByAWelcome) {
  Member& joiner = member("Z");
  const Proposal add = adversary::add_of(joiner.publish());
  members[0]->commit(with(add));
  InTurn in_turn(3);
  StdThreads at_once(3);
  for (Threads* const threads : {static_cast<Threads*>(&in_turn), static_cast<Threads*>(&at_once)}) {
    joiner.last_resort = true;
    Group group(lent(joiner, *threads), joiner.psks);
    EXPECT_EQ(group.join(members[0]->welcome(), {}, joiner), Error::none);
  }
  EXPECT_EQ(in_turn.asked_for, 3u);
}

TEST_F(LentToAJoin, FromOutside) {
  Member& joiner = member("Z");
  const Octets key_package = joiner.publish();
  const Octets group_info = members[0]->group_info({.external_pub = true});
  KeyPackage own;
  ASSERT_EQ(decode(Bytes(key_package), own), Error::none);
  InTurn in_turn(3);
  StdThreads at_once(3);
  KeySigner signer = joiner.signer();
  for (Threads* const threads : {static_cast<Threads*>(&in_turn), static_cast<Threads*>(&at_once)}) {
    Group group(lent(joiner, *threads), joiner.psks);
    EXPECT_EQ(group.join_from_outside(signer, group_info, {}, {.leaf = own.leaf_node.encoded}), Error::none);
  }
  EXPECT_EQ(in_turn.asked_for, 3u);
}

}  // namespace
}  // namespace tacet
