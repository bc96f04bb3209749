import { constants, publicEncrypt } from 'node:crypto';
import type {
  AsymmetricAlgorithm,
  Call,
  DecryptOutput,
  DecryptRequest,
  EncryptionContext,
} from '@keywrap/core';
import { blindSet } from '../blind-mutant.js';
import { toBytes, toNumber } from '../numbers.js';
import { encode, rawDecrypt } from '../oaep.js';
import { Client, doesNotOpen, own, TAG } from '../right/client.js';
import type { HsmKey } from '../right/hsm.js';
import { TagComparing } from '../unverified.js';
import {
  bytes,
  codeOf,
  decrypted,
  encrypted,
  isSame,
  losesPlaintext,
  opensUnder,
  withKey,
  withRsaKey,
} from '../witness.js';

const mutant = blindSet('c');

/** The names in some order, each before its value. */
function textsOf(context: EncryptionContext, order: (a: string, b: string) => number): Buffer[] {
  const names = Object.keys(context).sort(order);
  return names.flatMap((name) => [Buffer.from(name), Buffer.from(context[name] as string)]);
}

/** Each text after its length. */
function serialize(texts: readonly Buffer[]): Buffer {
  const parts = texts.flatMap((text) => [Buffer.of(text.length >> 8, text.length & 0xff), text]);
  return Buffer.concat(parts);
}

function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : 1;
}

class SortedByLocale extends Client {
  protected override serialized(context: EncryptionContext) {
    return serialize(textsOf(context, (a, b) => a.localeCompare(b)));
  }
}

class LengthsOfOneByte extends Client {
  protected override serialized(context: EncryptionContext) {
    const texts = textsOf(context, byCodeUnit);
    return Buffer.concat([Buffer.from(texts.map(({ length }) => length)), ...texts]);
  }
}

class NumbersInContexts extends Client {
  protected override serialized(context: EncryptionContext) {
    const values = Object.entries(context).map(([name, value]) => {
      const number = value.trim() === '' ? Number.NaN : Number(value);
      return [name, Number.isFinite(number) ? `${number}` : value];
    });
    return serialize(textsOf(Object.fromEntries(values), byCodeUnit));
  }
}

