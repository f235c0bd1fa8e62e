// Messages: the syntax of everything that is sent, and of some parts of it, RFC 9420, 6 and 12.

#include "vectors/tool/message_maker.h"
#include "vectors/tool/private_structs.h"
#include "vectors/tool/type.h"

namespace tacet::tool {

namespace {

bool recognise(const Json& object) {
  return object.contains("mls_welcome") || object.contains("public_message_commit");
}

// Encodes the elements of a list one by one; a Writer copies what the list views.
class Reencoder : public Encoder<Reencoder> {
 public:
  explicit Reencoder(MutableBytes out) noexcept : writer_(out) {}

  Error put(Bytes bytes, Storage storage) noexcept { return writer_.put(bytes, storage); }

  template <class T>
  Error list(const List<T>& list) noexcept {
    Sizer sizer;
    for (const T& element : list) TRY(sizer(element));
    TRY(header(sizer.size()));
    for (const T& element : list) TRY((*this)(element));
    return Error::none;
  }

  Bytes written() const noexcept { return writer_.written(); }

 private:
  Writer writer_;
};

// Decodes what `field` holds, and encodes it again. That it cannot be decoded is a failure like any other
// here, and does not make the file malformed.
template <class T>
void run_struct(const Field& field, T& value, Octets& encoded, Outputs& outputs) {
  encoded = field.bytes();
  outputs.require(field, decode(encoded, value));
  Octets room(encoded.size());
  Reencoder reencoder(room);
  outputs.require(field, reencoder(value));
  outputs.compare(field, encoded, reencoder.written());
}

template <class T>
void run_struct(const Field& field, Outputs& outputs) {
  Octets encoded;
  T value{};
  run_struct(field, value, encoded, outputs);
}

template <WireFormat format>
void run_message(const Field& field, Outputs& outputs) {
  Octets encoded;
  MlsMessage message;
  run_struct(field, message, encoded, outputs);
  if (message.wire_format != format) field.malformed("of another wire format");
}

template <ContentType type>
void run_public_message(const Field& field, Outputs& outputs) {
  Octets encoded;
  MlsMessage message;
  run_struct(field, message, encoded, outputs);
  if (message.wire_format != WireFormat::public_message) field.malformed("of another wire format");
  if (message.public_message.content.content_type != type) field.malformed("of another content type");
}

struct Member {
  const char* name;
  void (*run)(const Field& field, Outputs& outputs);
};

constexpr Member members[] = {{"mls_welcome", run_message<WireFormat::welcome>},
                              {"mls_group_info", run_message<WireFormat::group_info>},
                              {"mls_key_package", run_message<WireFormat::key_package>},
                              {"ratchet_tree", run_struct<Nodes>},
                              {"group_secrets", run_struct<PlainGroupSecrets>},
                              {"add_proposal", run_struct<Add>},
                              {"update_proposal", run_struct<Update>},
                              {"remove_proposal", run_struct<Remove>},
                              {"pre_shared_key_proposal", run_struct<PreSharedKey>},
                              {"re_init_proposal", run_struct<ReInit>},
                              {"external_init_proposal", run_struct<ExternalInit>},
                              {"group_context_extensions_proposal", run_struct<GroupContextExtensions>},
                              {"commit", run_struct<Commit>},
                              {"public_message_application", run_public_message<ContentType::application>},
                              {"public_message_proposal", run_public_message<ContentType::proposal>},
                              {"public_message_commit", run_public_message<ContentType::commit>},
                              {"private_message", run_message<WireFormat::private_message>}};

void run(const Field& object, Crypto&, Outputs& outputs) {
  for (const Member& member : members) member.run(object[member.name], outputs);
}

// ---- choosing

using Kind = LeafKind;

// A group whose last Commit adds the joiners.
struct GroupRecipe {
  void (*make)(TreeMaker& group);
  std::uint32_t committer;
  std::vector<std::uint32_t> joiners;
  Kind newcomer;  // of who is to come
};

std::vector<GroupRecipe> group_recipes() {
  return {{[](TreeMaker& group) { group.commit(0, {.adds = plain(1)}); }, 0, {1}, Kind::plain},
          // Leaves 3 and 4 are unmerged.
          {[](TreeMaker& group) {
             group.grow_full(3);
             group.add_without_path(plain(2));
           },
           2,
           {3, 4},
           Kind::grease},
          // Leaf 1 is unmerged, leaf 2 is new, leaf 3 is blank.
          {[](TreeMaker& group) {
             group.grow_full(5);
             group.commit(4, {.removes = {1, 2, 3}});
             group.add_without_path(plain(1));
             group.commit(0, {.adds = plain(1)});
           },
           0,
           {2},
           Kind::extensions},
          {[](TreeMaker& group) {
             group.commit(0, {.adds = {Kind::grease, Kind::extensions, Kind::x509}});
           },
           0,
           {1, 2, 3},
           Kind::x509},
          {[](TreeMaker& group) { group.commit(0, {.adds = {Kind::unknown_credential}}); },
           0,
           {1},
           Kind::unknown_credential},
          // Leaves from a KeyPackage, an Update and a Commit.
          {[](TreeMaker& group) {
             group.grow_full(4);
             group.commit(0, {.updates = {3}, .removes = {1}, .adds = plain(1)});
           },
           0,
           {1},
           Kind::plain},
          // Leaves 5 and 6 are blank.
          {[](TreeMaker& group) {
             group.grow_full(8);
             group.commit(7, {.removes = {2, 5, 6}, .adds = {Kind::grease}});
           },
           7,
           {2},
           Kind::grease}};
}

struct Shape {
  SenderType proposer, committer;
  CommitShape commit;
  ContentType in_private;
  std::size_t authenticated_data;  // of the proposal and the PrivateMessage
  std::size_t size;                // of what else may have any
  InfoShape info;
};

constexpr SenderType by_member = SenderType::member;
constexpr SenderType by_external = SenderType::external;
constexpr SenderType by_new_member = SenderType::new_member_proposal;
constexpr SenderType by_joiner = SenderType::new_member_commit;
constexpr InfoShape all = {true, true, true, true};

constexpr Shape shapes[] = {
    {by_member, by_member, CommitShape::references, ContentType::application, 0, 16, all},
    {by_external, by_member, CommitShape::path, ContentType::proposal, 1, 0, {.ratchet_tree = true}},
    {by_new_member, by_member, CommitShape::values, ContentType::commit, 63, 1, {.external_pub = true}},
    {by_member, by_joiner, CommitShape::all, ContentType::application, 64, 63, {.grease = true}},
    {by_external, by_joiner, CommitShape::references, ContentType::proposal, 16383, 64, {.unknown = true}},
    {by_new_member, by_joiner, CommitShape::path, ContentType::commit, 300, 300, {}},
    {by_member, by_member, CommitShape::all, ContentType::application, 16384, 32, all}};

// The Proposal without its type.
std::string body_of(const Octets& proposal) { return to_hex(Bytes(proposal).subspan(sizeof(ProposalType))); }

// The PSKs of the i-th case: none, an external one, or one of each usage of resumption PSKs beside it.
Octets choose_psks(MessageMaker& maker, std::size_t i, std::size_t size) {
  if (i % 3 == 0) return {};
  Octets psks = maker.external_psk(size);
  if (i % 3 == 1) return psks;
  for (const auto usage :
       {ResumptionPskUsage::application, ResumptionPskUsage::reinit, ResumptionPskUsage::branch}) {
    psks = joined({psks, maker.resumption_psk(usage, size)});
  }
  return psks;
}

Octets choose_group_secrets(MessageMaker& maker, std::uint32_t joiner, const Octets& psks) {
  const std::optional<Octets> path_secret = maker.path_secret(joiner);
  PlainGroupSecrets secrets;
  secrets.joiner_secret = maker.joiner_secret();
  if (path_secret) secrets.path_secret = PathSecret{*path_secret};
  must(List<PreSharedKeyId>::parse(psks, secrets.psks));
  return adversary::encoded(secrets);
}

void put_proposals(Json& object, MessageMaker& maker, const GroupRecipe& recipe, std::size_t i,
                   std::size_t size) {
  const std::uint32_t joiner = recipe.joiners.back();
  const Octets psk = i % 2 == 0 ? maker.external_psk(size)
                                : maker.resumption_psk(static_cast<ResumptionPskUsage>(1 + i / 2 % 3), size);
  object["add_proposal"] = body_of(maker.add(recipe.newcomer));
  object["update_proposal"] = body_of(maker.update(joiner));
  object["remove_proposal"] = body_of(maker.remove(joiner));
  object["pre_shared_key_proposal"] = body_of(maker.pre_shared_key(psk));
  object["re_init_proposal"] = body_of(maker.re_init(size, i % 2 == 1));
  object["external_init_proposal"] = body_of(maker.external_init());
  object["group_context_extensions_proposal"] = body_of(maker.group_context_extensions(i % 2 == 0));
}

Octets choose_proposal(MessageMaker& maker, SenderType proposer, const GroupRecipe& recipe) {
  if (proposer == by_member) return maker.update(recipe.committer);
  return proposer == by_external ? maker.remove(recipe.joiners[0]) : maker.add(recipe.newcomer);
}

void put_public_messages(Json& object, MessageMaker& maker, const GroupRecipe& recipe, const Shape& shape,
                         const Octets& application) {
  const auto put = [&](const char* name, SenderType type, std::size_t authenticated_data,
                       ContentType content_type, const Octets& content) {
    const Sender sender = {type, {recipe.committer}, 1};
    object[name] =
        to_hex(maker.public_message(maker.framed(sender, authenticated_data, content_type, content)));
  };
  put("public_message_application", by_member, shape.size, ContentType::application, application);
  put("public_message_proposal", shape.proposer, shape.authenticated_data, ContentType::proposal,
      choose_proposal(maker, shape.proposer, recipe));
  const Octets commit = shape.committer == by_member ? maker.commit(recipe.committer, shape.commit)
                                                     : maker.external_commit(recipe.newcomer);
  put("public_message_commit", shape.committer, shape.size, ContentType::commit, commit);
}

Octets choose_private_message(MessageMaker& maker, const GroupRecipe& recipe, const Shape& shape,
                              const Octets& application) {
  Octets content = application;
  if (shape.in_private == ContentType::proposal) content = maker.remove(recipe.joiners[0]);
  if (shape.in_private == ContentType::commit) content = maker.commit(recipe.committer, shape.commit);
  const Sender sender = {by_member, {recipe.committer}, 0};
  return maker.private_message(maker.framed(sender, shape.authenticated_data, shape.in_private, content), 0,
                               shape.size);
}

Json choose_case(Generator& generator, std::size_t i) {
  const GroupRecipe recipe = group_recipes().at(i);
  const Shape& shape = shapes[i];
  TreeMaker group(generator, generator.bytes(shape.size));
  recipe.make(group);
  MessageMaker maker(generator, group, i + 1, i != 0);
  Client newcomer;
  group.make_key_package(recipe.newcomer, newcomer);
  const Octets psks = choose_psks(maker, i, shape.size);
  Json object = {{"mls_welcome", to_hex(maker.welcome(recipe.committer, recipe.joiners, shape.info))},
                 {"mls_group_info", to_hex(maker.group_info(recipe.committer, shape.info))},
                 {"mls_key_package", to_hex(key_package_message(newcomer))},
                 {"ratchet_tree", to_hex(exported(group.tree()))},
                 {"group_secrets", to_hex(choose_group_secrets(maker, recipe.joiners[0], psks))}};
  put_proposals(object, maker, recipe, i, shape.size);
  object["commit"] = to_hex(maker.commit(recipe.committer, shapes[(i + 1) % std::size(shapes)].commit));
  const Octets application = adversary::vector_of(generator.bytes(shape.size));
  put_public_messages(object, maker, recipe, shape, application);
  object["private_message"] = to_hex(choose_private_message(maker, recipe, shape, application));
  return object;
}

Json choose(Generator& generator) {
  Json cases = Json::array();
  for (std::size_t i = 0; i < std::size(shapes); ++i) cases.push_back(choose_case(generator, i));
  return cases;
}

}  // namespace

const VectorType messages = {"messages", {}, recognise, run, choose};

}  // namespace tacet::tool
