// What `tacet inspect` finds in messages: every byte in its place, every field by its name, and of what is
// malformed the same as a Reader, with its place. The vectors lie in TACET_VECTORS and, if that is set,
// TACET_OFFICIAL_VECTORS.

#include "vectors/tool/inspector.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "vectors/tool/inspect_show.h"
#include "vectors/tool/inspect_structures.h"

namespace tacet::tool {
namespace {

// ---- what there is to inspect

template <class T>
Inspection inspected(Bytes input) {
  static const FieldName name{"top"};
  return Inspector::inspect<T>(input, name);
}

struct Named {
  const char* structure;
  Inspection (*inspect)(Bytes input);
  Error (*decode)(Bytes input);
};

template <class T>
Named named(const char* structure) {
  return {structure, inspected<T>, [](Bytes input) {
            T value{};
            return decode(input, value);
          }};
}

// The members of vectors that hold structures, by the name of the file.
struct Member {
  const char* file;
  const char* member;
  Named as;
};

std::vector<Member> members() {
  const Named message = named<MlsMessage>("message"), tree = named<Nodes>("ratchet_tree");
  const Named proposal = named<Proposal>("proposal"), commit = named<Commit>("commit");
  return {
      {"messages", "mls_welcome", message},
      {"messages", "mls_group_info", message},
      {"messages", "mls_key_package", message},
      {"messages", "ratchet_tree", tree},
      {"messages", "group_secrets", named<PlainGroupSecrets>("group_secrets")},
      {"messages", "add_proposal", named<Add>("add")},
      {"messages", "update_proposal", named<Update>("update")},
      {"messages", "remove_proposal", named<Remove>("remove")},
      {"messages", "pre_shared_key_proposal", named<PreSharedKey>("pre_shared_key")},
      {"messages", "re_init_proposal", named<ReInit>("re_init")},
      {"messages", "external_init_proposal", named<ExternalInit>("external_init")},
      {"messages", "group_context_extensions_proposal",
       named<GroupContextExtensions>("group_context_extensions")},
      {"messages", "commit", commit},
      {"messages", "public_message_application", message},
      {"messages", "public_message_proposal", message},
      {"messages", "public_message_commit", message},
      {"messages", "private_message", message},
      {"message-protection", "proposal", proposal},
      {"message-protection", "commit", commit},
      {"message-protection", "proposal_pub", message},
      {"message-protection", "commit_priv", message},
      {"transcript-hashes", "authenticated_content", named<AuthenticatedContent>("authenticated_content")},
      {"tree-operations", "tree_before", tree},
      {"tree-operations", "proposal", proposal},
      {"tree-validation", "tree", tree},
      {"treekem", "ratchet_tree", tree}};
}

std::vector<std::string> folders() {
  std::vector<std::string> found;
  for (const char* name : {"TACET_VECTORS", "TACET_OFFICIAL_VECTORS"}) {
    if (const char* const folder = std::getenv(name); folder != nullptr) found.emplace_back(folder);
  }
  return found;
}

nlohmann::json read(const std::string& path) {
  std::ifstream stream(path);
  EXPECT_TRUE(stream) << path;
  return stream ? nlohmann::json::parse(stream) : nlohmann::json::array();
}

// Calls check(member, bytes) for each structure of the vectors, or of the first cases of each file.
template <class Check>
std::size_t each(std::size_t most_cases, Check check) {
  std::size_t count = 0;
  for (const std::string& folder : folders()) {
    std::map<std::string, nlohmann::json> files;
    for (const Member& member : members()) {
      const std::string path = folder + "/" + member.file + ".json";
      if (!files.contains(path)) files[path] = read(path);
      const nlohmann::json& cases = files[path];
      for (std::size_t i = 0; i < std::min(most_cases, cases.size()); ++i) {
        SCOPED_TRACE(path + " " + std::to_string(i) + " " + member.member);
        check(member, from_hex(cases[i].at(member.member).get<std::string>()));
        ++count;
      }
    }
  }
  return count;
}

// An object as encoded; what it does not hold is zero or empty.
template <class T>
Octets encoded(const T& object) {
  Octets room(4096);
  const Result<Bytes> bytes = encode(object, room);
  EXPECT_TRUE(bytes.ok()) << describe(bytes.error()).name;
  return octets_of(bytes.value());
}

template <class T>
Inspection inspected(const char* hex) {
  static Octets input;  // outlives what views it
  input = from_hex(hex);
  return inspected<T>(Bytes(input));
}

// ---- what is found

std::vector<std::size_t> leaves(const Inspection& found) {
  std::vector<std::size_t> leaves;
  for (std::size_t i = 0; i < found.parts.size(); ++i) {
    if (found.is_leaf(i)) leaves.push_back(i);
  }
  return leaves;
}

// The leaves cover the input without gap or overlap, every part its own parts, and every field has a name.
void expect_tiled(const Inspection& found) {
  std::size_t offset = 0;
  for (std::size_t i = 0; i < found.parts.size(); ++i) {
    const Part& part = found.parts[i];
    ASSERT_NE(part.name, &unnamed_field) << found.path(i);
    ASSERT_EQ(part.offset, offset) << found.path(i);
    ASSERT_LE(part.offset + part.length, found.parts[part.parent].offset + found.parts[part.parent].length);
    ASSERT_LE(part.end, found.parts[part.parent].end);
    if (found.is_leaf(i)) offset += part.length;
  }
  ASSERT_EQ(offset, found.input.size());
  ASSERT_EQ(found.parts[0].length, found.input.size());
}

void expect_well_formed(const Inspection& found) {
  expect_tiled(found);
  EXPECT_FALSE(found.is_malformed()) << describe(found.failure.error).name;
}

void expect_finding(const Finding& finding, const Inspection& found, Error error, std::size_t offset,
                    const char* path) {
  EXPECT_EQ(finding.error, error) << describe(finding.error).name;
  EXPECT_EQ(finding.offset, offset);
  EXPECT_EQ(found.path(finding.part), path);
  EXPECT_EQ(found.parts[finding.part].error, error);
}

TEST(Inspect, EveryByteOfEveryVectorIsInItsPlace) {
  const std::size_t count = each(10'000, [](const Member& member, const Octets& input) {
    const Inspection found = member.as.inspect(input);
    expect_well_formed(found);
  });
  std::printf("%zu structures\n", count);
  EXPECT_GT(count, 200u);
}

// The names under which a tool's user asks for them.
TEST(Inspect, EveryStructureIsKnownByItsName) {
  each(1, [](const Member& member, const Octets& input) {
    const auto known = named_structures();
    const auto structure = std::find_if(known.begin(), known.end(), [&](const NamedStructure& candidate) {
      return candidate.name.name == std::string_view(member.as.structure);
    });
    ASSERT_NE(structure, known.end()) << member.as.structure;
    expect_well_formed(structure->inspect(input, structure->name));
  });
  for (const NamedStructure& structure : named_structures()) {
    const Octets zeros(200);
    expect_tiled(structure.inspect(zeros, structure.name));
    expect_tiled(structure.inspect({}, structure.name));
  }
}

TEST(Inspect, EveryAlternativeHasItsNames) {
  MlsMessage message;
  for (const int format : {1, 2, 3, 4, 5}) {
    for (const int content : {1, 2, 3}) {
      for (const int sender : {1, 2, 3, 4}) {
        message.wire_format = static_cast<WireFormat>(format);
        message.public_message.content.content_type = static_cast<ContentType>(content);
        message.public_message.content.sender.type = static_cast<SenderType>(sender);
        expect_well_formed(inspected<MlsMessage>(encoded(message)));
      }
    }
  }
  for (const int type : {1, 2, 3, 4, 5, 6, 7, 8}) {
    Proposal proposal;
    proposal.type = static_cast<ProposalType>(type);
    for (const int source : {1, 2, 3}) {
      proposal.update.leaf_node.source = static_cast<LeafNodeSource>(source);
      proposal.pre_shared_key.psk.type = source == 1 ? PskType::external : PskType::resumption;
      expect_well_formed(inspected<Proposal>(encoded(proposal)));
    }
  }
  for (const bool leaf : {true, false}) {
    expect_well_formed(inspected<Node>(encoded(Node{leaf ? NodeType::leaf : NodeType::parent, {}, {}, {}})));
    ProposalOrRef proposal;
    proposal.type = leaf ? ProposalOrRefType::proposal : ProposalOrRefType::reference;
    proposal.proposal.type = ProposalType::remove;
    expect_well_formed(inspected<ProposalOrRef>(encoded(proposal)));
    Commit commit;
    if (leaf) commit.path.emplace();
    expect_well_formed(inspected<Commit>(encoded(commit)));
    PlainGroupSecrets secrets;
    if (leaf) secrets.path_secret.emplace();
    expect_well_formed(inspected<PlainGroupSecrets>(encoded(secrets)));
  }
}

// ---- what is malformed

// Of one that is cut short, all leaves but the last are those of the whole.
void expect_beginning(const Inspection& cut, const Inspection& whole) {
  const std::vector<std::size_t> some = leaves(cut), all = leaves(whole);
  for (std::size_t i = 0; i + 1 < some.size(); ++i) {
    const Part &a = cut.parts[some[i]], &b = whole.parts[all[i]];
    ASSERT_EQ(a.name, b.name) << cut.path(some[i]);
    ASSERT_EQ(a.offset, b.offset);
    ASSERT_EQ(a.length, b.length);
  }
}

TEST(Inspect, WhatIsCutShortIsShownAsFarAsItIsThere) {
  each(1, [](const Member& member, const Octets& input) {
    const Inspection whole = member.as.inspect(input);
    for (std::size_t size = 0; size < input.size(); size += 1 + size / 300) {
      const Bytes cut = Bytes(input).first(size);
      const Inspection found = member.as.inspect(cut);
      ASSERT_EQ(found.failure.error, Error::truncated) << size;
      ASSERT_EQ(member.as.decode(cut), Error::truncated) << size;
      expect_tiled(found);
      expect_beginning(found, whole);
    }
  });
}

TEST(Inspect, RefusesWhatAReaderRefuses) {
  std::size_t refused = 0, taken = 0;
  each(1, [&](const Member& member, const Octets& input) {
    for (std::size_t i = 0; i < input.size(); i += 1 + i / 300) {
      for (const unsigned flipped : {0x01u, 0x02u, 0x40u, 0x80u, 0xffu}) {
        Octets other = input;
        other[i] = static_cast<std::uint8_t>(other[i] ^ flipped);
        const Inspection found = member.as.inspect(other);
        ASSERT_EQ(found.failure.error, member.as.decode(other)) << i << " " << flipped;
        expect_tiled(found);
        ++(found.failure.error == Error::none ? taken : refused);
      }
    }
    Octets longer = input;
    longer.push_back(0);
    const Inspection found = member.as.inspect(longer);
    expect_tiled(found);
    expect_finding(found.failure, found, Error::trailing_bytes, input.size(), "top");
  });
  EXPECT_GT(refused, 1000u);
  EXPECT_GT(taken, 1000u);
}

TEST(Inspect, SaysWhereItBreaks) {
  struct {
    const char* hex;
    Error error;
    std::size_t offset;
    const char* path;
  } const broken[] = {
      {"", Error::truncated, 0, "top.version"},
      {"0002", Error::message_version, 0, "top"},
      {"00010009", Error::wire_format_unknown, 2, "top.wire_format"},
      {"00010001c0", Error::varint_prefix, 4, "top.public_message.content.group_id"},
      {"000100014001aa", Error::varint_not_minimal, 4, "top.public_message.content.group_id"},
      {"0001000102aa", Error::truncated, 4, "top.public_message.content.group_id"},
      {"0001000100000000", Error::truncated, 5, "top.public_message.content.epoch"},
      {"000100010000000000000000000500", Error::sender_type_unknown, 13,
       "top.public_message.content.sender.sender_type"},
      // Welcomes: an element that the list cuts, one that the input cuts, a list that lacks an element.
      {"00010003000303"
       "01aa05"
       "00",
       Error::list_not_whole, 9, "top.welcome.secrets[0].encrypted_group_secrets."},
      {"00010003000309"
       "0500",
       Error::truncated, 7, "top.welcome.secrets[0].new_member"},
      {"00010003000309"
       "000000",
       Error::truncated, 6, "top.welcome.secrets"},
  };
  for (const auto& [hex, error, offset, path] : broken) {
    SCOPED_TRACE(hex);
    const Inspection found = inspected<MlsMessage>(hex);
    expect_tiled(found);
    EXPECT_EQ(found.failure.error, error) << describe(found.failure.error).name;
    EXPECT_EQ(found.failure.offset, offset);
    EXPECT_TRUE(found.path(found.failure.part).starts_with(path)) << found.path(found.failure.part);
  }
}

// What else is wrong in a list that the input cuts short is not what is wrong first.
TEST(Inspect, ACutListIsCutShortWhateverIsInIt) {
  const Inspection found = inspected<Nodes>("0a0005");
  expect_tiled(found);
  expect_finding(found.failure, found, Error::truncated, 0, "top");
}

TEST(Inspect, PaddingIsZero) {
  using Content = PrivateContent<ContentType::application>;
  expect_well_formed(
      inspected<Content>("0161"
                         "0155"
                         "0000"));
  expect_well_formed(
      inspected<Content>("0161"
                         "0155"));
  const Inspection found = inspected<Content>(
      "0161"
      "0155"
      "000100");
  expect_tiled(found);
  expect_finding(found.failure, found, Error::padding_not_zero, 5, "top.padding");
}

TEST(Inspect, HoldsNoMorePartsThanItMay) {
  const Octets list = from_hex("0400000000");
  const FieldName name{"top"};
  EXPECT_EQ(Inspector::inspect<Nodes>(list, name, 6).failure.error, Error::none);
  EXPECT_EQ(Inspector::inspect<Nodes>(list, name, 5).failure.error, Error::out_of_memory);
}

// Time in the square of the size would be hours.
TEST(Inspect, ALargeTreeTakesLinearTime) {
  Octets list(1 << 20);
  const Octets header = from_hex("800ffffc");
  std::copy(header.begin(), header.end(), list.begin());
  const Inspection found = inspected<Nodes>(list);
  EXPECT_EQ(found.parts.size(), list.size() - 4 + 2);
  EXPECT_FALSE(found.is_malformed());
  std::ostringstream text;
  draw_tree(text, found, 0, Paint(false));
  EXPECT_NE(text.str().find("blank, as are all nodes below"), std::string::npos) << text.str();
}

// ---- what opaque fields hold

TEST(Inspect, KnownExtensionsAreDecoded) {
  const Inspection found = inspected<Extensions>(
      "21"
      "0001"
      "03"
      "026869"  // application_id
      "0002"
      "02"
      "0100"  // ratchet_tree, of one blank node
      "0003"
      "05"
      "020a0a"
      "00"
      "00"  // required_capabilities
      "0004"
      "02"
      "01aa"  // external_pub
      "0005"
      "01"
      "00"  // external_senders
      "f001"
      "02"
      "beef");  // unknown
  expect_well_formed(found);
  const char* const types[] = {"ApplicationId", "optional<Node><V>", "RequiredCapabilities", "ExternalPub",
                               "ExternalSender<V>"};
  std::size_t extension = 2;  // behind the list and its header
  for (const char* const type : types) {
    const std::size_t data = found.child(extension, "extension_data");
    EXPECT_EQ(name_of(*found.parts[data + 2].type), type);  // behind the data and its header
    extension = found.parts[extension].end;
  }
  EXPECT_TRUE(found.is_leaf(found.child(extension, "extension_data")));
}

TEST(Inspect, AMalformedExtensionHarmsNothingElse) {
  const Inspection found = inspected<Extensions>(
      "12"
      "0001"
      "03"
      "056869"
      "0003"
      "05"
      "0000000000"
      "0001"
      "01"
      "00");
  expect_tiled(found);
  EXPECT_EQ(found.failure.error, Error::none);
  EXPECT_TRUE(found.is_malformed());
  ASSERT_EQ(found.inside.size(), 2u);
  expect_finding(found.inside[0], found, Error::truncated, 4,
                 "top[0].extension_data.application_id.application_id");
  expect_finding(found.inside[1], found, Error::trailing_bytes, 13, "top[1].extension_data");
  EXPECT_EQ(found.children(0), 4u);  // three extensions and the header
}

TEST(Inspect, CredentialsAreDecoded) {
  const Inspection basic = inspected<Credential>(
      "0001"
      "04"
      "616e6e61");
  expect_well_formed(basic);
  EXPECT_EQ(basic.text(basic.child(0, "identity")), "anna");
  const Inspection hostile = inspected<Credential>(
      "0001"
      "04"
      "1b5b306d");
  EXPECT_EQ(hostile.text(hostile.child(0, "identity")), "");
  const Inspection x509 = inspected<Credential>(
      "0002"
      "05"
      "0130"
      "023031");
  expect_well_formed(x509);
  EXPECT_EQ(x509.path(x509.parts.size() - 1), "top.certificates[1].cert_data");
  const Inspection broken = inspected<Credential>(
      "0002"
      "03"
      "0130"
      "02");
  expect_tiled(broken);
  ASSERT_EQ(broken.inside.size(), 1u);
  expect_finding(broken.inside[0], broken, Error::list_not_whole, 5, "top.certificates[1].cert_data");
  expect_well_formed(
      inspected<Credential>("f000"
                            "03"
                            "ffffff"));
}

// ---- values

TEST(Inspect, ValuesHaveTheirNames) {
  const Inspection found = inspected<RequiredCapabilities>(
      "0c"
      "0001"
      "0006"
      "0a0a"
      "eaea"
      "f001"
      "fafa"
      "02"
      "0007"
      "02"
      "0002");
  expect_well_formed(found);
  std::vector<std::string> names;
  for (std::size_t i = 0; i < found.parts.size(); ++i) {
    if (found.parts[i].type->kind == Kind::symbol) names.emplace_back(found.symbol(i));
  }
  EXPECT_EQ(names, (std::vector<std::string>{"application_id", "unknown", "GREASE", "GREASE", "private use",
                                             "private use", "group_context_extensions", "x509"}));
  const Inspection suite = inspected<Welcome>(
      "0003"
      "00"
      "00");
  EXPECT_STREQ(suite.symbol(1), "MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519");
  EXPECT_STREQ(suite.section(1), "17.1");
  EXPECT_STREQ(suite.section(suite.child(0, "encrypted_group_info")), "12.4.3.1");
  // 0x0a0a is GREASE where RFC 9420 has it, and nothing elsewhere.
  EXPECT_STREQ(inspected<MlsMessage>("0a0a").symbol(1), "unknown");
}

TEST(Inspect, TimesAreDates) {
  const Inspection found = inspected<Lifetime>(
      "000000006408835b"
      "ffffffffffffffff");
  EXPECT_EQ(found.time(1), "2023-03-08T12:45:15Z");
  EXPECT_EQ(found.time(2), "");
  EXPECT_EQ(found.number(2), ~std::uint64_t{0});
}

TEST(Inspect, RulesThatNeedNoGroup) {
  const NamedStructure& message = named_structures()[0];
  MlsMessage application;
  application.wire_format = WireFormat::public_message;
  const Octets input = encoded(application);
  const Inspection found = message.inspect(input, message.name);
  EXPECT_FALSE(found.is_malformed());
  EXPECT_EQ(found.rule, Error::application_in_public_message);
  application.public_message.content.content_type = ContentType::commit;
  const Octets commit = encoded(application);
  EXPECT_EQ(message.inspect(commit, message.name).rule, Error::none);
}

// ---- a ratchet tree

Octets tree_of(const std::vector<std::optional<Node>>& nodes) {
  Octets room(4096);
  const auto list = encode_list(std::span<const std::optional<Node>>(nodes), room);
  EXPECT_TRUE(list.ok());
  return encoded(list.value());
}

Node leaf_of(std::string_view name, Bytes key) {
  Node node;
  node.leaf_node.encryption_key = key;
  node.leaf_node.credential = {CredentialType::basic,
                               {reinterpret_cast<const std::uint8_t*>(name.data()), name.size()}};
  return node;
}

std::string drawn(const Octets& tree) {
  std::ostringstream text;
  draw_tree(text, inspected<Nodes>(tree), 0, Paint(false));
  return text.str();
}

TEST(Inspect, ARatchetTreeIsDrawn) {
  const Octets key = from_hex("000102030405060708"), short_key = from_hex("0a");
  const Octets unmerged = from_hex("0000000000000001");
  Node parent{NodeType::parent, {}, {short_key, {}, {}}, {}};
  ASSERT_EQ(List<LeafIndex>::parse(unmerged, parent.parent_node.unmerged_leaves), Error::none);
  Node x509 = leaf_of("", key);
  x509.leaf_node.credential.type = CredentialType::x509;
  EXPECT_EQ(drawn(tree_of({leaf_of("anna", key), parent, x509, std::nullopt, std::nullopt, std::nullopt,
                           std::nullopt, std::nullopt, parent})),
            "\n"
            "ratchet tree at byte 0: 9 nodes listed, 4 of them not blank; 8 leaves\n"
            "7 parent, blank\n"
            "├─ 3 parent, blank\n"
            "│  ├─ 1 parent, key 0a, unmerged leaves 0 1\n"
            "│  │  ├─ 0 leaf 0, key 0001020304050607..., \"anna\"\n"
            "│  │  └─ 2 leaf 1, key 0001020304050607..., x509 credential\n"
            "│  └─ 5 parent, blank, as are all nodes below, leaves 2 to 3\n"
            "└─ 11 parent, blank\n"
            "   ├─ 9 parent, blank\n"
            "   │  ├─ 8 leaf 4, but a parent stands here, key 0a, unmerged leaves 0 1\n"
            "   │  └─ 10 leaf 5, blank\n"
            "   └─ 13 parent, blank, as are all nodes below, leaves 6 to 7\n");
  EXPECT_EQ(drawn({0}), "\nratchet tree at byte 0: 0 nodes listed, 0 of them not blank; 1 leaf\n");
  EXPECT_EQ(drawn({2, 0, 5}), "");  // malformed
}

TEST(Inspect, ANameInATreeDrivesNoTerminal) {
  const Octets key = from_hex("00");
  const std::string text = drawn(tree_of({leaf_of("\x1b[2J", key)}));
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_NE(text.find("basic credential"), std::string::npos);
}

}  // namespace
}  // namespace tacet::tool
