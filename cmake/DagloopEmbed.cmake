# dagloop_embed_schemas(DIR NAMES OUT): writes OUT, a C++ file with the text of every DIR/<name>.schema.json,
# so that an installed executable validates without looking for files.
function(dagloop_embed_schemas dir names out)
  set(body "#include \"base/embedded_schemas.hpp\"\n\nnamespace dagloop {\n\n")
  string(APPEND body "const std::vector<EmbeddedSchema>& embedded_schemas() {\n  static const std::vector<EmbeddedSchema> all = {\n")
  foreach(name IN LISTS names)
    set(file "${dir}/${name}.schema.json")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${file}")
    file(READ "${file}" text)
    string(APPEND body "      {\"${name}\", R\"dagloop(${text})dagloop\"},\n")
  endforeach()
  string(APPEND body "  };\n  return all;\n}\n\n}  // namespace dagloop\n")
  file(CONFIGURE OUTPUT "${out}" CONTENT "${body}" @ONLY)
endfunction()
