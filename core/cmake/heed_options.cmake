# Options. As a subproject heed builds only its library and changes no flag of its parent.
option(HEED_BUILD_EXAMPLES "Build the demos" ${PROJECT_IS_TOP_LEVEL})
option(HEED_BUILD_TESTS "Build the tests (needs Catch2)" ${PROJECT_IS_TOP_LEVEL})
option(HEED_INSTALL "Install rules" ${PROJECT_IS_TOP_LEVEL})
option(HEED_BUILD_FUZZERS "Build the fuzzers (needs clang)" OFF)
option(HEED_WITH_BLIS "Use BLIS for matrix products" OFF)
option(HEED_WERROR "Warnings are errors, and there are more of them" OFF)
set(HEED_SANITIZE "" CACHE STRING "Sanitizers, e.g. address;undefined or thread")

if(PROJECT_IS_TOP_LEVEL)
  if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
  endif()
  set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
  string(REPLACE "-O3" "-O2" CMAKE_CXX_FLAGS_RELEASE "${CMAKE_CXX_FLAGS_RELEASE}")
endif()

include(GNUInstallDirs)

# Flags of heed's own sources, not of the programs that use it.
function(heed_compile_settings target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
  # Each function in a section of its own: a program takes those that it calls.
  target_compile_options(${target} PRIVATE -ffp-contract=off -ffunction-sections
                         -Wall -Wextra -Wpedantic $<$<BOOL:${HEED_WERROR}>:-Werror>)
  if(NOT APPLE)
    target_link_options(${target} PRIVATE LINKER:--gc-sections)
  endif()
  if(HEED_SANITIZE)
    string(REPLACE ";" "," kinds "${HEED_SANITIZE}")
    target_compile_options(${target} PUBLIC -fsanitize=${kinds} -fno-omit-frame-pointer -g1
                           -fno-sanitize-recover=all)
    target_link_options(${target} PUBLIC -fsanitize=${kinds})
  endif()
endfunction()

# The library compiles without these, too, so that nobody who has them on meets heed's. (GCC sees more than it can
# say where a kernel's vectors are concerned, so it is asked about the headers only: tests/consumer/.)
function(heed_strict_warnings target)
  if(HEED_WERROR AND CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    target_compile_options(${target} PRIVATE -Wconversion -Wsign-conversion -Wshadow)
    set_target_properties(${target} PROPERTIES UNITY_BUILD OFF)  # sources in one would shadow each other's names
  endif()
endfunction()

# The target takes over what was compiled once for another.
function(heed_reuse_headers target from)
  if(NOT CMAKE_DISABLE_PRECOMPILE_HEADERS)
    target_precompile_headers(${target} REUSE_FROM ${from})
  endif()
endfunction()
