# Install rules: find_package(heed) and pkg-config. Headers go to include/heed/<folder>.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

foreach(folder core autograd nn optim)
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/${folder}" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/heed"
          FILES_MATCHING PATTERN "*.h")
endforeach()
set(heed_installed heed)
if(TARGET heed_kit)
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

file(WRITE "${PROJECT_BINARY_DIR}/heed.pc.in" [[
prefix=@CMAKE_INSTALL_PREFIX@
libdir=${prefix}/@CMAKE_INSTALL_LIBDIR@
includedir=${prefix}/@CMAKE_INSTALL_INCLUDEDIR@

Name: heed
Description: @PROJECT_DESCRIPTION@
Version: @PROJECT_VERSION@
Libs: -L${libdir} -lheed -pthread
Cflags: -I${includedir}
]])
configure_file("${PROJECT_BINARY_DIR}/heed.pc.in" "${PROJECT_BINARY_DIR}/heed.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/heed.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
