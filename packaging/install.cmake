# SPDX-License-Identifier: MIT
# Installing: what is installed finds the rest of it wherever the prefix is, even if only cmake
# --install was told of it, and after a move.
#
# A program finds the library by a RUNPATH that is relative to the program (packages switch that off
# with CMAKE_SKIP_INSTALL_RPATH), and the daemon finds axfs beside itself. Files that name others by
# their full paths (units, pkg-config's) are written when they are installed, for only then the
# prefix is known.

# axeberg_program(TARGET DIRECTORY): installs a program that may need the library.
function(axeberg_program target directory)
  cmake_path(ABSOLUTE_PATH directory BASE_DIRECTORY ${CMAKE_INSTALL_PREFIX} OUTPUT_VARIABLE from)
  file(RELATIVE_PATH path ${from} ${CMAKE_INSTALL_FULL_LIBDIR})
  set_target_properties(${target} PROPERTIES INSTALL_RPATH "$ORIGIN/${path}")
  install(TARGETS ${target} RUNTIME DESTINATION ${directory})
endfunction()

# axeberg_install_configured(FILE DIRECTORY [COMPONENT]): a file with @CMAKE_INSTALL_FULL_…DIR@,
# @CMAKE_INSTALL_PREFIX@ and @PROJECT_VERSION@. It is not written if it is the same already.
function(axeberg_install_configured file directory)
  set(component ${CMAKE_INSTALL_DEFAULT_COMPONENT_NAME})
  if(ARGC GREATER 2)
    set(component ${ARGV2})
  endif()
  string(REGEX REPLACE "\\.in$" "" name ${file})
  install(CODE "
    set(PROJECT_VERSION ${PROJECT_VERSION})
    foreach(directory \"BINDIR ${CMAKE_INSTALL_BINDIR}\" \"SBINDIR ${CMAKE_INSTALL_SBINDIR}\" \"LIBDIR ${CMAKE_INSTALL_LIBDIR}\"
        \"INCLUDEDIR ${CMAKE_INSTALL_INCLUDEDIR}\")
      string(REPLACE \" \" \";\" directory \"\${directory}\")
      list(POP_FRONT directory variable)
      cmake_path(ABSOLUTE_PATH directory BASE_DIRECTORY \"\${CMAKE_INSTALL_PREFIX}\" OUTPUT_VARIABLE CMAKE_INSTALL_FULL_\${variable})
    endforeach()
    set(directory \"${directory}\")
    cmake_path(ABSOLUTE_PATH directory BASE_DIRECTORY \"\${CMAKE_INSTALL_PREFIX}\")
    configure_file(\"${CMAKE_CURRENT_SOURCE_DIR}/${file}\" \"${CMAKE_CURRENT_BINARY_DIR}/${name}\" @ONLY)
    file(INSTALL \"${CMAKE_CURRENT_BINARY_DIR}/${name}\" DESTINATION \"\${directory}\")" COMPONENT ${component})
endfunction()

# axeberg_install_setting(FILE DIRECTORY): below /etc, which is the prefix's own unless the prefix
# is /usr.
function(axeberg_install_setting file directory)
  install(CODE "
    set(directory \"${CMAKE_INSTALL_SYSCONFDIR}/${directory}\")
    if(CMAKE_INSTALL_PREFIX STREQUAL \"/usr\")
      set(directory \"/\${directory}\")
    endif()
    cmake_path(ABSOLUTE_PATH directory BASE_DIRECTORY \"\${CMAKE_INSTALL_PREFIX}\" NORMALIZE)
    file(INSTALL \"${CMAKE_CURRENT_SOURCE_DIR}/${file}\" DESTINATION \"\${directory}\")")
endfunction()
