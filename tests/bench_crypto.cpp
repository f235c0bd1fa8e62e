// Rows for the primitives and the labelled operations.

#include "bench_floors.h"
#include "bench_table.h"
#include "protocol/adapters/heap_memory.h"
#include "protocol/hpke.h"
#include "protocol/key_schedule.h"
#include "protocol/secret_tree.h"
#include "protocol/sodium.h"

namespace tacet::bench {

namespace {

struct World {
  SodiumRandom random;
  Sodium crypto{random};
  HeapMemory memory;
  Secret private_key, secret;
  std::uint8_t public_key[32], private_bytes[32], kem_output[32], sealed[48], group_context[160];
  std::size_t group_context_size = 0;

  World() {
    randombytes_buf(private_bytes, sizeof private_bytes);
    private_key = std::move(Secret::copy_of(private_bytes).value());
    crypto_scalarmult_base(public_key, private_bytes);
    secret = std::move(Secret::copy_of(private_bytes).value());
    GroupContext context;
    context.cipher_suite = crypto.suite().suite;
    context.group_id = context.tree_hash = context.confirmed_transcript_hash = Bytes(public_key);
    group_context_size = encode(context, group_context).value().size();
    must(encrypt_with_label(crypto, public_key, "UpdatePathNode", context_bytes(), {secret}, memory,
                            kem_output, sealed));
  }
  Bytes context_bytes() const { return Bytes(group_context).first(group_context_size); }
};

World& world() {
  static World the_world;
  return the_world;
}

void decode_and_hash(Crypto& crypto) {
  GroupContext context;
  must(decode(world().context_bytes(), context));
  benchmark::DoNotOptimize(context);
  Digest digest;
  must(crypto.hash({world().context_bytes()}, digest));
}

void expand_with_label(Crypto& crypto) {
  Secret out;
  must(crypto.expand_with_label(world().secret, "epoch", {Bytes(world().public_key)}, 32, out));
}

void ratchet_step(Crypto& crypto) {
  struct Ratchet {
    SecretTree tree;
    std::uint32_t generation = 0;
    explicit Ratchet(Crypto& its_crypto) : tree(its_crypto.suite(), world().memory, world().memory, {}) {
      must(tree.start(std::move(Secret::copy_of(world().private_bytes).value()), TreeSize::for_leaves(1024)));
    }
  };
  static Ratchet ratchet(crypto);
  PeekedKey peeked;
  must(ratchet.tree.peek(crypto, LeafIndex{7}, RatchetType::application, ratchet.generation++, peeked));
  ratchet.tree.adopt(peeked);
}
void ratchet_step_floor() {
  raw::expand_with_label(5, 4);  // nonce
  raw::expand_with_label(3, 4);  // key
  raw::expand_with_label(6, 4);  // secret
}

void hpke_seal(Crypto& crypto) {
  World& w = world();
  std::uint8_t kem_output[32], sealed[48];
  must(encrypt_with_label(crypto, w.public_key, "UpdatePathNode", w.context_bytes(), {w.secret}, w.memory,
                          kem_output, sealed));
}
void hpke_seal_floor() {
  World& w = world();
  raw::multiply_base();
  raw::multiply(w.public_key);
  raw::hpke_info(w.group_context_size);
  raw::hpke_schedule();
  raw::seal();
}

void hpke_open(Crypto& crypto) {
  World& w = world();
  Secret opened;
  must(decrypt_with_label(crypto, {w.private_key, w.public_key}, "UpdatePathNode", w.context_bytes(),
                          w.kem_output, w.sealed, opened));
}
void hpke_open_floor() {
  World& w = world();
  raw::multiply(w.kem_output);
  raw::hpke_info(w.group_context_size);
  raw::hpke_schedule();
  raw::open();
}

}  // namespace

std::vector<Row> crypto_rows() {
  std::vector<Row> rows = {
      {"decode GroupContext and hash it", decode_and_hash, [] { raw::hash(world().group_context_size); },
       1.3},
      {"ExpandWithLabel", expand_with_label, [] { raw::expand_with_label(5, 32); }, 1.3, 1},
      {"ratchet step (peek, adopt)", ratchet_step, ratchet_step_floor, 1.3, 3},
      {"HPKE seal 32 bytes", hpke_seal, hpke_seal_floor, 1.15, 9},
      {"HPKE open 32 bytes", hpke_open, hpke_open_floor, 1.15, 9},
  };
  for (Row& row : rows) row.set_up = [] { world(); };
  return rows;
}

}  // namespace tacet::bench
