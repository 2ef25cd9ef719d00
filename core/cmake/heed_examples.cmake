# One program for each examples/*.cpp.
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
