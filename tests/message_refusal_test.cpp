// The refusals of messages, in the test build: each that is switched off lets through exactly what it
// refuses.

#include "lets_through.h"
#include "messages.h"

namespace tacet {
namespace {

class MessageRefusalTest : public MessageTest {
 protected:
  ~MessageRefusalTest() override { switch_all_on(); }

  void lets_public_through(Error error, const Framed& content, const Deviates& deviates,
                           Error instead = Error::none) {
    lets_through(
        error, [&, bad = builder.public_message(content, deviates)] { return receive(bad); }, instead);
  }
  void lets_private_through(Error error, const Framed& content, const Deviates& deviates,
                            Error instead = Error::none) {
    const Octets bad =
        builder.private_message(content, message_key(sender, ratchet_of(content.content_type)), 0, deviates);
    const auto attempt = [&] {
      receiving = SecretTree(suite(), memory, secret_memory, limits);
      start(receiving);
      return receive(bad);
    };
    lets_through(error, attempt, instead);
  }
  // By somebody outside, whose key is not that of any member.
  void lets_outsider_through(Error error, const Framed& content, Error instead) {
    Builder outside(crypto, means(external[0]));
    lets_through(
        error, [&, bad = outside.public_message(content)] { return receive(bad); }, instead);
  }

  Builder builder{crypto, means(sender)};
  const Framed a_remove = framed(ContentType::proposal, remove());
  const Framed a_commit = framed(ContentType::commit, commit({}, new_leaf()));
};

TEST_F(MessageRefusalTest, Syntax) {
  lets_public_through(Error::message_version, a_remove, {{Step::version, replaced_by({0, 2})}});
  lets_public_through(Error::proposal_type_unknown,
                      framed(ContentType::proposal, model::number(0xf001, 2) + model::vector("body")), {});
  Octets list = {3};
  lets_public_through(Error::proposal_or_ref_type_unknown,
                      framed(ContentType::commit, commit(list + model::vector("reference"))), {});
  key_package.version = 2;
  const Octets message = model::number(1, 2) + model::number(5, 2) + key_package.encoding();
  lets_through(Error::key_package_version, [&] {
    MlsMessage decoded;
    TRY(decode(message, decoded));
    return check_key_package(crypto, decoded.key_package, limits, work);
  });
}

TEST_F(MessageRefusalTest, Messages) {
  lets_public_through(Error::group_id_mismatch, a_remove, {{Step::group_id, inside(flipped())}});
  lets_public_through(Error::epoch_past, a_remove, {{Step::epoch, flipped()}});
  lets_public_through(Error::epoch_future, a_remove, {{Step::epoch, flipped(0)}});
  lets_public_through(Error::application_in_public_message, framed(ContentType::application, application()),
                      {});
  lets_private_through(Error::padding_not_zero, a_remove, {{Step::padding, extended({7})}});
  lets_outsider_through(Error::external_sender_content,
                        framed(ContentType::commit, commit({}, new_leaf()), from(SenderType::external)),
                        Error::none);
  const std::uint32_t generous = limits.message_size;
  limits.message_size = 10;
  lets_public_through(Error::message_too_large, a_remove, {});
  limits.message_size = generous;
  FramedContent fields;
  const Octets encoding = model::vector(group_id) + model::number(context.epoch, 8) + Octets{2, 0, 0, 0, 0} +
                          Octets{0, 2} + remove();
  ASSERT_EQ(decode(encoding, fields), Error::none);
  lets_through(Error::non_member_in_private_message,
               [&] { return check_content(fields, WireFormat::private_message, {}); });
}

// Without these there is no key to verify with, or no room for what comes.
TEST_F(MessageRefusalTest, WhatNamesAKey) {
  const Error no_key = Error::signature_key_length;
  lets_public_through(Error::sender_not_member, a_remove, {{Step::sender, replaced_by({1, 0, 0, 0, 2})}},
                      no_key);
  lets_outsider_through(Error::external_sender_absent,
                        framed(ContentType::proposal, remove(), from(SenderType::external, 2)), no_key);
  lets_outsider_through(Error::new_member_proposal_content,
                        framed(ContentType::proposal, remove(), from(SenderType::new_member_proposal)),
                        no_key);
  const Framed without_path = framed(ContentType::commit, commit({}), from(SenderType::new_member_commit));
  lets_outsider_through(Error::new_member_commit_without_path, without_path, no_key);
  lets_outsider_through(Error::new_member_commit_content,
                        framed(ContentType::proposal, remove(), from(SenderType::new_member_commit)),
                        Error::new_member_commit_without_path);
  lets_private_through(Error::sender_data_length, a_remove, {{Step::sender_data, extended()}},
                       Error::output_too_small);
  lets_public_through(Error::wire_format_unknown, a_remove, {{Step::wire_format, replaced_by({0, 6})}},
                      Error::trailing_bytes);
}

TEST_F(MessageRefusalTest, GroupInfos) {
  GroupInfo fields;
  fields.group_context = context;
  fields.confirmation_tag = confirmed;
  fields.signer = {sender};
  const auto judge = [&](const Deviates& deviates) {
    return [&, bad = builder.group_info(fields, deviates)]() -> Error {
      MlsMessage decoded;
      TRY(decode(bad, decoded));
      const GroupInfo& info = decoded.group_info;
      TRY(check_group_info(info, suite()));
      const Result<Bytes> key = group_info_signature_key(info, tree);
      TRY(key.error());
      room.assign(verify_group_info_room(info), 0);
      return verify_group_info(crypto, info, key.value(), room);
    };
  };
  lets_through(Error::group_info_version, judge({{Step::group_context, replaced_at(0, {0, 2})}}));
  lets_through(Error::group_info_suite, judge({{Step::group_context, replaced_at(2, {0, 1})}}));
  const Octets misplaced = model::vector(model::number(1, 2) + model::vector(model::vector("id")));
  lets_through(Error::extension_misplaced, judge({{Step::group_info_extensions, replaced_by(misplaced)}}));
  lets_through(Error::group_info_signer_not_member, judge({{Step::signer, replaced_at(0, {0, 0, 0, 2})}}),
               Error::signature_key_length);
}

TEST_F(MessageRefusalTest, Welcomes) {
  Octets init_key(32);
  Secret init_private_key;
  ASSERT_EQ(crypto.generate_key_pair(init_private_key, init_key), Error::none);
  key_package.init_key = init_key;
  const Octets own = key_package.encoding();
  const Octets reference = model::hash(model::vector("MLS 1.0 KeyPackage Reference") + model::vector(own));
  GroupInfo fields;
  fields.group_context = context;
  const adversary::Invitation invitation = {
      fields, random_octets(32), random_octets(32), {}, {{reference, init_key, {}}}};
  const auto open = [&](const Deviates& deviates) {
    return [&, bad = builder.welcome(invitation, deviates)]() -> Error {
      MlsMessage decoded;
      TRY(decode(bad, decoded));
      KeyPackage mine;
      TRY(decode(own, mine));
      GroupSecrets secrets;
      return open_group_secrets(crypto, decoded.welcome, mine, init_private_key, secret_memory, secrets);
    };
  };
  lets_through(Error::welcome_suite, open({{Step::welcome_suite, replaced_by({0, 1})}}));
  lets_through(Error::secret_length, open({{Step::joiner_secret, inside(shortened())}}));
  lets_through(Error::secret_length, open({{Step::path_secret, replaced_by({1, 0})}}));
}

}  // namespace
}  // namespace tacet
