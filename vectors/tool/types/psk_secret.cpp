// Pre-shared keys: psk_secret from external PSKs, RFC 9420, 8.4.

#include "protocol/key_schedule.h"
#include "vectors/tool/type.h"

namespace tacet::tool {

namespace {

bool recognise(const Json& object) { return object.contains("psks") || object.contains("psk_secret"); }

void run(const Field& object, Crypto& crypto, Outputs& outputs) {
  const Field psks = object["psks"];
  PskSecret psk_secret;
  outputs.require(object, "psk_secret", PskSecret::start(crypto, psks.size(), psk_secret));
  for (std::size_t i = 0; i < psks.size(); ++i) {
    const Octets psk_id = psks[i]["psk_id"].bytes();
    const Octets psk = psks[i]["psk"].bytes();
    const Octets psk_nonce = psks[i]["psk_nonce"].bytes();
    PreSharedKeyId id;
    id.psk_id = psk_id;
    id.psk_nonce = psk_nonce;
    outputs.require(object, "psk_secret", psk_secret.add(crypto, id, secret_of(psk)));
  }
  Secret secret;
  outputs.require(object, "psk_secret", psk_secret.finish(secret));
  outputs.put(object, "psk_secret", secret);
}

Json choose(Generator& generator) {
  constexpr std::size_t id_sizes[] = {32, 0, 1, 63, 64, 300};
  constexpr std::size_t psk_sizes[] = {32, 0, 1, 64, 200};
  Json cases = Json::array();
  std::size_t drawn = 0;
  for (std::size_t count = 0; count <= 10; ++count) {
    Json psks = Json::array();
    for (std::size_t i = 0; i < count; ++i, ++drawn) {
      psks.push_back({{"psk_id", generator.hex(id_sizes[drawn % std::size(id_sizes)])},
                      {"psk", generator.hex(psk_sizes[drawn % std::size(psk_sizes)])},
                      {"psk_nonce", generator.hash_sized()}});
    }
    cases.push_back({{"cipher_suite", generator.suite_number()}, {"psks", psks}});
  }
  return cases;
}

}  // namespace

const VectorType psk_secret = {"psk_secret", {.kdf = true}, recognise, run, choose};

}  // namespace tacet::tool
