// Empty: its precompiled header is what the tests share (tests/CMakeLists.txt).
