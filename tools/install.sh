#!/bin/sh
# Installs what running (run) or testing (dev, bench) termhub needs and is missing here:
# Debian packages, the venv in .venv, the Python packages in it. Does nothing when all is there.
#
#   tools/install.sh run|dev|bench
set -eu
cd "$(dirname "$0")/.."
. tools/steps.sh

purpose=$1
case $purpose in
    run) extras=fast ;;
    dev) extras=fast,dev ;;
    bench) extras=fast,dev,bench ;;
    *) fail "usage: tools/install.sh run|dev|bench" ;;
esac

# -- the system's packages ---------------------------------------------------

fits() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

# The system's own Python: one in a home folder could not be read by the service user.
find_python() {
    for candidate in ${PYTHON:-/usr/bin/python3 /usr/bin/python3.14 /usr/bin/python3.13 /usr/bin/python3.12 /usr/bin/python3.11}; do
        if fits "$candidate"; then
            say "$candidate"
            return
        fi
    done
}

missing=
need() { # need COMMAND PACKAGE
    command -v "$1" >/dev/null 2>&1 || missing="$missing $2"
}

list_missing() {
    missing=
    python=$(find_python)
    if [ -z "$python" ]; then
        if [ -x /usr/bin/python3 ]; then missing="python3.11 python3.11-venv"; else missing="python3 python3-venv"; fi
    elif ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        case $python in
            /usr/bin/python3.*) missing="${python##*/}-venv" ;;
            *) missing="python3-venv" ;;
        esac
    fi
    need bwrap bubblewrap
    PATH=$PATH:/sbin:/usr/sbin ldconfig -p 2>/dev/null | grep -q 'libseccomp\.so\.2' || missing="$missing libseccomp2"
    [ -x /usr/sbin/ip ] || [ -x /sbin/ip ] || need ip iproute2
    need slirp4netns slirp4netns
    [ -x /usr/lib/openssh/sftp-server ] || command -v sftp-server >/dev/null 2>&1 || missing="$missing openssh-sftp-server"
    [ -x /usr/sbin/mkfs.ext4 ] || [ -x /sbin/mkfs.ext4 ] || missing="$missing e2fsprogs"
    [ "$purpose" = run ] && return
    # A kernel with control groups of version 2 for the tests, where the system has it.
    if apt-cache show user-mode-linux >/dev/null 2>&1; then need linux.uml user-mode-linux; fi
    for program in tmux vim less htop mc git; do need "$program" "$program"; done
    need ps procps
    need ssh openssh-client
    need rsync rsync
    need inetutils-telnet inetutils-telnet
    need busybox busybox
    need plink putty-tools
    for browser in chromium-headless-shell chromium chromium-browser; do
        command -v $browser >/dev/null 2>&1 && return
    done
    # Ubuntu has only the whole browser.
    if apt-cache show chromium-headless-shell >/dev/null 2>&1; then
        missing="$missing chromium-headless-shell"
    else
        missing="$missing chromium"
    fi
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        env DEBIAN_FRONTEND=noninteractive "$@"
    else
        sudo env DEBIAN_FRONTEND=noninteractive "$@"
    fi
}

install_packages() {
    # shellcheck disable=SC2086  # a list of words
    as_root apt-get install -y --no-install-recommends $missing && return
    # The lists may be missing or old.
    as_root apt-get update && as_root apt-get install -y --no-install-recommends $missing
}

# Twice at most: the first installation may bring the lists that tell of more.
rounds=0
list_missing
while [ -n "$missing" ]; do
    rounds=$((rounds + 1))
    missing=$(say $missing)
    [ $rounds -le 2 ] || fail "still missing after the installation: $missing"
    by_hand="install these yourself and run make again: $missing"
    command -v apt-get >/dev/null 2>&1 ||
        fail "needs $missing, and can install that by itself only with apt-get; $by_hand"
    if [ "$(id -u)" != 0 ]; then
        if ! command -v sudo >/dev/null 2>&1 || { [ ! -t 0 ] && ! sudo -n true 2>/dev/null; }; then
            fail "needs $missing. As root, run:  apt-get install -y $missing
then run make again."
        fi
        say "  sudo may ask for your password, to install: $missing"
        sudo true || fail "sudo refused; $by_hand"
    fi
    step packages "Installing the packages $missing" \
        "apt-get could not install them; read above why, or $by_hand" install_packages
    list_missing
done

# -- the venv ------------------------------------------------------------------

if [ -e .venv ] && [ ! -w .venv ]; then
    fail ".venv belongs to another user ($(stat -c %U .venv)); run make as that user, or remove .venv"
fi

make_venv() {
    rm -rf .venv
    "$python" -m venv .venv
}

here=$(pwd -P)
version=$("$python" -c 'import sys; print(sys.version)')
venv_key=$(key_of "$here" "$version")
if ! stamped .venv/.made "$venv_key"; then
    step venv "Making the venv .venv from $python" \
        "the venv could not be made; remove .venv and try again, or set PYTHON to another Python of at least $PYTHON_AT_LEAST" make_venv
    say "$venv_key" >.venv/.made
fi

install_python_packages() {
    if ! .venv/bin/python -m pip install -e ".[$1]"; then
        # pyghostty is a compiled wheel, which not every machine has; everything works without it.
        grep -q 'No matching distribution found for pyghostty' "$LOGS/pip.log" || return 1
        slower=$(say "$1" | sed 's/^fast,\{0,1\}//')
        .venv/bin/python -m pip install -e ".${slower:+[$slower]}" || return 1
        say "without-fast"
    fi
    # twistd finds plugins in the folders of sys.path alone, which a modern editable install does not add to.
    pwd -P >"$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/termhub-checkout.pth"
    # It looks them up in a cache that only a user who may write there can make.
    .venv/bin/python -c 'from twisted.plugin import IPlugin, getPlugins; list(getPlugins(IPlugin))'
}

packages_key=$(key_of "$venv_key" setup.py pyproject.toml)
if ! stamped ".venv/.installed-$purpose" "$packages_key"; then
    step pip "Installing termhub's Python packages into .venv" \
        "pip could not install them; read above why (is a package index reachable?) and run make again" \
        install_python_packages "$extras"
    if grep -q '^without-fast$' "$LOGS/pip.log"; then
        say "  note: the fast screen engine (pyghostty) has no wheel for this machine; the pure Python engine is used"
    fi
    case $purpose in
        run) installed=run ;;
        dev) installed="run dev" ;;
        bench) installed="run dev bench" ;;
    esac
    for done in $installed; do say "$packages_key" >".venv/.installed-$done"; done
fi
