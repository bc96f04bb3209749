/** All that `--help` prints. */
export const HELP = `keywrap-store: manages a key store (the SqlKeyStore of @keywrap/provider-local)

usage: keywrap-store ACTION STORE [options]

STORE is the path of an SQLite file, or postgres://USER@HOST/DATABASE.

actions
  create STORE              make a new, empty store
  list STORE                show the keys and their aliases; a removed row is found by verify only
  verify STORE              read every row, and report what is not as it was written
  backup STORE FILE         write a copy, encrypted as the store is, to a new file
  restore STORE FILE        make a new store from a backup
  import FOLDER [STORE]     make a new store from a folder of files, as earlier releases kept keys in;
                            FOLDER.db where STORE is not given; the folder is only read
  rotate-passphrase STORE   protect the store by another passphrase; processes that have it open go on
  cancel-deletion STORE KEY
                            save a key that is pending deletion, by its id or ARN; it is disabled then

passphrase, for each action; asked for on the terminal where neither is given
  --passphrase-file PATH    read it from a file; a line break at its end is not part of it
  --passphrase-env NAME     read it from an environment variable
for rotate-passphrase, likewise
  --new-passphrase-file PATH
  --new-passphrase-env NAME

verify
  --audit-logs FOLDER       verify these audit logs too, and that none has seen a newer store: keep them
                            elsewhere, so that an old copy is detected
  --checkpoints FOLDER      compare the audit logs with checkpoints that were written elsewhere
  --generation NUMBER       fail when the store is of an older generation; verify prints it
import, for folders of provider-local, which had no ARNs
  --partition, --region, --account
                            where the keys are; by default aws, us-east-1, 111122223333
more
  --json                    list, verify: print JSON
  --trusted-group GID       the store's file may be read and written by this group (such as fsGroup)
  --help, --version         print this, or the version

A store that a provider protects (AWS KMS, an HSM) is opened by a program: see docs/key-store.md.

exit status
  0  done
  1  failed: no such store, disk full, ...; the message says what to do
  2  wrong usage
  3  something was changed, is missing, or is older than it should be
  4  not allowed: wrong passphrase, or files that are not private or not writable

example
  keywrap-store create keys.db --passphrase-file /run/secrets/keywrap
`;
