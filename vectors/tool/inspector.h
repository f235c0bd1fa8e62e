#pragma once

// The coder behind `tacet inspect`: the descriptions in protocol/ drive it as they drive a Reader, which does
// the reading; it notes where each field lies. There is no second parser.

#include <new>

#include "inspect_names.h"

namespace tacet::tool {

// Where the fields of the struct that is being decoded have their names.
struct Frame {
  const void* object;
  const FieldName* (*find)(const void* object, const void* field, const Type* type) noexcept;
};

// A field is known by its address inside its struct, and by its type: a struct and its first field share the
// address.
template <class S>
const FieldName* find_field(const void* object, const void* field, const Type* type) noexcept {
  const S& in = *static_cast<const S*>(object);
  const FieldName* found = &unnamed_field;
  const auto is_it = [&]<class Owner, class Outer, class M>(const Member<Owner, Outer, M>& member) {
    const M& candidate = member.in(in);
    if (static_cast<const void*>(&candidate) != field || type_of_field<M>() != type) return false;
    found = &member.name;
    return true;
  };
  std::apply([&](const auto&... member) { static_cast<void>((is_it(member) || ...)); }, names_of<S>.members);
  return found;
}

template <class Optional>
const FieldName* find_field_inside(const void* object, const void* field, const Type* type) noexcept {
  const Optional& in = *static_cast<const Optional*>(object);
  return find_field<typename Optional::value_type>(&*in, field, type);
}

template <class T>
constexpr Frame frame_of(const T& object) {
  if constexpr (codec_detail::is_optional<T>) {
    return {&object, find_field_inside<T>};
  } else if constexpr (requires { names_of<T>.type; }) {
    if (names_of<T>.type.kind == Kind::structure) return {&object, find_field<T>};
  }
  return {&object, nullptr};
}

class Inspector : public Coder<Inspector> {
 public:
  static constexpr bool decodes = true;

  // Decodes one whole T, under that name; Error::out_of_memory if that takes more parts.
  template <class T>
  static Inspection inspect(Bytes input, const FieldName& name,
                            std::size_t max_parts = Inspection::max_parts) {
    Inspector inspector(input, max_parts);
    T value{};
    Error error = inspector.part(&name, value);
    if (error == Error::none) error = inspector.finish();
    return inspector.take(error);
  }

  // Fields in their order, each a part of its own; a struct that stands for the one thing in it has no parts.
  template <class... Field>
  Error operator()(Field&... fields) noexcept {
    Error error = Error::none;
    static_cast<void>(((error = field(fields), error == Error::none) && ...));
    return error;
  }

  template <std::unsigned_integral T>
  Error integer(T& value) noexcept {
    const std::size_t begin = offset();
    TRY(read([&](Reader& reader) noexcept { return reader.integer(value); }));
    const bool is_presence = found_.parts[current_].type->kind == Kind::optional;
    return is_presence && value != 0 ? leaf(present_, type_of<std::uint8_t>, begin, offset()) : Error::none;
  }

  Error opaque(Bytes& value) noexcept {
    return read([&](Reader& reader) noexcept { return reader.opaque(value); });
  }

  template <std::size_t n>
  Error fixed(std::array<std::uint8_t, n>& value) noexcept {
    return read([&](Reader& reader) noexcept { return reader.fixed(value); });
  }

  // The descriptions ask a list for nothing, so it stays empty. The elements of one that the input cuts short
  // are decoded as far as they are there.
  template <class T>
  Error list(List<T>&) noexcept {
    const std::size_t begin = offset();
    std::size_t size = 0;
    TRY(read([&](Reader& reader) noexcept { return reader.vector_size(size); }));
    TRY(leaf(length_, length_type_, begin, offset()));
    const bool is_cut = size > rest().size();
    Bytes content;
    TRY(reader_.take(is_cut ? rest().size() : size, content));
    const Reader outer = std::exchange(reader_, Reader(content));
    const Error error = elements<T>();
    if (is_cut) return cut_list(error);
    TRY(error);
    reader_ = outer;
    return Error::none;
  }

  // All that is left, which has to be zero (RFC 9420, 6.3.1).
  Error padding(Bytes& octets) noexcept;

