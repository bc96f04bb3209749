import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { expect } from 'chai';
import forge from 'node-forge';
import {
  type Asn1,
  bitString,
  bitsOf,
  derBytes,
  explicit,
  integer,
  itemsOf,
  nullValue,
  objectIdentifier,
  octetString,
  octetsOf,
  parseDer,
  sequence,
} from '#dist/cipher/engines/forge/der.js';
import {
  fixture,
  OID,
  PASSPHRASE,
  PLATFORMS,
  rejection,
  unsigned,
  useBrowserPlatform,
} from './support.js';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

const derOf = (name: string): Uint8Array =>
  new Uint8Array(createPrivateKey(fixture(name)).export({ type: 'pkcs8', format: 'der' }));

/** PrivateKeyInfo and SubjectPublicKeyInfo with other contents. */
const withKey = (pkcs8: Uint8Array, key: Uint8Array, ...more: Asn1[]): Uint8Array => {
  const [version, algorithm] = itemsOf(parseDer(pkcs8)) as [Asn1, Asn1];
  return derBytes(sequence(version, algorithm, octetString(key), ...more));
};

for (const platform of PLATFORMS) {
  describe(`Damaged keys, by ${platform}`, () => {
    if (platform === 'node-forge') useBrowserPlatform();

    it('RSA numbers that do not belong together', async () => {
      const jwk = createPrivateKey(fixture('rsa-2048.pem')).export({ format: 'jwk' });
      const number = (name: keyof typeof jwk) =>
        BigInt(`0x${Buffer.from(jwk[name] as string, 'base64url').toString('hex')}`);
      const [n, e, d, p, q, dp, dq, qi] = (
        ['n', 'e', 'd', 'p', 'q', 'dp', 'dq', 'qi'] as const
      ).map(number) as [bigint, bigint, bigint, bigint, bigint, bigint, bigint, bigint];
      const damaged = [
        [n + 2n, e, d, p, q, dp, dq, qi],
        [n, 3n, d, p, q, dp, dq, qi],
        [n, 0n, d, p, q, dp, dq, qi],
        [n, e + 1n, d, p, q, dp, dq, qi],
        [n, e + 2n ** 64n, d, p, q, dp, dq, qi],
        [n, e, d + 2n, p, q, dp, dq, qi],
        [n, e, d + n, p, q, dp, dq, qi],
        [n, e, d, q, p, dp, dq, qi],
        [n, e, d, 0n, q, dp, dq, qi],
        [n, e, d, 1n, n, dp, dq, qi],
        [n, e, d, p, q, dp + 1n, dq, qi],
        [n, e, d, p, q, dp, dq + 1n, qi],
        [n, e, d, p, q, dp, dq, qi + 1n],
        [n, e, d, p, q, dp, dq, qi + p],
      ] as const;
      for (const numbers of damaged) {
        const key = derBytes(sequence(integer(0), ...numbers.map(unsigned)));
        const message = await rejection(key);
        expect(message).to.match(/do not belong together|is damaged/);
      }
      await rejection(derBytes(sequence(unsigned(n), unsigned(4n)))); // RSAPublicKey
    });

    it('trailing bytes within the structure of a key, private and public', async () => {
      for (const file of ['rsa-2048.pem', 'p256-sec1.pem']) {
        const der = derOf(file);
        const key = octetsOf(itemsOf(parseDer(der))[2]);
        await rejection(withKey(der, Uint8Array.of(...key, 5, 0)));
        const spki = createPublicKey(fixture(file)).export({ type: 'spki', format: 'der' });
        const [algorithm] = itemsOf(parseDer(spki)) as [Asn1];
        const bits = bitsOf(itemsOf(parseDer(spki))[1]);
        await rejection(derBytes(sequence(algorithm, bitString(Uint8Array.of(...bits, 5, 0)))));
      }
    });

    it('object identifiers that are empty, padded or cut off', async () => {
      const rsa = [42, 134, 72, 134, 247, 13, 1, 1, 1];
      for (const oid of [
        [],
        [0x80, ...rsa],
        [42, 0x80, ...rsa.slice(1)],
        [...rsa, 0x81],
        rsa.slice(0, 2),
      ]) {
        const { Class, Type } = forge.asn1;
        const value = forge.asn1.create(
          Class.UNIVERSAL,
          Type.OID,
          false,
          String.fromCharCode(...oid),
        );
        const [version, , key] = itemsOf(parseDer(derOf('rsa-2048.pem'))) as [Asn1, Asn1, Asn1];
        await rejection(derBytes(sequence(version, sequence(value, nullValue()), key)));
      }
    });

    it("an EC key with another key's public key", async () => {
      const der = derOf('p256-sec1.pem');
      const other = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).publicKey;
      der.set(other.export({ type: 'spki', format: 'der' }).subarray(-65), der.length - 65);
      expect(await rejection(der)).to.contain('do not belong together');
    });

    it('an EC key of zero, or as large as the order of the curve', async () => {
      const order = 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551';
      for (const scalar of ['00'.repeat(32), order, 'ff'.repeat(32), '01'.repeat(33)]) {
        const [version, algorithm] = itemsOf(parseDer(derOf('p256-sec1.pem'))) as [Asn1, Asn1];
        const octets = octetString(Buffer.from(scalar, 'hex'));
        const privateKey = octetString(derBytes(sequence(integer(1), octets)));
        await rejection(derBytes(sequence(version, algorithm, privateKey)));
      }
    });

    it('the point at infinity, and none, for a public key', async () => {
      const spki = createPublicKey(fixture('p256-sec1.pem')).export({
        type: 'spki',
        format: 'der',
      });
      const [algorithm] = itemsOf(parseDer(spki)) as [Asn1];
      const [scalar] = [
        octetsOf(itemsOf(parseDer(octetsOf(itemsOf(parseDer(derOf('p256-sec1.pem')))[2])))[1]),
      ];
      for (const point of [Uint8Array.of(0), new Uint8Array()]) {
        await rejection(derBytes(sequence(algorithm, bitString(point))));
        const key = sequence(integer(1), octetString(scalar), explicit(1, bitString(point)));
        await rejection(withKey(derOf('p256-sec1.pem'), derBytes(key)));
      }
    });

    it('a point that is not on the curve', async () => {
      const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
      const der = publicKey.export({ type: 'spki', format: 'der' });
      der[der.length - 1] = (der[der.length - 1] as number) ^ 1;
      await rejection(der);
    });

    for (const file of ['rsa-2048.pem', 'p256-sec1.pem']) {
      it(`${file} truncated anywhere, or with trailing bytes`, async () => {
        const der = derOf(file);
        for (let length = 0; length < der.length; length += 3)
          await rejection(der.slice(0, length));
        await rejection(Uint8Array.of(...der, 0));
      });
    }
  });
}

