# gauntlet_abi_digest(FOLDER DIGEST [HEADERS]): a digest of what a compiler sees in the headers of the SDK.
#
# A plugin's stamp carries the digest of the headers it was compiled against, and the host refuses another one: nobody
# can forget to raise a number. A comment mended or a line broken elsewhere changes nothing in a plugin, so the digest is
# that of the tokens. Whatever is doubtful counts as a change: a plugin refused for nothing is compiled again, one
# accepted in error crashes.
#
# Which headers: all below FOLDER, since a plugin may include any of them, and each has types that cross the border,
# or inline functions and templates of which host and plugins hold copies. Except
#   testing/  compiled into programs that test a plugin, where both sides of what it defines are the same program;
#   generated headers, which lie elsewhere: abi_digest.h cannot contain itself, and version.h holds a text that no
#             declaration depends on (two versions with the same headers do take each other's plugins).
# LibTorch, the C++ library and the compiler have fields of their own in the stamp.
#
# One thing is not seen: white space between two operators within an argument that a macro turns into text (#x).

# Letters, digits, _ and $, and all that is not ASCII.
set(gauntlet_word [=[[^]\[ !"#%&'()*+,./:;<=>?@\^`{|}~-]]=])
# The same with the point and the quote that a number may have: 1'000.5.
set(gauntlet_number [=[[^]\[ !"#%&()*+,/:;<=>?@\^`{|}~-]]=])

# Sets <out> to the tokens of code without comments, literals and directives, each followed by a space.
function(gauntlet_tokens code out)
  string(REGEX REPLACE "[ \t\n]+" " " code "${code}")
  string(REGEX REPLACE "^ " "" code "${code}")
  # The longest token counts: "+ +" stays what it is, and so does "++".
  string(REGEX REPLACE "([.]?[0-9]${gauntlet_number}*|${gauntlet_word}+|<=>|<<=|>>=|->\\*|\\.\\.\\.|[-+*/%&|^!=<>]=|\\+\\+|--|->|::|<<|>>|&&|\\|\\||##|\\.\\*|.) ?"
    "\\1 " code "${code}")
  set(${out} "${code}" PARENT_SCOPE)
endfunction()

# Sets <out> to the text of a C++ file as a compiler sees it: no comments; between tokens one space, whatever stood
# there; directives on lines of their own, in which a space is kept (F(x) and F (x) define different macros) and counts
# once; literals untouched.
function(gauntlet_what_compilers_see text out)
  string(REPLACE "\r\n" "\n" text "${text}")
  # A comment that begins or ends across two lines: without this, the end of one might be passed over.
  string(REGEX REPLACE "([*/])\\\\[ \t]*\n" "\\1" text "${text}")
  set(seen "")
  set(code "")            # since the last line end or literal, not yet in seen
  set(directive FALSE)    # within one
  set(line_begins TRUE)   # nothing but white space and comments so far
  macro(gauntlet_flush)
    if(directive)
      string(REGEX REPLACE "[ \t]+" " " code "${code}")
      string(APPEND seen "${code}")
    else()
      set(touches FALSE)  # a prefix or suffix of the literal that comes next or came before, as in u8"x"_s
      if(code MATCHES "${gauntlet_word}$")
        set(touches TRUE)
      endif()
      gauntlet_tokens("${code}" code)
      if(touches)
        string(REGEX REPLACE " $" "" code "${code}")
      endif()
      string(APPEND seen "${code}")
    endif()
    set(code "")
  endmacro()
  macro(gauntlet_skip count)
    string(SUBSTRING "${text}" ${count} -1 text)
  endmacro()

  while(NOT text STREQUAL "")
    # As far as nothing begins that is not code.
    if(text MATCHES "^[^\"'/#\\\\\n]+")
      string(APPEND code "${CMAKE_MATCH_0}")
      string(LENGTH "${CMAKE_MATCH_0}" length)
      gauntlet_skip(${length})
      if(text STREQUAL "")
        break()
      endif()
    endif()
    string(SUBSTRING "${text}" 0 1 next)

    if(next STREQUAL "\n")
      gauntlet_flush()
      if(directive)
        string(REGEX REPLACE " $" "" seen "${seen}")
        string(APPEND seen "\n")
        set(directive FALSE)
      elseif(NOT seen MATCHES "[ \n]$" AND NOT seen STREQUAL "")
        string(APPEND seen " ")
      endif()
      set(line_begins TRUE)
      gauntlet_skip(1)

    elseif(text MATCHES "^\\\\[ \t]*\n")  # a line goes on in the next one
      string(LENGTH "${CMAKE_MATCH_0}" length)
      gauntlet_skip(${length})

    # In #include <a//b> and __has_include(<a//b>) it is a name.
    elseif(text MATCHES "^//" AND NOT (directive AND code MATCHES "(include|include_next|import|embed) *\\(? *<[^>]*$"))
      string(APPEND code " ")
      set(goes_on TRUE)
      while(goes_on)  # a comment whose line ends with a backslash
        string(REGEX MATCH "^[^\n]*" comment "${text}")
        string(LENGTH "${comment}" length)
        gauntlet_skip(${length})
        set(goes_on FALSE)
        if(comment MATCHES "\\\\[ \t]*$" AND NOT text STREQUAL "")
          gauntlet_skip(1)
          set(goes_on TRUE)
        endif()
      endwhile()

    elseif(text MATCHES "^/\\*")
      string(APPEND code " ")
      gauntlet_skip(2)
      string(FIND "${text}" "*/" end)
      if(end LESS 0)
        message(FATAL_ERROR "gauntlet_what_compilers_see: a comment does not end")
      endif()
      math(EXPR end "${end} + 2")
      gauntlet_skip(${end})

    elseif(next STREQUAL "#" AND line_begins AND NOT directive AND code MATCHES "^[ \t]*$")
      if(NOT seen MATCHES "\n$" AND NOT seen STREQUAL "")
        string(APPEND seen "\n")
      endif()
      set(directive TRUE)
      set(code "#")
      gauntlet_skip(1)

    elseif(next STREQUAL "\"" OR next STREQUAL "'")
      # A quote between digits, as in 1'000, is a part of the number.
      string(REGEX MATCH "${gauntlet_number}+$" before "${code}")
      if(next STREQUAL "'" AND before MATCHES "^[.]?[0-9]")
        string(APPEND code "'")
        gauntlet_skip(1)
        continue()
      endif()
      set(literal "${next}")
      if(next STREQUAL "\"" AND before MATCHES "^(u8R|uR|UR|LR|R)$" AND text MATCHES "^\"([^()\\\\\" \t\n]*)\\(")
        set(close ")${CMAKE_MATCH_1}\"")
        string(FIND "${text}" "${close}" end)
        if(end LESS 0)
          message(FATAL_ERROR "gauntlet_what_compilers_see: a raw string does not end")
        endif()
        string(LENGTH "${close}" length)
        math(EXPR length "${end} + ${length}")
        string(SUBSTRING "${text}" 0 ${length} literal)
      elseif(next STREQUAL "\"" AND text MATCHES "^\"[^\"\\\\\n]*(\\\\.[^\"\\\\\n]*)*\"")
        set(literal "${CMAKE_MATCH_0}")
      elseif(next STREQUAL "'" AND text MATCHES "^'[^'\\\\\n]*(\\\\.[^'\\\\\n]*)*'")
        set(literal "${CMAKE_MATCH_0}")
      endif()  # else a lone quote, as in the words of #error
      gauntlet_flush()
      string(APPEND seen "${literal}")
      string(LENGTH "${literal}" length)
      gauntlet_skip(${length})
      if(NOT directive AND NOT text MATCHES "^${gauntlet_word}")
        string(APPEND seen " ")
      endif()
      set(line_begins FALSE)

    else()  # an operator, or a # within a line
      string(APPEND code "${next}")
      gauntlet_skip(1)
    endif()
  endwhile()
  gauntlet_flush()
  string(STRIP "${seen}" seen)
  set(${out} "${seen}" PARENT_SCOPE)
endfunction()

function(gauntlet_abi_digest folder digest)
  set(watched CONFIGURE_DEPENDS)
  if(CMAKE_SCRIPT_MODE_FILE)  # a script has no build that could begin with a look at the folder
    set(watched "")
  endif()
  file(GLOB_RECURSE headers ${watched} RELATIVE "${folder}" "${folder}/*.h")
  list(FILTER headers EXCLUDE REGEX "^testing/")
  list(SORT headers)
  set(all "")
  set(files "")
  foreach(header IN LISTS headers)
    file(READ "${folder}/${header}" text)
    gauntlet_what_compilers_see("${text}" text)
    # Names, since sources include them; lengths, so that no two sets of headers read the same.
    string(LENGTH "${text}" length)
    string(APPEND all "${header} ${length}\n${text}\n")
    list(APPEND files "${folder}/${header}")
  endforeach()
  string(SHA256 all "${all}")
  string(SUBSTRING "${all}" 0 16 all)
  set(${digest} "${all}" PARENT_SCOPE)
  if(ARGC GREATER 2)
    set(${ARGV2} "${files}" PARENT_SCOPE)
  endif()
endfunction()
