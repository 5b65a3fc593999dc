# SPDX-License-Identifier: Apache-2.0
include(GoogleTest)

set(seekable_test_environment
    "SEEKABLE_COMMAND=${PROJECT_BINARY_DIR}/bin/seekable"
    "SEEKABLE_SOURCE_DIR=${PROJECT_SOURCE_DIR}"
    "SEEKABLE_BUILD_DIR=${PROJECT_BINARY_DIR}")

function(seekable_kind_wanted kind result)
  set(wanted TRUE)
  if(SEEKABLE_TEST_KINDS AND NOT kind IN_LIST SEEKABLE_TEST_KINDS)
    set(wanted FALSE)
  endif()
  set(${result} ${wanted} PARENT_SCOPE)
endfunction()

# tests/support/*.cpp: what tests share; http_*.cpp where seekable::http is built.
function(seekable_test_support)
  file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/support/*.cpp")
  foreach(part http decode)
    if(NOT TARGET seekable_${part})
      list(FILTER sources EXCLUDE REGEX "/${part}_[^/]*\\.cpp$")
    endif()
  endforeach()
  add_library(seekable_test_settings INTERFACE)
  target_include_directories(
    seekable_test_settings INTERFACE "${PROJECT_SOURCE_DIR}/tests" "${PROJECT_SOURCE_DIR}/src")
  target_link_libraries(
    seekable_test_settings
    INTERFACE seekable::seekable
              $<TARGET_NAME_IF_EXISTS:seekable_crypto>
              $<TARGET_NAME_IF_EXISTS:seekable_http>
              $<TARGET_NAME_IF_EXISTS:seekable_decode>
              $<TARGET_NAME_IF_EXISTS:seekable_cli_lib>
              GTest::gtest
              GTest::gmock
              rapidcheck
              rapidcheck_gtest)
  foreach(part http decode)
    if(TARGET seekable_${part})
      string(TOUPPER ${part} name)
      target_compile_definitions(seekable_test_settings INTERFACE SEEKABLE_TEST_${name})
    endif()
  endforeach()
  # Headers and the optimiser take most of the time that building a test takes. The library itself is
  # optimised; only of its inline functions the tests have some that are not.
  if(SEEKABLE_DEVELOPER)
    if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
      # (At -Og GCC sees uses of what is uninitialized that are none.)
      target_compile_options(seekable_test_settings INTERFACE -Og -g1 -Wno-maybe-uninitialized)
    endif()
    target_precompile_headers(
      seekable_test_settings INTERFACE <gmock/gmock.h> <gtest/gtest.h> <seekable/seekable.hpp>
      <chrono> <condition_variable> <fstream> <functional> <map> <random> <regex> <sstream> <thread>)
  endif()
  if(sources)
    add_library(seekable_test_support STATIC ${sources})
    seekable_target(seekable_test_support LOOSE)
    target_link_libraries(seekable_test_support PUBLIC seekable_test_settings)
  else()
    add_library(seekable_test_support INTERFACE)
    target_link_libraries(seekable_test_support INTERFACE seekable_test_settings)
  endif()
endfunction()

# Sources about a part that is not built are left out: *crypto*_test.cpp, cli_*_test.cpp,
# http_*_test.cpp, decode_*_test.cpp.
function(seekable_gtest_program kind)
  seekable_kind_wanted(${kind} wanted)
  file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/${kind}/*.cpp")
  if(NOT TARGET seekable_crypto)
    list(FILTER sources EXCLUDE REGEX "crypt[^/]*_test\\.cpp$")
  endif()
  foreach(part http decode)
    if(NOT TARGET seekable_${part})
      list(FILTER sources EXCLUDE REGEX "/${part}_[^/]*_test\\.cpp$")
    endif()
  endforeach()
  if(NOT TARGET seekable_cli_lib)
    list(FILTER sources EXCLUDE REGEX "/cli_[^/]*_test\\.cpp$")
  endif()
  if(NOT wanted OR NOT sources)
    return()
  endif()

  set(target "seekable_${kind}_tests")
  add_executable(${target} ${sources})
  seekable_target(${target} LOOSE)
  target_link_libraries(${target} PRIVATE seekable_test_support GTest::gtest_main)
  if(kind STREQUAL "e2e" AND TARGET seekable_cli)
    add_dependencies(${target} seekable_cli)
  endif()
  gtest_discover_tests(${target} TEST_PREFIX "${kind}." DISCOVERY_TIMEOUT 120
                       TEST_LIST ${target}_cases)
  # Not by PROPERTIES above, which takes no list of several variables for ENVIRONMENT.
  set(properties_file "${CMAKE_CURRENT_BINARY_DIR}/${target}_properties.cmake")
  file(CONFIGURE OUTPUT "${properties_file}" @ONLY CONTENT [[
if(@target@_cases)
  set_tests_properties(${@target@_cases} PROPERTIES LABELS @kind@ TIMEOUT 300
                                          ENVIRONMENT "@seekable_test_environment@")
endif()
]])
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES "${properties_file}")
endfunction()

# tests/<kind>/*_test.py, each method of a TestCase one test. End-to-end tests need the command.
function(seekable_python_tests kind)
  seekable_kind_wanted(${kind} wanted)
  if(NOT wanted OR (kind STREQUAL "e2e" AND NOT TARGET seekable_cli)
     OR (kind STREQUAL "python" AND NOT TARGET seekable_python))
    return()
  endif()
  set(directory "${PROJECT_SOURCE_DIR}/tests/${kind}")
  file(GLOB files CONFIGURE_DEPENDS "${directory}/*.py")
  foreach(part http decode)
    if(NOT TARGET seekable_${part})
      list(FILTER files EXCLUDE REGEX "/${part}_[^/]*_test\\.py$")
    endif()
  endforeach()
  set(path "${directory}")
  if(kind STREQUAL "python")  # The package, and the servers of the end-to-end tests.
    string(APPEND path ":${PROJECT_BINARY_DIR}/python:${PROJECT_SOURCE_DIR}/tests/e2e")
  endif()
  set(environment ${seekable_test_environment} "PYTHONPATH=${path}" PYTHONDONTWRITEBYTECODE=1)
  foreach(file IN LISTS files)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${file}")
    cmake_path(GET file STEM module)
    execute_process(
      COMMAND ${CMAKE_COMMAND} -E env ${environment} "${SEEKABLE_PYTHON3}"
              "${PROJECT_SOURCE_DIR}/cmake/list_unittests.py" ${module}
      OUTPUT_VARIABLE cases OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
    string(REPLACE "\n" ";" cases "${cases}")
    foreach(case IN LISTS cases)
      add_test(NAME "${kind}.${case}" COMMAND "${SEEKABLE_PYTHON3}" -m unittest ${case})
      set_tests_properties("${kind}.${case}" PROPERTIES LABELS ${kind} TIMEOUT 600
                                                        ENVIRONMENT "${environment}")
    endforeach()
  endforeach()
endfunction()
