// Key schedule: the secrets of a group's epochs, each from the init secret of the epoch before, RFC 9420, 8.

#include "protocol/key_schedule.h"

#include "spec/adversary/builder.h"
#include "vectors/tool/type.h"

namespace tacet::tool {

namespace {

bool recognise(const Json& object) {
  return object.contains("initial_init_secret") || (object.contains("group_id") && object.contains("epochs"));
}

Octets group_context_of(const Field& group, const Field& epoch, std::uint64_t number, const Crypto& crypto) {
  const Octets group_id = group["group_id"].bytes();
  const Octets tree_hash = epoch["tree_hash"].bytes();
  const Octets confirmed_transcript_hash = epoch["confirmed_transcript_hash"].bytes();
  GroupContext context;
  context.cipher_suite = crypto.suite().suite;
  context.group_id = group_id;
  context.epoch = number;
  context.tree_hash = tree_hash;
  context.confirmed_transcript_hash = confirmed_transcript_hash;
  return adversary::encoded(context);
}

void put_epoch_secrets(const Field& epoch, const EpochSecrets& secrets, Outputs& outputs) {
  outputs.put(epoch, "init_secret", secrets.init_secret);
  outputs.put(epoch, "sender_data_secret", secrets.sender_data_secret);
  outputs.put(epoch, "encryption_secret", secrets.encryption_secret);
  outputs.put(epoch, "exporter_secret", secrets.exporter_secret);
  outputs.put(epoch, "epoch_authenticator", secrets.epoch_authenticator);
  outputs.put(epoch, "external_secret", secrets.external_secret);
  outputs.put(epoch, "confirmation_key", secrets.confirmation_key);
  outputs.put(epoch, "membership_key", secrets.membership_key);
  outputs.put(epoch, "resumption_psk", secrets.resumption_psk);
}

void run_external_pub(const Field& epoch, const EpochSecrets& secrets, Crypto& crypto, Outputs& outputs) {
  Secret external_priv;
  Octets external_pub(crypto.suite().kem_public_key_size);
  outputs.require(epoch, "external_pub",
                  derive_external_key_pair(crypto, secrets.external_secret, external_priv, external_pub));
  outputs.put(epoch, "external_pub", external_pub);
}

// The label is used as it stands in the file, also where it looks like hexadecimal.
void run_exporter(const Field& exporter, const EpochSecrets& secrets, Crypto& crypto, Outputs& outputs) {
  const auto length = exporter["length"].number<std::uint32_t>();
  // What the file expects bounds what is computed, whatever it announces.
  if (!outputs.writes()) static_cast<void>(exporter["secret"].bytes(length));
  Octets exported(length);
  outputs.require(exporter, "secret",
                  export_secret(crypto, secrets.exporter_secret, exporter["label"].text(),
                                exporter["context"].bytes(), exported));
  outputs.put(exporter, "secret", exported);
}

// Leaves the epoch's init secret in `init_secret`.
void run_epoch(const Field& epoch, Bytes group_context, Secret& init_secret, Crypto& crypto,
               Outputs& outputs) {
  const Octets commit_secret = epoch["commit_secret"].bytes(crypto.hash_size());
  const Octets psk_secret = epoch["psk_secret"].bytes(crypto.hash_size());
  outputs.put(epoch, "group_context", group_context);

  Secret joiner_secret, welcome_secret;
  outputs.require(
      epoch, "joiner_secret",
      derive_joiner_secret(crypto, init_secret, secret_of(commit_secret), group_context, joiner_secret));
  outputs.put(epoch, "joiner_secret", joiner_secret);
  outputs.require(epoch, "welcome_secret",
                  derive_welcome_secret(crypto, joiner_secret, secret_of(psk_secret), welcome_secret));
  outputs.put(epoch, "welcome_secret", welcome_secret);

  EpochSecrets secrets;
  outputs.require(epoch, "init_secret",
                  derive_epoch_secrets(crypto, joiner_secret, secret_of(psk_secret), group_context, secrets));
  put_epoch_secrets(epoch, secrets, outputs);
  run_external_pub(epoch, secrets, crypto, outputs);
  run_exporter(epoch["exporter"], secrets, crypto, outputs);
  init_secret = std::move(secrets.init_secret);
}

void run(const Field& object, Crypto& crypto, Outputs& outputs) {
  Secret init_secret =
      std::move(Secret::copy_of(object["initial_init_secret"].bytes(crypto.hash_size())).value());
  const Field epochs = object["epochs"];
  for (std::size_t i = 0; i < epochs.size(); ++i) {
    const Octets group_context = group_context_of(object, epochs[i], i, crypto);
    run_epoch(epochs[i], group_context, init_secret, crypto, outputs);
  }
}

// The sizes and the presence of what a generator is free to choose.
struct Shape {
  bool path;
  bool psk;
  std::size_t exporter_label, exporter_context, exporter_length;
};

Json choose_epoch(Generator& generator, const Shape& shape, bool is_first) {
  const std::string zeros = to_hex(Octets(generator.crypto().hash_size()));
  return {{"tree_hash", generator.hash_sized()},
          {"commit_secret", shape.path ? generator.hash_sized() : zeros},
          {"psk_secret", shape.psk ? generator.hash_sized() : zeros},
          // That of a group just created is empty (RFC 9420, 11).
          {"confirmed_transcript_hash", is_first ? "" : generator.hash_sized()},
          {"exporter",
           {{"label", generator.letters(shape.exporter_label)},
            {"context", generator.hex(shape.exporter_context)},
            {"length", shape.exporter_length}}}};
}

Json choose(Generator& generator) {
  constexpr Shape shapes[] = {{false, false, 8, 0, 32},   {true, false, 16, 32, 1},
                              {true, true, 0, 1, 33},     {false, true, 55, 63, 64},
                              {true, true, 56, 64, 96},   {false, false, 1, 300, 31},
                              {true, false, 300, 20, 255}};
  struct Group {
    std::size_t group_id, epochs;
  };
  Json cases = Json::array();
  std::size_t drawn = 0;
  for (const Group group : {Group{32, 7}, Group{0, 2}, Group{63, 2}, Group{64, 2}, Group{300, 1}}) {
    Json epochs = Json::array();
    for (std::size_t i = 0; i < group.epochs; ++i) {
      epochs.push_back(choose_epoch(generator, shapes[drawn++ % std::size(shapes)], i == 0));
    }
    cases.push_back({{"cipher_suite", generator.suite_number()},
                     {"group_id", generator.hex(group.group_id)},
                     {"initial_init_secret", generator.hash_sized()},
                     {"epochs", epochs}});
  }
  return cases;
}

}  // namespace

const VectorType key_schedule = {"key-schedule", {.kdf = true, .kem = true}, recognise, run, choose};

}  // namespace tacet::tool