describe('Input that would take a long time', () => {
  it('excessive iterations: rejected before they begin', async () => {
    for (const iterations of [10_000_001, 2 ** 31, Number.MAX_SAFE_INTEGER]) {
      const message = await rejection(pbes2WithIterations(iterations), 'keyMaterial', PASSPHRASE);
      expect(message).to.contain('asks for more than 10000000 iterations');
    }
    for (const iterations of [2_000_001, Number.MAX_SAFE_INTEGER]) {
      const message = await rejection(pkcs12WithIterations(iterations), 'keyMaterial', PASSPHRASE);
      expect(message).to.contain('asks for more than 2000000 iterations');
    }
    await rejection(pbes2WithIterations(0), 'keyMaterial', PASSPHRASE);
  });

  it('endless nesting', async () => {
    let der = Uint8Array.of(0x30, 0);
    for (let i = 0; i < 5000; i++) der = Uint8Array.of(0x30, 0x80, ...der.slice(0, 2000));
    await rejection(der);
    await rejection(new Uint8Array(100_000).fill(0x30));
  });

  it('more than a megabyte', async () => {
    await rejection(new Uint8Array(1024 * 1024 + 1));
    await rejection('-'.repeat(1024 * 1024 + 1));
  });

  it('RSA numbers of a million bits', async () => {
    const huge = (1n << 1_000_000n) + 1n;
    const numbers = Array.from({ length: 8 }, () => unsigned(huge));
    await rejection(derBytes(sequence(integer(0), ...numbers)));
  });
});

/** EncryptedPrivateKeyInfo with nothing of value in it. */
function pbes2WithIterations(iterations: number): Uint8Array {
  const kdf = sequence(octetString(utf8('salt')), unsigned(iterations));
  const parameters = sequence(
    sequence(objectIdentifier(OID.PBKDF2), kdf),
    sequence(objectIdentifier(OID['aes256-CBC']), octetString(new Uint8Array(16))),
  );
  const algorithm = sequence(objectIdentifier(OID.PBES2), parameters);
  return derBytes(sequence(algorithm, octetString(new Uint8Array(32))));
}

/** A PKCS#12 file that has no MAC, with a wrong one. */
function pkcs12WithIterations(iterations: number): Uint8Array {
  const [version, authSafe] = itemsOf(parseDer(fixture('rsa-2048-plain.p12'))) as [Asn1, Asn1];
  const algorithm = sequence(objectIdentifier(OID.sha256), nullValue());
  const mac = sequence(algorithm, octetString(new Uint8Array(32)));
  const macData = sequence(mac, octetString(utf8('salt')), unsigned(iterations));
  return derBytes(sequence(version, authSafe, macData));
}
