#!/bin/sh
# compile.sh SOURCE OUTPUT [TORCH_HOME]: builds the bridge against one libtorch and remembers where that was (rpath).
set -eu
source=$1 output=$2 home=${3:-}
if [ -n "$home" ]; then
    [ -d "$home/torch" ] && home=$home/torch
    set -- "-I$home/include" "-I$home/include/torch/csrc/api/include"
    libraries=$home/lib
else
    set -- -I/usr/include/torch/csrc/api/include
    libraries=$(dirname "$(find /usr/lib /usr/local/lib -name libtorch_cpu.so 2>/dev/null | head -n 1)")
fi
if [ ! -e "$libraries/libtorch_cpu.so" ]; then
    echo "No libtorch found ${home:+in $home }- run 'make setup', or set TORCH_HOME to an unpacked libtorch or a pip torch folder." >&2
    exit 1
fi
# A libtorch built with the old C++ ABI says so in its own symbols; ours must match.
abi=1
if ! nm -DC "$libraries/libc10.so" 2>/dev/null | grep -q 'std::__cxx11::basic_string'; then abi=0; fi
standard=c++17
mkdir -p "$(dirname "$output")"
cuda=
[ -e "$libraries/libtorch_cuda.so" ] && cuda="-Wl,--no-as-needed -ltorch_cuda -Wl,--as-needed"
# shellcheck disable=SC2086
exec "${CXX:-g++}" -std=$standard -O2 -fPIC -shared -fvisibility=hidden -Wall -Wno-deprecated-declarations \
    -D_GLIBCXX_USE_CXX11_ABI=$abi "$@" "$source" -o "$output" \
    -L"$libraries" -Wl,-rpath,"$libraries" $cuda -ltorch_cpu -lc10 -ltorch
