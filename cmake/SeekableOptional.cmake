# SPDX-License-Identifier: Apache-2.0
# Optional parts: SEEKABLE_WITH_<PART> is AUTO (built where its library is found), ON (an error
# where it is not) or OFF.

function(seekable_optional part what)
  set(SEEKABLE_WITH_${part} AUTO CACHE STRING "${what}: AUTO, ON or OFF")
  set_property(CACHE SEEKABLE_WITH_${part} PROPERTY STRINGS AUTO ON OFF)
  if(NOT SEEKABLE_WITH_${part} MATCHES "^(AUTO|ON|OFF)$")
    message(FATAL_ERROR "seekable: SEEKABLE_WITH_${part} is '${SEEKABLE_WITH_${part}}': "
                        "it must be AUTO, ON or OFF")
  endif()
endfunction()

# Leaves `part` out because of `why`; stops where it was asked for.
function(seekable_leave_out part why)
  if(SEEKABLE_WITH_${part} STREQUAL "ON")
    message(FATAL_ERROR "seekable: SEEKABLE_WITH_${part} is ON, but ${why}")
  endif()
  string(TOLOWER "${part}" name)
  message(STATUS "seekable: without seekable::${name}: ${why}")
endfunction()

# Makes PkgConfig::SEEKABLE_<name> where pkg-config is there and knows all the modules.
macro(seekable_pkg_config name)
  find_package(PkgConfig QUIET)
  if(PKG_CONFIG_FOUND)
    pkg_check_modules(SEEKABLE_${name} QUIET IMPORTED_TARGET ${ARGN})
  endif()
endmacro()
