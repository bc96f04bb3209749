/** The layout of a blob in `docs/blob-format.md`: key id, key version, nonce, ciphertext, tag. */
const ID_OFFSET = 5;
const VERSION_LENGTH = 4;
const NONCE_LENGTH = 24;

/** The reason of a blob whose id is damaged, so that it names a key which does not exist. */
export const UNKNOWN_KEY = 'it names a key that is not there';

/** Blobs that do not decrypt, each with the reason; none of them names another key that exists. */
export function spoiledBlobs(blob: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const idLength = blob[ID_OFFSET - 1] as number;
  const version = ID_OFFSET + idLength;
  const nonce = version + VERSION_LENGTH;
  const ciphertext = nonce + NONCE_LENGTH;
  const flipped = (at: number) => {
    const copy = blob.slice();
    copy[at] = (copy[at] as number) ^ 1;
    return copy;
  };
  return new Map([
    ['the first byte of the tag is wrong', flipped(blob.length - 16)],
    ['the last byte of the tag is wrong', flipped(blob.length - 1)],
    ['the nonce is wrong where the key is derived', flipped(nonce)],
    ['the nonce is wrong where AES-GCM takes it', flipped(ciphertext - 1)],
    ['the ciphertext is wrong', flipped(ciphertext)],
    ['it names a material version that is not there', flipped(nonce - 1)],
    ['it is cut by a byte', blob.slice(0, -1)],
    ['it ends before its tag', blob.slice(0, ciphertext + 1)],
    ['it ends in its header', blob.slice(0, version)],
    ['it is one byte long', blob.slice(0, 1)],
    ['it has a byte too many', Uint8Array.of(...blob, 0)],
    ['it is of another format', flipped(0)],
    ['it is of another version of the format', flipped(3)],
    ['its key id is no UTF-8', blob.with(ID_OFFSET, 0xff)],
    ['its key id is empty', blob.with(ID_OFFSET - 1, 0)],
    ['its key id is longer than the blob', blob.with(ID_OFFSET - 1, 0xff)],
    [UNKNOWN_KEY, flipped(ID_OFFSET)],
  ]);
}
