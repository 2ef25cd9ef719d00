# heed::kit: what the demos share. A parent project that links it gets it built, another one does not.
file(GLOB_RECURSE kit_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/examples/kit/*.cpp")
file(MAKE_DIRECTORY "${PROJECT_BINARY_DIR}/include/heed/examples")
file(CREATE_LINK "${PROJECT_SOURCE_DIR}/examples/kit" "${PROJECT_BINARY_DIR}/include/heed/examples/kit"
     SYMBOLIC COPY_ON_ERROR)
add_library(heed_kit ${kit_sources})
if(NOT HEED_BUILD_EXAMPLES AND NOT HEED_BUILD_TESTS)
  set_target_properties(heed_kit PROPERTIES EXCLUDE_FROM_ALL TRUE)
endif()
add_library(heed::kit ALIAS heed_kit)
set_target_properties(heed_kit PROPERTIES EXPORT_NAME kit)
heed_compile_settings(heed_kit)
target_link_libraries(heed_kit PUBLIC heed)

# The attention page's CSS, HTML and JavaScript, each a C++ string literal that attention_page.cpp includes.
# (Without CMake a line of the shell does the same: examples/kit/README.md.)
set(page "${PROJECT_SOURCE_DIR}/examples/kit/pictures/page")
file(GLOB page_sources CONFIGURE_DEPENDS "${page}/*.css" "${page}/*.html" "${page}/*.js")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${page_sources})
foreach(source ${page_sources})
  get_filename_component(name "${source}" NAME)
  file(READ "${source}" text)
  file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/embedded/${name}.inc" CONTENT "R\"page(${text})page\"\n" @ONLY)
endforeach()
target_include_directories(heed_kit PRIVATE "${PROJECT_BINARY_DIR}/embedded")

# The demos spend their time in the library: for them and the kit, quick compiling and small programs count more.
set(heed_demo_flags $<$<CONFIG:Release>:-Os>)
target_compile_options(heed_kit PRIVATE ${heed_demo_flags})
target_precompile_headers(heed_kit PRIVATE ${heed_common_headers} <iostream> <heed/autograd/ops.h>)
# datasets.cpp reads heed's own source as a corpus; cli.cpp prints the version. (Set on the sources:
# on the target they would differ from what the precompiled headers were made with.)
set_source_files_properties(examples/kit/data/datasets.cpp PROPERTIES
  COMPILE_DEFINITIONS HEED_SOURCE_DIR="${PROJECT_SOURCE_DIR}" SKIP_PRECOMPILE_HEADERS ON)
set_source_files_properties(examples/kit/cli.cpp PROPERTIES
  COMPILE_DEFINITIONS HEED_VERSION="${PROJECT_VERSION}" SKIP_PRECOMPILE_HEADERS ON)

