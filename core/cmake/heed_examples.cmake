# heed::kit (what the demos share) and one program for each examples/*.cpp.
file(GLOB kit_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/examples/kit/*.cpp")
file(MAKE_DIRECTORY "${PROJECT_BINARY_DIR}/include/heed/examples")
file(CREATE_LINK "${PROJECT_SOURCE_DIR}/examples/kit" "${PROJECT_BINARY_DIR}/include/heed/examples/kit"
     SYMBOLIC COPY_ON_ERROR)
add_library(heed_kit ${kit_sources})
add_library(heed::kit ALIAS heed_kit)
set_target_properties(heed_kit PROPERTIES EXPORT_NAME kit)
heed_compile_settings(heed_kit)
target_link_libraries(heed_kit PUBLIC heed)
# The demos spend their time in the library: for them and the kit, quick compiling and small programs count more.
set(heed_demo_flags $<$<CONFIG:Release>:-Os>)
target_compile_options(heed_kit PRIVATE ${heed_demo_flags})
target_precompile_headers(heed_kit PRIVATE ${heed_common_headers} <iostream> <heed/autograd/ops.h>)
# datasets.cpp reads heed's own source as a corpus; cli.cpp prints the version. (Set on the sources:
# on the target they would differ from what the precompiled headers were made with.)
set_source_files_properties(examples/kit/datasets.cpp PROPERTIES
  COMPILE_DEFINITIONS HEED_SOURCE_DIR="${PROJECT_SOURCE_DIR}" SKIP_PRECOMPILE_HEADERS ON)
set_source_files_properties(examples/kit/cli.cpp PROPERTIES
  COMPILE_DEFINITIONS HEED_VERSION="${PROJECT_VERSION}" SKIP_PRECOMPILE_HEADERS ON)

if(HEED_BUILD_EXAMPLES)
  file(GLOB example_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/examples/*.cpp")
  foreach(source ${example_sources})
    get_filename_component(name "${source}" NAME_WE)
    add_executable(${name} "${source}")
    heed_compile_settings(${name})
    target_link_libraries(${name} PRIVATE heed_kit)
    target_compile_options(${name} PRIVATE ${heed_demo_flags})
    heed_reuse_headers(${name} heed_kit)
    list(APPEND heed_example_targets ${name})
  endforeach()

  # The first command of the README: both demos, one after the other.
  if(TARGET kernel_regression AND TARGET char_gpt)
    set(demo_out "${CMAKE_BINARY_DIR}/out")
    add_custom_target(run-demo
      COMMAND ${CMAKE_COMMAND} -E echo "== kernel_regression: attention as a weighted mean"
      COMMAND kernel_regression --out "${demo_out}/kernel_regression"
      COMMAND ${CMAKE_COMMAND} -E echo "== char_gpt: a Transformer learns heed's own source code"
      COMMAND char_gpt --out "${demo_out}/char_gpt"
      USES_TERMINAL VERBATIM)
    add_dependencies(run-demo ${heed_example_targets})
  endif()
endif()
