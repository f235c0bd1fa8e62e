#include "type.h"

namespace tacet::tool {

std::span<const VectorType* const> vector_types() {
  static constexpr const VectorType* types[] = {&deserialization, &crypto_basics,      &tree_math,
                                                &tree_operations, &tree_validation,    &treekem,
                                                &key_schedule,    &psk_secret,         &secret_tree,
                                                &messages,        &message_protection, &transcript_hashes,
                                                &welcome,         &passive_client};
  return types;
}

}  // namespace tacet::tool
