# find_package(Tacet): defines tacet::tacet.
set(tacet_module_path ${CMAKE_MODULE_PATH})
set(CMAKE_MODULE_PATH ${CMAKE_CURRENT_LIST_DIR})  # the FindSodium.cmake beside this file, and nobody else's
find_package(Sodium 1.0.18 QUIET)
set(CMAKE_MODULE_PATH ${tacet_module_path})

if(Sodium_FOUND)
  include(${CMAKE_CURRENT_LIST_DIR}/TacetTargets.cmake)
else()
  set(Tacet_FOUND FALSE)
  set(Tacet_NOT_FOUND_MESSAGE "libsodium, 1.0.18 or newer, was not found")
endif()
