#include "inspector.h"

#include <algorithm>

namespace tacet::tool {

Error Inspector::padding(Bytes& octets) noexcept {
  const std::size_t begin = offset();
  TRY(reader_.take(rest().size(), octets));
  const auto wrong =
      std::find_if(octets.begin(), octets.end(), [](std::uint8_t octet) { return octet != 0; });
  if (wrong == octets.end()) return Error::none;
  fail_at(current_, begin + static_cast<std::size_t>(wrong - octets.begin()));
  return Error::padding_not_zero;
}

Error Inspector::append(const FieldName* name, const Type& type, std::size_t begin) noexcept {
  const auto at = static_cast<std::uint32_t>(begin);
  try {
    if (found_.parts.size() < max_parts_) {
      found_.parts.push_back({name, &type, static_cast<std::uint32_t>(current_), at, 0});
      return Error::none;
    }
  } catch (const std::bad_alloc&) {  // no exception may pass through protocol/
  }
  is_full_ = true;
  return Error::out_of_memory;
}

Error Inspector::leaf(const FieldName& name, const Type& type, std::size_t begin, std::size_t end) noexcept {
  TRY(append(&name, type, begin));
  found_.parts.back().length = static_cast<std::uint32_t>(end - begin);
  found_.parts.back().end = static_cast<std::uint32_t>(found_.parts.size());
  return Error::none;
}

void Inspector::close(std::size_t index, Error error) noexcept {
  Part& part = found_.parts[index];
  part.length = static_cast<std::uint32_t>(offset()) - part.offset;
  part.end = static_cast<std::uint32_t>(found_.parts.size());
  if (error == Error::none) return;
  part.is_decoded = false;
  fail_at(index, part.offset);
}

// Of the parts that an error passes through on its way out, the first and narrowest is the place.
void Inspector::fail_at(std::size_t part, std::size_t offset) noexcept {
  if (place_) return;
  place_ = {Error::none, static_cast<std::uint32_t>(part), static_cast<std::uint32_t>(offset)};
}

// The input ends inside a list whose elements, as far as they are there, gave that error. It is the list that
// is cut short: what else may be wrong in it is not the first thing wrong.
Error Inspector::cut_list(Error error) noexcept {
  if (error == Error::out_of_memory) return error;
  if (error != Error::list_not_whole) place_.reset();
  return Error::truncated;
}

Error Inspector::finish() noexcept {
  const Error error = reader_.finish();
  if (error != Error::none) fail_at(current_, offset());
  return error;
}

// Goes from behind the vector that was just read to its content.
Error Inspector::enter() noexcept {
  const Bytes vector =
      found_.input.subspan(found_.parts[current_].offset, offset() - found_.parts[current_].offset);
  reader_ = Reader(vector);
  std::size_t size = 0;
  TRY(reader_.vector_size(size));
  return leaf(length_, length_type_, found_.parts[current_].offset, offset());
}

// Closes the content of a vector that was entered.
void Inspector::leave(Error error) noexcept {
  if (error == Error::none || is_full_) return;
  const Part& vector = found_.parts[current_];
  const std::size_t header = found_.parts[current_ + 1].length;
  const std::size_t end = vector.offset + header + found_.announced(current_ + 1);
  note(error, end);
  try {
    found_.inside.push_back(*place_);
  } catch (const std::bad_alloc&) {
    is_full_ = true;
  }
  place_.reset();
}

// Marks the place of an error, and covers what was not decoded for it.
void Inspector::note(Error error, std::size_t end) noexcept {
  place_->error = error;
  found_.parts[place_->part].error = error;
  if (offset() < end) static_cast<void>(leaf(undecoded_, undecoded_type_, offset(), end));
}

Inspection Inspector::take(Error error) {
  if (is_full_) {
    found_.failure.error = Error::out_of_memory;
  } else if (error != Error::none) {
    note(error, found_.input.size());
    found_.failure = *place_;
    found_.parts[0].length = static_cast<std::uint32_t>(found_.input.size());
    found_.parts[0].end = static_cast<std::uint32_t>(found_.parts.size());
  }
  return std::move(found_);
}

// ---- what opaque fields hold

void inside_extension(Inspector& inspector, const void* extension) noexcept {
  static constexpr FieldName application_id{"application_id"};
  static constexpr FieldName ratchet_tree{"ratchet_tree"};
  static constexpr FieldName required_capabilities{"required_capabilities"};
  static constexpr FieldName external_pub{"external_pub"};
  static constexpr FieldName external_senders{"external_senders"};
  switch (static_cast<const Extension*>(extension)->type) {
    case ExtensionType::application_id:
      return inspector.inside<ApplicationId>(application_id);
    case ExtensionType::ratchet_tree:
      return inspector.inside<Nodes>(ratchet_tree);
    case ExtensionType::required_capabilities:
      return inspector.inside<RequiredCapabilities>(required_capabilities);
    case ExtensionType::external_pub:
      return inspector.inside<ExternalPub>(external_pub);
    case ExtensionType::external_senders:
      return inspector.inside<ExternalSenders>(external_senders);
  }
}

void inside_credential(Inspector& inspector, const void* credential) noexcept {
  static constexpr FieldName identity{"identity", Shown::as_text_too};
  static constexpr FieldName certificates{"certificates"};
  switch (static_cast<const Credential*>(credential)->type) {
    case CredentialType::basic:
      return inspector.rename(identity);
    case CredentialType::x509:
      inspector.rename(certificates);
      return inspector.inside_list<Certificate>();
  }
}

}  // namespace tacet::tool
