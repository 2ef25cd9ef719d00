# One program for each tests/fuzz/*_fuzz.cpp. With clang they are fuzzers:
#   build/fuzz/bin/json_fuzz -max_total_time=60 build/corpus tests/fuzz/corpus/json
# With other compilers they replay the files they are given.
file(GLOB fuzz_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/fuzz/*_fuzz.cpp")
foreach(source ${fuzz_sources})
  get_filename_component(name "${source}" NAME_WE)
  add_executable(${name} "${source}")
  heed_compile_settings(${name})
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}/tests")
  target_link_libraries(${name} PRIVATE heed_kit)
  if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    target_sources(${name} PRIVATE "${PROJECT_SOURCE_DIR}/tests/fuzz/bounds.cpp")
    target_link_options(${name} PRIVATE -fsanitize=fuzzer,address,undefined)
  else()
    target_sources(${name} PRIVATE "${PROJECT_SOURCE_DIR}/tests/fuzz/replay_main.cpp")
  endif()
endforeach()
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  # The library is what is fuzzed: it reports its coverage.
  target_compile_options(heed PUBLIC -fsanitize=fuzzer-no-link,address,undefined
                         -fno-sanitize-recover=all -fno-omit-frame-pointer -g)
  target_link_options(heed PUBLIC -fsanitize=address,undefined)
endif()
