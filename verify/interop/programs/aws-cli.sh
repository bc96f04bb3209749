#!/usr/bin/env bash
# The examples of the AWS documentation for the AWS CLI, in which they have the same calls, and what the
# cross cases need. See README.md.
set -uo pipefail

aws=$1
kms() { "$aws" kms --endpoint-url "$KMS_ENDPOINT" --output text "$@"; }

encrypt() {
  # Replace the following example key ARN with any valid key identifier
  kms encrypt \
    --key-id arn:aws:kms:us-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab \
    --plaintext fileb://<(printf '\x01\x02\x03\x04\x05\x06\x07\x08\x09\x00') \
    --query CiphertextBlob
}

decrypt() {
  kms decrypt \
    --ciphertext-blob fileb://<(base64 -d <<<"$1") \
    --key-id arn:aws:kms:us-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab \
    --query Plaintext
}

re-encrypt() {
  kms re-encrypt \
    --ciphertext-blob fileb://<(base64 -d <<<"$1") \
    --source-key-id arn:aws:kms:us-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab \
    --destination-key-id arn:aws:kms:us-west-2:111122223333:key/0987dcba-09fe-87dc-65ba-ab0987654321 \
    --query CiphertextBlob
}

encrypt-with-context() {
  kms encrypt --key-id "$1" --plaintext fileb://<(base64 -d <<<"$2") \
    --encryption-context "$3" --query CiphertextBlob
}

decrypt-with-context() {
  kms decrypt --key-id "$1" --ciphertext-blob fileb://<(base64 -d <<<"$2") \
    --encryption-context "$3" --query Plaintext
}

encrypt-with-algorithm() {
  kms encrypt --key-id "$1" --plaintext fileb://<(base64 -d <<<"$2") \
    --encryption-algorithm "$3" --query CiphertextBlob
}

decrypt-with-algorithm() {
  kms decrypt --key-id "$1" --ciphertext-blob fileb://<(base64 -d <<<"$2") \
    --encryption-algorithm "$3" --query Plaintext
}

get-public-key() { kms get-public-key --key-id "$1" --query PublicKey; }

complaint=$(mktemp)
trap 'rm -f "$complaint"' EXIT
while read -r operation first second third; do
  if answer=$("$operation" "$first" "$second" "$third" 2>"$complaint"); then
    echo "ok $answer"
  else
    # An error occurred (NotFoundException) when calling the Encrypt operation: ...
    echo "error $(grep . "$complaint" | tail -n 1 | sed -E 's/^.*An error occurred \(([A-Za-z]+)\).*$/\1/')"
  fi
done
