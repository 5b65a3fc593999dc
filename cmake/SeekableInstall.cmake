# SPDX-License-Identifier: Apache-2.0
# `find_package(seekable [COMPONENTS crypto decode http])` and `pkg-config seekable`.
include(CMakePackageConfigHelpers)

set(config_dir "${CMAKE_INSTALL_LIBDIR}/cmake/seekable")

install(TARGETS seekable EXPORT seekable-targets FILE_SET HEADERS)
install(EXPORT seekable-targets NAMESPACE seekable:: DESTINATION "${config_dir}")

file(RELATIVE_PATH pc_prefix "${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig" "${CMAKE_INSTALL_PREFIX}")
# Some builders give absolute directories.
foreach(kind INCLUDE LIB)
  cmake_path(ABSOLUTE_PATH CMAKE_INSTALL_${kind}DIR BASE_DIRECTORY "\${prefix}" OUTPUT_VARIABLE pc_${kind}DIR)
endforeach()

function(seekable_install_pc pc_name pc_description pc_requires pc_libs)
  configure_file("${PROJECT_SOURCE_DIR}/cmake/seekable.pc.in" ${pc_name}.pc @ONLY)
  install(FILES "${PROJECT_BINARY_DIR}/${pc_name}.pc"
          DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
endfunction()

seekable_install_pc(seekable "${PROJECT_DESCRIPTION}" "" "-lseekable -pthread")

# An optional target, if it was built: its own targets file, which the config takes where what it
# needs is there, and its own .pc. `packages`: what pkg-config calls the libraries that a static one
# needs; a shared one brings them along.
function(seekable_install_component name description packages)
  set(target seekable_${name})
  if(NOT TARGET ${target})
    return()
  endif()
  install(TARGETS ${target} EXPORT seekable-${name}-targets FILE_SET HEADERS)
  install(EXPORT seekable-${name}-targets NAMESPACE seekable:: DESTINATION "${config_dir}")

  set(requires "seekable")
  set(libs "-l${target}")
  if(name STREQUAL "crypto")
    string(PREPEND libs "-Wl,--undefined=seekable_crypto_linked ")
  endif()
  get_target_property(type ${target} TYPE)
  if(type STREQUAL "STATIC_LIBRARY")
    string(APPEND requires " ${packages}")
    if(name STREQUAL "decode")
      string(APPEND libs " -lbz2")  # pkg-config knows nothing of it.
    endif()
  elseif(name STREQUAL "crypto")
    string(PREPEND libs "-Wl,--no-as-needed ")
  endif()
  seekable_install_pc(seekable-${name} "${PROJECT_DESCRIPTION}: ${description}" "${requires}"
                      "${libs}")
endfunction()

seekable_install_component(crypto "the encrypted spool" libsodium)
seekable_install_component(decode "compressed streams" "zlib liblzma libzstd liblz4")
seekable_install_component(http "streams from the web" libcurl)

configure_package_config_file(cmake/seekable-config.cmake.in seekable-config.cmake
                              INSTALL_DESTINATION "${config_dir}")
# Before 1.0 a minor version may change what a program sees.
write_basic_package_version_file(seekable-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/seekable-config.cmake"
              "${PROJECT_BINARY_DIR}/seekable-config-version.cmake" DESTINATION "${config_dir}")

if(TARGET seekable_cli)
  install(TARGETS seekable_cli)
  if(EXISTS "${PROJECT_SOURCE_DIR}/cli/seekable.1")
    install(FILES "${PROJECT_SOURCE_DIR}/cli/seekable.1" DESTINATION "${CMAKE_INSTALL_MANDIR}/man1")
  endif()
endif()
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}")
