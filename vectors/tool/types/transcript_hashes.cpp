// Transcript hashes: those after a Commit, and its confirmation_tag, RFC 9420, 6.1 and 8.2.

#include "vectors/tool/message_maker.h"
#include "vectors/tool/type.h"

namespace tacet::tool {

namespace {

bool recognise(const Json& object) {
  return object.contains("authenticated_content") || object.contains("interim_transcript_hash_before");
}

void run(const Field& object, Crypto& crypto, Outputs& outputs) {
  const Field field = object["authenticated_content"];
  const Octets encoded = field.bytes();
  const auto commit = decoded<AuthenticatedContent>(field, encoded);
  if (commit.content.content_type != ContentType::commit) field.malformed("not a Commit");
  const Octets interim_before = object["interim_transcript_hash_before"].bytes();
  const Octets confirmation_key = object["confirmation_key"].bytes();

  Digest confirmed, interim;
  outputs.require(object, "confirmed_transcript_hash_after",
                  confirmed_transcript_hash(crypto, interim_before, commit, confirmed));
  outputs.put(object, "confirmed_transcript_hash_after", confirmed);
  outputs.require(object, "interim_transcript_hash_after",
                  interim_transcript_hash(crypto, confirmed, commit.auth.confirmation_tag, interim));
  outputs.put(object, "interim_transcript_hash_after", interim);
  outputs.require(
      object, "authenticated_content",
      check_confirmation_tag(crypto, secret_of(confirmation_key), confirmed, commit.auth.confirmation_tag));
}

struct Recipe {
  WireFormat format;
  std::optional<CommitShape> shape;  // of a member's Commit; else a new member's
  std::size_t authenticated_data;
  std::size_t group_id;
  std::uint64_t epoch;
};

constexpr Recipe recipes[] = {{WireFormat::public_message, CommitShape::references, 0, 32, 0},
                              {WireFormat::public_message, CommitShape::values, 1, 0, 1},
                              {WireFormat::public_message, CommitShape::path, 63, 1, 0xffff},
                              {WireFormat::public_message, CommitShape::all, 64, 63, 0xffffffff},
                              {WireFormat::private_message, CommitShape::references, 300, 64, 0x100000000},
                              {WireFormat::private_message, CommitShape::values, 0, 300, 2},
                              {WireFormat::private_message, CommitShape::path, 16383, 16, 3},
                              {WireFormat::private_message, CommitShape::all, 16384, 16, 4},
                              {WireFormat::public_message, std::nullopt, 0, 16, 5},
                              {WireFormat::public_message, std::nullopt, 65, 16, 6}};

Json choose_case(Generator& generator, const Recipe& recipe) {
  TreeMaker group(generator, generator.bytes(recipe.group_id));
  group.grow_full(3);
  MessageMaker maker(generator, group, recipe.epoch, true);
  const bool is_member = recipe.shape.has_value();
  const Sender sender = {is_member ? SenderType::member : SenderType::new_member_commit, {1}, 0};
  const Octets commit =
      is_member ? maker.commit(1, *recipe.shape) : maker.external_commit(LeafKind::extensions);
  const auto framed = maker.framed(sender, recipe.authenticated_data, ContentType::commit, commit);
  if (recipe.format == WireFormat::public_message) {
    maker.public_message(framed);
  } else {
    maker.private_message(framed, 0, 0);
  }
  return {{"cipher_suite", generator.suite_number()},
          {"confirmation_key", to_hex(maker.confirmation_key())},
          {"authenticated_content", to_hex(maker.authenticated_content())},
          {"interim_transcript_hash_before", to_hex(maker.interim_transcript_hash_before())}};
}

Json choose(Generator& generator) {
  Json cases = Json::array();
  for (const Recipe& recipe : recipes) cases.push_back(choose_case(generator, recipe));
  return cases;
}

}  // namespace

const VectorType transcript_hashes = {"transcript-hashes", {.kdf = true}, recognise, run, choose};

}  // namespace tacet::tool
