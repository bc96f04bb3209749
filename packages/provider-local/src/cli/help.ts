/** All that `--help` says. */
export const HELP = `keywrap-store: looks after a folder of keys (the FileKeyStore of @keywrap/provider-local)

usage: keywrap-store ACTION FOLDER [options]

actions
  create FOLDER             make a new, empty store
  list FOLDER               show the keys and their aliases
  verify FOLDER             read every record and audit log, and report what is not as it was written
  backup FOLDER FILE        write the whole store to one encrypted file, which must not exist yet
  restore FOLDER FILE       make the store again from a backup; FOLDER must be missing or empty
  rotate-passphrase FOLDER  protect the store by another passphrase; processes that use it go on
  cancel-deletion FOLDER KEY_ID
                            save a key from the deletion that it waits for; it stays disabled

passphrase, for each action; asked for on the terminal where neither is given
  --passphrase-file PATH    read it from a file (a line break at its end does not count)
  --passphrase-env NAME     read it from an environment variable
for rotate-passphrase, likewise
  --new-passphrase-file PATH
  --new-passphrase-env NAME

more
  --json                    list, verify: print JSON instead of a table
  --generation NUMBER       verify: fail if the store is of an older generation, so that an old copy
                            that was put back shows; verify prints the generation: keep it elsewhere
  --help                    print this

A store that a provider protects (AWS KMS, an HSM) is opened by a program: see docs/key-store.md.

exit status
  0  done
  1  failed: no such store, disk full, ... ; the message says what to do
  2  wrong usage
  3  verify: something was changed, is missing, or is older than it should be
  4  not allowed: wrong passphrase, or files that are not private or not writable
`;
