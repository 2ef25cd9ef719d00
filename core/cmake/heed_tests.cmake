# Tests: one program for each folder of tests/, one CTest test for each TEST_CASE.
#   ctest -L quick   under a minute;  ctest -L full   all that CI runs;  ctest -L soak   hours.
# A case tagged [slow] is in full only, one tagged [soak] in soak only, one tagged [data] needs HEED_DATA.
enable_testing()
find_package(Catch2 3 CONFIG QUIET)
if(NOT Catch2_FOUND)
  find_package(Catch2 2.13 CONFIG QUIET)
endif()
if(NOT Catch2_FOUND)
  message(FATAL_ERROR "heed's tests need Catch2: install it (apt install catch2, brew install catch2) "
                      "or configure with -DHEED_BUILD_TESTS=OFF")
endif()
include(Catch)

add_library(heed_catch STATIC "${PROJECT_SOURCE_DIR}/tests/support/catch_main.cpp")
target_include_directories(heed_catch PUBLIC "${PROJECT_SOURCE_DIR}/tests")
target_compile_definitions(heed_catch PUBLIC HEED_TESTS_DIR="${PROJECT_SOURCE_DIR}/tests"
                           HEED_BIN_DIR="${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")
target_link_libraries(heed_catch PUBLIC heed_kit Catch2::Catch2)

