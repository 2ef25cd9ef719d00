# heed::heed: the four folders in one library. Users include <heed/nn/nn.h>; the build tree offers
# that path through links, so that the project root never lands on anyone's include path.
set(heed_sources)
foreach(folder core autograd nn optim)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${folder}/*.cpp")
  list(APPEND heed_sources ${sources})
endforeach()

if(IS_SYMLINK "${PROJECT_BINARY_DIR}/include/heed")
  # The README's one c++ line links it to the project root: links made through it would land there,
  # in place of the folders themselves.
  file(REMOVE "${PROJECT_BINARY_DIR}/include/heed")
endif()
file(MAKE_DIRECTORY "${PROJECT_BINARY_DIR}/include/heed")
foreach(folder core autograd nn optim)
  file(CREATE_LINK "${PROJECT_SOURCE_DIR}/${folder}" "${PROJECT_BINARY_DIR}/include/heed/${folder}"
       SYMBOLIC COPY_ON_ERROR)
endforeach()

add_library(heed ${heed_sources})
add_library(heed::heed ALIAS heed)
heed_compile_settings(heed)
heed_strict_warnings(heed)
target_include_directories(heed PUBLIC $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include>
                                       $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
find_package(Threads REQUIRED)
target_link_libraries(heed PUBLIC Threads::Threads)

# Most of a clean build went into parsing the same headers again for every source, so these are
# compiled once, and once for the kit and the demos. (The kernels choose their own instruction set.)
file(GLOB kernel_sources "${PROJECT_SOURCE_DIR}/core/kernels/*.cpp")
set_source_files_properties(${kernel_sources} PROPERTIES SKIP_PRECOMPILE_HEADERS ON
                            SKIP_UNITY_BUILD_INCLUSION ON)
set(heed_common_headers <algorithm> <cmath> <filesystem> <functional> <map> <optional> <heed/core/array.h>)
target_precompile_headers(heed PRIVATE ${heed_common_headers})

if(HEED_WITH_BLIS)
  find_path(BLIS_INCLUDE_DIR blis.h PATH_SUFFIXES blis blis-pthread blis-openmp blis-serial REQUIRED)
  find_library(BLIS_LIBRARY blis PATH_SUFFIXES blis-pthread blis-openmp blis-serial REQUIRED)
  target_compile_definitions(heed PRIVATE HEED_WITH_BLIS)
  target_include_directories(heed SYSTEM PRIVATE ${BLIS_INCLUDE_DIR})
  target_link_libraries(heed PRIVATE ${BLIS_LIBRARY})
endif()
