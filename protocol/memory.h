#pragma once

// The caller's memory, owned. protocol/ never calls an allocator: every byte that an object keeps comes from
// a `Memory` that the caller hands it, and full memory is an ordinary error, Error::out_of_memory.

#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

#include "bytes.h"

namespace tacet {

// Where an object keeps its bytes. Secrets go into one of their own, which the caller may lock.
class Memory {
 public:
  // A block of at least `bytes` bytes (never 0), or nullptr: full.
  virtual void* allocate(std::size_t bytes, std::size_t alignment) noexcept = 0;
  // Takes back a block that allocate() gave for the same number of bytes.
  virtual void release(void* block, std::size_t bytes) noexcept = 0;

 protected:
  ~Memory() = default;
};

// Bytes of a fixed number, owned. Wiped before they are given back, whatever they hold.
class Buffer {
 public:
  Buffer() = default;
  ~Buffer() { reset(); }
  Buffer(Buffer&& other) noexcept { swap(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    swap(other);
    return *this;
  }

  // Error::out_of_memory.
  static Result<Buffer> allocate(Memory& memory, std::size_t size) noexcept {
    Buffer buffer;
    if (size == 0) return buffer;
    void* block = memory.allocate(size, alignof(std::uint64_t));
    if (block == nullptr) return Error::out_of_memory;
    buffer.memory_ = &memory;
    buffer.data_ = static_cast<std::uint8_t*>(block);
    buffer.size_ = size;
    return buffer;
  }

  MutableBytes bytes() noexcept { return {data_, size_}; }
  Bytes bytes() const noexcept { return {data_, size_}; }
  std::size_t size() const noexcept { return size_; }

  void reset() noexcept {
    if (data_ == nullptr) return;
    wipe(data_, size_);
    memory_->release(data_, size_);
    data_ = nullptr;
    size_ = 0;
  }

 private:
  void swap(Buffer& other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }

  Memory* memory_ = nullptr;
  std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
};

// Public values of one trivial type, growing. Reserve first, and what follows cannot fail.
template <class T>
class Array {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

