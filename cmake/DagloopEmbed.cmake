# dagloop_embed(LAYER WHAT TYPE DIR SUFFIX NAMES OUT): writes OUT, a C++ file whose embedded_WHAT() has the text of
# every DIR/<name>SUFFIX, so that an installed executable needs no files of its own. TYPE is {name, text},
# declared beside the function in <layer>/embedded_WHAT.hpp.
function(dagloop_embed layer what type dir suffix names out)
  set(body "#include \"${layer}/embedded_${what}.hpp\"\n\nnamespace dagloop {\n\n")
  string(APPEND body "const std::vector<${type}>& embedded_${what}() {\n  static const std::vector<${type}> all = {\n")
  foreach(name IN LISTS names)
    set(file "${dir}/${name}${suffix}")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${file}")
    file(READ "${file}" text)
    string(APPEND body "      {\"${name}\", R\"dagloop(${text})dagloop\"},\n")
  endforeach()
  string(APPEND body "  };\n  return all;\n}\n\n}  // namespace dagloop\n")
  file(CONFIGURE OUTPUT "${out}" CONTENT "${body}" @ONLY)
endfunction()
