// Benchmarks: each operation beside the libsodium calls that it must make, on the same machine in the same
// run. What is reported, and held, is the ratio of the two; times are for scale.

#include <benchmark/benchmark.h>
#include <sodium.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "protocol/adapters/heap_memory.h"
#include "protocol/tacet.h"

namespace tacet {
namespace {

// ---- the floors: raw calls over inputs that lie ready

void raw_hmac(const std::uint8_t* key, std::size_t input_size, std::uint8_t* out) {
  static const std::uint8_t input[512] = {};
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, key, 32);
  crypto_auth_hmacsha256_update(&state, input, input_size);
  crypto_auth_hmacsha256_final(&state, out);
}

constexpr std::size_t kdf_label_size(std::size_t label, std::size_t context) {
  return 2 + 1 + 8 + label + 1 + context;
}

// The 5 HMACs of an HPKE single shot and the hash of its info; sizes as RFC 9180 makes them.
void raw_hpke_schedule(const std::uint8_t* key, std::size_t info_size, std::uint8_t* out) {
  raw_hmac(key, 7 + 10 + 9 + info_size, out);    // info_hash
  raw_hmac(key, 7 + 5 + 7 + 32, out);            // eae_prk
  raw_hmac(key, 2 + 7 + 5 + 13 + 64 + 1, out);   // shared_secret
  raw_hmac(key, 7 + 10 + 6, out);                // secret
  raw_hmac(key, 2 + 7 + 10 + 3 + 65 + 1, out);   // key
  raw_hmac(key, 2 + 7 + 10 + 10 + 65 + 1, out);  // base_nonce
}

// ---- fixtures

struct World {
  SodiumRandom random;
  Sodium crypto{random};
  HeapMemory memory;
  Secret private_key, secret;
  std::uint8_t public_key[32], private_bytes[32], kem_output[32], sealed[48], group_context[160], out[64];

  World() {
    randombytes_buf(private_bytes, sizeof private_bytes);
    private_key = std::move(Secret::copy_of(private_bytes).value());
    crypto_scalarmult_base(public_key, private_bytes);
    secret = std::move(Secret::copy_of(private_bytes).value());
    GroupContext context;
    context.cipher_suite = crypto.suite().suite;
    context.group_id = context.tree_hash = context.confirmed_transcript_hash = Bytes(public_key);
    const Bytes encoded = encode(context, group_context).value();
    group_context_size = encoded.size();
    must(encrypt_with_label(crypto, public_key, "UpdatePathNode", context_bytes(), {secret}, memory,
                            kem_output, sealed));
  }
  Bytes context_bytes() const { return Bytes(group_context).first(group_context_size); }
  static void must(Error error) {
    if (error != Error::none) std::fprintf(stderr, "bench: %s\n", describe(error).name), std::exit(1);
  }

