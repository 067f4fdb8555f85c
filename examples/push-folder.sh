#!/usr/bin/env bash
# Pushes every Markdown file of a folder to a Landfall server, with curl and jq (and bash 4 or later).
#
#   LANDFALL_USERNAME=ada LANDFALL_PASSWORD=… examples/push-folder.sh FOLDER
#
# LANDFALL_URL        the server (http://127.0.0.1:7001)
# LANDFALL_USERNAME   the account; it is registered if the server does not know it and takes registrations
# LANDFALL_PASSWORD   its password
# LANDFALL_WORKSPACE  the workspace to push to (the account's first one)
#
# One way only: the folder is right. A file's path is its title, and its document's id is the UUIDv5 of that path in the
# workspace, so that a second run finds the documents of the first: it leaves alone what is equal, updates what
# changed, and reports what somebody deleted. Files go up in as few batches as the server's limits allow. Each
# operation is named after what it does, so that a run that was cut off can be started again: what the server applied
# is answered from its receipts, not applied twice. Files that are not UTF-8 text are reported and left out.
#
# Exit status: 0 all in sync, 1 some files were not taken, 2 usage, 3 no connection or no login.
set -euo pipefail
export LC_ALL=C # so that lengths are bytes

fail() { echo "push-folder: $2" >&2; exit "$1"; }

(($# == 1)) && [[ -d $1 ]] || fail 2 "usage: LANDFALL_USERNAME=… LANDFALL_PASSWORD=… $0 FOLDER"
for tool in curl jq sha1sum; do
    command -v "$tool" >/dev/null || fail 2 "$tool is not installed"
done
folder=${1%/}
url=${LANDFALL_URL:-http://127.0.0.1:7001}
: "${LANDFALL_USERNAME:?names the account}" "${LANDFALL_PASSWORD:?is its password}"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
chmod 700 "$scratch"
: >"$scratch/headers"

# Sends one request; the body of the answer goes to $scratch/answer, the status to $status. curl tries again what can
# be tried again (429, 503, no connection), and waits as long as Retry-After says.
request() { # METHOD PATH [BODY_FILE]
    local body=()
    [[ -z ${3:-} ]] || body=(--header 'content-type: application/json' --data-binary "@$3")
    status=$(curl --silent --show-error --retry 5 --retry-connrefused --max-time 60 --request "$1" \
        --header "@$scratch/headers" "${body[@]}" --output "$scratch/answer" --write-out '%{http_code}' "$url$2") ||
        fail 3 "no answer from $url"
}

refused() { # WHAT
    fail 3 "$1: $(jq --raw-output '.detail // "no reason given"' "$scratch/answer" 2>/dev/null || echo "status $status")"
}

jq --null-input '{username: env.LANDFALL_USERNAME, password: env.LANDFALL_PASSWORD}' >"$scratch/credentials"
request POST /api/v1/auth/login "$scratch/credentials"
if [[ $status == 401 ]]; then
    request POST /api/v1/auth/register "$scratch/credentials"
    [[ $status != 409 ]] || fail 3 "the password of $LANDFALL_USERNAME is another one"
fi
[[ $status == 20[01] ]] || refused "cannot log in"
jq --raw-output '"authorization: Bearer \(.access_token)"' "$scratch/answer" >"$scratch/headers"
workspace=${LANDFALL_WORKSPACE:-$(jq --raw-output .workspace_id "$scratch/answer")}

request GET /api/v1/limits
[[ $status == 200 ]] || refused "cannot read the limits"
read -r max_operations max_body_bytes < <(jq --raw-output '"\(.max_operations) \(.max_body_bytes)"' "$scratch/answer")

# What the server has: one line "document_id version" for each document, deleted ones included.
token=
while
    request GET "/api/v1/documents?workspace_id=$workspace&include_deleted=true&page_size=500${token:+&page_token=$token}"
    [[ $status == 200 ]] || refused "cannot list the documents"
    jq --raw-output '.items[] | "\(.document_id) \(.version)"' "$scratch/answer" >>"$scratch/known"
    token=$(jq --raw-output '.next_page_token // ""' "$scratch/answer")
    [[ -n $token ]]
do :; done
declare -A version_of
while read -r id version; do version_of[$id]=$version; done <"$scratch/known"

# RFC 9562 §5.5: SHA-1 over the namespace (the workspace) and the name, with version and variant set.
document_id() { # PATH
    local namespace hash
    namespace=$(sed 's/-//g; s/../\\x&/g' <<<"$workspace")
    hash=$(printf '%b%s' "$namespace" "$1" | sha1sum)
    printf '%s-%s-5%s-%x%s-%s' "${hash:0:8}" "${hash:8:4}" "${hash:13:3}" $((0x${hash:16:1} & 3 | 8)) \
        "${hash:17:3}" "${hash:20:12}"
}

failures=0
declare -A path_of

# Sends the operations collected in $scratch/operations, and tells what became of each.
send() {
    [[ -s $scratch/operations ]] || return 0
    jq --slurp --arg workspace "$workspace" --arg device "push-folder-$(uname -n | cut -c 1-100)" \
        '{workspace_id: $workspace, device_id: $device, operations: .}' "$scratch/operations" >"$scratch/batch"
    request POST /api/v1/documents/batch "$scratch/batch"
    [[ $status == 200 ]] || refused "the batch was refused"
    local id operation word message
    while IFS=$'\t' read -r id operation word message; do
        case $word in
        success) printf '%-10s %s\n' "${operation}d" "${path_of[$id]}" ;;
        unchanged) printf '%-10s %s\n' unchanged "${path_of[$id]}" ;;
        *)
            failures=$((failures + 1))
            printf '%-10s %s: %s\n' "$word" "${path_of[$id]}" "$message"
            ;;
        esac
    done < <(jq --raw-output '.results[]
        | [.document_id, .operation, (if .unchanged then "unchanged" else .status end), (.error.message // "")]
        | @tsv' "$scratch/answer")
    : >"$scratch/operations"
    operations=0 bytes=0
}

: >"$scratch/operations"
operations=0 bytes=0 files=0
room=$((max_body_bytes - 1000)) # for the fields around the operations
while IFS= read -r -d '' path; do
    path=${path#./} file=$folder/${path#./}
    files=$((files + 1))
    if ! jq --join-output --null-input --rawfile text "$file" '$text' | cmp -s - "$file"; then
        failures=$((failures + 1))
        printf '%-10s %s: not UTF-8 text\n' error "$path"
        continue
    fi
    id=$(document_id "$path")
    version=${version_of[$id]:-0}
    path_of[$id]=$path
    name="$id-$version-$(sha1sum <"$file" | cut -c 1-40)"
    jq --null-input --compact-output --arg path "$path" --rawfile text "$file" --arg id "$id" \
        --argjson version "$version" --arg name "$name" \
        '{client_id: $name, document_id: $id, data: {title: $path, content: $text}}
        + if $version == 0 then {operation: "create"} else {operation: "update", base_version: $version} end' \
        >"$scratch/operation"
    size=$(($(wc -c <"$scratch/operation") + 1))
    if ((size > room)); then
        failures=$((failures + 1))
        printf '%-10s %s: larger than the %s bytes that the server takes\n' error "$path" "$max_body_bytes"
        continue
    fi
    ((operations < max_operations && bytes + size <= room)) || send
    cat "$scratch/operation" >>"$scratch/operations"
    operations=$((operations + 1)) bytes=$((bytes + size))
done < <(cd -- "$folder" && find . -name '.?*' -prune -o -type f -name '*.md' -print0 | sort -z)
send

echo "$files files, $failures not taken"
((failures == 0))
