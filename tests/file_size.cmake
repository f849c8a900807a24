# Fails when a file has more than `largest` bytes. Called with file=<path> largest=<bytes>.
cmake_minimum_required(VERSION 3.25)
file(SIZE ${file} size)
if(size GREATER largest)
  message(FATAL_ERROR "${file} has ${size} bytes, expected at most ${largest}")
endif()
