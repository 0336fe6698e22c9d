#!/bin/sh
# compile.sh SOURCE OUTPUT [TORCH_HOME]: builds the bridge against one libtorch and remembers where that was (rpath).
# TORCH_HOME is an unpacked libtorch, a pip or conda "torch" folder, or the site-packages folder around one; without it, the system's.
set -eu

fail() {
    echo "$1" >&2
    exit 1
}

source=$1
output=$2
home=${3:-}
compiler=${CXX:-g++}

command -v "$compiler" >/dev/null || fail "The C++ compiler '$compiler' is missing: install g++ (apt install g++) or set CXX."
if [ -n "$home" ]; then
    if [ -d "$home/torch/lib" ]; then home=$home/torch; fi
    headers=$home/include
    libraries=$home/lib
    where="in $home"
else
    found=$(find /usr/lib /usr/local/lib -name libtorch_cpu.so 2>/dev/null | head -n 1)
    libraries=${found%/*}
    headers=/usr/include
    if [ ! -d "$headers/torch" ] && [ -d /usr/local/include/torch ]; then headers=/usr/local/include; fi
    where="on this system"
fi
if [ ! -e "$libraries/libtorch_cpu.so" ] || [ ! -e "$headers/torch/csrc/autograd/function.h" ]; then
    fail "No libtorch with headers found $where: run 'make setup' (apt install libtorch-dev), or set TORCH_HOME to an unpacked libtorch or a pip torch folder."
fi
libraries=$(cd "$libraries" && pwd)

# A libtorch built with the old C++ ABI says so in its own symbols, and one too new for C++17 in its headers; the bridge must match both.
abi=1
if command -v nm >/dev/null && ! nm -D "$libraries/libc10.so" 2>/dev/null | grep -q 7__cxx11; then abi=0; fi
standard=c++17
if grep -qs 202002L "$headers/ATen/ATen.h" "$headers/torch/csrc/api/include/torch/all.h"; then standard=c++20; fi

set -- -std=$standard -O2 -fPIC -shared -fvisibility=hidden -Wall -Wextra -Wno-deprecated-declarations "-D_GLIBCXX_USE_CXX11_ABI=$abi"
set -- "$@" -isystem "$headers/torch/csrc/api/include"
# Where the C library's headers are too, the compiler looks by itself, and in the right order.
if [ ! -e "$headers/stdlib.h" ]; then set -- "$@" -isystem "$headers"; fi
set -- "$@" "$source" -L"$libraries" "-Wl,-rpath,$libraries"
# Nothing here calls CUDA by name, so the linker has to be told that the library which registers its operators is needed.
if [ -e "$libraries/libtorch_cuda.so" ]; then set -- "$@" -Wl,--no-as-needed -ltorch_cuda -Wl,--as-needed; fi

# The finished library appears under its name at once or not at all.
mkdir -p "$(dirname "$output")"
"$compiler" "$@" -ltorch_cpu -lc10 -o "$output.partial" || fail "The bridge did not compile against the libtorch $where; its errors are above."
mv "$output.partial" "$output"