  std::size_t group_context_size = 0;
};

World& world() {
  static World the_world;
  return the_world;
}

// ---- operations and floors, in pairs

void decode_and_hash(benchmark::State& state) {
  World& w = world();
  Digest digest;
  for (auto _ : state) {
    GroupContext context;
    World::must(decode(w.context_bytes(), context));
    benchmark::DoNotOptimize(context);
    World::must(w.crypto.hash({w.context_bytes()}, digest));
  }
}
void decode_and_hash_floor(benchmark::State& state) {
  World& w = world();
  for (auto _ : state) {
    crypto_hash_sha256(w.out, w.group_context, w.group_context_size);
    benchmark::DoNotOptimize(w.out);
  }
}

void expand_with_label(benchmark::State& state) {
  World& w = world();
  Secret out;
  for (auto _ : state)
    World::must(w.crypto.expand_with_label(w.secret, "epoch", {Bytes(w.public_key)}, 32, out));
}
void expand_with_label_floor(benchmark::State& state) {
  World& w = world();
  for (auto _ : state) {
    raw_hmac(w.private_bytes, kdf_label_size(5, 32) + 1, w.out);
    benchmark::DoNotOptimize(w.out);
  }
}

void ratchet_step(benchmark::State& state) {
  World& w = world();
  SecretTree tree(w.crypto.suite(), w.memory, w.memory, {});
  World::must(tree.start(std::move(Secret::copy_of(w.private_bytes).value()), TreeSize::for_leaves(1024)));
  PeekedKey peeked;
  std::uint32_t generation = 0;
  for (auto _ : state) {
    World::must(tree.peek(w.crypto, LeafIndex{7}, RatchetType::application, generation++, peeked));
    tree.adopt(peeked);
  }
}
void ratchet_step_floor(benchmark::State& state) {
  World& w = world();
  for (auto _ : state) {
    raw_hmac(w.private_bytes, kdf_label_size(5, 4) + 1, w.out);  // nonce
    raw_hmac(w.private_bytes, kdf_label_size(3, 4) + 1, w.out);  // key
    raw_hmac(w.private_bytes, kdf_label_size(6, 4) + 1, w.out);  // secret
    benchmark::DoNotOptimize(w.out);
  }
}

void hpke_seal(benchmark::State& state) {
  World& w = world();
  std::uint8_t kem_output[32], sealed[48];
  for (auto _ : state) {
    World::must(encrypt_with_label(w.crypto, w.public_key, "UpdatePathNode", w.context_bytes(), {w.secret},
                                   w.memory, kem_output, sealed));
  }
}
void hpke_seal_floor(benchmark::State& state) {
  World& w = world();
  std::uint8_t sealed[48];
  for (auto _ : state) {
    std::uint8_t ephemeral[32];
    randombytes_buf(ephemeral, sizeof ephemeral);
    if (crypto_scalarmult(w.out, ephemeral, w.public_key) != 0) state.SkipWithError("low order");
    crypto_scalarmult_base(w.out, ephemeral);
    raw_hpke_schedule(w.private_bytes, 1 + 22 + 2 + w.group_context_size, w.out);
    crypto_aead_chacha20poly1305_ietf_encrypt(sealed, nullptr, w.private_bytes, 32, nullptr, 0, nullptr,
                                              w.out, w.out);
    benchmark::DoNotOptimize(sealed);
  }
}

void hpke_open(benchmark::State& state) {
  World& w = world();
  Secret opened;
  for (auto _ : state) {
    World::must(decrypt_with_label(w.crypto, {w.private_key, w.public_key}, "UpdatePathNode",
                                   w.context_bytes(), w.kem_output, w.sealed, opened));
  }
}
void hpke_open_floor(benchmark::State& state) {
  World& w = world();
  std::uint8_t sealed[48], opened[32];
  const std::uint8_t key[32] = {};
  crypto_aead_chacha20poly1305_ietf_encrypt(sealed, nullptr, w.private_bytes, 32, nullptr, 0, nullptr, key,
                                            key);
  for (auto _ : state) {
    if (crypto_scalarmult(w.out, w.private_bytes, w.kem_output) != 0) state.SkipWithError("low order");
    raw_hpke_schedule(w.private_bytes, 1 + 22 + 2 + w.group_context_size, w.out);
    if (crypto_aead_chacha20poly1305_ietf_decrypt(opened, nullptr, nullptr, sealed, sizeof sealed, nullptr, 0,
                                                  key, key) != 0) {
      state.SkipWithError("not authentic");
    }
    benchmark::DoNotOptimize(opened);
  }
}

void scrubbing(benchmark::State& state) {
  for (auto _ : state) scrub();
}

// ---- the table

struct Row {
  const char* name;
  void (*operation)(benchmark::State&);
  void (*floor)(benchmark::State&);
  double limit;
  unsigned scrubs;  // in one operation
};

const Row rows[] = {
    {"decode GroupContext and hash it", decode_and_hash, decode_and_hash_floor, 1.3, 0},
    {"ExpandWithLabel", expand_with_label, expand_with_label_floor, 1.3, 1},
    {"ratchet step (peek, adopt)", ratchet_step, ratchet_step_floor, 1.3, 3},
    {"HPKE seal 32 bytes", hpke_seal, hpke_seal_floor, 1.15, 9},
    {"HPKE open 32 bytes", hpke_open, hpke_open_floor, 1.15, 9},
};

// Collects the repetitions of each benchmark; the table is made from their medians.
class Collector final : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.run_type == Run::RT_Iteration)
        times_[run.run_name.function_name].push_back(run.GetAdjustedCPUTime());
    }
  }
  double median(const std::string& name) {
    std::vector<double>& times = times_[name];
    if (times.empty()) return 0;
    std::sort(times.begin(), times.end());
    return times[times.size() / 2];
  }

 private:
  std::map<std::string, std::vector<double>> times_;
};

void print(Collector& times) {
  const double one_scrub = times.median("scrub");
  std::printf("%-34s %10s %10s %7s %7s %9s\n", "operation", "ns", "floor ns", "ratio", "limit", "scrubbing");
  for (const Row& row : rows) {
    const double operation = times.median(row.name);
    const double floor = times.median(std::string(row.name) + ", floor");
    if (operation == 0 || floor == 0) continue;  // filtered out
    const double ratio = operation / floor;
    std::printf("%-34s %10.0f %10.0f %7.3f %7.2f %8.1f%%  %s\n", row.name, operation, floor, ratio, row.limit,
                100 * row.scrubs * one_scrub / operation, ratio <= row.limit ? "held" : "MISSED");
  }
  std::printf("one scrub of stack and registers: %.0f ns; medians of CPU time, repetitions interleaved\n",
              one_scrub);
}

}  // namespace
}  // namespace tacet

int main(int argc, char** argv) {
  std::vector<char*> arguments(argv, argv + argc);
  std::string defaults[] = {"--benchmark_repetitions=11", "--benchmark_enable_random_interleaving=true",
                            "--benchmark_min_time=0.05"};
  for (std::string& option : defaults) arguments.insert(arguments.begin() + 1, option.data());
  int count = static_cast<int>(arguments.size());
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) return 2;
  for (const tacet::Row& row : tacet::rows) {
    benchmark::RegisterBenchmark(row.name, row.operation);
    benchmark::RegisterBenchmark((std::string(row.name) + ", floor").c_str(), row.floor);
  }
  benchmark::RegisterBenchmark("scrub", tacet::scrubbing);
  tacet::Collector collector;
  benchmark::RunSpecifiedBenchmarks(&collector);
  tacet::print(collector);
  return 0;
}
