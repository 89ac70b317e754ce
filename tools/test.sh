#!/bin/sh
# Every check of the project, each on a line; a summary at the end; fails when one of them did.
#
#   tools/test.sh lint   only the checks that read the code
#   tools/test.sh all    these and the tests
set -eu
cd "$(dirname "$0")/.."
. tools/steps.sh

bin=.venv/bin
failed=

check() { # check NAME "What it does" COMMAND…
    if ! run_step "$@"; then
        show_failure "$1" 60
        failed="$failed $1"
    fi
}

passed_tests=0
failed_tests=0
count() { # count LOG WORD: the number before WORD in the last line that has it
    found=$(grep -oE "[0-9]+ $2" "$LOGS/$1.log" | tail -n 1 | cut -d ' ' -f 1)
    say "${found:-0}"
}

tests() { # tests NAME "What it does" COMMAND…: like check, and counts them
    check "$@"
    passed_tests=$((passed_tests + $(count "$1" passed)))
    failed_tests=$((failed_tests + $(count "$1" failed) + $(count "$1" 'errors?')))
}

say "Checks"
check format "Format (ruff)" $bin/ruff format --check .
check ruff "Lint (ruff)" $bin/ruff check .
check mypy "Types (mypy --strict)" $bin/mypy
check imports "Imports go one way (import-linter)" $bin/lint-imports
check changelog "Changelog fragments (towncrier)" $bin/towncrier build --draft --version next
check biome "Client: lint and format (Biome)" tools/client.sh npm run lint
check tsc "Client: types (tsc --strict)" tools/client.sh npm run check

if [ "$1" = all ]; then
    say "Tests"
    check client-tests "Client: unit tests" tools/client.sh npm test
    # More at a time than there are cores: many wait for something.
    tests unit "Everything below the whole program (pytest, four at a time)" \
        $bin/pytest --ignore tests/e2e -n 4 --dist loadfile --no-loadscope-reorder \
        --durations 25
    tests e2e "The whole program through real clients (pytest, three at a time)" \
        $bin/pytest tests/e2e -n 3 --dist loadfile --durations 15
    say "Python tests: $passed_tests passed, $failed_tests failed"
fi

if [ -n "$failed" ]; then
    say "FAILED:$failed (details in $LOGS)"
    exit 1
fi
say "All checks passed."
[ "$1" != all ] || say "$passed_tests passed, $failed_tests failed"
