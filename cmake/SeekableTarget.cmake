# SPDX-License-Identifier: Apache-2.0
# What all our targets have in common. Nothing in here reaches the users of the library.

set(seekable_warnings
    -Wall
    -Wextra
    -Wpedantic
    -Wnon-virtual-dtor
    -Woverloaded-virtual
    -Wcast-align
    -Wimplicit-fallthrough
    $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>
    # A designated initializer leaves out what has a default.
    -Wno-missing-field-initializers
    # GCC 12 at -O3 sees overlaps in sums of strings that are none (its bug 105651).
    $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-restrict>
    -Werror)
# Not for tests: they are full of small numbers, and the macros of GoogleTest shadow.
set(seekable_strict_warnings
    -Wconversion
    -Wsign-conversion
    # GCC's plain -Wshadow also forbids a constructor's parameter to be named like a member.
    -Wshadow$<$<CXX_COMPILER_ID:GNU>:=local>)

if(SEEKABLE_DEVELOPER)
  find_program(SEEKABLE_CCACHE ccache)
  find_program(SEEKABLE_MOLD mold)
  mark_as_advanced(SEEKABLE_CCACHE SEEKABLE_MOLD)
  if(SEEKABLE_CCACHE AND NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
    set(CMAKE_CXX_COMPILER_LAUNCHER "${SEEKABLE_CCACHE}")
  endif()
  if(SEEKABLE_MOLD)
    add_link_options(-fuse-ld=mold)
  endif()
endif()

# The C++ standard, hidden symbols, and our warnings in our presets. LOOSE: without the
# strict warnings.
function(seekable_target target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "LOOSE" "" "")
  set_target_properties(
    ${target}
    PROPERTIES CXX_EXTENSIONS OFF
               CXX_VISIBILITY_PRESET hidden
               VISIBILITY_INLINES_HIDDEN ON
               POSITION_INDEPENDENT_CODE ON)
  target_compile_features(${target} PUBLIC cxx_std_20)
  if(SEEKABLE_BUILD_TOGETHER AND NOT arg_LOOSE)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 12)
  endif()
  if(SEEKABLE_DEVELOPER)
    target_compile_options(${target} PRIVATE ${seekable_warnings})
    if(NOT arg_LOOSE)
      target_compile_options(${target} PRIVATE ${seekable_strict_warnings})
    endif()
  endif()
endfunction()

# find_package, with one line that says what to do where it is not there.
function(seekable_require package what_for debian_package option)
  find_package(${package} QUIET)
  if(NOT ${package}_FOUND)
    message(FATAL_ERROR "seekable: ${what_for} needs ${package}, which was not found: install it "
                        "(on Debian: ${debian_package}) or set ${option}=OFF")
  endif()
endfunction()
