#include "resumption.h"

namespace tacet {

Error ResumptionPsks::start() noexcept {
  TRY(kept_.reserve(most_));
  return secrets_.reserve(most_);
}

void ResumptionPsks::keep(std::uint64_t epoch, Secret resumption_psk) noexcept {
  if (kept_.size() == most_) {
    secrets_.erase(kept_[0].slot);
    for (std::size_t i = 1; i < kept_.size(); ++i) kept_[i - 1] = kept_[i];
    kept_.pop_back();
  }
  kept_.push_back({epoch, secrets_.put(std::move(resumption_psk))});
}

Error ResumptionPsks::save(SecretWriter& writer) const noexcept {
  const auto count = static_cast<std::uint32_t>(kept_.size());
  TRY(writer(count));
  for (const Kept& each : kept_) {
    TRY(writer(each.epoch));
    TRY(writer.secret(secrets_.copy(each.slot)));
  }
  return Error::none;
}

Error ResumptionPsks::restore(SecretReader& reader) noexcept {
  std::uint32_t count = 0;
  TRY(reader(count));
  for (; count > 0; --count) {
    std::uint64_t epoch = 0;
    Secret psk;
    TRY(reader(epoch));
    TRY(reader.secret(psk));
    keep(epoch, std::move(psk));
  }
  return Error::none;
}

std::optional<Secret> ResumptionPsks::copy(std::uint64_t epoch) const noexcept {
  for (const Kept& each : kept_) {
    if (each.epoch == epoch) return secrets_.copy(each.slot);
  }
  return std::nullopt;
}

}  // namespace tacet
