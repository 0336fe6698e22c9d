#!/usr/bin/env bash
# setup.sh: chooses the engine to build on and writes the choice to Engine.props, so that a plain `dotnet build` does the same.
#   PACKAGES=official|standin  forces one (otherwise: official if its packages can be restored complete, else the stand-in)
#   CUDA=true                  official packages for CUDA
#   TORCH_HOME=FOLDER          stand-in on this libtorch: an unpacked libtorch or a pip/conda torch folder
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

wanted=${PACKAGES:-}
cuda=${CUDA:-}
home=${TORCH_HOME:-}
# Long enough for several hundred megabytes; a source that has the packages but hangs must not block the set-up for ever.
restore_limit=${SETUP_TIMEOUT:-300}

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 2; }

chosen() { sed -n "s:.*<$1>\(.*\)</$1>.*:\1:p" Engine.props 2>/dev/null | sed 's/&lt;/</g; s/&gt;/>/g; s/&amp;/\&/g'; }

# The folder with libtorch_cpu.so below TORCH_HOME ($1), or on the system if that is empty.
libtorch_folder() {
    local candidate
    if [ -n "$1" ]; then
        for candidate in "$1/lib" "$1/torch/lib"; do
            [ -e "$candidate/libtorch_cpu.so" ] && { printf '%s\n' "$candidate"; return 0; }
        done
        return 1
    fi
    for candidate in /usr/lib/*-linux-gnu /usr/lib /usr/lib64 /usr/local/lib; do
        [ -e "$candidate/libtorch_cpu.so" ] && { printf '%s\n' "$candidate"; return 0; }
    done
    return 1
}

# Headers too: Debian's libtorch1.13 alone holds only the libraries.
has_libtorch() { libtorch_folder "$1" >/dev/null && { [ -n "$1" ] || [ -e /usr/include/torch/csrc/api/include/torch/torch.h ] || [ -e /usr/local/include/torch/csrc/api/include/torch/torch.h ]; }; }
has_compiler() { command -v "${CXX:-g++}" >/dev/null && command -v nm >/dev/null; }
has_openblas() { compgen -G '/usr/lib/*/libopenblas.so.0' >/dev/null || compgen -G '/usr/lib/*/openblas-*/libopenblas*.so*' >/dev/null; }

check_sdk() {
    command -v dotnet >/dev/null || fail "the .NET SDK is missing; install .NET SDK 10 (https://dot.net, or the package dotnet-sdk-10.0) and run 'make setup' again."
    dotnet --list-sdks | grep -q '^1[0-9]\.' || fail "the .NET SDK 10 is missing ($(dotnet --version 2>/dev/null || echo none) found); install it (https://dot.net, or the package dotnet-sdk-10.0)."
}

# What the HTML report draws with; without npm or network the report keeps its tables.
bring_charts() {
    local limiter=()
    [ -f scripts/charts.sh ] || return 0
    if command -v timeout >/dev/null; then limiter=(timeout 120); fi
    ${limiter[@]+"${limiter[@]}"} sh scripts/charts.sh </dev/null || true
}

write_choice() {
    local escaped folder
    escaped=$(printf '%s' "$2" | sed 's/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g')
    folder=$(mktemp Engine.props.XXXXXX)
    cat >"$folder" <<PROPS
<Project>
  <PropertyGroup>
    <Packages>$1</Packages>
    <Cuda>${cuda:-false}</Cuda>
    <TorchHome>$escaped</TorchHome>
  </PropertyGroup>
</Project>
PROPS
    chmod 644 "$folder"
    if cmp -s "$folder" Engine.props; then rm "$folder"; else mv "$folder" Engine.props; rm -rf artifacts/native; fi
}

already_done() {
    [ -f Engine.props ] || return 1
    [ -z "$wanted" ] || [ "$wanted" = "$(chosen Packages)" ] || return 1
    [ -z "$cuda" ] || [ "$cuda" = "$(chosen Cuda)" ] || return 1
    [ -z "$home" ] || [ "$home" = "$(chosen TorchHome)" ] || [ "$(chosen Packages)" = official ] || return 1
    [ "$(chosen Packages)" = official ] || { has_libtorch "$(chosen TorchHome)" && has_compiler; }
}

# A throwaway project that names what our projects name, so the versions are those of Directory.Packages.props; restoring it brings
# every package that the real build needs, libtorch's native ones included.
restore_official() {
    local project=artifacts/setup/OfficialPackages.csproj limiter=()
    mkdir -p artifacts/setup
    echo '<Project Sdk="Microsoft.NET.Sdk"><PropertyGroup><UsesTorchSharp>true</UsesTorchSharp><UsesTokenizers>true</UsesTokenizers></PropertyGroup></Project>' >"$project"
    if [ -z "$wanted" ] && command -v timeout >/dev/null; then limiter=(timeout "$restore_limit"); fi
    ${limiter[@]+"${limiter[@]}"} dotnet restore "$project" -p:Packages=official -p:Cuda="${cuda:-false}" -v minimal >artifacts/setup/restore.log 2>&1 </dev/null
}

install_with_apt() {
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || return 1
        as_root=(sudo -n)
        # Where a person sits at a terminal, sudo may ask for the password; otherwise it must not wait for one.
        if [ -t 0 ]; then as_root=(sudo); fi
    fi
    say "installing with apt: $*"
    mkdir -p artifacts/setup
    { ${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 update &&
        ${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends "$@"; } >artifacts/setup/apt.log 2>&1 ||
        { tail -n 5 artifacts/setup/apt.log >&2; return 1; }
}

prepare_standin() {
    local missing=()
    [ "$(uname -s)" = Linux ] || fail "the stand-in builds on Linux only; on this system the official packages are needed (see artifacts/setup/restore.log)."
    if [ -n "$home" ]; then
        home=$(cd "$home" 2>/dev/null && pwd) || fail "TORCH_HOME names no folder: ${TORCH_HOME}."
        libtorch_folder "$home" >/dev/null || fail "TORCH_HOME=$home holds no lib/libtorch_cpu.so; give an unpacked libtorch or a pip torch folder."
    else
        has_libtorch "" || missing+=(libtorch-dev)
        has_openblas || missing+=(libopenblas0-openmp)
    fi
    has_compiler || missing+=(g++)
    if [ ${#missing[@]} -gt 0 ]; then
        if ! command -v apt-get >/dev/null || ! install_with_apt "${missing[@]}"; then
            fail "install these and run 'make setup' again: ${missing[*]} (or name an unpacked libtorch with TORCH_HOME=FOLDER)."
        fi
    fi
    has_libtorch "$home" || fail "no libtorch found; install libtorch-dev, or name an unpacked libtorch with TORCH_HOME=FOLDER."
    has_compiler || fail "no C++ compiler found; install g++."
    write_choice standin "$home"
    say "stand-in for TorchSharp, on the libtorch in $(libtorch_folder "$home")"
}

case "$wanted" in '' | official | standin) ;; *) fail "PACKAGES is '$wanted'; it must be official or standin." ;; esac
case "$cuda" in '' | true | false) ;; *) fail "CUDA is '$cuda'; it must be true or false." ;; esac

if already_done; then
    say "already done ($(chosen Packages)); PACKAGES=official or PACKAGES=standin chooses again"
    exit 0
fi
check_sdk
if [ -z "$wanted" ] && [ -n "$home" ]; then
    # Naming a libtorch is asking for the build that can use it.
    wanted=standin
fi
if [ "$wanted" != standin ]; then
    if restore_official; then
        write_choice official ""
        say "official packages: TorchSharp and Microsoft.ML.Tokenizers"
        bring_charts
        exit 0
    fi
    reason=$(grep -o 'NU[0-9]*: .*' artifacts/setup/restore.log | head -n 1 || true)
    [ "$wanted" != official ] || fail "the official packages cannot be restored (${reason:-see artifacts/setup/restore.log})."
    say "the official packages cannot be restored (${reason:-no answer within $restore_limit s}), so the stand-in is prepared"
fi
prepare_standin
bring_charts
