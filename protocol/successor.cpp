#include "successor.h"

namespace tacet {

namespace {

// All that the ReInit says [REINIT-08, REINIT-09].
Error check_reinitialised(const PublicState& former, const PreSharedKeyId& psk,
                          const GroupContext& context) noexcept {
  const ReInit* const re_init = former.re_init();
  if (re_init == nullptr) return Error::reinit_absent;                                // [REINIT-13]
  REFUSE_IF(psk.psk_epoch != former.context().epoch, Error::successor_psk_epoch);     // [REINIT-21]
  REFUSE_IF(!equal(context.group_id, re_init->group_id), Error::successor_group_id);  // [REINIT-14]
  REFUSE_IF(context.version != re_init->version, Error::successor_version);           // [REINIT-15]
  REFUSE_IF(context.cipher_suite != re_init->cipher_suite, Error::successor_suite);   // [REINIT-16]
  REFUSE_IF(!equal(context.extensions.encoded(), re_init->extensions.encoded()),
            Error::successor_extensions);  // [REINIT-17]
  return Error::none;
}

}  // namespace

Error check_successor(const PublicState& former, const PreSharedKeyId& psk,
                      const GroupContext& context) noexcept {
  REFUSE_IF(context.epoch != 1, Error::successor_epoch);  // [REINIT-12, BRANCH-04]
  if (psk.usage == ResumptionPskUsage::reinit) return check_reinitialised(former, psk, context);
  // From any of its epochs whose PSK is kept [BRANCH-09].
  REFUSE_IF(context.version != former.context().version, Error::successor_version);          // [BRANCH-03]
  REFUSE_IF(context.cipher_suite != former.context().cipher_suite, Error::successor_suite);  // [BRANCH-03]
  return Error::none;
}

}  // namespace tacet