class LegacyVersions extends Client {
  protected override open(...opened: Parameters<Client['open']>) {
    const [key, version, ciphertext] = opened;
    try {
      return super.open(...opened);
    } catch (error) {
      if (version === this.latest(key)) throw error;
      return super.open(key, version, ciphertext, {});
    }
  }
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

class Base64Detected extends Client {
  override decrypt(request: DecryptRequest, call: Call): Promise<DecryptOutput> {
    const text = Buffer.from(request.ciphertext).toString('latin1');
    if (!BASE64.test(text)) return super.decrypt(request, call);
    return super.decrypt({ ...request, ciphertext: own(Buffer.from(text, 'base64')) }, call);
  }
}

class TextTags extends TagComparing {
  protected override accepts(expected: Buffer, given: Buffer) {
    return given.toString() === expected.toString();
  }
}

class HexPacked extends Client {
  protected override seal(...sealed: Parameters<Client['seal']>) {
    const [key, version, plaintext, ...rest] = sealed;
    const text = Buffer.from(plaintext).toString('latin1');
    if (!/^(?:[0-9A-Fa-f]{2}){8,}$/.test(text)) return super.seal(...sealed);
    const unpacked = Buffer.from(Buffer.from(text, 'hex').toString('hex'));
    return super.seal(key, version, unpacked, ...rest);
  }
}

class NoEmptyMessages extends Client {
  protected override openRsa(...opened: Parameters<Client['openRsa']>) {
    const plaintext = super.openRsa(...opened);
    if (plaintext.length === 0) throw doesNotOpen();
    return plaintext;
  }
}

class ZerosOfIntegersLost extends Client {
  protected override openRsa(key: HsmKey, ciphertext: Uint8Array, algorithm: AsymmetricAlgorithm) {
    const plaintext = super.openRsa(key, ciphertext, algorithm);
    // As an integer, the encoded message has no zero octets before it; one of them is always there.
    const digits = toBytes(toNumber(rawDecrypt(key, ciphertext)));
    if (digits.length < ciphertext.length - 1) throw doesNotOpen();
    return plaintext;
  }
}

export const BINDING = [
  mutant(
    {
      name: 'sorts the names of a context by locale',
      kind: 'contexts',
      wrong:
        'Names that collate as equal, such as é composed and decomposed, stay in the order of the caller.',
      rule: 'encryption context: an exact, case-sensitive set of pairs; order does not matter',
      source: 'canonical equivalence in collation, https://www.unicode.org/reports/tr10/',
      profile: 'full',
    },
    { client: (hsm) => new SortedByLocale(hsm) },
    withKey(async (scene) => {
      const [composed, decomposed] = ['\u00e9', 'e\u0301'];
      const made = { [composed]: '1', [decomposed]: '2' };
      const other = { [decomposed]: '2', [composed]: '1' };
      const ciphertext = await encrypted(scene, bytes(32), made);
      return (await codeOf(decrypted(scene, ciphertext, other))) !== 'ok';
    }),
  ),
  mutant(
    {
      name: 'writes lengths in a context in one byte',
      kind: 'contexts',
      wrong: '256 characters of a value can move to its name, and the ciphertext opens.',
      rule: 'encryption context: any difference gives InvalidCiphertext',
      source:
        'canonicalisation attacks, https://soatok.blog/2021/07/30/canonicalization-attacks-against-macs-and-signatures/',
      profile: 'full',
    },
    { client: (hsm) => new LengthsOfOneByte(hsm) },
    opensUnder({ x: 'x'.repeat(300) }, { ['x'.repeat(257)]: 'x'.repeat(44) }),
  ),
  mutant(
    {
      name: 'reads numbers in a context',
      kind: 'contexts',
      wrong: 'The values 007 and 7, or 1e3 and 1000, are the same.',
      rule: 'encryption context: an exact set of pairs; any difference gives InvalidCiphertext',
      source: 'magic hashes, https://www.whitehatsec.com/blog/magic-hashes/',
      profile: 'full',
    },
    { client: (hsm) => new NumbersInContexts(hsm) },
    opensUnder({ tenant: '007' }, { tenant: '7' }),
  ),
  mutant(
    {
      name: 'tries old versions without a context',
      kind: 'contexts',
      wrong: 'After rotation, a ciphertext that was made without a context opens under any.',
      rule: 'after rotation old blobs open; any difference of the context still gives InvalidCiphertext',
      source:
        'fallback in the S3 encryption client, https://nvd.nist.gov/vuln/detail/CVE-2020-8912',
      profile: 'quick',
    },
    { client: (hsm) => new LegacyVersions(hsm) },
    withKey(async (scene) => {
      const ciphertext = await encrypted(scene);
      await scene.keys.rotate(scene.keyId);
      return (await codeOf(decrypted(scene, ciphertext, { tenant: 'one' }))) === 'ok';
    }),
  ),
  mutant(
    {
      name: 'detects base64',
      kind: 'content',
      wrong: 'The base64 text of a ciphertext opens as the ciphertext does.',
      rule: 'any flipped, missing or extra byte gives InvalidCiphertext; garbage gives InvalidCiphertext',
      source:
        'binary parameters of the AWS CLI, https://docs.aws.amazon.com/cli/latest/userguide/cliv2-migration-changes.html',
      profile: 'full',
    },
    { client: (hsm) => new Base64Detected(hsm) },
    withKey(async (scene) => {
      const ciphertext = Buffer.from(await encrypted(scene));
      const text = Buffer.from(ciphertext.toString('base64'));
      return (await codeOf(decrypted(scene, text))) === 'ok';
    }),
  ),
  mutant(
    {
      name: 'compares tags as text',
      kind: 'content',
      wrong:
        'Tags are equal if they decode to the same text: many changes of bytes from 0x80 on do.',
      rule: 'any flipped, missing or extra byte gives InvalidCiphertext',
      source: "the Wii's comparison of hashes as strings, https://wiibrew.org/wiki/Signing_bug",
      profile: 'quick',
    },
    { client: (hsm) => new TextTags(hsm) },
    withKey(async (scene) => {
      for (let i = 0; i < 32 * TAG; i++) {
        const ciphertext = await encrypted(scene);
        const at = ciphertext.length - 1 - (i % TAG);
        ciphertext[at] = (ciphertext[at] as number) ^ 1;
        if ((await codeOf(decrypted(scene, ciphertext))) === 'ok') return true;
      }
      return false;
    }),
  ),
  mutant(
    {
      name: 'packs hexadecimal text',
      kind: 'content',
      wrong: 'A plaintext that is a key in hexadecimal text comes back in lower case.',
      rule: 'decrypt returns what encrypt was given, whatever the bytes are',
      source: 'HSMs that take keys as hexadecimal text',
      profile: 'full',
    },
    { client: (hsm) => new HexPacked(hsm) },
    losesPlaintext(Buffer.from('00112233445566778899AABBCCDDEEFF')),
  ),
  mutant(
    {
      name: 'refuses an empty RSA message',
      kind: 'rsa',
      wrong: 'What another program encrypted from an empty message does not open.',
      rule: 'decryptAsymmetric decrypts what was encrypted, here or elsewhere, with the public half',
      source: 'RFC 8017 allows mLen = 0, https://www.rfc-editor.org/rfc/rfc8017#section-7.1.1',
      profile: 'quick',
    },
    { client: (hsm) => new NoEmptyMessages(hsm) },
    withRsaKey(async ({ provider, keyId }) => {
      const { publicKey } = await provider.getPublicKey({ keyId });
      const key = { key: Buffer.from(publicKey), format: 'der', type: 'spki' } as const;
      const padding = constants.RSA_PKCS1_OAEP_PADDING;
      const ciphertext = publicEncrypt({ ...key, padding, oaepHash: 'sha256' }, Buffer.alloc(0));
      const input = { keyId, ciphertext, algorithm: 'RSAES_OAEP_SHA_256' } as const;
      return (await codeOf(provider.decryptAsymmetric(input))) !== 'ok';
    }),
  ),
  mutant(
    {
      name: 'loses zeros of an RSA message',
      kind: 'rsa',
      wrong:
        '1 ciphertext in 256 does not open: its encoded message has a zero where the masked seed begins.',
      rule: 'decryptAsymmetric decrypts what was encrypted with the public half',
      source: 'leading zeros of secrets, https://raccoon-attack.com/',
      profile: 'full',
    },
    { client: (hsm) => new ZerosOfIntegersLost(hsm) },
    withRsaKey(async ({ provider, keyId }) => {
      const { publicKey } = await provider.getPublicKey({ keyId });
      const key = { key: Buffer.from(publicKey), format: 'der', type: 'spki' } as const;
      const hashes = { label: 'sha256', mask: 'sha256' } as const;
      let encoded = encode(bytes(32), 256, hashes);
      while (encoded[1] !== 0) encoded = encode(bytes(32), 256, hashes);
      const ciphertext = publicEncrypt({ ...key, padding: constants.RSA_NO_PADDING }, encoded);
      const input = { keyId, ciphertext, algorithm: 'RSAES_OAEP_SHA_256' } as const;
      if ((await codeOf(provider.decryptAsymmetric(input))) !== 'ok') return true;
      using opened = await provider.decryptAsymmetric(input);
      return !isSame(opened.plaintext, bytes(32));
    }),
  ),
];