 public:
  explicit Array(Memory& memory) noexcept : memory_(&memory) {}
  Array(Array&& other) noexcept : Array(*other.memory_) { swap(other); }
  Array& operator=(Array&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Array() {
    if (data_ != nullptr) memory_->release(data_, capacity_ * sizeof(T));
  }

  // Makes room for `count` elements in all; what is held stays. Error::out_of_memory.
  Error reserve(std::size_t count) noexcept {
    if (count <= capacity_) return Error::none;
    if (count > SIZE_MAX / sizeof(T) / 2) return Error::out_of_memory;
    // By a part and a few more, so that appending is cheap on average; what is reserved once is exact.
    const std::size_t grown = capacity_ == 0 ? 0 : capacity_ + capacity_ / 4 + 8;
    const std::size_t capacity = count > grown ? count : grown;
    void* block = memory_->allocate(capacity * sizeof(T), alignof(T));
    if (block == nullptr) return Error::out_of_memory;
    if (size_ != 0) std::memcpy(block, data_, size_ * sizeof(T));
    if (data_ != nullptr) memory_->release(data_, capacity_ * sizeof(T));
    data_ = static_cast<T*>(block);
    capacity_ = capacity;
    return Error::none;
  }

  // Within what was reserved.
  void push_back(const T& value) noexcept { ::new (static_cast<void*>(data_ + size_++)) T(value); }
  void push_back(std::size_t count, const T& value) noexcept {
    for (; count > 0; --count) push_back(value);
  }
  void append(std::span<const T> values) noexcept {
    if (!values.empty()) std::memcpy(data_ + size_, values.data(), values.size_bytes());
    size_ += values.size();
  }
  void pop_back() noexcept { --size_; }

  Memory& memory() const noexcept { return *memory_; }
  std::size_t size() const noexcept { return size_; }
  std::size_t capacity() const noexcept { return capacity_; }
  bool empty() const noexcept { return size_ == 0; }
  T* data() noexcept { return data_; }
  const T* data() const noexcept { return data_; }
  T& operator[](std::size_t i) noexcept { return data_[i]; }
  const T& operator[](std::size_t i) const noexcept { return data_[i]; }
  T* begin() noexcept { return data_; }
  T* end() noexcept { return data_ + size_; }
  const T* begin() const noexcept { return data_; }
  const T* end() const noexcept { return data_ + size_; }

  void swap(Array& other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }

 private:
  Memory* memory_;
  T* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

// Objects of one type, as many as are made once, owned.
template <class T>
class Objects {
 public:
  explicit Objects(Memory& memory) noexcept : memory_(&memory) {}
  Objects(Objects&& other) noexcept : Objects(*other.memory_) { swap(other); }
  Objects& operator=(Objects&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Objects() {
    for (std::size_t i = 0; i < size_; ++i) data_[i].~T();
    if (data_ != nullptr) memory_->release(data_, size_ * sizeof(T));
  }

  // Makes `count` of them, at least 1, each of the same arguments; there are none yet. Error::out_of_memory.
  template <class... Arguments>
  Error make(std::size_t count, const Arguments&... arguments) noexcept {
    if (count > SIZE_MAX / sizeof(T)) return Error::out_of_memory;
    void* const block = memory_->allocate(count * sizeof(T), alignof(T));
    if (block == nullptr) return Error::out_of_memory;
    data_ = static_cast<T*>(block);
    for (; size_ < count; ++size_) ::new (static_cast<void*>(data_ + size_)) T(arguments...);
    return Error::none;
  }

  std::size_t size() const noexcept { return size_; }
  T& operator[](std::size_t i) noexcept { return data_[i]; }
  const T& operator[](std::size_t i) const noexcept { return data_[i]; }

 private:
  void swap(Objects& other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }

  Memory* memory_;
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

// Many secrets of one size, packed, in the secret Memory: a `Secret` has room for the largest key of any
// suite, and a tree of ratchets would be three times its size with them. They go in and out by slot and are
// never read here. Chunks are of a fixed size and never move, so that growth leaves no copy of a secret
// behind. A free slot is zero but for the number of the next one.
class SecretSlots {
 public:
  using Slot = std::uint32_t;
  static constexpr Slot none = 0xffffffff;
  static constexpr std::size_t slots_in_chunk = 64;

  // `plain` holds the bookkeeping and `secrets` the secrets, each of `secret_size` bytes, at least 4.
  SecretSlots(Memory& plain, Memory& secrets, std::size_t secret_size) noexcept
      : secrets_(&secrets), secret_size_(secret_size), more_(plain) {}
  SecretSlots(SecretSlots&& other) noexcept : more_(other.more_.memory()) { swap(other); }
  SecretSlots& operator=(SecretSlots&& other) noexcept {
    swap(other);
    return *this;
  }
  ~SecretSlots() {
    for (std::size_t i = 0; i < chunk_count(); ++i) {
      wipe(chunk(i), chunk_size());
      secrets_->release(chunk(i), chunk_size());
    }
  }

  // Makes sure that the next `count` calls of put() have a place. Error::out_of_memory.
  Error reserve(std::size_t count) noexcept {
    while (free_count_ < count) {
      const std::size_t first = chunk_count() * slots_in_chunk;
      if (Error error = more_.reserve(chunk_count()); error != Error::none) return error;
      void* block = secrets_->allocate(chunk_size(), alignof(std::uint64_t));
      if (block == nullptr) return Error::out_of_memory;
      std::memset(block, 0, chunk_size());
      if (first_ != nullptr) more_.push_back(static_cast<std::uint8_t*>(block));
      if (first_ == nullptr) first_ = static_cast<std::uint8_t*>(block);
      for (std::size_t i = slots_in_chunk; i-- > 0;) add_free(static_cast<Slot>(first + i));
    }
    return Error::none;
  }

  // A slot of zeros, for a secret to come; room was reserved.
  Slot put() noexcept {
    const Slot slot = first_free_;
    std::memcpy(&first_free_, at(slot), sizeof first_free_);
    std::memset(at(slot), 0, sizeof first_free_);
    --free_count_;
    return slot;
  }

  // Moves a secret in, at most of the slots' size; room was reserved.
  Slot put(Secret&& secret) noexcept {
    const Slot slot = put();
    replace(slot, std::move(secret));
    return slot;
  }

  // What the slot held is wiped; the empty secret leaves zeros.
  void replace(Slot slot, Secret&& secret) noexcept;

  Secret copy(Slot slot) const noexcept;

  void erase(Slot slot) noexcept {
    wipe(at(slot), secret_size_);
    add_free(slot);
  }

 private:
  std::size_t chunk_size() const noexcept { return slots_in_chunk * secret_size_; }
  std::size_t chunk_count() const noexcept { return first_ == nullptr ? 0 : 1 + more_.size(); }
  std::uint8_t* chunk(std::size_t i) const noexcept { return i == 0 ? first_ : more_[i - 1]; }
  std::uint8_t* at(Slot slot) const noexcept {
    return chunk(slot / slots_in_chunk) + slot % slots_in_chunk * secret_size_;
  }
  void add_free(Slot slot) noexcept {
    std::memcpy(at(slot), &first_free_, sizeof first_free_);
    first_free_ = slot;
    ++free_count_;
  }
  void swap(SecretSlots& other) noexcept {
    std::swap(secrets_, other.secrets_);
    std::swap(secret_size_, other.secret_size_);
    std::swap(first_, other.first_);
    more_.swap(other.more_);
    std::swap(first_free_, other.first_free_);
    std::swap(free_count_, other.free_count_);
  }

  Memory* secrets_ = nullptr;
  std::size_t secret_size_ = 0;
  std::uint8_t* first_ = nullptr;  // most have no other chunk
  Array<std::uint8_t*> more_;
  Slot first_free_ = none;
  std::size_t free_count_ = 0;
};

// Where the object of a 32-bit key lies: an open hash table from keys to 32-bit places. No key is
// `empty_key`. Keys are indexes into one tree or code points, so an attacker cannot choose many that collide,
// and the hash needs no key.
class IndexMap {
 public:
  static constexpr std::uint32_t absent = 0xffffffff;

  explicit IndexMap(Memory& memory) noexcept : entries_(memory) {}

  // Makes sure that the next `count` calls of insert() have a place: four fifths of the table at the most are
  // used. Error::out_of_memory.
  Error reserve(std::size_t count) noexcept {
    const std::size_t needed = (used_ + count) + (used_ + count) / 4 + 1;
    if (needed <= entries_.size()) return Error::none;
    const std::size_t size = needed + needed / 4;
    IndexMap larger(entries_.memory());
    if (Error error = larger.entries_.reserve(size); error != Error::none) return error;
    larger.entries_.push_back(size, {empty_key, absent});
    for (const Entry& entry : entries_) {
      if (entry.key != empty_key) larger.insert(entry.key, entry.value);
    }
    entries_.swap(larger.entries_);
    return Error::none;
  }

  // Becomes a copy of `other`, if it is empty. Error::out_of_memory.
  Error copy(const IndexMap& other) noexcept {
    if (Error error = reserve(other.used_); error != Error::none) return error;
    for (const Entry& entry : other.entries_) {
      if (entry.key != empty_key) insert(entry.key, entry.value);
    }
    return Error::none;
  }

  // A key that is not in yet; room was reserved.
  void insert(std::uint32_t key, std::uint32_t value) noexcept {
    std::size_t i = home(key);
    while (entries_[i].key != empty_key) i = next(i);
    entries_[i] = {key, value};
    ++used_;
  }

  // What was inserted, or `absent`.
  std::uint32_t find(std::uint32_t key) const noexcept {
    if (entries_.empty()) return absent;
    for (std::size_t i = home(key); entries_[i].key != empty_key; i = next(i)) {
      if (entries_[i].key == key) return entries_[i].value;
    }
    return absent;
  }

  // A key that is in. Later entries of its run move up, so that none is cut off from its home.
  void erase(std::uint32_t key) noexcept {
    std::size_t hole = home(key);
    while (entries_[hole].key != key) hole = next(hole);
    for (std::size_t i = next(hole); entries_[i].key != empty_key; i = next(i)) {
      if (distance(home(entries_[i].key), i) < distance(hole, i)) continue;
      entries_[hole] = entries_[i];
      hole = i;
    }
    entries_[hole] = {empty_key, absent};
    --used_;
  }

  void swap(IndexMap& other) noexcept {
    entries_.swap(other.entries_);
    std::swap(used_, other.used_);
  }

  // Calls visit(key, value) for each, in no order of use; stops at the first error.
  template <class Visit>
  Error for_each(Visit visit) const noexcept {
    for (const Entry& entry : entries_) {
      if (entry.key == empty_key) continue;
      if (Error error = visit(entry.key, entry.value); error != Error::none) return error;
    }
    return Error::none;
  }

  std::size_t size() const noexcept { return used_; }

 private:
  static constexpr std::uint32_t empty_key = 0xffffffff;
  struct Entry {
    std::uint32_t key;
    std::uint32_t value;
  };

  std::size_t home(std::uint32_t key) const noexcept {
    const std::uint64_t spread = key * 0x9e3779b1u;  // Fibonacci hashing: neighbours part
    return static_cast<std::size_t>(spread * entries_.size() >> 32);
  }
  std::size_t next(std::size_t i) const noexcept { return i + 1 == entries_.size() ? 0 : i + 1; }
  std::size_t distance(std::size_t from, std::size_t to) const noexcept {
    return to >= from ? to - from : to + entries_.size() - from;
  }

  Array<Entry> entries_;
  std::size_t used_ = 0;
};

}  // namespace tacet
