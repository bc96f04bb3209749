import { constants, publicEncrypt } from 'node:crypto';
import {
  type AsymmetricAlgorithm,
  type Call,
  type DecryptOutput,
  type DecryptRequest,
  type EncryptionContext,
  IN_PROCESS,
  type InProcess,
  isAsymmetricAlgorithm,
  type ReEncryptOutput,
  type ReEncryptRequest,
} from '@keywrap/core';
import { type BlindMutant, blindSet } from '../blind-mutant.js';
import { toBytes, toNumber } from '../numbers.js';
import { Client, own } from '../right/client.js';
import type { HsmKey } from '../right/hsm.js';
import { TagComparing } from '../unverified.js';
import {
  bytes,
  codeOf,
  decrypted,
  encrypted,
  inTurn,
  isSame,
  opensUnder,
  SYMMETRIC,
  withKey,
  withRsaKey,
} from '../witness.js';

const mutant = blindSet('d');

/** Serialises sorted pairs, each part after its length. */
function pairsOf(
  context: EncryptionContext,
  part: (text: string) => readonly Uint8Array[],
): Uint8Array {
  const names = Object.keys(context).sort();
  return Buffer.concat(names.flatMap((name) => [...part(name), ...part(context[name] as string)]));
}

class HeaderClient extends Client {
  protected override serialized(context: EncryptionContext): Uint8Array {
    return pairsOf(context, (text) => {
      const header = Buffer.from(text, 'latin1');
      return [Uint8Array.of(header.length >> 8, header.length), header];
    });
  }
}

class ByteLengthClient extends Client {
  protected override serialized(context: EncryptionContext): Uint8Array {
    return pairsOf(context, (text) => {
      const part = Buffer.from(text, 'utf8');
      return [Uint8Array.of(part.length), part];
    });
  }
}

class DefaultContextClient extends Client {
  async reEncrypt(request: ReEncryptRequest, call: Call): Promise<ReEncryptOutput | InProcess> {
    const { ciphertext, source, destination } = request;
    const isOmitted =
      !isAsymmetricAlgorithm(destination.algorithm) &&
      Object.keys(destination.encryptionContext).length === 0 &&
      Object.keys(source.encryptionContext).length > 0;
    if (!isOmitted) return IN_PROCESS;
    const opened = await this.decrypt({ ...source, ciphertext }, call);
    const { encryptionContext } = source;
    const plaintext = own(opened.plaintext);
    const sealed = await this.encrypt({ ...destination, encryptionContext, plaintext }, call);
    return {
      ciphertext: sealed.ciphertext,
      sourceKeyId: opened.keyId,
      sourceKeyVersion: opened.keyVersion,
      destinationKeyId: sealed.keyId,
      destinationKeyVersion: sealed.keyVersion,
    };
  }
}

class AliasTrustingClient extends Client {
  override async decrypt(request: DecryptRequest, call: Call): Promise<DecryptOutput> {
    const { key: name, algorithm } = request;
    const isByAlias = name !== undefined && 'alias' in name && !isAsymmetricAlgorithm(algorithm);
    if (!isByAlias) return super.decrypt(request, call);
    await this.use(name, algorithm);
    return super.decrypt({ ...request, key: undefined }, call);
  }
}

class SessionClient extends Client {
  readonly #mechanisms = new Map<string, AsymmetricAlgorithm>();

