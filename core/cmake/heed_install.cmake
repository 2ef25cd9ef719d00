# Install rules: find_package(heed) and pkg-config. Headers go to include/heed/<folder>.
include(CMakePackageConfigHelpers)

foreach(folder core autograd nn optim)
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/${folder}" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/heed"
          FILES_MATCHING PATTERN "*.h"
          PATTERN "core/kernels/*" EXCLUDE)  # compiled once an instruction set, of no use outside
endforeach()
install(FILES "${PROJECT_SOURCE_DIR}/core/kernels/kernels.h" "${PROJECT_SOURCE_DIR}/core/kernels/dispatch.h"
        DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/heed/core/kernels")
set(heed_installed heed)
if(HEED_BUILD_EXAMPLES OR HEED_BUILD_TESTS)  # it is built
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/examples/kit" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/heed/examples"
          FILES_MATCHING PATTERN "*.h")
  list(APPEND heed_installed heed_kit)
endif()
install(TARGETS ${heed_installed} EXPORT heedTargets
        ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(EXPORT heedTargets NAMESPACE heed:: DESTINATION "${CMAKE_INSTALL_LIBDIR}/cmake/heed")

file(WRITE "${PROJECT_BINARY_DIR}/heedConfig.cmake.in" [[
@PACKAGE_INIT@
include(CMakeFindDependencyMacro)
find_dependency(Threads)
include("${CMAKE_CURRENT_LIST_DIR}/heedTargets.cmake")
]])
configure_package_config_file("${PROJECT_BINARY_DIR}/heedConfig.cmake.in" "${PROJECT_BINARY_DIR}/heedConfig.cmake"
                              INSTALL_DESTINATION "${CMAKE_INSTALL_LIBDIR}/cmake/heed")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/heedConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/heedConfig.cmake" "${PROJECT_BINARY_DIR}/heedConfigVersion.cmake"
        DESTINATION "${CMAKE_INSTALL_LIBDIR}/cmake/heed")

# heed.pc finds the rest from where it lies, so that an installed tree can be moved; folders that were given as
# absolute paths (GNUInstallDirs allows it) are named as they are.
set(pc_prefix "${CMAKE_INSTALL_PREFIX}")
if(NOT IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
  file(RELATIVE_PATH up "/prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/prefix/")
  string(REGEX REPLACE "/$" "" up "${up}")
  set(pc_prefix "\${pcfiledir}/${up}")
endif()
foreach(folder LIBDIR INCLUDEDIR)
  set(pc_${folder} "${CMAKE_INSTALL_${folder}}")
  if(NOT IS_ABSOLUTE "${pc_${folder}}")
    set(pc_${folder} "\${prefix}/${pc_${folder}}")
  endif()
endforeach()
file(WRITE "${PROJECT_BINARY_DIR}/heed.pc.in" [[
prefix=@pc_prefix@
libdir=@pc_LIBDIR@
includedir=@pc_INCLUDEDIR@

Name: heed
Description: @PROJECT_DESCRIPTION@
Version: @PROJECT_VERSION@
Libs: -L${libdir} -lheed -pthread
Cflags: -I${includedir}
]])
configure_file("${PROJECT_BINARY_DIR}/heed.pc.in" "${PROJECT_BINARY_DIR}/heed.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/heed.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