  Bytes rest() const noexcept { return reader_.rest(); }

  // For FieldName::inside: what was just read as opaque is one whole T, under that name; or it is T<V>. An
  // error in it is noted, and does not go further.
  template <class T>
  void inside(const FieldName& name) noexcept {
    T value{};
    look_inside([&]() noexcept {
      TRY(part(&name, value));
      return finish();
    });
  }
  template <class T>
  void inside_list() noexcept {
    look_inside([this]() noexcept { return elements<T>(); });
  }
  // Gives that field another name.
  void rename(const FieldName& name) noexcept { found_.parts[current_].name = &name; }

 private:
  Inspector(Bytes input, std::size_t max_parts) noexcept : reader_(input), max_parts_(max_parts) {
    found_.input = input;
  }

  template <class Field>
  Error field(Field& f) noexcept {
    if (frame_.find == nullptr) return Coder::operator()(f);
    return part(frame_.find(frame_.object, &f, type_of_field<Field>()), f);
  }

  template <class T>
  Error part(const FieldName* name, T& value) noexcept {
    const std::size_t index = found_.parts.size();
    TRY(append(name, *type_of_field<T>(), offset()));
    const std::size_t outer = std::exchange(current_, index);
    const Frame frame = std::exchange(frame_, frame_of(value));
    const Error error = Coder::operator()(value);
    frame_ = frame;
    if (error == Error::none && name != nullptr && name->inside != nullptr) {
      name->inside(*this, frame_.object);
    }
    current_ = outer;
    close(index, error);
    return error;
  }

  template <class T>
  Error elements() noexcept {
    while (!rest().empty()) {
      T element{};
      const Error error = part(nullptr, element);
      if (error == Error::truncated) return Error::list_not_whole;
      TRY(error);
    }
    return Error::none;
  }

  template <class Look>
  void look_inside(Look look) noexcept {
    const Reader outer = reader_;
    if (enter() != Error::none) return;
    const Error error = look();
    leave(error);
    reader_ = outer;
  }

  // Reads, or stays where it is; of what the input cuts short, takes what is there.
  template <class Read>
  Error read(Read read) noexcept {
    Reader attempt = reader_;
    const Error error = read(attempt);
    if (error == Error::truncated) attempt = Reader(rest().last(0));
    if (error == Error::none || error == Error::truncated) reader_ = attempt;
    return error;
  }

  std::size_t offset() const noexcept {
    return static_cast<std::size_t>(rest().data() - found_.input.data());
  }

  Error append(const FieldName* name, const Type& type, std::size_t begin) noexcept;
  Error leaf(const FieldName& name, const Type& type, std::size_t begin, std::size_t end) noexcept;
  void close(std::size_t index, Error error) noexcept;
  void fail_at(std::size_t part, std::size_t offset) noexcept;
  Error cut_list(Error error) noexcept;
  Error finish() noexcept;
  Error enter() noexcept;
  void leave(Error error) noexcept;
  void note(Error error, std::size_t end) noexcept;
  Inspection take(Error error);

  static constexpr FieldName present_{"present"};
  static constexpr FieldName length_{"length"};
  static constexpr FieldName undecoded_{"undecoded"};
  static constexpr Type length_type_ = {"length header", "2.1.2", Kind::header};
  static constexpr Type undecoded_type_ = {"opaque[]", nullptr, Kind::octets};

  Reader reader_;
  std::size_t max_parts_;
  Inspection found_;
  std::size_t current_ = 0;  // the part that is being read
  Frame frame_{nullptr, nullptr};
  std::optional<Finding> place_;  // of the error that is on its way out
  bool is_full_ = false;
};

template <class Coder, Fields<ZeroPadding> E>
Error code(Coder& coder, E& e) noexcept {
  return coder.padding(e.octets);
}

template <class Coder, ContentType type>
Error code(Coder& coder, PrivateContent<type>& e) noexcept {
  e.content.content_type = type;
  TRY(code_content(coder, e.content));
  TRY(code_auth(coder, e.auth, type));
  return coder(e.padding);
}

}  // namespace tacet::tool
