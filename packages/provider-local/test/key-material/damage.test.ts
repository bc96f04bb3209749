import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { expect } from 'chai';
import {
  type Asn1,
  derBytes,
  derString,
  integer,
  itemsOf,
  nullValue,
  objectIdentifier,
  octetString,
  parseDer,
  sequence,
} from '#dist/key-material/der.js';
import { OID } from '#dist/key-material/object-identifiers.js';
import { encodeRsaPkcs8, type RsaFactor, rsaPrivateNumbersOf } from '#dist/key-material/rsa.js';
import { fixture, PASSPHRASE, refusal } from './support.js';

const derOf = (name: string): Uint8Array =>
  new Uint8Array(createPrivateKey(fixture(name)).export({ type: 'pkcs8', format: 'der' }));

describe('Damaged keys', () => {
  const rsa = rsaPrivateNumbersOf(derOf('rsa-2048.pem'));
  const threePrime = rsaPrivateNumbersOf(derOf('three-prime-2048.pem'));

  it('RSA numbers that do not belong together', async () => {
    const [q, p, r] = threePrime.factors as [RsaFactor, RsaFactor, RsaFactor];
    const damaged = [
      { ...rsa, modulus: rsa.modulus + 2n },
      { ...rsa, publicExponent: 3n },
      { ...rsa, publicExponent: 0n },
      { ...rsa, privateExponent: rsa.privateExponent + 2n },
      { ...rsa, factors: [rsa.factors[1], rsa.factors[0]] as RsaFactor[] },
      {
        ...rsa,
        factors: rsa.factors.map((factor) => ({ ...factor, exponent: factor.exponent + 1n })),
      },
      { ...threePrime, factors: [q, p, { ...r, coefficient: r.coefficient + 1n }] },
      { ...threePrime, factors: [q, p] },
    ];
    for (const key of damaged) {
      expect(await refusal(encodeRsaPkcs8(key))).to.contain('do not belong together');
    }
  });

  it('an EC key with the public key of another', async () => {
    const der = derOf('p256-sec1.pem');
    const other = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).publicKey;
    der.set(other.export({ type: 'spki', format: 'der' }).subarray(-65), der.length - 65);
    expect(await refusal(der)).to.contain('do not belong together');
  });

  it('an EC key of zero, or as large as the order of the curve', async () => {
    const order = 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551';
    for (const scalar of ['00'.repeat(32), order, 'ff'.repeat(32), '01'.repeat(33)]) {
      const [version, algorithm] = itemsOf(parseDer(derOf('p256-sec1.pem'))) as [Asn1, Asn1];
      const octets = octetString(Buffer.from(scalar, 'hex').toString('latin1'));
      const privateKey = octetString(derString(sequence(integer(1), octets)));
      await refusal(derBytes(sequence(version, algorithm, privateKey)));
    }
  });

  it('a point that is not on the curve', async () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    const der = publicKey.export({ type: 'spki', format: 'der' });
    der[der.length - 1] = (der[der.length - 1] as number) ^ 1;
    await refusal(der);
  });

  for (const file of ['rsa-2048.pem', 'p256-sec1.pem', 'three-prime-2048.pem']) {
    it(`${file} cut off anywhere, or with more after it`, async () => {
      const der = derOf(file);
      for (let length = 0; length < der.length; length += 3) await refusal(der.slice(0, length));
      await refusal(Uint8Array.of(...der, 0));
    });
  }
});

describe('Input that would take long', () => {
  it('more iterations than are ever needed: refused before they begin', async () => {
    for (const iterations of [10_000_001, 2 ** 31, Number.MAX_SAFE_INTEGER]) {
      const message = await refusal(pbes2WithIterations(iterations), 'keyMaterial', PASSPHRASE);
      expect(message).to.contain('asks for more than 10000000 iterations');
    }
    for (const iterations of [2_000_001, Number.MAX_SAFE_INTEGER]) {
      const message = await refusal(pkcs12WithIterations(iterations), 'keyMaterial', PASSPHRASE);
      expect(message).to.contain('asks for more than 2000000 iterations');
    }
    await refusal(pbes2WithIterations(0), 'keyMaterial', PASSPHRASE);
  });

  it('nesting without end', async () => {
    let der = Uint8Array.of(0x30, 0);
    for (let i = 0; i < 5000; i++) der = Uint8Array.of(0x30, 0x80, ...der.slice(0, 2000));
    await refusal(der);
    await refusal(new Uint8Array(100_000).fill(0x30));
  });

  it('more than a megabyte', async () => {
    await refusal(new Uint8Array(1024 * 1024 + 1));
    await refusal('-'.repeat(1024 * 1024 + 1));
  });

  it('RSA numbers of a million bits', async () => {
    const huge = (1n << 1_000_000n) + 1n;
    const numbers = Array.from({ length: 8 }, () => integer(huge));
    await refusal(derBytes(sequence(integer(0), ...numbers)));
  });
});

/** EncryptedPrivateKeyInfo with nothing of value in it. */
function pbes2WithIterations(iterations: number): Uint8Array {
  const kdf = sequence(octetString('salt'), integer(iterations));
  const parameters = sequence(
    sequence(objectIdentifier(OID['id-PBKDF2']), kdf),
    sequence(objectIdentifier(OID['aes256-CBC']), octetString('\0'.repeat(16))),
  );
  const algorithm = sequence(objectIdentifier(OID['id-PBES2']), parameters);
  return derBytes(sequence(algorithm, octetString('\0'.repeat(32))));
}

/** A PKCS#12 file that has no MAC, with a wrong one. */
function pkcs12WithIterations(iterations: number): Uint8Array {
  const [version, authSafe] = itemsOf(parseDer(fixture('rsa-2048-plain.p12'))) as [Asn1, Asn1];
  const algorithm = sequence(objectIdentifier(OID['id-sha256']), nullValue());
  const mac = sequence(algorithm, octetString('\0'.repeat(32)));
  const macData = sequence(mac, octetString('salt'), integer(iterations));
  return derBytes(sequence(version, authSafe, macData));
}
