#include <cstdio>
#include <ctime>

#include <tacet/adapters/basic_client.h>
#include <tacet/adapters/heap_memory.h>

using namespace tacet;

struct Believing final : Policy {  // a real one asks who vouches for the signature key
  Bytes identity(const Credential& credential) const noexcept override { return credential.body; }
  bool validates(const Credential&, Bytes) const noexcept override { return true; }
  bool is_in_group(Bytes) const noexcept override { return false; }
};

Error talk() {
  SodiumRandom random;
  Sodium crypto(random);
  HeapMemory memory;  // for secrets too; they may have one of their own, which is locked
  Believing policy;
  BasicClient alice("alice", crypto, memory, memory, policy), bob("bob", crypto, memory, memory, policy);
  Group at_alice(alice.client(), alice.psks()), at_bob(bob.client(), bob.psks());
  const auto now = static_cast<std::uint64_t>(std::time(nullptr));
  TRY(alice.create(at_alice, now));
  Proposal add;
  add.type = ProposalType::add;
  TRY(bob.publish(now, add.add.key_package));
  TRY(at_alice.commit(alice.signer(), {.proposals = {&add, 1}, .now = now}));
  TRY(at_bob.join(at_alice.pending_welcome(), {}, bob));
  at_alice.adopt_pending();  // for the delivery service took the Commit
  std::uint8_t sealed[512], opened[512];
  const Result<Bytes> message = at_alice.seal(alice.signer(), bytes_of("hello, Bob\n"), {}, sealed);
  TRY(message.error());
  Received heard(memory);
  TRY(at_bob.process(message.value(), opened, heard));
  std::fwrite(heard.application_data.data(), 1, heard.application_data.size(), stdout);
  return Error::none;
}

int main() { return talk() == Error::none ? 0 : 1; }
