# dagloop_layer(NAME SOURCES ... LAYERS ... PACKAGES ...): one static library a layer. A layer links
# only the layers named, so an include against the direction of the layers does not link.
function(dagloop_layer name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LAYERS;PACKAGES" ${ARGN})
  add_library(dagloop_${name} STATIC ${ARG_SOURCES})
  target_include_directories(dagloop_${name} PUBLIC "${PROJECT_SOURCE_DIR}/include"
                             PRIVATE "${PROJECT_SOURCE_DIR}/src")
  list(TRANSFORM ARG_LAYERS PREPEND dagloop_)
  target_link_libraries(dagloop_${name} PUBLIC ${ARG_LAYERS} PRIVATE dagloop_options ${ARG_PACKAGES})
endfunction()

# dagloop_test(NAME SOURCES ... LINKS ...): one Catch2 executable, registered as one ctest case.
function(dagloop_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS" ${ARGN})
  add_executable(test_${name} ${ARG_SOURCES})
  target_link_libraries(test_${name} PRIVATE dagloop_test_main ${ARG_LINKS} dagloop_options)
  add_test(NAME ${name} COMMAND test_${name} --durations no)
  set_tests_properties(${name} PROPERTIES ENVIRONMENT "DAGLOOP_FAULT_EVERY=${DAGLOOP_FAULT_EVERY}")
endfunction()
