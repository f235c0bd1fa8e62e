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

void hpke_seal(Crypto& crypto) {
  World& w = world();
  std::uint8_t kem_output[32], sealed[48];
  must(encrypt_with_label(crypto, w.public_key, "UpdatePathNode", w.context_bytes(), {w.secret}, w.memory,
                          kem_output, sealed));
}
void hpke_seal_floor() {
  World& w = world();
  raw::hpke_info(w.group_context_size);
  raw::hpke_seal(w.public_key);
}

void hpke_open(Crypto& crypto) {
  World& w = world();
  Secret opened;
  must(decrypt_with_label(crypto, {w.private_key, w.public_key}, "UpdatePathNode", w.context_bytes(),
                          w.kem_output, w.sealed, opened));
}
void hpke_open_floor() {
  World& w = world();
  raw::hpke_info(w.group_context_size);
  raw::hpke_open(w.kem_output);
}

}  // namespace

std::vector<Row> crypto_rows() {
  std::vector<Row> rows = {
      {.name = "decode GroupContext and hash it",
       .operation = decode_and_hash,
       .floor = [] { raw::hash(world().group_context_size); },
       .limit = 1.3},
      {.name = "ExpandWithLabel",
       .operation = expand_with_label,
       .floor = [] { raw::expand_with_label(5, 32); },
       .limit = 1.3,
       .scrubs = 1},
      {.name = "ratchet step (peek, adopt)",
       .operation = ratchet_step,
       .floor = raw::ratchet_step,
       .limit = 1.3,
       .scrubs = 3},
      {.name = "HPKE seal 32 bytes",
       .operation = hpke_seal,
       .floor = hpke_seal_floor,
       .limit = 1.15,
       .scrubs = 9},
      {.name = "HPKE open 32 bytes",
       .operation = hpke_open,
       .floor = hpke_open_floor,
       .limit = 1.15,
       .scrubs = 9},
  };
  for (Row& row : rows) row.set_up = [] { world(); };
  return rows;
}

}  // namespace tacet::bench