  #mechanism({ id }: HsmKey, algorithm: AsymmetricAlgorithm): AsymmetricAlgorithm {
    const mechanism = this.#mechanisms.get(id) ?? algorithm;
    this.#mechanisms.set(id, mechanism);
    return mechanism;
  }

  protected override sealRsa(key: HsmKey, plaintext: Uint8Array, algorithm: AsymmetricAlgorithm) {
    return super.sealRsa(key, plaintext, this.#mechanism(key, algorithm));
  }

  protected override openRsa(key: HsmKey, ciphertext: Uint8Array, algorithm: AsymmetricAlgorithm) {
    return super.openRsa(key, ciphertext, this.#mechanism(key, algorithm));
  }
}

class SummingClient extends TagComparing {
  protected override accepts(expected: Buffer, given: Buffer): boolean {
    const difference = new Uint8Array(1);
    for (const [i, byte] of expected.entries()) {
      difference[0] = (difference[0] as number) + byte - (given[i] as number);
    }
    return difference[0] === 0;
  }
}

class LineClient extends Client {
  override decrypt(request: DecryptRequest, call: Call): Promise<DecryptOutput> {
    const { algorithm, ciphertext } = request;
    const isLine = !isAsymmetricAlgorithm(algorithm) && ciphertext.at(-1) === 0x0a;
    if (!isLine) return super.decrypt(request, call);
    return super.decrypt({ ...request, ciphertext: own(ciphertext.subarray(0, -1)) }, call);
  }
}

class NumberClient extends Client {
  protected override openRsa(key: HsmKey, ciphertext: Uint8Array, algorithm: AsymmetricAlgorithm) {
    const plaintext = super.openRsa(key, ciphertext, algorithm);
    return plaintext.length === 0 ? plaintext : own(toBytes(toNumber(plaintext)));
  }
}

export const BINDING: readonly BlindMutant[] = [
  mutant(
    {
      name: 'contexts-cut-to-one-byte-per-character',
      kind: 'contexts',
      wrong:
        'The context travels in HTTP headers as Latin-1, which keeps the low byte of each character: š is a',
      source: 'Node.js cut header text the same way: CVE-2018-12116',
      rule: 'context-families',
      profile: 'quick',
    },
    { client: (hsm) => new HeaderClient(hsm) },
    opensUnder({ tenant: '\u0161' }, { tenant: 'a' }),
  ),
  mutant(
    {
      name: 'lengths-in-the-context-kept-in-one-byte',
      kind: 'contexts',
      wrong:
        'The lengths in the serialised context are elements of a Uint8Array, so a value of 259 bytes looks like one of 3 and another pair',
      source: 'a typed array takes numbers modulo 256 without an error',
      rule: 'any-other-context',
      profile: 'soak',
    },
    { client: (hsm) => new ByteLengthClient(hsm) },
    opensUnder(
      { a: `xyz\x7f${'b'.repeat(127)}\x7f${'c'.repeat(127)}` },
      { a: 'xyz', ['b'.repeat(127)]: 'c'.repeat(127) },
    ),
  ),
  mutant(
    {
      name: 're-encrypt-without-a-context-keeps-the-old-one',
      kind: 'contexts',
      wrong: "reEncrypt binds to the source's context where the destination has none",
      source: 'defaults by `destination || source` in clients that re-encrypt inside the backend',
      rule: 'any-other-context',
      profile: 'quick',
    },
    { client: (hsm) => new DefaultContextClient(hsm) },
    withKey(async (scene) => {
      const { provider, keyId } = scene;
      const ciphertext = await encrypted(scene, bytes(32), { a: '1' });
      const source = { keyId, encryptionContext: { a: '1' } };
      const moved = await provider.reEncrypt({ ciphertext, source, destination: { keyId } });
      return (await codeOf(decrypted(scene, moved.ciphertext))) !== 'ok';
    }),
  ),
  mutant(
    {
      name: 'decrypt-by-alias-uses-whatever-key-the-ciphertext-names',
      kind: 'content',
      wrong:
        'decrypt compares the key of a ciphertext with a named id or ARN only: under an alias every key of the account opens',
      source: 'confused deputy: AWS advises to name the key in Decrypt for this reason',
      rule: 'exact-key-ids',
      profile: 'quick',
    },
    { client: (hsm) => new AliasTrustingClient(hsm) },
    withKey(async (scene) => {
      const other = await scene.keys.create(SYMMETRIC);
      await scene.keys.alias('alias/other', other.keyId);
      const ciphertext = await encrypted(scene);
      return (await codeOf(decrypted({ ...scene, keyId: 'alias/other' }, ciphertext))) === 'ok';
    }),
  ),
  mutant(
    {
      name: 'a-session-keeps-the-first-hash-of-an-rsa-key',
      kind: 'rsa',
      wrong:
        'A session is set up once for each RSA key with the hash of its first call, and every later call uses that one whatever it asks for',
      source: 'pools of PKCS #11 sessions that are looked up by key without the mechanism',
      rule: 'rsa-padding',
      profile: 'full',
    },
    { client: (hsm) => new SessionClient(hsm) },
    withRsaKey(async ({ provider, keyId }) => {
      await provider.encrypt({ keyId, plaintext: bytes(16), algorithm: 'RSAES_OAEP_SHA_1' });
      const { publicKey } = await provider.getPublicKey({ keyId });
      const key = { key: Buffer.from(publicKey), format: 'der', type: 'spki' } as const;
      const padding = constants.RSA_PKCS1_OAEP_PADDING;
      const ciphertext = publicEncrypt({ ...key, padding, oaepHash: 'sha256' }, bytes(16));
      const input = { keyId, ciphertext, algorithm: 'RSAES_OAEP_SHA_256' } as const;
      return (await codeOf(provider.decryptAsymmetric(input))) !== 'ok';
    }),
  ),
  mutant(
    {
      name: 'tags-compared-by-a-sum-in-one-byte',
      kind: 'content',
      wrong:
        'The comparison of tags adds up the differences of their bytes in a Uint8Array: one wrong tag in 256 is accepted',
      source: 'memcmp cast to a byte let one password in 256 into MySQL: CVE-2012-2122',
      rule: 'any-other-context',
      profile: 'soak',
    },
    { client: (hsm) => new SummingClient(hsm) },
    withKey(async (scene) => {
      const ciphertext = await encrypted(scene, bytes(32), { n: 'right' });
      const codes = await inTurn(4000, (i) => codeOf(decrypted(scene, ciphertext, { n: `${i}` })));
      return codes.includes('ok');
    }),
  ),
  mutant(
    {
      name: 'a-newline-at-the-end-of-a-ciphertext-is-cut-off',
      kind: 'rare faults',
      wrong:
        'The client trims the newline of a body that is binary: one ciphertext in 256 ends in that byte and never opens again',
      source: 'line-oriented clients, and `fgets` with a strip of its newline, over binary data',
      rule: 'no-rare-faults',
      profile: 'soak',
    },
    { client: (hsm) => new LineClient(hsm) },
    withKey(async (scene) => {
      const ciphertexts = await inTurn(4000, () => encrypted(scene));
      const ending = ciphertexts.filter((each) => each.at(-1) === 0x0a);
      const codes = await inTurn(ending.length, (i) =>
        codeOf(decrypted(scene, ending[i] as Uint8Array)),
      );
      return codes.some((code) => code !== 'ok');
    }),
  ),
  mutant(
    {
      name: 'rsa-plaintexts-lose-leading-zeros',
      kind: 'rsa',
      wrong:
        'RSA plaintexts pass through a big integer on their way back, so their leading zero bytes are lost: one random key in 256 is shorter',
      source: 'TLS strips leading zeros of the premaster secret: Raccoon, CVE-2020-1968',
      rule: 'content-independent',
      profile: 'full',
    },
    { client: (hsm) => new NumberClient(hsm) },
    withRsaKey(async ({ provider, keyId }) => {
      const plaintext = Uint8Array.of(0, 0, 1, 2, 3);
      const key = { keyId, algorithm: 'RSAES_OAEP_SHA_256' } as const;
      const { ciphertext } = await provider.encrypt({ ...key, plaintext });
      using opened = await provider.decryptAsymmetric({ ...key, ciphertext });
      return !isSame(opened.plaintext, plaintext);
    }),
  ),
];
