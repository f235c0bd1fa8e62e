#include "memory.h"

#include "boundary.h"

namespace tacet {

void SecretSlots::replace(Slot slot, Secret&& secret) noexcept {
  const Bytes bytes = SecretAccess::read(secret);
  wipe(at(slot), secret_size_);
  copy_secret(at(slot), bytes.data(), bytes.size() < secret_size_ ? bytes.size() : secret_size_);
  secret.clear();
}

Secret SecretSlots::copy(Slot slot) const noexcept {
  Secret secret;
  const MutableBytes bytes = SecretAccess::write(secret, secret_size_);
  copy_secret(bytes.data(), at(slot), bytes.size());
  return secret;
}

}  // namespace tacet
