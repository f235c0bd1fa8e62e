#pragma once

// A Memory over one region of a fixed size: for machines without a heap, and where it has to be known before
// what a group may take (memory_needed.h). It is compiled into the program that includes it, never into the
// library.
//
// Blocks have no header, as who gives one back says how large it is. What is free is a list of pieces by
// their addresses, which lies in the pieces themselves; a piece that is given back is joined with its
// neighbours at once. Small blocks come from the first piece that has room for them, large ones from the end
// of the last: so what is small and stays does not part what is large. A call takes a time that grows with
// the number of pieces, which are few where blocks are: a group has some dozens.
//
// How much is lost between blocks: a block is rounded up to 16 bytes. First fit never needs more than about
// log2(largest / smallest) times what it holds (Robson, 1977), and in practice a small part more
// (tests/region_memory_test.cpp, over 10,000 epochs).

#include <cstddef>
#include <cstdint>
#include <new>

#include "../memory.h"

namespace tacet {

class RegionMemory final : public Memory {
 public:
  // Every block begins at a multiple of it, and is a multiple of it.
  static constexpr std::size_t unit = 16;

  // `region` outlives it, and nobody else uses it meanwhile.
  explicit RegionMemory(MutableBytes region) noexcept {
    const std::size_t before = (unit - reinterpret_cast<std::uintptr_t>(region.data()) % unit) % unit;
    if (region.size() < before + unit) return;
    size_ = left_ = (region.size() - before) / unit * unit;
    first_ = ::new (static_cast<void*>(region.data() + before)) Piece{left_, nullptr};
  }
  RegionMemory(const RegionMemory&) = delete;
  RegionMemory& operator=(const RegionMemory&) = delete;

  void* allocate(std::size_t bytes, std::size_t alignment) noexcept override {
    if (alignment > unit || bytes > left_) return nullptr;
    const std::size_t size = rounded(bytes);
    return size < size_ / 64 ? take_first(size) : take_last(size);
  }

  void release(void* block, std::size_t bytes) noexcept override {
    std::size_t size = rounded(bytes);
    left_ += size;
    Piece* before = nullptr;
    Piece* behind = first_;
    for (; behind != nullptr && address(behind) < address(block); behind = behind->next) before = behind;
    if (behind != nullptr && address(block) + size == address(behind)) {
      size += behind->size;
      behind = behind->next;
    }
    if (before != nullptr && address(before) + before->size == address(block)) {
      before->size += size;
      before->next = behind;
      return;
    }
    Piece* const piece = ::new (block) Piece{size, behind};
    (before != nullptr ? before->next : first_) = piece;
  }

  std::size_t left() const noexcept { return left_; }  // in bytes, in all pieces together

 private:
  struct Piece {
    std::size_t size;
    Piece* next;
  };
  static_assert(sizeof(Piece) <= unit);

  static std::size_t rounded(std::size_t bytes) noexcept { return (bytes + unit - 1) / unit * unit; }
  static std::uintptr_t address(const void* place) noexcept {
    return reinterpret_cast<std::uintptr_t>(place);
  }
  static void* behind(void* place, std::size_t size) noexcept {
    return static_cast<std::uint8_t*>(place) + size;
  }

  // The beginning of the first piece that is large enough.
  void* take_first(std::size_t size) noexcept {
    Piece** link = &first_;
    while (*link != nullptr && (*link)->size < size) link = &(*link)->next;
    Piece* const piece = *link;
    if (piece == nullptr) return nullptr;
    left_ -= size;
    *link = piece->next;
    if (piece->size > size) *link = ::new (behind(piece, size)) Piece{piece->size - size, piece->next};
    return piece;
  }

  // The end of the last one.
  void* take_last(std::size_t size) noexcept {
    Piece** found = nullptr;
    for (Piece** link = &first_; *link != nullptr; link = &(*link)->next) {
      if ((*link)->size >= size) found = link;
    }
    if (found == nullptr) return nullptr;
    left_ -= size;
    Piece* const piece = *found;
    piece->size -= size;
    if (piece->size == 0) *found = piece->next;
    return behind(piece, piece->size);
  }

  Piece* first_ = nullptr;
  std::size_t size_ = 0;
  std::size_t left_ = 0;
};

}  // namespace tacet
