# SPDX-License-Identifier: Apache-2.0
# `find_package(seekable [COMPONENTS crypto])` and `pkg-config seekable`.
include(CMakePackageConfigHelpers)

set(config_dir "${CMAKE_INSTALL_LIBDIR}/cmake/seekable")

install(TARGETS seekable EXPORT seekable-targets FILE_SET HEADERS)
install(EXPORT seekable-targets NAMESPACE seekable:: DESTINATION "${config_dir}")

set(pc_name seekable)
set(pc_description "${PROJECT_DESCRIPTION}")
set(pc_requires "")
file(RELATIVE_PATH pc_prefix "${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig" "${CMAKE_INSTALL_PREFIX}")
set(pc_libs "-lseekable -pthread")
# Some builders give absolute directories.
foreach(kind INCLUDE LIB)
  cmake_path(ABSOLUTE_PATH CMAKE_INSTALL_${kind}DIR BASE_DIRECTORY "\${prefix}" OUTPUT_VARIABLE pc_${kind}DIR)
endforeach()
configure_file("${PROJECT_SOURCE_DIR}/cmake/seekable.pc.in" seekable.pc @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/seekable.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")

if(TARGET seekable_crypto)
  install(TARGETS seekable_crypto EXPORT seekable-crypto-targets)
  install(EXPORT seekable-crypto-targets NAMESPACE seekable:: DESTINATION "${config_dir}")

  set(pc_name seekable-crypto)
  set(pc_description "${PROJECT_DESCRIPTION}: the encrypted spool")
  set(pc_requires "seekable")
  set(pc_libs "-Wl,--undefined=seekable_crypto_linked -lseekable_crypto")
  get_target_property(crypto_type seekable_crypto TYPE)
  if(crypto_type STREQUAL "STATIC_LIBRARY")
    set(pc_requires "seekable libsodium")
  else()
    string(PREPEND pc_libs "-Wl,--no-as-needed ")
  endif()
  configure_file("${PROJECT_SOURCE_DIR}/cmake/seekable.pc.in" seekable-crypto.pc @ONLY)
  install(FILES "${PROJECT_BINARY_DIR}/seekable-crypto.pc"
          DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
endif()

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
