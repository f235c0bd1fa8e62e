#pragma once

// The types of test vectors, one file each in types/. To add one: its file there, its name below, its place
// in the registry (type.cpp) and in CMakeLists.txt.

#include <span>

#include "field.h"
#include "generator.h"
#include "outputs.h"
#include "suite.h"

namespace tacet::tool {

// A file that is published.
struct VectorFile {
  const char* name;  // without ".json"
  Json (*choose)(Generator& generator);
};

struct VectorType {
  const char* name;  // as the working group names its file, "key-schedule"
  Needs needs;       // if any, a case has a cipher_suite

  // Whether a case is of this type. The format has no type field: it is known by the names of its members,
  // any of which is enough, so that a case that lacks one is malformed and not of unknown type.
  bool (*recognise)(const Json& object);

  // Computes what is computed in a case, from what its generator chose.
  void (*run)(const Field& object, Crypto& crypto, Outputs& outputs);

  // An array of cases that hold what a generator chooses and nothing else.
  Json (*choose)(Generator& generator);

  // What is published beside the file that has the name of the type.
  std::span<const VectorFile> further = {};
};

extern const VectorType crypto_basics;
extern const VectorType deserialization;
extern const VectorType key_schedule;
extern const VectorType message_protection;
extern const VectorType messages;
extern const VectorType passive_client;
extern const VectorType psk_secret;
extern const VectorType secret_tree;
extern const VectorType transcript_hashes;
extern const VectorType tree_math;
extern const VectorType tree_operations;
extern const VectorType tree_validation;
extern const VectorType treekem;
extern const VectorType welcome;

// All of them, in the order of the protocol's floors.
std::span<const VectorType* const> vector_types();

}  // namespace tacet::tool
