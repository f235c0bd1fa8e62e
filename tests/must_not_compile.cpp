// What the compiler must refuse, one case at a time; without CASE it must compile, which is the control.

#include <iostream>

#include "protocol/tacet.h"

namespace tacet {

struct Leaky {
  Secret key;
};
template <class Coder, Fields<Leaky> E>
Error code(Coder& coder, E& e) noexcept {
#if CASE == 1  // a struct that describes a secret as one of its fields
  return coder(e.key);
#else
  static_cast<void>(e);
  return coder();
#endif
}

void use(Crypto& crypto, const Leaky& leaky, Secret& secret, Writer& writer, Digest& digest) {
  static_cast<void>(writer(leaky));
  static_cast<void>(crypto.mac(secret, {}, digest));
#if CASE == 2  // into an encoding
  static_cast<void>(writer.put(secret, Storage::lasting));
#elif CASE == 3   // into a stream
  std::cout << secret;
#elif CASE == 4   // compared
  static_cast<void>(secret == secret);
#elif CASE == 5   // hashed to a public value
  static_cast<void>(crypto.hash({secret}, digest));
#elif CASE == 6   // copied
  Secret copy = secret;
#elif CASE == 7   // an error that nobody looks at
  crypto.mac(secret, {}, digest);
#elif CASE == 8   // as context of a derivation, where it would be taken for public
  static_cast<void>(crypto.expand_with_label(secret, "label", {secret}, 32, secret));
#elif CASE == 9   // sealed as public plaintext
  static_cast<void>(crypto.seal(secret, secret, {}, secret, {}));
#elif CASE == 10  // read, by what only boundary.h has
  static_cast<void>(SecretAccess::read(secret));
#endif
}

}  // namespace tacet
