#pragma once

// For the test build, in which refusals can be switched off.

#include <gtest/gtest.h>

#include "evidence.h"
#include "protocol/refuse.h"

namespace tacet {

// What is refused with `error` is, while that refusal is switched off, accepted or refused with `instead`,
// and refused again afterwards.
template <class Attempt>
void lets_through(Error error, Attempt attempt, Error instead = Error::none) {
  EXPECT_EQ(attempt(), error);
  switch_off(error);
  EXPECT_EQ(attempt(), instead) << describe(error).name << " is switched off";
  switch_all_on();
  EXPECT_EQ(attempt(), error);
}

}  // namespace tacet
