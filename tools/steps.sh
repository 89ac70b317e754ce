# Sourced by the other scripts: runs steps, one line each, with the details in a log.
#
#   step NAME "What it does" "What to do when it fails" COMMAND…
#
# A failed step shows the end of its log, build/log/NAME.log, and the advice.

umask 022
LOGS=build/log
PYTHON_AT_LEAST=3.11
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
export npm_config_audit=false npm_config_fund=false npm_config_update_notifier=false

say() { printf '%s\n' "$*"; }

fail() {
    printf 'termhub: %s\n' "$*" >&2
    exit 1
}

# Dots while a long step runs; it ends with this script, whatever ends that.
start_dots() {
    dots=
    [ -t 1 ] || return 0
    (while sleep 2 && kill -0 $$ 2>/dev/null; do printf .; done) &
    dots=$!
}

stop_dots() {
    [ -z "$dots" ] || kill "$dots" 2>/dev/null || true
    dots=
}

run_step() {
    name=$1 text=$2
    shift 2
    mkdir -p "$LOGS"
    printf '  %s … ' "$text"
    began=$(date +%s)
    start_dots
    if "$@" </dev/null >"$LOGS/$name.log" 2>&1; then status=0; else status=$?; fi
    stop_dots
    if [ "$status" = 0 ]; then
        say "done ($(($(date +%s) - began)) s)"
    else
        say "FAILED after $(($(date +%s) - began)) s"
    fi
    return "$status"
}

show_failure() {
    say "  ---- the end of $LOGS/$1.log"
    tail -n "${2:-30}" "$LOGS/$1.log" | sed 's/^/  | /'
    say "  ----"
}

step() {
    name=$1 text=$2 advice=$3
    shift 3
    run_step "$name" "$text" "$@" && return 0
    show_failure "$name"
    fail "$advice"
}

# A key that changes when one of the named files or words does.
key_of() {
    for item in "$@"; do
        if [ -f "$item" ]; then cat "$item"; else printf '%s\n' "$item"; fi
    done | sha256sum | cut -d ' ' -f 1
}

# Whether the stamp file $1 holds the key $2.
stamped() { [ -f "$1" ] && [ "$(cat "$1")" = "$2" ]; }