# The code that pages and comments show, a file each, for test_pages to compile (tests/pages/extract.cpp).
add_executable(heed_extract "${PROJECT_SOURCE_DIR}/tests/pages/extract.cpp")
target_compile_features(heed_extract PRIVATE cxx_std_20)
file(GLOB read_pages CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/*.md")
foreach(folder core autograd nn optim examples)
  file(GLOB_RECURSE read CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${folder}/*.md" "${PROJECT_SOURCE_DIR}/${folder}/*.h")
  list(APPEND read_pages ${read})
endforeach()
set(snippets "${PROJECT_BINARY_DIR}/snippets")
add_custom_command(OUTPUT "${snippets}/done"
  COMMAND heed_extract "${PROJECT_SOURCE_DIR}" "${snippets}"
  DEPENDS heed_extract ${read_pages} VERBATIM)
add_custom_target(heed_snippets DEPENDS "${snippets}/done")

foreach(folder core autograd nn optim examples golden pages)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/${folder}/*_test.cpp")
  if(sources)
    set(target test_${folder})
    add_executable(${target} ${sources})
    heed_compile_settings(${target})
    if(HEED_SANITIZE)  # what is examined is the library: tests without optimisation compile in half the time
      target_compile_options(${target} PRIVATE -O0)
    else()
      target_compile_options(${target} PRIVATE ${heed_demo_flags})
    endif()
    target_link_libraries(${target} PRIVATE heed_catch)
    set_target_properties(${target} PROPERTIES UNITY_BUILD OFF)
    if(folder STREQUAL core)  # what every test includes is compiled once
      target_precompile_headers(test_core PRIVATE "${PROJECT_SOURCE_DIR}/tests/support/catch.h"
                                <functional> <map> <optional> <heed/core/array.h>)
    else()
      heed_reuse_headers(${target} test_core)
    endif()
    if(folder STREQUAL pages)
      set(recipes "${PROJECT_SOURCE_DIR}/tests/pages/recipe_kernel.cpp"
          "${PROJECT_SOURCE_DIR}/tests/pages/recipe_instruction_set.cpp")
      set_source_files_properties(${recipes} PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
      target_sources(${target} PRIVATE ${recipes})
      add_dependencies(${target} heed_snippets)
      set_source_files_properties(${sources} ${recipes} PROPERTIES OBJECT_DEPENDS "${snippets}/done")
      target_include_directories(${target} PRIVATE "${PROJECT_BINARY_DIR}")
    endif()
    if(folder STREQUAL examples AND heed_example_targets)
      add_dependencies(${target} ${heed_example_targets})  # they are run
    endif()
    # A name that selects nothing must not pass (Catch2 v2 ends with 0 then); hidden cases are for calling by hand.
    set(found FAIL_REGULAR_EXPRESSION "No test cases matched")
    catch_discover_tests(${target} TEST_SPEC "~[.]~[slow]~[soak]~[data]" TEST_PREFIX "${folder}: "
                         PROPERTIES LABELS "quick;full" ${found})
    foreach(tag slow soak data)
      set(tagged FALSE)
      foreach(source ${sources})
        file(STRINGS "${source}" lines REGEX "\\[${tag}\\]" LIMIT_COUNT 1)
        if(lines)
          set(tagged TRUE)
        endif()
      endforeach()
      if(tagged AND (NOT tag STREQUAL data OR DEFINED ENV{HEED_DATA}))
        set(label ${tag})
        if(tag STREQUAL slow)
          set(label full)
        endif()
        catch_discover_tests(${target} TEST_SPEC "~[.][${tag}]" TEST_PREFIX "${folder}: " TEST_SUFFIX " "
                             PROPERTIES LABELS "${label}" COST 100 ${found})  # the longest begin first
      endif()
    endforeach()
  endif()
endforeach()

# The steps from each formula to its fast form, which heed_bench --steps measures, are right.
target_sources(test_core PRIVATE "${PROJECT_SOURCE_DIR}/tests/bench/steps.cpp")

# Parts of the suites again on the loops that define the kernels (core/kernels/plain.h).
set(plain_core "gemm:*")
set(plain_nn "*attention*")
set(plain_optim "~[.]~[slow]~[soak]~[data]")
set(plain_golden "~[.]~[slow]~[soak]~[data]")
foreach(folder core nn optim golden)
  add_test(NAME "HEED_ISA=plain: ${folder}" COMMAND test_${folder} ${plain_${folder}})
  set_tests_properties("HEED_ISA=plain: ${folder}" PROPERTIES LABELS "quick;full" ENVIRONMENT "HEED_ISA=plain"
                       FAIL_REGULAR_EXPRESSION "No test cases matched")
endforeach()

# The benchmarks: built so that they stay right, run by hand (tests/bench/heed_bench.cpp).
file(GLOB bench_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/bench/*.cpp")
add_executable(heed_bench ${bench_sources})
heed_compile_settings(heed_bench)
target_include_directories(heed_bench PRIVATE "${PROJECT_SOURCE_DIR}/tests")
target_link_libraries(heed_bench PRIVATE heed_kit)
add_test(NAME "bench: every workload has a name" COMMAND heed_bench --list)
add_test(NAME "bench: the steps of a kernel" COMMAND heed_bench --steps --only layer_norm --seconds 0.001)
set_tests_properties("bench: every workload has a name" "bench: the steps of a kernel" PROPERTIES LABELS "quick;full")

# heed's side of the exchange of states with PyTorch, whose side is run by hand (tests/exchange/exchange.py).
add_executable(heed_exchange "${PROJECT_SOURCE_DIR}/tests/exchange/heed_exchange.cpp")
heed_compile_settings(heed_exchange)
target_include_directories(heed_exchange PRIVATE "${PROJECT_SOURCE_DIR}/tests")
target_link_libraries(heed_exchange PRIVATE heed_kit)
add_test(NAME "exchange: states are the same after saving and loading" COMMAND heed_exchange check)
set_tests_properties("exchange: states are the same after saving and loading" PROPERTIES LABELS "quick;full")

# The kernel objects, disassembled: as users get them, without a sanitizer's calls.
set(kernel_objects $<TARGET_OBJECTS:heed>)
if(HEED_SANITIZE)
  add_library(heed_plain_kernels OBJECT ${kernel_sources})
  target_compile_features(heed_plain_kernels PRIVATE cxx_std_20)
  target_compile_options(heed_plain_kernels PRIVATE -ffp-contract=off)
  target_include_directories(heed_plain_kernels PRIVATE "${PROJECT_BINARY_DIR}/include")
  set(kernel_objects $<TARGET_OBJECTS:heed_plain_kernels>)
endif()
find_program(HEED_OBJDUMP NAMES objdump llvm-objdump)
find_program(HEED_NM NAMES nm llvm-nm)
set(isa_test "${CMAKE_COMMAND}" "-DOBJECTS=${kernel_objects}" "-DPROCESSOR=${CMAKE_SYSTEM_PROCESSOR}"
    "-DOBJDUMP=${HEED_OBJDUMP}" "-DNM=${HEED_NM}")
foreach(kind isa_test isa_test_itself)
  add_test(NAME "kernels: ${kind}" COMMAND ${isa_test} "-DSELF_TEST=$<STREQUAL:${kind},isa_test_itself>"
           -P "${PROJECT_SOURCE_DIR}/tests/core/kernels/isa_test.cmake")
  set_tests_properties("kernels: ${kind}" PROPERTIES LABELS "quick;full" SKIP_REGULAR_EXPRESSION "SKIPPED")
endforeach()
set_tests_properties("kernels: isa_test_itself" PROPERTIES WILL_FAIL ON)

# Every TEST_CASE of the sources is a test here, whatever its name holds and whichever Catch2 found it.
set(has_data FALSE)
if(DEFINED ENV{HEED_DATA})
  set(has_data TRUE)
endif()
add_test(NAME "all test cases are registered" COMMAND "${CMAKE_COMMAND}" "-DROOT=${PROJECT_SOURCE_DIR}"
         "-DBUILD=${CMAKE_BINARY_DIR}" "-DCTEST=${CMAKE_CTEST_COMMAND}" "-DDATA=${has_data}"
         -P "${PROJECT_SOURCE_DIR}/tests/registered.cmake")
set_tests_properties("all test cases are registered" PROPERTIES LABELS "quick;full")

add_test(NAME "reading path" COMMAND "${CMAKE_COMMAND}" "-DROOT=${PROJECT_SOURCE_DIR}"
         -P "${PROJECT_SOURCE_DIR}/tests/reading_path.cmake")
set_tests_properties("reading path" PROPERTIES LABELS "quick;full")
