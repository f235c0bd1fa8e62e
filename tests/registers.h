#pragma once

// What a call leaves in the registers, saved before any other code runs.

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include <cstdint>
#include <cstdlib>

#include "protocol/bytes.h"

namespace tacet {

// The general purpose registers that a call may change, and the whole state of the x87, SSE, AVX and
// whatever else the processor has, as XSAVE lays it out.
struct alignas(64) Registers {
  std::uint8_t extended[16384];
  std::uint64_t general[9];  // rax, rcx, rdx, rsi, rdi, r8 to r11

  Bytes bytes() const { return {reinterpret_cast<const std::uint8_t*>(this), sizeof *this}; }
};

#if defined(__x86_64__)

extern "C" void tacet_run_and_save(void (*run)(void*), void* argument, Registers* registers);

__asm__(R"(
  .pushsection .text
  .globl tacet_run_and_save
  .type tacet_run_and_save, @function
tacet_run_and_save:
  push %rbx
  mov %rdx, %rbx
  mov %rdi, %rax
  mov %rsi, %rdi
  call *%rax
  mov %rax, 16384(%rbx)
  mov %rcx, 16392(%rbx)
  mov %rdx, 16400(%rbx)
  mov %rsi, 16408(%rbx)
  mov %rdi, 16416(%rbx)
  mov %r8, 16424(%rbx)
  mov %r9, 16432(%rbx)
  mov %r10, 16440(%rbx)
  mov %r11, 16448(%rbx)
  mov $-1, %eax
  mov $-1, %edx
  xsave64 (%rbx)
  pop %rbx
  ret
  .size tacet_run_and_save, .-tacet_run_and_save
  .popsection
)");

// Runs `body`, and saves the registers as it has left them.
template <class Body>
void run_and_save(const Body& body, Registers& registers) {
  unsigned size = 0, a = 0, b = 0, d = 0, features = 0;
  __get_cpuid(1, &a, &b, &features, &d);
  if ((features & bit_OSXSAVE) == 0) std::abort();
  __get_cpuid_count(0xd, 0, &a, &size, &b, &d);
  if (size > sizeof registers.extended) std::abort();
  tacet_run_and_save([](void* it) { (*static_cast<const Body*>(it))(); }, const_cast<Body*>(&body),
                     &registers);
}

#else

// Registers are neither cleared nor looked at.
template <class Body>
void run_and_save(const Body& body, Registers&) {
  body();
}

#endif

}  // namespace tacet
