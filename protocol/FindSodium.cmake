# find_package(Sodium): libsodium has no CMake package of its own. Defines tacet::sodium and Sodium_VERSION. Installed
# with the library, for whoever links it.
find_path(SODIUM_INCLUDE sodium.h)
find_library(SODIUM_LIBRARY sodium)
if(SODIUM_INCLUDE)
  file(STRINGS ${SODIUM_INCLUDE}/sodium/version.h Sodium_VERSION REGEX "define SODIUM_VERSION_STRING")
  string(REGEX MATCH "[0-9]+\\.[0-9]+\\.[0-9]+" Sodium_VERSION "${Sodium_VERSION}")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Sodium
  REQUIRED_VARS SODIUM_LIBRARY SODIUM_INCLUDE
  VERSION_VAR Sodium_VERSION)

if(Sodium_FOUND AND NOT TARGET tacet::sodium)
  add_library(tacet::sodium UNKNOWN IMPORTED)
  set_target_properties(tacet::sodium PROPERTIES
    IMPORTED_LOCATION ${SODIUM_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${SODIUM_INCLUDE})
endif()
