// Secret tree: the keys and nonces of messages and of sender data, RFC 9420, 9 and 6.3.2.

#include "protocol/secret_tree.h"

#include <algorithm>

#include "protocol/adapters/heap_memory.h"
#include "vectors/tool/type.h"

namespace tacet::tool {

namespace {

// A ratchet is moved ahead step by step, so what a file can ask for has to have a bound.
constexpr std::uint32_t max_generation = 1u << 14;

bool recognise(const Json& object) { return object.contains("sender_data") || object.contains("leaves"); }

void run_sender_data(const Field& sender_data, Crypto& crypto, Outputs& outputs) {
  const Octets secret = sender_data["sender_data_secret"].bytes(crypto.hash_size());
  const Octets ciphertext = sender_data["ciphertext"].bytes();
  Secret key, nonce;
  outputs.require(sender_data, "key",
                  derive_sender_data_key(crypto, secret_of(secret), ciphertext, key, nonce));
  outputs.put(sender_data, "key", key);
  outputs.put(sender_data, "nonce", nonce);
}

struct Entry {
  std::uint32_t generation;
  Field field;
};

// The entries of a leaf by ascending generation, which the format does not promise: a ratchet does not turn
// back.
std::vector<Entry> sorted_entries(const Field& leaf) {
  std::vector<Entry> entries;
  for (std::size_t i = 0; i < leaf.size(); ++i) {
    const Field generation = leaf[i]["generation"];
    entries.push_back({generation.number<std::uint32_t>(), leaf[i]});
    if (entries.back().generation > max_generation) {
      generation.malformed("over " + std::to_string(max_generation) +
                           ", the last generation that is checked");
    }
  }
  std::stable_sort(entries.begin(), entries.end(),
                   [](const Entry& a, const Entry& b) { return a.generation < b.generation; });
  return entries;
}

void run_ratchet(SecretTree& tree, LeafIndex leaf, RatchetType type, const std::vector<Entry>& entries,
                 Crypto& crypto, Outputs& outputs) {
  const bool handshake = type == RatchetType::handshake;
  const char* const key = handshake ? "handshake_key" : "application_key";
  const char* const nonce = handshake ? "handshake_nonce" : "application_nonce";
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const auto& [generation, field] = entries[i];
    PeekedKey peeked;
    outputs.require(field, key, tree.peek(crypto, leaf, type, generation, peeked));
    outputs.put(field, key, peeked.message_key().key);
    outputs.put(field, nonce, peeked.message_key().nonce);
    const bool repeated = i + 1 < entries.size() && entries[i + 1].generation == generation;
    if (!repeated) tree.adopt(peeked);
  }
}

void run(const Field& object, Crypto& crypto, Outputs& outputs) {
  run_sender_data(object["sender_data"], crypto, outputs);

  const Field leaves = object["leaves"];
  if (leaves.size() == 0) leaves.malformed("a tree has at least one leaf");
  HeapMemory memory;
  Limits limits;
  limits.forward_distance = max_generation;
  limits.out_of_order_window = 0;  // no key is asked for late
  limits.skipped_keys = 0;
  SecretTree tree(crypto.suite(), memory, memory, limits);
  Result<Secret> secret = Secret::copy_of(object["encryption_secret"].bytes(crypto.hash_size()));
  const auto count = static_cast<std::uint32_t>(leaves.size());
  outputs.require(object, "encryption_secret",
                  tree.start(std::move(secret.value()), TreeSize::for_leaves(count)));
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::vector<Entry> entries = sorted_entries(leaves[i]);
    run_ratchet(tree, LeafIndex{i}, RatchetType::handshake, entries, crypto, outputs);
    run_ratchet(tree, LeafIndex{i}, RatchetType::application, entries, crypto, outputs);
  }
}

struct Shape {
  std::size_t leaves;
  std::vector<std::uint32_t> generations;
  std::size_t ciphertext;
};

Json choose(Generator& generator) {
  const std::size_t hash_size = generator.crypto().hash_size();
  const Shape shapes[] = {{1, {0, 1, 2, 3, 15}, hash_size},
                          {1, {1000}, 0},
                          {2, {0, 1, 64, 65}, hash_size - 1},
                          {2, {5, 6, 255, 256}, 1},
                          {8, {0, 15}, hash_size + 1},
                          {8, {1, 3, 200}, 16},
                          {32, {0}, 77},
                          {32, {7, 31}, 300}};
  Json cases = Json::array();
  for (const Shape& shape : shapes) {
    Json leaf = Json::array();
    for (const std::uint32_t generation : shape.generations)
      leaf.push_back(Json::object({{"generation", generation}}));
    cases.push_back(
        {{"cipher_suite", generator.suite_number()},
         {"sender_data",
          {{"sender_data_secret", generator.hash_sized()}, {"ciphertext", generator.hex(shape.ciphertext)}}},
         {"encryption_secret", generator.hash_sized()},
         {"leaves", std::vector<Json>(shape.leaves, leaf)}});
  }
  return cases;
}

}  // namespace

const VectorType secret_tree = {"secret-tree", {.kdf = true}, recognise, run, choose};

}  // namespace tacet::tool
