# cmake -D PROGRAM=… -D NAME=… -D ENVIRONMENT=… -D APART=… -D OUTPUT=… -P suites.cmake
# Writes OUTPUT, which tells ctest of every suite of a GoogleTest program: NAME.Suite. One start of the program runs a
# whole suite, since loading LibTorch takes longer than most cases. Those of suites in APART take long: each starts by
# itself, before the others, so that no core waits for the last of them.
cmake_minimum_required(VERSION 3.25)
execute_process(COMMAND ${PROGRAM} --gtest_list_tests OUTPUT_VARIABLE listed RESULT_VARIABLE result)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "${PROGRAM} --gtest_list_tests: ${result}")
endif()
string(REPLACE ";" "," listed "${listed}")
string(REPLACE "\n" ";" lines "${listed}")

set(text "")
function(add name filter cost)
  string(APPEND text "add_test([=[${name}]=] [=[${PROGRAM}]=] [=[--gtest_filter=${filter}]=])\n"
    "set_tests_properties([=[${name}]=] PROPERTIES COST ${cost} ENVIRONMENT [=[${ENVIRONMENT}]=])\n")
  set(text "${text}" PARENT_SCOPE)
endfunction()

foreach(line IN LISTS lines)
  string(REGEX REPLACE "[ ]*#.*$" "" line "${line}") # what a parameter is
  if(line MATCHES "^([^ ]+)\\.$")
    set(suite "${CMAKE_MATCH_1}")
    if(NOT suite IN_LIST APART)
      add("${NAME}.${suite}" "${suite}.*" 0)
    endif()
  elseif(line MATCHES "^  (.+)$" AND suite IN_LIST APART)
    add("${NAME}.${suite}.${CMAKE_MATCH_1}" "${suite}.${CMAKE_MATCH_1}" 50)
  endif()
endforeach()
file(WRITE "${OUTPUT}" "${text}")
